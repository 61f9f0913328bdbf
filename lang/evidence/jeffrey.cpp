#include "lang/evidence/jeffrey.h"

#include <cmath>

#include "lang/evidence/compensated_sum.h"

namespace hearsay::evidence {
namespace {

Diagnostic hard_target(SourceSpan where, double target) {
  return diagnose<DiagnosticKind::hard_target>(where, target)
      .with_help(target == 0 ? "write `observe not (…)`, which is what certainty is called here"
                             : "write `observe`, which is what certainty is called here");
}

Diagnostic unreachable(SourceSpan where, double current, double target) {
  return diagnose<DiagnosticKind::unreachable_target>(where, current, target)
      .with_help(
          current == 1
              ? "soft evidence multiplies odds, and infinite odds stay infinite: look at what was observed before, or "
                "at the prior"
              : "soft evidence multiplies odds, and odds of 0 stay 0: look at what was observed before, or at "
                "the prior");
}

}  // namespace

Result<Nats> jeffrey_strength(double current, double target, SourceSpan where) {
  if (!(target >= 0 && target <= 1)) {
    return fail(diagnose<DiagnosticKind::bad_target>(where, "a probability", target)
                    .with_help("after `to` stands the probability to reach; for a strength write `odds` or `nats`"));
  }
  if (target == 0 || target == 1) return fail(hard_target(where, target));
  if (!(current > 0 && current < 1)) return fail(unreachable(where, current, target));
  return Nats::of((std::log(target) - std::log(current)) - (std::log1p(-target) - std::log1p(-current)));
}

Result<void> validate_target(std::span<const double> target, std::size_t cells, SourceSpan where) {
  if (target.size() != cells) {
    return fail(diagnose<DiagnosticKind::bad_target>(where, "one probability for each of the values",
                                                     static_cast<double>(target.size()))
                    .with_help("name every value once, those of probability 0 too"));
  }
  CompensatedSum sum;
  for (const double q : target) {
    if (!(q >= 0 && q <= 1)) {
      return fail(diagnose<DiagnosticKind::bad_target>(where, "a probability", q)
                      .with_help("after `to` stand the probabilities to reach; for ratios write `likelihoods`"));
    }
    sum.add(q);
  }
  if (!(std::fabs(sum.value() - 1) <= 1e-9)) {
    return fail(diagnose<DiagnosticKind::bad_target>(where, "probabilities that sum to 1", sum.value())
                    .with_help("after `to` stand the probabilities to reach; for ratios write `likelihoods`"));
  }
  return {};
}

Result<PartitionWeights> jeffrey_partition(std::span<const double> current, std::span<const double> target,
                                           SourceSpan where) {
  if (Result<void> ok = validate_target(target, current.size(), where); !ok) return fail(std::move(ok).error());
  PartitionWeights result;
  std::vector<double> reachable;
  for (std::size_t i = 0; i < current.size(); ++i) {
    const double p = current[i];
    const double q = target[i];
    if (p == 0 && q == 0) {
      result.log_weights.push_back(0);
      continue;
    }
    // Of an event and its complement, the event is what was spoken of.
    if (!(p > 0))
      return fail(current.size() == 2 ? unreachable(where, current[0], target[0]) : unreachable(where, p, q));
    if (q == 0) return fail(hard_target(where, q));
    result.log_weights.push_back(std::log(q) - std::log(p));
    reachable.push_back(result.log_weights.back());
  }
  result.strength = oscillation(reachable);
  return result;
}

}  // namespace hearsay::evidence
