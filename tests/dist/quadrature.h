// Integrals of the density of a distribution, without a hint where its mass is.
#pragma once

#include <vector>

#include "tests/dist/library.h"

namespace hearsay::dist_test {

/// `n` draws of the distribution's own sampler; each `stream` is another sample.
[[nodiscard]] std::vector<double> draws(Distribution& d, std::uint64_t stream, int n);
/// Up to `n` points that cut the line where the mass is: quantiles of a sample of their own, so that neither location
/// nor scale has to be known.
[[nodiscard]] std::vector<double> cuts(Distribution& d, std::size_t n);
/// The integral of the density from `from` to the end of the support on one side.
[[nodiscard]] double tail_integral(Distribution& d, double from, bool upper);
/// The integral between two points; `middle` is where most of the mass is.
[[nodiscard]] double integral(Distribution& d, double low, double high, double middle);

}  // namespace hearsay::dist_test
