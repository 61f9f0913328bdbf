#include "lang/ir/ir.h"

namespace hearsay::ir {

ExprId Rewriter::operator()(ExprId e) {
  const auto key = static_cast<std::uint32_t>(e);
  if (const auto done = memo_.find(key); done != memo_.end()) return done->second;
  Inst inst = module_.inst(e);  // a copy: the store may move while operands are rebuilt
  for (ExprId& operand : inst.operands) operand = (*this)(operand);
  const ExprId result = replace(std::move(inst));
  memo_.emplace(key, result);
  return result;
}

}  // namespace hearsay::ir
