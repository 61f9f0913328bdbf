// Expressions: what is known is computed now, the rest becomes IR.
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

#include "lang/eval/evaluator.h"
#include "lang/eval/neumaier.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "a scalar" : fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string describe(const Sym& s) {
  if (s.other) {
    if (s.other->string()) return "a string";
    if (s.other->record()) return "a record";
    if (const auto o = s.other->object<Object>()) return "a " + o->kind();
    return "nothing";
  }
  std::string what = s.labels ? "labels of " + s.labels->name
                              : (s.type == ScalarType::boolean ? "bool" : s.type == ScalarType::integer ? "int" : "real");
  return s.shape.empty() ? what : what + shape_text(s.shape);
}

Scalar convert(Scalar v, ScalarType to) {
  if (v.type == to) return v;
  if (to == ScalarType::real) return Scalar::real(v.as_real());
  return {to, v.i, 0};
}

/// The type to which operands of `op` are brought before it is applied.
ScalarType operand_type(Op op, std::span<const Sym> operands) {
  switch (info(op).typing) {
    case Typing::real_only: return ScalarType::real;
    case Typing::integers: return ScalarType::integer;
    case Typing::logic: return ScalarType::boolean;
    case Typing::to_real:
    case Typing::to_integer: return operands[0].type;
    case Typing::arithmetic:
    case Typing::compare: break;
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

Lowerer::Lowerer(const Environment& environment, std::shared_ptr<ir::Module> module)
    : environment_(environment), module_(std::move(module)), scopes_(1) {}

Lowerer::ScopeGuard::ScopeGuard(Lowerer& o, bool opaque)
    : owner(o), depth(o.scopes_.size()), floor(o.scope_floor_) {
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

// ---------------------------------------------------------------- building blocks

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
      v.integers = std::make_shared<const std::vector<std::int64_t>>(v.integers->begin() + from, v.integers->begin() + to);
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
  if (info(op).typing == Typing::arithmetic || info(op).typing == Typing::real_only || info(op).typing == Typing::integers)
    for (const Sym& s : operands)
      if (s.type == ScalarType::boolean)
        raise_help<K::wrong_type>(span, "`if c then 1 else 0` makes a number of a truth, and `sum(…)` counts them", "numbers", describe(s));
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
      for (std::size_t k = 0; k < operands.size(); ++k)
        at[k] = convert(operands[k].known->at(operands[k].shape.empty() ? 0 : i), common);
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
  if (a.other || b.other) raise<K::wrong_type>(span, "numbers on both sides of a choice on a latent", describe(a.other ? a : b));
  Sym x = a, y = b;
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
  std::vector<ir::IndexId> indices;
  std::vector<ExprId> at;
  std::size_t n = 1;
  for (const std::int64_t extent : s.shape) {
    indices.push_back(module_->add_index("k", 1, extent));
    at.push_back(module_->index_value(indices.back()));
    n *= static_cast<std::size_t>(extent);
  }
  const ExprId e = s.element(at);
  const ir::Dependence dep = ir::dependence(*module_, e);
  if (dep.on_latents()) return std::nullopt;
  for (const ir::IndexId i : dep.free_indices)
    if (std::find(indices.begin(), indices.end(), i) == indices.end()) return std::nullopt;
  eval::ReferenceEvaluator evaluator(*module_);
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
  try {
    for (std::size_t flat = 0; flat < n; ++flat) {
      std::size_t rest = flat;
      for (std::size_t d = s.shape.size(); d-- > 0;) {
        const auto extent = static_cast<std::size_t>(s.shape[d]);
        evaluator.set_index(indices[d], static_cast<std::int64_t>(rest % extent) + 1);
        rest /= extent;
      }
      const Scalar v = evaluator.value(e, {});
      if (s.type == ScalarType::real)
        reals.push_back(v.as_real());
      else
        integers.push_back(v.i);
    }
  } catch (const std::out_of_range&) {
    return std::nullopt;  // reported with its place by check_obligations
  }
  ArrayValue v = s.type == ScalarType::real ? ArrayValue::of(std::move(reals), s.shape)
                                            : ArrayValue::of(s.type, std::move(integers), s.shape);
  v.labels = s.labels;
  v.keys = s.keys;
  return v;
}

// ---------------------------------------------------------------- bounds of indices

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
      for (std::size_t i = 1; i < in.operands.size(); ++i) r = {std::min(r.low, arg(i).low), std::max(r.high, arg(i).high)};
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
    case ir::Opcode::reduce: break;
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
      const bool reached = std::all_of(decidable.begin(), decidable.end(), [&](const auto& g) {
        return evaluator.value(g.first, {}).truth() == g.second;
      });
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

// ---------------------------------------------------------------- evaluation

Sym Lowerer::eval(const ast::Expr& e) {
  const SourceSpan outer = std::exchange(here_, e.span);
  Sym s = eval_node(e);
  here_ = outer;
  return s;
}

Sym Lowerer::eval_node(const ast::Expr& e) {
  if (const auto* n = std::get_if<ast::Number>(&e.node))
    return known(n->is_integer ? Scalar::integer(n->integer) : Scalar::real(n->real));
  if (const auto* s = std::get_if<ast::String>(&e.node)) {
    Value v;
    v.data = s->value;
    return from_value(v);
  }
  if (const auto* b = std::get_if<ast::Boolean>(&e.node)) return known(Scalar::boolean(b->value));
  if (const auto* n = std::get_if<ast::NameRef>(&e.node)) return eval_name(n->text, e.span);
  if (const auto* u = std::get_if<ast::Unary>(&e.node)) {
    Sym s = eval(*u->operand);
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
    raise_help<K::no_such_field>(f->name.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), f->name.text,
                                 fmt::join(names, ", "));
  }
  if (const auto* c = std::get_if<ast::Call>(&e.node)) return eval_call(e, *c);
  if (const auto* a = std::get_if<ast::Array>(&e.node)) return eval_array(*a, e.span);
  if (const auto* c = std::get_if<ast::Comprehension>(&e.node))
    return from_binders(c->binders, [&] { return eval(*c->body); }, e.span);
  if (const auto* m = std::get_if<ast::LabelMap>(&e.node)) return eval_label_map(*m);
  if (const auto* r = std::get_if<ast::Range>(&e.node)) {
    const std::int64_t low = known_integer(eval(*r->low), r->low->span, "the start of a range");
    const std::int64_t high = known_integer(eval(*r->high), r->high->span, "the end of a range");
    std::vector<std::int64_t> v;
    for (std::int64_t i = low; i <= high; ++i) v.push_back(i);
    const auto n = static_cast<std::int64_t>(v.size());
    return known(ArrayValue::of(ScalarType::integer, std::move(v), {n}));
  }
  if (asker_)
    if (auto answer = asker_(e, *this)) return *std::move(answer);
  if (std::holds_alternative<ast::Set>(e.node))
    raise_help<K::wrong_type>(e.span, "a set stands behind `in`, as in `x in {a, b}`", "a value", "a set");
  raise<K::not_supported_yet>(e.span, "this expression here");
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
  const std::string near = nearest_name(name, names);
  raise_help<K::unknown_name>(span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), kind, name);
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
  if (const auto* n = std::get_if<ast::NameRef>(&set.node); n != nullptr && value.labels && find_local(n->text) == nullptr) {
    for (const auto& [name, algebra] : environment_.algebras)
      if (const std::int64_t block = algebra.blocks->find(n->text))
        if (const Algebra::Over* over = algebra.over(*value.labels)) {
          Sym r = known(Scalar::boolean(false));
          for (std::size_t t = 0; t < over->block_of.size(); ++t)
            if (over->block_of[t] == block) {
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
    raise_help<K::wrong_type>(set.span, "write a set `{a, b}`, an interval `[low, high]` or the name of a block", "a set",
                              describe(array));
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
  switch (b.op) {
    case B::add: return apply(Op::add, {left, right}, span);
    case B::subtract: return apply(Op::sub, {left, right}, span);
    case B::multiply: return apply(Op::mul, {left, right}, span);
    case B::divide: return apply(Op::div, {left, right}, span);
    case B::modulo: return apply(Op::modulo, {left, right}, span);
    case B::power: return apply(Op::pow, {left, right}, span);
    case B::equal: return equal(left, right, span);
    case B::not_equal: return apply(Op::logical_not, {equal(left, right, span)}, span);
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
      result.type = left.type == ScalarType::real || right.type == ScalarType::real ? ScalarType::real : ScalarType::integer;
      if (l == 2) result.shape.push_back(left.shape[0]);
      if (r == 2) result.shape.push_back(right.shape[1]);
      const std::int64_t inner = right.shape.front();
      auto build = [this, left, right, l, r, inner](std::span<const ExprId> at) {
        const ir::IndexId k = module_->add_index("k", 1, inner);
        const ExprId kv = module_->index_value(k);
        const std::array<ExprId, 2> la{l == 2 ? at[0] : kv, kv};
        const std::array<ExprId, 2> ra{kv, r == 2 ? at[at.size() - 1] : kv};
        const ExprId p = module_->prim(Op::mul, {element(left, std::span(la).first(l)), element(right, std::span(ra).first(r))});
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
    case B::logical_or: break;
  }
  raise<K::not_supported_yet>(b.op_span, "this operator");
}

Sym Lowerer::eval_index(const ast::Index& ix, SourceSpan span) {
  if (auto special = special_index(ix, span)) return *std::move(special);
  Sym base = eval(*ix.base);
  if (base.other) raise<K::wrong_type>(ix.base->span, "an array", describe(base));
  if (ix.arguments.size() > base.shape.size())
    raise<K::too_many_indices>(span, ix.arguments.size(), base.shape.size());
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
          raise<K::index_out_of_bounds>(where, v, base.shape[d]);
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
  if (base.known && known_at)
    if (auto v = materialise(r)) return known(*std::move(v));
  return r;
}

Sym Lowerer::eval_array(const ast::Array& a, SourceSpan span) {
  std::vector<Sym> elements;
  bool all_known = true;
  bool real = false, boolean = false, integer = false;
  for (const auto& e : a.elements) {
    Sym s = eval(*e);
    if (s.other) raise<K::wrong_type>(e->span, "a number or an array", describe(s));
    if (!elements.empty()) {
      if (s.shape != elements[0].shape) raise<K::shape_mismatch>(e->span, shape_text(elements[0].shape), shape_text(s.shape));
      if (elements[0].labels) s = as_label_of(std::move(s), elements[0].labels, e->span);
    }
    all_known = all_known && s.known.has_value();
    real = real || s.type == ScalarType::real;
    boolean = boolean || s.type == ScalarType::boolean;
    integer = integer || s.type == ScalarType::integer;
    elements.push_back(std::move(s));
  }
  if (boolean && (real || integer)) raise<K::wrong_type>(span, "elements of one type", "numbers mixed with true and false");
  const ScalarType type = real ? ScalarType::real : boolean ? ScalarType::boolean : integer ? ScalarType::integer : ScalarType::real;
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(elements.size())};
  if (!elements.empty()) shape.insert(shape.end(), elements[0].shape.begin(), elements[0].shape.end());
  const AlphabetPtr labels = elements.empty() ? nullptr : elements[0].labels;
  const AlphabetPtr keys = elements.empty() ? nullptr : elements[0].keys;
  if (all_known) {
    std::vector<double> reals;
    std::vector<std::int64_t> integers;
    for (const Sym& s : elements)
      for (std::size_t i = 0; i < s.known->size(); ++i) {
        const Scalar v = convert(s.known->at(i), type);
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
    if (const Scalar* c = module_->constant(at[0])) return module_->to_real(element(elements[static_cast<std::size_t>(c->i - 1)], {}));
    std::vector<ExprId> cells;
    for (const Sym& s : elements) cells.push_back(module_->to_real(element(s, {})));
    return module_->pick(at[0], cells);
  };
  return r;
}

/// `[body for binders]`: where everything is known the body is evaluated once per element; inside a model it is one expression
/// in the bound indices.
Sym Lowerer::from_binders(const std::vector<ast::Binder>& binders, const std::function<Sym()>& body, SourceSpan span) {
  std::vector<std::int64_t> lows, shape;
  for (const ast::Binder& b : binders) {
    lows.push_back(known_integer(eval(*b.low), b.low->span, "the start of a range"));
    const std::int64_t high = known_integer(eval(*b.high), b.high->span, "the end of a range");
    shape.push_back(std::max<std::int64_t>(0, high - lows.back() + 1));
  }
  const ScopeGuard scope(*this, false);
  if (!symbolic_context()) {
    std::size_t n = 1;
    for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
    std::vector<double> reals;
    std::vector<std::int64_t> integers;
    ScalarType type = ScalarType::integer;
    AlphabetPtr labels;
    std::vector<std::int64_t> inner;
    for (std::size_t flat = 0; flat < n; ++flat) {
      std::size_t rest = flat;
      for (std::size_t d = shape.size(); d-- > 0;) {
        const auto extent = static_cast<std::size_t>(shape[d]);
        define(binders[d].index.text, known(Scalar::integer(lows[d] + static_cast<std::int64_t>(rest % extent))));
        rest /= extent;
      }
      const Sym s = body();
      const auto v = materialise(s);
      if (!v) raise<K::wrong_type>(span, "numbers", describe(s));
      if (flat == 0) {
        inner = v->shape;
        type = v->type;
        labels = v->labels;
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
    return known(std::move(v));
  }
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

// ---------------------------------------------------------------- calls

namespace {

/// The same reductions on numbers, as the reference evaluator defines them.
Scalar reduce_known(ir::Reduction reduction, const ArrayValue& a) {
  const bool real = a.type == ScalarType::real;
  const auto fold = [&](Op op, Scalar start) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::array<Scalar, 2> pair{start, a.at(i)};
      start = hearsay::apply(op, pair);
    }
    return start;
  };
  switch (reduction) {
    case ir::Reduction::sum: {
      if (!real) return fold(Op::add, Scalar::integer(0));
      eval::Neumaier sum;
      for (const double v : *a.reals) sum.add(v);
      return Scalar::real(sum.total());
    }
    case ir::Reduction::product: return fold(Op::mul, real ? Scalar::real(1) : Scalar::integer(1));
    case ir::Reduction::minimum:
      return fold(Op::min, real ? Scalar::real(infinity) : Scalar::integer(std::numeric_limits<std::int64_t>::max()));
    case ir::Reduction::maximum:
      return fold(Op::max, real ? Scalar::real(-infinity) : Scalar::integer(std::numeric_limits<std::int64_t>::min()));
    case ir::Reduction::all: return fold(Op::logical_and, Scalar::boolean(true));
    case ir::Reduction::any: return fold(Op::logical_or, Scalar::boolean(false));
    case ir::Reduction::log_sum_exp: break;
  }
  Scalar r = Scalar::real(-infinity);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::array<Scalar, 2> pair{r, Scalar::real(a.at(i).as_real())};
    r = hearsay::apply(Op::log_add_exp, pair);
  }
  return r;
}

}  // namespace

Sym Lowerer::reduce_all(ir::Reduction reduction, const Sym& s, SourceSpan span) {
  if (s.other || s.shape.empty()) raise<K::wrong_type>(span, "an array", describe(s));
  if (s.known) return known(reduce_known(reduction, *s.known));
  std::vector<ir::IndexId> indices;
  std::vector<ExprId> at;
  for (const std::int64_t extent : s.shape) {
    indices.push_back(module_->add_index("k", 1, extent));
    at.push_back(module_->index_value(indices.back()));
  }
  ExprId e = element(s, at);
  if (reduction == ir::Reduction::log_sum_exp) e = module_->to_real(e);
  for (std::size_t d = indices.size(); d-- > 0;) e = module_->reduce(reduction, indices[d], e);
  return scalar(e);
}

std::optional<Sym> Lowerer::array_function(const ast::Call& call, std::vector<Sym>& a, SourceSpan span) {
  const std::string& f = call.callee.text;
  const auto one = [&] {
    if (a.size() != 1) raise<K::wrong_argument_count>(span, f, "one argument", a.size());
  };
  if (f == "sum" || f == "prod" || f == "log_sum_exp" || f == "all" || f == "any" || ((f == "min" || f == "max") && a.size() == 1)) {
    one();
    const bool logical = f == "all" || f == "any";
    if (logical && a[0].type != ScalarType::boolean) raise<K::wrong_type>(span, "true-or-false values", describe(a[0]));
    Sym x = a[0];
    if (f == "sum" && x.type == ScalarType::boolean) {  // counts
      const Sym b = x;
      x.type = ScalarType::integer;
      x.known.reset();
      x.element = [this, b](std::span<const ExprId> at) {
        return module_->select(element(b, at), module_->integer(1), module_->integer(0));
      };
    }
    if (!logical && x.labels) raise<K::label_arithmetic>(span, "added up");
    const ir::Reduction r = f == "sum"    ? ir::Reduction::sum
                            : f == "prod" ? ir::Reduction::product
                            : f == "all"  ? ir::Reduction::all
                            : f == "any"  ? ir::Reduction::any
                            : f == "min"  ? ir::Reduction::minimum
                            : f == "max"  ? ir::Reduction::maximum
                                          : ir::Reduction::log_sum_exp;
    Sym result = reduce_all(r, x, span);
    if (!result.known)
      if (auto v = materialise(result)) return known(*std::move(v));
    return result;
  }
  if (f == "mean") {
    one();
    std::int64_t n = 1;
    for (const std::int64_t extent : a[0].shape) n *= extent;
    return apply(Op::div, {reduce_all(ir::Reduction::sum, a[0], span), known(Scalar::integer(n))}, span);
  }
  if (f == "length" || f == "size") {
    one();
    if (a[0].other || a[0].shape.empty()) raise<K::wrong_type>(span, "an array", describe(a[0]));
    return known(Scalar::integer(a[0].shape[0]));
  }
  if (f == "softmax" || f == "normalize") {
    one();
    if (a[0].shape.size() != 1) raise<K::wrong_type>(span, "a vector", describe(a[0]));
    Sym x = f == "softmax" ? apply(Op::exp, {apply(Op::sub, {a[0], reduce_all(ir::Reduction::maximum, a[0], span)}, span)}, span) : a[0];
    x.keys = a[0].keys;
    Sym r = apply(Op::div, {x, reduce_all(ir::Reduction::sum, x, span)}, span);
    r.keys = a[0].keys;
    if (r.known) r.known->keys = a[0].keys;
    return r;
  }
  if (f == "dot") {
    if (a.size() != 2) raise<K::wrong_argument_count>(span, f, "two arguments", a.size());
    return reduce_all(ir::Reduction::sum, apply(Op::mul, {a[0], a[1]}, span), span);
  }
  if (f == "rep") {
    if (a.size() < 2) raise<K::wrong_argument_count>(span, f, "a value and sizes", a.size());
    Sym r = a[0];
    const Sym value = a[0];
    if (!value.is_scalar()) raise<K::wrong_type>(span, "a single value", describe(value));
    r.known.reset();
    r.shape.clear();
    for (std::size_t i = 1; i < a.size(); ++i) r.shape.push_back(known_integer(a[i], span, "a size"));
    r.element = [this, value](std::span<const ExprId>) { return element(value, {}); };
    if (value.known)
      if (auto v = materialise(r)) return known(*std::move(v));
    return r;
  }
  return std::nullopt;
}

/// The block of a token: `block(emit[3], Kind)`.
Sym Lowerer::block_of(const ast::Call& call, SourceSpan span) {
  const auto* name = call.arguments.size() == 2 ? std::get_if<ast::NameRef>(&call.arguments[1].value->node) : nullptr;
  const auto at = name == nullptr ? environment_.algebras.end() : environment_.algebras.find(name->text);
  if (at == environment_.algebras.end())
    raise_help<K::wrong_type>(span, "write `block(token, Algebra)`", "a token and the name of an algebra", "something else");
  const Sym x = eval(*call.arguments[0].value);
  const Algebra::Over* over = x.labels ? at->second.over(*x.labels) : nullptr;
  if (over == nullptr) raise<K::wrong_type>(call.arguments[0].value->span, "a token of an alphabet of " + name->text, describe(x));
  const auto n = static_cast<std::int64_t>(over->block_of.size());
  const Sym table = known(ArrayValue::of(ScalarType::integer, over->block_of, {n}));
  Sym r = x;
  r.labels = at->second.blocks;
  r.label_name.clear();
  if (x.known) {
    std::vector<std::int64_t> blocks;
    for (std::size_t i = 0; i < x.known->size(); ++i) blocks.push_back(over->block_of[static_cast<std::size_t>(x.known->at(i).i - 1)]);
    ArrayValue v = ArrayValue::of(ScalarType::integer, std::move(blocks), x.shape);
    v.labels = r.labels;
    return known(std::move(v));
  }
  const auto build = [this, x, table](std::span<const ExprId> index) {
    const ExprId code = element(x, index);
    return element(table, std::span(&code, 1));
  };
  if (x.shape.empty()) return scalar(build({}), r.labels);
  r.element = build;
  return r;
}

Sym Lowerer::eval_call(const ast::Expr& e, const ast::Call& call) {
  const std::string& f = call.callee.text;
  if (f == "block" && !environment_.functions.contains(f)) return block_of(call, e.span);
  if (auto special = special_call(e, call)) return *std::move(special);
  if (asker_)
    if (auto answer = asker_(e, *this)) return *std::move(answer);
  if (call.has_bar) unknown_name(f, call.callee.span, "question");
  std::vector<Sym> arguments;
  for (const ast::Argument& a : call.arguments) {
    if (a.name) raise<K::unknown_argument>(a.name->span, f, a.name->text);
    arguments.push_back(eval(*a.value));
  }
  if (const auto fn = environment_.functions.find(f); fn != environment_.functions.end())
    return call_function(*fn->second, std::move(arguments), e.span);
  if (auto r = array_function(call, arguments, e.span)) return *std::move(r);
  static const std::map<std::string, Op, std::less<>> spelled{
      {"logical_and", Op::logical_and}, {"logical_or", Op::logical_or}};
  if (const auto op = find_op(f); op && !spelled.contains(f)) {
    if (arguments.size() != info(*op).arity)
      raise<K::wrong_argument_count>(e.span, f, info(*op).arity == 1 ? "one argument" : fmt::format("{} arguments", info(*op).arity),
                                     arguments.size());
    return apply(*op, std::move(arguments), e.span);
  }
  if (environment_.distributions.contains(f))
    raise_help<K::wrong_type>(e.span, "distributions stand behind `~`", "a value", fmt::format("the distribution `{}`", f));
  if (environment_.models.contains(f))
    raise_help<K::wrong_type>(e.span, fmt::format("write `infer {}(…)` for its posterior", f), "a value",
                              fmt::format("the model `{}`", f));
  unknown_name(f, call.callee.span, "function");
}

void Lowerer::bind_parameters(const std::vector<ast::Parameter>& parameters, const std::vector<Sym>& arguments,
                              std::span<const SourceSpan> spans, const std::string& of) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ast::Parameter& p = parameters[i];
    const SourceSpan span = i < spans.size() ? spans[i] : here_;
    const Sym& s = arguments[i];
    const auto& dims = p.type.dims;
    const bool simplex_like = !s.other;
    if (simplex_like && s.shape.size() != dims.size())
      raise<K::wrong_type>(span, fmt::format("`{}` of `{}` to be {}", p.name.text, of,
                                             dims.empty() ? "a single value" : fmt::format("an array of {} dimensions", dims.size())),
                           describe(s));
    for (std::size_t d = 0; d < dims.size(); ++d) {
      // A size that is a new name is bound by the argument; otherwise it must agree.
      if (const auto* n = std::get_if<ast::NameRef>(&dims[d]->node); n != nullptr && find_local(n->text) == nullptr) {
        define(n->text, known(Scalar::integer(s.shape[d])));
        continue;
      }
      const std::int64_t size = known_integer(eval(*dims[d]), dims[d]->span, "a size");
      if (size != s.shape[d]) raise<K::shape_mismatch>(span, fmt::format("{} = {}", p.name.text, shape_text(s.shape)), size);
    }
    define(p.name.text, s);
  }
}

Sym Lowerer::call_function(const ast::FnDecl& fn, std::vector<Sym> arguments, SourceSpan span) {
  if (std::find(calls_.begin(), calls_.end(), fn.name.text) != calls_.end()) raise<K::recursion>(span, fn.name.text);
  if (arguments.size() != fn.parameters.size())
    raise<K::wrong_argument_count>(span, fn.name.text, fmt::format("{} arguments", fn.parameters.size()), arguments.size());
  const ScopeGuard scope(*this, true);
  here_ = span;
  bind_parameters(fn.parameters, arguments, {}, fn.name.text);
  calls_.push_back(fn.name.text);
  Sym r = eval(*fn.body);
  calls_.pop_back();
  return r;
}

}  // namespace hearsay
