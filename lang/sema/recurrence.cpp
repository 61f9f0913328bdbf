// Arrays by one expression for all elements, also where these may read earlier ones: scans of the IR.
#include <algorithm>
#include <unordered_map>

#include "lang/ir/substitute.h"
#include "lang/sema/lowerer.h"

namespace hearsay {

using ir::ExprId;

/// The elements at `own`, all of which start at 1, in row-major order. Indices of loops around it that `body` reads
/// become dimensions of its own in front: one array for each round.
Sym Lowerer::recurrence(const std::string& name, const std::vector<ir::IndexId>& own, ScalarType type,
                        const RecurrenceBody& body) {
  const auto typed = [&](ExprId e) { return type == ScalarType::real ? module_->to_real(e) : e; };
  const auto zero = [&] {
    return type == ScalarType::real      ? module_->real(0)
           : type == ScalarType::boolean ? module_->boolean(false)
                                         : module_->integer(1);
  };
  Sym r;
  r.type = type;
  std::vector<ExprId> at;
  for (const ir::IndexId i : own) {
    r.shape.push_back(module_->index(i).extent());
    at.push_back(module_->index_value(i));
  }
  // A first look, with a stand-in for the array itself, finds the loops.
  const ExprId look = body(at, [&](std::span<const ExprId>) { return zero(); });
  std::vector<ExprId> round, copy;  // where the present round stands, and the same counted from 1 by binders
  std::unordered_map<std::uint32_t, ExprId> to_copy;
  ir::Let let;
  let.name = name;
  let.scan = true;
  for (const ir::IndexId i : ir::dependence(*module_, look).free_indices) {
    if (std::find(own.begin(), own.end(), i) != own.end()) continue;
    const ir::IndexVar outer = module_->index(i);
    let.binders.push_back(module_->add_index(outer.name, 1, outer.extent()));
    copy.push_back(module_->index_value(let.binders.back()));
    const ExprId before = module_->integer(outer.low - 1);
    const ExprId here = module_->index_value(i);
    round.push_back(outer.low == 1 ? here : module_->prim(Op::sub, {here, before}));
    to_copy.emplace(static_cast<std::uint32_t>(i),
                    outer.low == 1 ? copy.back() : module_->prim(Op::add, {copy.back(), before}));
  }
  let.binders.insert(let.binders.end(), own.begin(), own.end());
  let.body = zero();
  const ir::LetId id = module_->add_let(std::move(let));
  const auto load = [this, id, type](std::vector<ExprId> from, std::span<const ExprId> rest) {
    from.insert(from.end(), rest.begin(), rest.end());
    return module_->load_let(id, from, type);
  };
  const ExprId whole = typed(body(at, [&](std::span<const ExprId> earlier) { return load(copy, earlier); }));
  module_->lets[ir::raw(id)].body = to_copy.empty() ? whole : ir::substitute(*module_, whole, to_copy);
  r.element = [load, round](std::span<const ExprId> rest) { return load(round, rest); };
  if (auto v = materialise(r)) return known(*std::move(v));
  return r;
}

Sym Lowerer::array_of(ExprId e, std::vector<ir::IndexId> indices) {
  Sym r;
  r.type = module_->type(e);
  for (const ir::IndexId i : indices) r.shape.push_back(module_->index(i).extent());
  r.element = [this, e, indices = std::move(indices)](std::span<const ExprId> at) {
    std::unordered_map<std::uint32_t, ExprId> replacement;
    for (std::size_t d = 0; d < indices.size(); ++d) replacement.emplace(static_cast<std::uint32_t>(indices[d]), at[d]);
    return ir::substitute(*module_, e, replacement);
  };
  return r;
}

Sym Lowerer::real_recurrence(const std::string& name, const std::vector<std::int64_t>& shape,
                             const RecurrenceBody& body) {
  std::vector<ir::IndexId> own;
  for (const std::int64_t extent : shape) own.push_back(module_->add_index("i", 1, extent));
  return recurrence(name, own, ScalarType::real, body);
}

}  // namespace hearsay
