// Estimates from draws, each with its Monte Carlo standard error.
//
// The errors are those of independent draws, unless the effective number of them is given: draws of a Markov chain have
// one for each kind of estimate (diagnostics.h finds it and calls these).
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace hearsay {

struct MonteCarloEstimate {
  double value = 0;
  double mcse = 0;  ///< Monte Carlo standard error, in the unit of the value
};

/// The mean; error sd/sqrt(n). Nothing for fewer than two draws or when one is not finite.
[[nodiscard]] std::optional<MonteCarloEstimate> mean(std::span<const double> draws,
                                                     std::optional<double> effective = {});

/// The standard deviation (denominator n - 1); its error is by the delta method from the variance of the sample
/// variance, (m4 - sd^4 (n - 3)/(n - 1))/n with the fourth central moment m4; to first order in 1/n, as the package
/// `posterior` does, (m4 - m2^2)/n, if the effective number is given. Nothing for fewer than four draws or when one is
/// not finite, or when the result is not representable.
[[nodiscard]] std::optional<MonteCarloEstimate> standard_deviation(std::span<const double> draws,
                                                                   std::optional<double> effective = {});

/// Quantiles of R's type 7 (linear between order statistics), one for each probability. The error is half the distance
/// between the order statistics that bound the central 68.27 % of Beta(np + 1, n(1-p) + 1), the rank's distribution
/// (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, "Rank-normalization, folding, and localization",
/// section 4.2). Nothing for fewer than two draws, when one is not finite, or when a probability is outside [0, 1].
[[nodiscard]] std::optional<std::vector<MonteCarloEstimate>> quantiles(std::span<const double> draws,
                                                                       std::span<const double> probabilities,
                                                                       std::optional<double> effective = {});

}  // namespace hearsay
