#include "runtime/infer/nuts/adaptation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "runtime/infer/nuts/sampler.h"
#include "runtime/infer/nuts/start.h"
#include "runtime/infer/optimize/pathfinder.h"
#include "tests/reference/densities.h"
#include "tests/unit/runtime/infer/nuts/seed.h"

using namespace hearsay;
using nuts::RunStatus;
using nuts::Sampler;
using nuts::Settings;
using testing::seed_of;

namespace {

template <class F>
Sampler run(std::size_t dim, const F& f, const Settings& s) {
  const reference::FunctionModel<F> model(dim, f);
  auto sampler = Sampler::create(model, s);
  REQUIRE(sampler.has_value());
  REQUIRE(sampler->run() == RunStatus::finished);
  return std::move(*sampler);
}

bool constant_step(const std::vector<Transition>& transitions) {
  return std::all_of(transitions.begin(), transitions.end(),
                     [&](const Transition& t) { return t.step_size == transitions[0].step_size; });
}

reference::Normals scales(std::size_t dim) {
  reference::Normals n;
  for (std::size_t i = 0; i < dim; ++i) {
    n.mean.push_back(static_cast<double>(i));
    n.sd.push_back(std::pow(10.0, static_cast<double>(i % 7) - 3));
  }
  return n;
}

}  // namespace

TEST_CASE("dual averaging finds the step size at which the statistic is the target") {
  // accept(step) = exp(-step): 0.8 at -ln 0.8. With noise of sd 0.1.
  rng::Stream random(seed_of("dual averaging"), 0, 0, 0);
  for (const double start : {1e-3, 0.2, 50.0}) {
    nuts::DualAveraging step(0.8);
    step.restart(start, 10);
    for (int i = 0; i < 2000; ++i) step.update(std::clamp(std::exp(-step.current()) + 0.1 * random.normal(), 0.0, 1.0));
    CHECK(std::exp(-step.averaged()) == doctest::Approx(0.8).epsilon(0.03));
  }
  nuts::DualAveraging stuck(0.8);
  stuck.restart(1, 10);
  for (int i = 0; i < 100000; ++i) stuck.update(0);
  CHECK(stuck.current() > 0);
  CHECK(std::isfinite(stuck.averaged()));
}

TEST_CASE("moments: the diagonal is exact for independent normals, the covariance shrinks to it") {
  const reference::Normals f{{1, 2, 3}, {0.01, 1, 50}};
  nuts::Moments diagonal(3, false), dense(3, true);
  std::vector<std::vector<double>> draws;
  for (std::uint64_t i = 0; i < 6; ++i) {
    rng::Stream random(seed_of("moments"), 0, i, 0);
    nuts::Position at{{1 + 0.01 * random.normal(), 2 + random.normal(), 3 + 50 * random.normal()}, {0, 0, 0}, 0};
    at.log_density = f(at.q, at.gradient);
    diagonal.add(at);
    dense.add(at);
    draws.push_back(at.q);
  }
  for (std::size_t i = 0; i < 3; ++i) CHECK(diagonal.diagonal()[i] == doctest::Approx(f.sd[i] * f.sd[i]).epsilon(1e-9));
  const double weight = 6.0 / (6 + 3 + 5);
  for (std::size_t j = 0; j < 3; ++j)
    for (std::size_t i = j; i < 3; ++i) {
      double mi = 0, mj = 0, product = 0;
      for (const auto& d : draws) {
        mi += d[i] / 6;
        mj += d[j] / 6;
      }
      for (const auto& d : draws) product += (d[i] - mi) * (d[j] - mj) / 5;
      const double expected = weight * product + (i == j ? (1 - weight) * f.sd[i] * f.sd[i] : 0);
      CHECK(dense.covariance()[j * 3 + i] == doctest::Approx(expected).epsilon(1e-8));
    }
}

TEST_CASE("the warmup finds scales over seven orders of magnitude, and stops adapting") {
  Settings s;
  s.seed = seed_of("scales");
  s.chains = 2;
  for (const auto start : {nuts::StartKind::pathfinder, nuts::StartKind::uniform}) {
    s.start = start;
    const Sampler sampler = run(70, scales(70), s);
    for (std::size_t c = 0; c < s.chains; ++c) {
      const auto variances = sampler.chain(c).tuning().metric.variances();
      for (std::size_t i = 0; i < 70; ++i)
        CHECK(std::sqrt(variances[i]) == doctest::Approx(scales(70).sd[i]).epsilon(1e-6));
      // Frozen: the step size is one number in all draws, that of the tuning, and it was many in the warmup. (The same
      // check rejects a chain that goes on adapting, as the warmup does.)
      CHECK(constant_step(sampler.chain(c).transitions()));
      CHECK(sampler.chain(c).transitions()[0].step_size == sampler.chain(c).tuning().step_size);
      CHECK_FALSE(constant_step(sampler.chain(c).warmup()));
      double accept = 0;
      for (const Transition& t : sampler.chain(c).transitions()) accept += t.accept_stat / 1000;
      CHECK(accept > 0.75);
      CHECK(accept < 0.92);
    }
  }
}

TEST_CASE("a dense metric learns correlations, and pays for itself") {
  // Correlation 0.99: conditional standard deviations are 7 times smaller than marginal ones.
  const auto f = [](std::span<const double> q, std::span<double> g) {
    constexpr double r = 0.99, d = 1 - r * r;
    g[0] = -(q[0] - r * q[1]) / d;
    g[1] = -(q[1] - r * q[0]) / d;
    return 0.5 * (q[0] * g[0] + q[1] * g[1]);
  };
  Settings s;
  s.seed = seed_of("dense metric");
  s.chains = 1;
  s.adaptation.metric = nuts::MetricKind::dense;
  const Sampler dense = run(2, f, s);
  s.adaptation.metric = nuts::MetricKind::diagonal;
  const Sampler diagonal = run(2, f, s);
  const auto gradients = [](const Sampler& sampler) {
    double n = 0;
    for (const Transition& t : sampler.chain(0).transitions()) n += t.leapfrogs;
    return n;
  };
  CHECK(gradients(dense) < 0.5 * gradients(diagonal));
  const auto factor = dense.chain(0).tuning().metric.stored();
  const double correlation = factor[1] / std::hypot(factor[1], factor[3]);
  CHECK(correlation == doctest::Approx(0.99).epsilon(0.01));
}

TEST_CASE("short warmups, none, and every combination of lengths run") {
  for (const std::size_t warmup : {0U, 1U, 2U, 3U, 5U, 10U, 19U, 40U, 151U})
    for (const auto metric : {nuts::MetricKind::diagonal, nuts::MetricKind::dense}) {
      Settings s;
      s.seed = seed_of("short");
      s.chains = 1;
      s.warmup = warmup;
      s.draws = 3;
      s.adaptation.metric = metric;
      const Sampler sampler = run(10, reference::EightSchools{}, s);
      CHECK(sampler.chain(0).warmup().size() == warmup);
      CHECK(sampler.chain(0).transitions().size() == 3);
      CHECK(constant_step(sampler.chain(0).transitions()));
      CHECK(std::isfinite(sampler.chain(0).tuning().step_size));
    }
}

TEST_CASE("starts: typical of the posterior, not its mode, and different for each chain") {
  // For 50 normals -2 (log density - that of the mode) is chi-squared with 50 degrees of freedom: mean 50, sd 10. A
  // mode would give 0, a uniform start at these scales above 1e6.
  const reference::Normals f = scales(50);
  reference::FunctionDensity density(50, f);
  std::vector<double> gradient(50);
  const double mode = f(f.mean, gradient);
  std::set<double> seen;
  for (std::uint64_t c = 0; c < 5; ++c) {
    rng::Stream random(seed_of("starts"), c, 0, 0);
    const auto start = nuts::find_start(density, nuts::StartKind::pathfinder, random, -HUGE_VAL);
    REQUIRE(start.has_value());
    REQUIRE(start->has_value());
    const double distance = 2 * (mode - (*start)->at.log_density);
    CHECK(distance > 5);
    CHECK(distance < 300);
    CHECK((*start)->variances.size() == 50);
    CHECK((*start)->at.log_density == f((*start)->at.q, gradient));
    seen.insert((*start)->at.q[0]);
  }
  CHECK(seen.size() == 5);
}

TEST_CASE("starts: one of several is kept, in proportion to the evidence that its mode holds") {
  const auto start = [](double at, double lower_bound) {
    nuts::Start s;
    s.at.q = {at};
    s.lower_bound = lower_bound;
    return s;
  };
  constexpr int n = 4000;
  int heavy = 0;
  for (std::uint64_t c = 0; c < n; ++c) {
    rng::Stream random(seed_of("choice"), c, 0, 0);
    nuts::StartChoice choice;
    // Two of weight 1, one of weight 3; one of a mode that holds nothing; one without an approximation.
    choice.consider(start(5, -HUGE_VAL), random);
    choice.consider(start(1, -700), random);
    choice.consider(start(2, -700 + std::log(3.0)), random);
    choice.consider(start(3, -1000), random);
    choice.consider(start(4, -700), random);
    CHECK(choice.considered() == 5);
    const double kept = choice.take().at.q[0];
    CHECK((kept == 1 || kept == 2 || kept == 4));
    heavy += kept == 2 ? 1 : 0;
  }
  const double z = (heavy - 0.6 * n) / std::sqrt(n * 0.6 * 0.4);
  CHECK(std::abs(z) < 4);
  rng::Stream random(seed_of("choice"), n, 0, 0);
  nuts::StartChoice only;
  only.consider(start(6, -HUGE_VAL), random);
  only.consider(start(7, -HUGE_VAL), random);
  CHECK(only.take().at.q[0] == 6);
}

TEST_CASE("starts: support that is hard to hit is found, and none is an error that says why") {
  const auto corner = [](std::span<const double> q, std::span<double> g) {
    g[0] = g[1] = 0;
    return q[0] > 1 && q[1] > 1 ? -q[0] * q[0] : -HUGE_VAL;
  };
  rng::Stream random(seed_of("corner"), 0, 0, 0);
  reference::FunctionDensity density(2, corner);
  const auto found = nuts::find_start(density, nuts::StartKind::uniform, random, -HUGE_VAL);
  REQUIRE(found.has_value());
  CHECK((*found)->at.q[0] > 1);

  Settings s;
  s.chains = 2;
  s.threads = 1;
  const auto nowhere = [](std::span<const double>, std::span<double> g) {
    g[0] = g[1] = 0;
    return -HUGE_VAL;
  };
  const auto steep = [](std::span<const double>, std::span<double> g) {
    g[0] = g[1] = HUGE_VAL;
    return 0.0;
  };
  const auto error_of = [&](const auto& f) {
    const reference::FunctionModel model(2, f);
    auto sampler = Sampler::create(model, s);
    REQUIRE(sampler.has_value());
    CHECK(sampler->run() == RunStatus::failed);
    REQUIRE(sampler->error().has_value());
    return *sampler->error();
  };
  const nuts::Error none = error_of(nowhere);
  CHECK(none.kind == nuts::ErrorKind::no_start);
  CHECK(none.message ==
        "no starting point was found: of 100 tried, uniform between -2 and 2 on the unconstrained scale, 100 times the "
        "density was 0 or undefined");
  CHECK_FALSE(none.help.empty());
  CHECK(error_of(steep).message.find("100 times its gradient was not finite") != std::string::npos);
  s.starts = {{5, 5}, {0, 0}};
  const nuts::Error given = error_of(corner);
  CHECK(given.kind == nuts::ErrorKind::bad_start);
  CHECK(given.chain == 1);
}

TEST_CASE("starts that are given are where chains start") {
  // The first point that each chain asks for.
  std::vector<std::vector<double>> first;
  class Recording final : public model::DensityModel {
  public:
    explicit Recording(std::vector<std::vector<double>>& first) : first_(first) {}
    [[nodiscard]] std::size_t dim() const noexcept override { return 2; }
    [[nodiscard]] std::unique_ptr<model::DensityEvaluator> evaluator() const override {
      auto record = [this, fresh = true](std::span<const double> q, std::span<double> g) mutable {
        if (fresh) first_.emplace_back(q.begin(), q.end());
        fresh = false;
        return reference::StandardNormal{}(q, g);
      };
      return std::make_unique<reference::FunctionDensity<decltype(record)>>(2, record);
    }

  private:
    std::vector<std::vector<double>>& first_;
  };
  const Recording model(first);
  Settings s;
  s.seed = seed_of("given");
  s.chains = 2;
  s.warmup = 0;
  s.draws = 1;
  s.threads = 1;
  s.starts = {{1, 2}, {3, 4}};
  auto sampler = Sampler::create(model, s);
  REQUIRE(sampler.has_value());
  CHECK(sampler->run() == RunStatus::finished);
  CHECK(first == s.starts);
}

TEST_CASE("a density that fails stops the run, and keeps what was drawn") {
  class Failing final : public model::DensityModel {
  public:
    [[nodiscard]] std::size_t dim() const noexcept override { return 2; }
    [[nodiscard]] std::unique_ptr<model::DensityEvaluator> evaluator() const override {
      return std::make_unique<Evaluator>();
    }

  private:
    class Evaluator final : public model::DensityEvaluator {
    public:
      [[nodiscard]] std::size_t dim() const noexcept override { return 2; }
      model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> g) noexcept override {
        if (++calls_ > 3000) return {0, model::EvalStatus::fatal, 42};
        return {reference::StandardNormal{}(q, g), model::EvalStatus::ok, 0};
      }

    private:
      int calls_ = 0;
    };
  };
  const Failing model;
  Settings s;
  s.seed = seed_of("fails");
  s.chains = 2;
  s.warmup = 100;
  s.draws = 10000;
  auto sampler = Sampler::create(model, s);
  REQUIRE(sampler.has_value());
  CHECK(sampler->run() == RunStatus::failed);
  CHECK(sampler->error()->kind == nuts::ErrorKind::density_failed);
  CHECK(sampler->error()->site == 42);
  CHECK(sampler->chain(sampler->error()->chain).draws().size() > 0);
}

TEST_CASE("settings that make no sense are refused with a sentence") {
  const reference::FunctionModel<reference::StandardNormal> model(2, reference::StandardNormal{});
  const auto refused = [&](auto&& change) {
    Settings s;
    change(s);
    const auto sampler = Sampler::create(model, s);
    REQUIRE_FALSE(sampler.has_value());
    CHECK(sampler.error().kind == nuts::ErrorKind::bad_setting);
    return sampler.error().message;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused([](Settings& s) { s.chains = 0; }) == "chains must be 1 or more");
  CHECK(refused([](Settings& s) { s.draws = 0; }) == "draws must be 1 or more");
  CHECK(refused([](Settings& s) { s.thin = 0; }) == "thin must be 1 or more");
  CHECK(refused([](Settings& s) { s.max_depth = 0; }) == "max_depth must lie between 1 and 24, but it is 0");
  CHECK(refused([](Settings& s) { s.max_depth = 25; }) == "max_depth must lie between 1 and 24, but it is 25");
  CHECK(refused([](Settings& s) { s.adaptation.target_accept = 1; }) ==
        "target_accept must lie between 0 and 1, but it is 1");
  CHECK(refused([&](Settings& s) { s.adaptation.target_accept = nan; }) ==
        "target_accept must lie between 0 and 1, but it is nan");
  CHECK(refused([](Settings& s) { s.starts = {{1, 2}}; }) == "1 starts are given for 4 chains");
  CHECK(refused([](Settings& s) {
          s.starts = {{1, 2}, {1}, {1, 2}, {1, 2}};
        }) == "the start of chain 2 has 1 coordinates, the density has 2");
  CHECK(refused([&](Settings& s) {
          s.starts = {{1, 2}, {1, nan}, {1, 2}, {1, 2}};
        }) == "the start of chain 2 is not finite");
  CHECK(refused([](Settings& s) { s.draws = std::numeric_limits<std::size_t>::max() / 4; }) ==
        "more draws than memory can hold");
  const reference::FunctionModel<reference::StandardNormal> empty(0, reference::StandardNormal{});
  CHECK_FALSE(Sampler::create(empty, {}).has_value());
}
