#include "runtime/infer/exact/pieces.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace hearsay::exact {

namespace {

constexpr std::size_t kPieces = 64;

}  // namespace

Pieces::Pieces(std::span<const std::uint32_t> extents, std::size_t depth) {
  while (extents_.size() < extents.size() && (extents_.size() < depth || count_ < kPieces)) {
    count_ *= extents[extents_.size()];
    extents_.push_back(extents[extents_.size()]);
  }
}

void Pieces::values(std::size_t i, std::span<std::uint32_t> out) const {
  for (std::size_t d = extents_.size(); d-- > 0;) {
    out[d] = static_cast<std::uint32_t>(i % extents_[d]);
    i /= extents_[d];
  }
}

void share_out(std::size_t count, unsigned threads,
               const std::function<void(const std::function<std::optional<std::size_t>()>& next)>& worker) {
  std::atomic<std::size_t> given{0};
  const std::function<std::optional<std::size_t>()> next = [&]() -> std::optional<std::size_t> {
    const std::size_t i = given++;
    return i < count ? std::optional(i) : std::nullopt;
  };
  const unsigned cores = std::max(1U, threads != 0 ? threads : std::thread::hardware_concurrency());
  const std::size_t wanted = std::min<std::size_t>(cores, count);
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < wanted; ++t) {
    try {
      others.emplace_back([&] { worker(next); });
    } catch (const std::system_error&) {
      break;  // no more threads to be had: the ones there are do all the work
    }
  }
  worker(next);
  for (auto& t : others) t.join();
}

}  // namespace hearsay::exact
