#include "lang/evidence/bounds.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lang/evidence/factors.h"

namespace hearsay::evidence {

ProbabilityRange probability_range(double p, double not_p, Nats charge) {
  // σ(logit p + B) = p / (p + (1 − p) e^−B): no overflow for any B, and exact at 0 and 1.
  const double shrink = std::exp(-charge.value());
  const auto raised = [&](double q, double rest) { return q == 0 ? 0.0 : q / (q + rest * shrink); };
  const auto lowered = [&](double q, double rest) { return rest == 0 ? 1.0 : q * shrink / (rest + q * shrink); };
  return {lowered(p, not_p), raised(p, not_p)};
}

double total_variation_bound(Nats charge) { return std::tanh(charge.value() / 4); }

Nats divergence_bound(Nats charge) {
  const double b = charge.value();
  return Nats::of(std::min(b * b / 8, b));
}

Nats divergence_sum_bound(Nats charge) { return charge * total_variation_bound(charge); }

Nats map_mismatch_bound(std::span<const double> unfaithfulness, Nats charge) {
  Nats sum;
  for (const double delta : unfaithfulness) sum += Nats::of(soft_event(charge.value(), delta));
  return sum;
}

double bounded_loss_count(double prior_mass, Nats strength) {
  if (!(strength > Nats::of(0)) || !(prior_mass > 0)) return std::numeric_limits<double>::infinity();
  // 2k/(k+1) = 2/(1 + e^−s)
  return -std::log(prior_mass) / (std::numbers::ln2 - std::log1p(std::exp(-strength.value())));
}

}  // namespace hearsay::evidence
