// The log density as the other files here see it: checked, counted, interruptible.
#pragma once

#include <cstddef>

#include "lang/support/diagnostic.h"
#include "runtime/infer/quadrature/chart.h"
#include "runtime/infer/quadrature/options.h"

namespace hearsay::infer::quadrature {

/// Why there is no answer. Thrown inside this folder only; the public functions turn it into a Result.
struct Refusal {
  Diagnostic why;
};
/// What to throw for a quantity that is not finite at x: towards an end of the support (the chart is logarithmic there)
/// an infinite one has outgrown the range of numbers before the density decayed.
[[nodiscard]] Refusal not_finite(const QuadratureOptions& options, const Chart& chart, double quantity, double x);

/// What to throw when a quantity outgrows the density towards x.
[[nodiscard]] Refusal diverges(const QuadratureOptions& options, double x);

/// What to throw when no point of positive density was found, or so few that they have no mass.
[[nodiscard]] Refusal no_mass(const QuadratureOptions& options, const Support1d& support);

/// What to throw when the mass does not fall off towards an end of the support.
[[nodiscard]] Refusal improper(const QuadratureOptions& options, double end);

/// The mass is so far above what the search found that the numbers overflow: begin again, knowing this point.
struct HigherMass {
  double x = 0;
};

/// One answer's view of the density: counts its evaluations. Not for sharing between threads.
class Density {
public:
  Density(const LogDensity1d& log_density, const QuadratureOptions& options)
      : log_density_(&log_density), options_(&options) {}

  /// Finite or −∞. Throws Refusal for NaN, for +∞, and when interrupted.
  [[nodiscard]] double operator()(double x);

  [[nodiscard]] bool exhausted() const { return evaluations_ >= options_->max_evaluations; }
  [[nodiscard]] std::size_t evaluations() const { return evaluations_; }
  [[nodiscard]] const QuadratureOptions& options() const { return *options_; }

private:
  const LogDensity1d* log_density_;
  const QuadratureOptions* options_;
  std::size_t evaluations_ = 0;
};

}  // namespace hearsay::infer::quadrature
