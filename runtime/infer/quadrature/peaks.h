// Landmarks of a mixture: where the densities of its components have their peaks.
#pragma once

#include <vector>

#include "runtime/infer/quadrature/options.h"

namespace hearsay::infer {

/// The places of the local maxima of one component, to be landmarks of the whole: a narrow component that is easy to
/// climb by itself is easily missed under a wide one. Empty where the component has no mass, or none that is found.
[[nodiscard]] std::vector<double> find_peaks(const LogDensity1d& component, const Support1d& support,
                                             const QuadratureOptions& options);

}  // namespace hearsay::infer
