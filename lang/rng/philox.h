// Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a keyed
// bijection of 256-bit counters whose values pass every test of randomness that its authors had.
#pragma once

#include <array>
#include <cstdint>

namespace hearsay::rng {

using PhiloxCounter = std::array<std::uint64_t, 4>;
using PhiloxKey = std::array<std::uint64_t, 2>;

[[nodiscard]] PhiloxCounter philox(const PhiloxCounter& counter, const PhiloxKey& key);

}  // namespace hearsay::rng
