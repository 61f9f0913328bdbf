#include "runtime/draws/diagnostics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "runtime/draws/autocovariance.h"
#include "tests/unit/runtime/draws/ar1.h"

using namespace hearsay;
using namespace hearsay::testing;

namespace {

double normal_score(double p) { return quantile(boost::math::normal_distribution<double>(), p); }

/// The paper's formulas in the plainest way, with no transform and no sorting: slow, and sharing no code.
namespace plain {

using Chains = std::vector<std::vector<double>>;

Chains halves(ChainedDraws x) {
  Chains out;
  const std::size_t n = x.length();
  for (std::size_t c = 0; c < x.chains; ++c) {
    const auto all = x.chain(c);
    out.emplace_back(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n / 2));
    out.emplace_back(all.end() - static_cast<std::ptrdiff_t>(n / 2), all.end());
  }
  return out;
}

Chains scores(const Chains& x) {
  Chains out = x;
  double total = 0;
  for (const auto& c : x) total += static_cast<double>(c.size());
  for (auto& chain : out)
    for (double& v : chain) {
      double below = 0, equal = 0;
      for (const auto& c : x)
        for (const double w : c) {
          below += w < v ? 1 : 0;
          equal += w == v ? 1 : 0;
        }
      v = below + (equal + 1) / 2;
    }
  for (auto& chain : out)
    for (double& v : chain) v = normal_score((v - 0.375) / (total + 0.25));
  return out;
}

double mean(const std::vector<double>& x) {
  double s = 0;
  for (const double v : x) s += v;
  return s / static_cast<double>(x.size());
}
double covariance(const std::vector<double>& x, std::size_t lag, double divide) {
  const double m = mean(x);
  double s = 0;
  for (std::size_t t = 0; t + lag < x.size(); ++t) s += (x[t] - m) * (x[t + lag] - m);
  return s / divide;
}

struct Pieces {
  double n, m, within, between, plus;
};
Pieces pieces(const Chains& x) {
  Pieces p{};
  p.n = static_cast<double>(x[0].size());
  p.m = static_cast<double>(x.size());
  std::vector<double> means;
  for (const auto& c : x) {
    means.push_back(mean(c));
    p.within += covariance(c, 0, p.n - 1) / p.m;
  }
  p.between = p.n * covariance(means, 0, p.m - 1);
  p.plus = (p.n - 1) / p.n * p.within + p.between / p.n;
  return p;
}

double rhat(const Chains& x) {
  const Pieces p = pieces(x);
  return std::sqrt(p.plus / p.within);
}

double ess(const Chains& x) {
  const Pieces p = pieces(x);
  const auto rho = [&](std::size_t t) {
    double acov = 0;
    for (const auto& c : x) acov += covariance(c, t, p.n) / p.m;
    return 1 - (p.within - acov) / p.plus;
  };
  const auto n = x[0].size();
  std::vector<double> pair = {1 + rho(1)};
  std::size_t t = 0;
  double even = 1;
  while (t + 5 < n && pair.back() > 0) {
    t += 2;
    even = rho(t);
    pair.push_back(even + rho(t + 1));
  }
  pair.pop_back();  // the one at which it stopped
  for (std::size_t k = 1; k < pair.size(); ++k) pair[k] = std::min(pair[k], pair[k - 1]);
  double time = -1 + std::max(even, 0.0);
  for (const double v : pair) time += 2 * v;
  return p.n * p.m / std::max(time, 1 / std::log10(p.n * p.m));
}

}  // namespace plain

ChainedDraws view(const std::vector<double>& x, std::size_t chains) { return {x, chains}; }

}  // namespace

TEST_CASE("autocovariance is the sum of products, for lengths with every kind of factor") {
  for (const std::size_t n : {1U, 2U, 3U, 7U, 11U, 64U, 97U, 500U, 509U}) {
    const std::vector<double> x = ar1(0.6, 1, n, n);
    const std::vector<double> acov = autocovariance(x);
    REQUIRE(acov.size() == n);
    for (std::size_t lag = 0; lag < n; ++lag)
      CHECK(acov[lag] == doctest::Approx(plain::covariance(x, lag, static_cast<double>(n))).epsilon(1e-12).scale(1));
  }
}

TEST_CASE("R-hat and effective sizes are the paper's formulas") {
  struct Case {
    double phi;
    std::size_t chains, length;
  };
  for (const auto& [phi, chains, length] :
       {Case{0.3, 4, 100}, Case{-0.6, 2, 81}, Case{0.95, 3, 60}, Case{0.8, 1, 57}, Case{0, 1, 12}, Case{0.5, 8, 13}}) {
    CAPTURE(phi);
    CAPTURE(length);
    std::vector<double> x = ar1(phi, chains, length, 17);
    if (phi == 0.3)
      for (double& v : x) v = std::round(2 * v);  // with ties
    const ChainedDraws d = view(x, chains);
    const auto halves = plain::halves(d);
    CHECK(*ess_mean(d) == doctest::Approx(plain::ess(halves)).epsilon(1e-10));
    CHECK(*ess_bulk(d) == doctest::Approx(plain::ess(plain::scores(halves))).epsilon(1e-10));
    std::vector<double> sorted = x;
    std::sort(sorted.begin(), sorted.end());
    const double middle = (sorted[(x.size() - 1) / 2] + sorted[x.size() / 2]) / 2;
    std::vector<double> folded = x;
    for (double& v : folded) v = std::abs(v - middle);
    CHECK(*rhat(d) == doctest::Approx(std::max(plain::rhat(plain::scores(halves)),
                                               plain::rhat(plain::scores(plain::halves(view(folded, chains))))))
                          .epsilon(1e-10));
    std::vector<double> low = x;
    const auto at = 0.05 * static_cast<double>(x.size() - 1);
    const auto floor = static_cast<std::size_t>(at);
    const double q = sorted[floor] + (at - std::floor(at)) * (sorted[floor + 1] - sorted[floor]);
    for (double& v : low) v = v <= q ? 1 : 0;
    CHECK(*ess_quantile(d, 0.05) == doctest::Approx(plain::ess(plain::halves(view(low, chains)))).epsilon(1e-10));
    CHECK(*ess_tail(d) == std::min(*ess_quantile(d, 0.05), *ess_quantile(d, 0.95)));
  }
}

TEST_CASE("effective sizes of autoregressive series are the known ones") {
  // The mean of the estimates over 200 experiments of 4 chains of 2000 draws. One estimate has a relative standard
  // deviation of at most 10 % at phi = 0.9 (measured; it falls with phi), the mean of 200 then 0.7 %. Geyer's estimate
  // is consistent and biased by O(autocorrelation time / length), below 1 % here. 5 % is six standard deviations and
  // the bias: false alarm below 1e-8 each; a wrong factor in a lag or in the normalisation is more than 5 %.
  struct Size {
    const char* name;
    std::function<std::optional<double>(ChainedDraws)> estimate;
    double (*correlation)(double);
  };
  const Size sizes[] = {
      {"mean", [](ChainedDraws x) { return ess_mean(x); }, of_value},
      {"bulk", [](ChainedDraws x) { return ess_bulk(x); }, of_value},
      {"sd", [](ChainedDraws x) { return ess_sd(x); }, of_distance},
      {"median", [](ChainedDraws x) { return ess_quantile(x, 0.5); }, of_sign},
  };
  constexpr std::size_t experiments = 200, chains = 4, length = 2000;
  for (const double phi : {-0.3, 0.0, 0.5, 0.9}) {
    std::vector<double> sums(std::size(sizes));
    for (std::size_t e = 0; e < experiments; ++e) {
      const std::vector<double> x = ar1(phi, chains, length, 1000 + e);
      for (std::size_t s = 0; s < sums.size(); ++s) sums[s] += *sizes[s].estimate(view(x, chains));
    }
    for (std::size_t s = 0; s < sums.size(); ++s) {
      CAPTURE(sizes[s].name);
      CAPTURE(phi);
      const double expected = static_cast<double>(chains * length) / autocorrelation_time(phi, sizes[s].correlation);
      CHECK(sums[s] / experiments == doctest::Approx(expected).epsilon(0.05));
    }
  }
}

TEST_CASE("errors of autoregressive chains are those of repeated experiments") {
  // As for independent draws in summary_test.cpp: over 2000 experiments the spread of an estimate is known to 1.6 %,
  // and 10 % is six of these. Ignoring the autocorrelation would be wrong by a factor 1.7 for the mean at phi = 0.5.
  constexpr int experiments = 2000;
  constexpr std::size_t chains = 2, length = 500;
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
  const double half = 0.5;
  for (int e = 0; e < experiments; ++e) {
    const std::vector<double> x = ar1(0.5, chains, length, 5000 + static_cast<std::uint64_t>(e));
    const ChainedDraws d = view(x, chains);
    means.add(*mean(d));
    deviations.add(*standard_deviation(d));
    medians.add((*quantiles(d, std::span(&half, 1)))[0]);
  }
  CHECK(means.ratio() == doctest::Approx(1).epsilon(0.1));
  CHECK(deviations.ratio() == doctest::Approx(1).epsilon(0.1));
  // The range of order statistics is rounded outwards: too wide by up to two gaps between draws, of some 25.
  CHECK(medians.ratio() > 0.9);
  CHECK(medians.ratio() < 1.2);
}

TEST_CASE("chains that disagree are found, in place and in width") {
  constexpr std::size_t length = 1000;
  std::vector<double> x = ar1(0, 4, length, 31);
  CHECK(*rhat(view(x, 4)) < 1.01);
  std::vector<double> shifted = x;
  for (std::size_t t = 0; t < length; ++t) shifted[t] += 1;
  CHECK(*rhat(view(shifted, 4)) > 1.05);
  std::vector<double> wider = x;
  for (std::size_t t = 0; t < length; ++t) wider[t] *= 3;
  CHECK(*rhat(view(wider, 4)) > 1.05);
  std::vector<double> drifting = x;
  for (std::size_t t = 0; t < 4 * length; ++t) drifting[t] += t % length < length / 2 ? 0 : 1;
  CHECK(*rhat(view(drifting, 4)) > 1.05);
  // Ranks know nothing of the scale, so neither does R-hat: a Cauchy has one.
  std::vector<double> cauchy = x;
  for (double& v : cauchy) v = std::tan(1.5707 * std::erf(v / std::sqrt(2.0)));
  CHECK(*ess_bulk(view(cauchy, 4)) == doctest::Approx(*ess_bulk(view(x, 4))).epsilon(1e-12));
}

TEST_CASE("chains that are stuck at different places") {
  std::vector<double> x(40, 1.0);
  std::fill(x.begin() + 20, x.end(), 2.0);
  CHECK(*rhat(view(x, 2)) == std::numeric_limits<double>::infinity());
  CHECK(*ess_bulk(view(x, 2)) < 4);
}

TEST_CASE("what cannot be told is not told") {
  const double half = 0.5;
  const std::vector<double> constant(40, 0.1);
  const auto nothing = [](ChainedDraws d) {
    return !rhat(d) && !ess_bulk(d) && !ess_tail(d) && !ess_mean(d) && !ess_sd(d) && !ess_quantile(d, 0.5);
  };
  CHECK(nothing(view(constant, 2)));
  CHECK(nothing({}));
  CHECK(nothing(view(constant, 0)));
  const std::vector<double> brief = ar1(0, 4, 11, 5);
  CHECK(nothing(view(brief, 4)));
  CHECK(nothing(view(ar1(0, 1, 41, 5), 2)));  // not chains of equal length
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()}) {
    std::vector<double> x = ar1(0, 2, 20, 5);
    x[7] = bad;
    CHECK(nothing(view(x, 2)));
    CHECK_FALSE(mean(view(x, 2)).has_value());
    CHECK_FALSE(standard_deviation(view(x, 2)).has_value());
    CHECK_FALSE(quantiles(view(x, 2), std::span(&half, 1)).has_value());
  }
  const std::vector<double> good = ar1(0, 2, 20, 5);
  for (const double p : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    CHECK_FALSE(ess_quantile(view(good, 2), p).has_value());
}

TEST_CASE("constants and two-valued quantities have estimates") {
  const double half = 0.5;
  const std::vector<double> constant(40, 0.1);
  CHECK(mean(view(constant, 2))->value == 0.1);
  CHECK(mean(view(constant, 2))->mcse == 0);
  CHECK(standard_deviation(view(constant, 2))->value == 0);
  CHECK((*quantiles(view(constant, 2), std::span(&half, 1)))[0].mcse == 0);
  std::vector<double> coin(40);
  for (std::size_t i = 0; i < coin.size(); ++i) coin[i] = (i * 7) % 40 < 20 ? 1 : 0;
  CHECK(mean(view(coin, 2))->value == 0.5);
  CHECK(mean(view(coin, 2))->mcse > 0);
  CHECK(standard_deviation(view(coin, 2))->mcse == doctest::Approx(0).scale(1));
  CHECK(*ess_quantile(view(coin, 2), 0) > 0);
}

TEST_CASE("the energy fraction of series whose steps are known") {
  std::vector<double> saw(100);
  for (std::size_t i = 0; i < saw.size(); ++i) saw[i] = static_cast<double>(i % 2);
  CHECK(*energy_fraction(saw) == doctest::Approx(4 * 99.0 / 100).epsilon(1e-14));
  // Of an autoregressive series: 2 (1 - phi), here 0.2, with a standard deviation of about 2 % at this length.
  CHECK(*energy_fraction(ar1(0.9, 1, 20000, 3)) == doctest::Approx(0.2).epsilon(0.12));
  CHECK_FALSE(energy_fraction(std::vector<double>(10, 1.0)).has_value());
  CHECK_FALSE(energy_fraction(std::vector<double>{1, 2}).has_value());
  CHECK_FALSE(energy_fraction(std::vector<double>{1, 2, std::numeric_limits<double>::quiet_NaN()}).has_value());
}
