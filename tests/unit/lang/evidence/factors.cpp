#include "lang/evidence/factors.h"

#include <limits>

#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using namespace hearsay::evidence::testing;

TEST_CASE("a soft event keeps its digits for every strength and probability") {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const double s = uniform(random, -1, 1) * std::pow(10.0, uniform(random, -8, 2.84));
    const double q = std::pow(10.0, uniform(random, -15, 0));
    const double p = i % 2 ? q : 1 - q;
    // Long double has 11 bits more; 1 − p is exact in it.
    const long double ls = s;
    const long double lp = p;
    const long double exact =
        p <= 0.5 ? std::log1p(lp * std::expm1(ls))
                 : (s < -1 ? std::log((1 - lp) + lp * std::exp(ls)) : ls + std::log1p((1 - lp) * std::expm1(-ls)));
    CHECK(near(soft_event(s, p), static_cast<double>(exact), 4e-15));
    const long double slope = std::expm1(ls) / ((1 - lp) + lp * std::exp(ls));
    CHECK(near(soft_event_slope(s, p), static_cast<double>(slope), 4e-15));
  }
}

TEST_CASE("a soft event lies between no change and its whole strength") {
  for (const double s : {-1e4, -700.0, -3.0, -1e-9, 0.0, 1e-9, 0.5, 40.0, 700.0, 1e4}) {
    CHECK(soft_event(s, 0) == 0);
    CHECK(soft_event(s, 1) == s);
    for (const double p : {1e-300, 0.1, 0.5, 0.9, 1 - 1e-16}) {
      const double f = soft_event(s, p);
      CHECK(f >= std::fmin(0.0, s));
      CHECK(f <= std::fmax(0.0, s));
    }
  }
  CHECK(near(soft_event(std::log(2), 0.5), std::log(1.5), 1e-15));  // HTTHT with odds 2, fair: (3/2)^5 = 243/32
  CHECK(near(std::exp(5 * soft_event(std::log(2), 0.5)), 243.0 / 32, 1e-14));
}

TEST_CASE("the influence of a robust weight is exactly w/beta") {
  const auto robust_weight = [](double beta, double w, double p_y, double sum) {
    return w * (std::pow(p_y, beta) / beta - sum / (1 + beta));
  };
  Random random(3);
  for (const double beta : {0.1, 0.5, 1.0, 2.0}) {
    const double w = 0.7;
    double low = 1e300;
    double high = -1e300;
    const auto see = [&](const std::vector<double>& p) {
      double sum = 0;
      for (const double x : p) sum += std::pow(x, 1 + beta);
      for (const double x : p) {
        const double f = robust_weight(beta, w, x, sum);
        low = std::fmin(low, f);
        high = std::fmax(high, f);
      }
    };
    for (int i = 0; i < 5000; ++i) see(random_distribution(random, 2 + static_cast<std::size_t>(i % 5)));
    CHECK(high - low <= robust_charge(beta, w).value() * (1 + 1e-14));
    see({1, 0, 0});  // claims the token, or another one: the two ends
    CHECK(near(high - low, robust_charge(beta, w).value(), 1e-14));
  }
  // β = 1 is half the Brier score, up to a constant: −½ Σ (p_v − 1[v = y])² = p_y − ½ Σ p² − ½
  const double p = 0.3;
  CHECK(near(robust_weight(1, 1, p, 0.09 + 0.49) - 0.5, -0.5 * (0.49 + 0.49), 1e-15));
}

TEST_CASE("a likelihood vector is charged its largest ratio") {
  const auto v = likelihood_vector(std::vector<double>{4, 2, 1});
  REQUIRE(v);
  CHECK(near(v->strength.value(), std::log(4), 1e-15));
  CHECK(near(v->log_weights[0] - v->log_weights[1], std::log(2), 1e-15));
  CHECK(likelihood_vector(std::vector<double>{1e308, 1e-308})->strength.is_finite());
  for (const double bad : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    CHECK(likelihood_vector(std::vector<double>{1, bad}).error().kind == DiagnosticKind::bad_likelihood);
    CHECK((bad == 0 || !checked_weight(bad)));
    CHECK(!checked_beta(bad));
  }
  CHECK(*checked_weight(0) == 0);
  CHECK(!checked_bound(-1));
}
