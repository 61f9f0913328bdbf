// Replacing index variables by expressions, and asking what an expression depends on.
#pragma once

#include <unordered_map>
#include <vector>

#include "lang/ir/ir.h"

namespace hearsay::ir {

/// `e` with every free occurrence of the given indices (by raw IndexId) replaced. Never captures: where a replacement
/// reads an index that a reduction inside `e` binds, that reduction gets a fresh index.
[[nodiscard]] ExprId substitute(Module& module, ExprId e, const std::unordered_map<std::uint32_t, ExprId>& replacement);

/// What an expression reads, through lets as well.
struct Dependence {
  std::vector<LatentId> finite;  ///< sorted, unique
  std::vector<LatentId> continuous;
  std::vector<IndexId> free_indices;
  [[nodiscard]] bool on_latents() const { return !finite.empty() || !continuous.empty(); }
};
[[nodiscard]] Dependence dependence(const Module& module, ExprId e);

/// `dependence` for many expressions of one module: answers are kept. Expressions and lets may be added to the module
/// between two calls; a let whose body is changed afterwards needs a new object.
class DependenceMap {
public:
  explicit DependenceMap(const Module& module) : module_(module) {}
  const Dependence& operator()(ExprId e);
  /// What any element of the let reads; its binders are not free.
  const Dependence& of(LetId let);

private:
  const Module& module_;
  std::unordered_map<std::uint32_t, Dependence> exprs_;
  std::unordered_map<std::uint32_t, Dependence> lets_;
};

}  // namespace hearsay::ir
