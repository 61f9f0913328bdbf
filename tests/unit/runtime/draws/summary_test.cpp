#include "runtime/draws/summary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace hearsay;

TEST_CASE("mean and standard deviation of a few numbers, by hand") {
  const std::vector<double> x = {2, 4, 4, 4, 5, 5, 7, 9};
  const auto m = mean(x);
  REQUIRE(m.has_value());
  CHECK(m->value == 5);
  CHECK(m->mcse == doctest::Approx(std::sqrt(32.0 / 7 / 8)).epsilon(1e-14));
  const auto sd = standard_deviation(x);
  REQUIRE(sd.has_value());
  CHECK(sd->value == doctest::Approx(std::sqrt(32.0 / 7)).epsilon(1e-14));
  // m4 = (81 + 1 + 1 + 1 + 0 + 0 + 16 + 256)/8 = 44.5; var(s^2) = (44.5 - (32/7)^2 * 5/7)/8
  CHECK(sd->mcse ==
        doctest::Approx(std::sqrt((44.5 - 1024.0 / 49 * 5 / 7) / 8) / (2 * std::sqrt(32.0 / 7))).epsilon(1e-14));
}

TEST_CASE("quantiles of type 7, as R prints them") {
  const std::vector<double> x = {7, 1, 3, 10, 4};  // quantile(c(7, 1, 3, 10, 4), c(0, .1, .25, .5, .9, 1))
  const std::vector<double> p = {0, 0.1, 0.25, 0.5, 0.9, 1};
  const std::vector<double> expected = {1, 1.8, 3, 4, 8.8, 10};
  const auto q = quantiles(x, p);
  REQUIRE(q.has_value());
  for (std::size_t i = 0; i < p.size(); ++i) CHECK((*q)[i].value == doctest::Approx(expected[i]).epsilon(1e-14));
}

TEST_CASE("extreme and constant draws") {
  constexpr double big = std::numeric_limits<double>::max();
  const auto m = mean(std::vector<double>{big, big, -big, -big});
  REQUIRE(m.has_value());
  CHECK(m->value == 0);
  CHECK(mean(std::vector<double>{big, big})->value == big);
  const std::vector<double> wide = {-big, big};
  CHECK((*quantiles(wide, std::vector<double>{0.5}))[0].value == 0);
  const std::vector<double> constant(1000, 0.1);
  CHECK(mean(constant)->value == 0.1);
  CHECK(mean(constant)->mcse == 0);
  CHECK(standard_deviation(constant)->value == 0);
  CHECK(mean(std::vector<double>{0, 0})->value == 0);
  const double tiny = std::numeric_limits<double>::denorm_min();
  CHECK(mean(std::vector<double>{tiny, tiny, tiny, tiny})->value == tiny);
}

TEST_CASE("what cannot be answered is not answered") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> half = {0.5};
  CHECK_FALSE(mean({}).has_value());
  CHECK_FALSE(mean(half).has_value());
  CHECK_FALSE(quantiles(half, half).has_value());
  CHECK_FALSE(standard_deviation(std::vector<double>{1, 2, 3}).has_value());
  for (const double bad : {nan, inf, -inf}) {
    const std::vector<double> x = {1, 2, bad, 4, 5};
    CHECK_FALSE(mean(x).has_value());
    CHECK_FALSE(standard_deviation(x).has_value());
    CHECK_FALSE(quantiles(x, half).has_value());
  }
  const std::vector<double> good = {1, 2, 3, 4};
  for (const double p : {-0.1, 1.1, nan}) CHECK_FALSE(quantiles(good, std::vector<double>{p}).has_value());
}

TEST_CASE("the Monte Carlo standard errors are those of repeated experiments") {
  // 4000 experiments of 400 standard normal draws. The spread of each estimate over the experiments is known to a
  // relative standard error of 1/sqrt(2 * 4000) = 1.1 %, the mean of the claimed errors far better; 6 % is five of
  // these and covers the O(1/n) bias of the claims at n = 400. False alarm about 1e-6; an error too small by a factor
  // sqrt(n/(n-k)) with k of 15 % of n, a missing factor 2 or sqrt(2), or a variance for a standard deviation is found
  // with certainty.
  std::mt19937_64 random(314159);
  std::normal_distribution<double> normal;
  constexpr int experiments = 4000;
  struct Tally {
    double sum = 0, squares = 0, claimed = 0;
    void add(const MonteCarloEstimate& e) {
      sum += e.value;
      squares += e.value * e.value;
      claimed += e.mcse * e.mcse;
    }
    [[nodiscard]] double ratio() const {
      const double m = sum / experiments;
      return std::sqrt(claimed / experiments) / std::sqrt(squares / experiments - m * m);
    }
  };
  Tally means, deviations, medians;
  const std::vector<double> p = {0.5};
  std::vector<double> x(400);
  for (int e = 0; e < experiments; ++e) {
    for (double& v : x) v = normal(random);
    means.add(*mean(x));
    deviations.add(*standard_deviation(x));
    medians.add((*quantiles(x, p))[0]);
  }
  CHECK(means.ratio() == doctest::Approx(1).epsilon(0.06));
  CHECK(deviations.ratio() == doctest::Approx(1).epsilon(0.06));
  // One order-statistic gap is a coarse estimate: its square is biased upward by about 1/sqrt(n) at this n.
  CHECK(medians.ratio() == doctest::Approx(1).epsilon(0.12));
}
