// Rows of data that are equal wherever a sum looks at them: such a sum needs each kind once, with its count.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "lang/evidence/soft_sum.h"
#include "lang/ir/ir.h"

namespace hearsay::pass {

/// One number per value of the plate index: reals as they are, integers in `codes`.
struct Column {
  ir::ExprId expr{};
  ScalarType type{};
  std::shared_ptr<const std::vector<double>> reals;
  std::shared_ptr<const std::vector<std::int64_t>> codes;
  std::size_t offset = 0;  ///< position of the first row
};

class RowGroups {
public:
  /// The groups of `rows` rows that agree in all columns; nothing when there are too many for any gain.
  [[nodiscard]] static std::optional<RowGroups> make(std::span<const Column> columns, std::size_t rows);

  /// A row of each group.
  [[nodiscard]] const std::vector<std::uint32_t>& representatives() const { return representatives_; }
  [[nodiscard]] std::vector<double> counts() const;

  /// What the claims of a group add up to: `repeated` when all have one strength, else the sum.
  struct Claims {
    evidence::SoftSum sum;
    std::optional<evidence::SoftSum::Repeated> repeated;
  };
  /// By group, for one strength a row (nats); nothing if one is not finite.
  [[nodiscard]] std::optional<std::vector<Claims>> claims(std::span<const double> strengths) const;

private:
  RowGroups() = default;
  bool by_code(const Column& column, std::size_t rows);
  bool refine(const Column& column);
  std::uint64_t wide(std::uint64_t bits) { return wide_.try_emplace(bits, wide_.size()).first->second; }

  std::vector<std::uint32_t> representatives_;
  std::vector<std::uint32_t> group_of_;  ///< by row; empty when codes_ says it
  // One column of few different codes: the code says which group a row belongs to.
  std::span<const std::int64_t> codes_;
  std::int64_t lowest_ = 0;
  std::vector<std::uint64_t> code_counts_;  ///< of lowest_, lowest_ + 1, …; codes that never come are in no group
  std::unordered_map<std::uint64_t, std::uint64_t> wide_;
};

}  // namespace hearsay::pass
