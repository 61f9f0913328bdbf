// Does a kernel leave a posterior invariant? Geweke's joint test (2004) with independent replications, in the
// sequential form of Gandy and Scott (2020).
//
// One replication: parameters from the prior, data from the model, a few transitions of the kernel with the posterior
// given those data. If the kernel is right, parameters and data are then distributed as they were, so functions of them
// whose laws are known must have those laws. Replications are independent, so Kolmogorov's test is exact.
#pragma once

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lang/rng/stream.h"
#include "runtime/infer/nuts/trajectory.h"
#include "tests/reference/densities.h"
#include "tests/unit/runtime/infer/nuts/seed.h"

namespace hearsay::testing {

/// sigma ~ gamma(3, rate 2); mu ~ normal(0, 1); y[3] ~ normal(mu, sigma), on the scale q = (ln sigma, mu).
struct ScaleAndLocation {
  std::array<double, 3> y{};
  bool jacobian = true;  ///< false: a mutant

  double operator()(std::span<const double> q, std::span<double> gradient) const {
    const double sigma = std::exp(q[0]);
    const double mu = q[1];
    double value = (jacobian ? 3 : 2) * q[0] - 2 * sigma - 0.5 * mu * mu;
    gradient[0] = (jacobian ? 3 : 2) - 2 * sigma;
    gradient[1] = -mu;
    for (const double v : y) {
      const double z = (v - mu) / sigma;
      value -= q[0] + 0.5 * z * z;
      gradient[0] += z * z - 1;
      gradient[1] += z / sigma;
    }
    return value;
  }
};

/// What every law says of parameters and data, as numbers that are uniform on (0, 1).
inline constexpr std::size_t laws = 6;
inline std::array<double, laws> probabilities(const std::vector<double>& q, const std::array<double, 3>& y) {
  const boost::math::normal_distribution<double> normal;
  const double sigma = std::exp(q[0]);
  double sum = 0, squares = 0;
  for (const double v : y) {
    const double z = (v - q[1]) / sigma;
    sum += z;
    squares += z * z;
  }
  const double scale = cdf(boost::math::gamma_distribution<double>(3, 0.5), sigma);
  const double score = quantile(normal, std::clamp(scale, 1e-300, 1 - 1e-16));
  return {scale,
          cdf(normal, q[1]),
          cdf(normal, sum / std::sqrt(3.0)),
          cdf(boost::math::chi_squared_distribution<double>(3), squares),
          cdf(normal, (score + sum / std::sqrt(3.0)) / std::sqrt(2.0)),
          cdf(boost::math::chi_squared_distribution<double>(2), score * score + q[1] * q[1])};
}

/// Kolmogorov's test of uniformity: the chance of a larger distance (its limit law, an upper bound for the few that
/// matter here: Massart 1990).
inline double kolmogorov_p(std::vector<double> u) {
  std::sort(u.begin(), u.end());
  const auto n = static_cast<double>(u.size());
  double distance = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const auto below = static_cast<double>(i);
    distance = std::max({distance, u[i] - below / n, (below + 1) / n - u[i]});
  }
  return std::min(1.0, 2 * std::exp(-2 * n * distance * distance));
}

struct Verdict {
  bool rejected = false;
  double p = 1;          ///< of the last stage, times the number of laws
  std::size_t used = 0;  ///< replications
};

/// Up to `stages` stages of `size` new replications, each twice as many as before; a false alarm has probability
/// `alpha` at most (Gandy and Scott, algorithm 3). `replicate(i)` gives the probabilities of replication i.
template <class Replicate>
Verdict sequential_test(Replicate&& replicate, double alpha, int stages, std::size_t size) {
  double beta = alpha / stages;
  const double gamma = std::pow(beta, 1.0 / stages);
  Verdict v;
  for (int stage = 0; stage < stages; ++stage, size *= 2) {
    std::array<std::vector<double>, laws> columns;
    for (std::size_t i = 0; i < size; ++i) {
      const auto p = replicate(v.used++);
      for (std::size_t k = 0; k < laws; ++k) columns[k].push_back(p[k]);
    }
    v.p = 1;
    for (auto& c : columns) v.p = std::min(v.p, laws * kolmogorov_p(std::move(c)));
    if (v.p <= beta) {
      v.rejected = true;
      return v;
    }
    if (v.p > gamma + beta) return v;
    beta /= gamma;
  }
  return v;
}

struct KernelTest {
  double step_size = 0.5;
  std::uint32_t max_depth = 5;
  int transitions = 3;
  bool jacobian = true;
  std::size_t replications = 20'000;  ///< in the first stage
};

/// Tests transitions by these rules. `adapt`, where given, changes the step size after every transition.
template <class R, class Adapt>
Verdict test_kernel(std::uint64_t seed, const KernelTest& test, R rules, Adapt&& adapt) {
  const auto metric = *nuts::Metric::diagonal(std::array{0.3, 0.7});
  nuts::Trajectory<R> trajectory(2, test.max_depth, std::move(rules));
  const auto replicate = [&](std::size_t i) {
    rng::Stream world(seed, i, 0, 0);
    nuts::Position at{{0, 0}, {0, 0}, 0};
    const double sigma = world.gamma(3) / 2;
    at.q = {std::log(sigma), world.normal()};
    ScaleAndLocation f{{}, test.jacobian};
    for (double& v : f.y) v = at.q[1] + sigma * world.normal();
    reference::FunctionDensity density(2, f);
    at.log_density = density.value_and_gradient(at.q, at.gradient).log_density;
    double step = test.step_size;
    for (int t = 1; t <= test.transitions; ++t) {
      rng::Stream random(seed, i, static_cast<std::uint64_t>(t), 1);
      const auto outcome = trajectory.transition(density, metric, step, random, at);
      adapt(step, t, outcome);
    }
    return probabilities(at.q, f.y);
  };
  return sequential_test(replicate, 1e-8, 3, test.replications);
}

template <class R>
Verdict test_kernel(std::uint64_t seed, const KernelTest& test, R rules = {}) {
  return test_kernel(seed, test, std::move(rules), [](double&, int, const nuts::TransitionOutcome&) {});
}

}  // namespace hearsay::testing
