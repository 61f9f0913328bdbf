#include "tests/dist/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "tests/dist/quadrature.h"

namespace hearsay::dist_test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int draw_count = 4000;

bool is_real(const Distribution& d) { return d.support().kind == Support::Kind::reals; }
bool is_count(const Distribution& d) { return d.support().kind == Support::Kind::integers && d.support().unbounded; }

Complaints check_real_mass(Distribution& d, double tail_floor) {
  constexpr double tolerance = 2e-10;
  Complaints complaints;
  const std::vector<double> at = cuts(d, 25);
  const double middle = at[at.size() / 2];
  std::vector<double> mass{tail_integral(d, at.front(), false)};
  for (std::size_t i = 0; i + 1 < at.size(); ++i) mass.push_back(integral(d, at[i], at[i + 1], middle));
  mass.push_back(tail_integral(d, at.back(), true));
  double total = 0;
  for (const double m : mass) total += m;
  if (!(std::abs(total - 1) <= tolerance)) complaints.push_back(fmt::format("{}: total mass {:.15g}", d.text(), total));
  if (!d.has("cdf")) return complaints;
  double below = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    below += mass[i];
    const double cdf = d.probability(-kInf, at[i]);
    if (!(std::abs(cdf - below) <= tolerance))
      complaints.push_back(fmt::format("{}: P(X <= {}) = {:.15g}, integral {:.15g}", d.text(), at[i], cdf, below));
    const double next = i + 1 < at.size() ? at[i + 1] : kInf;
    const double part = d.probability(at[i], next);
    if (!(std::abs(part - mass[i + 1]) <= tolerance))
      complaints.push_back(
          fmt::format("{}: P({} <= X <= {}) = {:.15g}, integral {:.15g}", d.text(), at[i], next, part, mass[i + 1]));
  }
  // Far out: the upper tail keeps its digits where there is a formula for it.
  const double spread = at.back() - at.front(), end = d.support().real_high;
  for (const double far : {1.0, 3.0}) {
    const double x = std::isinf(end) ? at.back() + far * spread : end - (end - at.back()) / (1 + far);
    const double expected = tail_integral(d, x, true);
    const double tail = d.probability(x, kInf);
    if (d.has("ccdf") && !(std::abs(tail - expected) <= 1e-8 * expected + tail_floor + 1e-300))
      complaints.push_back(fmt::format("{}: P(X >= {}) = {:.15g}, integral {:.15g}", d.text(), x, tail, expected));
  }
  if (d.probability(-kInf, kInf) != 1) complaints.push_back(d.text() + ": P(-inf <= X <= inf) is not 1");
  return complaints;
}

Complaints check_count_mass(Distribution& d) {
  constexpr double tolerance = 1e-12;
  Complaints complaints;
  double total = 0, largest = 0;
  for (double k = static_cast<double>(d.support().low); k < 1e6; ++k) {
    const double p = std::exp(d.logp(k));
    total += p;
    largest = std::max(largest, p);
    if (d.has("cdf") && k < 400) {
      const double cdf = d.probability(-kInf, k);
      if (!(std::abs(cdf - total) <= tolerance))
        complaints.push_back(fmt::format("{}: P(X <= {}) = {:.15g}, sum {:.15g}", d.text(), k, cdf, total));
      const double single = d.probability(k, k);
      if (!(std::abs(single - p) <= tolerance))
        complaints.push_back(fmt::format("{}: P(X = {}) = {:.15g}, {:.15g} as an interval", d.text(), k, p, single));
      if (d.probability(k, k + 0.5) != single || d.probability(k - 0.5, k) != single)
        complaints.push_back(fmt::format("{}: an interval around {} is not that number alone", d.text(), k));
    }
    if (total > 0.5 && p < 1e-19 * largest) break;
  }
  if (!(std::abs(total - 1) <= tolerance)) complaints.push_back(fmt::format("{}: total mass {:.15g}", d.text(), total));
  if (d.has("cdf") && d.probability(-kInf, kInf) != 1)
    complaints.push_back(d.text() + ": P(-inf <= X <= inf) is not 1");
  return complaints;
}

Complaints check_finite_mass(Distribution& d) {
  constexpr double tolerance = 1e-12;
  Complaints complaints;
  double total = 0;
  const bool numbers = d.support().kind == Support::Kind::integers;
  for (std::int64_t code = 1; code <= d.support().cardinality(); ++code) {
    const double p = std::exp(d.logp_of_code(code));
    total += p;
    if (!numbers) continue;
    const auto k = static_cast<double>(d.support().low + code - 1);
    if (const double direct = std::exp(d.logp(k)); !(std::abs(direct - p) <= tolerance * p))
      complaints.push_back(fmt::format("{}: P({}) = {:.15g}, {:.15g} when known", d.text(), k, direct, p));
    if (!d.has("cdf")) continue;
    if (const double cdf = d.probability(-kInf, k); !(std::abs(cdf - total) <= tolerance))
      complaints.push_back(fmt::format("{}: P(X <= {}) = {:.15g}, sum {:.15g}", d.text(), k, cdf, total));
    if (const double single = d.probability(k, k); !(std::abs(single - p) <= tolerance))
      complaints.push_back(fmt::format("{}: P(X = {}) = {:.15g}, {:.15g} as an interval", d.text(), k, p, single));
  }
  if (!(std::abs(total - 1) <= tolerance)) complaints.push_back(fmt::format("{}: total mass {:.15g}", d.text(), total));
  return complaints;
}

/// Cells with their probabilities: (edge[i-1], edge[i]], the last one open.
struct Cells {
  std::vector<double> edges, probabilities;
};

Cells cells_of(Distribution& d) {
  Cells cells;
  if (is_real(d)) {
    const std::vector<double> at = cuts(d, 13);
    cells.edges.assign(at.begin() + 1, at.end() - 1);
    for (std::size_t i = 0; i + 1 < at.size(); ++i)
      cells.probabilities.push_back(integral(d, at[i], at[i + 1], at[at.size() / 2]));
    cells.probabilities.front() += tail_integral(d, at.front(), false);
    cells.probabilities.back() += tail_integral(d, at.back(), true);
    return cells;
  }
  double below = 0, cell = 0;
  for (auto k = static_cast<double>(d.support().low); k < 1e6 && below < 1 - 1e-3; ++k) {
    const double p = std::exp(d.logp(k));
    below += p;
    cell += p;
    if (cell < 1.0 / 12) continue;
    cells.edges.push_back(k);
    cells.probabilities.push_back(cell);
    cell = 0;
  }
  cells.probabilities.push_back(1 - below + cell);
  return cells;
}

/// Both tails of the binomial law of a count, each allowed half of the false-alarm rate.
bool surprising(double count, double n, double p) {
  const boost::math::binomial_distribution<double> law(n, std::clamp(p, 0.0, 1.0));
  const double low = boost::math::cdf(law, count);
  const double high = count == 0 ? 1 : boost::math::cdf(boost::math::complement(law, count - 1));
  return low < false_alarm / 2 || high < false_alarm / 2;
}

}  // namespace

Complaints check_mass(Distribution& d, double tail_floor) {
  if (is_real(d)) return check_real_mass(d, tail_floor);
  return is_count(d) ? check_count_mass(d) : check_finite_mass(d);
}

Complaints check_density(Distribution& d, const Reference& reference) {
  Complaints complaints;
  const Arguments arguments(d.arguments().begin(), d.arguments().end());
  const auto compare = [&](double x, double got) {
    const Real expected = reference.logp(arguments, x);
    // Terms of a density are as large as the number of its trials, events or degrees of freedom times a logarithm.
    Real size = 10 + std::abs(expected);
    for (const Real a : arguments)
      if (a > 1) size = std::max(size, 10 * a);
    if (!is_real(d)) size = std::max<Real>(size, 10 * std::abs(x));
    const bool same =
        std::isinf(expected) ? got == static_cast<double>(expected) : std::abs(got - expected) <= 16 * size * 0x1p-53L;
    if (!same)
      complaints.push_back(
          fmt::format("{}: log density {:.17g} at {}, not {:.17g}", d.text(), got, x, static_cast<double>(expected)));
  };
  if (is_real(d)) {
    std::vector<double> at = reference.proper ? cuts(d, 25) : std::vector<double>{-1e9, -1, 0, 1e-9, 3, 1e100};
    const double low = at.front(), high = at.back(), spread = high - low;
    for (const double far : {1.0, 10.0, 1e4, 1e12}) {
      if (std::isinf(d.support().real_low)) at.push_back(low - far * spread);
      if (std::isinf(d.support().real_high)) at.push_back(high + far * spread);
      if (!std::isinf(d.support().real_low))
        at.push_back(d.support().real_low + (low - d.support().real_low) / (10 * far));
    }
    for (const double x : at)
      if (x > d.support().real_low && x < d.support().real_high) compare(x, d.logp(x));
  } else if (is_count(d)) {
    for (const double k : {0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0}) compare(k, d.logp(k));
  } else {
    for (std::int64_t code = 1; code <= d.support().cardinality(); ++code) {
      const bool numbers = d.support().kind == Support::Kind::integers;
      const std::int64_t x = numbers                                      ? d.support().low + code - 1
                             : d.support().kind == Support::Kind::boolean ? code - 1
                                                                          : code;
      compare(static_cast<double>(x), d.logp_of_code(code));
    }
  }
  return complaints;
}

Complaints check_draws(Distribution& d) {
  Complaints complaints;
  const auto judge = [&](const std::vector<double>& counts, const std::vector<double>& probabilities, int n) {
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (surprising(counts[i], n, probabilities[i]))
        complaints.push_back(fmt::format("{}: cell {} of {} has {} of {} draws, expected {:.4g}", d.text(), i + 1,
                                         counts.size(), counts[i], n, n * probabilities[i]));
  };
  if (!is_real(d) && !is_count(d)) {
    // One inversion of the masses serves all finite supports.
    constexpr int few = 500;
    const auto n = static_cast<std::size_t>(d.support().cardinality());
    std::vector<double> counts(n, 0.0), probabilities;
    std::map<double, std::size_t> position;
    for (std::size_t c = 0; c < n; ++c) {
      probabilities.push_back(std::exp(d.logp_of_code(static_cast<std::int64_t>(c) + 1)));
      position[d.value_of_code(static_cast<std::int64_t>(c) + 1)] = c;
    }
    for (const double x : draws(d, 2, few)) {
      const auto at = position.find(x);
      if (at == position.end()) {
        complaints.push_back(fmt::format("{}: draws {}, outside its support", d.text(), x));
        return complaints;
      }
      counts[at->second] += 1;
    }
    judge(counts, probabilities, few);
    return complaints;
  }
  const Cells cells = cells_of(d);
  std::vector<double> counts(cells.probabilities.size(), 0.0);
  for (const double x : draws(d, 2, draw_count)) {
    const bool inside = is_count(d) ? x >= static_cast<double>(d.support().low) && x == std::floor(x)
                                    : x >= d.support().real_low && x <= d.support().real_high;
    if (!inside) complaints.push_back(fmt::format("{}: draws {}, outside its support", d.text(), x));
    counts[static_cast<std::size_t>(std::lower_bound(cells.edges.begin(), cells.edges.end(), x) -
                                    cells.edges.begin())] += 1;
  }
  judge(counts, cells.probabilities, draw_count);
  return complaints;
}

Complaints check_outside(Distribution& d) {
  Complaints complaints;
  const auto expect_none = [&](double x, double got) {
    if (got != -kInf)
      complaints.push_back(fmt::format("{}: log density {} at {}, outside the support", d.text(), got, x));
  };
  const auto known = [&](double x) { return d.logp_of(Lowerer::known(Scalar::real(x))); };
  if (is_real(d)) {
    for (const double x : {-kInf, kInf}) expect_none(x, known(x));
    const double low = d.support().real_low, high = d.support().real_high;
    std::vector<double> beyond;
    if (!std::isinf(low)) beyond.insert(beyond.end(), {std::nextafter(low, -kInf), low - 1});
    if (!std::isinf(high)) beyond.insert(beyond.end(), {std::nextafter(high, kInf), high + 1});
    for (const double x : beyond) {
      expect_none(x, d.logp(x));
      expect_none(x, known(x));
    }
    if (const double at_nan = d.logp(kNaN); std::isfinite(at_nan) || at_nan == kInf)
      complaints.push_back(fmt::format("{}: log density {} at NaN", d.text(), at_nan));
  } else if (d.support().kind == Support::Kind::integers) {
    const auto expect_no_mass = [&](std::int64_t k) {
      expect_none(static_cast<double>(k), d.logp(static_cast<double>(k)));
      expect_none(static_cast<double>(k), d.logp_of(Lowerer::known(Scalar::integer(k))));
    };
    for (const std::int64_t below : {1, 1000}) expect_no_mass(d.support().low - below);
    if (d.support().finite())
      for (const std::int64_t above : {1, 1000}) expect_no_mass(d.support().high + above);
    if (d.has("cdf")) {
      if (d.probability(-kInf, static_cast<double>(d.support().low) - 1) != 0)
        complaints.push_back(d.text() + ": mass below the support");
      if (d.support().finite() && d.probability(static_cast<double>(d.support().high) + 1, kInf) != 0)
        complaints.push_back(d.text() + ": mass above the support");
    }
  } else if (d.support().kind == Support::Kind::elements) {
    for (const double x : {kNaN, kInf, 0.123456}) {
      const double got = known(x);
      if (std::isfinite(got)) complaints.push_back(fmt::format("{}: log mass {} at {}", d.text(), got, x));
    }
  }
  return complaints;
}

}  // namespace hearsay::dist_test
