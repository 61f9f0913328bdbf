#include "runtime/infer/laplace/laplace.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/reference/densities.h"

using namespace hearsay;

namespace {

template <class F>
tl::expected<laplace::Approximation, laplace::Error> run(F f, const std::vector<double>& start,
                                                         const laplace::Settings& s = {}) {
  reference::FunctionDensity<F> density(start.size(), f);
  rng::Stream random(21, 0, 0, 0);
  return laplace::approximate(density, start, random, s);
}

}  // namespace

TEST_CASE("Laplace: exact for normals of any scale, with evidence and weights") {
  // Normalised, with standard deviations 2 and 1e-4 and correlation 0.8.
  const auto f = [](std::span<const double> q, std::span<double> g) {
    constexpr double r = 0.8, d = 1 - r * r;
    const double a = (q[0] - 5) / 2, b = q[1] / 1e-4;
    g[0] = -(a - r * b) / d / 2;
    g[1] = -(b - r * a) / d / 1e-4;
    return -0.5 * (a * a - 2 * r * a * b + b * b) / d - 0.5 * std::log(d) - std::log(2e-4) -
           2 * reference::log_root_two_pi;
  };
  const auto out = run(f, {0, 0.5});
  REQUIRE(out.has_value());
  CHECK(out->mode.q[0] == doctest::Approx(5).epsilon(1e-5));
  CHECK(out->covariance[0] == doctest::Approx(4).epsilon(1e-6));
  CHECK(out->covariance[1] == doctest::Approx(0.8 * 2e-4).epsilon(1e-6));
  CHECK(out->covariance[3] == doctest::Approx(1e-8).epsilon(1e-6));
  CHECK(std::abs(out->log_evidence) < 1e-6);
  REQUIRE(out->weights.has_value());
  CHECK(out->weights->effective == doctest::Approx(1000).epsilon(1e-3));
  // Draws: mean and variance of the first within six standard errors.
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < 1000; ++i) mean += out->draws[2 * i] / 1000;
  for (std::size_t i = 0; i < 1000; ++i) square += std::pow(out->draws[2 * i] - 5, 2) / 1000;
  CHECK(std::abs(mean - 5) < 6 * 2 / std::sqrt(1000.0));
  CHECK(std::abs(square - 4) < 6 * 4 * std::sqrt(2.0 / 1000));
}

TEST_CASE("Laplace: the evidence of a gamma is Stirling's formula, and the weights correct it") {
  // Unnormalised gamma(a) on the log scale: a u - e^u has evidence Gamma(a), and its approximation is Stirling's.
  constexpr double a = 8;
  const auto f = [](std::span<const double> q, std::span<double> g) {
    g[0] = a - std::exp(q[0]);
    return a * q[0] - std::exp(q[0]);
  };
  const auto out = run(f, {0}, {.draws = 4000});
  REQUIRE(out.has_value());
  CHECK(out->log_evidence ==
        doctest::Approx(a * std::log(a) - a + 0.5 * std::log(2 * std::acos(-1.0) / a)).epsilon(1e-8));
  REQUIRE(out->weights.has_value());
  CHECK(out->weights->reliable());
  double weighted = 0;
  for (std::size_t i = 0; i < 4000; ++i) weighted += std::exp(out->weights->log_weights[i] + out->draws[i]);
  // E x = a; sd of the estimate about sqrt(a/4000) = 0.045.
  CHECK(std::abs(weighted - a) < 6 * 0.06);
}

TEST_CASE("Laplace: a normal for heavy tails is not to be trusted, and the k-hat says so") {
  const auto cauchy = [](std::span<const double> q, std::span<double> g) {
    double value = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      value -= std::log1p(q[i] * q[i]);
      g[i] = -2 * q[i] / (1 + q[i] * q[i]);
    }
    return value;
  };
  const auto out = run(cauchy, std::vector<double>(20, 0.3));
  REQUIRE(out.has_value());
  REQUIRE(out->weights.has_value());
  CHECK_FALSE(out->weights->reliable());
}

TEST_CASE("Laplace: what has no mode, or no peak, is an error") {
  const auto uphill = [](std::span<const double> q, std::span<double> g) {
    g[0] = std::exp(-q[0]);
    return -std::exp(-q[0]);
  };
  CHECK(run([](std::span<const double>, std::span<double> g) { return g[0] = 1, -HUGE_VAL; }, {0}).error().kind ==
        laplace::ErrorKind::no_mode);
  // Ever flatter uphill: the gradient vanishes far out as at a mode, but the weights tell.
  const auto flat_top = run(uphill, {0});
  CHECK((!flat_top || !flat_top->weights || !flat_top->weights->reliable()));
  const auto valley = [](std::span<const double> q, std::span<double> g) {
    g[0] = -q[0];
    g[1] = 0;
    return -0.5 * q[0] * q[0];
  };
  const auto ridge = run(valley, {1, 1});
  REQUIRE_FALSE(ridge.has_value());
  CHECK(ridge.error().kind == laplace::ErrorKind::not_peaked);
  CHECK_FALSE(ridge.error().message.empty());
}
