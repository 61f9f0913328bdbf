#include "lang/evidence/hurwitz.h"

#include <array>
#include <boost/math/special_functions/zeta.hpp>
#include <cmath>

namespace hearsay::evidence {
namespace {

// B_2k/(2k)! for k = 1..10, from the exact Bernoulli numbers.
constexpr std::array<double, 10> bernoulli_over_factorial = {
    1.0 / 12,
    -1.0 / 720,
    1.0 / 30240,
    -1.0 / 1209600,
    1.0 / 47900160,
    -691.0 / 1307674368000,
    1.0 / 74724249600,
    -3617.0 / 10670622842880000,
    43867.0 / 5109094217170944000,
    -174611.0 / 802857662698291200000.0,
};

// From x = 20 + p on, each correction is at most ((p + 20) / (2π x))² < 1/39 of the one before.
double far_enough(double p) { return 20 + p; }

// What Euler–Maclaurin adds at an end x of the sum to the integral: half the term there and the derivatives.
double end_correction(double p, double x) {
  const double power = std::pow(x, -p);
  double sum = power / 2;
  double factor = p * power / x;  // p(p+1)…(p+2k−2) x^(−p−2k+1)
  for (std::size_t k = 0; k < bernoulli_over_factorial.size(); ++k) {
    sum += bernoulli_over_factorial[k] * factor;
    const double n = 2 * static_cast<double>(k) + 1;
    factor *= (p + n) / x * ((p + n + 1) / x);
  }
  return sum;
}

}  // namespace

double hurwitz_zeta(double p, double a) {
  double direct = 0;
  double x = a;
  while (x < far_enough(p)) {
    const double term = std::pow(x, -p);
    direct += term;
    x += 1;
    // For a large p the sum is over long before: what is left is below term·x/(p−1).
    if (term * x <= 1e-18 * direct * (p - 1)) return direct;
  }
  return direct + std::pow(x, 1 - p) / (p - 1) + end_correction(p, x);
}

double power_sum(double p, double a, double count) {
  const double end = a + count;
  double direct = 0;
  double x = a;
  while (x < end && x < far_enough(p)) {
    const double term = std::pow(x, -p);
    direct += term;
    x += 1;
    if (term * x <= 1e-18 * direct * (p - 1)) return direct;
  }
  if (x >= end) return direct;
  const double integral = std::pow(x, 1 - p) * -std::expm1((1 - p) * std::log1p((end - x) / x)) / (p - 1);
  return direct + integral + (end_correction(p, x) - end_correction(p, end));
}

double riemann_zeta(double p) {
  using namespace boost::math::policies;
  using Quiet = policy<domain_error<errno_on_error>, pole_error<errno_on_error>, overflow_error<errno_on_error>,
                       evaluation_error<errno_on_error>, promote_double<false>>;
  return boost::math::zeta(p, Quiet{});
}

}  // namespace hearsay::evidence
