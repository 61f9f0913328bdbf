// What lies between the last panel and an end of the support, from how fast the integrand decays there.
#pragma once

#include <vector>

#include "runtime/infer/quadrature/density.h"
#include "runtime/infer/quadrature/panel.h"

namespace hearsay::infer::quadrature {

/// The quantities besides the mass (null and 0 for none).
struct Quantities {
  const Integrands1d* evaluate = nullptr;
  std::size_t count = 0;
};

struct TailSum {
  double value = 0;
  double error = 0;
  /// The integrand does not decay: at the limit of its chart the integral diverges (the mass: or cannot be told from
  /// one that does), before it more panels are needed.
  bool unbounded = false;
};

/// The integral of each quantity over the tail, from its exponential rate in the chart's coordinate: at x = end ± e^v a
/// power law is an exponential, integral = F/rate. At the limit the error comes from how the rate still drifts; before
/// the limit the whole estimate counts as error, as it is wanted only for deciding that nothing is left.
[[nodiscard]] std::vector<TailSum> tail_sums(Density& density, double reference, const Quantities& quantities,
                                             const Tail& tail);

/// Whether any quantity times the density does not decay towards a regular end of the support, so that its integral
/// diverges: at half the way (in v), at three quarters and at the limit.
[[nodiscard]] bool quantity_has_pole(Density& density, double reference, const Quantities& quantities, const Tail& end);

}  // namespace hearsay::infer::quadrature
