// Measures of teaching (theory section 9), realised shifts, and what a source did.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "lang/evidence/realised.h"
#include "runtime/session/session.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double kMostStrings = 1048576;

/// KL(p ‖ q) in nats; infinite where q rules out what p does not.
double divergence(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0) sum += q[i] > 0 ? p[i] * std::log(p[i] / q[i]) : std::numeric_limits<double>::infinity();
  return std::max(0.0, sum);
}

}  // namespace

/// Probabilities of all strings of tokens first … first + length − 1, the last token fastest.
std::vector<double> Session::string_probabilities(const Posterior& p, std::int64_t first, std::int64_t length,
                                                  double& error) {
  const StreamInfo& stream = p.lowerer().stream;
  if (!stream.present) raise<K::no_emit>(p.from());
  const auto tokens = static_cast<double>(stream.alphabet->labels.size());
  const double count = std::pow(tokens, static_cast<double>(length));
  if (length < 1 || count > kMostStrings) raise<K::horizon_too_long>(p.from(), length, stream.alphabet->labels.size());
  pass::Kept kept;
  std::vector<FiniteElement> scope;
  for (std::int64_t t = first; t < first + length; ++t) {
    kept[stream.emit].insert(static_cast<std::size_t>(t - 1));
    scope.push_back({stream.emit, static_cast<std::size_t>(t - 1)});
  }
  const auto prepared = unwrap(p.prepared({}, kept, first + length - 1), p.from());
  const auto r =
      unwrap(prepared->expectations(scope, static_cast<std::size_t>(count),
                                    [](std::span<const double>, std::span<const double> joint, std::span<double> out) {
                                      std::copy(joint.begin(), joint.end(), out.begin());
                                    },
                                    {}),
             p.from());
  std::vector<double> v;
  for (const Estimate& e : r) {
    v.push_back(e.value);
    error = std::max(error, e.error);
    converged_ = converged_ && e.converged;
  }
  return v;
}

Sym Session::mimicry(const ast::Call& call, SourceSpan span, Lowerer& at) {
  std::vector<const ast::Expr*> models;
  for (const ast::Argument& a : call.arguments)
    if (!a.name) models.push_back(a.value.get());
  if (models.size() != 2) raise<K::wrong_argument_count>(span, "mimicry", "a student and a teacher", models.size());
  const auto student = posterior(*models[0], at), teacher = posterior(*models[1], at);
  const std::int64_t n = option(call, "horizon", 1, at);
  double error = 0;
  const SharedTokens shared = shared_tokens(*student, *teacher, span);
  const auto q = shared_strings(*student, shared, shared.left, student->lowerer().evidence_horizon() + 1, n, error);
  const auto p = shared_strings(*teacher, shared, shared.right, teacher->lowerer().evidence_horizon() + 1, n, error);
  engine_ = unwrap(student->prepared(), span)->engine();
  double sensitivity = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0 && q[i] > 0) sensitivity += std::abs(std::log(p[i] / q[i])) + 1 + p[i] / q[i];
  return estimate({divergence(p, q) / static_cast<double>(n), error * sensitivity / static_cast<double>(n)});
}

Sym Session::influence(const ast::Call& call, SourceSpan span, Lowerer& at) {
  if (call.arguments.size() != 2)
    raise<K::wrong_argument_count>(span, "influence", "a posterior and a source", call.arguments.size());
  const auto p = posterior(*call.arguments[0].value, at);
  const auto* name = std::get_if<ast::NameRef>(&call.arguments[1].value->node);
  if (name == nullptr || !p->ledger().find_source(name->text))
    raise<K::unknown_name>(call.arguments[1].value->span, "source of this posterior",
                           slice(call.arguments[1].value->span));
  auto t = std::make_shared<TextObject>();
  t->what = "influence";
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  t->text = fmt::format("influence of {} (probabilities with it and without it; log-odds shift in nats)", name->text);
  std::vector<std::string> events;
  std::vector<double> with, bare, shifts;
  const auto list = asked_.find(p);
  if (list == asked_.end()) t->text += "\n  nothing has been asked of this posterior yet";
  if (list != asked_.end())
    for (const Asked& a : list->second) {
      Variant without;
      without.without_source = name->text;
      const Posterior::Odds before = unwrap(p->odds(a.event, a.condition, without), span),
                            after = unwrap(p->odds(a.event, a.condition), span);
      const double shift = evidence::log_odds_shift(before.event.value, before.complement.value, after.event.value,
                                                    after.complement.value)
                               .value();
      t->text += fmt::format("\n  P({}): {} with, {} without, shift {:+.6g}", a.text, after.event.value,
                             before.event.value, shift);
      events.push_back(a.text);
      with.push_back(after.event.value);
      bare.push_back(before.event.value);
      shifts.push_back(shift);
      rows.push_back(
          {{"event", a.text}, {"with", after.event.value}, {"without", before.event.value}, {"shift_nats", shift}});
    }
  t->json = rows.dump();
  t->columns = {{"event", std::move(events)},
                {"with", std::move(with)},
                {"without", std::move(bare)},
                {"shift_nats", std::move(shifts)}};
  Value v;
  v.data = std::shared_ptr<const Object>(t);
  return Lowerer::from_value(v);
}

std::optional<Sym> Session::measure(const ast::Call& call, SourceSpan span, Lowerer& at) {
  const std::string& f = call.callee.text;
  if (f == "mimicry") return mimicry(call, span, at);
  if (f == "influence") return influence(call, span, at);
  if (f == "shift") {
    // How far the soft evidence moved the log-odds of an event (signed, nats).
    if (call.arguments.size() != 1 || !call.has_bar)
      raise<K::wrong_argument_count>(span, f, "an event, a bar and a posterior", call.arguments.size());
    const auto p = first_posterior(call, span, at);
    const ExprId e = event(*call.arguments[0].value, *p, at);
    const auto c = condition(call, *p, at);
    Variant without;
    without.without_soft = true;
    const Posterior::Odds after = unwrap(p->odds(e, c), span), before = unwrap(p->odds(e, c, without), span);
    engine_ = unwrap(p->prepared(), span)->engine();
    const double shift =
        evidence::log_odds_shift(before.event.value, before.complement.value, after.event.value, after.complement.value)
            .value();
    double error = 0;
    bool converged = true;
    for (const Estimate& p_of : {after.event, after.complement, before.event, before.complement}) {
      if (p_of.error > 0) error += p_of.error / p_of.value;
      converged = converged && p_of.converged;
    }
    return estimate({shift, error, converged});
  }
  if (f == "charged") {
    // What a posterior's sources were charged, in nats: all of them, or one.
    if (call.arguments.empty() || call.arguments.size() > 2)
      raise<K::wrong_argument_count>(span, f, "a posterior, and perhaps a source", call.arguments.size());
    const auto p = posterior(*call.arguments[0].value, at);
    if (call.arguments.size() == 1) return Lowerer::known(Scalar::real(p->ledger().total().value()));
    const auto* name = std::get_if<ast::NameRef>(&call.arguments[1].value->node);
    const auto id = name == nullptr ? std::nullopt : p->ledger().find_source(name->text);
    // A source that has said nothing yet is charged nothing.
    if (!id && name != nullptr &&
        (p->lowerer().local_sources.contains(name->text) || environment_.sources.contains(name->text)))
      return Lowerer::known(Scalar::real(0));
    if (!id)
      raise<K::unknown_name>(call.arguments[1].value->span, "source of this posterior",
                             slice(call.arguments[1].value->span));
    return Lowerer::known(Scalar::real(p->ledger().spent(*id).value()));
  }
  if (f == "predictive") {
    const auto p = first_posterior(call, span, at);
    double error = 0;
    ArrayValue v = ArrayValue::of(string_probabilities(*p, p->lowerer().evidence_horizon() + 1, 1, error), {});
    v.shape = {static_cast<std::int64_t>(v.size())};
    v.keys = p->lowerer().stream.alphabet;
    error_ = std::max(error_, error);
    engine_ = unwrap(p->prepared(), span)->engine();
    return Lowerer::known(std::move(v));
  }
  if (f == "misfit") return misfit(call, span, at);
  if (f == "pgr") return gap_recovered(call, span, at);
  return std::nullopt;
}

/// Squared distance of two models' next-token predictions (the Brier score's divergence: the loss for which gain is at
/// least misfit), in what both can say.
Estimate Session::misfit_of(const Posterior& a, const Posterior& b, SourceSpan span) {
  const SharedTokens shared = shared_tokens(a, b, span);
  double error = 0;
  const auto p = shared_strings(a, shared, shared.left, a.lowerer().evidence_horizon() + 1, 1, error);
  const auto q = shared_strings(b, shared, shared.right, b.lowerer().evidence_horizon() + 1, 1, error);
  engine_ = unwrap(a.prepared(), span)->engine();
  double sum = 0, bound = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double d = p[i] - q[i];
    sum += d * d;
    // Each of the two may be off by the error; blocks add up those of their tokens, of which there are no more than
    // all.
    const double off = 2 * error *
                       (shared.algebra.empty() ? 1
                                               : static_cast<double>(a.lowerer().stream.alphabet->labels.size() +
                                                                     b.lowerer().stream.alphabet->labels.size()));
    bound += off * (2 * std::abs(d) + off);
  }
  return {sum, bound};
}

Sym Session::misfit(const ast::Call& call, SourceSpan span, Lowerer& at) {
  if (call.arguments.size() != 2)
    raise<K::wrong_argument_count>(span, "misfit", "a student and a teacher", call.arguments.size());
  return estimate(misfit_of(*posterior(*call.arguments[0].value, at), *posterior(*call.arguments[1].value, at), span));
}

/// How much of the gap between the weak and the ceiling the taught one closed: (weak - taught) / (weak - ceiling), of
/// three errors, or of the misfits of three models to the true one.
Sym Session::gap_recovered(const ast::Call& call, SourceSpan span, Lowerer& at) {
  std::array<Estimate, 3> e;
  if (call.arguments.size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) {
      const double before = std::exchange(error_, 0);
      e[i].value = at.known_real(at.eval(*call.arguments[i].value), call.arguments[i].value->span, "an error");
      e[i].error = std::exchange(error_, before);
    }
  } else if (call.arguments.size() == 4) {
    const auto truth = posterior(*call.arguments[3].value, at);
    for (std::size_t i = 0; i < 3; ++i) e[i] = misfit_of(*posterior(*call.arguments[i].value, at), *truth, span);
  } else {
    raise<K::wrong_argument_count>(span, "pgr", "three errors, or the weak, the taught, the ceiling and the true model",
                                   call.arguments.size());
  }
  const Estimate &weak = e[0], &taught = e[1], &ceiling = e[2];
  const double gap = weak.value - ceiling.value;
  // Rounding: squared differences of probabilities are known to some digits of the probabilities themselves.
  constexpr double kRounding = 1e-14;
  const double doubt =
      weak.error + ceiling.error +
      kRounding * std::max({std::abs(weak.value), std::abs(ceiling.value), call.arguments.size() == 4 ? 1e-4 : 0.0});
  if (!(gap > 2 * doubt))
    raise_help<K::no_gap>(span, "a gap that is recovered needs a weak model that is worse than the ceiling", weak.value,
                          ceiling.value);
  const double recovered = (weak.value - taught.value) / gap;
  return estimate({recovered, (weak.error + taught.error + std::abs(recovered) * (weak.error + ceiling.error)) /
                                  (gap - weak.error - ceiling.error)});
}

}  // namespace hearsay
