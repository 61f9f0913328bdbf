#include <cmath>
#include <numbers>

#include "lang/rng/stream.h"

namespace hearsay::rng {

// Rejection from a wrapped Cauchy density (Best and Fisher, Applied Statistics 28, 1979).
double Stream::von_mises(double kappa) {
  if (!(kappa > 1e-8)) return std::numbers::pi * (2 * uniform() - 1);  // the density varies by less than 2e-8
  // Beyond 1e6 the angle is normal with variance 1 / kappa to six digits, and Best and Fisher's r - f cancels.
  if (kappa > 1e6) return std::remainder(normal() / std::sqrt(kappa), 2 * std::numbers::pi);
  double r = 1 / kappa + kappa;  // to third order in kappa; the exact form cancels there
  if (kappa > 1e-5) {
    const double tau = 1 + std::sqrt(1 + 4 * kappa * kappa);
    const double rho = (tau - std::sqrt(2 * tau)) / (2 * kappa);
    r = (1 + rho * rho) / (2 * rho);
  }
  for (;;) {
    const double z = std::cos(std::numbers::pi * uniform());
    const double f = (1 + r * z) / (r + z);
    const double c = kappa * (r - f);
    const double u = uniform();
    if (c * (2 - c) > u || std::log(c / u) + 1 >= c) return std::copysign(std::acos(f), uniform() - 0.5);
  }
}

}  // namespace hearsay::rng
