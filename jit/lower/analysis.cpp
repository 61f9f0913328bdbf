#include "jit/lower/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>

namespace hearsay::jit {
namespace {

using ir::ExprId;
using ir::Inst;
using ir::Opcode;
using ir::raw;

__extension__ using Wide = __int128;

std::int64_t clamp_to_64(Wide v) {
  constexpr Wide low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(v, low, high));
}

/// Integer arithmetic wraps around: a range that leaves 64 bits says nothing.
Interval exact_or_unknown(Wide low, Wide high) {
  if (clamp_to_64(low) != low || clamp_to_64(high) != high) return {};
  return {static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)};
}

Interval hull(const Interval& a, const Interval& b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

/// Primitives that become a few instructions and calls that have vector versions (composite.cpp has those of several).
bool cheap(Op op) {
  switch (op) {
    case Op::pow:
    case Op::lgamma:
    case Op::digamma:
    case Op::lbeta:
    case Op::lchoose:
    case Op::inc_beta:
    case Op::inc_gamma:
    case Op::Phi:
    case Op::inv_Phi:
      return false;
    default:
      return true;
  }
}

}  // namespace

std::vector<Bounds> bounds(const ir::Module& module, const Inst& inst) {
  std::vector<Bounds> result;
  const auto from_shape = [&](const std::vector<std::int64_t>& shape) {
    for (const std::int64_t n : shape) result.push_back({1, n});
  };
  switch (inst.code) {
    case Opcode::data:
      from_shape(module.data[inst.payload].shape);
      break;
    case Opcode::latent:
      from_shape(module.latents[inst.payload].shape);
      break;
    case Opcode::let:
      for (const ir::IndexId i : module.lets[inst.payload].binders) {
        result.push_back({module.index(i).low, module.index(i).high});
      }
      break;
    default:
      break;
  }
  return result;
}

Analysis::Analysis(const ir::Module& module, const ir::Grounding& grounding, const ir::Gradient* gradient)
    : module_(module), grounding_(grounding), gradient_(gradient) {
  data_range_.resize(module.data.size());
  for (std::size_t k = 0; k < module.data.size(); ++k) {
    const auto& values = module.data[k].integers;
    if (module.data[k].type == ScalarType::real || values == nullptr || values->empty()) continue;
    const auto [low, high] = std::minmax_element(values->begin(), values->end());
    data_range_[k] = {*low, *high};
  }
  for (const ir::TermId t : grounding.closed_terms) visit(module.terms[raw(t)].body);
  std::vector<bool> seen(module.terms.size());
  for (const auto& factor : grounding.factors) {
    if (seen[raw(factor.term)]) continue;
    seen[raw(factor.term)] = true;
    open_terms_.push_back(factor.term);
    visit(module.terms[raw(factor.term)].body);
  }
  if (gradient == nullptr) return;
  for (const ir::TermId t : grounding.closed_terms) visit(gradient->terms[raw(t)]);
  for (const ir::TermId t : open_terms_) visit(gradient->terms[raw(t)]);
  for (const ir::LetId let : gradient->backwards) visit(gradient->lets.at(let));
}

void Analysis::visit(const ir::AdjointBlock& block) {
  for (const ir::Accumulate& a : block.here) {
    visit(a.value);
    for (const ExprId i : a.at) visit(i);
  }
  for (const auto& [index, inner] : block.loops) visit(inner);
}

const Facts* Analysis::known(ExprId e) const {
  const auto at = facts_.find(static_cast<std::uint32_t>(e));
  return at == facts_.end() ? nullptr : &at->second;
}

bool Analysis::in_memory(ir::LetId let) const {
  const ir::Let& l = module_.lets[raw(let)];
  const Facts& f = facts(l.body);
  // A read that fails leaves a trace only in a real number (NaN): other elements are computed where they are read.
  const bool sure = module_.type(l.body) == ScalarType::real ? !f.unguarded : !f.checked;
  return !f.finite && (l.scan || sure);
}

void Analysis::visit(ExprId root) {
  // An explicit stack: expressions may be deeper than the machine's.
  struct Frame {
    ExprId expr;
    std::size_t next = 0;
    std::optional<ir::LetId> body_of;
  };
  enum : std::uint8_t { fresh, open, done };
  std::unordered_map<std::uint32_t, std::uint8_t> state;
  std::vector<Frame> stack;
  const auto push = [&](ExprId e, std::optional<ir::LetId> body_of) {
    const auto id = static_cast<std::uint32_t>(e);
    if (state[id] == fresh && !facts_.contains(id)) {
      state[id] = open;
      stack.push_back({e, 0, body_of});
    } else if (body_of && std::find(lets_.begin(), lets_.end(), *body_of) == lets_.end() && facts_.contains(id)) {
      lets_.push_back(*body_of);  // two lets with one body
    }
  };
  push(root, std::nullopt);
  while (!stack.empty()) {
    const std::size_t top = stack.size() - 1;
    const Inst& inst = module_.inst(stack[top].expr);
    const std::size_t n = inst.operands.size();
    const std::size_t next = stack[top].next++;
    if (next < n) {
      push(inst.operands[next], std::nullopt);
    } else if (next == n && inst.code == Opcode::let) {
      push(module_.lets[inst.payload].body, ir::LetId(inst.payload));
    } else {
      const Facts f = examine(inst);
      facts_.emplace(static_cast<std::uint32_t>(stack[top].expr), f);
      order_.push_back(stack[top].expr);
      depth_ = std::max(depth_, f.depth);
      if (stack[top].body_of) lets_.push_back(*stack[top].body_of);
      state[static_cast<std::uint32_t>(stack[top].expr)] = done;
      stack.pop_back();
    }
  }
}

bool Analysis::reads_inside(const Inst& inst) const {
  const auto limits = bounds(module_, inst);
  for (std::size_t d = 0; d < limits.size() && d < inst.operands.size(); ++d) {
    const Facts* f = known(inst.operands[d]);
    if (f == nullptr || !f->range.within(limits[d].low, limits[d].high)) return false;
  }
  return true;
}

Facts Analysis::examine(const Inst& inst) const {
  Facts f;
  for (const ExprId operand : inst.operands) {
    const Facts* o = known(operand);
    if (o == nullptr) continue;
    f.finite = f.finite || o->finite;
    f.unguarded = f.unguarded || o->unguarded;
    f.checked = f.checked || o->checked;
    f.heavy = f.heavy || o->heavy;
    f.depth = std::max(f.depth, o->depth + 1);
  }
  switch (inst.code) {
    case Opcode::constant:
    case Opcode::index:
      break;
    case Opcode::latent:
      f.finite = f.finite || module_.latents[inst.payload].finite;
      [[fallthrough]];
    case Opcode::data:
      if (!reads_inside(inst)) f.unguarded = f.checked = true;
      break;
    case Opcode::let: {
      if (!reads_inside(inst)) f.unguarded = f.checked = true;
      const Facts* body = known(module_.lets[inst.payload].body);  // none: a scan that reads itself
      if (body == nullptr) break;
      f.finite = f.finite || body->finite;
      if (!in_memory(ir::LetId(inst.payload))) {
        f.heavy = true;
        f.unguarded = f.unguarded || body->unguarded;
        f.checked = f.checked || body->checked;
      }
      break;
    }
    case Opcode::prim:
      if (!cheap(static_cast<Op>(inst.payload))) f.heavy = true;
      break;
    case Opcode::select:
      f.unguarded = known(inst.operands[0]) != nullptr && known(inst.operands[0])->unguarded;
      break;
    case Opcode::pick: {
      const Facts* index = known(inst.operands[0]);
      const bool inside =
          index != nullptr && index->range.within(1, static_cast<std::int64_t>(inst.operands.size()) - 1);
      f.unguarded = (index != nullptr && index->unguarded) || !inside;
      f.checked = f.checked || !inside;
      f.heavy = true;
      break;
    }
    case Opcode::reduce:
      f.heavy = true;
      break;
  }
  if (inst.type != ScalarType::real) f.range = range(inst);
  return f;
}

Interval Analysis::range(const Inst& inst) const {
  if (inst.type == ScalarType::boolean) return {0, 1};
  const auto of = [&](std::size_t k) {
    const Facts* f = known(inst.operands[k]);
    return f == nullptr ? Interval{} : f->range;
  };
  switch (inst.code) {
    case Opcode::constant: {
      const std::int64_t v = module_.constants[inst.payload].i;
      return {v, v};
    }
    case Opcode::index: {
      const ir::IndexVar& v = module_.index(ir::IndexId(inst.payload));
      return v.high < v.low ? Interval{} : Interval{v.low, v.high};
    }
    case Opcode::data:
      return data_range_[inst.payload];
    case Opcode::latent:
      return {1, std::max<std::int64_t>(1, module_.latents[inst.payload].cardinality)};
    case Opcode::let: {
      const Facts* body = known(module_.lets[inst.payload].body);
      return body == nullptr ? Interval{} : body->range;
    }
    case Opcode::select:
      return hull(of(1), of(2));
    case Opcode::pick: {
      Interval r = of(1);
      for (std::size_t k = 2; k < inst.operands.size(); ++k) r = hull(r, of(k));
      return r;
    }
    case Opcode::reduce:
      // An empty range is not in question: its value is the identity of the reduction, which needs no body.
      if (inst.reduction == ir::Reduction::minimum || inst.reduction == ir::Reduction::maximum) {
        return module_.index(ir::IndexId(inst.payload)).extent() > 0 ? of(0) : Interval{};
      }
      return {};
    case Opcode::prim:
      break;
  }
  const auto wide = [](std::int64_t v) { return static_cast<Wide>(v); };
  switch (static_cast<Op>(inst.payload)) {
    case Op::add:
      return exact_or_unknown(wide(of(0).low) + of(1).low, wide(of(0).high) + of(1).high);
    case Op::sub:
      return exact_or_unknown(wide(of(0).low) - of(1).high, wide(of(0).high) - of(1).low);
    case Op::neg:
      return exact_or_unknown(-wide(of(0).high), -wide(of(0).low));
    case Op::mul: {
      const Interval a = of(0), b = of(1);
      const Wide corners[] = {wide(a.low) * b.low, wide(a.low) * b.high, wide(a.high) * b.low, wide(a.high) * b.high};
      return exact_or_unknown(*std::min_element(std::begin(corners), std::end(corners)),
                              *std::max_element(std::begin(corners), std::end(corners)));
    }
    case Op::min:
      return {std::min(of(0).low, of(1).low), std::min(of(0).high, of(1).high)};
    case Op::max:
      return {std::max(of(0).low, of(1).low), std::max(of(0).high, of(1).high)};
    case Op::modulo: {
      // The remainder has the sign of the dividend.
      const Interval a = of(0), b = of(1);
      if (b.low < 1) return {};
      return {a.low >= 0 ? 0 : std::max(a.low, 1 - b.high), a.high <= 0 ? 0 : std::min(a.high, b.high - 1)};
    }
    case Op::int_div: {
      const Interval a = of(0), b = of(1);
      if (a.low < 0 || b.low < 1) return {};
      return {a.low / b.high, a.high / b.low};
    }
    case Op::to_int:
      return module_.type(inst.operands[0]) == ScalarType::boolean ? Interval{0, 1} : Interval{};
    default:
      return {};
  }
}

std::string Analysis::source() const {
  std::string text = "model 1\n";
  const auto write = [&](const auto&... values) { ((text += fmt::format("{} ", values)), ...); };
  const auto shape_text = [](const std::vector<std::int64_t>& shape) {
    return fmt::format("{}", fmt::join(shape, ","));
  };
  std::vector<bool> index_seen(module_.indices.size());
  const auto index = [&](ir::IndexId i) {
    if (index_seen[raw(i)]) return;
    index_seen[raw(i)] = true;
    write("i", raw(i), module_.index(i).low, module_.index(i).high, "\n");
  };
  for (std::size_t k = 0; k < module_.data.size(); ++k) {
    write("d", k, static_cast<int>(module_.data[k].type), shape_text(module_.data[k].shape), data_range_[k].low,
          data_range_[k].high, "\n");
  }
  for (const ir::Latent& latent : module_.latents) {
    write("l", latent.finite, latent.cardinality, shape_text(latent.shape), "\n");
  }
  for (const ExprId e : order_) {
    const Inst& inst = module_.inst(e);
    if (inst.code == Opcode::index || inst.code == Opcode::reduce) index(ir::IndexId(inst.payload));
    write("e", raw(e), static_cast<int>(inst.code), static_cast<int>(inst.type), static_cast<int>(inst.reduction));
    if (inst.code == Opcode::constant) {
      const Scalar& c = module_.constants[inst.payload];
      write(c.i, std::bit_cast<std::uint64_t>(c.r));
    } else {
      write(inst.payload);
    }
    for (const ExprId o : inst.operands) write(raw(o));
    text += '\n';
  }
  const auto binders = [&](const std::vector<ir::IndexId>& list) {
    for (const ir::IndexId i : list) index(i);
    for (const ir::IndexId i : list) write(raw(i));
  };
  for (const ir::LetId let : lets_) {
    const ir::Let& l = module_.lets[raw(let)];
    binders(l.binders);
    write("let", raw(let), l.scan, raw(l.body), "\n");
  }
  const auto term = [&](const char* kind, ir::TermId t) {
    binders(module_.terms[raw(t)].plate);
    write(kind, raw(module_.terms[raw(t)].body), "\n");
  };
  for (const ir::TermId t : grounding_.closed_terms) term("closed", t);
  for (const ir::TermId t : open_terms_) term("open", t);
  if (gradient_ == nullptr) return text;
  const std::function<void(const ir::AdjointBlock&)> block = [&](const ir::AdjointBlock& b) {
    for (const ir::Accumulate& a : b.here) {
      write("add", static_cast<int>(a.target), a.id, raw(a.value));
      for (const ExprId i : a.at) write(raw(i));
      text += '\n';
    }
    for (const auto& [i, inner] : b.loops) {
      index(i);
      write("for", raw(i), "\n");
      block(inner);
      text += "end\n";
    }
  };
  for (const ir::TermId t : grounding_.closed_terms) block(gradient_->terms[raw(t)]);
  for (const ir::TermId t : open_terms_) block(gradient_->terms[raw(t)]);
  for (const ir::LetId let : gradient_->backwards) {
    write("backward", raw(let), "\n");
    block(gradient_->lets.at(let));
  }
  return text;
}

}  // namespace hearsay::jit
