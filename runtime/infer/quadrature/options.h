// What is integrated, and how hard to try.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lang/support/source.h"

namespace hearsay::infer {

/// An unnormalised log density, in nats; −∞ where the density is 0.
using LogDensity1d = std::function<double(double x)>;
/// Several quantities at once: writes one number for each into `out`.
using Integrands1d = std::function<void(double x, std::span<double> out)>;

/// The support (an open interval, ends may be infinite), and the points inside it where the density may jump or have a
/// pole. Points outside the support are ignored.
struct Support1d {
  double lo = 0;
  double hi = 1;
  std::vector<double> breakpoints;
};

struct QuadratureOptions {
  /// Of every answer, relative to the integral of its magnitude.
  double relative_tolerance = 1e-10;
  /// Of the log density, for one answer (the search for the mass, some hundreds to two thousand, always runs whole).
  std::size_t max_evaluations = 500'000;
  /// By how much the log density may itself be wrong (nats, beyond rounding): the bound of an inner integral, if any.
  double log_density_error = 0;
  /// Points near which mass may hide from a search (means of narrow components, data); they need not be exact.
  std::vector<double> landmarks;
  const std::atomic<bool>* interrupt = nullptr;
  /// For messages: the variable, and the statement that asks.
  std::string name = "x";
  SourceSpan where{};
};

/// A number and how far the truth may be from it. Not converged: the tolerance was not reached, the bound still holds.
struct BoundedValue {
  double value = 0;
  double error = 0;
  bool converged = true;
};

}  // namespace hearsay::infer
