#include <cmath>
#include <numbers>

#include "lang/rng/stream.h"

namespace hearsay::rng {
namespace {

constexpr double few = 10;

// Arrivals of a process of rate 1 up to time `rate`: uniforms are multiplied until their product is below exp(-rate).
double by_multiplication(Stream& stream, double rate) {
  const double end = std::exp(-rate);
  double product = stream.uniform();
  double k = 0;
  while (product > end) {
    product *= stream.uniform();
    ++k;
  }
  return k;
}

// log of the probability of k: k log(rate) - rate - log k!, for large k without its cancelling leading terms.
double log_probability(double k, double rate) {
  if (k < 10) return k * std::log(rate) - rate - std::lgamma(k + 1);
  // With Stirling's series: -k (r - log(1 + r)) - log(2 pi k) / 2 - 1/(12 k) + …, r = (rate - k) / k.
  const double r = (rate - k) / k;
  const double curve = std::abs(r) < 1e-4 ? r * r * (0.5 + r * (-1.0 / 3 + r * 0.25)) : r - std::log1p(r);
  const double s = 1 / (k * k);
  return -k * curve - 0.5 * std::log(2 * std::numbers::pi * k) - (1.0 / 12 - (1.0 / 360 - s / 1260) * s) / k;
}

double by_rejection(Stream& stream, double rate) {
  const double b = 0.931 + 2.53 * std::sqrt(rate);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double surely = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = stream.uniform() - 0.5;
    const double v = stream.uniform();
    const double inside = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / inside + b) * u + rate + 0.43);
    if (inside >= 0.07 && v <= surely) return k;
    if (k < 0 || (inside < 0.013 && v > inside)) continue;
    if (std::log(v * inverse_alpha / (a / (inside * inside) + b)) <= log_probability(k, rate)) return k;
  }
}

}  // namespace

double Stream::poisson(double rate) {
  if (!(rate > 0)) return std::isnan(rate) ? rate : 0;
  if (std::isinf(rate)) return rate;
  return rate < few ? by_multiplication(*this, rate) : by_rejection(*this, rate);
}

}  // namespace hearsay::rng
