#include "runtime/draws/summary.h"

#include <algorithm>
#include <boost/math/policies/policy.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <cstddef>

namespace hearsay {
namespace {

bool all_finite(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
}

/// Central moments of x / scale, where scale = max |x|: so neither sums nor fourth powers overflow.
struct Moments {
  double scale = 0;
  double mean = 0;
  double second = 0;  // sum of squares, divided by n - 1
  double fourth = 0;  // sum of fourth powers, divided by n
};

Moments moments(std::span<const double> x) {
  Moments m;
  for (const double v : x) m.scale = std::max(m.scale, std::abs(v));
  if (m.scale == 0) return m;
  const auto n = static_cast<double>(x.size());
  for (const double v : x) m.mean += v / m.scale;
  m.mean /= n;
  double rest = 0;  // what rounding left of the sum: a second pass makes the mean accurate to its last bits
  for (const double v : x) rest += v / m.scale - m.mean;
  m.mean += rest / n;
  for (const double v : x) {
    const double d = v / m.scale - m.mean;
    m.second += d * d;
    m.fourth += d * d * d * d;
  }
  m.second /= n - 1;
  m.fourth /= n;
  return m;
}

std::optional<MonteCarloEstimate> representable(double value, double mcse) {
  if (!std::isfinite(value) || !std::isfinite(mcse)) return std::nullopt;
  return MonteCarloEstimate{value, mcse};
}

double type7(const std::vector<double>& sorted, double p) {
  const double position = static_cast<double>(sorted.size() - 1) * p;
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

std::optional<MonteCarloEstimate> mean(std::span<const double> draws, std::optional<double> effective) {
  if (draws.size() < 2 || !all_finite(draws)) return std::nullopt;
  const Moments m = moments(draws);
  const double size = effective.value_or(static_cast<double>(draws.size()));
  return representable(m.scale * m.mean, m.scale * std::sqrt(m.second / size));
}

std::optional<MonteCarloEstimate> standard_deviation(std::span<const double> draws, std::optional<double> effective) {
  if (draws.size() < 4 || !all_finite(draws)) return std::nullopt;
  const Moments m = moments(draws);
  const double sd = std::sqrt(m.second);
  if (sd == 0) return MonteCarloEstimate{0, 0};
  const auto n = static_cast<double>(draws.size());
  const double subtract = effective ? (n - 1) * (n - 1) / (n * n) : (n - 3) / (n - 1);
  const double variance_of_variance = std::max(0.0, m.fourth - m.second * m.second * subtract) / effective.value_or(n);
  return representable(m.scale * sd, m.scale * std::sqrt(variance_of_variance) / (2 * sd));
}

std::optional<std::vector<MonteCarloEstimate>> quantiles(std::span<const double> draws,
                                                         std::span<const double> probabilities,
                                                         std::optional<double> effective) {
  if (draws.size() < 2 || !all_finite(draws)) return std::nullopt;
  namespace policies = boost::math::policies;
  using Policy =
      policies::policy<policies::domain_error<policies::errno_on_error>,
                       policies::overflow_error<policies::errno_on_error>,
                       policies::evaluation_error<policies::errno_on_error>, policies::promote_double<false>>;
  constexpr double lower_tail = 0.15865525393145705;  // of the standard normal below -1
  std::vector<double> sorted(draws.begin(), draws.end());
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  const double size = effective.value_or(n);
  // Order statistics, counted from 1 as in the paper; the range is rounded outwards.
  const auto ranked = [&](double rank) { return sorted[static_cast<std::size_t>(std::clamp(rank, 1.0, n)) - 1]; };
  std::vector<MonteCarloEstimate> out;
  out.reserve(probabilities.size());
  for (const double p : probabilities) {
    if (!(p >= 0 && p <= 1)) return std::nullopt;
    const double a = size * p + 1;
    const double b = size * (1 - p) + 1;
    const double low = ranked(std::floor(n * boost::math::ibeta_inv(a, b, lower_tail, Policy())));
    const double high = ranked(std::ceil(n * boost::math::ibeta_inv(a, b, 1 - lower_tail, Policy())));
    out.push_back({type7(sorted, p), high / 2 - low / 2});
  }
  return out;
}

}  // namespace hearsay
