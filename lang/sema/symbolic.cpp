// Operations on symbolic arrays: what is known is computed now, the rest becomes IR.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lang/eval/neumaier.h"
#include "lang/eval/rows.h"
#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Why an operation has no result among the whole numbers, or nothing.
std::string_view beyond_whole_numbers(Op op, std::span<const Scalar> at) {
  constexpr std::string_view too_large = "this is beyond the largest whole number, 9223372036854775807";
  std::int64_t result = 0;
  if (op == Op::to_int && at[0].type == ScalarType::real) {
    if (std::isnan(at[0].r)) return "this is not a number, so there is no whole number for it";
    // 2^63 itself is a double, the largest whole number is not.
    return at[0].r >= -0x1p63 && at[0].r < 0x1p63 ? "" : "this is beyond the whole numbers, which end at 2^63";
  }
  switch (op) {
    case Op::add:
      return __builtin_add_overflow(at[0].i, at[1].i, &result) ? too_large : "";
    case Op::sub:
      return __builtin_sub_overflow(at[0].i, at[1].i, &result) ? too_large : "";
    case Op::mul:
      return __builtin_mul_overflow(at[0].i, at[1].i, &result) ? too_large : "";
    case Op::abs:
    case Op::neg:
      return __builtin_sub_overflow(std::int64_t{0}, at[0].i, &result) ? too_large : "";
    case Op::int_div:
    case Op::modulo:
      return at[1].i == 0 ? "a whole number is divided by 0" : "";
    default:
      return "";
  }
}

/// The type to which operands of `op` are brought before it is applied.
ScalarType operand_type(Op op, std::span<const Sym> operands) {
  switch (info(op).typing) {
    case Typing::real_only:
      return ScalarType::real;
    case Typing::integers:
      return ScalarType::integer;
    case Typing::logic:
      return ScalarType::boolean;
    case Typing::to_real:
    case Typing::to_integer:
      return operands[0].type;
    case Typing::arithmetic:
    case Typing::compare:
      break;
  }
  ScalarType widest = ScalarType::integer;
  bool all_boolean = true;
  for (const Sym& s : operands) {
    if (s.type == ScalarType::real) widest = ScalarType::real;
    all_boolean = all_boolean && s.type == ScalarType::boolean;
  }
  return all_boolean && info(op).typing == Typing::compare ? ScalarType::boolean : widest;
}

}  // namespace

Sym Lowerer::known(ArrayValue v) {
  Sym s;
  s.type = v.type;
  s.labels = v.labels;
  s.keys = v.keys;
  s.shape = v.shape;
  s.known = std::move(v);
  return s;
}

Sym Lowerer::from_value(const Value& v) {
  if (const ArrayValue* a = v.array()) {
    Sym s = known(*a);
    return s;
  }
  Sym s;
  s.other = v;
  return s;
}

Sym Lowerer::scalar(ExprId e, AlphabetPtr labels) {
  if (const Scalar* c = module_->constant(e)) {
    Sym s = known(*c);
    s.labels = labels;
    s.known->labels = std::move(labels);
    return s;
  }
  Sym s;
  s.type = module_->type(e);
  s.labels = std::move(labels);
  s.element = [e](std::span<const ExprId>) { return e; };
  return s;
}

ir::DataId Lowerer::data_for(const ArrayValue& v) {
  const void* key = v.type == ScalarType::real ? static_cast<const void*>(v.reals.get()) : v.integers.get();
  if (const auto at = data_ids_.find(key); at != data_ids_.end() && module_->data[ir::raw(at->second)].shape == v.shape)
    return at->second;
  ir::Data d;
  d.name = fmt::format("data{}", module_->data.size());
  d.type = v.type;
  d.shape = v.shape;
  d.integers = v.integers;
  d.reals = v.reals;
  const ir::DataId id = module_->add_data(std::move(d));
  data_ids_[key] = id;
  return id;
}

ExprId Lowerer::element(const Sym& s, std::span<const ExprId> at) {
  if (s.other) raise<K::wrong_type>(here_, "a number", describe(s));
  if (!s.known) return s.element(at);
  std::size_t flat = 0;
  bool constant = true;
  for (std::size_t d = 0; d < s.shape.size(); ++d) {
    const Scalar* c = module_->constant(at[d]);
    if (c == nullptr) {
      constant = false;
      break;
    }
    flat = flat * static_cast<std::size_t>(s.shape[d]) + static_cast<std::size_t>(c->i - 1);
  }
  if (constant) return module_->constant(s.known->at(flat));
  return module_->load_data(data_for(*s.known), at);
}

ExprId Lowerer::expr(const Sym& s) {
  if (s.other || !s.shape.empty()) raise<K::wrong_type>(here_, "a single number", describe(s));
  return element(s, {});
}

/// What remains of an array when its leading indices are fixed.
Sym Lowerer::sub(const Sym& s, std::span<const ExprId> leading) {
  if (leading.empty()) return s;
  std::vector<ExprId> fixed(leading.begin(), leading.end());
  if (leading.size() == s.shape.size()) {
    Sym r = scalar(element(s, fixed), s.labels);
    return r;
  }
  Sym r;
  r.type = s.type;
  r.labels = s.labels;
  r.keys = s.keys;
  r.shape.assign(s.shape.begin() + static_cast<std::ptrdiff_t>(leading.size()), s.shape.end());
  bool constant = s.known.has_value();
  std::size_t offset = 0;
  for (std::size_t d = 0; constant && d < leading.size(); ++d) {
    const Scalar* c = module_->constant(leading[d]);
    constant = c != nullptr;
    if (constant) offset = offset * static_cast<std::size_t>(s.shape[d]) + static_cast<std::size_t>(c->i - 1);
  }
  if (constant) {
    std::size_t n = 1;
    for (const std::int64_t extent : r.shape) n *= static_cast<std::size_t>(extent);
    ArrayValue v = *s.known;
    v.shape = r.shape;
    const auto from = static_cast<std::ptrdiff_t>(offset * n), to = static_cast<std::ptrdiff_t>((offset + 1) * n);
    if (v.type == ScalarType::real)
      v.reals = std::make_shared<const std::vector<double>>(v.reals->begin() + from, v.reals->begin() + to);
    else
      v.integers =
          std::make_shared<const std::vector<std::int64_t>>(v.integers->begin() + from, v.integers->begin() + to);
    return known(std::move(v));
  }
  r.element = [this, s, fixed](std::span<const ExprId> rest) {
    std::vector<ExprId> all = fixed;
    all.insert(all.end(), rest.begin(), rest.end());
    return element(s, all);
  };
  return r;
}

Sym Lowerer::apply(Op op, std::vector<Sym> operands, SourceSpan span) {
  here_ = span;
  std::vector<std::int64_t> shape;
  bool all_known = true;
  for (const Sym& s : operands) {
    if (s.other) raise<K::wrong_type>(span, "numbers", describe(s));
    all_known = all_known && s.known.has_value();
    if (s.shape.empty()) continue;
    if (shape.empty()) shape = s.shape;
    if (s.shape != shape) raise<K::shape_mismatch>(span, shape_text(shape), shape_text(s.shape));
  }
  if (info(op).typing == Typing::logic)
    for (const Sym& s : operands)
      if (s.type != ScalarType::boolean) raise<K::wrong_type>(span, "true or false", describe(s));
  if (info(op).typing == Typing::arithmetic || info(op).typing == Typing::real_only ||
      info(op).typing == Typing::integers)
    for (const Sym& s : operands)
      if (s.type == ScalarType::boolean)
        raise_help<K::wrong_type>(span, "`if c then 1 else 0` makes a number of a truth, and `sum(…)` counts them",
                                  "numbers", describe(s));
  if (info(op).typing != Typing::compare)
    for (const Sym& s : operands)
      if (s.labels) raise<K::label_arithmetic>(span, "used as numbers");
  if (info(op).typing == Typing::integers)
    for (const Sym& s : operands)
      if (s.type == ScalarType::real) raise<K::wrong_type>(span, "whole numbers", describe(s));
  const ScalarType common = operand_type(op, operands);

  if (all_known) {
    std::size_t n = 1;
    for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
    std::vector<Scalar> at(operands.size());
    std::vector<double> reals;
    std::vector<std::int64_t> integers;
    ScalarType type = ScalarType::real;
    std::vector<ScalarType> types(operands.size(), common);
    if (const auto t = result_type(op, types)) type = *t;
    for (std::size_t i = 0; i < n; ++i) {
      if (i % kBetweenLooks == 0) stop_if_interrupted();
      for (std::size_t k = 0; k < operands.size(); ++k)
        at[k] = operands[k].known->at(operands[k].shape.empty() ? 0 : i).converted_to(common);
      if (type == ScalarType::integer && guards_.empty())
        if (const std::string_view why = beyond_whole_numbers(op, at); !why.empty()) raise<K::whole_numbers>(span, why);
      const Scalar v = hearsay::apply(op, at);
      if (type == ScalarType::real)
        reals.push_back(v.r);
      else
        integers.push_back(v.i);
    }
    return known(type == ScalarType::real ? ArrayValue::of(std::move(reals), shape)
                                          : ArrayValue::of(type, std::move(integers), shape));
  }
  Sym r;
  r.shape = shape;
  std::vector<ScalarType> types(operands.size(), common);
  r.type = result_type(op, types).value_or(ScalarType::real);
  auto build = [this, op, operands](std::span<const ExprId> at) {
    std::vector<ExprId> args;
    for (const Sym& s : operands) args.push_back(s.shape.empty() ? element(s, {}) : element(s, at));
    return module_->prim(op, args);
  };
  if (shape.empty()) return scalar(build({}));
  r.element = build;
  return r;
}

Sym Lowerer::as_label_of(Sym s, const AlphabetPtr& alphabet, SourceSpan span) {
  if (s.labels == alphabet) return s;
  if (!s.label_name.empty()) {
    const std::int64_t code = alphabet->find(s.label_name);
    if (code == 0) {
      const std::string near = nearest_name(s.label_name, alphabet->labels);
      raise_help<K::unknown_label>(span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), s.label_name,
                                   fmt::format("{{{}}}", fmt::join(alphabet->labels, ", ")));
    }
    Sym r = known(Scalar::integer(code));
    r.labels = alphabet;
    r.known->labels = alphabet;
    r.label_name = s.label_name;
    return r;
  }
  if (!s.labels) {
    if (s.type == ScalarType::boolean) raise<K::wrong_type>(span, "a label of " + alphabet->name, describe(s));
    raise<K::label_against_number>(span);
  }
  if (s.labels->labels != alphabet->labels) raise<K::different_labels>(span, s.labels->name, alphabet->name);
  return s;
}

Sym Lowerer::equal(Sym a, Sym b, SourceSpan span) {
  if (a.labels || b.labels) {
    if (a.labels && !a.label_name.empty() && b.labels)
      a = as_label_of(a, b.labels, span);
    else if (a.labels)
      b = as_label_of(b, a.labels, span);
    else
      a = as_label_of(a, b.labels, span);
  }
  return apply(Op::eq, {std::move(a), std::move(b)}, span);
}

Sym Lowerer::boolean(Sym s, SourceSpan span) {
  if (s.other || s.type != ScalarType::boolean) raise<K::not_an_event>(span, describe(s));
  return s;
}

Sym Lowerer::select(const Sym& condition, const Sym& a, const Sym& b, SourceSpan span) {
  if (condition.is_known_scalar()) return condition.known->at(0).truth() ? a : b;
  if (a.other || b.other)
    raise<K::wrong_type>(span, "numbers on both sides of a choice on a latent", describe(a.other ? a : b));
  Sym x = a, y = b;
  const auto mixed = [&](const Sym& s, const Sym& t) {
    return (s.type == ScalarType::boolean) != (t.type == ScalarType::boolean) ||
           (s.labels == nullptr) != (t.labels == nullptr);
  };
  if (mixed(x, y) && !lenient_names_)
    raise<K::wrong_type>(span, "two values of one type", fmt::format("{} and {}", describe(x), describe(y)));
  if (x.labels && y.labels && x.labels != y.labels) {
    if (!y.label_name.empty())
      y = as_label_of(y, x.labels, span);
    else
      x = as_label_of(x, y.labels, span);
  }
  std::vector<std::int64_t> shape;
  for (const Sym* s : {&condition, &std::as_const(x), &std::as_const(y)}) {
    if (s->shape.empty()) continue;
    if (!shape.empty() && shape != s->shape) raise<K::shape_mismatch>(span, shape_text(shape), shape_text(s->shape));
    shape = s->shape;
  }
  Sym r;
  r.shape = shape;
  r.labels = x.labels ? x.labels : y.labels;
  r.keys = x.keys;
  if (together_ && x.type != y.type) raise<K::wrong_type>(span, "elements of one type", "two types");
  const bool real = x.type == ScalarType::real || y.type == ScalarType::real;
  r.type = real ? ScalarType::real : x.type;
  auto build = [this, condition, x, y, real](std::span<const ExprId> at) {
    auto pick = [&](const Sym& s) {
      const ExprId e = s.shape.empty() ? element(s, {}) : element(s, at);
      return real ? module_->to_real(e) : e;
    };
    const ExprId c = condition.shape.empty() ? element(condition, {}) : element(condition, at);
    guards_.emplace_back(c, true);
    const ExprId then_value = pick(x);
    guards_.back().second = false;
    const ExprId else_value = pick(y);
    guards_.pop_back();
    return module_->select(c, then_value, else_value);
  };
  if (shape.empty()) return scalar(build({}), r.labels);
  r.element = build;
  return r;
}

std::int64_t Lowerer::extent(std::int64_t low, std::int64_t high, SourceSpan span) {
  if (high < low) return 0;
  const std::uint64_t n =
      static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);  // one less than there are
  if (n >= static_cast<std::uint64_t>(kMostElements))
    raise<K::array_too_large>(span, static_cast<double>(n) + 1, kMostElements);
  return static_cast<std::int64_t>(n) + 1;
}

std::size_t Lowerer::element_count(std::span<const std::int64_t> shape, SourceSpan span) {
  double n = 1;  // a product of a few sizes below 2^63 is not infinite, and exact where it matters
  for (const std::int64_t size : shape) {
    if (size < 0) raise<K::wrong_type>(span, "a size of 0 or more", fmt::format("{}", size));
    n *= static_cast<double>(size);
  }
  if (n > static_cast<double>(kMostElements)) raise<K::array_too_large>(span, n, kMostElements);
  return static_cast<std::size_t>(n);
}

double Lowerer::known_real(const Sym& s, SourceSpan span, std::string_view what) {
  if (s.other || !s.shape.empty() || s.labels) raise<K::wrong_type>(span, std::string(what), describe(s));
  const auto v = materialise(s);
  if (!v) raise<K::not_known>(span, what);
  return v->at(0).as_real();
}

std::int64_t Lowerer::known_integer(const Sym& s, SourceSpan span, std::string_view what) {
  if (s.other || !s.shape.empty() || s.type == ScalarType::boolean || s.labels)
    raise<K::wrong_type>(span, fmt::format("a whole number ({})", what), describe(s));
  const auto v = materialise(s);
  if (!v) raise<K::not_known>(span, what);
  const Scalar c = v->at(0);
  if (c.type == ScalarType::integer) return c.i;
  if (c.r != std::floor(c.r) || std::abs(c.r) > 9e15)
    raise<K::wrong_type>(span, fmt::format("a whole number ({})", what), to_text(c));
  return static_cast<std::int64_t>(c.r);
}

std::optional<ArrayValue> Lowerer::materialise(const Sym& s) {
  if (s.other) return std::nullopt;
  if (s.known) return s.known;
  stop_if_interrupted();
  std::vector<ir::IndexId> indices;
  std::vector<ExprId> at;
  for (const std::int64_t extent : s.shape) {
    indices.push_back(module_->add_index("k", 1, extent));
    at.push_back(module_->index_value(indices.back()));
  }
  const ExprId e = s.element(at);
  const ir::Dependence dep = ir::dependence(*module_, e);
  if (dep.on_latents()) return std::nullopt;
  for (const ir::IndexId i : dep.free_indices)
    if (std::find(indices.begin(), indices.end(), i) == indices.end()) return std::nullopt;
  eval::Rows rows;
  try {
    rows = eval::rows(*module_, s.type == ScalarType::real ? module_->to_real(e) : e, indices, environment_.interrupt);
  } catch (const eval::Interrupted&) {
    raise<K::interrupted>(here_);
  } catch (const std::out_of_range&) {
    return std::nullopt;  // reported with its place by check_obligations
  }
  ArrayValue v = s.type == ScalarType::real ? ArrayValue::of(std::move(rows.reals), s.shape)
                                            : ArrayValue::of(s.type, std::move(rows.integers), s.shape);
  v.labels = s.labels;
  v.keys = s.keys;
  return v;
}

}  // namespace hearsay
