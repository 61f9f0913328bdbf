// The dual of fitting several targets at once: the weights are where a convex function has its minimum. Where sweeps
// creep (the answer lies near the edge of what is possible), Newton's method gets there in a few steps.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hearsay::evidence {

/// An axis of a row-major table.
struct Axis {
  std::size_t cells = 1;
  std::size_t stride = 1;
  [[nodiscard]] std::size_t cell(std::size_t flat) const { return flat / stride % cells; }
};

/// No table has more divergence (nats) from `joint` than this, up to rounding: ln(1/smallest probability).
[[nodiscard]] double largest_divergence(std::span<const double> joint);

struct DualFit {
  bool impossible = false;                       ///< no finite weights meet the targets, as far as numbers can tell
  std::vector<std::vector<double>> log_weights;  ///< [target][cell], nats; fitted = joint · e^(their sum)
  std::vector<double> fitted;                    ///< sums to 1
  double gap = 0;                                ///< the largest difference of a marginal from its target
};

/// Minimises ln Σ joint e^w − Σ target·w by Newton's method from weights w, over the targets in `use`, until marginals
/// are met to `tolerance`. Nothing where it does not get there. `joint` is positive or 0, sums to 1; targets are
/// positive where their marginals are.
[[nodiscard]] std::optional<DualFit> fit_by_newton(std::span<const double> joint,
                                                   std::span<const std::vector<double>> targets,
                                                   std::span<const Axis> axes, const std::vector<bool>& use,
                                                   std::vector<std::vector<double>> log_weights, double tolerance);

}  // namespace hearsay::evidence
