// Autocovariances of a series, by the fast Fourier transform.
#pragma once

#include <span>
#include <vector>

namespace hearsay {

/// For the lags 0 to n-1: sum over t of (x[t] - mean)(x[t + lag] - mean), divided by n for every lag (the biased
/// estimate, which Geyer 1992 recommends). In the squared unit of x. Elements must be finite, at least one.
[[nodiscard]] std::vector<double> autocovariance(std::span<const double> x);

}  // namespace hearsay
