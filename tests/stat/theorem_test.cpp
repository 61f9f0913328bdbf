// The theorem of theory.md section 5 as a property: over random models, sources, schedules and shares nothing that a
// source says moves any log-odds by more than it was charged, nor is it charged more than its budget. The bounds are
// worked out here from the formulas.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "tests/stat/support.h"

namespace {

using namespace hearsay;
using namespace hearsay::test;
using reference::Event;
using reference::RandomModel;
using reference::Source;
using reference::Statement;

/// Log-odds, from an event's probability and its complement's, each to its own relative precision.
double logit(double p, double not_p) { return std::log(p) - std::log(not_p); }

Source random_source(reference::Random& random, std::size_t number) {
  using Schedule = Source::Schedule;
  Source s;
  s.name = fmt::format("s{}", number + 1);
  const Schedule all[] = {Schedule::none,  Schedule::spread,      Schedule::geometric,
                          Schedule::power, Schedule::until_spent, Schedule::fixed};
  s.schedule = all[reference::below(random, 6)];
  if (s.schedule == Schedule::none) return s;  // for the books only
  if (s.schedule != Schedule::fixed) s.budget = std::exp(reference::uniform(random, -3, 2));
  if (s.schedule == Schedule::geometric) s.parameter = reference::uniform(random, 0.2, 0.98);
  if (s.schedule == Schedule::power) s.parameter = reference::uniform(random, 1.1, 4);
  // Two or three claims, so that the end comes while some are still to be made.
  if (s.schedule == Schedule::until_spent) s.parameter = std::exp(*s.budget / reference::uniform(random, 1.2, 3.8));
  if (s.schedule == Schedule::fixed) s.parameter = std::exp(reference::uniform(random, 0, 1));
  return s;
}

/// Claims of several sources in random order, hard evidence among them. The statements of a source without a schedule
/// say their strengths themselves; those of a `spread` source too (it scales them), or they leave it to the source.
void add_claims(reference::Random& random, RandomModel& m) {
  using Kind = Statement::Kind;
  const int sources = 1 + reference::below(random, 3);
  std::vector<bool> says_itself;
  for (int k = 0; k < sources; ++k) {
    m.sources.push_back(random_source(random, m.sources.size()));
    const Source::Schedule schedule = m.sources.back().schedule;
    says_itself.push_back(schedule == Source::Schedule::none ||
                          (schedule == Source::Schedule::spread && reference::below(random, 2) == 0));
  }
  const int claims = 1 + reference::below(random, 6);
  for (int k = 0; k < claims; ++k) {
    if (reference::below(random, 5) == 0) {
      m.evidence.push_back(reference::random_statement(random, m, {Kind::hard, Kind::hard_outcome}));
      continue;
    }
    const auto by = static_cast<std::size_t>(reference::below(random, sources));
    Statement s = reference::random_statement(
        random, m, says_itself[by] ? reference::charged_kinds() : reference::Kinds{Kind::odds});
    s.source = by;
    if (!says_itself[by]) {
      s.kind = Kind::scheduled;
      if (reference::below(random, 3) == 0) s.share = reference::uniform(random);
    }
    m.evidence.push_back(std::move(s));
  }
}

/// A partition of a few variables: every combination of their values.
std::vector<Event> cells(reference::Random& random, const RandomModel& m) {
  std::vector<Event> all;
  const auto n = static_cast<int>(m.nodes.size());
  const int first = reference::below(random, n);
  for (int v = 0; v < m.cardinality(static_cast<std::size_t>(first)); ++v)
    all.push_back(reference::is(static_cast<std::size_t>(first), v));
  for (int more = 1; more < std::min(n, 3); ++more) {
    const auto variable = static_cast<std::size_t>((first + more) % n);
    std::vector<Event> finer;
    for (const Event& e : all)
      for (int v = 0; v < m.cardinality(variable); ++v) finer.push_back(both(e, reference::is(variable, v)));
    all = std::move(finer);
  }
  return all;
}

std::string ask(const RandomModel& m, const std::vector<Event>& events, const std::string& posterior,
                const std::string& condition = "") {
  std::string text;
  for (const Event& e : events) text += fmt::format("print P({} | {}{});\n", m.text(e), posterior, condition);
  return text;
}

/// The statements without those of one source.
std::vector<Statement> without(const RandomModel& m, std::size_t source) {
  std::vector<Statement> rest;
  for (const Statement& s : m.evidence)
    if (s.source != source) rest.push_back(s);
  return rest;
}

struct Distances {
  double total_variation = 0, forward = 0, backward = 0;  ///< KL(after ‖ before), KL(before ‖ after), nats
};
Distances distances(const std::vector<double>& before, const std::vector<double>& after) {
  Distances d;
  for (std::size_t i = 0; i < before.size(); ++i) {
    d.total_variation += std::abs(after[i] - before[i]) / 2;
    if (after[i] > 0) d.forward += after[i] * (std::log(after[i]) - std::log(before[i]));
    if (before[i] > 0) d.backward += before[i] * (std::log(before[i]) - std::log(after[i]));
  }
  return d;
}

/// Shifts of log-odds, and regret, of events of which `before` and `after` hold P(A), P(not A), P(B), P(not B), …
double largest_shift(const std::vector<double>& before, const std::vector<double>& after, double bound) {
  double largest = 0;
  for (std::size_t i = 0; i + 1 < before.size(); i += 2) {
    CAPTURE(i);
    if (!(before[i] > 0) || !(before[i + 1] > 0)) {
      // Nothing possible is lost, nothing impossible gained.
      CHECK(std::abs(after[i] - before[i]) <= 1e-12);
      continue;
    }
    const double shift = std::abs(logit(after[i], after[i + 1]) - logit(before[i], before[i + 1]));
    REQUIRE(shift <= bound + 1e-9);
    REQUIRE(std::abs(std::log(after[i]) - std::log(before[i])) <= bound + 1e-9);  // regret, if the world produces A
    largest = std::max(largest, shift);
  }
  return largest;
}

std::vector<double> part(const std::vector<double>& v, std::size_t from, std::size_t size) {
  return {v.begin() + static_cast<std::ptrdiff_t>(from), v.begin() + static_cast<std::ptrdiff_t>(from + size)};
}

}  // namespace

TEST_CASE("the theorem: what a source moves is within its charge, and its charge within its budget") {
  reference::Random random(20261106);
  double nearest = 0;
  int compared = 0, with_condition = 0, scheduled = 0;
  for (int k = 0; k < models(500); ++k) {
    reference::Shape shape;
    shape.most_variables = 7;
    RandomModel m = reference::random_structure(random, shape);
    add_claims(random, m);
    const reference::Enumeration expected(m);
    if (expected.impossible()) continue;

    // Events: each claim's own, and a random one; each with its complement.
    std::vector<Event> asked;
    for (const Statement& s : m.evidence)
      if (s.kind == Statement::Kind::scheduled || s.kind == Statement::Kind::odds)
        asked.insert(asked.end(), {s.event, negation(s.event)});
    const Event random_event = reference::random_event(random, m, 2);
    asked.insert(asked.end(), {random_event, negation(random_event)});
    const Event condition = reference::random_event(random, m, 1);
    const bool conditional = expected.probability(condition) > 1e-6;
    const std::string given = ", " + m.text(condition);
    const std::vector<Event> partition = cells(random, m);

    const auto by = static_cast<std::size_t>(reference::below(random, static_cast<int>(m.sources.size())));
    std::string script = m.declarations() + m.infer("post", m.evidence) + m.infer("rest", without(m, by));
    for (const std::string p : {"post", "rest"})
      script += ask(m, asked, p) + (conditional ? ask(m, asked, p, given) : "") + ask(m, partition, p);
    script += fmt::format("print charged(post, {}), charged(post);\n", m.sources[by].name);
    CAPTURE(script);
    const Run r = run(script, reference_backend());
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());

    const std::size_t n = asked.size(), c = conditional ? n : 0, cell_count = partition.size();
    REQUIRE(r.values.size() == 2 * (n + c + cell_count) + 2);
    const std::size_t rest = n + c + cell_count;
    const double charge = r.values[2 * rest];

    // The charge is what theory.md's schedules say, and no more than the budget.
    long double own = 0, all = 0;
    bool claims = false;
    for (std::size_t s = 0; s < m.evidence.size(); ++s) {
      if (m.evidence[s].source == by) {
        own += *expected.charge(s);
        claims = true;
        scheduled += m.evidence[s].kind == Statement::Kind::scheduled ? 1 : 0;
      }
      all += expected.charge(s).value_or(0);
    }
    REQUIRE(close_nats(charge, static_cast<double>(own)));
    REQUIRE(close_nats(r.values[2 * rest + 1], static_cast<double>(all)));
    if (m.sources[by].budget) REQUIRE(charge <= *m.sources[by].budget * (1 + 1e-12));
    // ℓ itself: its oscillation is at most the charge.
    if (claims) {
      long double low = HUGE_VALL, high = -HUGE_VALL;
      for (std::size_t i = 0; i < expected.states().size(); ++i) {
        long double l = 0;
        for (std::size_t s = 0; s < m.evidence.size(); ++s)
          if (m.evidence[s].source == by) l += expected.log_factor(s)[i];
        low = std::min(low, l);
        high = std::max(high, l);
      }
      REQUIRE(static_cast<double>(high - low) <= charge + 1e-9);
    }

    // The answers are those of the enumeration with these very strengths.
    const std::vector<long double> weights = expected.weights();
    const long double total = expected.total();
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(m.text(asked[i]));
      REQUIRE(close(r.values[i], static_cast<double>(expected.mass(asked[i], weights) / total)));
    }

    // Everything moved by no more than the charge: with and without the source, unconditionally and given an event.
    const double moved = largest_shift(part(r.values, rest, n), part(r.values, 0, n), charge);
    if (conditional) {
      ++with_condition;
      const double also = largest_shift(part(r.values, rest + n, n), part(r.values, n, n), charge);
      nearest = std::max(nearest, charge > 0 ? also / charge : 0);
    }
    const Distances d = distances(part(r.values, rest + n + c, cell_count), part(r.values, n + c, cell_count));
    CHECK(d.total_variation <= std::tanh(charge / 4) + 1e-12);
    CHECK(d.forward <= charge * charge / 8 + 1e-12);
    CHECK(d.forward + d.backward <= charge * std::tanh(charge / 4) + 1e-12);
    if (charge > 0) {
      ++compared;
      nearest = std::max(nearest, moved / charge);
    }
  }
  // It would be a poor test if no shift came near its bound, or few models had a charge.
  CHECK(nearest > 0.99);
  CHECK(compared > models(500) / 2);
  CHECK(with_condition > models(500) / 2);
  CHECK(scheduled > models(500) / 2);
}

TEST_CASE("the theorem with Jeffrey's rule: strengths that are known only after inference are charged and bound too") {
  reference::Random random(20261107);
  int compared = 0;
  for (int k = 0; k < models(300); ++k) {
    reference::Shape shape;
    shape.most_variables = 7;
    RandomModel m = reference::random_structure(random, shape);
    m.evidence = reference::random_evidence(
        random, m, {Statement::Kind::jeffrey, Statement::Kind::targets, Statement::Kind::odds, Statement::Kind::hard},
        4);
    m.questions = reference::random_questions(random, m);
    const reference::Enumeration expected(m);
    if (expected.impossible()) continue;
    std::vector<Statement> hard;
    for (const Statement& s : m.evidence)
      if (!s.soft()) hard.push_back(s);
    std::vector<Event> asked;
    for (const Event& q : m.questions) asked.insert(asked.end(), {q, negation(q)});
    const std::string script = m.declarations() + m.infer("post", m.evidence) + m.infer("plain", hard) +
                               ask(m, asked, "post") + ask(m, asked, "plain") + "print charged(post);\n";
    CAPTURE(script);
    const Run r = run(script, reference_backend());
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());
    const double charge = r.values.back();
    long double sum = 0;
    for (std::size_t s = 0; s < m.evidence.size(); ++s) sum += expected.charge(s).value_or(0);
    REQUIRE(close_nats(charge, static_cast<double>(sum)));
    largest_shift(part(r.values, asked.size(), asked.size()), part(r.values, 0, asked.size()), charge);
    compared += charge > 0 ? 1 : 0;
  }
  CHECK(compared > models(300) / 3);
}

TEST_CASE("the theorem is tight: a source that says one thing moves it by its whole budget") {
  reference::Random random(20261108);
  int compared = 0;
  for (int k = 0; k < models(150); ++k) {
    reference::Shape shape;
    shape.most_variables = 6;
    RandomModel m = reference::random_structure(random, shape);
    const reference::Enumeration prior(m);
    const Event a = reference::random_event(random, m, 2), condition = reference::random_event(random, m, 1);
    const double p = static_cast<double>(prior.probability(a));
    const double joint = static_cast<double>(prior.probability(both(a, condition)));
    const double other = static_cast<double>(prior.probability(both(negation(a), condition)));
    if (p < 1e-4 || p > 1 - 1e-4 || joint < 1e-4 || other < 1e-4) continue;
    ++compared;
    // All of it: in equal parts, or as a series that 4,000 claims exhaust to within 1e−12.
    const double budget = std::exp(reference::uniform(random, -3, 2));
    const bool spread = reference::below(random, 2) == 0;
    const std::string schedule = spread ? "spread" : "geometric(0.99)";
    const std::string event = m.text(a), given = m.text(condition);
    const std::string script =
        m.declarations() +
        fmt::format(
            "let post = infer M given {{ source s(budget: {} nats, schedule: {});\n"
            "  for i in 1..{} {{ soft observe {} from s; }} }};\n"
            "print P({} | post), P(!({}) | post), P({} | M), P(!({}) | M),\n"
            "  P({} | post, {}), P(!({}) | post, {}), P({} | M, {}), P(!({}) | M, {}), charged(post, s), "
            "shift({} | post);\n",
            budget, schedule, spread ? 7 : 4000, event, event, event, event, event, event, given, event, given, event,
            given, event, given, event);
    CAPTURE(script);
    const Run r = run(script, reference_backend());
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());
    const auto v = [&](std::size_t i) { return r.values.at(i); };
    CHECK(std::abs(logit(v(0), v(1)) - logit(v(2), v(3)) - budget) <= 1e-9);
    CHECK(std::abs(logit(v(4), v(5)) - logit(v(6), v(7)) - budget) <= 1e-9);
    CHECK(close_nats(v(8), budget));
    CHECK(std::abs(v(9) - budget) <= 1e-9);
  }
  CHECK(compared > models(150) / 4);
}

TEST_CASE("a shift is the difference of log-odds, with its sign") {
  reference::Random random(20261109);
  int up = 0, down = 0;
  for (int k = 0; k < models(100); ++k) {
    RandomModel m = reference::random_structure(random);
    m.evidence = reference::random_evidence(random, m, reference::charged_kinds(), 3);
    const reference::Enumeration expected(m);
    const Event e = reference::random_event(random, m, 2);
    const auto none = [](std::size_t) { return false; };
    const double p = static_cast<double>(expected.probability(e, none));
    if (p < 1e-6 || p > 1 - 1e-6) continue;
    const double after = static_cast<double>(expected.probability(e));
    const double shift = logit(after, 1 - after) - logit(p, 1 - p);
    const std::string script =
        m.declarations() + m.infer("post", m.evidence) + fmt::format("print shift({} | post);\n", m.text(e));
    CAPTURE(script);
    const Run r = run(script, reference_backend());
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());
    REQUIRE(close_nats(r.values.at(0), shift));
    up += shift > 1e-3 ? 1 : 0;
    down += shift < -1e-3 ? 1 : 0;
  }
  CHECK(std::min(up, down) > models(100) / 8);
}

TEST_CASE("total variation and the divergences reach their bounds at the prior odds e^(-B/2)") {
  for (const double b : {0.01, 0.3, 1.0, 2.5, 6.0}) {
    const double p = 1 / (1 + std::exp(b / 2));
    const Run r = run(fmt::format("model M {{ x ~ bernoulli({}); }}\n"
                                  "let post = infer M given {{ source s(budget: {} nats, schedule: spread);\n"
                                  "  for i in 1..3 {{ soft observe x from s; }} }};\n"
                                  "print P(!x | post), P(x | post), P(!x | M), P(x | M);\n",
                                  p, b),
                      reference_backend());
    REQUIRE(r.errors.empty());
    const Distances d = distances(part(r.values, 2, 2), part(r.values, 0, 2));
    CHECK(std::abs(d.total_variation - std::tanh(b / 4)) <= 1e-9);
    CHECK(std::abs(d.forward + d.backward - b * std::tanh(b / 4)) <= 1e-9);
    CHECK(d.forward <= b * b / 8);
  }
}
