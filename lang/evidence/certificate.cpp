#include "lang/evidence/certificate.h"

#include <cmath>

namespace hearsay::evidence {
namespace {

constexpr double tolerance = 1e-9;

bool exceeds(double realised, double bound, double extra = 0) {
  return !(realised <= bound + tolerance * (1 + bound) + extra);  // a NaN exceeds
}

constexpr double few_ulp = 16 * std::numeric_limits<double>::epsilon();
// Below this a probability has lost digits, or vanished, to underflow.
constexpr double smallest_sure = 1e-290;

// How uncertain ln p is. `rounding` is relative where p was worked out by itself, absolute where it is 1 − q.
double log_uncertainty(double p, double rounding, double error) {
  if (p == 0 && error == 0) return 0;
  if (p < smallest_sure || error >= p) return std::numeric_limits<double>::infinity();
  return rounding - std::log1p(-error / p);
}

double logit_uncertainty(double p, std::optional<double> complement, double error) {
  if (complement) return log_uncertainty(p, few_ulp, error) + log_uncertainty(*complement, few_ulp, error);
  if (p == 0 || p == 1) return 0;
  return log_uncertainty(p, few_ulp / p, error) + log_uncertainty(1 - p, few_ulp / (1 - p), error);
}

}  // namespace

std::optional<CertificateViolation> Certificate::first_violation() const {
  for (const CertifiedQuery& q : queries) {
    const double moved = std::fabs(shift(q).value());
    if (exceeds(moved, charged.value(),
                logit_uncertainty(q.before, q.not_before, q.before_error) +
                    logit_uncertainty(q.after, q.not_after, q.after_error))) {
      return CertificateViolation{q.text, moved, charged.value()};
    }
  }
  if (budget && exceeds(charged.value(), budget->value())) {
    return CertificateViolation{"the charge against the budget", charged.value(), budget->value()};
  }
  if (!realised) return std::nullopt;
  const double error = realised->error;
  if (exceeds(realised->size.value(), charged.value(), error)) {
    return CertificateViolation{"the largest shift of any log-odds", realised->size.value(), charged.value()};
  }
  if (exceeds(realised->total_variation, total_variation_limit(), error)) {
    return CertificateViolation{"the total variation", realised->total_variation, total_variation_limit()};
  }
  if (exceeds(realised->divergence.value(), divergence_limit().value(), error)) {
    return CertificateViolation{"the divergence", realised->divergence.value(), divergence_limit().value()};
  }
  const Nats both = realised->divergence + realised->reverse_divergence;
  if (exceeds(both.value(), divergence_sum_bound(charged).value(), 2 * error)) {
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
