// The log density of an outcome: its type, its labels, the support that it must lie in.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/lowerer.h"
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

/// The distribution with arguments by label in the order of the outcome's labels, where theirs is another or some are
/// missing.
DistInstance Lowerer::aligned_to(const DistInstance& d, const Sym& outcome) {
  DistInstance aligned = d;
  if (!d.keys || !outcome.labels || d.keys->labels == outcome.labels->labels) return aligned;
  const std::vector<std::string>& labels = outcome.labels->labels;
  for (const std::string& key : d.keys->labels)
    if (outcome.labels->find(key) == 0) {
      const std::string near = nearest_name(key, labels);
      raise_help<K::unknown_label>(d.key_span(key), near.empty() ? "" : fmt::format("did you mean `{}`?", near), key,
                                   fmt::format("{{{}}}", fmt::join(labels, ", ")));
    }
  std::vector<std::int64_t> position;
  for (const std::string& label : labels) position.push_back(d.keys->find(label));
  const auto size = static_cast<std::int64_t>(position.size());
  for (Sym& s : aligned.arguments) {
    if (s.keys != d.keys) continue;
    const Sym source = s;
    if (source.known) {
      std::vector<double> v;
      for (const std::int64_t p : position)
        v.push_back(p == 0 ? 0 : source.known->at(static_cast<std::size_t>(p - 1)).as_real());
      ArrayValue a = ArrayValue::of(std::move(v), {size});
      a.keys = outcome.labels;
      s = known(std::move(a));
      continue;
    }
    std::vector<ExprId> values;
    for (const std::int64_t p : position) {
      const ExprId from = module_->integer(p);
      values.push_back(p == 0 ? module_->real(0) : module_->to_real(element(source, std::span(&from, 1))));
    }
    Sym moved;
    moved.keys = outcome.labels;
    moved.shape = {size};
    moved.element = [this, values](std::span<const ExprId> at) {
      if (const Scalar* c = module_->constant(at[0])) return values[static_cast<std::size_t>(c->i - 1)];
      return module_->pick(at[0], values);
    };
    s = moved;
  }
  return aligned;
}

/// The outcome in the type that the distribution gives; what can't be one is reported.
Sym Lowerer::fitting_outcome(const DistInstance& d, const Sym& x) {
  const std::string& base = d.decl->over.base.text;
  if (base == "bool" && x.type != ScalarType::boolean)
    raise<K::outcome_type>(d.span, d.decl->name.text, "true or false", x.labels ? "a label" : "a number");
  if (base != "bool" && base != "scalar" && x.type == ScalarType::boolean)
    raise<K::outcome_type>(d.span, d.decl->name.text, "numbers", "true or false");
  if (base != "scalar" && x.labels &&
      !(base == "int" && !d.decl->members.empty() && !d.arguments.empty() && !d.arguments[0].shape.empty()))
    raise<K::outcome_type>(d.span, d.decl->name.text, "numbers", "a label of " + x.labels->name);
  if (base != "int" || x.type != ScalarType::real) return x;
  const auto v = materialise(x);
  if (!v || v->at(0).r != std::floor(v->at(0).r))
    raise<K::outcome_type>(d.span, d.decl->name.text, "whole numbers", "real");
  return apply(Op::to_int, {x}, d.span);
}

/// Over listed elements: the log-weight of the k-th; of a value, the one that equals it. In the distribution's scope.
ExprId Lowerer::listed_logp(const DistInstance& d, const ast::DistDecl::Member& logp_at, const Sym& x) {
  const Sym values = eval(*d.decl->over.bounds->elements);
  const ir::IndexId k = module_->add_index("k", 1, values.shape.at(0));
  const ExprId kv = module_->index_value(k);
  define(logp_at.arguments.at(0).text, scalar(kv));
  const ExprId weight = real_expr(eval(*logp_at.value));
  if (const auto code = code_of_element(x, values))
    return ir::substitute(*module_, weight, {{static_cast<std::uint32_t>(k), *code}});
  const Sym same = equal(x, sub(values, std::span(&kv, 1)), d.span);
  return module_->reduce(ir::Reduction::log_sum_exp, k, module_->select(expr(same), weight, module_->real(-infinity)));
}

/// The condition that x lies in the declared support; nothing where ranges prove it. In the distribution's scope.
std::optional<ExprId> Lowerer::inside_support(const ast::TypeExpr& over, const Sym& x) {
  const std::string& base = over.base.text;
  if (!over.dims.empty()) return inside_vector_support(over, x);
  if (base == "bool" || base == "scalar" || (base == "int" && !over.bounds)) return std::nullopt;
  std::optional<ExprId> inside;
  const auto need = [&](ExprId c) { inside = inside ? module_->prim(Op::logical_and, {*inside, c}) : c; };
  const ExprId xe = module_->to_real(expr(x));
  const Interval r = range(xe);
  // Data may be infinite (latents are not): no density there, whatever the formula says.
  const ir::Opcode code = module_->inst(xe).code;
  if (base != "int" && (code == ir::Opcode::constant || code == ir::Opcode::data) &&
      (std::isinf(r.low) || std::isinf(r.high)))
    need(module_->prim(Op::lt, {module_->prim(Op::abs, {xe}), module_->real(infinity)}));
  if (over.bounds) {
    const ExprId low = real_expr(eval(*over.bounds->low)), high = real_expr(eval(*over.bounds->high));
    if (!(r.low >= range(low).high)) need(module_->prim(over.bounds->low_open ? Op::lt : Op::le, {low, xe}));
    if (!(r.high <= range(high).low)) need(module_->prim(over.bounds->high_open ? Op::lt : Op::le, {xe, high}));
    return inside;
  }
  const ElementRange of_word = element_range(base);
  if (!(r.low >= of_word.low))
    need(module_->prim(of_word.low_open ? Op::lt : Op::le, {module_->real(of_word.low), xe}));
  if (!(r.high <= of_word.high)) need(module_->prim(Op::le, {xe, module_->real(of_word.high)}));
  return inside;
}

ExprId Lowerer::logp(const DistInstance& d, const Sym& outcome) {
  if (d.condition) {
    const ExprId c = expr(*d.condition);
    guards_.emplace_back(c, true);
    const ExprId a = logp(*d.then_dist, outcome);
    guards_.back().second = false;
    const ExprId b = logp(*d.else_dist, outcome);
    guards_.pop_back();
    return module_->select(c, a, b);
  }
  const DistInstance aligned = aligned_to(d, outcome);
  const Sym x = fitting_outcome(d, outcome);
  ExprId result{};
  in_dist_scope(aligned, [&] {
    if (const ast::DistDecl::Member* listed = d.decl->member("logp_at")) {
      result = listed_logp(d, *listed, x);
      return;
    }
    const ast::DistDecl::Member* density = d.decl->member("logp");
    if (density == nullptr) raise<K::bad_member>(d.decl->name.span, d.decl->name.text, "has no `logp(x) = …;`");
    const auto inside = inside_support(d.decl->over, x);
    const Scalar* verdict = inside ? module_->constant(*inside) : nullptr;
    if (verdict != nullptr && !verdict->truth()) {
      result = module_->real(-infinity);
      return;
    }
    const bool decided = !inside || verdict != nullptr;
    // Indexing by the outcome must stay inside even where the choice below discards it.
    if (!decided) guards_.emplace_back(*inside, true);
    define(density->arguments.at(0).text, x);
    result = real_expr(eval(*density->value));
    if (decided) return;
    guards_.pop_back();
    result = module_->select(*inside, result, module_->real(-infinity));
  });
  return d.cut ? restricted_logp(d, outcome, result) : result;
}

/// The code expression behind a value that was decoded from this very array of elements, if it was.
std::optional<ExprId> Lowerer::code_of_element(const Sym& x, const Sym& values) {
  if (x.known || !values.known || !x.shape.empty()) return std::nullopt;
  const ir::Inst& in = module_->inst(expr(x));
  if (in.code != ir::Opcode::data || in.operands.size() != 1) return std::nullopt;
  const ir::Data& d = module_->data[in.payload];
  const ArrayValue& v = *values.known;
  const bool same = d.shape == v.shape && d.type == v.type &&
                    (v.type == ScalarType::real ? d.reals == v.reals || *d.reals == *v.reals
                                                : d.integers == v.integers || *d.integers == *v.integers);
  return same ? std::optional(in.operands[0]) : std::nullopt;
}

}  // namespace hearsay
