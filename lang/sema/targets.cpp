// Jeffrey's rule: the cells whose probabilities are prescribed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/eval/evaluator.h"
#include "lang/evidence/factors.h"
#include "lang/evidence/nats.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

double target_probability(double p, SourceSpan span) {
  if (!(p >= 0 && p <= 1))
    raise_help<K::bad_target>(span, "a target is a probability: `to 0.8`; for odds write `odds 4`", "between 0 and 1",
                              p);
  if (p == 0 || p == 1) raise_help<K::hard_target>(span, "write `observe` for hard evidence", p);
  return p;
}

}  // namespace

/// `A to q`, `x to {a: q1, …}`: the cells, their targets, and a term whose log-weights are found later.
JeffreyTask::Target ModelLowerer::jeffrey_target(const ast::Expr& subject, const ast::Expr& value, ir::SiteId at) {
  JeffreyTask::Target t;
  t.span = value.span;
  const Sym x = eval(subject);
  const Sym q = eval(value);
  const auto probability = [&](double p) { return target_probability(p, value.span); };
  if (q.is_scalar()) {
    const Sym e = boolean(x, subject.span);
    if (!e.shape.empty()) raise<K::not_an_event>(subject.span, "an array");
    const double p = probability(known_real(q, value.span, "a target probability"));
    t.cells = {expr(e), module_->prim(Op::logical_not, {expr(e)})};
    t.probabilities = {p, 1 - p};
  } else {
    const auto of_x = cells_of(x);
    if (!of_x || !q.keys)
      raise<K::wrong_type>(
          value.span, "a probability for an event, or probabilities by label for something with labels or few values",
          "something else");
    const auto m = materialise(q);
    if (!m) raise<K::not_known>(value.span, "a target probability");
    const std::vector<std::string>& labels = of_x->labels->labels;
    for (const std::string& key : q.keys->labels)
      if (of_x->labels->find(key) == 0) {
        const std::string near = nearest_name(key, labels);
        raise_help<K::unknown_label>(value.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), key,
                                     fmt::format("{{{}}}", fmt::join(labels, ", ")));
      }
    double sum = 0;
    const ExprId cell = cell_of(x, *of_x);
    for (std::size_t k = 0; k < labels.size(); ++k) {
      const std::int64_t from = q.keys->find(labels[k]);
      const double p = probability(from == 0 ? 0 : m->at(static_cast<std::size_t>(from - 1)).as_real());
      sum += p;
      t.probabilities.push_back(p);
      t.cells.push_back(module_->prim(Op::eq, {cell, module_->integer(static_cast<std::int64_t>(k) + 1)}));
    }
    if (!(std::abs(sum - 1) <= 1e-9))
      raise<K::bad_strength>(value.span, fmt::format("target probabilities must sum to 1, but these sum to {}", sum));
  }
  add_jeffrey_weights(t);
  const auto weight = [&](std::size_t k) {
    const ExprId i = module_->integer(static_cast<std::int64_t>(k) + 1);
    return module_->load_data(t.weights, std::span(&i, 1));
  };
  ExprId body = weight(t.cells.size() - 1);
  for (std::size_t k = t.cells.size() - 1; k-- > 0;) body = module_->select(t.cells[k], weight(k), body);
  add_term(ir::TermKind::soft, at, body);
  return t;
}

/// `y ~ D to q`: the event that a fresh draw of D equals y has probability p given the latents, so its factor is
/// e^w1 p + e^w2 (1 - p).
JeffreyTask::Target ModelLowerer::jeffrey_outcome(ExprId p, const ast::Expr& value, ir::SiteId at) {
  JeffreyTask::Target t;
  t.span = value.span;
  const double q = target_probability(known_real(eval(value), value.span, "a target probability"), value.span);
  t.cells = {p, module_->prim(Op::sub, {module_->real(1), p})};
  t.probabilities = {q, 1 - q};
  add_jeffrey_weights(t);
  const ExprId one = module_->integer(1), two = module_->integer(2);
  const ExprId yes = module_->load_data(t.weights, std::span(&one, 1));
  const ExprId no = module_->load_data(t.weights, std::span(&two, 1));
  const ExprId gain = module_->prim(Op::soft_event, {module_->prim(Op::sub, {yes, no}), p});
  add_term(ir::TermKind::soft, at, module_->prim(Op::add, {no, gain}));
  return t;
}

void ModelLowerer::add_jeffrey_weights(JeffreyTask::Target& t) {
  ir::Data d;
  d.name = fmt::format("jeffrey{}", module_->data.size());
  d.type = ScalarType::real;
  d.shape = {static_cast<std::int64_t>(t.cells.size())};
  d.reals = std::make_shared<const std::vector<double>>(t.cells.size(), 0.0);
  t.weights = module_->add_data(std::move(d));
}

void ModelLowerer::jointly(const ast::JointlyStmt& s, SourceSpan span) {
  JeffreyTask task;
  task.site = site(span, "soft observe jointly");
  task.order = order_;
  task.span = span;
  task.conditions = conditions_;
  if (s.source) {
    find_source(*s.source);
    task.source = s.source->text;
  }
  for (const auto& t : s.targets) task.targets.push_back(jeffrey_target(*t.subject, *t.value, task.site));
  jeffrey.push_back(std::move(task));
}

}  // namespace hearsay
