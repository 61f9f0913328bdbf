// Seeds of random tests: from their names, so that nobody chooses them.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearsay::testing {

constexpr std::uint64_t seed_of(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

}  // namespace hearsay::testing
