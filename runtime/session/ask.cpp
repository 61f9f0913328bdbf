// What can be asked of a posterior.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lang/ir/substitute.h"
#include "lang/rng/stream.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Pareto shapes above these are too heavy. From 1/2 on a mean has no standard error, though it may exist; the squares
/// that make up a standard deviation have a shape twice as large as what they are squares of, and get more room.
constexpr double kHeavy = 0.5, kHeavySquares = 0.7;

/// Functions that infer, draw or read files.
bool is_question(const std::string& f) {
  static const std::set<std::string> names{"draws",      "draw",    "predict",  "evidence",  "ledger",
                                           "summary",    "mimicry", "misfit",   "influence", "charged",
                                           "predictive", "pgr",     "read_csv", "read_json", "read_bif"};
  return names.contains(f);
}

}  // namespace

double Session::noted(const Estimate& e) {
  error_ = std::max(error_, e.error);
  converged_ = converged_ && e.converged;
  return e.value;
}

void Session::note_errors(const Posterior::Distribution& d) {
  for (const double e : d.error) error_ = std::max(error_, e);
  converged_ = converged_ && d.converged;
}

Sym Session::estimate(const Estimate& e) { return Lowerer::known(Scalar::real(noted(e))); }

std::shared_ptr<const Posterior> Session::prior_of(const std::string& model, SourceSpan span) {
  if (const auto at = priors_.find(model); at != priors_.end()) return at->second;
  return priors_[model] = settled_prior(model, {}, span, *top_);
}

std::string Session::prior_identity(const std::string& model, const std::vector<ast::Argument>& arguments) {
  std::string text = "model " + model;
  for (const ast::Argument& a : arguments)
    text += fmt::format("|{}: {}", a.name ? a.name->text : "", ast::print(*a.value));
  return text;
}

/// The model with its own statements and nothing given.
std::shared_ptr<const Posterior> Session::settled_prior(const std::string& model,
                                                        const std::vector<ast::Argument>& arguments, SourceSpan span,
                                                        Lowerer& at) {
  auto lowerer = model_lowerer(model, arguments, span, at);
  lowerer->lower_body();
  lowerer->finish();
  auto p = std::make_shared<Posterior>(lowerer, settings_, span);
  unwrap(p->settle(shared_ledger_, prior_identity(model, arguments), site_ids_), span);
  // Where there are no draws there is nothing to doubt, and what answers need is left to the answers.
  const auto& latents = lowerer->module().latents;
  const bool continuous = std::ranges::any_of(latents, [](const ir::Latent& l) { return !l.finite && l.size() > 0; });
  if (continuous && !explain_ && !checking_) report_doubts(*p, span);
  return p;
}

/// A posterior by name, the prior of a model, or an `infer` on the spot.
std::shared_ptr<const Posterior> Session::posterior(const ast::Expr& e, Lowerer& at) {
  if (const auto* n = std::get_if<ast::NameRef>(&e.node))
    if (at.find_local(n->text) == nullptr && environment_.models.contains(n->text)) return prior_of(n->text, e.span);
  if (const auto* c = std::get_if<ast::Call>(&e.node); c != nullptr && environment_.models.contains(c->callee.text))
    return settled_prior(c->callee.text, c->arguments, e.span, at);
  const Sym s = at.eval(e);
  if (s.other)
    if (auto p = s.other->object<Posterior>()) return p;
  raise<K::not_a_posterior>(e.span, s.other ? "something else" : "numbers");
}

std::shared_ptr<const Posterior> Session::first_posterior(const ast::Call& call, SourceSpan span, Lowerer& at) {
  if (call.has_bar) {
    if (call.given.empty()) raise<K::missing_argument>(span, call.callee.text, "posterior");
    return posterior(*call.given[0], at);
  }
  if (call.arguments.empty()) raise<K::missing_argument>(span, call.callee.text, "posterior");
  return posterior(*call.arguments[0].value, at);
}

ExprId Session::event(const ast::Expr& e, const Posterior& p, Lowerer& at) {
  const Sym s = p.lowerer().boolean(p.lowerer().query(e, &at), e.span);
  if (!s.shape.empty())
    raise_help<K::not_an_event>(e.span, "`all(…)` or `any(…)` make one event of an array", "an array of them");
  return p.lowerer().expr(s);
}

std::optional<ExprId> Session::condition(const ast::Call& call, const Posterior& p, Lowerer& at) {
  std::optional<ExprId> all;
  for (std::size_t i = 1; i < call.given.size(); ++i) {
    const ExprId e = event(*call.given[i], p, at);
    all = all ? p.lowerer().module().prim(Op::logical_and, {*all, e}) : e;
  }
  return all;
}

ExprId Session::element_at(ModelLowerer& model, const Sym& array, std::size_t flat, std::vector<std::int64_t>& at) {
  if (array.shape.empty()) return model.expr(array);
  at = subscripts(flat, array.shape);
  std::vector<ExprId> index;
  for (const std::int64_t i : at) index.push_back(model.module().integer(i));
  return model.element(array, index);
}

void Session::record(const std::shared_ptr<const Posterior>& p, Asked asked) {
  if (!p->has_claims()) return;
  auto& list = asked_[p];
  for (const Asked& a : list)
    if (a.event == asked.event && a.condition == asked.condition) return;
  list.push_back(std::move(asked));
}

Sym Session::ask_probability(const ast::Call& call, SourceSpan span, Lowerer& at) {
  if (call.arguments.size() != 1 || !call.has_bar)
    raise_help<K::wrong_argument_count>(span, "write `P(EVENT | posterior)`", "P", "one event, a bar and a posterior",
                                        call.arguments.size());
  const auto p = first_posterior(call, span, at);
  const ExprId e = event(*call.arguments[0].value, *p, at);
  const auto c = condition(call, *p, at);
  const Estimate r = unwrap(p->probability(e, c), span);
  engine_ = unwrap(p->prepared(), span)->engine();
  std::string text = slice(call.arguments[0].value->span);
  for (std::size_t i = 1; i < call.given.size(); ++i)
    text += (i == 1 ? " given " : " and ") + slice(call.given[i]->span);
  record(p, {std::move(text), e, c});
  return estimate(r);
}

Sym Session::ask_moment(const ast::Call& call, SourceSpan span, Lowerer& at) {
  const std::string& f = call.callee.text;
  const std::size_t wanted = f == "quantile" ? 2 : 1;
  if (call.arguments.size() != wanted || !call.has_bar)
    raise_help<K::wrong_argument_count>(
        span, f == "quantile" ? "write `quantile(x, 0.9 | posterior)`" : fmt::format("write `{}(x | posterior)`", f), f,
        f == "quantile" ? "a quantity, a level, a bar and a posterior" : "a quantity, a bar and a posterior",
        call.arguments.size());
  const auto p = first_posterior(call, span, at);
  engine_ = unwrap(p->prepared(), span)->engine();
  ModelLowerer& model = p->lowerer();
  ir::Module& m = model.module();
  const ast::Expr& quantity = *call.arguments[0].value;
  const Sym x = model.query(quantity, &at);
  if (x.other) raise<K::wrong_type>(quantity.span, "a number", "something else");
  if (x.labels)
    raise_help<K::label_arithmetic>(quantity.span, "`marginal(x | post)` gives the probabilities of labels",
                                    "averaged");
  const auto c = condition(call, *p, at);
  double level = 0;
  if (f == "quantile") {
    level = at.known_real(at.eval(*call.arguments[1].value), call.arguments[1].value->span, "a level");
    if (!(level > 0 && level < 1)) raise<K::bad_quantile_level>(call.arguments[1].value->span, level);
  }
  const std::size_t n = Lowerer::element_count(x.shape, span);
  std::vector<ExprId> elements;
  std::vector<std::int64_t> place;
  for (std::size_t flat = 0; flat < n; ++flat) elements.push_back(m.to_real(element_at(model, x, flat, place)));
  const auto means = [&](const std::vector<ExprId>& quantities) {
    if (!c) return unwrap(p->expect_each(quantities), span);
    std::vector<Estimate> r;
    for (const ExprId q : quantities) r.push_back(unwrap(p->conditional_mean(q, *c), span));
    return r;
  };
  std::vector<Estimate> answers;
  if (f == "quantile") {
    for (const ExprId e : elements) answers.push_back(unwrap(p->quantile(e, level, c), span));
  } else {
    answers = means(elements);
  }
  if (f == "sd" || f == "variance") {
    // Around the means that were just found, so that nothing cancels.
    std::vector<ExprId> squares;
    for (std::size_t k = 0; k < n; ++k) {
      const ExprId d = m.prim(Op::sub, {elements[k], m.real(answers[k].value)});
      squares.push_back(m.prim(Op::mul, {d, d}));
    }
    answers = means(squares);
  }
  double shape = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const auto values = model.range(elements[k]);
    const bool bounded = std::isfinite(values.low) && std::isfinite(values.high);  // then there are all moments
    if (!bounded) shape = std::max(shape, answers[k].tail_shape);
  }
  if (shape > (f == "E" ? kHeavy : kHeavySquares)) {
    Diagnostic d = diagnose<K::draws_in_doubt>(
        span, fmt::format("this {} may not exist: the draws' tails are as heavy as a Pareto law's of shape {:.2g}",
                          f == "E" ? "mean" : f, shape));
    d.help = "`quantile` and `P` describe such a quantity; its standard error says nothing";
    report(std::move(d));
  }
  if (f == "sd")
    for (Estimate& e : answers) {
      const double sd = std::sqrt(std::max(0.0, e.value));
      e = {sd, sd > 0 ? e.error / (2 * sd) : 0, e.converged};
    }
  if (x.shape.empty()) return estimate(answers[0]);
  std::vector<double> values;
  for (const Estimate& e : answers) values.push_back(noted(e));
  return Lowerer::known(ArrayValue::of(std::move(values), x.shape));
}

/// The probabilities of all values of a quantity, by label or by value.
Sym Session::ask_marginal(const ast::Call& call, SourceSpan span, Lowerer& at) {
  if (call.arguments.size() != 1 || !call.has_bar)
    raise_help<K::wrong_argument_count>(span, "write `marginal(x | posterior)`", "marginal",
                                        "a quantity, a bar and a posterior", call.arguments.size());
  const auto p = first_posterior(call, span, at);
  engine_ = unwrap(p->prepared(), span)->engine();
  ModelLowerer& model = p->lowerer();
  const ast::Expr& quantity = *call.arguments[0].value;
  const Sym x = model.query(quantity, &at);
  if (x.other) raise<K::wrong_type>(quantity.span, "a quantity", "something else");
  const auto c = condition(call, *p, at);
  ir::Module& m = model.module();
  if (!x.shape.empty()) return marginals(*p, x, c, quantity.span);
  const ExprId e = model.expr(x);
  auto keys = std::make_shared<Alphabet>();
  std::vector<ExprId> values;
  const ir::Inst in = m.inst(e);  // a copy: the store may move as instructions are added below
  if (x.labels) {
    keys->labels = x.labels->labels;
    for (std::size_t k = 1; k <= keys->labels.size(); ++k) values.push_back(m.integer(static_cast<std::int64_t>(k)));
  } else if (x.type == ScalarType::boolean) {
    keys->labels = {"false", "true"};
    values = {m.boolean(false), m.boolean(true)};
  } else {
    if (!ir::dependence(m, e).continuous.empty())
      raise_help<K::wrong_type>(quantity.span, "`quantile`, `E` and `sd` describe a continuous quantity",
                                "a quantity with finitely many values", "a continuous one");
    const auto d = unwrap(p->distribution(e, c), span);
    for (const double v : d.value) keys->labels.push_back(fmt::format("{}", v));
    note_errors(d);
    keys->name = slice(quantity.span);
    ArrayValue r = ArrayValue::of(d.probability, {static_cast<std::int64_t>(d.probability.size())});
    r.keys = keys;
    return Lowerer::known(std::move(r));
  }
  keys->name = slice(quantity.span);
  std::vector<double> probabilities;
  if (in.code == ir::Opcode::latent && in.operands.empty() && !c) {
    // A variable by itself: the two passes of the junction tree answer for all of them at once.
    for (const Estimate& v :
         unwrap(unwrap(p->prepared(), span)->marginal({static_cast<ir::LatentId>(in.payload), 0}), span))
      probabilities.push_back(noted(v));
  } else {
    for (const ExprId v : values)
      probabilities.push_back(noted(unwrap(p->probability(m.prim(Op::eq, {e, v}), c), span)));
  }
  constexpr std::size_t few = 16;
  if (values.size() <= few)
    for (std::size_t k = 0; k < values.size(); ++k)
      record(p, {fmt::format("{} == {}", slice(quantity.span), keys->labels[k]), m.prim(Op::eq, {e, values[k]}), c});
  ArrayValue r = ArrayValue::of(std::move(probabilities), {static_cast<std::int64_t>(keys->labels.size())});
  r.keys = keys;
  return Lowerer::known(std::move(r));
}

/// The same for every element of an array, which all have the same labels: the last axis is the values.
Sym Session::marginals(const Posterior& p, const Sym& x, std::optional<ExprId> c, SourceSpan span) {
  ModelLowerer& model = p.lowerer();
  ir::Module& m = model.module();
  auto keys = std::make_shared<Alphabet>();
  keys->name = slice(span);
  const std::size_t n = Lowerer::element_count(x.shape, span);
  std::vector<ExprId> elements;
  std::vector<std::int64_t> place;
  for (std::size_t flat = 0; flat < n; ++flat) elements.push_back(element_at(model, x, flat, place));
  std::vector<double> table;
  if (x.labels || x.type == ScalarType::boolean) {
    keys->labels = x.labels ? x.labels->labels : std::vector<std::string>{"false", "true"};
    std::vector<ExprId> indicators;
    for (const ExprId e : elements)
      for (std::size_t k = 0; k < keys->labels.size(); ++k) {
        const ExprId value = x.labels ? m.integer(static_cast<std::int64_t>(k + 1)) : m.boolean(k == 1);
        indicators.push_back(m.prim(Op::eq, {e, value}));
      }
    std::vector<Estimate> found;
    if (c) {
      for (const ExprId i : indicators) found.push_back(unwrap(p.probability(i, c), span));
    } else {
      for (ExprId& i : indicators) i = m.select(i, m.real(1), m.real(0));
      found = unwrap(p.expect_each(indicators), span);
    }
    for (const Estimate& e : found) table.push_back(noted(e));
  } else {
    std::vector<Posterior::Distribution> all;
    std::set<double> values;
    for (const ExprId e : elements) {
      if (!ir::dependence(m, e).continuous.empty())
        raise_help<K::wrong_type>(span, "`quantile`, `E` and `sd` describe a continuous quantity",
                                  "quantities with finitely many values", "continuous ones");
      all.push_back(unwrap(p.distribution(e, c), span));
      note_errors(all.back());
      values.insert(all.back().value.begin(), all.back().value.end());
    }
    for (const double v : values) keys->labels.push_back(fmt::format("{}", v));
    for (const Posterior::Distribution& d : all)
      for (const double v : values) {
        const auto at = std::ranges::find(d.value, v);
        table.push_back(at == d.value.end() ? 0 : d.probability[static_cast<std::size_t>(at - d.value.begin())]);
      }
  }
  std::vector<std::int64_t> shape = x.shape;
  shape.push_back(static_cast<std::int64_t>(keys->labels.size()));
  ArrayValue r = ArrayValue::of(std::move(table), std::move(shape));
  r.keys = std::move(keys);
  return Lowerer::known(std::move(r));
}

std::int64_t Session::option(const ast::Call& call, std::string_view name, std::int64_t otherwise, Lowerer& at) {
  for (const ast::Argument& a : call.arguments)
    if (a.name && a.name->text == name) return at.known_integer(at.eval(*a.value), a.value->span, name);
  return otherwise;
}

/// Independent draws of a quantity from its exact distribution; of an array, and where the posterior is a set of draws,
/// from worlds.
Sym Session::ask_draws(const ast::Call& call, SourceSpan span, Lowerer& at) {
  const auto p = first_posterior(call, span, at);
  engine_ = "draws";
  drawn_ = true;
  const std::int64_t n = option(call, "n", 1000, at);
  if (n < 0 || n > 100000000) raise<K::wrong_type>(span, "a number of draws", fmt::format("{}", n));
  ModelLowerer& model = p->lowerer();
  const ast::Expr& quantity = *call.arguments.at(0).value;
  const Sym x = model.query(quantity, &at);
  if (x.other) raise<K::wrong_type>(quantity.span, "a quantity", "something else");
  const auto c = condition(call, *p, at);
  rng::Stream stream(settings_.seed, 0, draws_++, 0);
  if (!x.shape.empty() || unwrap(p->prepared(), span)->sampled()) return draw_quantity(*p, x, c, n, stream, span);
  const ExprId e = model.expr(x);
  const auto d = unwrap(p->distribution(e, c), span);
  std::vector<double> cumulative;
  double sum = 0;
  for (const double w : d.probability) cumulative.push_back(sum += w);
  std::vector<double> drawn;
  for (std::int64_t i = 0; i < n; ++i) {
    const double u = stream.uniform();
    if (!d.finite) {
      drawn.push_back(unwrap(p->quantile(e, u, c), span).value);
      continue;
    }
    const auto k = std::upper_bound(cumulative.begin(), cumulative.end(), u * sum) - cumulative.begin();
    drawn.push_back(d.value[std::min(static_cast<std::size_t>(k), d.value.size() - 1)]);
  }
  if (x.type == ScalarType::real) return Lowerer::known(ArrayValue::of(std::move(drawn), {n}));
  std::vector<std::int64_t> codes;
  for (const double v : drawn) codes.push_back(static_cast<std::int64_t>(v));
  ArrayValue a = ArrayValue::of(x.type, std::move(codes), {n});
  a.labels = x.labels;
  return Lowerer::known(std::move(a));
}

std::optional<Sym> Session::ask(const ast::Expr& e, Lowerer& at) {
  if (checking_ && !std::holds_alternative<ast::Call>(e.node))
    throw Failure{diagnose<K::not_known>(e.span, "this answer"), true};
  if (const auto* i = std::get_if<ast::Infer>(&e.node)) return infer(*i, e.span, at);
  if (const auto* t = std::get_if<ast::Teach>(&e.node)) return teach(*t, e.span, at);
  const auto* call = std::get_if<ast::Call>(&e.node);
  if (call == nullptr || environment_.functions.contains(call->callee.text)) return std::nullopt;
  const std::string& f = call->callee.text;
  if (checking_ && (call->has_bar || is_question(f)))
    throw Failure{diagnose<K::not_known>(e.span, "this answer"), true};
  if (f == "P") return ask_probability(*call, e.span, at);
  if (f == "E" || f == "sd" || f == "variance" || f == "quantile") return ask_moment(*call, e.span, at);
  if (f == "marginal") return ask_marginal(*call, e.span, at);
  if (f == "draws") return ask_draws(*call, e.span, at);
  if (f == "draw" || f == "predict") return draw(*call, e.span, at);
  if (f == "evidence") {
    const auto p = first_posterior(*call, e.span, at);
    const auto prepared = unwrap(p->prepared(), e.span);
    if (prepared->sampled()) raise<K::not_from_draws>(e.span, "the evidence");
    engine_ = prepared->engine();
    return estimate(unwrap(p->log_evidence(), e.span));
  }
  if (f == "ledger") return ledger(first_posterior(*call, e.span, at));
  if (f == "summary") return summary(*first_posterior(*call, e.span, at));
  if (auto m = measure(*call, e.span, at)) return m;
  return read_data(*call, e.span, at);
}

}  // namespace hearsay
