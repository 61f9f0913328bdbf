// Pareto-smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling",
// JMLR 25, 2024): weights whose largest are replaced by what a generalised Pareto tail expects of them, and a number
// that says whether any of it can be trusted.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hearsay {

struct ParetoFit {
  double shape = 0;  ///< k: the law has 1/k moments if positive
  double scale = 0;  ///< sigma
};

/// Of values above 0, sorted ascending, at least 5: Zhang and Stephens (2009), the shape drawn to 1/2 as by ten more
/// values.
[[nodiscard]] ParetoFit fit_pareto(std::span<const double> sorted);

struct SmoothedWeights {
  std::vector<double> log_weights;  ///< in the order given; their exponentials sum to 1
  std::optional<double> shape;      ///< k-hat; nothing where the tail is too short or constant, and was left alone
  double effective = 0;             ///< 1 / (sum of squared weights)

  /// Above this the error is not what the number of draws suggests (equation 13 of the paper): min(1 - 1/log10(S),
  /// 0.7).
  [[nodiscard]] double threshold() const;
  [[nodiscard]] bool reliable() const { return shape && *shape <= threshold(); }
};

/// From logarithms of ratios target/proposal, in nats, up to a constant; minus infinity is a weight of 0. Draws of a
/// Markov chain have a relative efficiency (effective draws over draws) other than 1. Nothing if a ratio is NaN or plus
/// infinity, or all of them are 0, or there are none.
[[nodiscard]] std::optional<SmoothedWeights> smooth_weights(std::span<const double> log_ratios,
                                                            double relative_efficiency = 1);

}  // namespace hearsay
