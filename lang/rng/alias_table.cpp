#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "lang/rng/stream.h"

namespace hearsay::rng {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

AliasTable::AliasTable(std::span<const double> weights) : cells_(weights.size()) {
  double total = 0;
  for (const double w : weights) total += w;
  const auto n = static_cast<double>(weights.size());
  std::vector<double> share(weights.size());  // of a cell's own outcome in the cell
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    share[i] = weights[i] / total * n;
    cells_[i].alias = i;
    (share[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::size_t s = small.back();
    const std::size_t l = large.back();
    small.pop_back();
    cells_[s].alias = l;
    share[l] -= 1 - share[s];
    if (share[l] < 1) {
      large.pop_back();
      small.push_back(l);
    }
  }
  // What is left over is full but for rounding; a cell of weight 0 must still lead elsewhere.
  const auto heaviest = std::max_element(weights.begin(), weights.end());
  for (const std::size_t i : small)
    if (!(weights[i] > 0)) cells_[i].alias = static_cast<std::size_t>(std::distance(weights.begin(), heaviest));
  // A full cell needs no threshold: both of its ways lead to itself.
  for (std::size_t i = 0; i < cells_.size(); ++i)
    cells_[i].threshold = share[i] >= 1 ? std::numeric_limits<std::uint64_t>::max()
                                        : static_cast<std::uint64_t>(std::ldexp(std::max(share[i], 0.0), 64));
}

std::size_t AliasTable::at(std::uint64_t bits) const {
  const Wide product = static_cast<Wide>(bits) * cells_.size();
  const auto own = static_cast<std::size_t>(product >> 64U);
  const Cell& cell = cells_[own];
  // Without a branch: nobody could foretell it.
  const std::uint64_t keep = 0 - static_cast<std::uint64_t>(static_cast<std::uint64_t>(product) < cell.threshold);
  return static_cast<std::size_t>((own & keep) | (cell.alias & ~keep));
}

void AliasTable::fill(Stream& stream, std::int64_t first, std::span<std::int64_t> out) const {
  std::array<std::uint64_t, 1024> bits;
  for (std::size_t done = 0; done < out.size(); done += bits.size()) {
    const std::size_t n = std::min(bits.size(), out.size() - done);
    stream.fill_u64(std::span(bits.data(), n));
    for (std::size_t k = 0; k < n; ++k) out[done + k] = first + static_cast<std::int64_t>(at(bits[k]));
  }
}

}  // namespace hearsay::rng
