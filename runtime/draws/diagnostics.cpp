#include "runtime/draws/diagnostics.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "runtime/draws/autocovariance.h"

namespace hearsay {
namespace {

constexpr std::size_t least_length = 12;  // of a chain: Geyer's pairs need halves of 6

bool answerable(ChainedDraws x) {
  if (x.chains == 0 || x.length() < least_length || x.values.size() != x.chains * x.length()) return false;
  bool constant = true;
  for (const double v : x.values) {
    if (!std::isfinite(v)) return false;
    constant = constant && v == x.values[0];
  }
  return !constant;
}

/// Half chains as chains of their own.
struct Halves {
  std::vector<double> values;
  std::size_t chains = 0;

  [[nodiscard]] std::size_t length() const { return values.size() / chains; }
  [[nodiscard]] std::span<const double> chain(std::size_t c) const {
    return std::span(values).subspan(c * length(), length());
  }
};

template <class Transform>
Halves split(ChainedDraws x, Transform&& transform) {
  const std::size_t n = x.length();
  const std::size_t half = n / 2;
  Halves out;
  out.chains = 2 * x.chains;
  out.values.reserve(out.chains * half);
  for (std::size_t c = 0; c < x.chains; ++c)
    for (const std::size_t begin : {std::size_t{0}, n - half})
      for (const double v : x.chain(c).subspan(begin, half)) out.values.push_back(transform(v));
  return out;
}

Halves split(ChainedDraws x) {
  return split(x, [](double v) { return v; });
}

/// Normal quantiles of ranks out of `total`, at twice the rank, since ranks of equal values are averaged:
/// (r - 3/8)/(total + 1/4), Blom 1958. Kept for the next quantity, which has as many draws: they took most of the time.
const std::vector<double>& rank_scores(std::size_t total) {
  thread_local std::vector<double> scores;
  if (scores.size() == 2 * total + 1) return scores;
  namespace policies = boost::math::policies;
  const boost::math::normal_distribution<double, policies::policy<policies::promote_double<false>>> normal;
  scores.assign(2 * total + 1, 0.0);
  for (std::size_t twice = 2; twice <= 2 * total; ++twice)
    scores[twice] = quantile(normal, (static_cast<double>(twice) / 2 - 0.375) / (static_cast<double>(total) + 0.25));
  return scores;
}

/// Ranks from 1, those of equal values averaged, as normal quantiles.
void rank_normalise(std::vector<double>& x) {
  const std::vector<double>& scores = rank_scores(x.size());
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> z(x.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    const double score = scores[begin + 1 + end];
    for (; begin < end; ++begin) z[order[begin]] = score;
  }
  x = std::move(z);
}

double mean_of(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

double variance_of(std::span<const double> x) {  // denominator n - 1
  const double m = mean_of(x);
  double sum = 0;
  for (const double v : x) sum += (v - m) * (v - m);
  return sum / static_cast<double>(x.size() - 1);
}

double split_rhat(const Halves& x) {
  std::vector<double> means, variances;
  for (std::size_t c = 0; c < x.chains; ++c) {
    means.push_back(mean_of(x.chain(c)));
    variances.push_back(variance_of(x.chain(c)));
  }
  const auto n = static_cast<double>(x.length());
  const double within = mean_of(variances);
  const double between = n * variance_of(means);
  if (within == 0) return between == 0 ? 1 : std::numeric_limits<double>::infinity();
  return std::sqrt((between / within + n - 1) / n);
}

/// The autocorrelations at one lag after the other, from all chains together: what they share within and between them.
class Correlation {
public:
  explicit Correlation(const Halves& x) : sum_(x.length(), 0.0), chains_(static_cast<double>(x.chains)) {
    std::vector<double> means;
    for (std::size_t c = 0; c < x.chains; ++c) {
      means.push_back(mean_of(x.chain(c)));
      const std::vector<double> covariance = autocovariance(x.chain(c));
      for (std::size_t t = 0; t < sum_.size(); ++t) sum_[t] += covariance[t];
    }
    const auto n = static_cast<double>(x.length());
    within_ = sum_[0] / chains_ * n / (n - 1);
    total_ = within_ * (n - 1) / n + (x.chains > 1 ? variance_of(means) : 0);
  }
  [[nodiscard]] double at(std::size_t lag) const { return 1 - (within_ - sum_[lag] / chains_) / total_; }

private:
  std::vector<double> sum_;
  double chains_;
  double within_ = 0, total_ = 0;
};

/// Geyer's initial monotone sequence (1992): autocorrelations are summed in pairs, whose expectations fall and stay
/// positive, up to the first pair that is not; each pair counts no more than the one before it.
std::optional<double> effective_size(const Halves& x) {
  bool constant = true;
  for (const double v : x.values) constant = constant && v == x.values[0];
  if (constant) return std::nullopt;
  const std::size_t n = x.length();
  const Correlation correlation(x);
  double even = 1;
  double odd = correlation.at(1);
  double pairs = 0;  // the sum of those that count
  double cap = std::numeric_limits<double>::infinity();
  std::size_t t = 0;
  while (t + 5 < n && even + odd > 0) {
    cap = std::min(cap, even + odd);
    pairs += cap;
    t += 2;
    even = correlation.at(t);
    odd = correlation.at(t + 1);
  }
  // The even half of the pair at which the sum stopped, if positive: less variance where draws repel each other.
  const double last = std::max(0.0, even);
  const auto total = static_cast<double>(x.values.size());
  const double time = std::max(-1 + 2 * pairs + last, 1 / std::log10(total));
  return total / time;
}

double median(std::span<const double> x) {
  const double half = 0.5;
  return (*quantiles(x, std::span(&half, 1)))[0].value;
}

}  // namespace

std::optional<double> rhat(ChainedDraws x) {
  if (!answerable(x)) return std::nullopt;
  Halves bulk = split(x);
  rank_normalise(bulk.values);
  const double middle = median(x.values);
  Halves folded = split(x, [&](double v) { return std::abs(v - middle); });
  rank_normalise(folded.values);
  return std::max(split_rhat(bulk), split_rhat(folded));
}

std::optional<double> ess_bulk(ChainedDraws x) {
  if (!answerable(x)) return std::nullopt;
  Halves ranks = split(x);
  rank_normalise(ranks.values);
  return effective_size(ranks);
}

std::optional<double> ess_tail(ChainedDraws x) {
  const auto low = ess_quantile(x, 0.05);
  const auto high = ess_quantile(x, 0.95);
  if (!low || !high) return std::nullopt;
  return std::min(*low, *high);
}

std::optional<double> ess_mean(ChainedDraws x) {
  if (!answerable(x)) return std::nullopt;
  return effective_size(split(x));
}

std::optional<double> ess_sd(ChainedDraws x) {
  if (!answerable(x)) return std::nullopt;
  const double centre = mean(x.values)->value;
  return effective_size(split(x, [&](double v) { return std::abs(v - centre); }));
}

std::optional<double> ess_quantile(ChainedDraws x, double probability) {
  if (!answerable(x) || !(probability >= 0 && probability <= 1)) return std::nullopt;
  const auto total = static_cast<double>(x.values.size());
  // Every draw is at or below the largest: the quantile of 1 is asked for half a draw below it.
  if (probability == 1) probability = (total - 0.5) / total;
  const double q = (*quantiles(x.values, std::span(&probability, 1)))[0].value;
  return effective_size(split(x, [&](double v) { return v <= q ? 1.0 : 0.0; }));
}

std::optional<MonteCarloEstimate> mean(ChainedDraws x) {
  const auto value = mean(x.values);
  if (!value || value->mcse == 0) return value;
  const auto effective = ess_mean(x);
  if (!effective) return std::nullopt;
  return mean(x.values, effective);
}

std::optional<MonteCarloEstimate> standard_deviation(ChainedDraws x) {
  const auto centre = mean(x.values);
  if (!centre || centre->mcse == 0) return standard_deviation(x.values);
  std::vector<double> squares;
  squares.reserve(x.values.size());
  for (const double v : x.values) squares.push_back((v - centre->value) * (v - centre->value));
  auto effective = ess_mean({squares, x.chains});
  // Of two equally frequent values all squares are equal, and the error is 0 to first order whatever the number.
  if (!effective) effective = ess_mean(x);
  if (!effective) return std::nullopt;
  return standard_deviation(x.values, effective);
}

std::optional<std::vector<MonteCarloEstimate>> quantiles(ChainedDraws x, std::span<const double> probabilities) {
  std::vector<MonteCarloEstimate> out;
  for (const double& p : probabilities) {
    const auto effective = ess_quantile(x, p);
    const auto q = quantiles(x.values, std::span(&p, 1), effective);
    if (!q) return std::nullopt;
    // A constant needs no effective number; anything else that has none has no error either.
    if (!effective && (*q)[0].mcse != 0) return std::nullopt;
    out.push_back((*q)[0]);
  }
  return out;
}

std::optional<double> energy_fraction(std::span<const double> energies) {
  if (energies.size() < 3) return std::nullopt;
  const auto centre = mean(energies);
  if (!centre) return std::nullopt;
  double steps = 0, spread = 0;
  for (std::size_t i = 0; i < energies.size(); ++i) {
    const double d = energies[i] - centre->value;
    spread += d * d;
    if (i > 0) steps += (energies[i] - energies[i - 1]) * (energies[i] - energies[i - 1]);
  }
  if (!(spread > 0) || !std::isfinite(spread) || !std::isfinite(steps)) return std::nullopt;
  return steps / spread;
}

}  // namespace hearsay
