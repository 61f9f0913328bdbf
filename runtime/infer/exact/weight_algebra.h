// The two ways to hold sums of weights: numbers with an exponent apart, or logarithms. One interface, for templates.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "lang/model/lanes.h"

namespace hearsay::exact {

/// Weights as mantissa * 2^exponent.
struct LinearAlgebra {
  static constexpr double kOne = 1;
  static constexpr double kZero = 0;
  static constexpr bool kLogs = false;

  /// A sum of weights of which some are too small beside others to be seen: those are dropped.
  struct Sum {
    double mantissa = 0;
    std::int64_t exponent = 0;

    static Sum of(double x, std::int64_t exponent) {
      int e = 0;
      const double m = std::frexp(x, &e);
      return {m, m == 0 ? 0 : exponent + e};
    }
    void add(Sum other) {
      if (other.mantissa == 0) return;
      if (mantissa == 0 || exponent < other.exponent) std::swap(*this, other);
      const std::int64_t apart = exponent - other.exponent;
      if (other.mantissa != 0 && apart <= kVisible) mantissa += std::ldexp(other.mantissa, static_cast<int>(-apart));
    }
    [[nodiscard]] double log() const {
      return mantissa == 0 ? -std::numeric_limits<double>::infinity()
                           : std::log(mantissa) + static_cast<double>(exponent) * std::numbers::ln2;
    }
  };

  static void combine(std::size_t n, const double* a, const double* b, double* out) {
    model::lanes::multiply(n, a, b, out);
  }
  static double combine(double a, double b) { return a * b; }

  /// Binary places beyond which a summand is dropped: far more than a double has.
  static constexpr std::int64_t kVisible = 200;
};

/// Weights as logarithms, in nats.
struct LogAlgebra {
  static constexpr double kOne = 0;
  static constexpr double kZero = -std::numeric_limits<double>::infinity();
  static constexpr bool kLogs = true;

  struct Sum {
    double value = kZero;

    void add(Sum other) {
      if (other.value == kZero) return;
      if (value < other.value) std::swap(value, other.value);
      value += std::log1p(std::exp(other.value - value));
    }
    [[nodiscard]] double log() const { return value; }
  };

  static void combine(std::size_t n, const double* a, const double* b, double* out) { model::lanes::add(n, a, b, out); }
  static double combine(double a, double b) { return a + b; }
};

}  // namespace hearsay::exact
