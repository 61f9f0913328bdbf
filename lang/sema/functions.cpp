// Calls: functions of arrays, primitives, functions of the script.
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
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

constexpr std::size_t kDeepestCall = 200;
/// Expressions inside each other, over all levels of calls.
constexpr std::size_t kDeepestExpression = 2000;

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
    case ir::Reduction::product:
      return fold(Op::mul, real ? Scalar::real(1) : Scalar::integer(1));
    case ir::Reduction::minimum:
      return fold(Op::min, real ? Scalar::real(infinity) : Scalar::integer(std::numeric_limits<std::int64_t>::max()));
    case ir::Reduction::maximum:
      return fold(Op::max, real ? Scalar::real(-infinity) : Scalar::integer(std::numeric_limits<std::int64_t>::min()));
    case ir::Reduction::all:
      return fold(Op::logical_and, Scalar::boolean(true));
    case ir::Reduction::any:
      return fold(Op::logical_or, Scalar::boolean(false));
    case ir::Reduction::log_sum_exp:
      break;
  }
  double largest = -infinity;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double v = a.at(i).as_real();
    if (std::isnan(v)) return Scalar::real(v);
    largest = std::max(largest, v);
  }
  if (std::isinf(largest)) return Scalar::real(largest);
  eval::Neumaier sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.add(std::exp(a.at(i).as_real() - largest));
  return Scalar::real(largest + std::log(sum.total()));
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
  // The smallest of no numbers is none.
  const auto some = [&](const Sym& s) {
    if (std::ranges::find(s.shape, 0) != s.shape.end()) raise<K::empty_array>(span, f);
  };
  if (f == "sum" || f == "prod" || f == "log_sum_exp" || f == "all" || f == "any" ||
      ((f == "min" || f == "max") && a.size() == 1)) {
    one();
    const bool logical = f == "all" || f == "any";
    if (logical && a[0].type != ScalarType::boolean) raise<K::wrong_type>(span, "true-or-false values", describe(a[0]));
    Sym x = a[0];
    if (f == "min" || f == "max") some(x);
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
    some(a[0]);
    std::int64_t n = 1;
    for (const std::int64_t size : a[0].shape) n *= size;
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
    Sym x = f == "softmax"
                ? apply(Op::exp, {apply(Op::sub, {a[0], reduce_all(ir::Reduction::maximum, a[0], span)}, span)}, span)
                : a[0];
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
    const Sym& value = a[0];
    if (!value.is_scalar()) raise<K::wrong_type>(span, "a single value", describe(value));
    r.known.reset();
    r.shape.clear();
    for (std::size_t i = 1; i < a.size(); ++i)
      r.shape.push_back(known_integer(a[i], call.arguments[i].value->span, "a size"));
    element_count(r.shape, span);
    r.element = [this, value](std::span<const ExprId>) { return element(value, {}); };
    if (value.known)
      if (auto v = materialise(r)) return known(*std::move(v));
    return r;
  }
  return matrix_function(f, a, span);
}

/// The block of a token: `block(emit[3], Kind)`.
Sym Lowerer::block_of(const ast::Call& call, SourceSpan span) {
  const auto* name = call.arguments.size() == 2 ? std::get_if<ast::NameRef>(&call.arguments[1].value->node) : nullptr;
  const auto at = name == nullptr ? environment_.algebras.end() : environment_.algebras.find(name->text);
  if (at == environment_.algebras.end())
    raise_help<K::wrong_type>(span, "write `block(token, Algebra)`", "a token and the name of an algebra",
                              "something else");
  const Sym x = eval(*call.arguments[0].value);
  const auto block_of = x.labels ? at->second.blocks_of(*x.labels) : std::nullopt;
  if (!block_of)
    raise<K::wrong_type>(call.arguments[0].value->span, "a token of an alphabet of " + name->text, describe(x));
  const auto n = static_cast<std::int64_t>(block_of->size());
  const Sym table = known(ArrayValue::of(ScalarType::integer, *block_of, {n}));
  Sym r = x;
  r.labels = at->second.blocks;
  r.label_name.clear();
  if (x.known) {
    std::vector<std::int64_t> blocks;
    for (std::size_t i = 0; i < x.known->size(); ++i)
      blocks.push_back((*block_of)[static_cast<std::size_t>(x.known->at(i).i - 1)]);
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
  static const std::map<std::string, Op, std::less<>> spelled{{"logical_and", Op::logical_and},
                                                              {"logical_or", Op::logical_or}};
  if (const auto op = find_op(f); op && !spelled.contains(f)) {
    if (arguments.size() != info(*op).arity)
      raise<K::wrong_argument_count>(
          e.span, f, info(*op).arity == 1 ? "one argument" : fmt::format("{} arguments", info(*op).arity),
          arguments.size());
    return apply(*op, std::move(arguments), e.span);
  }
  if (environment_.distributions.contains(f))
    raise_help<K::wrong_type>(e.span, "distributions stand behind `~`", "a value",
                              fmt::format("the distribution `{}`", f));
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
    const std::vector<const ast::Expr*> dims = sizes(p.type);
    const bool simplex_like = !s.other;
    if (simplex_like && s.shape.size() != dims.size())
      raise<K::wrong_type>(
          span,
          fmt::format("`{}` of `{}` to be {}", p.name.text, of,
                      dims.empty() ? "a single value" : fmt::format("an array of {} dimensions", dims.size())),
          describe(s));
    for (std::size_t d = 0; d < dims.size(); ++d) {
      // A size that is a new name is bound by the argument; otherwise it must agree.
      if (const auto* n = std::get_if<ast::NameRef>(&dims[d]->node); n != nullptr && find_local(n->text) == nullptr) {
        define(n->text, known(Scalar::integer(s.shape[d])));
        continue;
      }
      const std::int64_t size = known_integer(eval(*dims[d]), dims[d]->span, "a size");
      if (size != s.shape[d])
        raise<K::shape_mismatch>(span, fmt::format("{} = {}", p.name.text, shape_text(s.shape)), size);
    }
    define(p.name.text, s);
  }
}

Sym Lowerer::call_function(const ast::FnDecl& fn, const std::vector<Sym>& arguments, SourceSpan span) {
  if (std::find(calls_.begin(), calls_.end(), fn.name.text) != calls_.end()) raise<K::recursion>(span, fn.name.text);
  if (arguments.size() != fn.parameters.size())
    raise<K::wrong_argument_count>(span, fn.name.text, fmt::format("{} arguments", fn.parameters.size()),
                                   arguments.size());
  // Each level takes room on the stack, and each expression in it as well.
  if (calls_.size() >= kDeepestCall || depth_ > kDeepestExpression) raise<K::calls_too_deep>(span, calls_.size());
  here_ = span;
  stop_if_interrupted();
  const ScopeGuard scope(*this, true);
  bind_parameters(fn.parameters, arguments, {}, fn.name.text);
  calls_.push_back(fn.name.text);
  Sym r = eval(*fn.body);
  calls_.pop_back();
  return r;
}

}  // namespace hearsay
