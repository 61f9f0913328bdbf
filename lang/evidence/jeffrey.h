// Jeffrey's rule: a claim that names the probability to reach instead of the strength to use (theory.md §3).
#pragma once

#include <span>

#include "lang/evidence/factors.h"
#include "lang/evidence/nats.h"

namespace hearsay::evidence {

/// The signed strength that makes an event of probability `current` have probability `target`:
/// ln [target/(1−target)] − ln [current/(1−current)] (Chan and Darwiche 2005). Targets 0 and 1 are refused (hard
/// evidence), and so is an event that is already impossible or certain.
[[nodiscard]] Result<Nats> jeffrey_strength(double current, double target, SourceSpan where = {});

/// The same on a partition: log-weights ln(target/current) for each cell and their osc. Both vectors have one entry per
/// cell; the target sums to 1 within 1e−9. A cell of current probability 0 has target 0 and log-weight 0.
[[nodiscard]] Result<PartitionWeights> jeffrey_partition(std::span<const double> current,
                                                         std::span<const double> target, SourceSpan where = {});

/// What both of these (and ipfp) ask of a target on a partition of `cells` cells.
[[nodiscard]] Result<void> validate_target(std::span<const double> target, std::size_t cells, SourceSpan where = {});

}  // namespace hearsay::evidence
