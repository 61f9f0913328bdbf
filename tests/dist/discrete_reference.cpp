// Discrete families. The number x is the whole number itself, 0 or 1 for truth, the position for listed values.
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/dist/reference.h"

namespace hearsay::dist_test {
namespace {

Real log_choose(Real n, Real k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }
Real log_beta(Real a, Real b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }
Real inv_logit(Real x) { return 1 / (1 + std::exp(-x)); }
Real Phi(Real x) { return 0.5L * std::erfc(-x / std::numbers::sqrt2_v<Real>); }
// k log p, 0 log 0 being 0
Real times_log(Real k, Real p) { return k == 0 ? 0 : k * std::log(p); }

Real binomial(Real n, Real p, Real k) { return log_choose(n, k) + times_log(k, p) + times_log(n - k, 1 - p); }
Real negative_binomial(Real shape, Real p, Real k) {
  return log_choose(k + shape - 1, k) + shape * std::log(p) + k * std::log1p(-p);
}

// Category k of an ordered regression: the arguments are eta and the cutpoints.
Real ordered(const Arguments& a, Real k, Real (*below)(Real)) {
  const auto category = static_cast<std::size_t>(k);
  const Real high = category == a.size() ? 1 : below(a[category] - a[0]);
  const Real low = category == 1 ? 0 : below(a[category - 1] - a[0]);
  // from the upper tail where both are near 1
  if (category > 1 && low > 0.5L)
    return std::log(below(a[0] - a[category - 1]) - (category == a.size() ? 0 : below(a[0] - a[category])));
  return std::log(high - low);
}

}  // namespace

std::map<std::string, Reference> discrete_references() {
  return {
      // x is 0 only for `false`, which is not the point
      {"point",
       {{"3", "2.5", "true"},
        [](const Arguments&, Real x) { return x == 0 ? -std::numeric_limits<Real>::infinity() : 0; }}},
      {"bernoulli",
       {{"0.3", "0", "1", "1e-12"}, [](const Arguments& a, Real x) { return std::log(x == 1 ? a[0] : 1 - a[0]); }}},
      {"bernoulli_logit",
       {{"0", "-3.5", "40"}, [](const Arguments& a, Real x) { return -std::log1p(std::exp(x == 1 ? -a[0] : a[0])); }}},
      {"categorical",
       {{"[0.2, 0.5, 0.3]", "[1]", "[0, 1]"},
        [](const Arguments& a, Real x) { return std::log(a[static_cast<std::size_t>(x) - 1]); }}},
      {"categorical_logit",
       {{"[0, 1, -2]", "[700, -700]", "[3]"},
        [](const Arguments& a, Real x) {
          Real sum = 0;
          for (const Real b : a) sum += std::exp(b);
          return a[static_cast<std::size_t>(x) - 1] - std::log(sum);
        }}},
      {"discrete",
       {{"[0.25, 0.5, 0.75], [1, 1, 2]", "[-1, 7], [0, 3]"},
        [](const Arguments& a, Real x) {
          const std::size_t n = a.size() / 2;
          Real sum = 0;
          for (std::size_t k = 0; k < n; ++k) sum += a[n + k];
          return std::log(a[n + static_cast<std::size_t>(x) - 1] / sum);
        },
        {"[1, 2], [-1, 2]", "[1, 1], [1, 1]"}}},
      {"uniform_int",
       {{"1, 6", "-3, -3", "-10, 20"},
        [](const Arguments& a, Real) { return -std::log(a[1] - a[0] + 1); },
        {"3, 2", "1.5, 2"}}},
      {"discrete_range",
       {{"1, 6", "-3, -3", "-10, 20"},
        [](const Arguments& a, Real) { return -std::log(a[1] - a[0] + 1); },
        {"3, 2", "1.5, 2"}}},
      {"binomial",
       {{"10, 0.3", "1, 0.5", "0, 0.2", "7, 0", "7, 1", "60, 0.9", "40, 1e-6"},
        [](const Arguments& a, Real k) { return binomial(a[0], a[1], k); },
        {"-1, 0.5", "2.5, 0.5"}}},
      {"binomial_logit",
       {{"10, -1", "1, 0", "0, 2", "60, 2", "40, -30"},
        [](const Arguments& a, Real k) {
          return log_choose(a[0], k) - k * std::log1p(std::exp(-a[1])) - (a[0] - k) * std::log1p(std::exp(a[1]));
        },
        {"-1, 0.5", "2.5, 0.5"}}},
      {"beta_binomial",
       {{"10, 1, 1", "25, 0.5, 3", "0, 1, 2", "60, 200, 100"},
        [](const Arguments& a, Real k) {
          return log_choose(a[0], k) + log_beta(k + a[1], a[0] - k + a[2]) - log_beta(a[1], a[2]);
        },
        {"-1, 1, 1"}}},
      {"hypergeometric",
       {{"5, 7, 9", "0, 3, 4", "12, 7, 9", "7, 7, 0"},
        [](const Arguments& a, Real k) {
          return log_choose(a[1], k) + log_choose(a[2], a[0] - k) - log_choose(a[1] + a[2], a[0]);
        },
        {"17, 7, 9", "-1, 7, 9", "1, -1, 2", "1, 2, -1"}}},
      {"ordered_logistic",
       {{"0.3, [-1, 0.5, 2]", "-4, [0]", "30, [-1, 0, 1]"},
        [](const Arguments& a, Real k) { return ordered(a, k, inv_logit); }}},
      {"ordered_probit",
       {{"0.3, [-1, 0.5, 2]", "-4, [0]", "9, [-1, 0, 1]"},
        [](const Arguments& a, Real k) { return ordered(a, k, Phi); }}},
      {"poisson",
       {{"3.2", "0.01", "0", "250"},
        [](const Arguments& a, Real k) { return times_log(k, a[0]) - a[0] - std::lgamma(k + 1); }}},
      {"poisson_log",
       {{"1.2", "-5", "5.5"},
        [](const Arguments& a, Real k) { return k * a[0] - std::exp(a[0]) - std::lgamma(k + 1); }}},
      {"geometric",
       {{"0.3", "1", "0.02"},
        [](const Arguments& a, Real k) { return std::log(a[0]) + times_log(k, 1 - a[0]); },
        {"0", "1.1", "-0.2", "inf - inf"}}},
      {"neg_binomial",
       {{"1, 1", "0.3, 0.1", "40, 2"},
        [](const Arguments& a, Real k) { return negative_binomial(a[0], a[1] / (1 + a[1]), k); }}},
      {"neg_binomial_2",
       {{"1, 1", "5, 0.3", "20, 1e4", "80, 40"},
        [](const Arguments& a, Real k) { return negative_binomial(a[1], a[1] / (a[0] + a[1]), k); }}},
      {"neg_binomial_2_log",
       {{"0, 1", "1.6, 0.3", "4.4, 40"},
        [](const Arguments& a, Real k) { return negative_binomial(a[1], a[1] / (std::exp(a[0]) + a[1]), k); }}},
      {"beta_neg_binomial",
       {{"3, 12, 4", "1, 9, 1"},
        [](const Arguments& a, Real k) {
          return log_choose(k + a[0] - 1, k) + log_beta(a[1] + a[0], a[2] + k) - log_beta(a[1], a[2]);
        }}},
  };
}

std::map<std::string, Reference> references() {
  auto all = continuous_references();
  all.merge(discrete_references());
  return all;
}

}  // namespace hearsay::dist_test
