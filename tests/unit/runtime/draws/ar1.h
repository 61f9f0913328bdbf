// Autoregressive series, whose effective sample sizes are known.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "lang/rng/stream.h"

namespace hearsay::testing {

/// Stationary, x[t] = phi x[t-1] + sqrt(1 - phi^2) e[t], every x[t] standard normal: all of one chain, then the next.
inline std::vector<double> ar1(double phi, std::size_t chains, std::size_t length, std::uint64_t seed) {
  std::vector<double> x;
  for (std::size_t c = 0; c < chains; ++c) {
    rng::Stream random(seed, c, 0, 0);
    double now = random.normal();
    for (std::size_t t = 0; t < length; ++t) {
      x.push_back(now);
      now = phi * now + std::sqrt(1 - phi * phi) * random.normal();
    }
  }
  return x;
}

/// 1 + 2 times the sum of the autocorrelations rho(phi^k) of a function of the series: draws for one effective draw.
template <class Correlation>
double autocorrelation_time(double phi, Correlation&& rho) {
  double sum = 1;
  double power = phi;
  for (int k = 1; k < 10000 && std::abs(power) > 1e-16; ++k, power *= phi) sum += 2 * rho(power);
  return sum;
}

/// Correlations of functions of two standard normals whose correlation is r.
inline double of_value(double r) { return r; }
inline double of_square(double r) { return r * r; }
/// Of |x|: E|x||y| = (2/pi)(sqrt(1 - r^2) + r asin r), E|x| = sqrt(2/pi).
inline double of_distance(double r) {
  const double two_over_pi = 2 / std::numbers::pi;
  return two_over_pi * (std::sqrt(1 - r * r) + r * std::asin(r) - 1) / (1 - two_over_pi);
}
/// Of the sign (Sheppard's theorem).
inline double of_sign(double r) { return 2 / std::numbers::pi * std::asin(r); }

}  // namespace hearsay::testing
