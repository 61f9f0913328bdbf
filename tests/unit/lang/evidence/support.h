// What the tests of evidence share: a seeded generator and comparisons.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

namespace hearsay::evidence::testing {

using Random = std::mt19937_64;

inline double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// A distribution over `cells` cells, some of them very unlikely.
inline std::vector<double> random_distribution(Random& random, std::size_t cells) {
  std::vector<double> p(cells);
  double sum = 0;
  for (double& x : p) sum += x = std::exp(uniform(random, -12, 0));
  for (double& x : p) x /= sum;
  return p;
}

inline bool near(double a, double b, double relative, double absolute = 0) {
  return std::fabs(a - b) <= absolute + relative * std::fmax(std::fabs(a), std::fabs(b));
}

}  // namespace hearsay::evidence::testing
