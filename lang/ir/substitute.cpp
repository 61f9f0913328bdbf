#include "lang/ir/substitute.h"

#include <algorithm>
#include <utility>

namespace hearsay::ir {
namespace {

using Replacement = std::unordered_map<std::uint32_t, ExprId>;

class Substituter {
public:
  Substituter(Module& module, Replacement replacement) : module_(module), replacement_(std::move(replacement)) {
    DependenceMap reads(module_);
    for (const auto& [index, value] : replacement_) {
      const auto& free = reads(value).free_indices;
      introduced_.insert(introduced_.end(), free.begin(), free.end());
    }
  }

  ExprId operator()(ExprId e) {
    const auto key = static_cast<std::uint32_t>(e);
    if (const auto done = memo_.find(key); done != memo_.end()) return done->second;
    Inst inst = module_.inst(e);  // a copy: the store may move while operands are rebuilt
    ExprId result = e;
    if (inst.code == Opcode::index) {
      if (const auto found = replacement_.find(inst.payload); found != replacement_.end()) result = found->second;
    } else if (inst.code == Opcode::reduce && clashes(inst)) {
      result = rebind(std::move(inst));
    } else {
      for (ExprId& operand : inst.operands) operand = (*this)(operand);
      result = module_.intern(std::move(inst));
    }
    memo_.emplace(key, result);
    return result;
  }

private:
  // The reduction's own index is among those to replace, or occurs in what is put in.
  [[nodiscard]] bool clashes(const Inst& reduce) const {
    return replacement_.contains(reduce.payload) || std::ranges::count(introduced_, IndexId{reduce.payload}) > 0;
  }

  ExprId rebind(Inst reduce) {
    Replacement inner = replacement_;
    inner.erase(reduce.payload);
    const auto free = dependence(module_, reduce.operands[0]).free_indices;
    const bool touched =
        std::ranges::any_of(free, [&inner](IndexId i) { return inner.contains(static_cast<std::uint32_t>(i)); });
    if (!touched) return module_.intern(std::move(reduce));
    const IndexVar old = module_.indices[reduce.payload];
    const IndexId fresh = module_.add_index(old.name, old.low, old.high);
    inner.emplace(reduce.payload, module_.index_value(fresh));
    reduce.operands[0] = Substituter(module_, std::move(inner))(reduce.operands[0]);
    reduce.payload = static_cast<std::uint32_t>(fresh);
    return module_.intern(std::move(reduce));
  }

  Module& module_;
  Replacement replacement_;
  std::vector<IndexId> introduced_;
  std::unordered_map<std::uint32_t, ExprId> memo_;
};

}  // namespace

ExprId substitute(Module& module, ExprId e, const std::unordered_map<std::uint32_t, ExprId>& replacement) {
  if (replacement.empty()) return e;
  return Substituter(module, replacement)(e);
}

}  // namespace hearsay::ir
