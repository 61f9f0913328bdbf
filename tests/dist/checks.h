// What must hold of every distribution. Each check returns what is wrong, one line each; nothing if all is well.
#pragma once

#include <string>
#include <vector>

#include "tests/dist/library.h"
#include "tests/dist/reference.h"

namespace hearsay::dist_test {

using Complaints = std::vector<std::string>;

/// Total mass 1, and P(low <= X <= high) equal to the integral (the sum) of the density over many intervals, tails
/// included.
[[nodiscard]] Complaints check_mass(Distribution& d, double tail_floor = 0);
/// The log density against the reference at many points, far tails included.
[[nodiscard]] Complaints check_density(Distribution& d, const Reference& reference);
/// Draws against probabilities: exact binomial intervals for the counts of 12 cells, at a false-alarm rate of
/// `false_alarm` each. With 4,000 draws a cell of probability 1/12 is found wrong with 99 % power when its probability
/// is off by 0.04.
inline constexpr double false_alarm = 1e-10;
[[nodiscard]] Complaints check_draws(Distribution& d);
/// NaN, infinities and numbers just outside the support are never given a density.
[[nodiscard]] Complaints check_outside(Distribution& d);

}  // namespace hearsay::dist_test
