#include "lang/evidence/certificate.h"

#include <cmath>

namespace hearsay::evidence {
namespace {

constexpr double tolerance = 1e-9;

bool exceeds(double realised, double bound, double extra = 0) {
  return !(realised <= bound + tolerance * (1 + bound) + extra);  // a NaN exceeds
}

// How uncertain logit p is when p and 1 − p are known to a few units of the last place of 1.
double logit_uncertainty(double p) {
  constexpr double few_ulp = 16 * std::numeric_limits<double>::epsilon();
  return p > 0 && p < 1 ? few_ulp / p + few_ulp / (1 - p) : 0;
}

}  // namespace

std::optional<CertificateViolation> Certificate::first_violation() const {
  for (const CertifiedQuery& q : queries) {
    const double moved = std::fabs(shift(q).value());
    if (exceeds(moved, charged.value(), logit_uncertainty(q.before) + logit_uncertainty(q.after))) {
      return CertificateViolation{q.text, moved, charged.value()};
    }
  }
  if (budget && exceeds(charged.value(), budget->value())) {
    return CertificateViolation{"the charge against the budget", charged.value(), budget->value()};
  }
  if (!realised) return std::nullopt;
  if (exceeds(realised->size.value(), charged.value())) {
    return CertificateViolation{"the largest shift of any log-odds", realised->size.value(), charged.value()};
  }
  if (exceeds(realised->total_variation, total_variation_limit())) {
    return CertificateViolation{"the total variation", realised->total_variation, total_variation_limit()};
  }
  if (exceeds(realised->divergence.value(), divergence_limit().value())) {
    return CertificateViolation{"the divergence", realised->divergence.value(), divergence_limit().value()};
  }
  const Nats both = realised->divergence + realised->reverse_divergence;
  if (exceeds(both.value(), divergence_sum_bound(charged).value())) {
    return CertificateViolation{"the sum of both divergences", both.value(), divergence_sum_bound(charged).value()};
  }
  return std::nullopt;
}

Result<void> Certificate::check(SourceSpan where) const {
  const auto violation = first_violation();
  if (!violation) return {};
  return fail(
      diagnose<DiagnosticKind::certificate_violated>(where, violation->what, violation->realised, violation->bound)
          .with_help("no script can be at fault for this: please report it, with the script"));
}

}  // namespace hearsay::evidence
