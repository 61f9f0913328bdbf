#include "lang/evidence/certificate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearsay::evidence {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double tolerance = 1e-9;

bool exceeds(double realised, double bound, double extra = 0) {
  return !(realised <= bound + tolerance * (1 + bound) + extra);  // a NaN exceeds
}

constexpr double few_ulp = 16 * std::numeric_limits<double>::epsilon();

/// What the logarithm of a probability or of odds can be.
struct LogRange {
  double low, high;
};

// `rounding` is relative where p was worked out by itself, absolute where it is 1 − q. What has vanished to underflow
// may be anything small.
LogRange log_range(double p, double rounding, double error) {
  if (!(p >= kSmallestSure)) return {-infinity, std::log(kSmallestSure)};
  return {error < p ? std::log(p) - rounding + std::log1p(-error / p) : -infinity,
          std::log(p) + rounding + std::log1p(error / p)};
}

LogRange log_odds_range(double p, std::optional<double> complement, double error) {
  const double q = complement.value_or(1 - p);
  const LogRange up = log_range(p, complement ? few_ulp : few_ulp / std::max(p, kSmallestSure), error);
  const LogRange down = log_range(q, complement ? few_ulp : few_ulp / std::max(q, kSmallestSure), error);
  return {up.low - down.high, up.high - down.low};
}

/// The least that the log-odds must have moved, whatever rounding and underflow did to the probabilities.
double least_shift(const CertifiedQuery& q) {
  const double not_before = q.not_before.value_or(1 - q.before), not_after = q.not_after.value_or(1 - q.after);
  for (const double p : {q.before, q.after, not_before, not_after})
    if (std::isnan(p)) return infinity;
  // What is impossible stays so.
  if ((q.before == 0 && q.after == 0) || (not_before == 0 && not_after == 0)) return 0;
  const LogRange before = log_odds_range(q.before, q.not_before, q.before_error);
  const LogRange after = log_odds_range(q.after, q.not_after, q.after_error);
  const double low = after.low - before.high, high = after.high - before.low;
  return std::max({0.0, low, -high});
}

}  // namespace

std::optional<CertificateViolation> Certificate::first_violation() const {
  for (const CertifiedQuery& q : queries) {
    if (exceeds(least_shift(q), charged.value()))
      return CertificateViolation{q.text, std::fabs(shift(q).value()), charged.value()};
  }
  if (budget && exceeds(charged.value(), budget->value())) {
    return CertificateViolation{"the charge against the budget", charged.value(), budget->value()};
  }
  if (!realised) return std::nullopt;
  const double error = realised->error;
  if (exceeds(realised->vanished ? realised->least_size.value() : realised->size.value(), charged.value(), error)) {
    return CertificateViolation{"the largest shift of any log-odds", realised->size.value(), charged.value()};
  }
  if (exceeds(realised->total_variation, total_variation_limit(), error)) {
    return CertificateViolation{"the total variation", realised->total_variation, total_variation_limit()};
  }
  if (realised->vanished) return std::nullopt;  // what vanished may carry any share of a divergence
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
