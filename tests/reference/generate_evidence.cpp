// Random events and statements.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "tests/reference/generate.h"

namespace hearsay::reference {

using Kind = Statement::Kind;

Event random_event(Random& random, const RandomModel& m, int depth) {
  const int kind = depth == 0 ? 0 : below(random, 5);
  if (kind <= 1) {
    Event e;
    e.variable = static_cast<std::size_t>(below(random, static_cast<int>(m.nodes.size())));
    const int k = m.cardinality(e.variable);
    e.value = below(random, k);
    if (kind == 1 && k > 2 && m.nodes[e.variable].values != Node::Values::truths) {
      e.kind = Event::Kind::member;
      for (int v = 0; v < k; ++v)
        if (v != e.value) e.values.push_back(v);
    }
    return e;
  }
  if (kind == 2) return negation(random_event(random, m, depth - 1));
  Event e;
  e.kind = kind == 3 ? Event::Kind::conjunction : Event::Kind::disjunction;
  e.parts.push_back(random_event(random, m, depth - 1));
  e.parts.push_back(random_event(random, m, depth - 1));
  return e;
}

Outcome random_outcome(Random& random, const RandomModel& m, bool zeros) {
  std::vector<std::size_t> parents;
  for (std::size_t v = 0; v < m.nodes.size(); ++v)
    if (parents.size() < 2 && below(random, 4) == 0) parents.push_back(v);
  if (parents.empty()) parents.push_back(static_cast<std::size_t>(below(random, static_cast<int>(m.nodes.size()))));
  Outcome o;
  o.truth = below(random, 2) == 0;
  o.given = random_conditional(random, m, parents, o.truth ? 2 : 3, zeros);
  o.value = below(random, o.given.cardinality);
  return o;
}

const Kinds& all_kinds() {
  static const Kinds kinds{Kind::hard,         Kind::odds,         Kind::jeffrey, Kind::targets, Kind::likelihoods,
                           Kind::hard_outcome, Kind::odds_outcome, Kind::weight,  Kind::within,  Kind::robust};
  return kinds;
}

const Kinds& commuting_kinds() {
  static const Kinds kinds{Kind::hard,         Kind::odds,   Kind::likelihoods, Kind::hard_outcome,
                           Kind::odds_outcome, Kind::weight, Kind::within,      Kind::robust};
  return kinds;
}

const Kinds& charged_kinds() {
  static const Kinds kinds{Kind::odds, Kind::likelihoods, Kind::odds_outcome, Kind::within, Kind::robust};
  return kinds;
}

namespace {

/// A variable that has labels or truth values.
std::optional<std::size_t> labelled(Random& random, const RandomModel& m, bool truths) {
  std::vector<std::size_t> found;
  for (std::size_t v = 0; v < m.nodes.size(); ++v)
    if (m.nodes[v].values == Node::Values::labels || (truths && m.nodes[v].values == Node::Values::truths))
      found.push_back(v);
  if (found.empty()) return std::nullopt;
  return found[static_cast<std::size_t>(below(random, static_cast<int>(found.size())))];
}

}  // namespace

Statement random_statement(Random& random, const RandomModel& m, const Kinds& kinds) {
  Statement s;
  s.kind = *std::next(kinds.begin(), below(random, static_cast<int>(kinds.size())));
  // Odds more often than their share.
  if (kinds.contains(Kind::odds) && below(random, 3) == 0) s.kind = Kind::odds;
  s.event = random_event(random, m, 2);
  if (s.kind == Kind::likelihoods || s.kind == Kind::targets) {
    if (const auto v = labelled(random, m, s.kind == Kind::likelihoods)) {
      s.event = is(*v, 0);
      double sum = 0;
      for (int k = 0; k < m.cardinality(*v); ++k) {
        s.numbers.push_back(s.kind == Kind::targets ? uniform(random, 0.05, 1) : std::exp(uniform(random, -2, 2)));
        sum += s.numbers.back();
      }
      if (s.kind == Kind::targets)
        for (double& q : s.numbers) q /= sum;
    } else {
      s.kind = kinds.contains(Kind::odds) ? Kind::odds : Kind::jeffrey;
    }
  }
  s.number = std::exp(uniform(random, -3, 3));
  if (s.kind == Kind::jeffrey) s.number = uniform(random, 0.05, 0.95);
  if (s.kind == Kind::weight || s.kind == Kind::within || s.kind == Kind::robust) s.number = uniform(random, 0.1, 2.5);
  if (s.kind == Kind::within || s.kind == Kind::robust) s.bound = uniform(random, 0.1, 3);
  s.outcome = random_outcome(random, m, s.kind != Kind::within);
  if (below(random, 6) == 0) s.only_if.push_back(random_event(random, m, 1));
  return s;
}

std::vector<Statement> random_evidence(Random& random, const RandomModel& m, const Kinds& kinds, int most) {
  std::vector<Statement> r;
  for (int n = below(random, most + 1); n > 0; --n) r.push_back(random_statement(random, m, kinds));
  return r;
}

std::vector<Event> random_questions(Random& random, const RandomModel& m) {
  std::vector<Event> r;
  for (std::size_t v = 0; v < m.nodes.size(); ++v) r.push_back(is(v, below(random, m.cardinality(v))));
  r.push_back(random_event(random, m, 3));
  return r;
}

}  // namespace hearsay::reference
