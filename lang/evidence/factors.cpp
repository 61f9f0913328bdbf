#include "lang/evidence/factors.h"

#include <algorithm>
#include <cmath>

namespace hearsay::evidence {

double soft_event(double s, double p) noexcept {
  constexpr double expm1_overflows = 700;
  if (p <= 0.5) {
    if (s <= expm1_overflows) return std::log1p(p * std::expm1(s));
    return p > 0 ? s + std::log(p + (1 - p) * std::exp(-s)) : 0.0;
  }
  // From the other side, ln(1 + (e^s − 1) p) = s + ln(1 + (e^−s − 1) q); q = 1 − p is exact for p > ½.
  const double q = 1 - p;
  if (q == 0) return s;
  if (s < -1) return std::log(q + p * std::exp(s));  // both terms positive, their sum below 0.69
  return s + std::log1p(q * std::expm1(-s));
}

double soft_event_slope(double s, double p) noexcept {
  // Divided by the larger of 1 and e^s, so that nothing overflows before the result does.
  if (s > 0) return -std::expm1(-s) / (std::exp(-s) * (1 - p) + p);
  return std::expm1(s) / ((1 - p) + p * std::exp(s));
}

Nats robust_charge(double beta, double w) noexcept { return Nats::of(w / beta); }

Result<double> checked_weight(double w, SourceSpan where) {
  if (!(w >= 0) || !std::isfinite(w)) {
    return fail(diagnose<DiagnosticKind::bad_weight>(where, "weight", "finite and 0 or more", w)
                    .with_help("weight 1 counts the observation once, 0.5 as half an observation, 0 not at all"));
  }
  return w;
}

Result<double> checked_beta(double beta, SourceSpan where) {
  if (!(beta > 0) || !std::isfinite(beta)) {
    return fail(
        diagnose<DiagnosticKind::bad_weight>(where, "robust parameter", "finite and above 0", beta)
            .with_help("`robust 1` is half the Brier score; as it goes to 0 the form becomes `weight`, which has no "
                       "bound"));
  }
  return beta;
}

Result<Nats> checked_bound(double nats, SourceSpan where) {
  if (!(nats >= 0) || !std::isfinite(nats)) {
    return fail(diagnose<DiagnosticKind::bad_weight>(where, "bound", "a finite number of nats, 0 or more", nats)
                    .with_help("write the largest change of log-odds that this observation may make: `within 1 nats`"));
  }
  return Nats::of(nats);
}

Nats oscillation(std::span<const double> log_weights) {
  if (log_weights.empty()) return {};
  const auto [low, high] = std::minmax_element(log_weights.begin(), log_weights.end());
  return Nats::of(*high - *low);
}

Result<PartitionWeights> likelihood_vector(std::span<const double> likelihoods, SourceSpan where) {
  PartitionWeights result;
  result.log_weights.reserve(likelihoods.size());
  for (const double l : likelihoods) {
    if (!(l > 0) || !std::isfinite(l)) {
      return fail(diagnose<DiagnosticKind::bad_likelihood>(where, l).with_help(
          l == 0 ? "a likelihood of 0 rules the value out, which is hard evidence: write `observe`, or a small number"
                 : "only the ratios matter: {a: 4, b: 2, c: 1} speaks for a twice as strongly as for b"));
    }
    result.log_weights.push_back(std::log(l));
  }
  result.strength = oscillation(result.log_weights);
  return result;
}

}  // namespace hearsay::evidence
