// Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a keyed
// bijection of 256-bit counters whose values pass every test of randomness that its authors had.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace hearsay::rng {

using PhiloxCounter = std::array<std::uint64_t, 4>;
using PhiloxKey = std::array<std::uint64_t, 2>;

[[nodiscard]] PhiloxCounter philox(const PhiloxCounter& counter, const PhiloxKey& key);
/// The values of `counter` and of those after it (its first word counts), four numbers each; the size of `out` is a
/// multiple of four. Several counters are on their way at once, so a number costs less than half of what single calls
/// cost.
void philox_run(PhiloxCounter counter, const PhiloxKey& key, std::span<std::uint64_t> out);

}  // namespace hearsay::rng
