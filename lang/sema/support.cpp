// Supports: which values a latent or an outcome can take, and their codes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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
/// Densities are worked out in doubles, which are exact on whole numbers up to here.
constexpr double kLargestExact = 0x1p53;

std::string support_text(const Support& s) {
  if (!s.value_shape.empty())
    return fmt::format("{}[{}]", s.kind == Support::Kind::reals ? model::name(s.constraint) : "int",
                       fmt::join(s.value_shape, ", "));
  switch (s.kind) {
    case Support::Kind::boolean:
      return "true or false";
    case Support::Kind::integers:
      return s.unbounded ? "whole numbers without end" : fmt::format("{}..{}", s.low, s.high);
    case Support::Kind::labels:
      return fmt::format("{{{}}}", fmt::join(s.labels->labels, ", "));
    case Support::Kind::elements:
      return to_text(s.elements);
    case Support::Kind::reals:
      return fmt::format("reals in ({}, {})", s.real_low, s.real_high);
    case Support::Kind::whole_type:
      return "any value";
  }
  return "";
}

}  // namespace

std::int64_t Support::cardinality() const {
  switch (kind) {
    case Kind::boolean:
      return 2;
    case Kind::integers:
      return high - low + 1;
    case Kind::labels:
      return static_cast<std::int64_t>(labels->labels.size());
    case Kind::elements:
      return static_cast<std::int64_t>(elements.size());
    case Kind::reals:
    case Kind::whole_type:
      break;
  }
  return 0;
}

/// The shape of one outcome of a distribution over vectors or matrices; only sizes of the arguments are looked at.
std::vector<std::int64_t> Lowerer::value_shape(const DistInstance& d) {
  DistInstance shapes = d;
  for (std::size_t i = 0; i < shapes.arguments.size(); ++i) {
    Sym& a = shapes.arguments[i];
    const std::size_t rank = sizes(d.decl->parameters[i].type).size();
    if (a.shape.size() <= rank) continue;
    // Lifted: any one of them will do, but there may be none.
    a.known.reset();
    a.shape.erase(a.shape.begin(), a.shape.end() - static_cast<std::ptrdiff_t>(rank));
    a.element = [&d, i](std::span<const ExprId>) -> ExprId {
      raise<K::not_known>(d.argument_spans[i], fmt::format("the size of an outcome of `{}`", d.decl->name.text));
    };
  }
  std::vector<std::int64_t> shape;
  in_dist_scope(shapes, [&] {
    for (const ast::Expr* e : sizes(d.decl->over)) {
      shape.push_back(known_integer(eval(*e), d.span, "the size of an outcome"));
      if (shape.back() < 1)
        raise<K::invalid_parameter>(d.span, "size", d.decl->name.text, "at least 1", std::to_string(shape.back()));
    }
  });
  return shape;
}

Support Lowerer::own_support(const DistInstance& d) {
  const ast::TypeExpr& over = d.decl->over;
  Support s;
  const std::string& base = over.base.text;
  const auto constraint = vector_constraint(base);
  if (constraint || !over.dims.empty()) {
    s.value_shape = value_shape(d);
    s.constraint = constraint.value_or(model::Constraint::interval);
    if (base == "int" || base == "bool") {
      s.kind = base == "int" ? Support::Kind::integers : Support::Kind::boolean;
      return s;
    }
    const ElementRange range = element_range(base);
    s.kind = Support::Kind::reals;
    s.real_low = range.low;
    s.real_high = range.high;
    return s;
  }
  if (base == "bool") {
    s.kind = Support::Kind::boolean;
    return s;
  }
  const auto bound = [&](const ast::ExprPtr& e, bool smallest) {
    // A lifted argument gives one bound per element: the plate's support is their hull.
    DistInstance scalar_dist = d;
    double v = smallest ? infinity : -infinity;
    std::size_t n = 1;
    std::vector<std::int64_t> shape = lifted_shape(d);
    for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
    for (std::size_t flat = 0; flat < n; ++flat) {
      std::vector<ExprId> index;
      for (const std::int64_t i : subscripts(flat, shape)) index.push_back(module_->integer(i));
      scalar_dist = at(d, index);
      in_dist_scope(scalar_dist, [&] {
        const Sym value = eval(*e);
        if (const auto m = materialise(value); m && m->is_scalar()) {
          v = smallest ? std::min(v, m->at(0).as_real()) : std::max(v, m->at(0).as_real());
        } else if (value.is_scalar()) {
          s.moving = s.moving || moves(expr(value));
          const Interval r = range(expr(value));
          v = smallest ? std::min(v, r.low) : std::max(v, r.high);
        }
      });
    }
    return v;
  };
  if (over.bounds && over.bounds->elements) {
    s.kind = Support::Kind::elements;
    std::optional<ArrayValue> values;
    in_dist_scope(d, [&] {
      const Sym v = eval(*over.bounds->elements);
      values = materialise(v);
    });
    if (!values) raise<K::not_known>(d.span, fmt::format("the support of `{}`", d.decl->name.text));
    s.elements = *values;
    if (values->labels) {
      s.kind = Support::Kind::whole_type;
      s.labels = values->labels;
    }
    for (std::size_t i = 0; i < values->size(); ++i)
      for (std::size_t j = i + 1; j < values->size() && values->size() <= 4096; ++j)
        if (values->at(i) == values->at(j))
          raise<K::invalid_parameter>(d.span, "values", d.decl->name.text, "all different",
                                      to_text(values->at(i)) + ", twice");
    return s;
  }
  if (base == "scalar") {  // the type of the argument: point(v)
    s.kind = Support::Kind::whole_type;
    for (const Sym& a : d.arguments)
      if (a.labels) s.labels = a.labels;
    const auto value = d.arguments.empty() ? std::nullopt : materialise(d.arguments[0]);
    if (!s.labels && value && value->is_scalar()) {
      s.kind = Support::Kind::elements;
      ArrayValue v = *value;
      v.shape = {1};
      s.elements = v;
      if (v.type == ScalarType::boolean) s.kind = Support::Kind::boolean;
    }
    return s;
  }
  auto [low, high, low_open] = element_range(base);
  bool high_open = false;
  if (over.bounds) {
    low = bound(over.bounds->low, true);
    high = bound(over.bounds->high, false);
    low_open = over.bounds->low_open;
    high_open = over.bounds->high_open;
  }
  if (base == "int") {
    using Integers = std::numeric_limits<std::int64_t>;
    s.kind = Support::Kind::integers;
    for (const double end : {low, high})
      if (std::isfinite(end) && std::abs(end) > kLargestExact)
        raise<K::bad_support>(
            d.span, d.decl->name.text,
            fmt::format("{:.6g} is beyond 2^53, where probabilities can't tell whole numbers apart", end));
    s.unbounded = std::isinf(low) || std::isinf(high);
    s.low = std::isinf(low) ? Integers::min()
                            : static_cast<std::int64_t>(std::ceil(low)) + (low_open && low == std::ceil(low) ? 1 : 0);
    s.high = std::isinf(high)
                 ? Integers::max()
                 : static_cast<std::int64_t>(std::floor(high)) - (high_open && high == std::floor(high) ? 1 : 0);
    if (s.unbounded) return s;
    if (s.high < s.low)
      raise<K::bad_support>(d.span, d.decl->name.text,
                            fmt::format("there is no whole number from {} to {}", low, high));
    if (s.high - s.low >= (1 << 24)) raise_not_yet(d.span, NotYet::large_support);
    if (d.keys && s.low == 1 && s.high == static_cast<std::int64_t>(d.keys->labels.size())) {
      s.kind = Support::Kind::labels;
      s.labels = d.keys;
    }
    return s;
  }
  if (low >= high)
    raise<K::bad_support>(d.span, d.decl->name.text, fmt::format("there is no number between {} and {}", low, high));
  s.kind = Support::Kind::reals;
  s.real_low = low;
  s.real_high = high;
  return s;
}

bool Lowerer::moves(ExprId e) { return !ir::dependence(*module_, e).continuous.empty(); }

Lowerer::Ends Lowerer::ends(const DistInstance& d) {
  Ends all;
  const auto narrow = [&](std::optional<ExprId>& end, ExprId e, Op nearer) {
    const Scalar* c = module_->constant(e);
    if (c != nullptr && std::isinf(c->r)) return;
    end = end ? module_->prim(nearer, {*end, e}) : e;
  };
  if (d.condition) raise<K::not_known>(d.span, "the range of a choice between distributions");
  const std::string& base = d.decl->over.base.text;
  in_dist_scope(d, [&] {
    const ElementRange of_word = element_range(base);
    narrow(all.low, module_->real(of_word.low), Op::max);
    narrow(all.high, module_->real(of_word.high), Op::min);
    if (const auto& bounds = d.decl->over.bounds; bounds && !bounds->elements) {
      narrow(all.low, real_expr(eval(*bounds->low)), Op::max);
      narrow(all.high, real_expr(eval(*bounds->high)), Op::min);
    }
  });
  if (d.cut && !d.cut->is_set) {
    narrow(all.low, real_expr(d.cut->low), Op::max);
    narrow(all.high, real_expr(d.cut->high), Op::min);
  }
  return all;
}

std::vector<std::int64_t> Lowerer::outcome_shape(const DistInstance& d) {
  if (d.condition) return outcome_shape(*d.then_dist);  // supports that differ are reported where they are needed
  return d.decl->over.dims.empty() ? std::vector<std::int64_t>{} : value_shape(d);
}

Support Lowerer::support(const DistInstance& d) {
  Support s = any_support(d);
  if (s.unbounded || (!s.value_shape.empty() && s.kind != Support::Kind::reals))
    throw Failure{not_yet(d.span, NotYet::infinite_latent, d.decl ? fmt::format(": `{}`", d.decl->name.text) : "")
                      .with_help("restrict it, as in `poisson(3) in [0, 100]`, or observe it")};
  return s;
}

Support Lowerer::any_support(const DistInstance& d) {
  Support s;
  if (d.condition) {
    const Support a = any_support(*d.then_dist), b = any_support(*d.else_dist);
    const auto clash = [&] { raise<K::different_supports>(d.span, support_text(a), support_text(b)); };
    if (a.kind == Support::Kind::whole_type) {
      s = b;
    } else if (b.kind == Support::Kind::whole_type) {
      s = a;
    } else if (a.value_shape != b.value_shape || a.constraint != b.constraint) {
      clash();
    } else if (a.kind == b.kind) {
      s = a;
      switch (a.kind) {
        case Support::Kind::integers:
          s.low = std::min(a.low, b.low);
          s.high = std::max(a.high, b.high);
          s.unbounded = a.unbounded || b.unbounded;
          break;
        case Support::Kind::labels:
          if (a.labels->labels.size() != b.labels->labels.size()) clash();
          for (const auto& l : b.labels->labels)
            if (a.labels->find(l) == 0) clash();
          break;
        case Support::Kind::elements: {
          // The union; each side gives the other's values probability 0.
          std::vector<double> reals;
          std::vector<std::int64_t> integers;
          const auto add = [&](const ArrayValue& v) {
            for (std::size_t i = 0; i < v.size(); ++i) {
              const Scalar x = v.at(i);
              if (x.type == ScalarType::real) {
                if (std::find(reals.begin(), reals.end(), x.r) == reals.end()) reals.push_back(x.r);
              } else if (std::find(integers.begin(), integers.end(), x.i) == integers.end()) {
                integers.push_back(x.i);
              }
            }
          };
          if (a.elements.type != b.elements.type) clash();
          add(a.elements);
          add(b.elements);
          const auto n = static_cast<std::int64_t>(std::max(reals.size(), integers.size()));
          s.elements = a.elements.type == ScalarType::real ? ArrayValue::of(std::move(reals), {n})
                                                           : ArrayValue::of(a.elements.type, std::move(integers), {n});
          break;
        }
        case Support::Kind::reals:
          s.real_low = std::min(a.real_low, b.real_low);
          s.real_high = std::max(a.real_high, b.real_high);
          break;
        case Support::Kind::boolean:
        case Support::Kind::whole_type:
          break;
      }
    } else if (a.kind == Support::Kind::labels && b.kind == Support::Kind::integers && b.low == 1 &&
               b.high == a.cardinality()) {
      s = a;
    } else if (b.kind == Support::Kind::labels && a.kind == Support::Kind::integers && a.low == 1 &&
               a.high == b.cardinality()) {
      s = b;
    } else {
      clash();
    }
  } else {
    s = own_support(d);
  }
  if (d.cut) {
    restrict_support(s, *d.cut);
    if (s.kind == Support::Kind::integers && s.finite() &&
        std::max(std::abs(static_cast<double>(s.low)), std::abs(static_cast<double>(s.high))) > kLargestExact)
      raise<K::bad_support>(d.cut->span, d.decl ? d.decl->name.text : "this choice",
                            "it reaches beyond 2^53, where probabilities can't tell whole numbers apart");
    if (s.kind == Support::Kind::integers && s.finite() && s.high - s.low >= (1 << 24))
      raise_not_yet(d.cut->span, NotYet::large_support);
  }
  return s;
}

Sym Lowerer::decode(const Support& s, ExprId code) {
  switch (s.kind) {
    case Support::Kind::boolean:
      return scalar(module_->prim(Op::eq, {code, module_->integer(2)}));
    case Support::Kind::integers:
      return scalar(s.low == 1 ? code : module_->prim(Op::add, {code, module_->integer(s.low - 1)}));
    case Support::Kind::labels:
      return scalar(code, s.labels);
    case Support::Kind::elements: {
      Sym values = known(s.elements);
      return scalar(element(values, std::span(&code, 1)));
    }
    case Support::Kind::whole_type:
      return scalar(code, s.labels);
    case Support::Kind::reals:
      break;
  }
  return scalar(code);
}

Scalar Lowerer::decode(const Support& s, std::int64_t code) {
  switch (s.kind) {
    case Support::Kind::boolean:
      return Scalar::boolean(code == 2);
    case Support::Kind::integers:
      return Scalar::integer(code + s.low - 1);
    case Support::Kind::elements:
      return s.elements.at(static_cast<std::size_t>(code - 1));
    case Support::Kind::labels:
    case Support::Kind::whole_type:
    case Support::Kind::reals:
      break;
  }
  return Scalar::integer(code);
}

}  // namespace hearsay
