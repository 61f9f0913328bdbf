// Distributions: declared in the language (stdlib or the user's script), applied, cut, chosen between, lifted over plates.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const ast::DistDecl::Member* member(const ast::DistDecl& d, std::string_view name) {
  for (const auto& m : d.members)
    if (m.name.text == name) return &m;
  return nullptr;
}

std::string support_text(const Support& s) {
  switch (s.kind) {
    case Support::Kind::boolean: return "true or false";
    case Support::Kind::integers: return fmt::format("{}..{}", s.low, s.high);
    case Support::Kind::labels: return fmt::format("{{{}}}", fmt::join(s.labels->labels, ", "));
    case Support::Kind::elements: return to_text(s.elements);
    case Support::Kind::reals: return fmt::format("reals in ({}, {})", s.real_low, s.real_high);
    case Support::Kind::whole_type: return "any value";
  }
  return "";
}

}  // namespace

std::int64_t Support::cardinality() const {
  switch (kind) {
    case Kind::boolean: return 2;
    case Kind::integers: return high - low + 1;
    case Kind::labels: return static_cast<std::int64_t>(labels->labels.size());
    case Kind::elements: return static_cast<std::int64_t>(elements.size());
    case Kind::reals:
    case Kind::whole_type: break;
  }
  return 0;
}

DistInstance Lowerer::distribution(const ast::DistExpr& d) {
  DistInstance r = distribution(*d.distribution);
  if (d.truncation) {
    if (d.truncation->elements) raise<K::not_supported_yet>(d.truncation->span, "restricting a distribution to a set");
    r.cut = DistInstance::Cut{eval(*d.truncation->low), eval(*d.truncation->high), d.truncation->low_open,
                              d.truncation->high_open, d.truncation->span};
  }
  return r;
}

DistInstance Lowerer::distribution(const ast::Expr& e) {
  if (const auto* c = std::get_if<ast::Conditional>(&e.node)) {
    const Sym condition = boolean(eval(*c->condition), c->condition->span);
    if (condition.is_known_scalar()) return distribution(condition.known->at(0).truth() ? *c->then_value : *c->else_value);
    DistInstance d;
    d.span = e.span;
    d.condition = condition;
    const ExprId guard = condition.shape.empty() ? expr(condition) : module_->boolean(true);
    guards_.emplace_back(guard, true);
    d.then_dist = std::make_shared<const DistInstance>(distribution(*c->then_value));
    guards_.back().second = false;
    d.else_dist = std::make_shared<const DistInstance>(distribution(*c->else_value));
    guards_.pop_back();
    d.keys = d.then_dist->keys ? d.then_dist->keys : d.else_dist->keys;
    return d;
  }
  const auto* call = std::get_if<ast::Call>(&e.node);
  const auto* name = std::get_if<ast::NameRef>(&e.node);
  // The grammar has said so already.
  if (call == nullptr && name == nullptr) throw Failure{diagnose<K::wrong_type>(e.span, "a distribution", "an expression"), true};
  const std::string& f = call != nullptr ? call->callee.text : name->text;
  const auto at = environment_.distributions.find(f);
  if (at == environment_.distributions.end()) {
    std::vector<std::string> names;
    for (const auto& [n, d] : environment_.distributions) names.push_back(n);
    const std::string near = nearest_name(f, names);
    raise_help<K::unknown_name>(call != nullptr ? call->callee.span : e.span,
                                near.empty() ? "" : fmt::format("did you mean `{}`?", near), "distribution", f);
  }
  DistInstance d;
  d.span = e.span;
  d.decl = at->second;
  const auto& parameters = d.decl->parameters;
  std::vector<const ast::Expr*> given(parameters.size(), nullptr);
  std::size_t positional = 0;
  const std::size_t count = call != nullptr ? call->arguments.size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ast::Argument& a = call->arguments[i];
    std::size_t slot = positional;
    if (a.name) {
      slot = 0;
      while (slot < parameters.size() && parameters[slot].name.text != a.name->text) ++slot;
      if (slot == parameters.size()) raise<K::unknown_argument>(a.name->span, f, a.name->text);
    } else {
      ++positional;
    }
    if (slot >= parameters.size())
      raise<K::wrong_argument_count>(e.span, f, parameters.size() == 1 ? "one argument" : fmt::format("{} arguments", parameters.size()),
                                     count);
    given[slot] = a.value.get();
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (given[i] == nullptr) raise<K::missing_argument>(e.span, f, parameters[i].name.text);
    Sym s = eval(*given[i]);
    if (s.other) raise<K::wrong_type>(given[i]->span, "numbers", "something else");
    const std::string& type = parameters[i].type.base.text;
    const std::size_t rank = parameters[i].type.dims.size();
    if (s.shape.size() < rank)
      raise<K::wrong_type>(given[i]->span, fmt::format("`{}` of `{}` to be an array", parameters[i].name.text, f), "a single value");
    if (s.labels && type != "scalar") raise<K::label_arithmetic>(given[i]->span, "used as numbers");
    if (type == "simplex") {
      if (s.type != ScalarType::real) s = apply(Op::to_real, {s}, given[i]->span);
      if (std::holds_alternative<ast::LabelMap>(given[i]->node)) {
        // Weights by label are normalised, as the language promises; vectors must already be simplexes, as in Stan.
        const AlphabetPtr keys = s.keys;
        if (s.known) {
          double sum = 0;
          for (std::size_t k = 0; k < s.known->size(); ++k) {
            const double w = s.known->at(k).as_real();
            if (!(w >= 0) || std::isinf(w))
              raise<K::invalid_parameter>(given[i]->span, parameters[i].name.text, f, "weights that are not negative", to_text(*s.known));
            sum += w;
          }
          if (!(sum > 0)) raise<K::invalid_parameter>(given[i]->span, parameters[i].name.text, f, "weights with a positive sum", to_text(*s.known));
        }
        s = apply(Op::div, {s, [&] {
                              Sym total = known(Scalar::real(0));
                              for (std::int64_t k = 1; k <= s.shape[0]; ++k) {
                                const ExprId at_k = module_->integer(k);
                                total = apply(Op::add, {total, sub(s, std::span(&at_k, 1))}, given[i]->span);
                              }
                              return total;
                            }()},
                  given[i]->span);
        s.keys = keys;
        if (s.known) s.known->keys = keys;
      }
      if (s.keys) d.keys = s.keys;
    }
    d.arguments.push_back(std::move(s));
    d.argument_spans.push_back(given[i]->span);
  }
  return d;
}

std::vector<std::int64_t> Lowerer::lifted_shape(const DistInstance& d) {
  std::vector<std::int64_t> shape;
  const auto join = [&](const std::vector<std::int64_t>& s) {
    if (s.empty()) return;
    if (!shape.empty() && shape != s)
      raise<K::shape_mismatch>(d.span, fmt::format("[{}]", fmt::join(shape, ", ")), fmt::format("[{}]", fmt::join(s, ", ")));
    shape = s;
  };
  if (d.condition) {
    join(d.condition->shape);
    join(lifted_shape(*d.then_dist));
    join(lifted_shape(*d.else_dist));
  } else {
    for (std::size_t i = 0; i < d.arguments.size(); ++i) {
      const std::vector<std::int64_t>& s = d.arguments[i].shape;
      join({s.begin(), s.end() - static_cast<std::ptrdiff_t>(d.decl->parameters[i].type.dims.size())});
    }
  }
  if (d.cut) {
    join(d.cut->low.shape);
    join(d.cut->high.shape);
  }
  return shape;
}

DistInstance Lowerer::at(const DistInstance& d, std::span<const ExprId> index) {
  DistInstance r = d;
  if (index.empty()) return r;
  const auto lower = [&](const Sym& s, std::size_t rank) { return s.shape.size() > rank ? sub(s, index) : s; };
  if (d.condition) {
    r.condition = lower(*d.condition, 0);
    r.then_dist = std::make_shared<const DistInstance>(at(*d.then_dist, index));
    r.else_dist = std::make_shared<const DistInstance>(at(*d.else_dist, index));
  } else {
    for (std::size_t i = 0; i < d.arguments.size(); ++i)
      r.arguments[i] = lower(d.arguments[i], d.decl->parameters[i].type.dims.size());
  }
  if (r.cut) {
    r.cut->low = lower(r.cut->low, 0);
    r.cut->high = lower(r.cut->high, 0);
  }
  return r;
}

void Lowerer::in_dist_scope(const DistInstance& d, const std::function<void()>& f) {
  if (std::find(calls_.begin(), calls_.end(), d.decl->name.text) != calls_.end()) raise<K::recursion>(d.span, d.decl->name.text);
  const ScopeGuard scope(*this, true);
  const SourceSpan outer = here_;
  const bool lenient = std::exchange(lenient_names_, false);
  here_ = d.span;
  bind_parameters(d.decl->parameters, d.arguments, d.argument_spans, d.decl->name.text);
  calls_.push_back(d.decl->name.text);
  f();
  calls_.pop_back();
  here_ = outer;
  lenient_names_ = lenient;
}

Support Lowerer::own_support(const DistInstance& d) {
  const ast::TypeExpr& over = d.decl->over;
  Support s;
  const std::string& base = over.base.text;
  if (!over.dims.empty() || base == "simplex" || base == "ordered" || base == "cov" || base == "cholesky_corr")
    raise<K::not_supported_yet>(d.span, "distributions over vectors and matrices");
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
      std::size_t rest = flat;
      for (std::size_t k = shape.size(); k-- > 0;) {
        index.insert(index.begin(), module_->integer(static_cast<std::int64_t>(rest % static_cast<std::size_t>(shape[k])) + 1));
        rest /= static_cast<std::size_t>(shape[k]);
      }
      scalar_dist = at(d, index);
      in_dist_scope(scalar_dist, [&] {
        const Sym value = eval(*e);
        if (const auto m = materialise(value); m && m->is_scalar()) {
          v = smallest ? std::min(v, m->at(0).as_real()) : std::max(v, m->at(0).as_real());
        } else if (value.is_scalar()) {
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
          raise<K::invalid_parameter>(d.span, "values", d.decl->name.text, "all different", to_text(values->at(i)) + ", twice");
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
  double low = -infinity, high = infinity;
  bool low_open = false, high_open = false;
  if (base == "positive" || base == "nonnegative" || base == "unit") low = 0;
  if (base == "unit") high = 1;
  if (over.bounds) {
    low = bound(over.bounds->low, true);
    high = bound(over.bounds->high, false);
    low_open = over.bounds->low_open;
    high_open = over.bounds->high_open;
  }
  if (base == "int") {
    if (std::isinf(low) || std::isinf(high))
      raise<K::not_supported_yet>(d.span, fmt::format("`{}` as a latent here: its values are not a finite set", d.decl->name.text));
    s.kind = Support::Kind::integers;
    s.low = static_cast<std::int64_t>(std::ceil(low)) + (low_open && low == std::ceil(low) ? 1 : 0);
    s.high = static_cast<std::int64_t>(std::floor(high)) - (high_open && high == std::floor(high) ? 1 : 0);
    if (s.high < s.low)
      raise<K::invalid_parameter>(d.span, "support", d.decl->name.text, "not empty", fmt::format("{}..{}", s.low, s.high));
    if (s.high - s.low >= (1 << 24))
      raise<K::not_supported_yet>(d.span, "finite supports of more than 2^24 values");
    if (d.keys && s.low == 1 && s.high == static_cast<std::int64_t>(d.keys->labels.size())) {
      s.kind = Support::Kind::labels;
      s.labels = d.keys;
    }
    return s;
  }
  s.kind = Support::Kind::reals;
  s.real_low = low;
  s.real_high = high;
  return s;
}

Support Lowerer::support(const DistInstance& d) {
  Support s;
  if (d.condition) {
    const Support a = support(*d.then_dist), b = support(*d.else_dist);
    const auto clash = [&] { raise<K::different_supports>(d.span, support_text(a), support_text(b)); };
    if (a.kind == Support::Kind::whole_type) {
      s = b;
    } else if (b.kind == Support::Kind::whole_type) {
      s = a;
    } else if (a.kind == b.kind) {
      s = a;
      switch (a.kind) {
        case Support::Kind::integers:
          s.low = std::min(a.low, b.low);
          s.high = std::max(a.high, b.high);
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
        case Support::Kind::whole_type: break;
      }
    } else if (a.kind == Support::Kind::labels && b.kind == Support::Kind::integers && b.low == 1 && b.high == a.cardinality()) {
      s = a;
    } else if (b.kind == Support::Kind::labels && a.kind == Support::Kind::integers && a.low == 1 && a.high == b.cardinality()) {
      s = b;
    } else {
      clash();
    }
  } else {
    s = own_support(d);
  }
  if (d.cut) {
    const auto end = [&](const Sym& v, bool low) {
      const auto m = materialise(v);
      if (!m) raise<K::not_known>(d.cut->span, "the range of a restricted distribution");
      double r = low ? infinity : -infinity;
      for (std::size_t i = 0; i < m->size(); ++i) r = low ? std::min(r, m->at(i).as_real()) : std::max(r, m->at(i).as_real());
      return r;
    };
    const double low = end(d.cut->low, true), high = end(d.cut->high, false);
    if (s.kind == Support::Kind::reals) {
      s.real_low = std::max(s.real_low, low);
      s.real_high = std::min(s.real_high, high);
      if (!(s.real_low < s.real_high))
        raise<K::invalid_parameter>(d.cut->span, "range", "in", "not empty", fmt::format("({}, {})", s.real_low, s.real_high));
    } else if (s.kind == Support::Kind::integers) {
      const double l = std::ceil(low) + (d.cut->low_open && low == std::ceil(low) ? 1 : 0);
      const double h = std::floor(high) - (d.cut->high_open && high == std::floor(high) ? 1 : 0);
      if (l > static_cast<double>(s.low)) s.low = static_cast<std::int64_t>(l);
      if (h < static_cast<double>(s.high)) s.high = static_cast<std::int64_t>(h);
      if (s.low > s.high) raise<K::invalid_parameter>(d.cut->span, "range", "in", "not empty", "empty");
    } else {
      raise<K::not_supported_yet>(d.cut->span, "restricting this kind of distribution");
    }
  }
  return s;
}

Sym Lowerer::decode(const Support& s, ExprId code) {
  switch (s.kind) {
    case Support::Kind::boolean: return scalar(module_->prim(Op::eq, {code, module_->integer(2)}));
    case Support::Kind::integers:
      return scalar(s.low == 1 ? code : module_->prim(Op::add, {code, module_->integer(s.low - 1)}));
    case Support::Kind::labels: return scalar(code, s.labels);
    case Support::Kind::elements: {
      Sym values = known(s.elements);
      return scalar(element(values, std::span(&code, 1)));
    }
    case Support::Kind::whole_type: return scalar(code, s.labels);
    case Support::Kind::reals: break;
  }
  return scalar(code);
}

Scalar Lowerer::decode(const Support& s, std::int64_t code) {
  switch (s.kind) {
    case Support::Kind::boolean: return Scalar::boolean(code == 2);
    case Support::Kind::integers: return Scalar::integer(code + s.low - 1);
    case Support::Kind::elements: return s.elements.at(static_cast<std::size_t>(code - 1));
    case Support::Kind::labels:
    case Support::Kind::whole_type:
    case Support::Kind::reals: break;
  }
  return Scalar::integer(code);
}

/// What the parameter types demand, as one condition; nothing when it is proved. Known violations are reported at once.
std::optional<ExprId> Lowerer::validity(const DistInstance& d) {
  if (d.condition) {
    const auto a = validity(*d.then_dist), b = validity(*d.else_dist);
    if (!a && !b) return std::nullopt;
    const ExprId yes = module_->boolean(true);
    return module_->select(expr(*d.condition), a.value_or(yes), b.value_or(yes));
  }
  std::optional<ExprId> all;
  const auto demand = [&](ExprId condition) { all = all ? module_->prim(Op::logical_and, {*all, condition}) : condition; };
  for (std::size_t i = 0; i < d.arguments.size(); ++i) {
    const ast::Parameter& p = d.decl->parameters[i];
    const Sym& s = d.arguments[i];
    const std::string& type = p.type.base.text;
    if (type == "scalar" || type == "bool") continue;
    double low = -infinity, high = infinity;
    bool low_open = false, high_open = false;
    std::string text = "finite";
    if (type == "positive") low = 0, low_open = true, text = "positive";
    if (type == "nonnegative") low = 0, text = "0 or more";
    if (type == "unit" || type == "simplex") low = 0, high = 1, text = type == "unit" ? "between 0 and 1" : "probabilities that sum to 1";
    if (p.type.bounds && !p.type.bounds->elements) {
      const auto end = [&](const ast::ExprPtr& e) {
        double v = 0;
        in_dist_scope(d, [&] { v = known_real(eval(*e), e->span, "a bound"); });
        return v;
      };
      low = end(p.type.bounds->low);
      high = end(p.type.bounds->high);
      low_open = p.type.bounds->low_open;
      high_open = p.type.bounds->high_open;
      text = fmt::format("in {}{}, {}{}", low_open ? '(' : '[', low, high, high_open ? ')' : ']');
    }
    if (type == "int" && s.type == ScalarType::real)
      raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, "a whole number", "real");
    const bool may_be_infinite = type == "real" && p.type.bounds;  // ends of an interval
    const auto fits = [&](double v) {
      return (low_open ? v > low : v >= low) && (high_open ? v < high : v <= high) && (may_be_infinite || std::isfinite(v));
    };
    if (const auto v = materialise(s)) {
      double sum = 0;
      for (std::size_t k = 0; k < v->size(); ++k) {
        const double x = v->at(k).as_real();
        sum += x;
        if (!fits(x)) raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, text, to_text(v->at(k)));
      }
      if (type == "simplex" && !(std::abs(sum - 1) <= 1e-8))
        throw Failure{diagnose<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, text,
                                                     fmt::format("{} with sum {}", to_text(*v), sum))
                          .with_help("`normalize(p)` divides by the sum; weights by label, `{a: 1, b: 3}`, are normalised for you")};
      continue;
    }
    // Not known: prove it from ranges, else ask for it at run time.
    std::vector<ir::IndexId> indices;
    std::vector<ExprId> at;
    for (const std::int64_t extent : s.shape) {
      indices.push_back(module_->add_index("k", 1, extent));
      at.push_back(module_->index_value(indices.back()));
    }
    const ExprId e = module_->to_real(element(s, at));
    const Interval r = range(e);
    // An open end that a continuous latent approaches but never reaches counts as kept.
    const bool proved = r.low >= low && r.high <= high && (!low_open || r.low > low || reaches_only_openly(e)) &&
                        (!high_open || r.high < high || reaches_only_openly(e));
    if (!proved) {
      ExprId ok = module_->boolean(true);
      if (std::isfinite(low))
        ok = module_->prim(low_open ? Op::lt : Op::le, {module_->real(low), e});
      if (std::isfinite(high)) {
        const ExprId below = module_->prim(high_open ? Op::lt : Op::le, {e, module_->real(high)});
        ok = std::isfinite(low) ? module_->prim(Op::logical_and, {ok, below}) : below;
      }
      for (std::size_t k = indices.size(); k-- > 0;) ok = module_->reduce(ir::Reduction::all, indices[k], ok);
      if (std::isfinite(low) || std::isfinite(high)) demand(ok);
    }
    if (type == "simplex" && !sums_to_one(e, indices)) {
      const ExprId sum = module_->reduce(ir::Reduction::sum, indices[0], e);
      const ExprId off = module_->prim(Op::abs, {module_->prim(Op::sub, {sum, module_->real(1)})});
      demand(module_->prim(Op::le, {off, module_->real(1e-8)}));
    }
  }
  return all;
}

/// True for a bare continuous latent: its support is open, its ends are never reached.
bool Lowerer::reaches_only_openly(ExprId e) const {
  const ir::Inst& in = module_->inst(e);
  return in.code == ir::Opcode::latent && !module_->latents[in.payload].finite;
}

/// Rows of a known table, or weights divided by their own sum.
bool Lowerer::sums_to_one(ExprId e, const std::vector<ir::IndexId>& indices) {
  const ir::Inst& in = module_->inst(e);
  if (in.code == ir::Opcode::data && indices.size() == 1 && in.operands.back() == module_->index_value(indices[0])) {
    const ir::Data& d = module_->data[in.payload];
    const auto n = static_cast<std::size_t>(d.shape.back());
    for (std::size_t row = 0; row + n <= static_cast<std::size_t>(d.size()); row += n) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) sum += d.at(row + k).as_real();
      if (!(std::abs(sum - 1) <= 1e-8)) return false;
    }
    return true;
  }
  if (in.code == ir::Opcode::prim && static_cast<Op>(in.payload) == Op::div) {
    // e = w[k] / total where total = w[1] + … + w[n], as weights by label are written.
    const auto& v = module_->index(indices[0]);
    const ExprId numerator = in.operands[0], denominator = in.operands[1];
    ExprId total = module_->real(0);
    for (std::int64_t k = v.low; k <= v.high; ++k) {
      ExprId w = ir::substitute(*module_, numerator, {{static_cast<std::uint32_t>(indices[0]), module_->integer(k)}});
      const ir::Inst& wi = module_->inst(w);
      if (wi.code == ir::Opcode::pick)
        if (const Scalar* c = module_->constant(wi.operands[0])) w = wi.operands[static_cast<std::size_t>(c->i)];
      total = module_->prim(Op::add, {total, w});
    }
    return total == denominator;
  }
  return false;
}

ExprId Lowerer::logp(const DistInstance& d, const Sym& outcome) {
  if (d.condition) {
    const ExprId c = expr(*d.condition);
    guards_.emplace_back(c, true);
    const ExprId a = logp(*d.then_dist, outcome);
    guards_.back().second = false;
    const ExprId b = logp(*d.else_dist, outcome);
    guards_.pop_back();
    ExprId r = module_->select(c, a, b);
    if (d.cut) raise<K::not_supported_yet>(d.cut->span, "restricting a choice between distributions; restrict each side");
    return r;
  }
  DistInstance aligned = d;
  if (d.keys && outcome.labels && d.keys->labels != outcome.labels->labels) {
    // The arguments name the outcomes in another order, or only some of them.
    std::vector<std::int64_t> position;
    for (const std::string& key : d.keys->labels)
      if (outcome.labels->find(key) == 0) {
        const std::string near = nearest_name(key, outcome.labels->labels);
        raise_help<K::unknown_label>(d.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), key,
                                     fmt::format("{{{}}}", fmt::join(outcome.labels->labels, ", ")));
      }
    for (const std::string& label : outcome.labels->labels) position.push_back(d.keys->find(label));
    for (Sym& s : aligned.arguments) {
      if (s.keys != d.keys) continue;
      const Sym source = s;
      std::vector<ExprId> values;
      Sym moved;
      moved.keys = outcome.labels;
      moved.shape = {static_cast<std::int64_t>(position.size())};
      for (const std::int64_t p : position) {
        const ExprId from = module_->integer(p);
        values.push_back(p == 0 ? module_->real(0) : module_->to_real(element(source, std::span(&from, 1))));
      }
      if (source.known) {
        std::vector<double> v;
        for (const std::int64_t p : position) v.push_back(p == 0 ? 0 : source.known->at(static_cast<std::size_t>(p - 1)).as_real());
        ArrayValue a = ArrayValue::of(std::move(v), moved.shape);
        a.keys = outcome.labels;
        s = known(std::move(a));
        continue;
      }
      moved.element = [this, values](std::span<const ExprId> at) {
        if (const Scalar* c = module_->constant(at[0])) return values[static_cast<std::size_t>(c->i - 1)];
        return module_->pick(at[0], values);
      };
      s = moved;
    }
  }
  ExprId result{};
  const std::string& base = d.decl->over.base.text;
  Sym x = outcome;
  if (base == "bool" && x.type != ScalarType::boolean)
    raise<K::outcome_type>(d.span, d.decl->name.text, "true or false", x.labels ? "a label" : "a number");
  if (base != "bool" && base != "scalar" && x.type == ScalarType::boolean)
    raise<K::outcome_type>(d.span, d.decl->name.text, "numbers", "true or false");
  if (base != "scalar" && x.labels && !(base == "int" && d.decl->members.size() > 0 && !d.arguments.empty() && !d.arguments[0].shape.empty()))
    raise<K::outcome_type>(d.span, d.decl->name.text, "numbers", "a label of " + x.labels->name);
  if (base == "int" && x.type == ScalarType::real) {
    const auto v = materialise(x);
    if (!v || v->at(0).r != std::floor(v->at(0).r)) raise<K::outcome_type>(d.span, d.decl->name.text, "whole numbers", "real");
    x = apply(Op::to_int, {x}, d.span);
  }
  in_dist_scope(aligned, [&] {
    const ast::DistDecl::Member* logp_at = member(*d.decl, "logp_at");
    const ast::DistDecl::Member* logp_of = member(*d.decl, "logp");
    if (logp_at != nullptr) {
      // Over listed elements: the log-weight of the k-th; of a value, the one that equals it.
      const Sym values = eval(*d.decl->over.bounds->elements);
      const ir::IndexId k = module_->add_index("k", 1, values.shape.at(0));
      const ExprId kv = module_->index_value(k);
      define(logp_at->arguments.at(0).text, scalar(kv));
      const ExprId weight = real_expr(eval(*logp_at->value));
      if (const auto code = code_of_element(x, values)) {
        result = ir::substitute(*module_, weight, {{static_cast<std::uint32_t>(k), *code}});
      } else {
        const Sym same = equal(x, sub(values, std::span(&kv, 1)), d.span);
        result = module_->reduce(ir::Reduction::log_sum_exp, k,
                                 module_->select(expr(same), weight, module_->real(-infinity)));
      }
      return;
    }
    if (logp_of == nullptr) raise<K::bad_member>(d.decl->name.span, d.decl->name.text, "has no `logp(x) = …;`");
    if (base == "int" && !d.decl->over.bounds) {
      define(logp_of->arguments.at(0).text, x);
      result = real_expr(eval(*logp_of->value));
      return;
    }
    // Outside its support a density is 0; proved inside where ranges allow.
    std::optional<ExprId> inside;
    if (base != "bool" && base != "scalar") {
      double low = -infinity, high = infinity;
      if (base == "positive" || base == "nonnegative" || base == "unit") low = 0;
      if (base == "unit") high = 1;
      const ExprId xe = module_->to_real(expr(x));
      const Interval r = range(xe);
      const auto need = [&](ExprId c) { inside = inside ? module_->prim(Op::logical_and, {*inside, c}) : c; };
      if (d.decl->over.bounds) {
        const Sym l = eval(*d.decl->over.bounds->low), h = eval(*d.decl->over.bounds->high);
        const ExprId le = real_expr(l), he = real_expr(h);
        const Interval lr = range(le), hr = range(he);
        if (!(r.low >= lr.high)) need(module_->prim(d.decl->over.bounds->low_open ? Op::lt : Op::le, {le, xe}));
        if (!(r.high <= hr.low)) need(module_->prim(d.decl->over.bounds->high_open ? Op::lt : Op::le, {xe, he}));
      } else {
        if (!(r.low >= low)) need(module_->prim(base == "positive" ? Op::lt : Op::le, {module_->real(low), xe}));
        if (!(r.high <= high)) need(module_->prim(Op::le, {xe, module_->real(high)}));
      }
    }
    if (inside && module_->constant(*inside) == nullptr) {
      Sym guarded = x;
      // Indexing by the outcome must stay inside even where the choice below discards it.
      guards_.emplace_back(*inside, true);
      define(logp_of->arguments.at(0).text, guarded);
      const ExprId body = real_expr(eval(*logp_of->value));
      guards_.pop_back();
      result = module_->select(*inside, body, module_->real(-infinity));
      return;
    }
    define(logp_of->arguments.at(0).text, x);
    result = real_expr(eval(*logp_of->value));
  });
  if (d.cut) {
    DistInstance whole = d;
    whole.cut.reset();
    const Support s = support(d);
    if (s.kind == Support::Kind::integers) {
      const ir::IndexId k = module_->add_index("k", s.low, s.high);
      const ExprId mass = module_->reduce(ir::Reduction::log_sum_exp, k, logp(whole, scalar(module_->index_value(k))));
      result = module_->prim(Op::sub, {result, mass});
    } else {
      const ExprId mass = interval_probability(whole, d.cut->low, d.cut->high);
      result = module_->prim(Op::sub, {result, module_->prim(Op::log, {mass})});
    }
    const ExprId xe = module_->to_real(expr(outcome));
    const Interval r = range(xe), l = range(real_expr(d.cut->low)), h = range(real_expr(d.cut->high));
    if (!(r.low >= l.high && r.high <= h.low)) {
      const ExprId inside = module_->prim(Op::logical_and, {module_->prim(Op::le, {real_expr(d.cut->low), xe}),
                                                            module_->prim(Op::le, {xe, real_expr(d.cut->high)})});
      result = module_->select(inside, result, module_->real(-infinity));
    }
  }
  return result;
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

ExprId Lowerer::interval_probability(const DistInstance& d, const Sym& low, const Sym& high) {
  if (d.condition) {
    const ExprId c = expr(*d.condition);
    return module_->select(c, interval_probability(*d.then_dist, low, high), interval_probability(*d.else_dist, low, high));
  }
  const ast::DistDecl::Member* cdf = member(*d.decl, "cdf");
  if (cdf == nullptr) raise<K::no_cdf>(d.span, d.decl->name.text, "for the probability of an interval");
  ExprId result{};
  in_dist_scope(d, [&] {
    const auto at = [&](const Sym& x) {
      // Beyond its support the cdf is 0 or 1 whatever the formula says there.
      define(cdf->arguments.at(0).text, x);
      return real_expr(eval(*cdf->value));
    };
    const Support s = own_support(d);
    const auto bound = [&](const Sym& x, bool is_low) {
      const ExprId e = real_expr(x);
      const Interval r = range(e);
      const double support_low = s.kind == Support::Kind::integers ? static_cast<double>(s.low) : s.real_low;
      const double support_high = s.kind == Support::Kind::integers ? static_cast<double>(s.high) : s.real_high;
      if (r.high <= support_low && is_low && s.kind == Support::Kind::reals) return module_->real(0);
      if (r.low >= support_high && !is_low) return module_->real(1);
      if (is_low && s.kind == Support::Kind::integers) {
        const Sym below = apply(Op::sub, {apply(Op::ceil, {x}, d.span), known(Scalar::real(1))}, d.span);
        return module_->select(module_->prim(Op::lt, {real_expr(below), module_->real(support_low)}), module_->real(0), at(below));
      }
      ExprId v = at(x);
      if (r.low < support_low) v = module_->select(module_->prim(Op::le, {e, module_->real(support_low)}), module_->real(0), v);
      if (r.high > support_high) v = module_->select(module_->prim(Op::le, {module_->real(support_high), e}), module_->real(1), v);
      return v;
    };
    result = module_->prim(Op::sub, {bound(high, false), bound(low, true)});
  });
  return result;
}

Scalar Lowerer::sample(const DistInstance& d, const Randomness& random) {
  if (d.condition) {
    const auto c = materialise(*d.condition);
    if (!c) raise<K::not_known>(d.span, "the choice of a distribution that is drawn from");
    return sample(c->at(0).truth() ? *d.then_dist : *d.else_dist, random);
  }
  Support s = support(d);
  if (s.kind == Support::Kind::whole_type) {  // point(v): v itself
    const auto v = materialise(d.arguments.at(0));
    if (!v) raise<K::not_known>(d.span, "what is drawn from");
    return v->at(0);
  }
  if (s.finite()) {
    std::vector<double> log_weight;
    double most = -infinity;
    for (std::int64_t c = 1; c <= s.cardinality(); ++c) {
      Sym x = known(decode(s, c));
      x.labels = s.labels;
      x.known->labels = s.labels;
      const auto l = materialise(scalar(logp(d, x)));
      if (!l) raise<K::not_known>(d.span, "what is drawn from");
      log_weight.push_back(l->at(0).r);
      most = std::max(most, l->at(0).r);
    }
    double total = 0;
    for (double& l : log_weight) total += (l = std::exp(l - most));
    double u = random("uniform", 0) * total;
    std::int64_t last = 1;
    for (std::int64_t c = 1; c <= s.cardinality(); ++c) {
      const double w = log_weight[static_cast<std::size_t>(c - 1)];
      if (w > 0) last = c;
      if (u < w) return decode(s, c);
      u -= w;
    }
    return decode(s, last);
  }
  const ast::DistDecl::Member* sampler = member(*d.decl, "sample");
  if (sampler == nullptr) raise<K::bad_member>(d.span, d.decl->name.text, "has no `sample = …;`");
  for (int attempt = 0; attempt < 100000; ++attempt) {
    Scalar drawn;
    in_dist_scope(d, [&] {
      const Asker outer = std::exchange(asker_, [&](const ast::Expr& e, Lowerer&) -> std::optional<Sym> {
        const auto* call = std::get_if<ast::Call>(&e.node);
        if (call == nullptr) return std::nullopt;
        const std::string& f = call->callee.text;
        if (f == "std_uniform") return known(Scalar::real(random("uniform", 0)));
        if (f == "std_normal") return known(Scalar::real(random("normal", 0)));
        if (f == "std_exponential") return known(Scalar::real(random("exponential", 0)));
        if (f == "std_gamma" && call->arguments.size() == 1) {
          const ast::Expr& shape = *call->arguments[0].value;
          return known(Scalar::real(random("gamma", known_real(eval(shape), shape.span, "a shape"))));
        }
        return std::nullopt;
      });
      const Sym v = eval(*sampler->value);
      asker_ = outer;
      const auto m = materialise(v);
      if (!m) raise<K::not_known>(d.span, "what is drawn from");
      drawn = m->at(0);
    });
    if (!d.cut) return drawn;
    if (drawn.as_real() >= s.real_low && drawn.as_real() <= s.real_high) return drawn;
  }
  raise<K::not_supported_yet>(d.span, "drawing from a range of so little probability");
}

}  // namespace hearsay
