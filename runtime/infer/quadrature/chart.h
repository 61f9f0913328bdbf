// Coordinates of a panel: the line itself where the mass is, the logarithm of a distance towards an end.
#pragma once

#include <cmath>

namespace hearsay::infer::quadrature {

/// x = v (linear), or x = anchor + side · e^v: power laws at an end of the support, finite or not, become exponentials
/// in v, which a polynomial rule integrates as easily as anything else.
struct Chart {
  double anchor = 0;
  int side = 0;  ///< 0: linear; −1, +1: on which side of the anchor

  [[nodiscard]] double x(double v) const { return side == 0 ? v : anchor + side * std::exp(v); }
  /// ln |dx/dv|.
  [[nodiscard]] double log_stretch(double v) const { return side == 0 ? 0.0 : v; }
  /// The inverse of x(); −∞ at the anchor.
  [[nodiscard]] double v(double at) const { return side == 0 ? at : std::log(side * (at - anchor)); }
};

/// How near to a finite end a density can be told from the end's own: below this distance the rounding of x would show.
/// Towards 0 there is no such limit but the range of x². Never 0, also where the end is below the normal numbers:
/// distances are followed in their logarithm.
[[nodiscard]] inline double resolution_at(double end) {
  return end == 0 ? std::ldexp(1.0, -400) : std::fmax(std::ldexp(std::fabs(end), -30), std::ldexp(1.0, -1022));
}
/// How far out an infinite end is followed: x² is still finite there.
inline const double outer_limit = std::ldexp(1.0, 400);

}  // namespace hearsay::infer::quadrature
