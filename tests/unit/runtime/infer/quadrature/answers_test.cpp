// Quantiles, event boundaries, atoms, nesting; and what is refused.
#include <atomic>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "closed_form.h"

using namespace hearsay;
using namespace hearsay::infer;
using namespace hearsay::infer::testing;

TEST_CASE("quantiles of a normal, also far out") {
  const auto posterior = built(normal_kernel(10, 2), line);
  const boost::math::normal truth(10, 2);
  for (const double p : {1e-30, 1e-9, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999999}) {
    CAPTURE(p);
    check_bounded(value_of(posterior.quantile(p)), quantile(truth, p));
  }
}

TEST_CASE("quantiles at poles, in heavy tails, and of a skewed posterior") {
  const auto arcsine = built(beta_kernel(0.5, 0.5), unit_interval);
  for (const double p : {1e-12, 0.01, 0.3, 0.5, 0.99}) {
    CAPTURE(p);
    const double s = std::sin(0.5 * std::numbers::pi * p);
    check_bounded(value_of(arcsine.quantile(p)), s * s, 2e-9);
  }
  const auto cauchy = built(student_kernel(1), line);
  for (const double p : {0.6, 0.75, 0.999, 1 - 0x1p-40}) {
    CAPTURE(p);
    check_bounded(value_of(cauchy.quantile(p)), 1 / std::tan(std::numbers::pi * (1 - p)), 2e-9);
  }
  const auto gamma = built(gamma_kernel(0.1, 1), half_line);
  for (const double p : {1e-6, 0.1, 0.9}) {
    CAPTURE(p);
    check_bounded(value_of(gamma.quantile(p)), boost::math::gamma_p_inv(0.1, p), 1e-7);
  }
  const auto peaked = built(beta_kernel(600001, 400001), unit_interval);
  const boost::math::beta_distribution<> truth(600001, 400001);
  for (const double p : {0.05, 0.5, 0.95}) check_bounded(value_of(peaked.quantile(p)), quantile(truth, p), 1e-9);
}

TEST_CASE("where there is no density, the error of a quantile covers the gap") {
  const auto g = [](double x) { return x < 1 || x > 2 ? 0.0 : -infinity; };
  const auto posterior = built(g, {0, 3, {1, 2}});
  const BoundedValue median = value_of(posterior.quantile(0.5));
  CHECK(median.value - median.error <= 1 + 1e-9);
  CHECK(median.value + median.error >= 2 - 1e-9);
  check_bounded(value_of(posterior.quantile(0.75)), 2.5);
}

TEST_CASE("quantiles where a pole holds half of the mass") {
  const auto posterior = built(beta_kernel(0.001, 0.001), unit_interval);
  const BoundedValue low = value_of(posterior.quantile(0.1));
  CHECK(low.value >= 0);
  CHECK(low.value <= 1e-100);
  CHECK(low.error <= 1e-100);
  const BoundedValue high = value_of(posterior.quantile(0.9));
  CHECK(std::fabs(1 - high.value) <= high.error);
  CHECK(high.error <= 1e-8);
}

TEST_CASE("a level of a quantile that is no probability is refused") {
  const auto posterior = built(normal_kernel(0, 1), line);
  for (const double p : {0.0, 1.0, -0.5, 2.0, std::nan("")}) {
    const auto q = posterior.quantile(p);
    REQUIRE(!q);
    CHECK(q.error().kind == DiagnosticKind::bad_quantile_level);
  }
}

TEST_CASE("event boundaries") {
  const auto posterior = built(beta_kernel(2, 2), unit_interval);
  const auto half = value_of(posterior.find_breakpoints([](double x) { return x - 0.5; }, 0, 1));
  REQUIRE(half.size() == 1);
  CHECK(half[0] == 0.5);
  CHECK(value_of(posterior.find_breakpoints([](double) { return 1.0; }, 0, 1)).empty());
  CHECK(value_of(posterior.find_breakpoints([](double x) { return x - 0.5; }, 0.6, 0.9)).empty());

  // sin(5x) = 0.3 at (asin 0.3)/5 and (π − asin 0.3)/5
  const auto wave = [](double x) { return std::sin(5 * x) - 0.3; };
  const auto roots = value_of(posterior.find_breakpoints(wave, 0, 1));
  REQUIRE(roots.size() == 2);
  const double first = std::asin(0.3) / 5;
  const double second = (std::numbers::pi - std::asin(0.3)) / 5;
  CHECK(roots[0] == doctest::Approx(first).epsilon(1e-15));
  CHECK(roots[1] == doctest::Approx(second).epsilon(1e-15));
  const auto inside = [&](double x) { return wave(x) > 0 ? 1.0 : 0.0; };
  const double truth = 3 * (second * second - first * first) - 2 * (std::pow(second, 3) - std::pow(first, 3));
  check_bounded(value_of(posterior.expectation(inside, roots)), truth);

  // two roots so near to each other that no scanned point lies between them; and a step function
  const auto dip = [](double x) { return (x - 0.4321) * (x - 0.4321) - 1e-12; };
  const auto close = value_of(posterior.find_breakpoints(dip, 0, 1));
  REQUIRE(close.size() == 2);
  CHECK(close[0] == doctest::Approx(0.432099).epsilon(1e-9));
  CHECK(close[1] == doctest::Approx(0.432101).epsilon(1e-9));
  const auto step = value_of(posterior.find_breakpoints([](double x) { return x > 0.123 ? 1.0 : -1.0; }, 0, 1));
  REQUIRE(step.size() == 1);
  CHECK(step[0] == doctest::Approx(0.123).epsilon(1e-14));
  // 0 on a whole stretch: both of its ends
  const auto plateau = [](double x) { return x < 0.2 ? 0.2 - x : (x > 0.6 ? 0.6 - x : 0.0); };
  const auto ends = value_of(posterior.find_breakpoints(plateau, 0, 1));
  REQUIRE(ends.size() == 2);
  CHECK(ends[0] == doctest::Approx(0.2).epsilon(1e-14));
  CHECK(ends[1] == doctest::Approx(0.6).epsilon(1e-14));

  const auto nothing = posterior.find_breakpoints([](double) { return std::nan(""); }, 0, 1);
  REQUIRE(!nothing);
  CHECK(nothing.error().kind == DiagnosticKind::quantity_not_finite);
}

TEST_CASE("event boundaries far in the tails") {
  const auto posterior = built(normal_kernel(0, 1), line);
  for (const double edge : {-1e50, -40.0, 8.0, 1234.5}) {
    const auto roots = value_of(posterior.find_breakpoints([=](double x) { return x - edge; }, -infinity, infinity));
    REQUIRE(roots.size() == 1);
    CHECK(roots[0] == doctest::Approx(edge).epsilon(1e-14));
  }
}

TEST_CASE("the atoms are a mixture that reproduces expectations") {
  const auto posterior = built(gamma_kernel(3, 2), half_line);
  double sum = 0;
  double mean = 0;
  double log_mean = 0;
  double last = 0;
  for (const auto& [x, log_weight] : posterior.atoms()) {
    CHECK(x >= last);
    last = x;
    sum += std::exp(log_weight);
    mean += std::exp(log_weight) * x;
    log_mean += std::exp(log_weight) * std::log(x);
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-13));
  CHECK(mean == doctest::Approx(1.5).epsilon(1e-10));
  // E ln x = ψ(3) − ln 2, ψ(3) = 3/2 − γ
  CHECK(log_mean == doctest::Approx(1.5 - std::numbers::egamma - std::log(2.0)).epsilon(1e-10));
}

TEST_CASE("two dimensions by nesting: a correlated pair of normals") {
  constexpr double rho = 0.6;
  constexpr double tolerance = 1e-11;
  double inner_bound = 0;
  QuadratureOptions inner;
  inner.relative_tolerance = tolerance;
  const auto given = [&](double x) {
    const auto g = [=](double y) { return -0.5 * (x * x - 2 * rho * x * y + y * y) / (1 - rho * rho); };
    return built(g, line, inner);
  };
  const auto marginal = [&](double x) {
    if (std::fabs(x) > 1e10) return -infinity;  // e^(−x²) is 0; (x − y)² would cancel
    const BoundedValue inner_evidence = given(x).log_evidence();
    if (std::fabs(x) < 8) inner_bound = std::fmax(inner_bound, inner_evidence.error);
    return inner_evidence.value;
  };
  QuadratureOptions outer;
  outer.log_density_error = 1e-9;
  outer.relative_tolerance = 1e-8;
  const auto posterior = built(marginal, line, outer);
  CHECK(inner_bound <= outer.log_density_error);
  check_bounded_absolutely(posterior.log_evidence(), std::log(2 * std::numbers::pi * std::sqrt(1 - rho * rho)), 1e-8);
  const auto covariance = posterior.expectation(
      [&](double x) { return x * value_of(given(x).expectation([](double y) { return y; })).value; });
  CHECK(value_of(covariance).value == doctest::Approx(rho).epsilon(1e-8));
}

TEST_CASE("a density without a finite integral is refused") {
  const auto kind = [](LogDensity1d g, Support1d support) {
    const auto posterior = QuadraturePosterior1d::build(std::move(g), std::move(support));
    REQUIRE(!posterior);
    return posterior.error().kind;
  };
  const auto improper = DiagnosticKind::improper_posterior;
  CHECK(kind([](double x) { return -std::log(x); }, unit_interval) == improper);
  CHECK(kind([](double x) { return -std::log1p(-x); }, unit_interval) == improper);
  CHECK(kind([](double x) { return -1.5 * std::log(x); }, unit_interval) == improper);
  CHECK(kind([](double) { return 0.0; }, line) == improper);
  CHECK(kind([](double) { return 0.0; }, half_line) == improper);
  CHECK(kind([](double x) { return -std::log(x); }, half_line) == improper);
  CHECK(kind([](double x) { return -0.5 * std::log1p(x * x); }, line) == improper);
  CHECK(kind([](double x) { return x; }, line) == improper);
  CHECK(kind([](double x) { return -std::log(std::fabs(x - 0.3)); }, {0, 1, {0.3}}) == improper);
}

TEST_CASE("an expectation that does not exist is refused, one that does is not") {
  const auto cauchy = built(student_kernel(1), line);
  const auto mean = cauchy.expectation([](double x) { return x; });
  REQUIRE(!mean);
  CHECK(mean.error().kind == DiagnosticKind::expectation_diverges);
  const auto third = built(student_kernel(3), line).expectation([](double x) { return x * x * x; });
  REQUIRE(!third);
  CHECK(third.error().kind == DiagnosticKind::expectation_diverges);
  // E x² under 3 degrees of freedom is 3
  check_bounded(value_of(built(student_kernel(3), line).expectation([](double x) { return x * x; })), 3);
  const auto pole = built(beta_kernel(0.5, 1), unit_interval).expectation([](double x) { return 1 / x; });
  REQUIRE(!pole);
  CHECK(pole.error().kind == DiagnosticKind::expectation_diverges);
  // a pole of the quantity alone, at either end, and none where the density vanishes fast enough
  for (const auto& inverse : {std::function<double(double)>([](double x) { return 1 / x; }),
                              std::function<double(double)>([](double x) { return -1 / ((1 - x) * (1 - x)); })}) {
    const auto e = built(beta_kernel(1, 1), unit_interval).expectation(inverse);
    REQUIRE(!e);
    CHECK(e.error().kind == DiagnosticKind::expectation_diverges);
  }
  check_bounded(value_of(built(beta_kernel(2, 1), unit_interval).expectation([](double x) { return 1 / x; })), 2);
  check_bounded(
      value_of(built(beta_kernel(1, 1), unit_interval).expectation([](double x) { return 1 / std::sqrt(x); })), 2);
  // bounded, without a limit at 0: not refused
  const auto wild =
      value_of(built(beta_kernel(0.5, 1), unit_interval).expectation([](double x) { return std::sin(1 / x); }));
  CHECK(!wild.converged);
  CHECK(wild.error > 0);
  // E ln x under Beta(1/2, 1) is −2
  check_bounded(value_of(built(beta_kernel(0.5, 1), unit_interval).expectation([](double x) { return std::log(x); })),
                -2);
}

TEST_CASE("densities and quantities that are not numbers are refused") {
  const auto kind = [](LogDensity1d g, Support1d support, QuadratureOptions options = {}) {
    const auto posterior = QuadraturePosterior1d::build(std::move(g), std::move(support), std::move(options));
    REQUIRE(!posterior);
    return posterior.error().kind;
  };
  CHECK(kind([](double x) { return std::log(x - 0.5); }, unit_interval) == DiagnosticKind::log_density_not_finite);
  CHECK(kind([](double x) { return x > 0.4 && x < 0.6 ? infinity : 0; }, unit_interval) ==
        DiagnosticKind::log_density_not_finite);
  CHECK(kind([](double) { return -infinity; }, line) == DiagnosticKind::no_mass_found);
  CHECK(kind([](double) { return -infinity; }, unit_interval) == DiagnosticKind::no_mass_found);
  CHECK(kind([](double) { return 0.0; }, {2, 1, {}}) == DiagnosticKind::no_mass_found);
  CHECK(kind([](double) { return 0.0; }, {std::nan(""), 1, {}}) == DiagnosticKind::no_mass_found);
  std::atomic<bool> interrupt = true;
  QuadratureOptions options;
  options.interrupt = &interrupt;
  CHECK(kind(normal_kernel(0, 1), line, options) == DiagnosticKind::interrupted);

  const auto posterior = built(normal_kernel(0, 1), line);
  for (const double bad : {infinity, std::nan("")}) {
    const auto e = posterior.expectation([=](double x) { return x > 0 ? bad : 0; });
    REQUIRE(!e);
    CHECK(e.error().kind == DiagnosticKind::quantity_not_finite);
  }
  // where the density is 0 a quantity may be anything
  const auto half = built([](double x) { return x > 0 ? -x : -infinity; }, {-infinity, infinity, {0}});
  check_bounded(value_of(half.expectation([](double x) { return std::sqrt(x); })), 0.5 * std::sqrt(std::numbers::pi));
}

TEST_CASE("an answer that cannot be had with the evaluations allowed says so, and its bound holds") {
  QuadratureOptions options;
  options.max_evaluations = 2'000;
  // a comb of 400 teeth: ∫₀¹ (1 + square wave) = 1 + 1/2
  const auto comb = [](double x) { return std::sin(2 * std::numbers::pi * 200 * x) > 0 ? std::log(2.0) : 0.0; };
  const auto posterior = built(comb, unit_interval, options);
  CHECK(!posterior.log_evidence().converged);
  CHECK(std::fabs(posterior.log_evidence().value - std::log(1.5)) <= posterior.log_evidence().error);
  CHECK(posterior.log_evidence().error > 1e-6);
  // with enough of them, it can
  options.max_evaluations = 2'000'000;
  const auto patient = built(comb, unit_interval, options);
  CHECK(patient.log_evidence().converged);
  check_bounded_absolutely(patient.log_evidence(), std::log(1.5), 1e-9);
}
