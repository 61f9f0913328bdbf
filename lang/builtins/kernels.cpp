#include "lang/builtins/kernels.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/expint.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "lang/builtins/quiet.h"

namespace {

constexpr hearsay::Quiet quiet;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// Parameters of the incomplete functions beyond which a limiting form is exact in double precision.
constexpr double kVanishing = 1e-20;
constexpr double kLarge = 1e50;
constexpr double kHuge = 1e100;
constexpr double kHalfLog2Pi = 0.91893853320467274178;

// lgamma(x) - [(x - 1/2) log x - x + log(2 pi)/2], by Stirling's series; x >= 10, error below 1e-16.
double stirling_remainder(double x) {
  const double r = 1 / x;
  const double r2 = r * r;
  return r * (1.0 / 12 +
              r2 * (-1.0 / 360 + r2 * (1.0 / 1260 + r2 * (-1.0 / 1680 + r2 * (1.0 / 1188 + r2 * (-691.0 / 360360))))));
}

bool is_whole(double x) { return std::floor(x) == x; }

// I_x(a, b), or 1 - I_x(a, b).
template <bool complement>
double incomplete_beta(double a, double b, double x) {
  constexpr double none = complement ? 1 : 0;
  constexpr double all = complement ? 0 : 1;
  if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1) || (a == kInf && b == kInf)) return kNaN;
  if (x == 0) return none;
  if (x == 1) return all;
  if (a == kInf) return none;  // all mass at 1
  if (b == kInf) return all;   // all mass at 0
  // Where the series of Boost overflow or underflow, the distribution is its limit to the last bit: mass at 0 and 1
  // only, …
  if (a < kVanishing && b < kVanishing) return (complement ? a : b) / (a + b);
  if (a > kHuge || b > kHuge) {
    // … or a point, or a gamma distribution close to one end.
    const double mean = 1 / (1 + b / a);
    if (std::min(a, b) > kLarge) return x < mean ? none : x > mean ? all : 0.5;
    if (a < b) return complement ? hs_gamma_q(a, -b * std::log1p(-x)) : hs_inc_gamma(a, -b * std::log1p(-x));
    return complement ? hs_inc_gamma(b, -a * std::log(x)) : hs_gamma_q(b, -a * std::log(x));
  }
  return complement ? boost::math::ibetac(a, b, x, quiet) : boost::math::ibeta(a, b, x, quiet);
}

}  // namespace

extern "C" {

double hs_pow(double a, double b) noexcept { return std::pow(a, b); }
double hs_floor(double a) noexcept { return std::floor(a); }
double hs_ceil(double a) noexcept { return std::ceil(a); }
double hs_round(double a) noexcept { return std::round(a); }
double hs_trunc(double a) noexcept { return std::trunc(a); }
double hs_fmod(double a, double b) noexcept { return std::fmod(a, b); }
double hs_fma(double a, double b, double c) noexcept { return std::fma(a, b, c); }

double hs_exp(double a) noexcept { return std::exp(a); }
double hs_expm1(double a) noexcept { return std::expm1(a); }
double hs_log(double a) noexcept { return std::log(a); }
double hs_log1p(double a) noexcept { return std::log1p(a); }
double hs_exp2(double a) noexcept { return std::exp2(a); }
double hs_log2(double a) noexcept { return std::log2(a); }
double hs_log10(double a) noexcept { return std::log10(a); }
double hs_sqrt(double a) noexcept { return std::sqrt(a); }
double hs_cbrt(double a) noexcept { return std::cbrt(a); }
double hs_hypot(double a, double b) noexcept { return std::hypot(a, b); }

double hs_log1p_exp(double a) noexcept { return a > 0 ? a + std::log1p(std::exp(-a)) : std::log1p(std::exp(a)); }

double hs_log1m_exp(double a) noexcept {
  // Mächler's cut: each form is the accurate one on its side of -log 2.
  return a > -std::numbers::ln2 ? std::log(-std::expm1(a)) : std::log1p(-std::exp(a));
}

double hs_log_add_exp(double a, double b) noexcept {
  if (std::isnan(a) || std::isnan(b)) return kNaN;
  if (a < b) std::swap(a, b);
  if (std::isinf(a)) return a;  // also -inf with -inf, where a - b would be NaN
  return a + std::log1p(std::exp(b - a));
}

double hs_log_diff_exp(double a, double b) noexcept {
  if (a == b) return -kInf;
  return a == kInf ? (std::isnan(b) ? kNaN : kInf) : a + hs_log1m_exp(b - a);
}

double hs_xlogy(double a, double b) noexcept { return a == 0 && !std::isnan(b) ? 0.0 : a * std::log(b); }
double hs_xlog1py(double a, double b) noexcept { return a == 0 && !std::isnan(b) ? 0.0 : a * std::log1p(b); }

double hs_logit(double a) noexcept {
  if (a > 0.25 && a < 0.75) {
    const double d = a - 0.5;  // exact here
    return std::log1p(2 * d / (0.5 - d));
  }
  return std::log(a) - std::log1p(-a);
}

double hs_inv_logit(double a) noexcept {
  if (a >= 0) return 1 / (1 + std::exp(-a));
  const double e = std::exp(a);
  return e / (1 + e);
}

double hs_log_inv_logit(double a) noexcept { return -hs_log1p_exp(-a); }

double hs_log_inv_logit_diff(double a, double b) noexcept {
  if (a == b) return -kInf;
  return hs_log_inv_logit(a) + hs_log_inv_logit(-b) + hs_log1m_exp(b - a);
}

double hs_sin(double a) noexcept { return std::sin(a); }
double hs_cos(double a) noexcept { return std::cos(a); }
double hs_tan(double a) noexcept { return std::tan(a); }
double hs_asin(double a) noexcept { return std::asin(a); }
double hs_acos(double a) noexcept { return std::acos(a); }
double hs_atan(double a) noexcept { return std::atan(a); }
double hs_atan2(double a, double b) noexcept { return std::atan2(a, b); }
double hs_sinh(double a) noexcept { return std::sinh(a); }
double hs_cosh(double a) noexcept { return std::cosh(a); }
double hs_tanh(double a) noexcept { return std::tanh(a); }
double hs_asinh(double a) noexcept { return std::asinh(a); }
double hs_acosh(double a) noexcept { return std::acosh(a); }
double hs_atanh(double a) noexcept { return std::atanh(a); }

double hs_lgamma(double a) noexcept {
  int sign = 0;  // lgamma itself writes a global
  return ::lgamma_r(a, &sign);
}

double hs_digamma(double a) noexcept {
  if (std::isnan(a) || (a <= 0 && is_whole(a))) return kNaN;
  if (a == kInf) return kInf;
  if (a > 0) return boost::math::digamma(a, quiet);
  // Reflection; the distance to the nearest whole number is exact, pi * a would not be.
  return boost::math::digamma(1 - a, quiet) - std::numbers::pi / std::tan(std::numbers::pi * (a - std::round(a)));
}

double hs_lbeta(double a, double b) noexcept {
  if (!(a >= 0) || !(b >= 0)) return kNaN;
  if (a > b) std::swap(a, b);
  if (a == 0) return b == kInf ? kNaN : kInf;
  if (b == kInf) return -kInf;
  if (b < 10) return hs_lgamma(a) + hs_lgamma(b) - hs_lgamma(a + b);
  // The large terms of the three lgammas cancel; what is left is written with Stirling's remainders instead.
  const double sum = a + b;
  if (sum == kInf) return -kInf;
  const double share = a / sum;
  if (a < 10) {
    return hs_lgamma(a) + (stirling_remainder(b) - stirling_remainder(sum)) + a - a * std::log(sum) +
           (b - 0.5) * std::log1p(-share);
  }
  return kHalfLog2Pi - 0.5 * std::log(b) + (stirling_remainder(a) + stirling_remainder(b) - stirling_remainder(sum)) +
         (a - 0.5) * std::log(share) + b * std::log1p(-share);
}

double hs_lchoose(double n, double k) noexcept {
  if (!(n > -1) || std::isnan(k) || n == kInf || std::isinf(k)) return kNaN;
  const double below = n - k + 1;
  const double above = k + 1;
  if ((below <= 0 && is_whole(below)) || (above <= 0 && is_whole(above))) return -kInf;
  if (below < 0 || above < 0) return kNaN;
  if (k == 0 || k == n) return 0;
  return -std::log1p(n) - hs_lbeta(below, above);
}

double hs_inc_beta(double a, double b, double x) noexcept { return incomplete_beta<false>(a, b, x); }
double hs_inc_betac(double a, double b, double x) noexcept { return incomplete_beta<true>(a, b, x); }

double hs_inc_gamma(double a, double x) noexcept {
  if (!(a > 0) || !(x >= 0) || (a == kInf && x == kInf)) return kNaN;
  if (x == 0 || a == kInf) return 0;
  if (x == kInf || a < kVanishing) return 1;  // 1 - P < a (750 + log 1/a)
  return boost::math::gamma_p(a, x, quiet);
}

double hs_gamma_q(double a, double x) noexcept {
  if (!(a > 0) || !(x >= 0) || (a == kInf && x == kInf)) return kNaN;
  if (x == 0 || a == kInf) return 1;
  if (x == kInf) return 0;
  if (a < kVanishing) return a * boost::math::expint(1, x, quiet);  // to first order in a
  return boost::math::gamma_q(a, x, quiet);
}

double hs_soft_event(double s, double p) noexcept {
  constexpr double kSlack = 1e-12;
  if (std::isnan(s) || !(p >= -kSlack) || !(p <= 1 + kSlack)) return kNaN;
  if (p <= 0 || s == 0) return 0;
  if (p >= 1) return s;
  if (s == kInf) return kInf;
  // The value lies between 0 and s, and rounding must not carry it past s: charges rely on that bound.
  if (s > 700) {  // exp(s) may overflow although exp(s) p does not
    const double half = std::exp(0.5 * s);
    const double product = half * p * half;
    return std::min(s, std::isfinite(product) ? std::log1p(product - p) : s + std::log(p));
  }
  const double change = std::expm1(s) * p;
  if (s > 0) return std::min(s, std::log1p(change));
  // Near -1 the sum 1 + change would cancel; there p >= 1/2, so that 1 - p is exact.
  return std::max(s, change < -0.5 ? std::log((1 - p) + p * std::exp(s)) : std::log1p(change));
}
}
