// Draws against distribution functions. Every check has a false-alarm rate of 1e-8 (goodness.h states the power), and
// every sampler a mutant, wrong in a way that programmers get it wrong, which its check must reject.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "goodness.h"
#include "lang/rng/stream.h"

using namespace hearsay::rng;
using namespace hearsay::rng::testing;

namespace {

template <class Draw>
std::vector<double> sample(std::uint64_t seed, Draw&& draw) {
  Stream stream(seed, 0, 0, 0);
  std::vector<double> out(draws);
  for (double& x : out) x = static_cast<double>(draw(stream));
  return out;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

bool fits(const std::vector<double>& xs, double (*cdf)(double)) { return kolmogorov_smirnov(xs, cdf) < ks_threshold; }
template <class Law>
bool fits_law(const std::vector<double>& xs, const Law& law) {
  return kolmogorov_smirnov(xs, [&](double x) { return cdf(law, x); }) < ks_threshold;
}

// Counts of 0, 1, …, size − 1.
std::vector<double> tally(const std::vector<double>& xs, std::size_t size) {
  std::vector<double> counts(size, 0.0);
  const auto [lowest, highest] = std::minmax_element(xs.begin(), xs.end());
  REQUIRE(*lowest >= 0);
  REQUIRE(*highest < static_cast<double>(size));
  for (const double x : xs) counts[static_cast<std::size_t>(x)] += 1;
  return counts;
}

}  // namespace

TEST_CASE("uniform") {
  const auto cdf = +[](double x) { return x; };
  const auto xs = sample(101, [](Stream& s) { return s.uniform(); });
  CHECK(fits(xs, cdf));
  const auto [lowest, highest] = std::minmax_element(xs.begin(), xs.end());
  CHECK(*lowest > 0);
  CHECK(*highest < 1);
  // mutant: a mean of two
  CHECK(!fits(sample(102, [](Stream& s) { return 0.5 * (s.uniform() + s.uniform()); }), cdf));
  // mutant: 1 % too wide
  CHECK(!fits(
      sample(103, [](Stream& s) { return 1.02 * s.uniform(); }), +[](double x) { return std::fmin(x, 1); }));
}

TEST_CASE("each bit of an integer is fair") {
  std::vector<double> ones(64, 0.0);
  Stream stream(104, 0, 0, 0);
  for (std::size_t i = 0; i < draws; ++i) {
    const std::uint64_t x = stream.next_u64();
    for (std::size_t b = 0; b < 64; ++b) ones[b] += static_cast<double>((x >> b) & 1U);
  }
  // |z| > 6.1 has probability 1.1e-9; with 64 bits, 7e-8 in all. Finds a bias of 0.0096 with 99 %.
  const auto n = static_cast<double>(draws);
  for (const double k : ones) CHECK(std::fabs(k - 0.5 * n) < 6.1 * 0.5 * std::sqrt(n));
}

TEST_CASE("normal, its middle and its tail") {
  CHECK(fits(sample(201, [](Stream& s) { return s.normal(); }), normal_cdf));
  // mutants: a standard deviation 3 % too large; half of the signs lost
  CHECK(!fits(sample(202, [](Stream& s) { return 1.03 * s.normal(); }), normal_cdf));
  CHECK(!fits(sample(203,
                     [](Stream& s) {
                       const double x = s.normal();
                       return s.uniform() < 0.5 ? std::fabs(x) : x;
                     }),
              normal_cdf));

  // Cells of width 1/2 up to 4.5 and what is beyond, by sign: the tail of the ziggurat begins at 3.654.
  constexpr std::size_t side = 10;
  constexpr std::size_t many = 4'000'000;
  const auto edge = [](std::size_t i) {
    return i == side ? std::numeric_limits<double>::infinity() : 0.5 * static_cast<double>(i);
  };
  std::vector<double> probabilities;
  for (std::size_t i = 0; i < side; ++i) {
    probabilities.push_back(normal_cdf(-edge(i)) - normal_cdf(-edge(i + 1)));
    probabilities.push_back(probabilities.back());
  }
  const auto ratio = [&](auto&& draw) {
    Stream stream(204, 0, 0, 0);
    std::vector<double> counts(2 * side, 0.0);
    for (std::size_t i = 0; i < many; ++i) {
      const double x = draw(stream);
      const auto cell = static_cast<std::size_t>(std::fmin(2 * std::fabs(x), side - 1));
      counts[2 * cell + (x < 0 ? 1 : 0)] += 1;
    }
    return chi_square_ratio(counts, probabilities);
  };
  CHECK(ratio([](Stream& s) { return s.normal(); }) < 1);
  // mutant: no tail
  CHECK(ratio([](Stream& s) {
          const double x = s.normal();
          return std::fabs(x) > 3.6541528853610088 ? 0.0 : x;
        }) > 1);
}

TEST_CASE("the tail of the normal has the right shape") {
  // About 1,030 draws beyond 3.654 in four million: a deviation of 0.15 is found with 99 %.
  constexpr double start = 3.6541528853610088;
  std::vector<double> beyond;
  Stream stream(205, 0, 0, 0);
  for (int i = 0; i < 4'000'000; ++i) {
    const double x = std::fabs(stream.normal());
    if (x > start) beyond.push_back(x);
  }
  const auto cdf = [](double x) { return 1 - normal_cdf(-x) / normal_cdf(-start); };
  REQUIRE(beyond.size() > 500);
  CHECK(kolmogorov_smirnov(beyond, cdf) < ks_threshold);
  // mutant: a tail pressed together to its beginning
  for (double& x : beyond) x = start + 0.5 * (x - start);
  CHECK(kolmogorov_smirnov(beyond, cdf) > ks_threshold);
}

TEST_CASE("exponential") {
  const auto cdf = +[](double x) { return -std::expm1(-x); };
  CHECK(fits(sample(301, [](Stream& s) { return s.exponential(); }), cdf));
  CHECK(!fits(sample(302, [](Stream& s) { return 1.05 * s.exponential(); }), cdf));
}

TEST_CASE("gamma, shapes below and above 1") {
  std::uint64_t seed = 400;
  for (const double shape : {0.05, 0.5, 0.999, 1.0, 2.5, 40.0, 1e5}) {
    CAPTURE(shape);
    const boost::math::gamma_distribution<> law(shape);
    CHECK(fits_law(sample(++seed, [=](Stream& s) { return s.gamma(shape); }), law));
    CHECK(fits_law(sample(++seed, [=](Stream& s) { return std::exp(s.log_gamma(shape)); }), law));
  }
  // mutants: the boost of a small shape forgotten, or with the wrong power; a shape too large by 0.04
  const boost::math::gamma_distribution<> half(0.5);
  CHECK(!fits_law(sample(480, [](Stream& s) { return s.gamma(1.5); }), half));
  CHECK(!fits_law(sample(481, [](Stream& s) { return s.gamma(1.5) * std::pow(s.uniform(), 0.5); }), half));
  CHECK(!fits_law(sample(482, [](Stream& s) { return s.gamma(2.54); }), boost::math::gamma_distribution<>(2.5)));
}

TEST_CASE("beta, down to shapes whose gammas underflow") {
  std::uint64_t seed = 500;
  struct Shapes {
    double a, b;
  };
  for (const Shapes& shapes : {Shapes{1, 1}, Shapes{0.5, 0.5}, Shapes{2, 7}, Shapes{0.1, 3}, Shapes{500, 300}}) {
    CAPTURE(shapes.a);
    CAPTURE(shapes.b);
    const boost::math::beta_distribution<> law(shapes.a, shapes.b);
    CHECK(fits_law(sample(++seed, [&](Stream& s) { return s.beta(shapes.a, shapes.b); }), law));
  }
  // mutants: arguments exchanged; a normalisation by the wrong sum
  const boost::math::beta_distribution<> law(2, 7);
  CHECK(!fits_law(sample(580, [](Stream& s) { return s.beta(7, 2); }), law));
  CHECK(!fits_law(sample(581, [](Stream& s) { return std::fmin(1, s.gamma(2) / 9); }), law));
  // nearly all mass at 0 and 1, in proportion b : a
  const auto extremes = sample(582, [](Stream& s) { return s.beta(1e-5, 3e-5); });
  const auto [lowest, highest] = std::minmax_element(extremes.begin(), extremes.end());
  CHECK(*lowest >= 0);
  CHECK(*highest <= 1);
  const auto ones =
      static_cast<double>(std::count_if(extremes.begin(), extremes.end(), [](double x) { return x > 0.5; }));
  const auto n = static_cast<double>(draws);
  CHECK(std::fabs(ones - 0.25 * n) < 6 * std::sqrt(n * 0.25 * 0.75));
  Stream stream(583, 0, 0, 0);
  for (int i = 0; i < 100; ++i) CHECK(std::isfinite(stream.beta(1e-310, 1e-310)));
}

TEST_CASE("binomial: inversion, rejection, and both sides of a half") {
  std::uint64_t seed = 600;
  struct Case {
    std::int64_t n;
    double p;
  };
  const auto probabilities = [](std::int64_t n, double p) {
    const boost::math::binomial_distribution<> law(static_cast<double>(n), p);
    std::vector<double> ps;
    for (std::int64_t k = 0; k <= n; ++k) ps.push_back(pdf(law, static_cast<double>(k)));
    return ps;
  };
  for (const Case& trials :
       {Case{1, 0.3}, Case{10, 0.5}, Case{19, 0.499}, Case{21, 0.5}, Case{40, 0.26}, Case{1000, 0.004},
        Case{1000, 0.02}, Case{5000, 0.37}, Case{5000, 0.93}, Case{100000, 0.0101}}) {
    CAPTURE(trials.n);
    CAPTURE(trials.p);
    const auto xs = sample(++seed, [&](Stream& s) { return s.binomial(trials.n, trials.p); });
    CHECK(chi_square_ratio(tally(xs, static_cast<std::size_t>(trials.n) + 1), probabilities(trials.n, trials.p)) < 1);
  }
  // mutants: off by one, the last trial forgotten; the other outcome counted
  const auto wrong = [&](std::uint64_t s, std::int64_t n, double p, auto&& draw) {
    return chi_square_ratio(tally(sample(s, draw), static_cast<std::size_t>(n) + 1), probabilities(n, p)) > 1;
  };
  CHECK(wrong(680, 40, 0.26, [](Stream& s) { return std::min<std::int64_t>(40, s.binomial(40, 0.26) + 1); }));
  CHECK(wrong(681, 40, 0.26, [](Stream& s) { return s.binomial(39, 0.26); }));
  CHECK(wrong(682, 40, 0.46, [](Stream& s) { return 40 - s.binomial(40, 0.46); }));

  Stream stream(690, 0, 0, 0);
  CHECK(stream.binomial(0, 0.5) == 0);
  CHECK(stream.binomial(17, 0) == 0);
  CHECK(stream.binomial(17, 1) == 17);
  // too many trials to tabulate: mean and variance of 1e12 trials, 6.1 standard errors
  constexpr double trials = 1e12;
  double sum = 0;
  double squares = 0;
  for (const double x : sample(691, [](Stream& s) { return s.binomial(1'000'000'000'000, 0.3); })) {
    const double z = (x - 0.3 * trials) / std::sqrt(0.21 * trials);
    sum += z;
    squares += z * z;
  }
  const auto n = static_cast<double>(draws);
  CHECK(std::fabs(sum) < 6.1 * std::sqrt(n));
  CHECK(std::fabs(squares - n) < 6.1 * std::sqrt(2 * n));
}

TEST_CASE("Poisson") {
  std::uint64_t seed = 900;
  const auto probabilities = [](double rate, std::size_t size) {
    const boost::math::poisson law(rate);
    std::vector<double> ps;
    for (std::size_t k = 0; k < size; ++k) ps.push_back(pdf(law, static_cast<double>(k)));
    return ps;
  };
  const auto size_for = [](double rate) { return static_cast<std::size_t>(rate + 12 * std::sqrt(rate) + 40); };
  for (const double rate : {0.02, 1.0, 9.99, 10.0, 13.7, 80.0, 1234.5, 1e5}) {
    CAPTURE(rate);
    const auto xs = sample(++seed, [rate](Stream& s) { return s.poisson(rate); });
    CHECK(chi_square_ratio(tally(xs, size_for(rate)), probabilities(rate, size_for(rate))) < 1);
  }
  // mutants: the first uniform not counted; a normal with continuity correction; off by one
  const auto wrong = [&](double rate, auto&& draw) {
    const auto counts = tally(sample(++seed, draw), size_for(rate));
    return chi_square_ratio(counts, probabilities(rate, size_for(rate))) > 1;
  };
  CHECK(wrong(3, [](Stream& s) { return std::max(0.0, s.poisson(3) - 1); }));
  CHECK(wrong(80, [](Stream& s) { return std::max(0.0, std::round(80 + std::sqrt(80) * s.normal())); }));
  CHECK(wrong(80, [](Stream& s) { return s.poisson(80) + 1; }));

  Stream stream(990, 0, 0, 0);
  CHECK(stream.poisson(0) == 0);
  CHECK(std::isinf(stream.poisson(std::numeric_limits<double>::infinity())));
  CHECK(std::isnan(stream.poisson(std::nan(""))));
  // too large to tabulate: mean and variance, 6.1 standard errors
  constexpr double rate = 1e14;
  double sum = 0, squares = 0;
  for (const double x : sample(991, [](Stream& s) { return s.poisson(rate); })) {
    const double z = (x - rate) / std::sqrt(rate);
    sum += z;
    squares += z * z;
  }
  const auto n = static_cast<double>(draws);
  CHECK(std::fabs(sum) < 6.1 * std::sqrt(n));
  CHECK(std::fabs(squares - n) < 6.1 * std::sqrt(2 * n));
}

TEST_CASE("von Mises") {
  std::uint64_t seed = 1000;
  constexpr std::size_t cells = 400;
  // Cells from -reach to reach; what is outside falls into the first or last.
  const auto ratio = [&](double kappa, double reach, auto&& draw) {
    const auto density = [kappa](double x) { return std::exp(-2 * kappa * std::pow(std::sin(x / 2), 2)); };
    std::vector<double> weights;
    const double width = 2 * reach / cells;
    double total = 0;
    for (std::size_t i = 0; i < cells; ++i) {
      const double from = -reach + width * static_cast<double>(i);
      weights.push_back(boost::math::quadrature::gauss_kronrod<double, 15>::integrate(density, from, from + width, 0));
      total += weights.back();
    }
    for (double& w : weights) w /= total;
    std::vector<double> counts(cells, 0.0);
    for (const double x : sample(++seed, draw)) {
      REQUIRE(std::fabs(x) <= std::numbers::pi);
      counts[static_cast<std::size_t>(std::clamp((x + reach) / width, 0.0, cells - 1.0))] += 1;
    }
    return chi_square_ratio(counts, weights);
  };
  for (const double kappa : {0.0, 1e-9, 1e-6, 1e-3, 0.3, 1.0, 7.0, 500.0, 9.9e5, 1.1e6}) {
    CAPTURE(kappa);
    const double reach = std::min(std::numbers::pi, 9 / std::sqrt(kappa));
    CHECK(ratio(kappa, reach, [kappa](Stream& s) { return s.von_mises(kappa); }) < 1);
  }
  // mutants: a wrapped normal of the same variance; one side only
  CHECK(ratio(1, std::numbers::pi, [](Stream& s) { return std::remainder(1.27 * s.normal(), 2 * std::numbers::pi); }) >
        1);
  CHECK(ratio(1, std::numbers::pi, [](Stream& s) { return std::fabs(s.von_mises(1)); }) > 1);
}

TEST_CASE("categorical and alias table") {
  const std::vector<std::vector<double>> all_weights = {
      {1}, {1, 3}, {0, 1, 2, 0, 4}, {1e-3, 1, 1e3}, std::vector<double>(50, 0.02), {0.1, 0.2, 0.3, 0.15, 0.25}};
  std::uint64_t seed = 700;
  for (const auto& weights : all_weights) {
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<double> probabilities;
    for (const double w : weights) probabilities.push_back(w / total);
    const AliasTable table(weights);
    const auto scanned = tally(sample(++seed, [&](Stream& s) { return s.categorical(weights); }), weights.size());
    const auto aliased = tally(sample(++seed, [&](Stream& s) { return table.draw(s); }), weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) {
        CHECK(scanned[i] == 0);
        CHECK(aliased[i] == 0);
      }
    }
    if (weights.size() == 1) continue;
    CHECK(chi_square_ratio(scanned, probabilities) < 1);
    CHECK(chi_square_ratio(aliased, probabilities) < 1);
    // mutant: off by one
    const auto shifted =
        tally(sample(++seed, [&](Stream& s) { return (s.categorical(weights) + 1) % weights.size(); }), weights.size());
    if (weights.size() != 50) CHECK(chi_square_ratio(shifted, probabilities) > 1);
  }
  // mutant: an alias table whose thresholds are ignored draws cells evenly
  const std::vector<double> weights{0.1, 0.2, 0.3, 0.15, 0.25};
  const auto even = tally(sample(790, [](Stream& s) { return std::floor(5 * s.uniform()); }), 5);
  CHECK(chi_square_ratio(even, weights) > 1);
}

TEST_CASE("weights with a rounded sum never lead to an impossible index") {
  Stream stream(800, 0, 0, 0);
  std::vector<double> weights(1000, 0.0);
  for (std::size_t i = 0; i < weights.size(); i += 3) weights[i] = 0.1 / static_cast<double>(i + 7);
  const AliasTable table(weights);
  int impossible = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (weights[table.draw(stream)] == 0) ++impossible;
    if (weights[stream.categorical(weights)] == 0) ++impossible;
  }
  CHECK(impossible == 0);
}

TEST_CASE("an alias table fills as it draws") {
  const std::vector<double> weights{0.1, 0, 0.3, 0.15, 0.25};
  const AliasTable table(weights);
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{1024}, std::size_t{5001}}) {
    Stream one(901, 0, 0, 0);
    Stream bulk(901, 0, 0, 0);
    CHECK(one.next_u64() == bulk.next_u64());  // so that the bulk begins within a block of four
    std::vector<std::int64_t> drawn(n);
    table.fill(bulk, 1, drawn);
    bool same = true;
    for (const std::int64_t code : drawn) same = same && code == static_cast<std::int64_t>(table.draw(one)) + 1;
    CHECK(same);
    CHECK(one.next_u64() == bulk.next_u64());
  }
}
