#include "runtime/infer/optimize/lbfgs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "lang/rng/stream.h"
#include "runtime/infer/optimize/pathfinder.h"
#include "tests/reference/densities.h"

using namespace hearsay;
using optimize::Climb;
using optimize::climb;
using optimize::StopReason;

namespace {

/// Minus Rosenbrock's valley, chained over the coordinates: the maximum, 0, is at (1, …, 1).
double valley(std::span<const double> q, std::span<double> g) {
  double value = 0;
  std::fill(g.begin(), g.end(), 0.0);
  for (std::size_t i = 0; i + 1 < q.size(); ++i) {
    const double a = 1 - q[i], b = q[i + 1] - q[i] * q[i];
    value -= a * a + 100 * b * b;
    g[i] += 2 * a + 400 * b * q[i];
    g[i + 1] -= 200 * b;
  }
  return value;
}

template <class F>
Climb run(F f, const std::vector<double>& start, const optimize::LbfgsSettings& s = {}) {
  reference::FunctionDensity<F> density(start.size(), f);
  return climb(density, start, s);
}

}  // namespace

TEST_CASE("L-BFGS finds maxima, and says that it has") {
  for (const std::size_t dim : {2U, 10U, 50U}) {
    const Climb c = run(valley, std::vector<double>(dim, -1.2));
    CHECK(converged(c.reason));
    for (const double v : c.best.q) CHECK(v == doctest::Approx(1).epsilon(1e-4));
    CHECK(c.evaluations < 1000);
  }
  const reference::Normals f{{1, -2, 3000}, {0.01, 1, 100}};
  const Climb c = run(f, {0, 0, 0});
  CHECK(converged(c.reason));
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(c.best.q[i] - f.mean[i]) < 1e-4 * f.sd[i]);
  CHECK(c.site == 0);
}

TEST_CASE("L-BFGS starts at a maximum and stays there") {
  const Climb c = run(reference::StandardNormal{}, {0, 0});
  CHECK(c.reason == StopReason::gradient);
  CHECK(c.iterations == 0);
  CHECK(c.evaluations == 1);
}

TEST_CASE("L-BFGS goes up to where the density ends, without leaving it") {
  // ln x + ln(1 - x) - 30 x on (0, 1), and nothing outside: the maximum is at x = (32 - sqrt(904))/60.
  const auto f = [](std::span<const double> q, std::span<double> g) {
    const double x = q[0];
    g[0] = 1 / x - 1 / (1 - x) - 30;
    return x > 0 && x < 1 ? std::log(x) + std::log(1 - x) - 30 * x : -HUGE_VAL;
  };
  const Climb c = run(f, {0.9});
  CHECK(converged(c.reason));
  CHECK(c.best.q[0] == doctest::Approx((32 - std::sqrt(904.0)) / 60).epsilon(1e-6));
}

TEST_CASE("L-BFGS: every reason to stop") {
  const auto nowhere = [](std::span<const double>, std::span<double> g) {
    g[0] = 0;
    return -HUGE_VAL;
  };
  CHECK(run(nowhere, {1}).reason == StopReason::bad_start);
  CHECK(run(valley, {-1.2, 1}, {.max_iterations = 3}).reason == StopReason::iterations);
  const auto wrong = [](std::span<const double> q, std::span<double> g) {  // the sign of its gradient is wrong
    g[0] = q[0];
    return -0.5 * q[0] * q[0];
  };
  CHECK(run(wrong, {1}).reason == StopReason::no_ascent);
  const auto kink = [](std::span<const double> q, std::span<double> g) {
    g[0] = q[0] > 0 ? -1 : 1;
    return -std::abs(q[0]);
  };
  const Climb at_kink = run(kink, {0.7});
  CHECK((at_kink.reason == StopReason::no_ascent || at_kink.reason == StopReason::improvement));
  CHECK(std::abs(at_kink.best.q[0]) < 1e-6);
  const auto no_end = [](std::span<const double> q, std::span<double> g) {
    g[0] = 1;
    return q[0];
  };
  CHECK_FALSE(converged(run(no_end, {0}, {.max_iterations = 100}).reason));

  reference::FunctionDensity density(2, valley);
  int seen = 0;
  const std::vector<double> start = {-1.2, 1};
  const auto two = [&](const optimize::Iterate&) { return ++seen < 3; };
  const Climb stopped = climb(density, start, {}, two);
  CHECK(stopped.reason == StopReason::interrupted);
  CHECK(seen == 3);
  CHECK(stopped.iterations == 2);

  class Fatal final : public model::DensityEvaluator {
  public:
    [[nodiscard]] std::size_t dim() const noexcept override { return 2; }
    model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> g) noexcept override {
      if (++calls_ > 5) return {0, model::EvalStatus::fatal, 9};
      return {valley(q, g), model::EvalStatus::ok, 0};
    }

  private:
    int calls_ = 0;
  };
  Fatal fatal;
  const Climb failed = climb(fatal, start);
  CHECK(failed.reason == StopReason::fatal);
  CHECK(failed.site == 9);
  for (const StopReason r : {StopReason::gradient, StopReason::improvement, StopReason::iterations,
                             StopReason::no_ascent, StopReason::interrupted, StopReason::bad_start, StopReason::fatal})
    CHECK_FALSE(describe(r).empty());
}

TEST_CASE("Pathfinder: of a normal it finds the evidence and the variances") {
  // The density is normalised, so the evidence lower bound is 0 where the approximation is exact. It is, in as many
  // dimensions as there are pairs, once L-BFGS has gone through them.
  const auto f = [](std::span<const double> q, std::span<double> g) {  // sd 2 and 0.5, correlation 0.6
    const double a = q[0] / 2, b = q[1] / 0.5, d = 1 - 0.36;
    g[0] = -(a - 0.6 * b) / d / 2;
    g[1] = -(b - 0.6 * a) / d / 0.5;
    return -0.5 * (a * a - 1.2 * a * b + b * b) / d - 0.5 * std::log(d) - 2 * reference::log_root_two_pi;
  };
  reference::FunctionDensity density(2, f);
  const std::vector<double> from = {1.5, -1};
  rng::Stream random(7, 0, 0, 0);
  const auto found = optimize::pathfinder(density, from, random, {.draws_to_compare = 100});
  REQUIRE(found.has_value());
  CHECK(std::abs(found->lower_bound) < 0.05);
  CHECK(found->variances[0] == doctest::Approx(4).epsilon(0.1));
  CHECK(found->variances[1] == doctest::Approx(0.25).epsilon(0.1));
  std::vector<double> gradient(2);
  CHECK(found->start.log_density == f(found->start.q, gradient));
  CHECK(found->start.gradient == gradient);
}

TEST_CASE("Pathfinder: the lower bound is one") {
  // Of a normalised density the bound is minus a divergence, so at most 0, but for the error of its 400 draws. A wrong
  // determinant or a wrong factor of the draws would move it by nats in 30 dimensions. At this mild spread of scales,
  // which six pairs cannot fit exactly, it should not be far below either.
  reference::Normals f;
  for (int i = 0; i < 30; ++i) {
    f.mean.push_back(0.1 * i);
    f.sd.push_back(1 + 0.02 * i);
  }
  reference::FunctionDensity density(30, f);
  rng::Stream random(8, 0, 0, 0);
  const auto found = optimize::pathfinder(density, std::vector<double>(30, 0.0), random, {.draws_to_compare = 400});
  REQUIRE(found.has_value());
  CHECK(found->lower_bound < 0.2);
  CHECK(found->lower_bound > -3);
}

TEST_CASE("Pathfinder: nothing where there is nothing to find") {
  rng::Stream random(9, 0, 0, 0);
  const auto point = [](std::span<const double> q, std::span<double> g) {
    g[0] = 0;
    return q[0] == 1 ? 0.0 : -HUGE_VAL;
  };
  reference::FunctionDensity density(1, point);
  const std::vector<double> at = {1.0};
  CHECK_FALSE(optimize::pathfinder(density, at, random).has_value());
  reference::FunctionDensity schools(10, reference::EightSchools{});
  const std::atomic<bool> stop = true;
  CHECK_FALSE(optimize::pathfinder(schools, std::vector<double>(10, 0.1), random, {}, &stop).has_value());
}
