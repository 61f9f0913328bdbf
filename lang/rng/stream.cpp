#include "lang/rng/stream.h"

#include <algorithm>
#include <cmath>

namespace hearsay::rng {

Stream::Stream(std::uint64_t seed, std::uint64_t chain, std::uint64_t iteration, std::uint64_t site)
    : key_{seed, chain}, counter_{0, iteration, site, 0} {}

std::uint64_t Stream::next_u64() {
  if (used_ == block_.size()) {
    block_ = philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

void Stream::fill_u64(std::span<std::uint64_t> out) {
  std::size_t done = 0;
  while (done < out.size() && used_ != block_.size()) out[done++] = block_[used_++];
  const std::size_t whole = (out.size() - done) / block_.size() * block_.size();
  philox_run(counter_, key_, out.subspan(done, whole));
  counter_[0] += whole / block_.size();
  for (done += whole; done < out.size(); ++done) out[done] = next_u64();
}

double Stream::uniform() {
  // k + ½ needs 54 bits when k ≥ 2^52; for the last k it rounds to 2^53, which would be 1.
  const std::uint64_t k = next_u64() >> 11U;
  return std::min((static_cast<double>(k) + 0.5) * 0x1p-53, 1 - 0x1p-53);
}

double Stream::exponential() { return -std::log(uniform()); }

double Stream::gamma(double shape) {
  if (shape < 1) return std::exp(log_gamma(shape));
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Stream::log_gamma(double shape) {
  if (shape >= 1) return std::log(gamma(shape));
  const double above = std::log(gamma(shape + 1));
  return above + std::log(uniform()) / shape;
}

double Stream::beta(double a, double b) {
  const double x = log_gamma(a);
  const double y = log_gamma(b);
  if (std::isinf(x) && std::isinf(y)) return uniform() * (a + b) < a ? 1 : 0;  // shapes so small that both vanish
  return 1 / (1 + std::exp(y - x));
}

std::size_t Stream::categorical(std::span<const double> weights) {
  double total = 0;
  for (const double w : weights) total += w;
  double left = uniform() * total;
  std::size_t last = 0;  // the last possible one: rounding may leave a little at the end
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    last = i;
    left -= weights[i];
    if (left < 0) return i;
  }
  return last;
}

void Stream::fill_uniform(std::span<double> out) {
  for (double& x : out) x = uniform();
}

void Stream::fill_normal(std::span<double> out) {
  for (double& x : out) x = normal();
}

}  // namespace hearsay::rng
