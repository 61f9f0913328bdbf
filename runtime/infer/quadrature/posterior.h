// The posterior of one continuous latent, by adaptive quadrature: every answer comes with a bound on its error.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lang/support/diagnostic.h"
#include "runtime/infer/quadrature/options.h"

namespace hearsay::infer {

namespace quadrature {
struct Cover;
}

/// A point of a finite mixture that stands for the posterior; the weights of all atoms sum to 1.
struct Atom {
  double x = 0;
  double log_weight = 0;  ///< nats
};

/// Method: a scan and golden-section climbs find where the mass is; panels grow geometrically from every mode; towards
/// infinite ends and poles the coordinate is the logarithm of the distance, and what lies beyond reach is extrapolated
/// as a power law; Gauss–Kronrod panels (10 and 21 points) are split where the error is largest (Piessens et al.,
/// QUADPACK, 1983, with the plain difference of the two rules as error, no heuristic exponent). Error bounds add that
/// difference, the rounding of the log density and the uncertainty of the tails.
///
/// What the bounds take for granted: the log density is computed to a few rounding errors of itself plus
/// `log_density_error`; jumps and poles of the density are breakpoints or large enough to meet a node; a spike much
/// narrower than its surroundings is near a landmark. A jump that is no breakpoint costs evaluations, not accuracy.
///
/// Immutable; threads may share it if the log density allows concurrent calls. For two dimensions, let the log density
/// be the log evidence of an inner posterior, its bound the `log_density_error`, and inner expectations the integrands.
class QuadraturePosterior1d {
public:
  /// Errors: log_density_not_finite, no_mass_found, improper_posterior, interrupted.
  [[nodiscard]] static Result<QuadraturePosterior1d> build(LogDensity1d log_density, Support1d support,
                                                           QuadratureOptions options = {});

  /// ln ∫ exp(log density), nats; the error is in nats too.
  [[nodiscard]] BoundedValue log_evidence() const { return log_evidence_; }

  /// Posterior means of `count` quantities. `breakpoints`: where any of them may jump or kink (event boundaries). The
  /// tolerance is relative to the posterior mean of the quantity's magnitude, so an event of probability 1e-9 is
  /// answered to 1e-9 · tolerance. Quantities are evaluated only where the density is positive.
  /// Errors: quantity_not_finite, expectation_diverges, and those of build().
  [[nodiscard]] Result<std::vector<BoundedValue>> expectation(const Integrands1d& quantities, std::size_t count,
                                                              std::span<const double> breakpoints = {}) const;
  /// The same for one quantity.
  [[nodiscard]] Result<BoundedValue> expectation(const std::function<double(double)>& quantity,
                                                 std::span<const double> breakpoints = {}) const;

  /// P(a < x < b); 0 when the interval is empty. The ends may be infinite.
  [[nodiscard]] Result<BoundedValue> probability(double a, double b) const;

  /// The x with P(X ≤ x) = p. The error covers all x that the errors of the distribution function allow: where there
  /// is no density around the quantile, the whole gap. Errors: bad_quantile_level unless 0 < p < 1.
  [[nodiscard]] Result<BoundedValue> quantile(double p) const;

  /// Where f changes its sign between lo and hi (within the support), ascending: event boundaries for `expectation`.
  /// f is scanned at the nodes of the panels, on a grid of logarithmic distances in the tails, and where |f| dips
  /// between these without changing sign; two changes that no scanned point separates are missed. f may be a step
  /// function. Errors: quantity_not_finite for a NaN.
  [[nodiscard]] Result<std::vector<double>> find_breakpoints(const std::function<double(double)>& f, double lo,
                                                             double hi) const;

  /// The nodes of the panels with their weights: a mixture that reproduces expectations of smooth quantities.
  [[nodiscard]] const std::vector<Atom>& atoms() const { return atoms_; }

  /// Evaluations of the log density while building.
  [[nodiscard]] std::size_t evaluations() const { return evaluations_; }

private:
  QuadraturePosterior1d() = default;
  void collect_atoms();
  template <class Answer>
  [[nodiscard]] auto answer(Answer&& body) const -> decltype(body(*this));

  LogDensity1d log_density_;
  Support1d support_;
  QuadratureOptions options_;
  std::shared_ptr<const quadrature::Cover> cover_;
  double reference_ = 0;  ///< log density that the panels' weights are relative to, nats
  BoundedValue log_evidence_;
  std::vector<Atom> atoms_;
  std::size_t evaluations_ = 0;
};

}  // namespace hearsay::infer
