// Calls: functions of arrays, primitives, functions of the script, images of maps. Declarations of functions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/builtins/ops.h"
#include "lang/check/scope.h"
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

Type Checker::call(const ast::Expr& e, const ast::Call& c) {
  const std::string& f = c.callee.text;
  const bool own = environment_.functions.contains(f);
  if (f == "block" && !own) return block_of(c, e.span);
  if (in_model_ && environment_.maps.contains(f)) {
    if (c.arguments.size() == 1)
      image(*environment_.maps.at(f), *c.arguments[0].value);
    else
      report(diagnose<K::wrong_argument_count>(e.span, f, "one event", c.arguments.size()));
    Type t = Type::of(Base::boolean);
    t.latent = true;
    return t;
  }
  if (!own && questions_)
    if (auto answer = questions_(e, *this)) return *std::move(answer);
  std::vector<std::pair<Type, SourceSpan>> arguments;
  const bool known = own || outside_.declared.contains(f) || find_op(f).has_value();
  for (const ast::Argument& a : c.arguments) {
    if (a.name && known && !outside_.declared.contains(f))
      report(diagnose<K::unknown_argument>(a.name->span, f, a.name->text));
    arguments.emplace_back(expr(*a.value), a.value->span);
  }
  if (own) {
    const ast::FnDecl& fn = *environment_.functions.at(f);
    if (f == function_) {
      report(diagnose<K::recursion>(e.span, f));
      return Type::anything();
    }
    if (arguments.size() != fn.parameters.size()) {
      report(diagnose<K::wrong_argument_count>(e.span, f, fmt::format("{} arguments", fn.parameters.size()),
                                               arguments.size()));
      return Type::anything();
    }
    Type r;
    {
      const Muted quiet(*this);  // what is wrong with it was said where it is declared
      const Scope scope(*this, true);
      r = declared_type(fn.result, true);
    }
    for (auto& d : r.dims) d.reset();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const auto& [t, span] = arguments[i];
      r.latent = r.latent || t.latent;
      const std::size_t rank = sizes(fn.parameters[i].type).size();
      if (t.ranked && t.known() && t.dims.size() != rank)
        report(diagnose<K::wrong_type>(
            span,
            fmt::format("`{}` of `{}` to be {}", fn.parameters[i].name.text, f,
                        rank == 0 ? "a single value" : fmt::format("an array of {} dimensions", rank)),
            describe(t)));
    }
    return r;
  }
  if (auto r = array_function(c, arguments, e.span)) return *std::move(r);
  if (find_op(f) && f != "logical_and" && f != "logical_or") return apply_op(c, arguments, e.span);
  if (environment_.distributions.contains(f)) {
    report(diagnose<K::wrong_type>(e.span, "a value", fmt::format("the distribution `{}`", f))
               .with_help("distributions stand behind `~`"));
    return Type::anything();
  }
  if (f.starts_with("std_") || environment_.models.contains(f)) return Type::anything();
  std::vector<std::string> names;
  for (const auto& [n, fn] : environment_.functions) names.push_back(n);
  for (const Op op : all_ops()) names.emplace_back(info(op).name);
  for (const char* n : {"sum", "prod", "mean", "all", "any", "length", "log_sum_exp", "softmax", "normalize", "dot",
                        "rep", "cholesky", "tri_solve", "tri_solve_transposed", "cumulative_sum"})
    names.emplace_back(n);
  if (questions_ || !c.has_bar) unknown(f, c.callee.span, c.has_bar ? "question" : "function", names);
  return Type::anything();
}

/// An event that the map lists, or a union of such.
void Checker::image(const ast::MapDecl& map, const ast::Expr& event) {
  const std::string text = ast::print(event);
  std::vector<std::string> events;
  for (const auto& rule : map.rules) {
    if (ast::print(*rule.from) == text) return;
    events.push_back("`" + ast::print(*rule.from) + "`");
  }
  if (const auto* b = std::get_if<ast::Binary>(&event.node); b != nullptr && b->op == ast::BinaryOp::logical_or) {
    image(map, *b->left);
    image(map, *b->right);
    return;
  }
  report(diagnose<K::not_mapped>(event.span, map.name.text)
             .with_help(fmt::format("it maps {}, and unions of these", fmt::join(events, ", "))));
}

std::optional<Type> Checker::array_function(const ast::Call& c,
                                            const std::vector<std::pair<Type, SourceSpan>>& arguments,
                                            SourceSpan span) {
  const std::string& f = c.callee.text;
  const bool logical = f == "all" || f == "any";
  const bool reduces = f == "sum" || f == "prod" || f == "log_sum_exp" || f == "mean" || logical ||
                       ((f == "min" || f == "max") && arguments.size() == 1);
  const bool vectors = f == "softmax" || f == "normalize";
  if (reduces || vectors || f == "length") {
    if (arguments.size() != 1) {
      report(diagnose<K::wrong_argument_count>(span, f, "one argument", arguments.size()));
      return Type::anything();
    }
    const auto& [t, at] = arguments[0];
    if (t.known() && t.scalar()) {
      report(diagnose<K::wrong_type>(at, vectors ? "a vector" : "an array", describe(t)));
      return Type::anything();
    }
    Type r = Type::of(Base::integer);
    r.latent = t.latent && f != "length";
    if (f == "length") return r;
    if (logical) {
      r.base = Base::boolean;
      if (t.known() && t.base != Base::boolean)
        report(diagnose<K::wrong_type>(at, "true-or-false values", describe(t)));
      return r;
    }
    if (t.base == Base::label) {
      report(diagnose<K::label_arithmetic>(at, "added up"));
      return Type::anything();
    }
    if (!(t.base == Base::boolean && f == "sum") && !number(t, at)) return Type::anything();
    if (vectors) {
      r = t;
      r.base = Base::real;
      return r;
    }
    r.base = f == "mean" || f == "log_sum_exp" ? Base::real : t.base == Base::boolean ? Base::integer : t.base;
    return r;
  }
  if (f == "dot") {
    if (arguments.size() != 2) {
      report(diagnose<K::wrong_argument_count>(span, f, "two arguments", arguments.size()));
      return Type::anything();
    }
    Type r = arithmetic(arguments, span, false);
    r.dims.clear();
    r.ranked = true;
    return r;
  }
  if (f == "rep") {
    if (arguments.size() < 2) {
      report(diagnose<K::wrong_argument_count>(span, f, "a value and sizes", arguments.size()));
      return Type::anything();
    }
    Type r = arguments[0].first;
    if (r.array()) {
      report(diagnose<K::wrong_type>(arguments[0].second, "a single value", describe(r)));
      return Type::anything();
    }
    r.ranked = true;
    r.value.reset();
    r.bare_label.clear();
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const auto& v = arguments[i].first.value;
      r.dims.push_back(v ? std::optional(static_cast<std::int64_t>(*v)) : std::nullopt);
    }
    return r;
  }
  if (f == "cholesky" || f == "cumulative_sum" || f == "tri_solve" || f == "tri_solve_transposed") {
    const std::size_t wanted = f.starts_with("tri") ? 2 : 1;
    if (arguments.size() != wanted) {
      report(
          diagnose<K::wrong_argument_count>(span, f, wanted == 1 ? "one argument" : "two arguments", arguments.size()));
      return Type::anything();
    }
    Type r = arguments.back().first;
    for (const auto& [t, at] : arguments) {
      if (t.known() && t.scalar()) report(diagnose<K::wrong_type>(at, "an array", describe(t)));
      number(t, at);
      r.latent = r.latent || t.latent;
    }
    r.base = Base::real;
    r.keys = nullptr;
    return r;
  }
  return std::nullopt;
}

Type Checker::apply_op(const ast::Call& c, const std::vector<std::pair<Type, SourceSpan>>& arguments, SourceSpan span) {
  const OpInfo& op = info(*find_op(c.callee.text));
  if (arguments.size() != op.arity) {
    report(diagnose<K::wrong_argument_count>(
        span, c.callee.text, op.arity == 1 ? "one argument" : fmt::format("{} arguments", op.arity), arguments.size()));
    return Type::anything();
  }
  Type r = op.typing == Typing::to_real || op.typing == Typing::to_integer || op.typing == Typing::compare ||
                   op.typing == Typing::logic
               ? joined_shape(arguments, span)
               : arithmetic(arguments, span, op.typing == Typing::real_only);
  for (const auto& [t, at] : arguments) r.latent = r.latent || t.latent;
  if (op.typing == Typing::to_real) r.base = Base::real;
  if (op.typing == Typing::to_integer) r.base = Base::integer;
  if (op.typing == Typing::compare || op.typing == Typing::logic) r.base = Base::boolean;
  return r;
}

Type Checker::block_of(const ast::Call& c, SourceSpan span) {
  const auto* n = c.arguments.size() == 2 ? std::get_if<ast::NameRef>(&c.arguments[1].value->node) : nullptr;
  const auto at = n == nullptr ? environment_.algebras.end() : environment_.algebras.find(n->text);
  if (at == environment_.algebras.end()) {
    if (n == nullptr || !outside_.declared.contains(n->text))
      report(diagnose<K::wrong_type>(span, "a token and the name of an algebra", "something else")
                 .with_help("write `block(token, Algebra)`"));
    return Type::anything();
  }
  Type t = expr(*c.arguments[0].value);
  if (t.known() && (t.base != Base::label || (t.labels && !at->second.blocks_of(*t.labels)))) {
    report(diagnose<K::wrong_type>(c.arguments[0].value->span, "a token of an alphabet of " + n->text, describe(t)));
    return Type::anything();
  }
  t.base = Base::label;
  t.labels = at->second.blocks;
  t.bare_label.clear();
  return t;
}

/// The type that a parameter, result or support is declared to have. A size that is a new name is bound.
Type Checker::declared_type(const ast::TypeExpr& t, bool binds_sizes) {
  Type r = Type::anything();
  const std::string& base = t.base.text;
  if (base == "int") {
    r.base = Base::integer;
  } else if (base == "bool") {
    r.base = Base::boolean;
  } else if (base == "real" || base == "positive" || base == "nonnegative" || base == "unit" ||
             vector_constraint(base)) {
    r.base = Base::real;
  } else if (const auto at = environment_.alphabets.find(base); at != environment_.alphabets.end()) {
    r.base = Base::label;
    r.labels = at->second;
  } else if (const auto algebra = environment_.algebras.find(base); algebra != environment_.algebras.end()) {
    r.base = Base::label;
    r.labels = algebra->second.blocks;
  } else if (base != "scalar") {
    std::vector<std::string> names{"bool", "int", "real", "positive", "nonnegative", "unit"};
    for (const model::Constraint c : model::kVectorConstraints) names.emplace_back(model::name(c));
    for (const auto& [n, a] : environment_.alphabets) names.push_back(n);
    std::string help;
    if (base == "float" || base == "double" || base == "Float64" || base == "number") help = "write `real`";
    if (base == "integer" || base == "Int" || base == "nat") help = "write `int`";
    if (base == "boolean" || base == "Bool") help = "write `bool`";
    if (base == "vector" || base == "matrix" || base == "array") help = "an array is written `real[N]` or `real[N, K]`";
    unknown(base, t.base.span, "type", names, help);
  }
  r.ranked = true;
  for (const ast::Expr* d : sizes(t)) {
    const auto* n = std::get_if<ast::NameRef>(&d->node);
    if (binds_sizes && n != nullptr && find(n->text) == nullptr && !environment_.values.contains(n->text) &&
        !outside_.values.contains(n->text)) {
      define(n->text, Type::of(Base::integer));
      r.dims.emplace_back();
      continue;
    }
    const Type size = integer(*d, "a size", true);
    r.dims.push_back(size.value ? std::optional(static_cast<std::int64_t>(*size.value)) : std::nullopt);
  }
  if (t.bounds && !t.bounds->elements) {
    number(expr(*t.bounds->low), t.bounds->low->span);
    number(expr(*t.bounds->high), t.bounds->high->span);
  }
  return r;
}

void Checker::function(const ast::FnDecl& f) {
  const Scope scope(*this, true);
  function_ = f.name.text;
  for (const ast::Parameter& p : f.parameters) {
    new_name(p.name);
    define(p.name.text, declared_type(p.type, true));
  }
  const Type body = expr(*f.body), result = declared_type(f.result, true);
  function_.clear();
  if (!body.known() || !result.known()) return;
  // Whole numbers are reals as well, but not the other way round.
  const bool same = body.base == result.base || (body.base == Base::integer && result.base == Base::real);
  if (!same || !may_agree(body, result))
    report(diagnose<K::wrong_type>(f.body->span, fmt::format("`{}` to give {}", f.name.text, describe(result)),
                                   describe(body))
               .with_help(body.base == Base::real && result.base == Base::integer
                              ? "`to_int(…)` makes a whole number of a real one"
                              : ""));
}

}  // namespace hearsay::check
