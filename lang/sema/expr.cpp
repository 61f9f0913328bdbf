// Expressions: scopes, names, operators, indexing, arrays.
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

/// Written without a sign, the smallest whole number is the first that is too large.
bool is_two_to_63(const ast::Number& n) {
  return n.is_integer && n.integer == std::numeric_limits<std::int64_t>::min();
}

/// Elements of a vector at places that are known to be inside.
ArrayValue gather(const ArrayValue& from, const std::vector<std::int64_t>& places) {
  const auto pick = [&](const auto& values) {
    std::decay_t<decltype(values)> picked;
    picked.reserve(places.size());
    for (const std::int64_t i : places) picked.push_back(values[static_cast<std::size_t>(i - 1)]);
    return picked;
  };
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(places.size())};
  ArrayValue v = from.type == ScalarType::real ? ArrayValue::of(pick(*from.reals), shape)
                                               : ArrayValue::of(from.type, pick(*from.integers), shape);
  v.labels = from.labels;
  return v;
}

}  // namespace

Lowerer::Lowerer(const Environment& environment, std::shared_ptr<ir::Module> module)
    : environment_(environment), module_(std::move(module)), scopes_(1) {}

Lowerer::ScopeGuard::ScopeGuard(Lowerer& o, bool opaque) : owner(o), depth(o.scopes_.size()), floor(o.scope_floor_) {
  if (opaque) owner.scope_floor_ = depth;
  owner.scopes_.emplace_back();
}
Lowerer::ScopeGuard::~ScopeGuard() {
  owner.scopes_.resize(depth);
  owner.scope_floor_ = floor;
}

const Sym* Lowerer::find_local(const std::string& name) const {
  for (std::size_t i = scopes_.size(); i-- > scope_floor_;)
    if (const auto at = scopes_[i].find(name); at != scopes_[i].end()) return &at->second;
  return nullptr;
}

void Lowerer::redefine(const std::string& name, Sym s) {
  for (std::size_t i = scopes_.size(); i-- > scope_floor_;)
    if (const auto at = scopes_[i].find(name); at != scopes_[i].end()) {
      at->second = std::move(s);
      return;
    }
}

Sym Lowerer::eval(const ast::Expr& e) {
  struct Deeper {
    std::size_t& depth;
    explicit Deeper(std::size_t& d) : depth(++d) {}
    ~Deeper() { --depth; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
  };
  const Deeper deeper(depth_);
  const SourceSpan outer = std::exchange(here_, e.span);
  Sym s = eval_node(e);
  here_ = outer;
  return s;
}

void Lowerer::stop_if_interrupted() const {
  if (environment_.interrupt != nullptr && environment_.interrupt->load(std::memory_order_relaxed))
    raise<K::interrupted>(here_);
}

Sym Lowerer::eval_node(const ast::Expr& e) {
  if (const auto* n = std::get_if<ast::Number>(&e.node)) {
    if (is_two_to_63(*n))
      raise_help<K::number_out_of_range>(e.span, "whole numbers go up to 9223372036854775807", n->text);
    return known(n->is_integer ? Scalar::integer(n->integer) : Scalar::real(n->real));
  }
  if (const auto* s = std::get_if<ast::String>(&e.node)) {
    Value v;
    v.data = s->value;
    return from_value(v);
  }
  if (const auto* b = std::get_if<ast::Boolean>(&e.node)) return known(Scalar::boolean(b->value));
  if (const auto* n = std::get_if<ast::NameRef>(&e.node)) return eval_name(n->text, e.span);
  if (const auto* u = std::get_if<ast::Unary>(&e.node)) {
    const auto* n = u->op == ast::UnaryOp::negate ? std::get_if<ast::Number>(&u->operand->node) : nullptr;
    if (n != nullptr && is_two_to_63(*n)) return known(Scalar::integer(n->integer));
    Sym s = eval(*u->operand);
    if (u->op == ast::UnaryOp::negate) demand_number(s, u->operand->span);
    return apply(u->op == ast::UnaryOp::negate ? Op::neg : Op::logical_not, {std::move(s)}, e.span);
  }
  if (const auto* b = std::get_if<ast::Binary>(&e.node)) return eval_binary(*b, e.span);
  if (const auto* c = std::get_if<ast::Conditional>(&e.node)) {
    const Sym condition = boolean(eval(*c->condition), c->condition->span);
    if (condition.is_known_scalar()) return eval(condition.known->at(0).truth() ? *c->then_value : *c->else_value);
    const ExprId guard = condition.shape.empty() ? expr(condition) : ExprId{};
    if (condition.shape.empty()) guards_.emplace_back(guard, true);
    Sym a = eval(*c->then_value);
    if (condition.shape.empty()) guards_.back().second = false;
    Sym b = eval(*c->else_value);
    if (condition.shape.empty()) guards_.pop_back();
    return select(condition, a, b, e.span);
  }
  if (const auto* ix = std::get_if<ast::Index>(&e.node)) return eval_index(*ix, e.span);
  if (const auto* f = std::get_if<ast::Field>(&e.node)) {
    const Sym base = eval(*f->base);
    const Record* record = base.other ? base.other->record() : nullptr;
    if (record == nullptr) raise<K::wrong_type>(f->base->span, "a record with fields", describe(base));
    std::vector<std::string> names;
    for (const auto& [name, value] : *record) {
      if (name == f->name.text) return from_value(value);
      names.push_back(name);
    }
    const std::string near = nearest_name(f->name.text, names);
    raise_help<K::no_such_field>(f->name.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near),
                                 f->name.text, fmt::join(names, ", "));
  }
  if (const auto* c = std::get_if<ast::Call>(&e.node)) return eval_call(e, *c);
  if (const auto* a = std::get_if<ast::Array>(&e.node)) return eval_array(*a, e.span);
  if (const auto* c = std::get_if<ast::Comprehension>(&e.node))
    return from_binders(
        c->binders, [&] { return eval(*c->body); }, e.span);
  if (const auto* m = std::get_if<ast::LabelMap>(&e.node)) return eval_label_map(*m);
  if (const auto* r = std::get_if<ast::Range>(&e.node)) {
    const std::int64_t low = known_integer(eval(*r->low), r->low->span, "the start of a range");
    const std::int64_t high = known_integer(eval(*r->high), r->high->span, "the end of a range");
    const std::int64_t n = extent(low, high, e.span);
    std::vector<std::int64_t> v;
    v.reserve(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      if (i % kBetweenLooks == 0) stop_if_interrupted();
      v.push_back(low + i);
    }
    return known(ArrayValue::of(ScalarType::integer, std::move(v), {n}));
  }
  if (asker_)
    if (auto answer = asker_(e, *this)) return *std::move(answer);
  if (std::holds_alternative<ast::Set>(e.node))
    raise_help<K::wrong_type>(e.span, "a set stands behind `in`, as in `x in {a, b}`", "a value", "a set");
  raise<K::not_in_model>(e.span, "this expression");
}

void Lowerer::demand_number(const Sym& s, SourceSpan span) {
  if (s.other) raise<K::wrong_type>(span, "a number", describe(s));
  if (s.labels) raise<K::label_arithmetic>(span, "used as numbers");
  if (s.type == ScalarType::boolean)
    raise_help<K::wrong_type>(span, "`if c then 1 else 0` makes a number of a truth, and `sum(…)` counts them",
                              "a number", describe(s));
}

void Lowerer::unknown_name(const std::string& name, SourceSpan span, std::string_view kind) {
  if (poisoned_.contains(name)) throw Failure{diagnose<K::unknown_name>(span, kind, name), true};
  std::vector<std::string> names;
  for (std::size_t i = scopes_.size(); i-- > scope_floor_;)
    for (const auto& [n, s] : scopes_[i]) names.push_back(n);
  for (const auto& [n, v] : environment_.values) names.push_back(n);
  std::vector<AlphabetPtr> alphabets;
  local_alphabets(alphabets);
  for (const auto& [n, a] : environment_.alphabets) alphabets.push_back(a);
  for (const auto& [n, a] : environment_.algebras) alphabets.push_back(a.blocks);
  for (const AlphabetPtr& a : alphabets) names.insert(names.end(), a->labels.begin(), a->labels.end());
  if (kind != "name") {
    for (const auto& [n, f] : environment_.functions) names.push_back(n);
    for (const Op op : all_ops()) names.emplace_back(info(op).name);
  }
  raise_help<K::unknown_name>(span, unknown_name_help(environment_, name, names), kind, name);
}

Sym Lowerer::eval_name(const std::string& name, SourceSpan span) {
  if (const Sym* local = find_local(name)) return *local;
  if (auto special = special_name(name, span)) return *std::move(special);
  if (const auto at = environment_.values.find(name); at != environment_.values.end()) return from_value(at->second);
  if (name == "pi") return known(Scalar::real(3.14159265358979323846));
  if (name == "e") return known(Scalar::real(2.71828182845904523536));
  if (name == "inf") return known(Scalar::real(infinity));
  std::vector<AlphabetPtr> alphabets;
  local_alphabets(alphabets);
  for (const auto& [n, a] : environment_.alphabets) alphabets.push_back(a);
  for (const auto& [n, a] : environment_.algebras) alphabets.push_back(a.blocks);
  for (const AlphabetPtr& a : alphabets)
    if (const std::int64_t code = a->find(name)) {
      Sym s = known(Scalar::integer(code));
      s.labels = a;
      s.known->labels = a;
      s.label_name = name;
      return s;
    }
  if (lenient_names_) {
    // Some label of a latent whose labels are just being found out.
    Sym s = known(Scalar::integer(1));
    s.label_name = name;
    return s;
  }
  unknown_name(name, span, "name");
}

Sym Lowerer::membership(const Sym& value, const ast::Expr& set, SourceSpan span) {
  const auto any_of = [&](const std::vector<Sym>& options) {
    Sym r = known(Scalar::boolean(false));
    for (const Sym& o : options) r = apply(Op::logical_or, {r, equal(value, o, span)}, span);
    return r;
  };
  if (const auto* s = std::get_if<ast::Set>(&set.node)) {
    std::vector<Sym> options;
    for (const auto& element : s->elements) options.push_back(eval(*element));
    return any_of(options);
  }
  if (const auto* n = std::get_if<ast::NameRef>(&set.node);
      n != nullptr && value.labels && find_local(n->text) == nullptr) {
    for (const auto& [name, algebra] : environment_.algebras)
      if (const std::int64_t block = algebra.blocks->find(n->text))
        if (const auto blocks = algebra.blocks_of(*value.labels)) {
          Sym r = known(Scalar::boolean(false));
          for (std::size_t t = 0; t < blocks->size(); ++t)
            if ((*blocks)[t] == block) {
              Sym token = known(Scalar::integer(static_cast<std::int64_t>(t) + 1));
              token.labels = value.labels;
              token.known->labels = value.labels;
              r = apply(Op::logical_or, {r, apply(Op::eq, {value, token}, span)}, span);
            }
          return r;
        }
  }
  if (const auto* a = std::get_if<ast::Array>(&set.node); a != nullptr && a->elements.size() == 2 && !value.labels) {
    const Sym low = eval(*a->elements[0]), high = eval(*a->elements[1]);
    return apply(Op::logical_and, {apply(Op::le, {low, value}, span), apply(Op::le, {value, high}, span)}, span);
  }
  if (const auto* r = std::get_if<ast::Range>(&set.node)) {
    const Sym low = eval(*r->low), high = eval(*r->high);
    return apply(Op::logical_and, {apply(Op::le, {low, value}, span), apply(Op::le, {value, high}, span)}, span);
  }
  const Sym array = eval(set);
  if (array.shape.size() != 1)
    raise_help<K::wrong_type>(set.span, "write a set `{a, b}`, an interval `[low, high]` or the name of a block",
                              "a set", describe(array));
  std::vector<Sym> options;
  for (std::int64_t i = 1; i <= array.shape[0]; ++i) {
    const ExprId at = module_->integer(i);
    options.push_back(sub(array, std::span(&at, 1)));
  }
  return any_of(options);
}

Sym Lowerer::eval_binary(const ast::Binary& b, SourceSpan span) {
  using B = ast::BinaryOp;
  if (b.op == B::logical_and || b.op == B::logical_or) {
    Sym left = boolean(eval(*b.left), b.left->span);
    if (left.is_known_scalar() && left.known->at(0).truth() == (b.op == B::logical_or)) return left;
    const bool guard = left.shape.empty() && !left.known;
    if (guard) guards_.emplace_back(expr(left), b.op == B::logical_and);
    Sym right = boolean(eval(*b.right), b.right->span);
    if (guard) guards_.pop_back();
    return apply(b.op == B::logical_and ? Op::logical_and : Op::logical_or, {std::move(left), std::move(right)}, span);
  }
  Sym left = eval(*b.left);
  if (b.op == B::in) return membership(left, *b.right, span);
  Sym right = eval(*b.right);
  if (b.op <= B::power) {
    demand_number(left, b.left->span);
    demand_number(right, b.right->span);
  }
  switch (b.op) {
    case B::add:
      return apply(Op::add, {left, right}, span);
    case B::subtract:
      return apply(Op::sub, {left, right}, span);
    case B::multiply:
      return apply(Op::mul, {left, right}, span);
    case B::divide:
      return apply(Op::div, {left, right}, span);
    case B::modulo:
      return apply(Op::modulo, {left, right}, span);
    case B::power:
      return apply(Op::pow, {left, right}, span);
    case B::equal:
      return equal(left, right, span);
    case B::not_equal:
      return apply(Op::logical_not, {equal(left, right, span)}, span);
    case B::less:
    case B::less_equal:
    case B::greater:
    case B::greater_equal: {
      if (left.labels || right.labels) raise<K::label_arithmetic>(b.op_span, "put in order");
      const bool swap = b.op == B::greater || b.op == B::greater_equal;
      const Op op = b.op == B::less || b.op == B::greater ? Op::lt : Op::le;
      return swap ? apply(op, {right, left}, span) : apply(op, {left, right}, span);
    }
    case B::matmul: {
      const std::size_t l = left.shape.size(), r = right.shape.size();
      if (l < 1 || l > 2 || r < 1 || r > 2 || left.shape.back() != right.shape.front())
        raise<K::shape_mismatch>(b.op_span, shape_text(left.shape), shape_text(right.shape));
      Sym result;
      result.type =
          left.type == ScalarType::real || right.type == ScalarType::real ? ScalarType::real : ScalarType::integer;
      if (l == 2) result.shape.push_back(left.shape[0]);
      if (r == 2) result.shape.push_back(right.shape[1]);
      element_count(result.shape, span);
      const std::int64_t inner = right.shape.front();
      auto build = [this, left, right, l, r, inner](std::span<const ExprId> at) {
        const ir::IndexId k = module_->add_index("k", 1, inner);
        const ExprId kv = module_->index_value(k);
        const std::array<ExprId, 2> la{l == 2 ? at[0] : kv, kv};
        const std::array<ExprId, 2> ra{kv, r == 2 ? at[at.size() - 1] : kv};
        const ExprId p =
            module_->prim(Op::mul, {element(left, std::span(la).first(l)), element(right, std::span(ra).first(r))});
        return module_->reduce(ir::Reduction::sum, k, p);
      };
      if (result.shape.empty()) {
        result = scalar(build({}));
      } else {
        result.element = build;
      }
      if (left.known && right.known)
        if (auto v = materialise(result)) return known(*std::move(v));
      return result;
    }
    case B::in:
    case B::logical_and:
    case B::logical_or:
      break;
  }
  raise<K::internal_error>(b.op_span, "an operator without a meaning");
}

Sym Lowerer::eval_index(const ast::Index& ix, SourceSpan span) {
  Sym base = eval(*ix.base);
  if (base.other) raise<K::wrong_type>(ix.base->span, "an array", describe(base));
  if (ix.arguments.size() > base.shape.size()) raise<K::too_many_indices>(span, ix.arguments.size(), base.shape.size());
  // Scalars fix a dimension; ranges and index arrays keep one.
  std::vector<Sym> at;
  std::vector<std::int64_t> shape;
  for (std::size_t d = 0; d < ix.arguments.size(); ++d) {
    Sym s = eval(*ix.arguments[d]);
    const SourceSpan where = ix.arguments[d]->span;
    if (d + 1 == base.shape.size() && base.keys && s.labels) s = as_label_of(std::move(s), base.keys, where);
    if (s.other || s.type != ScalarType::integer || s.shape.size() > 1)
      raise<K::wrong_type>(where, "an index (a whole number, a label or a range)", describe(s));
    for (const std::int64_t extent : s.shape) shape.push_back(extent);
    if (s.known)
      for (std::size_t i = 0; i < s.known->size(); ++i) {
        const std::int64_t v = s.known->at(i).i;
        if ((v < 1 || v > base.shape[d]) && guards_.empty() && !lenient_names_)
          raise_help<K::index_out_of_bounds>(where, v == 0 ? "indices start at 1" : "", v, base.shape[d]);
      }
    at.push_back(std::move(s));
  }
  for (std::size_t d = at.size(); d < base.shape.size(); ++d) shape.push_back(base.shape[d]);
  const bool fixed = std::all_of(at.begin(), at.end(), [](const Sym& i) { return i.is_known_scalar(); });
  if (base.known && fixed && guards_.empty() && !lenient_names_) {
    // Known numbers at known places, already checked against the bounds.
    std::vector<ExprId> index;
    for (const Sym& i : at) index.push_back(module_->integer(i.known->at(0).i));
    return sub(base, index);
  }
  std::vector<SourceSpan> spans;
  for (const auto& a : ix.arguments) spans.push_back(a->span);
  auto build = [this, base, at, spans](std::span<const ExprId> outer) {
    std::vector<ExprId> full;
    std::size_t used = 0;
    for (std::size_t d = 0; d < base.shape.size(); ++d) {
      if (d >= at.size()) {
        full.push_back(outer[used++]);
      } else {
        const ExprId i = at[d].shape.empty() ? element(at[d], {}) : element(at[d], outer.subspan(used++, 1));
        full.push_back(bounded(i, base.shape[d], spans[d]));
      }
    }
    return element(base, full);
  };
  Sym r;
  r.type = base.type;
  r.labels = base.labels;
  r.keys = at.size() < base.shape.size() ? base.keys : nullptr;
  r.shape = shape;
  if (shape.empty()) return scalar(build({}), base.labels);
  r.element = build;
  const bool known_at = std::all_of(at.begin(), at.end(), [](const Sym& s) { return s.known.has_value(); });
  if (base.known && known_at && base.shape.size() == 1 && guards_.empty() && !lenient_names_)
    return known(gather(*base.known, *at[0].known->integers));
  if (base.known && known_at)
    if (auto v = materialise(r)) return known(*std::move(v));
  return r;
}

}  // namespace hearsay
