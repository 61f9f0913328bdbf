#include "lang/support/large.h"

#include <doctest/doctest.h>

#include <cstdint>

TEST_CASE("a filled vector has every element, whatever its size") {
  for (const std::size_t n : {0UL, 1UL, 4095UL, 4096UL, 4097UL, 1000000UL}) {
    std::size_t next = 0;
    const auto v = hearsay::filled<std::int64_t>(n, [&](std::size_t first, std::vector<std::int64_t>& block) {
      CHECK(first == next);  // in order, without gaps
      next += block.size();
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::int64_t>(3 * (first + i));
    });
    CHECK(next == n);
    REQUIRE(v.size() == n);
    bool right = true;
    for (std::size_t i = 0; i < n; ++i) right = right && v[i] == static_cast<std::int64_t>(3 * i);
    CHECK(right);
  }
}
