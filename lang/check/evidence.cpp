// Evidence: hard and soft, and the strengths that are written down.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/check/scope.h"
#include "lang/evidence/nats.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;
using Form = ast::StrengthForm;

/// What is observed against what the distribution gives.
void Checker::outcome(const ast::Expr& subject, const ast::DistExpr& written, const Type& drawn, SourceSpan span) {
  const Type whole = expr(subject);
  Type y = whole;
  if (y.ranked && y.known()) {
    if (y.dims.size() < drawn.outcome_rank) {
      report(diagnose<K::wrong_type>(subject.span, fmt::format("an array of {} dimensions", drawn.outcome_rank),
                                     describe(y)));
      return;
    }
    y.dims.resize(y.dims.size() - drawn.outcome_rank);
  }
  if (y.ranked && drawn.ranked && !y.dims.empty() && !drawn.dims.empty() && !may_agree(y, drawn))
    report(diagnose<K::shape_mismatch>(span, shape_text(y), shape_text(drawn)));
  if (!y.known() || !drawn.known()) return;
  if (y.base == Base::text || y.base == Base::record || y.base == Base::object) {
    report(diagnose<K::wrong_type>(subject.span, "numbers", describe(y)));
    return;
  }
  const auto* call = std::get_if<ast::Call>(&written.distribution->node);
  const auto clash = [&](std::string_view gives) {
    report(diagnose<K::outcome_type>(written.distribution->span, call != nullptr ? call->callee.text : "this choice",
                                     gives, describe(whole)));
  };
  if (drawn.base == Base::boolean && y.base != Base::boolean) return clash("true or false");
  if (drawn.number() && y.base == Base::boolean) return clash("numbers");
  if (drawn.base == Base::real && y.base == Base::label) return clash("numbers");
  if (drawn.base != Base::label || y.base != Base::label || !y.labels || !drawn.labels) return;
  // The weights may name some of the labels only, but no others.
  for (const std::string& label : drawn.labels->labels)
    if (y.bare_label.empty() && y.labels->find(label) == 0) {
      const std::string near = nearest_name(label, y.labels->labels);
      report(diagnose<K::unknown_label>(written.distribution->span, label,
                                        fmt::format("{{{}}}", fmt::join(y.labels->labels, ", ")))
                 .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
      return;
    }
}

void Checker::observe(const ast::ObserveStmt& s, SourceSpan span) {
  if (!s.dist) {
    event(*s.subject);
    return;
  }
  outcome(*s.subject, *s.dist, dist(*s.dist), span);
}

const ast::SourceDecl* Checker::source(const ast::Name& n) {
  if (const auto at = sources_.find(n.text); at != sources_.end()) return at->second;
  if (const auto at = environment_.sources.find(n.text); at != environment_.sources.end()) return at->second.get();
  std::vector<std::string> names;
  for (const auto& [name, s] : sources_) names.push_back(name);
  for (const auto& [name, s] : environment_.sources) names.push_back(name);
  unknown(n.text, n.span, "source", names);
  return nullptr;
}

/// A strength, share or weight: a number that data decide.
void Checker::data_number(const ast::Expr& e) {
  const Type t = expr(e);
  if (!number(t, e.span)) return;
  if (t.array()) report(diagnose<K::wrong_type>(e.span, "a number", describe(t)));
  if (t.latent) report(diagnose<K::strength_not_data>(e.span));
}

void Checker::soft_observe(const ast::SoftObserveStmt& s, SourceSpan span) {
  const Form form = s.strength.form;
  if (s.source) {
    const ast::SourceDecl* from = source(*s.source);
    if (from != nullptr && form == Form::by_schedule && !from->schedule)
      report(diagnose<K::strength_needed>(span).with_help(
          fmt::format("write `odds 2` or the like, or give `{}` a schedule", s.source->text)));
  }
  if (s.dist) {
    const Type drawn = dist(*s.dist);
    const auto* in = std::get_if<ast::Binary>(&s.subject->node);
    const auto* interval =
        in != nullptr && in->op == ast::BinaryOp::in ? std::get_if<ast::Array>(&in->right->node) : nullptr;
    if (interval != nullptr)
      for (const auto& end : interval->elements) number(expr(*end), end->span);
    else
      outcome(*s.subject, *s.dist, drawn, span);
  } else if (form == Form::likelihoods) {
    const Type x = expr(*s.subject);
    if (x.known() && x.base != Base::label && x.base != Base::boolean && x.base != Base::integer)
      report(diagnose<K::bad_strength>(s.subject->span, "this has no labels")
                 .with_help("likelihoods by label need something with labels, as `x ~ categorical({a: 1, b: 1})`"));
  } else if (form == Form::jeffrey) {
    expr(*s.subject);
  } else {
    event(*s.subject);
  }
  if (form == Form::likelihoods || form == Form::jeffrey) {
    const Type t = expr(*s.strength.value);
    if (t.latent) report(diagnose<K::strength_not_data>(s.strength.value->span));
  } else {
    if (s.strength.value) data_number(*s.strength.value);
    if (s.strength.extra) data_number(*s.strength.extra);
  }
  if (s.share) data_number(**s.share);
  if (guards_ > 0 || !s.strength.value) return;
  // Strengths that are written down are judged as they will be when the statement is reached.
  const Muted quiet(*this);
  const Type value = expr(*s.strength.value);
  const Type extra = s.strength.extra ? expr(*s.strength.extra) : Type{};
  if (!value.value || (form == Form::confidence && !extra.value)) return;
  const auto judge = [&](const auto& result) {
    if (!result) quiet.outer->report(result.error());
  };
  if (form == Form::odds) judge(evidence::strength_from_odds(*value.value, s.strength.span));
  if (form == Form::channel) judge(evidence::strength_from_channel(*value.value, s.strength.span));
  if (form == Form::confidence) judge(evidence::strength_from_confidence(*value.value, *extra.value, s.strength.span));
}

void Checker::jointly(const ast::JointlyStmt& s) {
  if (s.source) source(*s.source);
  for (const auto& t : s.targets) {
    expr(*t.subject);
    if (expr(*t.value).latent) report(diagnose<K::strength_not_data>(t.value->span));
  }
}

}  // namespace hearsay::check
