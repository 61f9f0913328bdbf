// Continuous families, from their definitions. (That these densities integrate to 1 is checked apart.)
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <numbers>

#include "tests/dist/reference.h"

namespace hearsay::dist_test {
namespace {

namespace bm = boost::math;

constexpr Real pi = std::numbers::pi_v<Real>;

Real log_normal(Real z) { return -0.5L * z * z - 0.5L * std::log(2 * pi); }
Real log_Phi(Real z) {
  if (z < -100) {  // erfc underflows a little further out; the next term of this series is below 1e-14
    const Real r = 1 / (z * z);
    return log_normal(z) - std::log(-z) + std::log1p(-r * (1 - 3 * r * (1 - 5 * r)));
  }
  return z < 0 ? std::log(0.5L * std::erfc(-z / std::numbers::sqrt2_v<Real>))
               : std::log1p(-0.5L * std::erfc(z / std::numbers::sqrt2_v<Real>));
}

}  // namespace

std::map<std::string, Reference> continuous_references() {
  return {
      {"normal",
       {{"0, 1", "-3, 0.01", "1e6, 1e3"},
        [](const Arguments& a, Real x) { return log_normal((x - a[0]) / a[1]) - std::log(a[1]); }}},
      {"std_normal", {{""}, [](const Arguments&, Real x) { return log_normal(x); }}},
      // the convolution: lambda exp(lambda (mu - x) + (lambda sigma)^2 / 2) Phi((x - mu) / sigma - lambda sigma)
      {"exp_mod_normal",
       {{"0, 1, 1", "2, 0.5, 0.1", "-1, 3, 7", "0, 0.1, 20"},
        [](const Arguments& a, Real x) {
          const Real r = a[2] * a[1];
          return std::log(a[2]) + a[2] * (a[0] - x) + r * r / 2 + log_Phi((x - a[0]) / a[1] - r);
        }}},
      {"skew_normal",
       {{"0, 1, 0", "1, 2, 4", "-3, 0.5, -10"},
        [](const Arguments& a, Real x) {
          const Real z = (x - a[0]) / a[1];
          return std::log(2.0L) - std::log(a[1]) + log_normal(z) + log_Phi(a[2] * z);
        },
        {},
        true,
        1e-17}},  // on its light side the tail is a difference of two probabilities
      {"student_t",
       {{"1, 0, 1", "3, 2, 0.5", "0.4, 0, 1", "30, -5, 10", "1e9, 0, 1"},
        [](const Arguments& a, Real x) {
          const Real z = (x - a[1]) / a[2];
          if (std::abs(z) < 1e4L) return std::log(bm::pdf(bm::students_t_distribution<Real>(a[0]), z)) - std::log(a[2]);
          return std::lgamma((a[0] + 1) / 2) - std::lgamma(a[0] / 2) - std::log(a[0] * pi) / 2 - std::log(a[2]) -
                 (a[0] + 1) / 2 * std::log1p(z * z / a[0]);
        }}},
      {"cauchy",
       {{"0, 1", "5, 0.1"},
        [](const Arguments& a, Real x) {
          const Real z = (x - a[0]) / a[1];
          return -std::log(pi * a[1]) - std::log1p(z * z);
        }}},
      {"double_exponential",
       {{"0, 1", "-2, 3"}, [](const Arguments& a, Real x) { return -std::log(2 * a[1]) - std::abs(x - a[0]) / a[1]; }}},
      {"skew_double_exponential",
       {{"0, 1, 0.5", "2, 3, 0.1", "-1, 0.2, 0.95"},
        [](const Arguments& a, Real x) {
          // the density of Stan's reference: a Laplace of rate 2 (1 - tau) / sigma below mu, 2 tau / sigma above
          const Real below = 2 * (1 - a[2]) / a[1], above = 2 * a[2] / a[1];
          return x < a[0] ? std::log(a[2] * below) + below * (x - a[0])
                          : std::log((1 - a[2]) * above) + above * (a[0] - x);
        },
        {"0, 1, 0", "0, 1, 1", "0, 1, -0.5", "0, 1, inf - inf"}}},
      {"logistic",
       {{"0, 1", "3, 0.2"},
        [](const Arguments& a, Real x) {
          const Real z = std::abs(x - a[0]) / a[1];
          return -z - 2 * std::log(1 + std::exp(-z)) - std::log(a[1]);
        }}},
      {"gumbel",
       {{"0, 1", "-2, 5"},
        [](const Arguments& a, Real x) {
          const Real z = (x - a[0]) / a[1];
          return -z - std::exp(-z) - std::log(a[1]);
        }}},
      {"flat", {{""}, [](const Arguments&, Real) { return Real(0); }, {}, false}},

      {"lognormal",
       {{"0, 1", "2, 0.1", "-1, 3"},
        [](const Arguments& a, Real x) { return log_normal((std::log(x) - a[0]) / a[1]) - std::log(a[1] * x); }}},
      {"exponential", {{"1", "0.01", "300"}, [](const Arguments& a, Real x) { return std::log(a[0]) - a[0] * x; }}},
      {"gamma",
       {{"1, 1", "0.1, 2", "7.5, 0.3", "1000, 10"},
        [](const Arguments& a, Real x) {
          return a[0] * std::log(a[1]) + (a[0] - 1) * std::log(x) - a[1] * x - std::lgamma(a[0]);
        }}},
      {"chi_square",
       {{"1", "2", "5.5", "400"},
        [](const Arguments& a, Real x) {
          return (a[0] / 2 - 1) * std::log(x) - x / 2 - a[0] / 2 * std::log(2.0L) - std::lgamma(a[0] / 2);
        }}},
      {"inv_gamma",
       {{"1, 1", "0.5, 2", "7.5, 0.3", "200, 100"},
        [](const Arguments& a, Real x) {
          return a[0] * std::log(a[1]) - (a[0] + 1) * std::log(x) - a[1] / x - std::lgamma(a[0]);
        }}},
      {"inv_chi_square",
       {{"1", "4", "25"},
        [](const Arguments& a, Real x) {
          return -a[0] / 2 * std::log(2.0L) - (a[0] / 2 + 1) * std::log(x) - 1 / (2 * x) - std::lgamma(a[0] / 2);
        }}},
      {"scaled_inv_chi_square",
       {{"1, 1", "4, 0.2", "25, 7"},
        [](const Arguments& a, Real x) {
          return a[0] / 2 * std::log(a[0] / 2) + a[0] * std::log(a[1]) - (a[0] / 2 + 1) * std::log(x) -
                 a[0] * a[1] * a[1] / (2 * x) - std::lgamma(a[0] / 2);
        }}},
      {"weibull",
       {{"1, 1", "0.5, 3", "4, 0.1"},
        [](const Arguments& a, Real x) {
          return std::log(a[0] / a[1]) + (a[0] - 1) * std::log(x / a[1]) - std::pow(x / a[1], a[0]);
        }}},
      {"frechet",
       {{"1, 1", "0.7, 3", "9, 0.1"},
        [](const Arguments& a, Real x) {
          return std::log(a[0] / a[1]) - (a[0] + 1) * std::log(x / a[1]) - std::pow(x / a[1], -a[0]);
        }}},
      {"rayleigh",
       {{"1", "0.02", "50"},
        [](const Arguments& a, Real x) { return std::log(x) - 2 * std::log(a[0]) - x * x / (2 * a[0] * a[0]); }}},
      {"loglogistic",
       {{"1, 1", "0.1, 5", "20, 0.6"},
        [](const Arguments& a, Real x) {
          const Real r = std::pow(x / a[0], a[1]);
          return std::log(a[1] / a[0]) + (a[1] - 1) * std::log(x / a[0]) - 2 * std::log1p(r);
        }}},
      {"pareto",
       {{"1, 1", "0.2, 6", "30, 0.5"},
        [](const Arguments& a, Real x) { return std::log(a[1]) + a[1] * std::log(a[0]) - (a[1] + 1) * std::log(x); }}},
      {"pareto_type_2",
       {{"0, 1, 1", "-3, 0.5, 6", "2, 10, 0.5"},
        [](const Arguments& a, Real x) { return std::log(a[2] / a[1]) - (a[2] + 1) * std::log1p((x - a[0]) / a[1]); }}},

      {"uniform",
       {{"0, 1", "-3, 5e3"},
        [](const Arguments& a, Real) { return -std::log(a[1] - a[0]); },
        {"1, 1", "2, 1", "0, inf"}}},
      {"beta",
       {{"1, 1", "0.3, 1.5", "2, 7", "300, 200"},
        [](const Arguments& a, Real x) {
          return (a[0] - 1) * std::log(x) + (a[1] - 1) * std::log1p(-x) + std::lgamma(a[0] + a[1]) - std::lgamma(a[0]) -
                 std::lgamma(a[1]);
        }}},
      {"beta_proportion",
       {{"0.5, 2", "0.1, 30", "0.7, 8"},
        [](const Arguments& a, Real x) {
          const Real p = a[0] * a[1], q = (1 - a[0]) * a[1];
          return (p - 1) * std::log(x) + (q - 1) * std::log1p(-x) + std::lgamma(p + q) - std::lgamma(p) -
                 std::lgamma(q);
        },
        {"0, 1", "1, 1", "-0.1, 1", "inf - inf, 1"}}},
      {"kumaraswamy",
       {{"1, 1", "2, 5", "0.5, 1.5"},
        [](const Arguments& a, Real x) {
          return std::log(a[0] * a[1]) + (a[0] - 1) * std::log(x) + (a[1] - 1) * std::log1p(-std::pow(x, a[0]));
        }}},
      {"von_mises",
       {{"0, 1", "1, 0", "-2, 30", "3, 2000"},
        [](const Arguments& a, Real x) {
          return a[1] * std::cos(x - a[0]) - std::log(2 * pi) - std::log(bm::cyl_bessel_i(0, a[1]));
        }}},
  };
}

}  // namespace hearsay::dist_test
