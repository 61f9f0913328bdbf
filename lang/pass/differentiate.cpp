#include "lang/pass/differentiate.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_set>

#include "lang/ir/substitute.h"
#include "lang/pass/derivative.h"
#include "lang/support/not_yet.h"

namespace hearsay::pass {

using ir::ExprId;
using ir::IndexId;
using ir::LetId;
using ir::Opcode;

namespace {

std::uint32_t id_of(ExprId e) { return static_cast<std::uint32_t>(e); }

/// Differentiates one expression, with adjoints pushed from the result down to the loads of latents and lets. An
/// expression has a larger id than its operands, so descending ids are a topological order.
class Differentiator {
public:
  Differentiator(ir::Module& module, ir::DependenceMap& reads) : m_(module), reads_(reads) {}

  /// The operation whose derivative is missing, if there is one.
  std::optional<Op> missing;

  ir::AdjointBlock run(ExprId root) {
    Region region;
    push(region, root, m_.real(1), false);
    return drain(region);
  }

private:
  struct Adjoint {
    ExprId value{};
    /// Reached through a choice: where the other side was chosen the adjoint is 0, and values here may be infinite or
    /// not a number; 0 must win.
    bool guarded = false;
  };
  /// What is under one reduction (or under none).
  struct Region {
    std::map<std::uint32_t, Adjoint, std::greater<>> pending;
    Region* outer = nullptr;
    IndexId index{};
  };

  /// `e` where the adjoint is not 0: in the side of a choice that was not taken nothing must be looked at.
  ExprId guard(const Adjoint& adjoint, ExprId e) {
    if (!adjoint.guarded) return e;
    return m_.select(m_.prim(Op::eq, {adjoint.value, m_.real(0)}), m_.real(0), e);
  }

  bool active(ExprId e) { return m_.type(e) == ScalarType::real && !reads_(e).continuous.empty(); }

  void push(Region& region, ExprId e, ExprId adjoint, bool guarded) {
    if (!active(e)) return;
    if (const Scalar* c = m_.constant(adjoint); c != nullptr && c->r == 0) return;
    Region* home = &region;
    // What does not move with the index of a reduction, and would cost a loop, is differentiated once, outside.
    while (home->outer != nullptr && has_loop(e) && !depends(e, home->index)) {
      adjoint = m_.reduce(ir::Reduction::sum, home->index, adjoint);
      home = home->outer;
    }
    auto [at, fresh] = home->pending.try_emplace(id_of(e), Adjoint{adjoint, guarded});
    if (fresh) return;
    at->second.value = plus(m_, at->second.value, adjoint);
    at->second.guarded = at->second.guarded || guarded;
  }

  bool depends(ExprId e, IndexId index) {
    const auto& free = reads_(e).free_indices;
    return std::find(free.begin(), free.end(), index) != free.end();
  }

  bool has_loop(ExprId e) {
    const auto [at, fresh] = has_loop_.try_emplace(id_of(e), false);
    if (!fresh) return at->second;
    const ir::Inst in = m_.inst(e);
    bool found = in.code == Opcode::reduce;
    for (const ExprId o : in.operands) found = found || has_loop(o);
    return has_loop_[id_of(e)] = found;
  }

  ir::AdjointBlock drain(Region& region) {
    ir::AdjointBlock block;
    while (!region.pending.empty()) {
      const auto [id, adjoint] = *region.pending.begin();
      region.pending.erase(region.pending.begin());
      const ExprId e{id};
      const ir::Inst in = m_.inst(e);  // a copy: the store grows
      switch (in.code) {
        case Opcode::latent:
        case Opcode::let:
          block.here.push_back({in.code, in.payload, in.operands, adjoint.value});
          break;
        case Opcode::prim:
          prim(region, e, in, adjoint);
          break;
        case Opcode::select: {
          const ExprId c = in.operands[0], zero = m_.real(0);
          push(region, in.operands[1], guard(adjoint, m_.select(c, adjoint.value, zero)), true);
          push(region, in.operands[2], guard(adjoint, m_.select(c, zero, adjoint.value)), true);
          break;
        }
        case Opcode::pick:
          for (std::size_t k = 1; k < in.operands.size(); ++k) {
            const ExprId chosen = m_.prim(Op::eq, {in.operands[0], m_.integer(static_cast<std::int64_t>(k))});
            push(region, in.operands[k], guard(adjoint, m_.select(chosen, adjoint.value, m_.real(0))), true);
          }
          break;
        case Opcode::reduce:
          reduce(region, block, e, in, adjoint);
          break;
        case Opcode::constant:
        case Opcode::index:
        case Opcode::data:
          break;
      }
    }
    return block;
  }

  void prim(Region& region, ExprId e, const ir::Inst& in, const Adjoint& adjoint) {
    const auto op = static_cast<Op>(in.payload);
    for (std::size_t k = 0; k < in.operands.size(); ++k) {
      if (!active(in.operands[k])) continue;
      if (!differentiable(op, k)) {
        missing = op;
        continue;
      }
      auto back = pull_back(m_, op, in.operands, e, k, adjoint.value);
      if (!back) continue;
      push(region, in.operands[k], *back == adjoint.value ? *back : guard(adjoint, *back), adjoint.guarded);
    }
  }

  void reduce(Region& region, ir::AdjointBlock& block, ExprId e, const ir::Inst& in, const Adjoint& adjoint) {
    const IndexId index{in.payload};
    const ExprId body = in.operands[0];
    ExprId factor = adjoint.value;
    bool guarded = adjoint.guarded;
    switch (in.reduction) {
      case ir::Reduction::sum:
        break;
      case ir::Reduction::log_sum_exp: {
        // exp(body - result), and 0 where everything is impossible.
        const ExprId share = m_.prim(Op::exp, {m_.prim(Op::sub, {body, e})});
        const ExprId impossible = m_.prim(Op::eq, {body, m_.real(-std::numeric_limits<double>::infinity())});
        factor = guard(adjoint, m_.select(impossible, m_.real(0), times(m_, adjoint.value, share)));
        guarded = true;
        break;
      }
      case ir::Reduction::product: {
        const ir::IndexVar range = m_.index(index);
        const IndexId other = m_.add_index(range.name, range.low, range.high);
        const ExprId there = ir::substitute(m_, body, {{static_cast<std::uint32_t>(index), m_.index_value(other)}});
        const ExprId same = m_.prim(Op::eq, {m_.index_value(other), m_.index_value(index)});
        const ExprId rest = m_.reduce(ir::Reduction::product, other, m_.select(same, m_.real(1), there));
        factor = guard(adjoint, times(m_, adjoint.value, rest));
        break;
      }
      case ir::Reduction::minimum:
      case ir::Reduction::maximum: {
        // Shared by all elements that attain it.
        const ExprId attains = m_.select(m_.prim(Op::eq, {body, e}), m_.real(1), m_.real(0));
        const ExprId ties = m_.reduce(ir::Reduction::sum, index, attains);
        factor = guard(adjoint, m_.prim(Op::div, {times(m_, adjoint.value, attains), ties}));
        guarded = true;
        break;
      }
      case ir::Reduction::all:
      case ir::Reduction::any:
        return;
    }
    Region inner;
    inner.outer = &region;
    inner.index = index;
    push(inner, body, factor, guarded);
    ir::AdjointBlock made = drain(inner);
    if (made.empty()) return;
    for (auto& [i, existing] : block.loops)
      if (i == index) {
        existing.here.insert(existing.here.end(), made.here.begin(), made.here.end());
        existing.loops.insert(existing.loops.end(), made.loops.begin(), made.loops.end());
        return;
      }
    block.loops.push_back({index, std::move(made)});
  }

  ir::Module& m_;
  ir::DependenceMap& reads_;
  std::unordered_map<std::uint32_t, bool> has_loop_;
};

/// Puts the bodies of lets that read finite latents in place of their loads: such a let has an adjoint for every
/// assignment, so it has no memory of its own.
class InlineFinite final : public ir::Rewriter {
public:
  InlineFinite(ir::Module& m, ir::DependenceMap& reads) : Rewriter(m), reads_(reads) {}
  bool recurrence = false;  ///< one that can't be put in place

protected:
  ExprId replace(ir::Inst in) override {
    if (in.code != Opcode::let || in.type != ScalarType::real) return module_.intern(std::move(in));
    const Dependence& d = reads_.of(LetId{in.payload});
    if (d.finite.empty() || d.continuous.empty()) return module_.intern(std::move(in));
    const ir::Let l = module_.lets[in.payload];
    if (l.scan) {
      recurrence = true;
      return module_.intern(std::move(in));
    }
    std::unordered_map<std::uint32_t, ExprId> at;
    for (std::size_t d0 = 0; d0 < l.binders.size(); ++d0)
      at.emplace(static_cast<std::uint32_t>(l.binders[d0]), in.operands[d0]);
    return (*this)(ir::substitute(module_, l.body, at));
  }

private:
  using Dependence = ir::Dependence;
  ir::DependenceMap& reads_;
};

/// Lets that a block reads.
void lets_of(const ir::AdjointBlock& block, std::set<LetId>& out) {
  for (const ir::Accumulate& a : block.here)
    if (a.target == Opcode::let) out.insert(LetId{a.id});
  for (const auto& [index, inner] : block.loops) lets_of(inner, out);
}

}  // namespace

Result<ir::Gradient> differentiate(ir::Module& module) {
  ir::Gradient g;
  ir::DependenceMap reads(module);
  std::set<LetId> wanted;
  const auto unknown = [&](std::string_view what, SourceSpan at) {
    return fail(not_yet(at, NotYet::derivative, fmt::format(": that of {}", what)));
  };
  InlineFinite in_place(module, reads);
  for (std::size_t t = 0; t < module.terms.size(); ++t) {
    const SourceSpan at = module.sites.empty() ? SourceSpan{} : module.sites[ir::raw(module.terms[t].site)].span;
    Differentiator d(module, reads);
    g.terms.push_back(d.run(in_place(module.terms[t].body)));
    if (d.missing) return unknown(fmt::format("`{}`", info(*d.missing).name), at);
    if (in_place.recurrence) return unknown("a recurrence that reads finite latents", at);
    lets_of(g.terms.back(), wanted);
  }
  // Depth first: a let is finished after all lets that it reads, so the reverse order is the one to run in.
  std::set<LetId> entered;
  std::optional<Op> missing;
  const std::function<void(LetId)> visit = [&](LetId let) {
    if (!entered.insert(let).second) return;
    Differentiator d(module, reads);
    ir::AdjointBlock block = d.run(module.lets[ir::raw(let)].body);
    if (d.missing) missing = d.missing;
    std::set<LetId> inner;
    lets_of(block, inner);
    for (const LetId i : inner) visit(i);
    g.lets.emplace(let, std::move(block));
    g.backwards.push_back(let);
  };
  for (const LetId let : wanted) visit(let);
  if (missing)
    return unknown(fmt::format("`{}`", info(*missing).name),
                   module.sites.empty() ? SourceSpan{} : module.sites[0].span);
  std::reverse(g.backwards.begin(), g.backwards.end());
  return g;
}

}  // namespace hearsay::pass
