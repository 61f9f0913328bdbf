#include "runtime/infer/quadrature/density.h"

#include <cmath>
#include <limits>

namespace hearsay::infer::quadrature {

Refusal diverges(const QuadratureOptions& options, double x) {
  return {diagnose<DiagnosticKind::expectation_diverges>(options.where, options.name, x)
              .with_help("ask for a quantile or a probability instead")};
}

Refusal not_finite(const QuadratureOptions& options, const Chart& chart, double quantity, double x) {
  if (chart.side != 0 && std::isinf(quantity)) return diverges(options, x);
  return {diagnose<DiagnosticKind::quantity_not_finite>(options.where, quantity, options.name, x)
              .with_help("a quantity is asked for wherever the posterior has density: restrict it, as in "
                         "`if x > 0 then log(x) else 0`")};
}

Refusal no_mass(const QuadratureOptions& options, const Support1d& support) {
  return {diagnose<DiagnosticKind::no_mass_found>(options.where, options.name, support.lo, support.hi)
              .with_help("evidence that no value can explain has probability 0; if the values that can are few, narrow "
                         "the support to where they are")};
}

Refusal improper(const QuadratureOptions& options, double end) {
  return {
      diagnose<DiagnosticKind::improper_posterior>(options.where, options.name, end)
          .with_help(
              "give the latent a proper prior, or evidence that bounds it; if it is proper, its mass lies beyond what "
              "numbers reach: measure the latent in other units, or by its logarithm")};
}

double Density::operator()(double x) {
  if (options_->interrupt != nullptr && options_->interrupt->load(std::memory_order_relaxed)) {
    throw Refusal{diagnose<DiagnosticKind::interrupted>(options_->where)};
  }
  ++evaluations_;
  const double g = (*log_density_)(x);
  if (std::isnan(g) || g == std::numeric_limits<double>::infinity()) {
    throw Refusal{diagnose<DiagnosticKind::log_density_not_finite>(options_->where, g, options_->name, x)
                      .with_help("a log density is a number, or -inf where the density is 0: look for a logarithm or "
                                 "a root of a negative number, 0/0, or inf - inf")};
  }
  return g;
}

}  // namespace hearsay::infer::quadrature
