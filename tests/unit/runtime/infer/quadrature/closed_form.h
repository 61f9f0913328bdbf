// Checks of a bounded value against a closed form, and log densities whose closed forms are known.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "runtime/infer/quadrature/posterior.h"

namespace hearsay::infer::testing {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// The closed forms come from Boost.Math and libm, themselves good to some tens of ulp.
inline constexpr double closed_form_ulps = 64;

/// |value − truth| ≤ bound, and the bound is at most `tightness` relative to the truth.
inline void check_bounded(const BoundedValue& answer, double truth, double tightness = 1e-9) {
  const double own = closed_form_ulps * std::numeric_limits<double>::epsilon() * std::fabs(truth);
  CAPTURE(answer.value);
  CAPTURE(truth);
  CAPTURE(answer.error);
  CAPTURE(answer.value - truth);
  CHECK(answer.error >= 0);
  CHECK(std::fabs(answer.value - truth) <= answer.error + own);
  CHECK(answer.error <= tightness * std::fabs(truth));
}

/// The same where the truth may be 0: the bound is absolute, in nats for a log evidence.
inline void check_bounded_absolutely(const BoundedValue& answer, double truth, double tightness) {
  const double own = closed_form_ulps * std::numeric_limits<double>::epsilon() * (1 + std::fabs(truth));
  CAPTURE(answer.value);
  CAPTURE(truth);
  CAPTURE(answer.error);
  CAPTURE(answer.value - truth);
  CHECK(std::fabs(answer.value - truth) <= answer.error + own);
  CHECK(answer.error <= tightness);
}

inline QuadraturePosterior1d built(LogDensity1d g, Support1d support, QuadratureOptions options = {}) {
  auto posterior = QuadraturePosterior1d::build(std::move(g), std::move(support), std::move(options));
  if (!posterior) FAIL(posterior.error().message);
  return *std::move(posterior);
}

template <class T>
T value_of(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return *std::move(result);
}

inline LogDensity1d beta_kernel(double a, double b) {
  return [=](double x) {
    const double left = a == 1 ? 0 : (a - 1) * std::log(x);
    return left + (b == 1 ? 0 : (b - 1) * std::log1p(-x));
  };
}
inline LogDensity1d normal_kernel(double mean, double sd) {
  return [=](double x) { return -0.5 * ((x - mean) / sd) * ((x - mean) / sd); };
}
inline LogDensity1d gamma_kernel(double shape, double rate) {
  return [=](double x) { return (shape - 1) * std::log(x) - rate * x; };
}
inline LogDensity1d student_kernel(double freedom) {
  return [=](double x) { return -0.5 * (freedom + 1) * std::log1p(x * x / freedom); };
}

inline const Support1d unit_interval{0, 1, {}};
inline const Support1d half_line{0, infinity, {}};
inline const Support1d line{-infinity, infinity, {}};

}  // namespace hearsay::infer::testing
