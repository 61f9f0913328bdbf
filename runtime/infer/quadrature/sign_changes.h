// Where a function of the latent changes its sign: the boundaries of events.
#pragma once

#include <functional>
#include <vector>

#include "runtime/infer/quadrature/density.h"
#include "runtime/infer/quadrature/integrator.h"

namespace hearsay::infer::quadrature {

/// Points in (lo, hi), ascending and distinct: panel nodes and edges, and a logarithmic grid in the tails.
[[nodiscard]] std::vector<double> sign_scan_points(const Cover& cover, const Support1d& support, double lo, double hi);

/// Every sign change of f between neighbouring points, to a few units in the last place (Alefeld, Potra and Shi's
/// algorithm 748), and those of dips between points of one sign; where f is 0 on a whole stretch, the ends of the
/// stretch. Throws Refusal for a NaN.
[[nodiscard]] std::vector<double> sign_changes(const std::function<double(double)>& f,
                                               const std::vector<double>& points, const QuadratureOptions& options);

}  // namespace hearsay::infer::quadrature
