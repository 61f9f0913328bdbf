#include "lang/evidence/realised.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/evidence/compensated_sum.h"

namespace hearsay::evidence {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_distribution(std::span<const double> p) {
  CompensatedSum sum;
  for (const double x : p) {
    if (!(x >= 0) || !std::isfinite(x)) return false;
    sum.add(x);
  }
  return std::fabs(sum.value() - 1) <= 1e-9;
}

// ln(a/b) for a, b ≥ 0, not both 0; through log1p where they are near, so that small changes keep their digits.
double log_ratio(double a, double b) {
  if (a == 0) return -infinity;
  if (b == 0) return infinity;
  const double relative = (a - b) / b;
  return std::fabs(relative) < 0.5 ? std::log1p(relative) : std::log(a) - std::log(b);
}

}  // namespace

std::optional<RealisedChange> compare(std::span<const double> before, std::span<const double> after) {
  if (before.size() != after.size() || !is_distribution(before) || !is_distribution(after)) return std::nullopt;
  CompensatedSum variation;
  CompensatedSum forward;
  CompensatedSum backward;
  bool forward_infinite = false;
  bool backward_infinite = false;
  double low = infinity, high = -infinity;
  double least_low = infinity, least_high = -infinity;
  bool vanished = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double p = before[i];
    const double q = after[i];
    if (p == 0 && q == 0) continue;
    const double ratio = log_ratio(q, p);
    low = std::min(low, ratio);
    high = std::max(high, ratio);
    const double least = log_ratio(std::max(q, kSmallestSure), std::max(p, kSmallestSure));
    least_low = std::min(least_low, least);
    least_high = std::max(least_high, least);
    vanished = vanished || p < kSmallestSure || q < kSmallestSure;
    variation.add(std::fabs(q - p) / 2);
    // Adding p − q, whose sum is 0, makes every term of a divergence 0 or more: nothing cancels.
    if (p == 0) {
      forward_infinite = true;
      backward.add(q);
    } else if (q == 0) {
      backward_infinite = true;
      forward.add(p);
    } else {
      forward.add(q * ratio - (q - p));
      backward.add(-p * ratio + (q - p));
    }
  }
  RealisedChange result;
  result.total_variation = std::min(variation.value(), 1.0);
  result.divergence = Nats::of(forward_infinite ? infinity : std::max(forward.value(), 0.0));
  result.reverse_divergence = Nats::of(backward_infinite ? infinity : std::max(backward.value(), 0.0));
  result.size = Nats::of(high - low);
  result.vanished = vanished;
  result.least_size = Nats::of(least_high - least_low);
  return result;
}

Nats log_odds_shift(double before, double not_before, double after, double not_after) {
  const auto movement = [](double b, double a) { return b == a ? 0.0 : log_ratio(a, b); };
  const double up = movement(before, after);
  const double down = movement(not_before, not_after);
  // From impossible to certain (or back) both are infinite, of opposite signs: the difference is still well defined.
  return Nats::of(up - down);
}

Nats log_odds_shift(double before, double after) { return log_odds_shift(before, 1 - before, after, 1 - after); }

}  // namespace hearsay::evidence
