#include "runtime/draws/psis.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lang/rng/stream.h"

using namespace hearsay;

namespace {

double total(const SmoothedWeights& w) {
  double sum = 0;
  for (const double v : w.log_weights) sum += std::exp(v);
  return sum;
}

}  // namespace

TEST_CASE("generalised Pareto: shape and scale of draws from one") {
  // The standard error of the shape is (1 + k)/sqrt(n), here at most 0.02; the draw towards 1/2 moves it by 1e-3. Six
  // standard errors: false alarm 2e-9 each.
  for (const double k : {-0.3, 0.0, 0.3, 0.7, 1.0}) {
    rng::Stream random(11, static_cast<std::uint64_t>(10 + 10 * k), 0, 0);
    std::vector<double> x(10000);
    for (double& v : x) {
      const double e = random.exponential();
      v = 3 * (k == 0 ? e : std::expm1(k * e) / k);
    }
    std::sort(x.begin(), x.end());
    const ParetoFit fit = fit_pareto(x);
    CAPTURE(k);
    CHECK(std::abs(fit.shape - k) < 0.12);
    CHECK(fit.scale == doctest::Approx(3).epsilon(0.12));
  }
}

TEST_CASE("smoothing: the shape of Pareto weights, and what is left alone") {
  rng::Stream random(12, 0, 0, 0);
  for (const double k : {0.2, 0.5, 0.9}) {
    std::vector<double> x(20000);
    for (double& v : x) v = k * random.exponential() + 1000;
    const auto w = smooth_weights(x);
    REQUIRE(w.has_value());
    REQUIRE(w->shape.has_value());
    // 424 weights in the tail: a standard error of (1 + k)/20, and the draw towards 1/2.
    CHECK(std::abs(*w->shape - k) < 6 * (1 + k) / 20);
    CHECK(total(*w) == doctest::Approx(1).epsilon(1e-12));
    CHECK(w->reliable() == (*w->shape <= 0.7));
    // Below the tail the ratios of weights are untouched, and the order is kept everywhere.
    std::vector<std::size_t> order(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
    CHECK(w->log_weights[order[10]] - w->log_weights[order[9000]] ==
          doctest::Approx(x[order[10]] - x[order[9000]]).epsilon(1e-9));
    for (std::size_t i = 1; i < x.size(); ++i) CHECK(w->log_weights[order[i - 1]] <= w->log_weights[order[i]]);
    CHECK(w->effective > 1);
    CHECK(w->effective < 20000);
  }
}

TEST_CASE("smoothing reduces the error of importance sampling") {
  // Target exponential of rate 1, proposal of rate 2.2: ratios are Pareto with k = 1 - 1/2.2. The mean of the target is
  // 1; over 300 experiments of 1000 draws the smoothed estimates are nearer to it.
  double raw = 0, smooth = 0;
  for (std::uint64_t e = 0; e < 300; ++e) {
    rng::Stream random(13, e, 0, 0);
    std::vector<double> x(1000), r(1000);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = random.exponential() / 2.2;
      r[i] = 1.2 * x[i];
    }
    const auto w = smooth_weights(r);
    double a = 0, b = 0, sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      a += x[i] * std::exp(r[i]);
      sum += std::exp(r[i]);
      b += x[i] * std::exp(w->log_weights[i]);
    }
    raw += (a / sum - 1) * (a / sum - 1);
    smooth += (b - 1) * (b - 1);
  }
  CHECK(smooth < raw);
}

TEST_CASE("smoothing: equal, few, zero and undefined ratios") {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto equal = smooth_weights(std::vector<double>(100, -3.0));
  REQUIRE(equal.has_value());
  CHECK_FALSE(equal->shape.has_value());
  CHECK_FALSE(equal->reliable());
  CHECK(equal->effective == doctest::Approx(100));
  CHECK(equal->log_weights[7] == doctest::Approx(-std::log(100.0)));
  const auto few = smooth_weights(std::vector<double>{0, std::log(3.0)});
  CHECK(std::exp(few->log_weights[1]) == doctest::Approx(0.75));
  CHECK_FALSE(few->shape.has_value());
  std::vector<double> zeros(1000, -infinity);
  for (std::size_t i = 0; i < 100; ++i) zeros[i] = static_cast<double>(i) / 10;
  const auto some = smooth_weights(zeros);
  REQUIRE(some.has_value());
  CHECK(some->log_weights[500] == -infinity);
  CHECK(total(*some) == doctest::Approx(1).epsilon(1e-12));
  CHECK_FALSE(smooth_weights({}).has_value());
  CHECK_FALSE(smooth_weights(std::vector<double>{1, infinity}).has_value());
  CHECK_FALSE(smooth_weights(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}).has_value());
  CHECK_FALSE(smooth_weights(std::vector<double>{-infinity, -infinity}).has_value());
  CHECK_FALSE(smooth_weights(std::vector<double>{1, 2}, 0).has_value());
}
