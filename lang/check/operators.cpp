// Types of operators and choices, and the shapes of their operands.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/check/scope.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

/// Reports what is no number; true if it may be one.
bool Checker::number(const Type& t, SourceSpan span) {
  if (!t.known() || t.number()) return true;
  if (t.base == Base::label)
    report(diagnose<K::label_arithmetic>(span, "used as numbers"));
  else if (t.base == Base::boolean)
    report(diagnose<K::wrong_type>(span, "a number", describe(t))
               .with_help("`if c then 1 else 0` makes a number of a truth, and `sum(…)` counts them"));
  else
    report(diagnose<K::wrong_type>(span, "a number", describe(t)));
  return false;
}

/// The common shape of operands: scalars go with anything, the rest must match.
Type Checker::joined_shape(const std::vector<std::pair<Type, SourceSpan>>& operands, SourceSpan span) {
  Type shape;
  for (const auto& [t, at] : operands) {
    if (!t.ranked) {
      if (shape.scalar()) shape.ranked = false;
      continue;
    }
    if (t.dims.empty()) continue;
    if (shape.scalar() || !shape.ranked) {
      shape.ranked = true;
      shape.dims = t.dims;
      continue;
    }
    if (!may_agree(shape, t)) {
      report(diagnose<K::shape_mismatch>(span, shape_text(shape), shape_text(t)));
      return Type::anything();
    }
    for (std::size_t d = 0; d < t.dims.size(); ++d)
      if (!shape.dims[d]) shape.dims[d] = t.dims[d];
  }
  return shape;
}

Type Checker::arithmetic(const std::vector<std::pair<Type, SourceSpan>>& operands, SourceSpan span, bool always_real) {
  bool fine = true, real = always_real, unsure = false, latent = false;
  for (const auto& [t, at] : operands) {
    fine = number(t, at) && fine;
    real = real || t.base == Base::real;
    unsure = unsure || !t.known();
    latent = latent || t.latent;
  }
  if (!fine) return Type::anything();
  Type r = joined_shape(operands, span);
  r.base = real ? Base::real : unsure ? Base::unknown : Base::integer;
  r.latent = latent;
  return r;
}

Type Checker::unary(const ast::Unary& u) {
  Type t = expr(*u.operand);
  if (u.op == ast::UnaryOp::logical_not) {
    if (t.known() && t.base != Base::boolean) {
      report(diagnose<K::wrong_type>(u.operand->span, "true or false", describe(t)));
      return Type::anything();
    }
    return t;
  }
  if (!number(t, u.operand->span)) return Type::anything();
  if (t.value) t.value = -*t.value;
  t.keys = nullptr;
  return t;
}

Type Checker::equal(const Type& a, const Type& b, SourceSpan span) {
  Type r = joined_shape({{a, span}, {b, span}}, span);
  r.base = Base::boolean;
  r.latent = a.latent || b.latent;
  if (!a.known() || !b.known()) return r;
  const auto thing = [&](const Type& t) {
    return t.base == Base::text || t.base == Base::record || t.base == Base::object;
  };
  if (thing(a) || thing(b)) {
    report(diagnose<K::wrong_type>(span, "numbers", describe(thing(a) ? a : b)));
    return r;
  }
  if (a.base != Base::label && b.base != Base::label) return r;
  if (a.base != b.base) {
    const Type& other = a.base == Base::label ? b : a;
    if (other.base == Base::boolean)
      report(diagnose<K::wrong_type>(span, "a label", describe(other)));
    else
      report(diagnose<K::label_against_number>(span));
    return r;
  }
  if (!a.labels || !b.labels) return r;
  const auto is_one = [&](const Type& one, const Type& of) {
    if (of.labels->find(one.bare_label) != 0) return;
    const std::string near = nearest_name(one.bare_label, of.labels->labels);
    report(diagnose<K::unknown_label>(span, one.bare_label, fmt::format("{{{}}}", fmt::join(of.labels->labels, ", ")))
               .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
  };
  if (!a.bare_label.empty())
    is_one(a, b);
  else if (!b.bare_label.empty())
    is_one(b, a);
  else if (a.labels->labels != b.labels->labels)
    report(diagnose<K::different_labels>(span, a.labels->name, b.labels->name));
  return r;
}

Type Checker::membership(const Type& value, const ast::Expr& set, SourceSpan span) {
  Type r = value;
  r.base = Base::boolean;
  r.labels = nullptr;
  r.bare_label.clear();
  r.value.reset();
  const auto against = [&](const ast::Expr& e) { r.latent = equal(value, expr(e), e.span).latent || r.latent; };
  if (const auto* s = std::get_if<ast::Set>(&set.node)) {
    for (const auto& e : s->elements) against(*e);
    return r;
  }
  if (const auto* n = std::get_if<ast::NameRef>(&set.node); n != nullptr && find(n->text) == nullptr)
    for (const auto& [name, algebra] : environment_.algebras)
      if (algebra.blocks->find(n->text) != 0) return r;
  const auto* a = std::get_if<ast::Array>(&set.node);
  const auto* range = std::get_if<ast::Range>(&set.node);
  if (range != nullptr || (a != nullptr && a->elements.size() == 2 && value.base != Base::label)) {
    for (const ast::Expr* end : {range != nullptr ? range->low.get() : a->elements[0].get(),
                                 range != nullptr ? range->high.get() : a->elements[1].get()}) {
      const Type t = expr(*end);
      number(t, end->span);
      r.latent = r.latent || t.latent;
    }
    number(value, span);
    return r;
  }
  const Type t = expr(set);
  r.latent = r.latent || t.latent;
  if (t.known() && t.ranked && t.dims.size() != 1)
    report(diagnose<K::wrong_type>(set.span, "a set", describe(t))
               .with_help("write a set `{a, b}`, an interval `[low, high]` or the name of a block"));
  return r;
}

Type Checker::binary(const ast::Binary& b, SourceSpan span) {
  using B = ast::BinaryOp;
  if (b.op == B::logical_and || b.op == B::logical_or) {
    const Type left = event(*b.left);
    ++guards_;  // the right side may never be looked at
    const Type right = event(*b.right);
    --guards_;
    Type r = joined_shape({{left, b.left->span}, {right, b.right->span}}, span);
    r.base = Base::boolean;
    r.latent = left.latent || right.latent;
    return r;
  }
  const Type left = expr(*b.left);
  if (b.op == B::in) return membership(left, *b.right, b.left->span);
  const Type right = expr(*b.right);
  switch (b.op) {
    case B::add:
    case B::subtract:
    case B::multiply:
    case B::modulo:
      return arithmetic({{left, b.left->span}, {right, b.right->span}}, span, false);
    case B::divide:
    case B::power:
      return arithmetic({{left, b.left->span}, {right, b.right->span}}, span, true);
    case B::equal:
    case B::not_equal:
      return equal(left, right, span);
    case B::matmul: {
      if (!number(left, b.left->span) || !number(right, b.right->span)) return Type::anything();
      if (!left.ranked || !right.ranked) return Type::anything();
      const std::size_t l = left.dims.size(), r = right.dims.size();
      const bool fits = l >= 1 && l <= 2 && r >= 1 && r <= 2;
      if (!fits || (left.dims.back() && right.dims.front() && *left.dims.back() != *right.dims.front())) {
        report(diagnose<K::shape_mismatch>(b.op_span, shape_text(left), shape_text(right)));
        return Type::anything();
      }
      Type t = Type::of(left.base == Base::integer && right.base == Base::integer ? Base::integer : Base::real);
      if (l == 2) t.dims.push_back(left.dims[0]);
      if (r == 2) t.dims.push_back(right.dims[1]);
      t.latent = left.latent || right.latent;
      return t;
    }
    case B::less:
    case B::less_equal:
    case B::greater:
    case B::greater_equal:
    case B::in:
    case B::logical_and:
    case B::logical_or:
      break;
  }
  // An order.
  Type r = joined_shape({{left, b.left->span}, {right, b.right->span}}, span);
  r.base = Base::boolean;
  r.latent = left.latent || right.latent;
  if (left.base == Base::label || right.base == Base::label)
    report(diagnose<K::label_arithmetic>(b.op_span, "put in order"));
  return r;
}

Type Checker::either(const Type& a, const Type& b, SourceSpan span) {
  Type r = joined_shape({{a, span}, {b, span}}, span);
  r.latent = a.latent || b.latent;
  if (!a.known() || !b.known()) return r;
  if (a.number() && b.number()) {
    r.base = a.base == b.base ? a.base : Base::real;
    return r;
  }
  if (a.base != b.base) {
    report(diagnose<K::wrong_type>(span, "two values of one type", fmt::format("{} and {}", describe(a), describe(b))));
    return Type::anything();
  }
  if (a.base == Base::label) {
    equal(a, b, span);
    r.labels = a.bare_label.empty() ? a.labels : b.labels;
  }
  r.base = a.base;
  return r;
}

Type Checker::conditional(const ast::Conditional& c, SourceSpan span) {
  const Type condition = event(*c.condition);
  ++guards_;
  const Type a = expr(*c.then_value), b = expr(*c.else_value);
  --guards_;
  if (!condition.latent) {
    // One side only is ever evaluated, so they need not agree.
    if (!a.known() || !b.known() || a.base != b.base || !may_agree(a, b)) return Type::anything();
    Type r = a;
    r.value.reset();
    r.latent = a.latent || b.latent;
    if (r.array())
      for (std::size_t d = 0; d < r.dims.size(); ++d)
        if (r.dims[d] != b.dims[d]) r.dims[d].reset();
    return r;
  }
  Type r = either(a, b, span);
  r.latent = true;
  return r;
}

}  // namespace hearsay::check
