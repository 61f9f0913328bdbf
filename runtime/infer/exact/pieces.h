// Work cut into pieces, whatever the number of threads, so that the order of summation never changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace hearsay::exact {

/// The values of the first loops of a nest: each combination is a piece.
class Pieces {
public:
  /// As many loops as make enough pieces for all cores to be busy, and `depth` at least.
  explicit Pieces(std::span<const std::uint32_t> extents, std::size_t depth = 0);

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t depth() const { return extents_.size(); }
  /// Values [depth()] of the loops in piece `i`; pieces are in order, the last loop fastest.
  void values(std::size_t i, std::span<std::uint32_t> out) const;

private:
  std::vector<std::uint32_t> extents_;
  std::size_t count_ = 1;
};

/// Gives the numbers below `count` to threads (0: one a core). `worker` runs once in each, and calls its argument for
/// the next number until there is none.
void share_out(std::size_t count, unsigned threads,
               const std::function<void(const std::function<std::optional<std::size_t>()>& next)>& worker);

}  // namespace hearsay::exact
