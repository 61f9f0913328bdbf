// One panel: a stretch of a chart, the density at the nodes of the rule, and the integrals over it.
#pragma once

#include <array>
#include <vector>

#include "runtime/infer/quadrature/chart.h"
#include "runtime/infer/quadrature/kronrod.h"

namespace hearsay::infer::quadrature {

/// The integral of one quantity times the density, and what it may be wrong by, in the units of the density.
struct Integral {
  double value = 0;
  double magnitude = 0;   ///< the integral of the absolute value: what tolerances are relative to
  double truncation = 0;  ///< of the rule; shrinks when a panel is split
  double rounding = 0;    ///< of the log density; does not
  double tail = 0;        ///< of what lies beyond the panels
  /// The integral of the squared quantity; of the mass: of the squared relative rounding error of the density.
  double square = 0;

  [[nodiscard]] double error() const { return truncation + rounding + tail; }
  Integral& operator+=(const Integral& other) {
    value += other.value;
    magnitude += other.magnitude;
    truncation += other.truncation;
    rounding += other.rounding;
    tail += other.tail;
    square += other.square;
    return *this;
  }
};

/// Integral 0 is the mass itself, integral k the k-th quantity (from 1).
using Integrals = std::vector<Integral>;

struct Panel {
  Chart chart;
  double from = 0;  ///< in the chart's coordinate, from < to
  double to = 0;
  std::array<double, rule_size> x{};
  std::array<double, rule_size> log_density{};
  std::array<double, rule_size> weight{};  ///< density · |dx/dv| · (to − from)/2, without the rule's own weight
  Integrals integrals;
  int stalls = 0;  ///< how often splitting did not help because rounding is all that is left

  [[nodiscard]] double lowest() const { return std::fmin(chart.x(from), chart.x(to)); }
  [[nodiscard]] double highest() const { return std::fmax(chart.x(from), chart.x(to)); }
};

/// What lies between the panels and an end of the support: [cut, limit] of a chart, towards the limit.
struct Tail {
  Chart chart;
  double begin = 0;    ///< where the panels of this chart begin
  double cut = 0;      ///< where they end
  double limit = 0;    ///< beyond this nothing can be evaluated
  double step = 2;     ///< width of the next panel
  bool split = false;  ///< a breakpoint lies beyond the limit

  [[nodiscard]] int direction() const { return limit > begin ? +1 : -1; }
  [[nodiscard]] bool at_limit() const { return cut == limit; }
};

}  // namespace hearsay::infer::quadrature
