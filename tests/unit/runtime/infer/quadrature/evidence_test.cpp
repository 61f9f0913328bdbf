// The log evidence and the moments of posteriors with closed forms.
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "closed_form.h"

using namespace hearsay;
using namespace hearsay::infer;
using namespace hearsay::infer::testing;

namespace {

double log_beta(double a, double b) {
  using boost::math::lgamma;
  const auto la = static_cast<long double>(a);
  const auto lb = static_cast<long double>(b);
  return static_cast<double>(lgamma(la) + lgamma(lb) - lgamma(la + lb));
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_tail(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

}  // namespace

TEST_CASE("beta posteriors: from poles at both ends to a million counts") {
  struct Case {
    double a, b;
  };
  for (const auto& [a, b] :
       {Case{1, 1}, Case{2, 3}, Case{8, 4}, Case{0.5, 0.5}, Case{7.5, 0.3}, Case{0.2, 30}, Case{1.5, 1.25},
        Case{120.5, 2}, Case{40001, 60001}, Case{600001, 400001}, Case{2, 1000000}}) {
    CAPTURE(a);
    CAPTURE(b);
    const auto posterior = built(beta_kernel(a, b), unit_interval);
    check_bounded_absolutely(posterior.log_evidence(), log_beta(a, b), 1e-9);
    CHECK(posterior.evaluations() < 20'000);
    const auto moments = value_of(posterior.expectation(
        [](double x, std::span<double> out) {
          out[0] = x;
          out[1] = x * x;
        },
        2));
    const double mean = a / (a + b);
    check_bounded(moments[0], mean);
    check_bounded(moments[1], mean * (a + 1) / (a + b + 1));
    if (a >= 0.5 && b >= 0.5) CHECK(moments[0].converged);
    check_bounded(value_of(posterior.probability(0, mean)), boost::math::ibeta(a, b, mean), 1e-8);
    check_bounded(value_of(posterior.probability(mean, 1)), boost::math::ibetac(a, b, mean), 1e-8);
  }
}

TEST_CASE("poles that hold most of the mass have honest bounds, even where these are wide") {
  for (const double a : {0.1, 0.01, 0.001}) {
    CAPTURE(a);
    const auto posterior = built(beta_kernel(a, a), unit_interval);
    check_bounded_absolutely(posterior.log_evidence(), log_beta(a, a), 1e-3);
    const auto mean = value_of(posterior.expectation([](double x) { return x; }));
    check_bounded(mean, 0.5, 1e-3);
    check_bounded(value_of(posterior.probability(0, 0.25)), boost::math::ibeta(a, a, 0.25), 1e-3);
  }
}

TEST_CASE("normal posteriors, far out and narrow") {
  struct Case {
    double mean, sd;
  };
  for (const auto& [mean, sd] :
       {Case{0, 1}, Case{1000, 0.001}, Case{-3e6, 2}, Case{1e-9, 1e-12}, Case{5, 1e8}, Case{0.3, 1e-40}}) {
    CAPTURE(mean);
    CAPTURE(sd);
    // x is rounded to 2^-53 |mean|: a peak narrower than that cannot be told from a point.
    if (sd < 1e-15 * std::fabs(mean)) continue;
    const auto posterior = built(normal_kernel(mean, sd), line);
    check_bounded_absolutely(posterior.log_evidence(), std::log(sd) + 0.5 * std::log(2 * std::numbers::pi), 1e-9);
    const auto moments = value_of(posterior.expectation(
        [&](double x, std::span<double> out) {
          out[0] = x;
          out[1] = (x - mean) * (x - mean);
        },
        2));
    check_bounded_absolutely(moments[0], mean, 1e-9 * (std::fabs(mean) + sd));
    check_bounded(moments[1], sd * sd);
  }
}

TEST_CASE("normal prior, normal data: the conjugate answer") {
  const std::vector<double> data{2.1, 1.7, 3.3, 2.6};
  const double sigma = 0.8;
  const auto g = [&](double mu) {
    double sum = -0.5 * (mu / 5) * (mu / 5) - std::log(5.0) - 0.5 * std::log(2 * std::numbers::pi);
    for (const double y : data) {
      sum += -0.5 * ((y - mu) / sigma) * ((y - mu) / sigma) - std::log(sigma) - 0.5 * std::log(2 * std::numbers::pi);
    }
    return sum;
  };
  const auto posterior = built(g, line);
  // precision 1/25 + 4/0.64 = 6.29, mean (9.7/0.64)/6.29
  check_bounded(value_of(posterior.expectation([](double x) { return x; })), 9.7 / 0.64 / 6.29);
  double squares = 0;
  for (const double y : data) squares += y * y;
  const double log_evidence = -2 * std::log(2 * std::numbers::pi) - 4 * std::log(sigma) - std::log(5.0) -
                              0.5 * std::log(6.29) - 0.5 * (squares / 0.64 - (9.7 / 0.64) * (9.7 / 0.64) / 6.29);
  check_bounded_absolutely(posterior.log_evidence(), log_evidence, 1e-9);
}

TEST_CASE("gamma posteriors on the half line") {
  struct Case {
    double shape, rate;
  };
  for (const auto& [shape, rate] : {Case{1, 1}, Case{0.5, 2}, Case{0.1, 1e-6}, Case{3, 1e6}, Case{250000, 3}}) {
    CAPTURE(shape);
    CAPTURE(rate);
    const auto posterior = built(gamma_kernel(shape, rate), half_line);
    const double truth = boost::math::lgamma(shape) - shape * std::log(rate);
    check_bounded_absolutely(posterior.log_evidence(), truth, 2e-9);
    check_bounded(value_of(posterior.expectation([](double x) { return x; })), shape / rate, 2e-9);
    check_bounded(value_of(posterior.probability(shape / rate, infinity)), boost::math::gamma_q(shape, shape), 2e-9);
  }
}

TEST_CASE("a shifted half line, downwards") {
  const auto posterior = built([](double x) { return 3 * (x - 7); }, {-infinity, 7, {}});
  check_bounded_absolutely(posterior.log_evidence(), -std::log(3.0), 1e-9);
  check_bounded(value_of(posterior.expectation([](double x) { return 7 - x; })), 1.0 / 3);
}

TEST_CASE("heavy tails") {
  const auto cauchy = built(student_kernel(1), line);
  check_bounded_absolutely(cauchy.log_evidence(), std::log(std::numbers::pi), 1e-9);
  check_bounded(value_of(cauchy.probability(1, infinity)), 0.25);
  check_bounded(value_of(cauchy.probability(1e9, infinity)), std::atan(1e-9) / std::numbers::pi);
  check_bounded(value_of(cauchy.probability(-infinity, -1e30)), 1e-30 / std::numbers::pi);
  check_bounded(value_of(cauchy.expectation([](double x) { return 1 / (1 + x * x); })), 0.5);

  const auto half_cauchy = built(student_kernel(1), half_line);
  check_bounded_absolutely(half_cauchy.log_evidence(), std::log(std::numbers::pi / 2), 1e-9);

  for (const double freedom : {0.05, 0.5, 1.5, 3.0}) {
    CAPTURE(freedom);
    const auto student = built(student_kernel(freedom), line);
    const double truth = 0.5 * std::log(freedom) + log_beta(0.5, 0.5 * freedom);
    check_bounded_absolutely(student.log_evidence(), truth, 1e-9);
  }
  // E|x| under 3 degrees of freedom: 2√3/π
  const auto student = built(student_kernel(3), line);
  check_bounded(value_of(student.expectation([](double x) { return std::fabs(x); })),
                2 * std::numbers::sqrt3 / std::numbers::pi);
}

TEST_CASE("truncated normals") {
  struct Case {
    double lo, hi;
  };
  for (const auto& [lo, hi] : {Case{5, infinity}, Case{8, 9}, Case{-1, 2}, Case{30, infinity}, Case{-infinity, -12}}) {
    CAPTURE(lo);
    CAPTURE(hi);
    const auto posterior = built(normal_kernel(0, 1), {lo, hi, {}});
    const double mass = lo > 0 ? normal_tail(lo) - normal_tail(hi) : normal_cdf(hi) - normal_cdf(lo);
    const double whole = std::sqrt(2 * std::numbers::pi);
    check_bounded_absolutely(posterior.log_evidence(), std::log(mass * whole), 1e-9);
    const double density = (std::exp(-0.5 * lo * lo) - std::exp(-0.5 * hi * hi)) / whole;
    check_bounded(value_of(posterior.expectation([](double x) { return x; })), density / mass);
  }
}

TEST_CASE("separate modes of different width and weight are all found") {
  struct Component {
    double weight, mean, sd;
  };
  const std::vector<std::vector<Component>> mixtures = {
      {{0.5, -3, 1}, {0.5, 4, 0.5}},
      {{0.3, 1000, 0.001}, {0.7, -50, 0.01}},
      {{0.01, 20, 0.1}, {0.99, 0, 1}},
      {{0.2, -1e5, 3}, {0.3, 0, 1e-3}, {0.5, 2e7, 100}},
  };
  for (const auto& mixture : mixtures) {
    const auto g = [&](double x) {
      double highest = -infinity;
      std::vector<double> terms;
      for (const auto& [weight, mean, sd] : mixture) {
        terms.push_back(std::log(weight / sd) - 0.5 * ((x - mean) / sd) * ((x - mean) / sd));
        highest = std::fmax(highest, terms.back());
      }
      double sum = 0;
      for (const double t : terms) sum += std::exp(t - highest);
      return highest + std::log(sum);
    };
    const auto posterior = built(g, line);
    check_bounded_absolutely(posterior.log_evidence(), 0.5 * std::log(2 * std::numbers::pi), 1e-9);
    double mean = 0;
    for (const auto& c : mixture) mean += c.weight * c.mean;
    check_bounded(value_of(posterior.expectation([](double x) { return x; })), mean, 1e-8);
    const double edge = mixture[0].mean + 6 * mixture[0].sd;
    double below = 0;
    for (const auto& c : mixture) below += c.weight * normal_cdf((edge - c.mean) / c.sd);
    check_bounded(value_of(posterior.probability(-infinity, edge)), below);
  }
}

TEST_CASE("a spike on a broad background is found through a landmark") {
  const auto g = [](double x) {
    const double z = (x - 3.7) / 1e-6;
    return std::log(std::exp(-0.5 * x * x) + 1e6 * std::exp(-0.5 * z * z));
  };
  QuadratureOptions options;
  options.landmarks = {3.7};
  const auto posterior = built(g, line, options);
  check_bounded_absolutely(posterior.log_evidence(), std::log(2 * std::sqrt(2 * std::numbers::pi)), 1e-9);
}

TEST_CASE("densities with jumps") {
  // 1 on (0, 0.3), 5 on (0.3, 0.7), 0 beyond
  const auto steps = [](double x) { return x < 0.3 ? 0.0 : (x < 0.7 ? std::log(5.0) : -infinity); };
  const auto told = built(steps, {0, 1, {0.3, 0.7}});
  check_bounded_absolutely(told.log_evidence(), std::log(2.3), 1e-12);
  CHECK(told.log_evidence().converged);
  // the jumps are not told: more evaluations, the same answer
  const auto untold = built(steps, unit_interval);
  check_bounded_absolutely(untold.log_evidence(), std::log(2.3), 1e-9);
  CHECK(untold.evaluations() > told.evaluations());
  check_bounded(value_of(untold.probability(0, 0.3)), 0.3 / 2.3);
  // a jump on the line
  const auto halves = [](double x) { return -0.5 * x * x + (x > 1 ? 2.0 : 0.0); };
  const auto posterior = built(halves, {-infinity, infinity, {1}});
  const double above = std::exp(2.0) * normal_tail(1);
  check_bounded(value_of(posterior.probability(1, infinity)), above / (above + normal_cdf(1)));
}

TEST_CASE("jumps that are not told, anywhere: the bound holds") {
  // A jump may fall between an edge of a panel and the nodes; positions from the golden ratio's multiples.
  for (int i = 1; i <= 300; ++i) {
    const double jump = i * std::numbers::phi - std::floor(i * std::numbers::phi);
    const double factor = i % 3 == 0 ? 0.0 : (i % 3 == 1 ? 1.5 : 40.0);
    CAPTURE(jump);
    const auto g = [=](double x) { return -x + (x > jump ? std::log(factor) : 0.0); };
    const double truth = -std::expm1(-jump) + factor * (std::exp(-jump) - std::exp(-1.0));
    check_bounded_absolutely(built(g, unit_interval).log_evidence(), std::log(truth), 1e-8);
  }
}

TEST_CASE("a pole inside the support") {
  const auto g = [](double x) { return -0.5 * std::log(std::fabs(x - 0.25)); };
  const auto posterior = built(g, {0, 1, {0.25}});
  check_bounded_absolutely(posterior.log_evidence(), std::log(2 * (0.5 + std::sqrt(0.75))), 1e-9);
}

TEST_CASE("improbable events have relative accuracy") {
  const auto normal = built(normal_kernel(0, 1), line);
  for (const double x : {-3.0, -6.0, -20.0, -35.0}) {
    CAPTURE(x);
    check_bounded(value_of(normal.probability(-infinity, x)), normal_cdf(x));
    check_bounded(value_of(normal.probability(-x, infinity)), normal_cdf(x));
  }
  check_bounded(value_of(normal.probability(6, 6.5)), normal_tail(6) - normal_tail(6.5));
  CHECK(value_of(normal.probability(50, infinity)).value == 0);
  CHECK(value_of(normal.probability(1, 0.5)).value == 0);
  const auto beta = built(beta_kernel(2.5, 3.25), unit_interval);
  for (const double x : {1e-4, 1e-6, 1e-30}) {
    CAPTURE(x);
    check_bounded(value_of(beta.probability(0, x)), boost::math::ibeta(2.5, 3.25, x));
  }
  check_bounded(value_of(beta.probability(1 - 0x1p-20, 1)), boost::math::ibeta(3.25, 2.5, 0x1p-20));
}
