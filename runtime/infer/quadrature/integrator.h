// Globally adaptive integration of several quantities over one set of panels.
#pragma once

#include <span>
#include <vector>

#include "runtime/infer/quadrature/density.h"
#include "runtime/infer/quadrature/panel.h"
#include "runtime/infer/quadrature/tail.h"

namespace hearsay::infer::quadrature {

/// Panels that cover the support but for the tails; they overlap nowhere.
struct Cover {
  std::vector<Panel> panels;
  std::vector<Tail> tails;
  std::vector<Tail> regular_ends;  ///< within the panels: only to see whether a quantity has a pole there
};

class Integrator {
public:
  /// Integrates quantity · exp(log density − reference). What is passed must outlive the integrator.
  Integrator(Density& density, double reference, Quantities quantities)
      : density_(density), reference_(reference), quantities_(quantities) {}

  /// Evaluates the density at the nodes of a new panel, and the quantities where it is positive. Throws Refusal, and
  /// HigherMass when the density would overflow.
  [[nodiscard]] Panel panel(const Chart& chart, double from, double to) const;

  /// Splits panels at the breakpoints, extends the tails until what is left of every quantity is negligible, splits
  /// the panel with the largest error until every quantity's truncation error is at most tolerance · its magnitude (or
  /// evaluations run out, or only rounding errors are left), and returns the totals. The panels may come from another
  /// integrator with the same reference: their quantities are evaluated anew.
  [[nodiscard]] Integrals integrate(Cover& cover, std::span<const double> breakpoints, double tolerance) const;

private:
  void measure(Panel& panel) const;
  void split_at(Cover& cover, double x) const;
  void extend(Cover& cover, Tail& tail, double to) const;
  void extend_by_step(Cover& cover, Tail& tail) const;
  /// Whether there was anything to extend.
  bool extend_tails(Cover& cover, double tolerance) const;
  void refine(std::vector<Panel>& panels, double tolerance) const;
  [[nodiscard]] Integrals total(const std::vector<Panel>& panels) const;
  void refuse_poles(const Cover& cover) const;
  void add_tails(const std::vector<Tail>& tails, Integrals& totals) const;

  Density& density_;
  double reference_;
  Quantities quantities_;
};

}  // namespace hearsay::infer::quadrature
