// Bounds of indices: proved from ranges, or checked by running through all values once they are final.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lang/eval/evaluator.h"
#include "lang/eval/neumaier.h"
#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

Lowerer::Interval Lowerer::range(ExprId e) {
  if (const auto at = ranges_.find(static_cast<std::uint32_t>(e)); at != ranges_.end()) return at->second;
  const ir::Inst in = module_->inst(e);
  Interval r{-infinity, infinity};
  const auto arg = [&](std::size_t i) { return range(in.operands[i]); };
  switch (in.code) {
    case ir::Opcode::constant: {
      const double v = module_->constants[in.payload].as_real();
      r = {v, v};
      break;
    }
    case ir::Opcode::index: {
      const ir::IndexVar& v = module_->indices[in.payload];
      return {static_cast<double>(v.low), static_cast<double>(v.high)};  // not cached: a stream's end may still move
    }
    case ir::Opcode::data: {
      const ir::Data& d = module_->data[in.payload];
      if (d.size() > 0) {
        r = {infinity, -infinity};
        for (std::size_t i = 0; i < static_cast<std::size_t>(d.size()); ++i) {
          const double v = d.at(i).as_real();
          r.low = std::min(r.low, v);
          r.high = std::max(r.high, v);
        }
      }
      break;
    }
    case ir::Opcode::latent: {
      const ir::Latent& l = module_->latents[in.payload];
      r = l.finite ? Interval{1, static_cast<double>(l.cardinality)} : Interval{l.low, l.high};
      break;
    }
    case ir::Opcode::select: {
      const Interval a = arg(1), b = arg(2);
      r = {std::min(a.low, b.low), std::max(a.high, b.high)};
      break;
    }
    case ir::Opcode::pick: {
      r = {infinity, -infinity};
      for (std::size_t i = 1; i < in.operands.size(); ++i)
        r = {std::min(r.low, arg(i).low), std::max(r.high, arg(i).high)};
      break;
    }
    case ir::Opcode::prim: {
      const auto op = static_cast<Op>(in.payload);
      if (op == Op::add) r = {arg(0).low + arg(1).low, arg(0).high + arg(1).high};
      if (op == Op::sub) r = {arg(0).low - arg(1).high, arg(0).high - arg(1).low};
      if (op == Op::neg) r = {-arg(0).high, -arg(0).low};
      if (op == Op::to_real) r = arg(0);
      if (op == Op::mul) {
        const Interval a = arg(0), b = arg(1);
        const std::array<double, 4> p{a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
        if (std::none_of(p.begin(), p.end(), [](double v) { return std::isnan(v); }))
          r = {*std::min_element(p.begin(), p.end()), *std::max_element(p.begin(), p.end())};
      }
      if (op == Op::div) {
        const Interval a = arg(0), b = arg(1);
        if (b.low > 0 || b.high < 0) {
          const std::array<double, 4> p{a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high};
          if (std::none_of(p.begin(), p.end(), [](double v) { return std::isnan(v); }))
            r = {*std::min_element(p.begin(), p.end()), *std::max_element(p.begin(), p.end())};
        }
      }
      if (op == Op::min) r = {std::min(arg(0).low, arg(1).low), std::min(arg(0).high, arg(1).high)};
      if (op == Op::max) r = {std::max(arg(0).low, arg(1).low), std::max(arg(0).high, arg(1).high)};
      if (op == Op::exp) r = {std::exp(arg(0).low), std::exp(arg(0).high)};
      if (op == Op::inv_logit || op == Op::Phi) r = {0, 1};
      if (op == Op::abs) r = {0, std::max(std::abs(arg(0).low), std::abs(arg(0).high))};
      break;
    }
    case ir::Opcode::let:
    case ir::Opcode::reduce:
      break;
  }
  if (std::isnan(r.low) || std::isnan(r.high)) r = {-infinity, infinity};
  const bool moves = !ir::dependence(*module_, e).free_indices.empty();
  if (!moves) ranges_[static_cast<std::uint32_t>(e)] = r;
  return r;
}

/// `index` where it is surely inside 1..size; else a clamped form, and a note to check every value once all is known.
ExprId Lowerer::bounded(ExprId index, std::int64_t size, SourceSpan span) {
  if (const Scalar* c = module_->constant(index)) {
    if (c->i < 1 || c->i > size) {
      if (guards_.empty() && !lenient_names_) raise<K::index_out_of_bounds>(span, c->i, size);
      obligations_.push_back({index, size, span, guards_});
      return module_->integer(std::clamp<std::int64_t>(c->i, 1, std::max<std::int64_t>(size, 1)));
    }
    return index;
  }
  const Interval r = range(index);
  if (r.low >= 1 && r.high <= static_cast<double>(size)) return index;
  if (!lenient_names_) obligations_.push_back({index, size, span, guards_});
  return module_->prim(Op::min, {module_->prim(Op::max, {index, module_->integer(1)}), module_->integer(size)});
}

void Lowerer::check_obligations() {
  eval::ReferenceEvaluator evaluator(*module_);
  for (const Obligation& o : std::exchange(obligations_, {})) {
    // Conditions on latents can't be decided here: they count as possibly true, so a bound must hold without them.
    std::vector<std::pair<ExprId, bool>> decidable;
    std::vector<ir::IndexId> indices = ir::dependence(*module_, o.index).free_indices;
    for (const auto& g : o.guards) {
      const ir::Dependence d = ir::dependence(*module_, g.first);
      if (d.on_latents()) continue;
      decidable.push_back(g);
      for (const ir::IndexId i : d.free_indices)
        if (std::find(indices.begin(), indices.end(), i) == indices.end()) indices.push_back(i);
    }
    const bool latent = ir::dependence(*module_, o.index).on_latents();
    double combinations = 1;
    for (const ir::IndexId i : indices) combinations *= static_cast<double>(module_->index(i).extent());
    if (combinations > 2e7) raise<K::not_known>(o.span, "this index (its bounds would take too long to check; it)");
    if (combinations == 0) continue;
    std::vector<std::int64_t> at;
    for (const ir::IndexId i : indices) at.push_back(module_->index(i).low);
    for (bool more = true; more;) {
      for (std::size_t d = 0; d < indices.size(); ++d) evaluator.set_index(indices[d], at[d]);
      const bool reached = std::all_of(decidable.begin(), decidable.end(),
                                       [&](const auto& g) { return evaluator.value(g.first, {}).truth() == g.second; });
      if (reached) {
        if (latent) {
          std::unordered_map<std::uint32_t, ExprId> fixed;
          for (std::size_t d = 0; d < indices.size(); ++d)
            fixed.emplace(static_cast<std::uint32_t>(indices[d]), module_->integer(at[d]));
          const Interval r = range(ir::substitute(*module_, o.index, fixed));
          if (r.low < 1 || r.high > static_cast<double>(o.size))
            raise<K::index_out_of_bounds>(o.span, r.low < 1 ? r.low : r.high, o.size);
        } else {
          const std::int64_t v = evaluator.value(o.index, {}).i;
          if (v < 1 || v > o.size) raise<K::index_out_of_bounds>(o.span, v, o.size);
        }
      }
      more = false;
      for (std::size_t d = indices.size(); d-- > 0;) {
        if (++at[d] <= module_->index(indices[d]).high) {
          more = true;
          break;
        }
        at[d] = module_->index(indices[d]).low;
      }
    }
  }
}

}  // namespace hearsay
