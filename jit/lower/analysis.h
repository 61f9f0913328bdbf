// What lowering needs to know about expressions before it writes code: which lets are needed and in what order, what
// depends on finite latents, in what range an integer lies, and whether evaluating an expression may go outside an
// array.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/ir/gradient.h"
#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"

namespace hearsay::jit {

/// All values that an integer expression can take (for reals and unknowns: everything).
struct Interval {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  [[nodiscard]] bool within(std::int64_t a, std::int64_t b) const { return a <= low && high <= b; }
};

struct Facts {
  Interval range;
  bool finite = false;      ///< reads a finite latent, through lets as well
  bool unguarded = false;   ///< may read outside an array, and no `select` or `pick` stands before the read
  bool checked = false;     ///< some read in it needs a run-time check
  bool heavy = false;       ///< contains a loop, a scalar kernel call or a let that is not in memory: worth a branch
  std::uint32_t depth = 0;  ///< nesting of operands
};

class Analysis {
public:
  /// Looks at everything that the terms of `grounding` and their derivatives (null: none) read.
  Analysis(const ir::Module& module, const ir::Grounding& grounding, const ir::Gradient* gradient = nullptr);

  [[nodiscard]] const Facts& facts(ir::ExprId e) const { return facts_.at(static_cast<std::uint32_t>(e)); }
  /// Lets that are read, each after those it reads.
  [[nodiscard]] const std::vector<ir::LetId>& lets() const { return lets_; }
  /// Computed once for given continuous values and kept in memory (else: computed where it is read).
  [[nodiscard]] bool in_memory(ir::LetId let) const;
  /// Terms with finite latents, in order of their first ground factor.
  [[nodiscard]] const std::vector<ir::TermId>& open_terms() const { return open_terms_; }
  /// Number of expressions reached.
  [[nodiscard]] std::size_t size() const { return facts_.size(); }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }

  /// A text that is equal for two models exactly when their generated code is the same: structure and constants, but of
  /// data only shapes and the range of integers.
  [[nodiscard]] std::string source() const;

private:
  void visit(ir::ExprId root);
  void visit(const ir::AdjointBlock& block);
  [[nodiscard]] Facts examine(const ir::Inst& inst) const;
  [[nodiscard]] Interval range(const ir::Inst& inst) const;
  [[nodiscard]] bool reads_inside(const ir::Inst& inst) const;
  [[nodiscard]] const Facts* known(ir::ExprId e) const;

  const ir::Module& module_;
  const ir::Grounding& grounding_;
  const ir::Gradient* gradient_;
  std::vector<ir::TermId> open_terms_;
  std::vector<ir::LetId> lets_;
  std::vector<ir::ExprId> order_;  // every expression after its operands
  std::vector<Interval> data_range_;
  std::unordered_map<std::uint32_t, Facts> facts_;
  std::uint32_t depth_ = 0;
};

/// The value range of each dimension of what `inst` (data, latent or let) reads: index must lie in [low, high].
struct Bounds {
  std::int64_t low = 1, high = 0;
};
[[nodiscard]] std::vector<Bounds> bounds(const ir::Module& module, const ir::Inst& inst);

}  // namespace hearsay::jit
