#include <algorithm>
#include <iterator>

#include "lang/rng/stream.h"

namespace hearsay::rng {

AliasTable::AliasTable(std::span<const double> weights) : threshold_(weights.size()), alias_(weights.size()) {
  double total = 0;
  for (const double w : weights) total += w;
  const auto n = static_cast<double>(weights.size());
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    threshold_[i] = weights[i] / total * n;
    alias_[i] = i;
    (threshold_[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::size_t s = small.back();
    const std::size_t l = large.back();
    small.pop_back();
    alias_[s] = l;
    threshold_[l] -= 1 - threshold_[s];
    if (threshold_[l] < 1) {
      large.pop_back();
      small.push_back(l);
    }
  }
  // What is left over is full but for rounding; a cell of weight 0 must still lead elsewhere.
  for (const std::size_t i : large) threshold_[i] = 1;
  const auto heaviest = std::max_element(weights.begin(), weights.end());
  for (const std::size_t i : small) {
    if (weights[i] > 0) {
      threshold_[i] = 1;
    } else {
      alias_[i] = static_cast<std::size_t>(std::distance(weights.begin(), heaviest));
    }
  }
}

std::size_t AliasTable::draw(Stream& stream) const {
  const double u = stream.uniform() * static_cast<double>(threshold_.size());
  const auto cell = std::min(static_cast<std::size_t>(u), threshold_.size() - 1);
  return stream.uniform() < threshold_[cell] ? cell : alias_[cell];
}

}  // namespace hearsay::rng
