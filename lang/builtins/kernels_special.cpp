// Kernels of special functions: the error functions and their relatives, the multivariate gamma, Bessel, Lambert.
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/lambert_w.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "lang/builtins/kernels.h"
#include "lang/builtins/quiet.h"

namespace {

constexpr hearsay::Quiet quiet;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfLog2Pi = 0.91893853320467274178;
// Boost's recurrences take as many steps as the order is large.
constexpr double kLargestOrder = 1e5;
constexpr double kLargestDimension = 1e6;

bool is_whole(double x) { return std::floor(x) == x; }

// exp(x²), the part of x² that rounding loses included.
double exp_square(double x) {
  const double square = x * x;
  return std::exp(square) * (1 + std::fma(x, x, -square));
}

// The sum over k of (x²/4)^k / (k! (v + 1) … (v + k)): I without its leading power. All terms are positive.
double bessel_series(double v, double x) {
  const double step = 0.25 * x * x;
  double term = 1, sum = 1;
  for (double k = 1; term > sum * 1e-17; ++k) {
    term *= step / (k * (v + k));
    sum += term;
  }
  return sum;
}

// log I for v² + x² large, DLMF 10.41.3, in powers of w = 1 / sqrt(v² + x²): uniform in v from 0 on.
double log_bessel_uniform(double v, double x) {
  const double length = std::hypot(v, x);
  const double w = 1 / length;
  const double p2 = v * w * (v * w);
  const double u1 = w * (3 - 5 * p2) / 24;
  const double u2 = w * w * (81 + p2 * (-462 + p2 * 385)) / 1152;
  const double u3 = w * w * w * (30375 + p2 * (-369603 + p2 * (765765 - p2 * 425425))) / 414720;
  const double u4 = w * w * w * w *
                    (4465125 + p2 * (-94121676.0 + p2 * (349922430.0 + p2 * (-446185740.0 + p2 * 185910725.0)))) /
                    39813120;
  const double ratio = v / x;
  const double angle = ratio < 1e8 ? std::asinh(ratio) : std::log(2 * v) - std::log(x);
  return length - v * angle - kHalfLog2Pi + 0.5 * std::log(w) + std::log1p(u1 + u2 + u3 + u4);
}

}  // namespace

extern "C" {

double hs_erf(double a) noexcept { return std::erf(a); }
double hs_erfc(double a) noexcept { return std::erfc(a); }

double hs_inv_erfc(double p) noexcept {
  if (!(p >= 0) || !(p <= 2)) return kNaN;
  if (p == 0) return kInf;
  if (p == 2) return -kInf;
  return boost::math::erfc_inv(p, quiet);
}

double hs_erfcx(double a) noexcept {
  if (a < 25) return a < -26.7 ? kInf : exp_square(a) * std::erfc(a);
  // The asymptotic series: its eighth term is below 1e-16 here.
  const double r = 0.5 / (a * a);
  return std::numbers::inv_sqrtpi / a *
         (1 - r * (1 - 3 * r * (1 - 5 * r * (1 - 7 * r * (1 - 9 * r * (1 - 11 * r * (1 - 13 * r)))))));
}

double hs_Phi(double a) noexcept {
  // erfc(t) with t = -a / sqrt 2. Rounding t alone would cost a factor a² in relative accuracy far out in the tail, so
  // the part that rounding lost is put back to first order.
  constexpr double kInvSqrt2 = 0.70710678118654752440;
  constexpr double kInvSqrt2Low = -4.8336466567264567e-17;
  const double t = -a * kInvSqrt2;
  const double tail = std::erfc(t);
  if (!std::isfinite(t) || tail == 0 || t < 1) return 0.5 * tail;
  const double lost = std::fma(-a, kInvSqrt2, -t) - a * kInvSqrt2Low;
  return 0.5 * (tail - lost * 2 * std::numbers::inv_sqrtpi * std::exp(-t * t));
}

double hs_inv_Phi(double p) noexcept {
  if (!(p >= 0) || !(p <= 1)) return kNaN;
  if (p == 0) return -kInf;
  if (p == 1) return kInf;
  return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p, quiet);
}

double hs_log_Phi(double a) noexcept {
  if (a > 1) return std::log1p(-hs_Phi(-a));
  if (a > -1) return std::log(hs_Phi(a));
  // Phi(a) = exp(-a²/2) erfcx(-a/sqrt 2) / 2
  return -0.5 * a * a + std::log(0.5 * hs_erfcx(-a / std::numbers::sqrt2));
}

double hs_owens_t(double h, double a) noexcept {
  if (std::isnan(h) || std::isnan(a)) return kNaN;
  if (std::isinf(h)) return 0;
  if (std::isinf(a)) return std::copysign(0.5 * hs_Phi(-std::abs(h)), a);
  return boost::math::owens_t(h, a, quiet);
}

double hs_tgamma(double a) noexcept { return std::tgamma(a); }

double hs_trigamma(double a) noexcept {
  if (std::isnan(a) || a == -kInf) return kNaN;
  if (a == kInf) return 0;
  if (a <= 0) {
    if (is_whole(a)) return kInf;
    // Reflection, as for digamma.
    const double sine = std::sin(std::numbers::pi * (a - std::round(a)));
    return std::numbers::pi / sine * (std::numbers::pi / sine) - boost::math::trigamma(1 - a, quiet);
  }
  return boost::math::trigamma(a, quiet);
}

double hs_lmgamma(double n, double x) noexcept {
  if (!(n >= 0) || !(n <= kLargestDimension) || !is_whole(n) || std::isnan(x)) return kNaN;
  if (!(x > 0.5 * (n - 1))) return kNaN;
  double sum = 0.25 * n * (n - 1) * std::log(std::numbers::pi);
  for (double j = 0; j < n; ++j) sum += hs_lgamma(x - 0.5 * j);
  return sum;
}

double hs_mdigamma(double n, double x) noexcept {
  if (!(n >= 0) || !(n <= kLargestDimension) || !is_whole(n) || std::isnan(x)) return kNaN;
  if (!(x > 0.5 * (n - 1))) return kNaN;
  double sum = 0;
  for (double j = 0; j < n; ++j) sum += hs_digamma(x - 0.5 * j);
  return sum;
}

double hs_bessel_first_kind(double v, double x) noexcept {
  if (!(std::abs(v) <= kLargestOrder) || std::isnan(x) || (x < 0 && !is_whole(v))) return kNaN;
  if (std::isinf(x)) return 0;
  return boost::math::cyl_bessel_j(v, x, quiet);
}

double hs_bessel_second_kind(double v, double x) noexcept {
  if (!(std::abs(v) <= kLargestOrder) || !(x >= 0)) return kNaN;
  if (x == 0) return -kInf;
  if (x == kInf) return 0;
  return boost::math::cyl_neumann(v, x, quiet);
}

double hs_modified_bessel_first_kind(double v, double x) noexcept {
  if (!(std::abs(v) <= kLargestOrder) || std::isnan(x) || (x < 0 && !is_whole(v))) return kNaN;
  if (std::isinf(x)) return x < 0 && std::fmod(v, 2) != 0 ? -kInf : kInf;
  return boost::math::cyl_bessel_i(v, x, quiet);
}

double hs_modified_bessel_second_kind(double v, double x) noexcept {
  if (!(std::abs(v) <= kLargestOrder) || !(x >= 0)) return kNaN;
  if (x == 0) return kInf;
  if (x == kInf) return 0;
  return boost::math::cyl_bessel_k(v, x, quiet);
}

double hs_log_modified_bessel_first_kind(double v, double x) noexcept {
  if (!(v >= 0) || !(x >= 0) || (v == kInf && x == kInf)) return kNaN;
  if (x == 0 || v == kInf) return v == 0 ? 0 : -kInf;
  if (x == kInf) return kInf;
  if (std::hypot(v, x) > 500) return log_bessel_uniform(v, x);
  return v * std::log(0.5 * x) - hs_lgamma(v + 1) + std::log(bessel_series(v, x));
}

double hs_lambert_w0(double a) noexcept {
  constexpr double kBranch = -0.36787944117144233;  // -1/e
  if (std::isnan(a) || a < kBranch) return kNaN;
  if (a == kBranch) return -1;
  return a == kInf ? kInf : boost::math::lambert_w0(a, quiet);
}

double hs_lambert_wm1(double a) noexcept {
  constexpr double kBranch = -0.36787944117144233;
  if (std::isnan(a) || a < kBranch || a > 0) return kNaN;
  if (a == kBranch) return -1;
  return a == 0 ? -kInf : boost::math::lambert_wm1(a, quiet);
}
}
