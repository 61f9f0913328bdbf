// Random models, events and statements of evidence.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "tests/reference/random_model.h"

namespace hearsay::reference {

using Random = std::mt19937_64;

/// 0 … n − 1.
[[nodiscard]] int below(Random& random, int n);
/// In (0, 1).
[[nodiscard]] double uniform(Random& random);
[[nodiscard]] double uniform(Random& random, double low, double high);

struct Shape {
  int most_variables = 12;
  double most_states = 8000;  ///< of the joint: what an enumeration has to run through
  bool stream = false;        ///< always a token stream (otherwise now and then)
  std::optional<Block::Kind> stream_kind{};
};

/// 2 to 12 variables in a random directed graph: numbers, labels and truths; now and then a plate, a chain, a token
/// stream (independent, Markov or hidden Markov). Some probabilities are 0. No evidence yet, no questions.
[[nodiscard]] RandomModel random_structure(Random& random, const Shape& shape = {});

/// A row of probabilities for each assignment of the parents.
[[nodiscard]] Conditional random_conditional(Random& random, const RandomModel& m, std::vector<std::size_t> parents,
                                             int cardinality, bool zeros = true);
[[nodiscard]] Event random_event(Random& random, const RandomModel& m, int depth);
[[nodiscard]] Outcome random_outcome(Random& random, const RandomModel& m, bool zeros = true);

using Kinds = std::set<Statement::Kind>;
/// All kinds of statements that do not need a source.
[[nodiscard]] const Kinds& all_kinds();
/// Those whose order among themselves does not matter: all of them but Jeffrey's.
[[nodiscard]] const Kinds& commuting_kinds();
/// Soft ones with a charge that is known before inference.
[[nodiscard]] const Kinds& charged_kinds();

/// A statement of one of these kinds; one time in six behind a condition.
[[nodiscard]] Statement random_statement(Random& random, const RandomModel& m, const Kinds& kinds);
/// 0 to `most` statements.
[[nodiscard]] std::vector<Statement> random_evidence(Random& random, const RandomModel& m, const Kinds& kinds,
                                                     int most = 5);
/// One about each variable, and a compound one.
[[nodiscard]] std::vector<Event> random_questions(Random& random, const RandomModel& m);

/// Structure, evidence and questions of all kinds.
[[nodiscard]] RandomModel random_model(Random& random);

}  // namespace hearsay::reference
