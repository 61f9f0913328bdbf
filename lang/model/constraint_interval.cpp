// Numbers between bounds: identity, x = low + exp(u), x = high - exp(u), and the scaled inverse logit.
#include <algorithm>
#include <cmath>

#include "lang/model/constraint.h"

namespace hearsay::model {
namespace {

constexpr double kMost = std::numeric_limits<double>::max();

std::size_t elements(const ConstraintShape& s) { return s.rows * s.columns; }

// exp(u), saturated: beyond u = 709.78 it would be infinite, and infinity times a zero gradient is NaN.
double scale(double u) { return std::min(std::exp(u), kMost); }

// ln of exp(u)'s slope. Where exp(u) is saturated there is no point of the support: otherwise x would stand still while
// the Jacobian grows for ever, and a climb would end there.
const double kLargestExponent = std::log(kMost);
double log_slope(double u) { return u <= kLargestExponent ? u : -std::numeric_limits<double>::infinity(); }

double inv_logit(double u) {
  if (u >= 0) return 1 / (1 + std::exp(-u));
  const double e = std::exp(u);
  return e / (1 + e);
}

double copy(const ConstraintShape& s, const double* u, double* x) noexcept {
  std::copy_n(u, elements(s), x);
  return 0;
}
void copy_back(const ConstraintShape& s, const double*, const double*, const double* gx, double* gu) noexcept {
  std::copy_n(gx, elements(s), gu);
}
bool copy_if_finite(const ConstraintShape& s, const double* x, double* u) {
  std::copy_n(x, elements(s), u);
  return std::all_of(x, x + elements(s), [](double v) { return std::isfinite(v); });
}

double above_low(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t i = 0; i < elements(s); ++i) {
    x[i] = std::max(s.low + scale(u[i]), s.lowest);
    log_jacobian += log_slope(u[i]);
  }
  return log_jacobian;
}
void above_low_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  for (std::size_t i = 0; i < elements(s); ++i) gu[i] = gx[i] * scale(u[i]) + 1;
}
bool above_low_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t i = 0; i < elements(s); ++i) {
    if (!(x[i] > s.low) || !std::isfinite(x[i])) return false;
    u[i] = std::log(x[i] - s.low);
    if (!std::isfinite(u[i])) return false;  // the distance from the bound is beyond the numbers
  }
  return true;
}

double below_high(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t i = 0; i < elements(s); ++i) {
    x[i] = std::min(s.high - scale(u[i]), s.highest);
    log_jacobian += log_slope(u[i]);
  }
  return log_jacobian;
}
void below_high_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  for (std::size_t i = 0; i < elements(s); ++i) gu[i] = 1 - gx[i] * scale(u[i]);
}
bool below_high_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t i = 0; i < elements(s); ++i) {
    if (!(x[i] < s.high) || !std::isfinite(x[i])) return false;
    u[i] = std::log(s.high - x[i]);
    if (!std::isfinite(u[i])) return false;
  }
  return true;
}

// x = low (1 - p) + high p, p = inv_logit(u): unlike low + (high - low) p it never overflows.
double between(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = static_cast<double>(elements(s)) * s.log_width;
  for (std::size_t i = 0; i < elements(s); ++i) {
    const double inside = s.low * inv_logit(-u[i]) + s.high * inv_logit(u[i]);
    x[i] = std::clamp(inside, s.lowest, s.highest);
    const double size = std::abs(u[i]);
    log_jacobian -= size + 2 * std::log1p(std::exp(-size));  // log p (1 - p)
  }
  return log_jacobian;
}
void between_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  for (std::size_t i = 0; i < elements(s); ++i) {
    const double slope = 2 * inv_logit(u[i]) * inv_logit(-u[i]);
    gu[i] = gx[i] * s.half_width * slope - std::tanh(0.5 * u[i]);
  }
}
bool between_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t i = 0; i < elements(s); ++i) {
    if (!(x[i] > s.low) || !(x[i] < s.high)) return false;
    u[i] = std::log(0.5 * x[i] - 0.5 * s.low) - std::log(0.5 * s.high - 0.5 * x[i]);
    if (!std::isfinite(u[i])) return false;
  }
  return true;
}

}  // namespace

const ConstraintMap kUnbounded{elements, elements, copy, copy_back, copy_if_finite};
const ConstraintMap kLowerBound{elements, elements, above_low, above_low_back, above_low_inverse};
const ConstraintMap kUpperBound{elements, elements, below_high, below_high_back, below_high_inverse};
const ConstraintMap kBetween{elements, elements, between, between_back, between_inverse};

}  // namespace hearsay::model
