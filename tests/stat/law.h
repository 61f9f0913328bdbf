// A metamorphic law: two ways to say the same about a random model, which must give the same answers to all questions.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/stat/support.h"

namespace hearsay::test {

using reference::RandomModel;
using reference::Statement;
using Kind = Statement::Kind;

/// `model.evidence` is what the first posterior stands on, and what the enumeration is given.
struct Saying {
  RandomModel model;
  std::string one, other;            ///< scripts that define the posteriors `one` and `other`
  std::vector<Statement> without{};  ///< the evidence without what the law is about
  double costs_more = 0;             ///< the other is charged this much more than the one, nats
  bool same_evidence = true;         ///< the evidence has the same probability, too
};

/// Runs `make` until `count` models that are possible have been compared. `moves`: what the law is about changes some
/// answer (by more than 1e−6) in at least a third of them, or the law would hold of a program that ignores it.
inline void law(std::uint64_t seed, int count, const std::function<std::optional<Saying>(reference::Random&)>& make,
                bool moves = true, const Settings& settings = reference_backend()) {
  reference::Random random(seed);
  int compared = 0, moved = 0;
  for (int tries = 0; compared < count; ++tries) {
    REQUIRE(tries < 20 * count + 100);
    const auto saying = make(random);
    if (!saying) continue;
    const RandomModel& m = saying->model;
    const reference::Enumeration expected(m);
    if (expected.impossible()) continue;
    const std::string script = saying->one + saying->other + m.ask("one") + m.ask("other") +
                               "print charged(one), charged(other), evidence(one), evidence(other);\n";
    CAPTURE(script);
    const Run r = run(script, settings);
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());
    const std::size_t n = m.questions.size();
    REQUIRE(r.values.size() == 2 * n + 4);
    RandomModel bare = m;
    bare.evidence = saying->without;
    const reference::Enumeration before(bare);
    bool differs = false;
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(m.text(m.questions[i]));
      const auto p = static_cast<double>(expected.probability(m.questions[i]));
      REQUIRE(close(r.values[i], p));
      REQUIRE(close(r.values[n + i], p));
      differs = differs ||
                (!before.impossible() && std::abs(p - static_cast<double>(before.probability(m.questions[i]))) > 1e-6);
    }
    if (saying->same_evidence) REQUIRE(close_nats(r.values[2 * n + 2], r.values[2 * n + 3]));
    REQUIRE(close_nats(r.values[2 * n + 1], r.values[2 * n] + saying->costs_more));
    ++compared;
    moved += differs ? 1 : 0;
  }
  if (moves) CHECK(moved > count / 3);
}

/// A model with evidence and questions, but for what a law adds.
inline RandomModel base(reference::Random& random, const reference::Kinds& kinds, reference::Shape shape = {}) {
  shape.most_states = std::min(shape.most_states, 2000.0);
  RandomModel m = reference::random_structure(random, shape);
  m.evidence = reference::random_evidence(random, m, kinds, 3);
  m.questions = reference::random_questions(random, m);
  return m;
}

/// The same model with two lists of statements.
inline Saying two_lists(RandomModel m, std::vector<Statement> without, std::vector<Statement> one,
                        const std::vector<Statement>& other) {
  Saying s;
  s.one = m.declarations() + m.infer("one", one);
  s.other = m.infer("other", other);
  m.evidence = std::move(one);
  s.without = std::move(without);
  s.model = std::move(m);
  return s;
}

/// `list` with `s` put in somewhere.
inline std::vector<Statement> with(reference::Random& random, std::vector<Statement> list, Statement s) {
  list.insert(list.begin() + reference::below(random, static_cast<int>(list.size()) + 1), std::move(s));
  return list;
}

}  // namespace hearsay::test
