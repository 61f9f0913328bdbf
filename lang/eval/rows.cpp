#include "lang/eval/rows.h"

#include <optional>

#include "lang/eval/evaluator.h"

namespace hearsay::eval {
namespace {

/// `data[i + shift]` for the one index i: the array itself, or a part of it.
std::optional<Rows> slice(const ir::Module& m, const ir::Inst& in, ir::IndexId index) {
  if (in.code != ir::Opcode::data || in.operands.size() != 1) return std::nullopt;
  const ir::Inst* at = &m.inst(in.operands[0]);
  std::int64_t shift = 0;
  if (at->code == ir::Opcode::prim && (Op{static_cast<std::uint16_t>(at->payload)} == Op::add ||
                                       Op{static_cast<std::uint16_t>(at->payload)} == Op::sub)) {
    const Scalar* c = m.constant(at->operands[1]);
    if (c == nullptr) return std::nullopt;
    shift = Op{static_cast<std::uint16_t>(at->payload)} == Op::add ? c->i : -c->i;
    at = &m.inst(at->operands[0]);
  }
  if (at->code != ir::Opcode::index || at->payload != raw(index)) return std::nullopt;
  const ir::Data& data = m.data[in.payload];
  const std::int64_t first = m.index(index).low + shift - 1, n = m.index(index).extent();
  if (first < 0 || first + n > data.size()) return std::nullopt;
  Rows r;
  if (data.type == ScalarType::real)
    r.reals.assign(data.reals->begin() + first, data.reals->begin() + first + n);
  else
    r.integers.assign(data.integers->begin() + first, data.integers->begin() + first + n);
  return r;
}

}  // namespace

Rows rows(const ir::Module& module, ir::ExprId e, std::span<const ir::IndexId> indices,
          const std::atomic<bool>* interrupt) {
  if (indices.size() == 1)
    if (auto r = slice(module, module.inst(e), indices[0])) return *std::move(r);
  Rows r;
  std::size_t n = 1;
  for (const ir::IndexId i : indices) n *= static_cast<std::size_t>(module.index(i).extent());
  const bool real = module.type(e) == ScalarType::real;
  if (real)
    r.reals.reserve(n);
  else
    r.integers.reserve(n);
  ReferenceEvaluator evaluator(module);
  std::vector<std::int64_t> at;
  for (const ir::IndexId i : indices) {
    at.push_back(module.index(i).low);
    evaluator.set_index(i, at.back());
  }
  for (std::size_t k = 0; k < n; ++k) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) throw Interrupted{};
    const Scalar v = evaluator.value(e, {});
    if (real)
      r.reals.push_back(v.r);
    else
      r.integers.push_back(v.i);
    for (std::size_t d = indices.size(); d-- > 0;) {
      const bool within = ++at[d] <= module.index(indices[d]).high;
      if (!within) at[d] = module.index(indices[d]).low;
      evaluator.set_index(indices[d], at[d]);
      if (within) break;
    }
  }
  return r;
}

}  // namespace hearsay::eval
