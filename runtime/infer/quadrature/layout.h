// The first panels: around every mode, in steps that grow with the distance from it, up to the ends.
#pragma once

#include <vector>

#include "runtime/infer/quadrature/density.h"
#include "runtime/infer/quadrature/panel.h"

namespace hearsay::infer::quadrature {

struct Stretch {
  Chart chart;
  double from = 0;
  double to = 0;
};

struct Layout {
  std::vector<Stretch> stretches;  ///< not yet evaluated
  std::vector<Tail> tails;         ///< empty so far: cut = begin
  std::vector<Tail> regular_ends;  ///< covered by panels; there a quantity may have a pole, though the density has none
  double reference = 0;            ///< the log density of the highest mode, nats
};

/// Throws Refusal when the interval is empty or no point of positive density was found.
[[nodiscard]] Layout lay_out(Density& density, const Support1d& support);

}  // namespace hearsay::infer::quadrature
