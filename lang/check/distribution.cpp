// Distributions behind `~`: their arguments, and the type of what they give. Declarations of distributions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/check/scope.h"
#include "lang/sema/foreign.h"
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

Type Checker::dist(const ast::DistExpr& d) {
  const Type t = dist(*d.distribution);
  if (d.truncation && !ordering(d.truncation)) restriction(*d.truncation, t);
  return t;
}

void Checker::restriction(const ast::Bounds& b, const Type& outcome) {
  if (!b.elements) {
    number(expr(*b.low), b.low->span);
    number(expr(*b.high), b.high->span);
    return;
  }
  const auto* set = std::get_if<ast::Set>(&b.elements->node);
  if (set == nullptr) {
    expr(*b.elements);
    return;
  }
  for (const auto& e : set->elements) {
    const auto* n = std::get_if<ast::NameRef>(&e->node);
    if (n != nullptr && outcome.base == Base::label && outcome.labels) {
      if (outcome.labels->find(n->text) == 0 && find(n->text) == nullptr) {
        const std::string near = nearest_name(n->text, outcome.labels->labels);
        report(
            diagnose<K::unknown_label>(e->span, n->text, fmt::format("{{{}}}", fmt::join(outcome.labels->labels, ", ")))
                .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
      }
    } else {
      expr(*e);
    }
  }
}

Type Checker::dist(const ast::Expr& e) {
  if (const auto* c = std::get_if<ast::Conditional>(&e.node)) {
    const Type condition = event(*c->condition);
    ++guards_;
    const Type a = dist(*c->then_value);
    if (c->then_range) restriction(*c->then_range, a);
    const Type b = dist(*c->else_value);
    --guards_;
    Type r =
        joined_shape({{condition, c->condition->span}, {a, c->then_value->span}, {b, c->else_value->span}}, e.span);
    if (!a.known() || !b.known()) {
      r.base = Base::unknown;
      return r;
    }
    const auto same_labels = [&] {
      if (!a.labels || !b.labels) return true;
      if (a.labels->labels.size() != b.labels->labels.size()) return false;
      return std::all_of(a.labels->labels.begin(), a.labels->labels.end(),
                         [&](const std::string& l) { return b.labels->find(l) != 0; });
    };
    const bool truths = (a.base == Base::boolean) != (b.base == Base::boolean);
    const bool labels = a.base == Base::label && b.base == Base::label && !same_labels() && !in_emission_;
    if (condition.latent && (truths || labels)) {
      const auto text = [](const Type& t) {
        return t.base == Base::label && t.labels ? fmt::format("{{{}}}", fmt::join(t.labels->labels, ", "))
               : t.base == Base::boolean         ? std::string("true or false")
                                                 : describe(Type::of(t.base));
      };
      report(diagnose<K::different_supports>(e.span, text(a), text(b)));
      return Type::anything();
    }
    r.base = a.base == b.base ? a.base : Base::unknown;
    r.labels = a.labels;
    r.outcome_rank = a.outcome_rank;
    if (a.base == Base::label && (in_emission_ || !same_labels())) r.labels = nullptr;
    return r;
  }
  const auto* c = std::get_if<ast::Call>(&e.node);
  const auto* n = std::get_if<ast::NameRef>(&e.node);
  if (c == nullptr && n == nullptr) return Type::anything();  // the grammar has said so already
  const std::string& f = c != nullptr ? c->callee.text : n->text;
  const auto at = environment_.distributions.find(f);
  if (at != environment_.distributions.end()) return dist_call(*at->second, c, e.span);
  std::vector<std::string> names;
  for (const auto& [name, d] : environment_.distributions) names.push_back(name);
  unknown(f, c != nullptr ? c->callee.span : e.span, "distribution", names, foreign_distribution_help(f, names));
  if (c != nullptr)
    for (const ast::Argument& a : c->arguments) expr(*a.value);
  return Type::anything();
}

Type Checker::dist_call(const ast::DistDecl& d, const ast::Call* call, SourceSpan span) {
  const auto& parameters = d.parameters;
  std::vector<const ast::Expr*> given(parameters.size(), nullptr);
  std::size_t positional = 0;
  const std::size_t count = call != nullptr ? call->arguments.size() : 0;
  bool fits = true;
  for (std::size_t i = 0; i < count; ++i) {
    const ast::Argument& a = call->arguments[i];
    std::size_t slot = positional;
    if (a.name) {
      slot = 0;
      while (slot < parameters.size() && parameters[slot].name.text != a.name->text) ++slot;
      if (slot == parameters.size()) {
        std::vector<std::string> names;
        for (const auto& p : parameters) names.push_back(p.name.text);
        const std::string near = nearest_name(a.name->text, names);
        report(diagnose<K::unknown_argument>(a.name->span, d.name.text, a.name->text)
                   .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
        fits = false;
        continue;
      }
    } else {
      ++positional;
    }
    if (slot >= parameters.size()) {
      report(diagnose<K::wrong_argument_count>(
          span, d.name.text, parameters.size() == 1 ? "one argument" : fmt::format("{} arguments", parameters.size()),
          count));
      fits = false;
      break;
    }
    given[slot] = a.value.get();
  }
  Type r = Type::of(Base::real);
  const std::string& over = d.over.base.text;
  if (over == "bool") r.base = Base::boolean;
  if (over == "int") r.base = Base::integer;
  if (over == "scalar") r.base = Base::unknown;
  std::vector<std::pair<Type, SourceSpan>> lifted;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (given[i] == nullptr) {
      if (fits) report(diagnose<K::missing_argument>(span, d.name.text, parameters[i].name.text));
      fits = false;
      continue;
    }
    Type t = expr(*given[i]);
    parameter(d, parameters[i], t, *given[i]);
    if (parameters[i].type.base.text == "simplex" && t.keys) {
      r.base = Base::label;
      r.labels = t.keys;
    }
    if (over == "scalar") {
      r.base = t.base;
      r.labels = t.labels;
    }
    const std::size_t rank = sizes(parameters[i].type).size();
    if (t.ranked && t.dims.size() >= rank)
      t.dims.resize(t.dims.size() - rank);
    else
      t = Type::anything();
    lifted.emplace_back(std::move(t), given[i]->span);
  }
  const Type shape = joined_shape(lifted, span);
  r.ranked = shape.ranked;
  r.dims = shape.dims;
  r.outcome_rank = sizes(d.over).size();
  if (!fits) return Type::anything();
  return r;
}

/// What the declared type of a parameter demands of its argument.
void Checker::parameter(const ast::DistDecl& d, const ast::Parameter& p, const Type& t, const ast::Expr& argument) {
  const std::string& type = p.type.base.text;
  if (!t.known()) return;
  if (t.base == Base::text || t.base == Base::record || t.base == Base::object) {
    report(diagnose<K::wrong_type>(argument.span, "numbers", describe(t)));
    return;
  }
  if (t.ranked && t.dims.size() < sizes(p.type).size()) {
    report(diagnose<K::wrong_type>(argument.span, fmt::format("`{}` of `{}` to be an array", p.name.text, d.name.text),
                                   "a single value"));
    return;
  }
  if (type == "scalar") return;
  if (type == "bool") {
    if (t.base != Base::boolean) report(diagnose<K::wrong_type>(argument.span, "true or false", describe(t)));
    return;
  }
  if (!number(t, argument.span)) return;
  const auto bad = [&](std::string_view text, const std::string& found) {
    if (guards_ == 0) report(diagnose<K::invalid_parameter>(argument.span, p.name.text, d.name.text, text, found));
  };
  if (type == "int" && t.base == Base::real) bad("a whole number", "real");
  if (!t.value) return;
  const std::string found = fmt::format("{}", *t.value);
  if (type == "positive" && !(*t.value > 0)) bad("positive", found);
  if (type == "nonnegative" && !(*t.value >= 0)) bad("0 or more", found);
  if (type == "unit" && !(*t.value >= 0 && *t.value <= 1)) bad("between 0 and 1", found);
}

void Checker::distribution(const ast::DistDecl& d) {
  const Scope scope(*this, true);
  // Sizes first: bounds may name those of a later parameter.
  for (const ast::Parameter& p : d.parameters)
    for (const ast::Expr* size : sizes(p.type))
      if (const auto* n = std::get_if<ast::NameRef>(&size->node);
          n != nullptr && find(n->text) == nullptr && !environment_.values.contains(n->text))
        define(n->text, Type::of(Base::integer));
  for (const ast::Parameter& p : d.parameters) {
    new_name(p.name);
    Type t = declared_type(p.type, true);
    if (p.type.base.text == "scalar") t = Type::anything();
    define(p.name.text, std::move(t));
  }
  Type x = declared_type(d.over, false);
  if (d.over.bounds && d.over.bounds->elements) expr(*d.over.bounds->elements);
  if (d.over.base.text == "scalar") x = Type::anything();
  bool density = false;
  for (const ast::DistDecl::Member& m : d.members) {
    static const std::map<std::string, std::size_t, std::less<>> members{
        {"logp", 1}, {"logp_at", 1}, {"cdf", 1}, {"sample", 0}};
    const auto at = members.find(m.name.text);
    if (at == members.end()) continue;  // documentation and check values
    density = density || m.name.text.starts_with("logp");
    if (m.arguments.size() != at->second) {
      report(diagnose<K::bad_member>(
          m.name.span, d.name.text,
          fmt::format("`{}` takes {}", m.name.text, at->second == 1 ? "one argument, the outcome" : "no argument")));
      continue;
    }
    const Scope inner(*this);
    // `cdf` is also asked between the values of a discrete distribution.
    if (at->second == 1)
      define(m.arguments[0].text, m.name.text == "logp_at" ? Type::of(Base::integer)
                                  : m.name.text == "cdf"   ? Type::of(Base::real)
                                                           : x);
    const Type body = expr(*m.value);
    if (m.name.text != "sample" && number(body, m.value->span) && body.array())
      report(diagnose<K::wrong_type>(m.value->span, "one number", describe(body)));
  }
  if (!density) report(diagnose<K::bad_member>(d.name.span, d.name.text, "has no `logp(x) = …;`"));
}

}  // namespace hearsay::check
