// The inverse of the posterior's distribution function.
#pragma once

#include "runtime/infer/quadrature/density.h"
#include "runtime/infer/quadrature/integrator.h"

namespace hearsay::infer::quadrature {

/// The x below which a share p (0 < p < 1) of the mass lies; `cover` is refined so that the smaller side's probability
/// is known to `tolerance` relative. Throws Refusal and HigherMass.
[[nodiscard]] BoundedValue find_quantile(Density& density, double reference, Cover cover, double p, double tolerance);

}  // namespace hearsay::infer::quadrature
