#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "lang/ir/substitute.h"

namespace hearsay::ir {
namespace {

template <class Id>
void merge(std::vector<Id>& into, const std::vector<Id>& from) {
  if (from.empty() || into == from) return;
  std::vector<Id> both;
  both.reserve(into.size() + from.size());
  std::ranges::set_union(into, from, std::back_inserter(both));
  into = std::move(both);
}

void merge(Dependence& into, const Dependence& from) {
  merge(into.finite, from.finite);
  merge(into.continuous, from.continuous);
  merge(into.free_indices, from.free_indices);
}

void sort_unique(std::vector<LatentId>& ids) {
  std::ranges::sort(ids);
  const auto rest = std::ranges::unique(ids);
  ids.erase(rest.begin(), rest.end());
}

// Everything that can be reached from an expression, lets included. Each expression and each let is visited once, so a
// scan that reads itself needs no care.
class Reach {
public:
  explicit Reach(const Module& module) : module_(module) {}

  void visit(ExprId e) {
    if (!exprs_.insert(static_cast<std::uint32_t>(e)).second) return;
    const Inst& inst = module_.inst(e);
    if (inst.code == Opcode::latent) {
      (module_.latents[inst.payload].finite ? found.finite : found.continuous).push_back(LatentId{inst.payload});
    } else if (inst.code == Opcode::let && lets_.insert(inst.payload).second) {
      visit(module_.lets[inst.payload].body);
    }
    for (const ExprId operand : inst.operands) visit(operand);
  }

  Dependence found;

private:
  const Module& module_;
  std::unordered_set<std::uint32_t> exprs_;
  std::unordered_set<std::uint32_t> lets_;
};

}  // namespace

const Dependence& DependenceMap::of(LetId let) {
  const auto key = static_cast<std::uint32_t>(let);
  if (const auto done = lets_.find(key); done != lets_.end()) return done->second;
  Reach reach(module_);
  reach.visit(module_.lets[key].body);
  sort_unique(reach.found.finite);
  sort_unique(reach.found.continuous);
  return lets_.emplace(key, std::move(reach.found)).first->second;
}

const Dependence& DependenceMap::operator()(ExprId e) {
  const auto key = static_cast<std::uint32_t>(e);
  if (const auto done = exprs_.find(key); done != exprs_.end()) return done->second;
  const Inst& inst = module_.inst(e);
  Dependence all;
  for (const ExprId operand : inst.operands) merge(all, (*this)(operand));
  switch (inst.code) {
    case Opcode::index:
      all.free_indices.push_back(IndexId{inst.payload});
      break;
    case Opcode::latent: {
      auto& kind = module_.latents[inst.payload].finite ? all.finite : all.continuous;
      merge(kind, std::vector{LatentId{inst.payload}});
      break;
    }
    case Opcode::let:
      merge(all, of(LetId{inst.payload}));
      break;
    case Opcode::reduce:
      std::erase(all.free_indices, IndexId{inst.payload});
      break;
    default:
      break;
  }
  return exprs_.emplace(key, std::move(all)).first->second;
}

Dependence dependence(const Module& module, ExprId e) { return DependenceMap(module)(e); }

}  // namespace hearsay::ir
