// Distributions as they are written: declarations applied, chosen between, lifted over plates.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/foreign.h"
#include "lang/sema/lowerer.h"
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

SourceSpan DistInstance::key_span(const std::string& key) const {
  const std::int64_t code = keys ? keys->find(key) : 0;
  return code > 0 && static_cast<std::size_t>(code) <= key_spans.size() ? key_spans[static_cast<std::size_t>(code - 1)]
                                                                        : span;
}

DistInstance Lowerer::distribution(const ast::DistExpr& d) {
  DistInstance r = distribution(*d.distribution);
  if (d.truncation) restrict_to(r, *d.truncation);
  return r;
}

DistInstance Lowerer::distribution(const ast::Expr& e) {
  if (const auto* c = std::get_if<ast::Conditional>(&e.node)) {
    const Sym condition = boolean(eval(*c->condition), c->condition->span);
    const auto first = [&] {
      DistInstance side = distribution(*c->then_value);
      if (c->then_range) restrict_to(side, *c->then_range);
      return side;
    };
    if (condition.is_known_scalar()) return condition.known->at(0).truth() ? first() : distribution(*c->else_value);
    DistInstance d;
    d.span = e.span;
    d.condition = condition;
    const ExprId guard = condition.shape.empty() ? expr(condition) : module_->boolean(true);
    guards_.emplace_back(guard, true);
    d.then_dist = std::make_shared<const DistInstance>(first());
    guards_.back().second = false;
    d.else_dist = std::make_shared<const DistInstance>(distribution(*c->else_value));
    guards_.pop_back();
    d.keys = d.then_dist->keys ? d.then_dist->keys : d.else_dist->keys;
    return d;
  }
  const auto* call = std::get_if<ast::Call>(&e.node);
  const auto* name = std::get_if<ast::NameRef>(&e.node);
  // The grammar has said so already.
  if (call == nullptr && name == nullptr)
    throw Failure{diagnose<K::wrong_type>(e.span, "a distribution", "an expression"), true};
  const std::string& f = call != nullptr ? call->callee.text : name->text;
  const auto at = environment_.distributions.find(f);
  if (at == environment_.distributions.end()) {
    std::vector<std::string> names;
    for (const auto& [n, d] : environment_.distributions) names.push_back(n);
    std::string help = foreign_distribution_help(f, names);
    if (const std::string near = nearest_name(f, names); help.empty() && !near.empty())
      help = fmt::format("did you mean `{}`?", near);
    raise_help<K::unknown_name>(call != nullptr ? call->callee.span : e.span, help, "distribution", f);
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
      raise<K::wrong_argument_count>(
          e.span, f, parameters.size() == 1 ? "one argument" : fmt::format("{} arguments", parameters.size()), count);
    given[slot] = a.value.get();
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (given[i] == nullptr) raise<K::missing_argument>(e.span, f, parameters[i].name.text);
    Sym s = eval(*given[i]);
    if (s.other) raise<K::wrong_type>(given[i]->span, "numbers", "something else");
    const std::string& type = parameters[i].type.base.text;
    const std::size_t rank = sizes(parameters[i].type).size();
    if (s.shape.size() < rank)
      raise<K::wrong_type>(given[i]->span, fmt::format("`{}` of `{}` to be an array", parameters[i].name.text, f),
                           "a single value");
    if (s.labels && type != "scalar") raise<K::label_arithmetic>(given[i]->span, "used as numbers");
    if (s.type == ScalarType::boolean && type != "bool" && type != "scalar")
      raise_help<K::wrong_type>(given[i]->span, "`if c then 1 else 0` makes a number of a truth", "a number",
                                describe(s));
    if (type == "simplex") {
      if (s.type != ScalarType::real) s = apply(Op::to_real, {s}, given[i]->span);
      if (std::holds_alternative<ast::LabelMap>(given[i]->node)) {
        for (const auto& entry : std::get<ast::LabelMap>(given[i]->node).entries)
          d.key_spans.push_back(entry.label.span);
        // Weights by label are normalised, as the language promises; vectors must already be simplexes, as in Stan.
        const AlphabetPtr keys = s.keys;
        if (s.known) {
          double sum = 0;
          for (std::size_t k = 0; k < s.known->size(); ++k) {
            const double w = s.known->at(k).as_real();
            if (!(w >= 0) || std::isinf(w))
              raise<K::invalid_parameter>(given[i]->span, parameters[i].name.text, f, "weights that are not negative",
                                          to_text(*s.known));
            sum += w;
          }
          if (std::isinf(sum)) {  // finite weights that overflow together: only their ratios matter
            double most = 0;
            for (std::size_t k = 0; k < s.known->size(); ++k) most = std::max(most, s.known->at(k).as_real());
            s = apply(Op::div, {s, known(Scalar::real(most))}, given[i]->span);
          }
          if (!(sum > 0))
            raise<K::invalid_parameter>(given[i]->span, parameters[i].name.text, f, "weights with a positive sum",
                                        to_text(*s.known));
        }
        s = apply(Op::div,
                  {s,
                   [&] {
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
      raise<K::shape_mismatch>(d.span, fmt::format("[{}]", fmt::join(shape, ", ")),
                               fmt::format("[{}]", fmt::join(s, ", ")));
    shape = s;
  };
  if (d.condition) {
    join(d.condition->shape);
    join(lifted_shape(*d.then_dist));
    join(lifted_shape(*d.else_dist));
  } else {
    for (std::size_t i = 0; i < d.arguments.size(); ++i) {
      const std::vector<std::int64_t>& s = d.arguments[i].shape;
      join({s.begin(), s.end() - static_cast<std::ptrdiff_t>(sizes(d.decl->parameters[i].type).size())});
    }
  }
  if (d.cut && !d.cut->is_set) {
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
      r.arguments[i] = lower(d.arguments[i], sizes(d.decl->parameters[i].type).size());
  }
  if (r.cut && !r.cut->is_set) {
    r.cut->low = lower(r.cut->low, 0);
    r.cut->high = lower(r.cut->high, 0);
  }
  return r;
}

void Lowerer::in_dist_scope(const DistInstance& d, const std::function<void()>& f) {
  if (std::find(calls_.begin(), calls_.end(), d.decl->name.text) != calls_.end())
    raise<K::recursion>(d.span, d.decl->name.text);
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

}  // namespace hearsay
