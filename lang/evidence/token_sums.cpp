// Labels are sorted by token into small stages as they stream by; a full stage goes into its token's sum.
#include <algorithm>

#include "lang/evidence/soft_sum.h"

namespace hearsay::evidence {
namespace {

constexpr std::size_t stage_size = 256;
constexpr std::size_t chunk_size = 4096;  // labels that are looked over together: 64 KiB of them and their strengths

}  // namespace

void TokenSums::Bag::take(std::span<const double> strengths) {
  if (strengths.empty()) return;
  if (sum.count() == 0) strength = strengths[0];
  one_strength =
      one_strength && std::all_of(strengths.begin(), strengths.end(), [&](double s) { return s == strength; });
  sum.add_finite(strengths);
}

std::optional<SoftSum::Repeated> TokenSums::repeated(std::size_t token) const {
  const Bag& bag = bags_[token];
  if (bag.sum.count() == 0 || !bag.one_strength) return std::nullopt;
  return SoftSum::Repeated{bag.strength, static_cast<double>(bag.sum.count())};
}

template <class Code>
bool TokenSums::add_codes(std::span<const Code> codes, Code lowest, std::span<const double> strengths) {
  if (codes.size() != strengths.size()) return false;
  std::vector<Bag> bags = bags_;  // all or nothing
  std::vector<double> stage(bags.size() * stage_size);
  std::vector<std::size_t> waiting(bags.size(), 0);
  for (std::size_t done = 0; done < codes.size(); done += chunk_size) {
    const std::span<const Code> some = codes.subspan(done, std::min(chunk_size, codes.size() - done));
    const std::span<const double> nats = strengths.subspan(done, some.size());
    if (!SoftSum::all_finite(nats)) return false;
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::size_t token = static_cast<std::size_t>(some[i]) - static_cast<std::size_t>(lowest);
      if (token >= waiting.size()) return false;
      std::size_t& n = waiting[token];
      stage[token * stage_size + n] = nats[i];
      if (++n == stage_size) {
        bags[token].take({&stage[token * stage_size], stage_size});
        n = 0;
      }
    }
  }
  for (std::size_t token = 0; token < bags.size(); ++token) {
    bags[token].take({stage.data() + token * stage_size, waiting[token]});
    bags[token].sum.expand();
  }
  bags_ = std::move(bags);
  return true;
}

bool TokenSums::add(std::span<const std::uint32_t> codes, std::span<const double> strengths) {
  return add_codes<std::uint32_t>(codes, 0, strengths);
}

bool TokenSums::add(std::span<const std::int64_t> codes, std::int64_t lowest, std::span<const double> strengths) {
  return add_codes<std::int64_t>(codes, lowest, strengths);
}

double TokenSums::value(std::span<const double> p) const noexcept {
  double sum = 0;
  for (std::size_t v = 0; v < bags_.size(); ++v) sum += bags_[v].sum.value(p[v]);
  return sum;
}

double TokenSums::error_bound() const noexcept {
  double sum = 0;
  for (const Bag& b : bags_) sum += b.sum.error_bound();
  return sum;
}

double TokenSums::charge() const noexcept {
  double sum = 0;
  for (const Bag& b : bags_) sum += b.sum.charge();
  return sum;
}

}  // namespace hearsay::evidence
