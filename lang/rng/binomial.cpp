#include <cmath>
#include <numbers>

#include "lang/rng/stream.h"

namespace hearsay::rng {
namespace {

constexpr double few = 10;  // expected successes: below, counting up is faster than rejecting

// ln k! less Stirling's (k + ½) ln(k + 1) − (k + 1) + ½ ln 2π.
double stirling_error(double k) {
  if (k < 10) {
    return std::lgamma(k + 1) - ((k + 0.5) * std::log(k + 1) - (k + 1) + 0.5 * std::log(2 * std::numbers::pi));
  }
  const double s = 1 / ((k + 1) * (k + 1));
  return (1.0 / 12 - (1.0 / 360 - s / 1260) * s) / (k + 1);
}

// Adds up the probabilities from 0; n·p < 10, so (1 − p)^n cannot underflow.
double by_inversion(Stream& stream, double n, double p) {
  const double odds = p / (1 - p);
  for (;;) {
    double term = std::exp(n * std::log1p(-p));
    double left = stream.uniform();
    for (double k = 0; k <= n; ++k) {
      if (left < term) return k;
      left -= term;
      term *= odds * (n - k) / (k + 1);
      if (k > 200) break;  // rounding: beyond all mass
    }
  }
}

double by_rejection(Stream& stream, double n, double p) {
  const double q = 1 - p;
  const double sd = std::sqrt(n * p * q);
  const double b = 1.15 + 2.53 * sd;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double centre = n * p + 0.5;
  const double alpha = (2.83 + 5.1 / b) * sd;
  const double surely = 0.92 - 4.2 / b;
  const double mode = std::floor((n + 1) * p);
  const double at_mode = stirling_error(mode) + stirling_error(n - mode);
  for (;;) {
    const double u = stream.uniform() - 0.5;
    const double v = stream.uniform();
    const double inside = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / inside + b) * u + centre);
    if (k < 0 || k > n) continue;
    if (inside >= 0.07 && v <= surely) return k;
    const double height = std::log(v * alpha / (a / (inside * inside) + b));
    // ln of the probability of k over that of the mode
    const double bound = (mode + 0.5) * std::log((mode + 1) * q / (p * (n - mode + 1))) +
                         (n + 1) * std::log((n - mode + 1) / (n - k + 1)) +
                         (k + 0.5) * std::log(p * (n - k + 1) / (q * (k + 1))) + at_mode - stirling_error(k) -
                         stirling_error(n - k);
    if (height <= bound) return k;
  }
}

}  // namespace

std::int64_t Stream::binomial(std::int64_t n, double p) {
  if (n <= 0 || !(p > 0)) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p);
  const auto trials = static_cast<double>(n);
  return static_cast<std::int64_t>(trials * p < few ? by_inversion(*this, trials, p) : by_rejection(*this, trials, p));
}

}  // namespace hearsay::rng
