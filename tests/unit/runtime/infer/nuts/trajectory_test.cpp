#include "runtime/infer/nuts/trajectory.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

#include "tests/reference/densities.h"
#include "tests/unit/runtime/infer/nuts/seed.h"

using namespace hearsay;
using nuts::Metric;
using nuts::Position;
using nuts::Rules;
using nuts::Trajectory;
using testing::seed_of;

namespace {

std::atomic<std::size_t> allocations = 0;  // counted by the operators below, for this program

template <class F>
Position evaluate(const F& f, std::vector<double> q) {
  Position at{std::move(q), {}, 0};
  at.gradient.resize(at.q.size());
  at.log_density = f(at.q, at.gradient);
  return at;
}

std::vector<double> identity(std::size_t dim) {
  std::vector<double> m(dim * dim, 0.0);
  for (std::size_t i = 0; i < dim; ++i) m[i * dim + i] = 1;
  return m;
}

/// Fails from the given call on, in the way that is asked for.
class Failing final : public model::DensityEvaluator {
public:
  Failing(int good, model::EvalStatus then) : good_(good), then_(then) {}
  [[nodiscard]] std::size_t dim() const noexcept override { return 2; }
  model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept override {
    if (good_-- <= 0) {
      gradient[0] = gradient[1] = std::numeric_limits<double>::quiet_NaN();
      return {std::numeric_limits<double>::quiet_NaN(), then_, 17};
    }
    return {reference::StandardNormal{}(q, gradient), model::EvalStatus::ok, 0};
  }

private:
  int good_;
  model::EvalStatus then_;
};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("vector loops are the sums that they say, at every length") {
  rng::Stream random(seed_of("vector loops"), 0, 0, 0);
  for (std::size_t dim = 1; dim <= 13; ++dim) {
    CAPTURE(dim);
    const std::size_t n = nuts::padded(dim);
    const auto make = [&] {
      std::vector<double> v(n, 0.0);
      for (std::size_t i = 0; i < dim; ++i) v[i] = random.normal();
      return v;
    };
    const auto a = make(), b = make(), c = make(), d = make(), r = make(), s = make(), scale = make();
    std::vector<double> q(n), p(n), sum(n);
    nuts::kick_and_drift(n, 0.3, scale.data(), a.data(), b.data(), c.data(), q.data(), p.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double half = b[i] + 0.15 * scale[i] * c[i];
      CHECK(p[i] == doctest::Approx(half).epsilon(1e-14));
      CHECK(q[i] == doctest::Approx(a[i] + 0.3 * scale[i] * half).epsilon(1e-14));
    }
    double expected = 0;
    for (std::size_t i = 0; i < n; ++i) expected += std::pow(p[i] + 0.15 * scale[i] * d[i], 2);
    CHECK(nuts::kick(n, 0.3, scale.data(), d.data(), p.data()) == doctest::Approx(expected).epsilon(1e-13));
    CHECK(nuts::square(n, p.data()) == doctest::Approx(expected).epsilon(1e-13));
    const auto dot = [&](auto&& f) {
      double total = 0;
      for (std::size_t i = 0; i < n; ++i) total += f(i);
      return doctest::Approx(total).epsilon(1e-12).scale(1);
    };
    CHECK(nuts::add_and_dot(n, a.data(), b.data(), sum.data()) == dot([&](std::size_t i) { return a[i] * b[i]; }));
    for (std::size_t i = 0; i < n; ++i) CHECK(sum[i] == a[i] + b[i]);
    const nuts::Turn t = nuts::join(n, {a.data(), b.data(), r.data()}, {c.data(), d.data(), s.data()}, sum.data());
    for (std::size_t i = 0; i < n; ++i) CHECK(sum[i] == r[i] + s[i]);
    CHECK(t.whole_begin == dot([&](std::size_t i) { return a[i] * (r[i] + s[i]); }));
    CHECK(t.whole_end == dot([&](std::size_t i) { return d[i] * (r[i] + s[i]); }));
    CHECK(t.first_begin == dot([&](std::size_t i) { return a[i] * (r[i] + c[i]); }));
    CHECK(t.first_end == dot([&](std::size_t i) { return c[i] * (r[i] + c[i]); }));
    CHECK(t.second_begin == dot([&](std::size_t i) { return b[i] * (s[i] + b[i]); }));
    CHECK(t.second_end == dot([&](std::size_t i) { return d[i] * (s[i] + b[i]); }));
  }
}

TEST_CASE("metrics whiten, and come back from what is stored") {
  const std::vector<double> covariance = {4, 1.2, 0.4, 0, 1, -0.3, 0, 0, 2};  // lower triangle
  const Metric dense = *Metric::dense(covariance);
  // S S' is the covariance: column by column, S (S' e_j).
  for (std::size_t j = 0; j < 3; ++j) {
    std::vector<double> e(3, 0.0), w(3), v(3);
    e[j] = 1;
    dense.to_momentum(e.data(), w.data());
    dense.to_position(w.data(), v.data());
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(v[i] == doctest::Approx(i >= j ? covariance[j * 3 + i] : covariance[i * 3 + j]).epsilon(1e-14));
    CHECK(dense.variances()[j] == doctest::Approx(covariance[j * 3 + j]).epsilon(1e-14));
  }
  CHECK(*Metric::from_stored(3, dense.stored(), true) == dense);
  const std::vector<double> variances = {4, 9};
  const Metric diagonal = *Metric::diagonal(variances);
  CHECK(diagonal.scale()[1] == 3);
  CHECK(diagonal.scale()[2] == 0);
  CHECK(*Metric::from_stored(2, diagonal.stored(), false) == diagonal);
  CHECK_FALSE(Metric::diagonal(std::vector<double>{1, 0}).has_value());
  CHECK_FALSE(Metric::diagonal(std::vector<double>{1, HUGE_VAL}).has_value());
  CHECK_FALSE(Metric::dense(std::vector<double>{1, 2, 2, 1}).has_value());
  CHECK_FALSE(Metric::dense(std::vector<double>{1, 2, 2}).has_value());
  CHECK_FALSE(Metric::from_stored(2, std::vector<double>{1, -1}, false).has_value());
  CHECK_FALSE(Metric::from_stored(2, std::vector<double>{1}, false).has_value());
}

TEST_CASE("the energy error of a leapfrog step falls with the third power of its size") {
  // On the eight schools, averaged over momenta: the ratio of errors at h and h/2 tends to 8.
  reference::FunctionDensity density(10, reference::EightSchools{});
  const Position at = evaluate(reference::EightSchools{}, {3, 1, .5, -.2, .1, .3, -.4, .2, .1, .6});
  for (const bool dense : {false, true}) {
    const Metric metric = dense ? *Metric::dense(identity(10)) : Metric::identity(10);
    Trajectory<Rules> trajectory(10, 5);
    double coarse = 0, fine = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      rng::Stream one(seed_of("third power"), i, 0, 0), two(seed_of("third power"), i, 0, 0);
      coarse += std::abs(*trajectory.error_of_one_step(density, metric, 0.02, one, at));
      fine += std::abs(*trajectory.error_of_one_step(density, metric, 0.01, two, at));
    }
    CHECK(coarse > 0);
    CHECK(coarse / fine == doctest::Approx(8).epsilon(0.03));
  }
}

TEST_CASE("a dense metric that is diagonal gives the trajectories of the diagonal one") {
  const reference::EightSchools f;
  reference::FunctionDensity density(10, f);
  std::vector<double> variances(10, 1.0), covariance = identity(10);
  variances[0] = covariance[0] = 9;
  const Metric diagonal = *Metric::diagonal(variances), dense = *Metric::dense(covariance);
  Position a = evaluate(f, std::vector<double>(10, 0.1)), b = a;
  Trajectory<Rules> trajectory(10, 8);
  for (std::uint64_t i = 0; i < 20; ++i) {
    rng::Stream one(seed_of("dense"), 0, i, 0), two(seed_of("dense"), 0, i, 0);
    const auto first = trajectory.transition(density, diagonal, 0.3, one, a);
    const auto second = trajectory.transition(density, dense, 0.3, two, b);
    CHECK(first.transition.leapfrogs == second.transition.leapfrogs);
    for (std::size_t k = 0; k < 10; ++k) CHECK(a.q[k] == doctest::Approx(b.q[k]).epsilon(1e-9).scale(1));
    b = a;  // so that rounding does not add up
  }
}

TEST_CASE("a transition says what it did") {
  const reference::StandardNormal f;
  reference::FunctionDensity density(3, f);
  const Metric metric = Metric::identity(3);
  Trajectory<Rules> trajectory(3, 6);
  Position at = evaluate(f, {0.5, -0.5, 1});
  for (std::uint64_t i = 0; i < 50; ++i) {
    rng::Stream random(seed_of("says"), 0, i, 0);
    const Position before = at;
    const auto out = trajectory.transition(density, metric, 0.2, random, at);
    CHECK(out.status == nuts::TransitionStatus::done);
    CHECK(out.moved == (at.q != before.q));
    CHECK(at == evaluate(f, at.q));
    CHECK(out.transition.log_density == at.log_density);
    CHECK(out.transition.energy >= -at.log_density);
    CHECK(out.transition.accept_stat > 0.9);
    CHECK(out.transition.accept_stat <= 1);
    CHECK(out.transition.leapfrogs >= (1U << out.transition.depth) - 1);
    CHECK_FALSE(out.transition.divergent);
  }
  // Steps too short to turn anywhere: all doublings, and no more.
  rng::Stream random(seed_of("short"), 0, 0, 0);
  const auto out = trajectory.transition(density, metric, 1e-3, random, at);
  CHECK(out.transition.depth == 6);
  CHECK(out.transition.leapfrogs == 63);
}

TEST_CASE("trajectories stop where they turn, with the checks across pieces too") {
  // Independent normals turn together, after half a period: pi / step points at most one doubling late. Doubling
  // compares ends only; without the stretches across pieces, a trajectory whose halves are full circles would go on.
  const reference::StandardNormal f;
  reference::FunctionDensity density(100, f);
  Trajectory<Rules> trajectory(100, 10);
  struct WithoutStretches : Rules {
    static bool turns(const nuts::Turn& t) { return !(t.whole_begin > 0 && t.whole_end > 0); }
  };
  Trajectory<WithoutStretches> lenient(100, 10);
  double most = 0, most_lenient = 0;
  for (int k = 10; k <= 60; ++k) {
    const double step = 0.01 * k;
    for (std::uint64_t i = 0; i < 5; ++i) {
      std::vector<double> q(100);
      rng::Stream start(seed_of("turn"), i, 0, 1);
      start.fill_normal(q);
      Position one = evaluate(f, q), two = one;
      rng::Stream a(seed_of("turn"), i, 0, 0), b(seed_of("turn"), i, 0, 0);
      most = std::max(most,
                      step * trajectory.transition(density, Metric::identity(100), step, a, one).transition.leapfrogs);
      most_lenient = std::max(
          most_lenient, step * lenient.transition(density, Metric::identity(100), step, b, two).transition.leapfrogs);
    }
  }
  CHECK(most < 4 * 3.1416);
  CHECK(most_lenient > 10 * 3.1416);
}

TEST_CASE("no allocation in a transition") {
  const reference::EightSchools f;
  reference::FunctionDensity density(10, f);
  for (const bool dense : {false, true}) {
    const Metric metric = dense ? *Metric::dense(identity(10)) : Metric::identity(10);
    Trajectory<Rules> trajectory(10, 8);
    Position at = evaluate(f, std::vector<double>(10, 0.1));
    const std::size_t before = allocations;
    std::uint64_t leapfrogs = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
      rng::Stream random(seed_of("allocation"), 0, i, 0);
      leapfrogs += trajectory.transition(density, metric, 0.1, random, at).transition.leapfrogs;
    }
    CHECK(allocations == before);
    CHECK(leapfrogs > 1000);
  }
}

TEST_CASE("outside the support is a divergence that names the statement; the position stays usable") {
  const Position from = evaluate(reference::StandardNormal{}, {0.5, 0.5});
  for (const int good : {0, 1, 5}) {
    Failing density(good, model::EvalStatus::outside_support);
    Trajectory<Rules> trajectory(2, 8);
    Position at = from;
    rng::Stream random(seed_of("outside"), 0, 0, 0);
    const auto out = trajectory.transition(density, Metric::identity(2), 0.1, random, at);
    CHECK(out.status == nuts::TransitionStatus::done);
    CHECK(out.transition.divergent);
    CHECK(out.site == 17);
    CHECK(std::isfinite(at.q[0]));
    CHECK(at.log_density == evaluate(reference::StandardNormal{}, at.q).log_density);
    CHECK(std::isfinite(out.transition.accept_stat));
    CHECK(trajectory.error_of_one_step(density, Metric::identity(2), 0.1, random, at) == HUGE_VAL);
  }
}

TEST_CASE("fatal and interrupted transitions change nothing, and can be made again") {
  const Position from = evaluate(reference::StandardNormal{}, {0.5, 0.5});
  Trajectory<Rules> trajectory(2, 8);
  Position at = from;
  Failing density(3, model::EvalStatus::fatal);
  rng::Stream random(seed_of("fatal"), 0, 0, 0);
  const auto fatal = trajectory.transition(density, Metric::identity(2), 0.1, random, at);
  CHECK(fatal.status == nuts::TransitionStatus::fatal);
  CHECK(fatal.site == 17);
  CHECK(at == from);
  CHECK_FALSE(trajectory.error_of_one_step(density, Metric::identity(2), 0.1, random, at).has_value());

  reference::FunctionDensity good(2, reference::StandardNormal{});
  const std::atomic<bool> stop = true;
  rng::Stream again(seed_of("fatal"), 0, 0, 0);
  CHECK(trajectory.transition(good, Metric::identity(2), 0.1, again, at, &stop).status ==
        nuts::TransitionStatus::interrupted);
  CHECK(at == from);
  Position other = from;
  rng::Stream one(seed_of("again"), 0, 0, 0), two(seed_of("again"), 0, 0, 0);
  Trajectory<Rules> fresh(2, 8);
  const auto a = trajectory.transition(good, Metric::identity(2), 0.1, one, at);
  const auto b = fresh.transition(good, Metric::identity(2), 0.1, two, other);
  CHECK(a.transition == b.transition);
  CHECK(at == other);
}

TEST_CASE("weights of any size are chosen among, and none overflows") {
  // A plateau 5000 nats above the start: a step that reaches it must end there.
  const auto cliff = [](std::span<const double> q, std::span<double> g) {
    g[0] = 0;
    return q[0] > 0 ? 5000.0 : 0.0;
  };
  reference::FunctionDensity density(1, cliff);
  Trajectory<Rules> trajectory(1, 5);
  int reached = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    Position at{{-0.01}, {0}, 0};
    rng::Stream random(seed_of("cliff"), 0, i, 0);
    const auto out = trajectory.transition(density, Metric::identity(1), 0.5, random, at);
    CHECK(std::isfinite(out.transition.accept_stat));
    CHECK(out.transition.accept_stat <= 1);
    if (at.q[0] > 0) {
      ++reached;
      CHECK(at.log_density == 5000);
    } else {  // only if no point was on the plateau: the first half went away from it and was cut by nothing else
      CHECK(out.transition.accept_stat == 1);
    }
  }
  CHECK(reached > 50);
}
