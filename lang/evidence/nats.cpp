#include "lang/evidence/nats.h"

#include <numbers>

namespace hearsay::evidence {
namespace {

bool is_inner_probability(double p) { return p > 0 && p < 1; }  // false for NaN

double logit(double p) { return std::log(p) - std::log1p(-p); }

}  // namespace

double Nats::decibans() const { return value_ * (10 / std::numbers::ln10); }

Result<Nats> strength_from_nats(double nats, SourceSpan where) {
  if (!std::isfinite(nats)) {
    return fail(diagnose<DiagnosticKind::strength_not_finite>(where, nats)
                    .with_help("for certain evidence write `observe`, which is hard and never charged"));
  }
  return Nats::of(nats);
}

Result<Nats> strength_from_odds(double odds, SourceSpan where) {
  if (!(odds > 0) || !std::isfinite(odds)) {
    Diagnostic d = diagnose<DiagnosticKind::bad_odds>(where, odds);
    if (odds == 0) {
      d.help = "odds 0 would rule the event out: write `observe not (…)`, or small odds such as `odds 0.01`";
    } else if (odds < 0) {
      d.help = "to speak against an event write odds below 1, such as `odds 0.5`, or a negative strength: `nats -0.7`";
    } else if (std::isinf(odds)) {
      d.help = "infinite odds are hard evidence: write `observe`";
    } else {
      d.help = "the odds were computed from something that is not a number: look there";
    }
    return fail(std::move(d));
  }
  return Nats::from_odds(odds);
}

Result<Nats> strength_from_decibans(double decibans, SourceSpan where) {
  return strength_from_nats(decibans * (std::numbers::ln10 / 10), where);
}

Result<Nats> strength_from_channel(double flip_probability, SourceSpan where) {
  if (!is_inner_probability(flip_probability)) {
    return fail(
        diagnose<DiagnosticKind::bad_channel>(where, flip_probability)
            .with_help("`channel 0.1` is a claim that is garbled one time in ten; one that never is, is `observe`"));
  }
  return Nats::of(-logit(flip_probability));
}

Result<Nats> strength_from_confidence(double confidence, double base, SourceSpan where) {
  if (!is_inner_probability(confidence)) {
    return fail(diagnose<DiagnosticKind::bad_confidence>(where, "confidence", confidence)
                    .with_help("full confidence is hard evidence: write `observe`"));
  }
  if (!is_inner_probability(base)) {
    return fail(diagnose<DiagnosticKind::bad_confidence>(where, "base", base)
                    .with_help("the base is how often such events are true at all, such as `base 0.5`"));
  }
  return Nats::of(logit(confidence) - logit(base));
}

Result<Nats> checked_budget(double nats, SourceSpan where) {
  if (!(nats >= 0) || !std::isfinite(nats)) {
    return fail(diagnose<DiagnosticKind::bad_budget>(where, nats)
                    .with_help("write a number of nats such as `budget: 3 nats`, or leave the budget out to keep books "
                               "without a limit"));
  }
  return Nats::of(nats);
}

}  // namespace hearsay::evidence
