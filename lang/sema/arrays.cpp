// Arrays: lists, values by label, comprehensions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Fewer elements than this are evaluated one by one.
constexpr std::size_t kManyElements = 64;

}  // namespace

Sym Lowerer::eval_array(const ast::Array& a, SourceSpan span) {
  std::vector<Sym> elements;
  bool all_known = true;
  bool real = false, boolean = false, integer = false;
  for (const auto& e : a.elements) {
    stop_if_interrupted();
    Sym s = eval(*e);
    if (s.other) raise<K::wrong_type>(e->span, "a number or an array", describe(s));
    if (!elements.empty()) {
      if (s.shape != elements[0].shape)
        raise<K::shape_mismatch>(e->span, shape_text(elements[0].shape), shape_text(s.shape));
      if (elements[0].labels) s = as_label_of(std::move(s), elements[0].labels, e->span);
    }
    all_known = all_known && s.known.has_value();
    real = real || s.type == ScalarType::real;
    boolean = boolean || s.type == ScalarType::boolean;
    integer = integer || s.type == ScalarType::integer;
    elements.push_back(std::move(s));
  }
  if (boolean && (real || integer))
    raise<K::wrong_type>(span, "elements of one type", "numbers mixed with true and false");
  const ScalarType type = real      ? ScalarType::real
                          : boolean ? ScalarType::boolean
                          : integer ? ScalarType::integer
                                    : ScalarType::real;
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(elements.size())};
  if (!elements.empty()) shape.insert(shape.end(), elements[0].shape.begin(), elements[0].shape.end());
  const AlphabetPtr labels = elements.empty() ? nullptr : elements[0].labels;
  const AlphabetPtr keys = elements.empty() ? nullptr : elements[0].keys;
  if (all_known) {
    std::vector<double> reals;
    std::vector<std::int64_t> integers;
    for (const Sym& s : elements)
      for (std::size_t i = 0; i < s.known->size(); ++i) {
        const Scalar v = s.known->at(i).converted_to(type);
        if (type == ScalarType::real)
          reals.push_back(v.r);
        else
          integers.push_back(v.i);
      }
    ArrayValue v = type == ScalarType::real ? ArrayValue::of(std::move(reals), shape)
                                            : ArrayValue::of(type, std::move(integers), shape);
    v.labels = labels;
    v.keys = keys;
    return known(std::move(v));
  }
  Sym r;
  r.type = type;
  r.labels = labels;
  r.keys = keys;
  r.shape = shape;
  r.element = [this, elements, type](std::span<const ExprId> at) {
    std::vector<ExprId> values;
    if (const Scalar* c = module_->constant(at[0])) {
      const ExprId e = element(elements[static_cast<std::size_t>(c->i - 1)], at.subspan(1));
      return type == ScalarType::real ? module_->to_real(e) : e;
    }
    for (const Sym& s : elements) {
      const ExprId e = element(s, at.subspan(1));
      values.push_back(type == ScalarType::real ? module_->to_real(e) : e);
    }
    return module_->pick(at[0], values);
  };
  return r;
}

Sym Lowerer::eval_label_map(const ast::LabelMap& m) {
  auto alphabet = std::make_shared<Alphabet>();
  for (const auto& entry : m.entries) {
    if (alphabet->find(entry.label.text) != 0) raise<K::duplicate_name>(entry.label.span, entry.label.text);
    alphabet->labels.push_back(entry.label.text);
  }
  alphabet->name = fmt::format("{{{}}}", fmt::join(alphabet->labels, ", "));
  std::vector<Sym> elements;
  bool all_known = true;
  for (const auto& entry : m.entries) {
    Sym s = eval(*entry.value);
    if (!s.is_scalar() || s.labels || s.type == ScalarType::boolean)
      raise<K::wrong_type>(entry.value->span, "a number", describe(s));
    all_known = all_known && s.known.has_value();
    elements.push_back(std::move(s));
  }
  Sym r;
  r.type = ScalarType::real;
  r.keys = alphabet;
  r.shape = {static_cast<std::int64_t>(elements.size())};
  if (all_known) {
    std::vector<double> v;
    for (const Sym& s : elements) v.push_back(s.known->at(0).as_real());
    ArrayValue a = ArrayValue::of(std::move(v), r.shape);
    a.keys = alphabet;
    return known(std::move(a));
  }
  r.element = [this, elements](std::span<const ExprId> at) {
    if (const Scalar* c = module_->constant(at[0]))
      return module_->to_real(element(elements[static_cast<std::size_t>(c->i - 1)], {}));
    std::vector<ExprId> cells;
    for (const Sym& s : elements) cells.push_back(module_->to_real(element(s, {})));
    return module_->pick(at[0], cells);
  };
  return r;
}

/// `[body for binders]`: outside a model every element is known. Many are worked out together, from one expression in
/// the bound indices; where that can't be done, or something is wrong, each is evaluated by itself.
Sym Lowerer::from_binders(const std::vector<ast::Binder>& binders, const std::function<Sym()>& body, SourceSpan span) {
  std::vector<std::int64_t> lows, shape;
  for (const ast::Binder& b : binders) {
    lows.push_back(known_integer(eval(*b.low), b.low->span, "the start of a range"));
    const std::int64_t high = known_integer(eval(*b.high), b.high->span, "the end of a range");
    shape.push_back(extent(lows.back(), high, b.high->span));
  }
  const std::size_t n = element_count(shape, span);
  if (symbolic_context() || together_) return symbolic_binders(binders, lows, shape, body);
  if (n >= kManyElements)
    if (auto all = together([&] { return symbolic_binders(binders, lows, shape, body); }))
      return known(*std::move(all));
  return each_of_binders(binders, lows, std::move(shape), body, span);
}

/// What `make` makes, if it can be made of one expression with the same outcome as one by one: nothing that is asked or
/// drawn anew for each element, no index that could be outside, no number whose type depends on the element. A mistake
/// is left to the evaluation one by one, which points at the element.
std::optional<ArrayValue> Lowerer::together(const std::function<Sym()>& make) {
  const Asker asker = std::exchange(asker_, nullptr);
  const std::vector<Obligation> before = std::exchange(obligations_, {});
  const auto guards = guards_;
  const auto calls = calls_;
  const SourceSpan here = here_;
  const std::size_t floor = scope_floor_, depth = scopes_.size();
  together_ = true;
  std::optional<ArrayValue> made;
  try {
    const Sym s = make();
    if (s.known) {
      check_obligations();
      made = s.known;
    }
  } catch (const Failure&) {
    made.reset();
  }
  together_ = false;
  asker_ = asker;
  obligations_ = before;
  guards_ = guards;
  calls_ = calls;
  here_ = here;
  scope_floor_ = floor;
  scopes_.resize(depth);
  return made;
}

Sym Lowerer::each_of_binders(const std::vector<ast::Binder>& binders, const std::vector<std::int64_t>& lows,
                             std::vector<std::int64_t> shape, const std::function<Sym()>& body, SourceSpan span) {
  const ScopeGuard scope(*this, false);
  std::size_t n = 1;
  for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
  ScalarType type = ScalarType::integer;
  AlphabetPtr labels, keys;
  std::vector<std::int64_t> inner;
  for (std::size_t flat = 0; flat < n; ++flat) {
    stop_if_interrupted();
    const std::vector<std::int64_t> at = subscripts(flat, shape);
    for (std::size_t d = 0; d < shape.size(); ++d)
      define(binders[d].index.text, known(Scalar::integer(lows[d] + at[d] - 1)));
    const Sym s = body();
    const auto v = materialise(s);
    if (!v) raise<K::wrong_type>(span, "numbers", describe(s));
    if (flat == 0) {
      inner = v->shape;
      type = v->type;
      labels = v->labels;
      keys = v->keys;
    }
    if (v->shape != inner) raise<K::shape_mismatch>(span, shape_text(inner), shape_text(v->shape));
    if (v->type != type) {
      if (v->type == ScalarType::boolean || type == ScalarType::boolean)
        raise<K::wrong_type>(span, "elements of one type", "numbers mixed with true and false");
      if (type == ScalarType::integer) {  // ints seen so far become reals
        for (const std::int64_t i : integers) reals.push_back(static_cast<double>(i));
        integers.clear();
      }
      type = ScalarType::real;
    }
    for (std::size_t i = 0; i < v->size(); ++i) {
      if (type == ScalarType::real)
        reals.push_back(v->at(i).as_real());
      else
        integers.push_back(v->at(i).i);
    }
  }
  shape.insert(shape.end(), inner.begin(), inner.end());
  ArrayValue v = type == ScalarType::real ? ArrayValue::of(std::move(reals), shape)
                                          : ArrayValue::of(type, std::move(integers), shape);
  v.labels = labels;
  v.keys = keys;
  return known(std::move(v));
}

Sym Lowerer::symbolic_binders(const std::vector<ast::Binder>& binders, const std::vector<std::int64_t>& lows,
                              const std::vector<std::int64_t>& shape, const std::function<Sym()>& body) {
  const ScopeGuard scope(*this, false);
  std::vector<ir::IndexId> indices;
  for (std::size_t d = 0; d < binders.size(); ++d) {
    indices.push_back(module_->add_index(binders[d].index.text, lows[d], lows[d] + shape[d] - 1));
    define(binders[d].index.text, scalar(module_->index_value(indices[d])));
  }
  const Sym inner = body();
  Sym r;
  r.type = inner.type;
  r.labels = inner.labels;
  r.keys = inner.keys;
  r.shape = shape;
  r.shape.insert(r.shape.end(), inner.shape.begin(), inner.shape.end());
  const std::size_t outer = shape.size();
  r.element = [this, inner, indices, lows, outer](std::span<const ExprId> at) {
    std::unordered_map<std::uint32_t, ExprId> replacement;
    for (std::size_t d = 0; d < outer; ++d) {
      const ExprId shifted = lows[d] == 1 ? at[d] : module_->prim(Op::add, {at[d], module_->integer(lows[d] - 1)});
      replacement.emplace(static_cast<std::uint32_t>(indices[d]), shifted);
    }
    return ir::substitute(*module_, element(inner, at.subspan(outer)), replacement);
  };
  if (auto v = materialise(r)) return known(*std::move(v));
  return r;
}

}  // namespace hearsay
