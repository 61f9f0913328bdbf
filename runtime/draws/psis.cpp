#include "runtime/draws/psis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hearsay {
namespace {

constexpr std::size_t least_tail = 5;

std::size_t tail_length(std::size_t size, double relative_efficiency) {
  const auto n = static_cast<double>(size);
  const double length = n * relative_efficiency > 225 ? 3 * std::sqrt(n / relative_efficiency) : n / 5;
  return static_cast<std::size_t>(std::min(length, n / 5));
}

double mean_log1p(double factor, std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += std::log1p(factor * v);
  return sum / static_cast<double>(x.size());
}

/// Replaces the largest weights, which `order` lists last, by expected order statistics; the shape, if one was fitted.
std::optional<double> smooth_tail(std::vector<double>& log_weights, std::span<const std::size_t> order,
                                  std::size_t length) {
  if (length < least_tail || length >= order.size()) return std::nullopt;
  const auto tail = order.last(length);
  const double cutoff = std::exp(log_weights[order[order.size() - length - 1]]);
  std::vector<double> excess;
  for (const std::size_t i : tail) excess.push_back(std::exp(log_weights[i]) - cutoff);
  if (!(excess.front() < excess.back())) return std::nullopt;  // constant
  // Ties with the cutoff would have no logarithm.
  for (double& v : excess) v = std::max(v, std::numeric_limits<double>::epsilon() * excess.back());
  const ParetoFit fit = fit_pareto(excess);
  if (!std::isfinite(fit.shape)) return fit.shape;
  for (std::size_t j = 0; j < length; ++j) {
    const double p = (static_cast<double>(j) + 0.5) / static_cast<double>(length);
    const double log_tail = -std::log1p(-p);
    const double quantile =
        std::abs(fit.shape) < 1e-12 ? fit.scale * log_tail : fit.scale * std::expm1(fit.shape * log_tail) / fit.shape;
    log_weights[tail[j]] = std::min(0.0, std::log(cutoff + quantile));  // no larger than the largest was
  }
  return fit.shape;
}

}  // namespace

ParetoFit fit_pareto(std::span<const double> x) {
  // The profile likelihood over theta = -k/sigma on a grid that a vague prior spreads, averaged by its own weight.
  const auto n = static_cast<double>(x.size());
  const auto points = static_cast<std::size_t>(30 + std::floor(std::sqrt(n)));
  const double quartile = x[static_cast<std::size_t>(std::floor(n / 4 + 0.5)) - 1];
  std::vector<double> theta(points), likelihood(points);
  for (std::size_t j = 0; j < points; ++j) {
    const double spread = std::sqrt(static_cast<double>(points) / (static_cast<double>(j) + 0.5));
    theta[j] = 1 / x.back() + (1 - spread) / (3 * quartile);
    const double k = mean_log1p(-theta[j], x);
    likelihood[j] = n * (std::log(-theta[j] / k) - k - 1);
  }
  const double top = *std::max_element(likelihood.begin(), likelihood.end());
  double total = 0, average = 0;
  for (std::size_t j = 0; j < points; ++j) {
    const double w = std::exp(likelihood[j] - top);
    total += w;
    average += w * theta[j];
  }
  average /= total;
  const double k = mean_log1p(-average, x);
  const double shape = (n * k + 10 * 0.5) / (n + 10);
  if (!std::isfinite(k)) return {std::numeric_limits<double>::infinity(), 0};
  return {shape, -k / average};
}

double SmoothedWeights::threshold() const {
  return std::min(1 - 1 / std::log10(static_cast<double>(log_weights.size())), 0.7);
}

std::optional<SmoothedWeights> smooth_weights(std::span<const double> log_ratios, double relative_efficiency) {
  const double infinity = std::numeric_limits<double>::infinity();
  double top = -infinity;
  for (const double v : log_ratios) {
    if (std::isnan(v) || v == infinity) return std::nullopt;
    top = std::max(top, v);
  }
  if (top == -infinity || !(relative_efficiency > 0)) return std::nullopt;

  SmoothedWeights out;
  out.log_weights.assign(log_ratios.begin(), log_ratios.end());
  for (double& v : out.log_weights) v -= top;
  std::vector<std::size_t> order(log_ratios.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return log_ratios[a] != log_ratios[b] ? log_ratios[a] < log_ratios[b] : a < b;
  });
  out.shape = smooth_tail(out.log_weights, order, tail_length(order.size(), relative_efficiency));

  double sum = 0, squares = 0;
  for (const double v : out.log_weights) {
    sum += std::exp(v);
    squares += std::exp(2 * v);
  }
  out.effective = sum * sum / squares;
  for (double& v : out.log_weights) v -= std::log(sum);
  return out;
}

}  // namespace hearsay
