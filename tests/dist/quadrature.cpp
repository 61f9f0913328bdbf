#include "tests/dist/quadrature.h"

#include <algorithm>
#include <boost/math/quadrature/exp_sinh.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>

namespace hearsay::dist_test {
namespace {

using Rule = boost::math::quadrature::gauss_kronrod<double, 31>;
constexpr unsigned depth = 10;
constexpr double tolerance = 1e-10;

std::uint64_t seed_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

std::vector<double> draws(Distribution& d, std::uint64_t stream, int n) {
  rng::Stream random(seed_of(d.text()), stream, 0, 0);
  std::vector<double> r;
  for (int i = 0; i < n; ++i) r.push_back(d.draw(random).as_real());
  return r;
}

std::vector<double> cuts(Distribution& d, std::size_t n) {
  std::vector<double> sample = draws(d, 1, 600);
  std::sort(sample.begin(), sample.end());
  std::vector<double> r;
  for (std::size_t i = 0; i < n; ++i) r.push_back(sample[i * (sample.size() - 1) / (n - 1)]);
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

double tail_integral(Distribution& d, double from, bool upper) {
  const double end = upper ? d.support().real_high : d.support().real_low;
  const double sign = upper ? 1 : -1;
  boost::math::quadrature::exp_sinh<double> half_line;
  if (std::isinf(end)) return half_line.integrate([&](double t) { return std::exp(d.logp(from + sign * t)); }, 1e-12);
  const double distance = std::abs(end - from);
  if (distance == 0) return 0;
  // In logarithms of the distance from the end, so that a singularity there does no harm.
  const auto density = [&](double t) {
    const double x = end - sign * distance * std::exp(-t);
    return x == end ? 0.0 : std::exp(d.logp(x)) * distance * std::exp(-t);
  };
  // Piece by piece at first: on a circle the density may rise again.
  constexpr int pieces = 8;
  double sum = half_line.integrate([&](double t) { return density(pieces + t); }, 1e-12);
  for (int i = 0; i < pieces; ++i) sum += Rule::integrate(density, i, i + 1, depth, tolerance);
  return sum;
}

double integral(Distribution& d, double low, double high, double middle) {
  const auto density = [&](double x) { return std::exp(d.logp(x)); };
  // In logarithms of the distance from an end of the support, or from the middle of an infinite one, where that varies
  // a lot.
  const double start = std::isfinite(d.support().real_low) ? d.support().real_low : middle;
  const double end = std::isfinite(d.support().real_high) ? d.support().real_high : middle;
  if (low > start && high - start > 4 * (low - start)) {
    return Rule::integrate([&](double t) { return density(start + std::exp(t)) * std::exp(t); }, std::log(low - start),
                           std::log(high - start), depth, tolerance);
  }
  if (high < end && end - low > 4 * (end - high)) {
    return Rule::integrate([&](double t) { return density(end - std::exp(t)) * std::exp(t); }, std::log(end - high),
                           std::log(end - low), depth, tolerance);
  }
  return Rule::integrate(density, low, high, depth, tolerance);
}

}  // namespace hearsay::dist_test
