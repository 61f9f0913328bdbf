#include "runtime/infer/quadrature/posterior.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "runtime/infer/quadrature/integrator.h"
#include "runtime/infer/quadrature/layout.h"
#include "runtime/infer/quadrature/quantile.h"
#include "runtime/infer/quadrature/sign_changes.h"

namespace hearsay::infer {

using namespace quadrature;

namespace {

// Ratios of two integrals double the error; a factor 2 is left for rounding and tails.
constexpr double share_of_refinement = 0.25;
constexpr int most_restarts = 50;

// A quantity's mean. Rounding of the density at a node shifts it by the error times what the quantity differs from its
// mean there: at most the standard deviation times the root mean square error (Cauchy and Schwarz).
BoundedValue ratio(const Integral& quantity, const Integral& mass, double tolerance) {
  const double value = quantity.value / mass.value;
  const double sure_mass = mass.value - mass.error();
  if (!(sure_mass > 0)) return {value, std::numeric_limits<double>::infinity(), false};
  const double variance = std::fabs(quantity.square / mass.value - value * value) +
                          8 * std::numeric_limits<double>::epsilon() * quantity.square / mass.value;
  double rounding = std::sqrt(variance * mass.square / mass.value) * mass.value +
                    8 * std::numeric_limits<double>::epsilon() * quantity.magnitude;
  const double apart = quantity.rounding + std::fabs(value) * mass.rounding;
  if (!(rounding < apart)) rounding = apart;  // also when a square overflowed
  const double truncation = quantity.truncation + quantity.tail + std::fabs(value) * (mass.truncation + mass.tail);
  const double error = (truncation + rounding) / sure_mass;
  return {value, error, error <= tolerance * quantity.magnitude / mass.value};
}

}  // namespace

Result<QuadraturePosterior1d> QuadraturePosterior1d::build(LogDensity1d log_density, Support1d support,
                                                           QuadratureOptions options) {
  QuadraturePosterior1d posterior;
  posterior.log_density_ = std::move(log_density);
  posterior.support_ = std::move(support);
  posterior.options_ = std::move(options);
  const double tolerance = posterior.options_.relative_tolerance;
  for (int attempt = 0;; ++attempt) {
    try {
      Density density(posterior.log_density_, posterior.options_);
      const Layout layout = lay_out(density, posterior.support_);
      Density fresh(posterior.log_density_, posterior.options_);
      const Integrator integrator(fresh, layout.reference, {});
      Cover cover;
      cover.tails = layout.tails;
      cover.regular_ends = layout.regular_ends;
      for (const Stretch& s : layout.stretches) cover.panels.push_back(integrator.panel(s.chart, s.from, s.to));
      const Integral mass = integrator.integrate(cover, {}, share_of_refinement * tolerance).front();
      if (!(mass.value > 0)) throw no_mass(posterior.options_, posterior.support_);
      posterior.reference_ = layout.reference;
      posterior.log_evidence_.value = layout.reference + std::log(mass.value);
      const double e = mass.error() / mass.value;  // |ln(1 + e)| ≤ e/(1 − e)
      posterior.log_evidence_.error = e < 1 ? e / (1 - e) : std::numeric_limits<double>::infinity();
      posterior.log_evidence_.error +=
          std::numeric_limits<double>::epsilon() * std::fabs(posterior.log_evidence_.value);
      posterior.log_evidence_.converged = e <= tolerance;
      posterior.evaluations_ = density.evaluations() + fresh.evaluations();
      posterior.cover_ = std::make_shared<const Cover>(std::move(cover));
      posterior.collect_atoms();
      return posterior;
    } catch (const HigherMass& found) {
      posterior.options_.landmarks.push_back(found.x);
      if (attempt < most_restarts) continue;
      return fail(
          diagnose<DiagnosticKind::improper_posterior>(posterior.options_.where, posterior.options_.name, found.x)
              .with_help("the density grows without bound there"));
    } catch (Refusal& refusal) {
      return fail(std::move(refusal.why));
    }
  }
}

// Runs `body`, which may find mass that the construction missed; then it runs again on a posterior that knows of it.
template <class Answer>
auto QuadraturePosterior1d::answer(Answer&& body) const -> decltype(body(*this)) {
  try {
    return body(*this);
  } catch (Refusal& refusal) {
    return fail(std::move(refusal.why));
  } catch (const HigherMass& found) {
    QuadratureOptions options = options_;
    options.landmarks.push_back(found.x);
    const Result<QuadraturePosterior1d> better = build(log_density_, support_, std::move(options));
    if (!better) return fail(better.error());
    try {
      return body(*better);
    } catch (Refusal& refusal) {
      return fail(std::move(refusal.why));
    } catch (const HigherMass& again) {
      return fail(diagnose<DiagnosticKind::improper_posterior>(options_.where, options_.name, again.x)
                      .with_help("the density grows without bound there"));
    }
  }
}

Result<std::vector<BoundedValue>> QuadraturePosterior1d::expectation(const Integrands1d& quantities, std::size_t count,
                                                                     std::span<const double> breakpoints) const {
  return answer([&](const QuadraturePosterior1d& self) -> Result<std::vector<BoundedValue>> {
    Density density(self.log_density_, self.options_);
    const Integrator integrator(density, self.reference_, {&quantities, count});
    Cover cover = *self.cover_;
    const double tolerance = self.options_.relative_tolerance;
    const Integrals integrals = integrator.integrate(cover, breakpoints, share_of_refinement * tolerance);
    std::vector<BoundedValue> values;
    for (std::size_t k = 1; k <= count; ++k) values.push_back(ratio(integrals[k], integrals[0], tolerance));
    return values;
  });
}

Result<BoundedValue> QuadraturePosterior1d::expectation(const std::function<double(double)>& quantity,
                                                        std::span<const double> breakpoints) const {
  const auto values = expectation([&](double x, std::span<double> out) { out[0] = quantity(x); }, 1, breakpoints);
  if (!values) return fail(values.error());
  return values->front();
}

Result<BoundedValue> QuadraturePosterior1d::probability(double a, double b) const {
  const std::array<double, 2> ends{a, b};
  return expectation([&](double x) { return x > a && x < b ? 1.0 : 0.0; }, ends);
}

Result<BoundedValue> QuadraturePosterior1d::quantile(double p) const {
  if (!(p > 0 && p < 1)) {
    return fail(diagnose<DiagnosticKind::bad_quantile_level>(options_.where, p)
                    .with_help("0.5 asks for the median, 0.95 for the point that 95 % lie below"));
  }
  return answer([&](const QuadraturePosterior1d& self) -> Result<BoundedValue> {
    Density density(self.log_density_, self.options_);
    return find_quantile(density, self.reference_, *self.cover_, p,
                         share_of_refinement * self.options_.relative_tolerance);
  });
}

Result<std::vector<double>> QuadraturePosterior1d::find_breakpoints(const std::function<double(double)>& f, double lo,
                                                                    double hi) const {
  try {
    const double from = std::fmax(lo, support_.lo);
    const double to = std::fmin(hi, support_.hi);
    return sign_changes(f, sign_scan_points(*cover_, support_, from, to), options_);
  } catch (Refusal& refusal) {
    return fail(std::move(refusal.why));
  }
}

void QuadraturePosterior1d::collect_atoms() {
  const Rule& rule = kronrod_rule();
  double sum = 0;
  for (const Panel& p : cover_->panels) {
    for (std::size_t i = 0; i < rule_size; ++i) {
      const double weight = rule.kronrod[i] * p.weight[i];
      if (weight == 0) continue;
      atoms_.push_back({p.x[i], std::log(weight)});
      sum += weight;
    }
  }
  Density density(log_density_, options_);
  for (const Tail& tail : cover_->tails) {
    const double left = tail_sums(density, reference_, {}, tail).front().value;
    if (left == 0) continue;
    atoms_.push_back({tail.chart.x(tail.cut), std::log(left)});
    sum += left;
  }
  for (Atom& a : atoms_) a.log_weight -= std::log(sum);
  std::sort(atoms_.begin(), atoms_.end(), [](const Atom& a, const Atom& b) { return a.x < b.x; });
}

}  // namespace hearsay::infer
