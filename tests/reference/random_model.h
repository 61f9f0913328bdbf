// Random finite models as script text: what a script says, kept as plain tables, so that its answers can be worked out
// apart from the language (tests/reference/enumeration.h). Random pieces come from tests/reference/generate.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hearsay::reference {

/// Values of all variables of the joint, 0-based.
using State = std::vector<int>;

/// A Boolean expression over "variable has this value" and "variable has one of these values".
struct Event {
  enum class Kind { atom, member, negation, conjunction, disjunction } kind = Kind::atom;
  std::size_t variable = 0;
  int value = 0;            ///< of an atom, 0-based
  std::vector<int> values;  ///< of a membership
  std::vector<Event> parts;

  [[nodiscard]] bool holds(const State& state) const;
};
[[nodiscard]] Event is(std::size_t variable, int value);
[[nodiscard]] Event both(Event a, Event b);
[[nodiscard]] Event negation(Event a);

/// A distribution over 0 … cardinality − 1 for each assignment of the parents.
struct Conditional {
  int cardinality = 2;
  std::vector<std::size_t> parents{};
  std::vector<int> sizes{};     ///< cardinalities of the parents
  std::vector<double> table{};  ///< parents first (the last parent fastest), then the value; rows sum to 1

  [[nodiscard]] double probability(const State& state, int value) const;
  [[nodiscard]] std::size_t rows() const { return table.size() / static_cast<std::size_t>(cardinality); }
  [[nodiscard]] double at(std::size_t row, int value) const {
    return table[row * static_cast<std::size_t>(cardinality) + static_cast<std::size_t>(value)];
  }
};

/// One variable of the joint: a scalar, an element of a plate or a chain, a token.
struct Node {
  enum class Values { numbers, labels, truths } values = Values::numbers;
  std::string text;                 ///< as a script names it: `x3`, `z[2]`, `emit[1]`
  std::vector<std::string> labels;  ///< of `labels`
  Conditional given;
};

/// A declaration: the nodes that it makes, in order.
struct Block {
  enum class Kind {
    scalar,
    plate,        ///< nodes with one and the same table
    chain,        ///< each reads the one before it
    independent,  ///< tokens, independent given their parents
    markov,       ///< tokens, each reads the one before it
    hidden        ///< z[1], emit[1], z[2], emit[2], …
  } kind = Kind::scalar;
  std::string name;
  std::vector<std::size_t> nodes;
  /// A scalar written as a function of noise and of its parents: `u ~ categorical(…); let x = r[u, parents…];`.
  bool noncentred = false;
};

/// `soft observe y ~ D …`: D a table of distributions.
struct Outcome {
  Conditional given;
  int value = 0;
  bool truth = false;  ///< `bernoulli`, otherwise `categorical`
};

struct Source {
  enum class Schedule { none, spread, geometric, power, until_spent, fixed } schedule = Schedule::none;
  std::string name;
  std::optional<double> budget;  ///< nats
  double parameter = 0;          ///< r, p, or the odds
};

/// One statement of evidence, in order.
struct Statement {
  enum class Kind {
    hard,          ///< observe EVENT
    odds,          ///< EVENT odds number
    scheduled,     ///< EVENT from source (share)
    jeffrey,       ///< EVENT to number
    targets,       ///< x to {…}
    likelihoods,   ///< x likelihoods {…}
    hard_outcome,  ///< observe y ~ D
    odds_outcome,  ///< y ~ D odds number
    weight,        ///< y ~ D weight number
    within,        ///< y ~ D weight number within bound nats
    robust         ///< y ~ D robust bound weight number
  } kind = Kind::odds;
  Event event{};
  double number = 1;
  double bound = 1;
  std::vector<double> numbers{};  ///< of likelihoods and targets: one for each value of event.variable
  Outcome outcome{};
  std::vector<Event> only_if{};         ///< none, or one condition: `if C { … }`
  std::optional<std::size_t> source{};  ///< who is charged
  double share = 1;

  [[nodiscard]] bool soft() const { return kind != Kind::hard && kind != Kind::hard_outcome; }
};

struct RandomModel {
  std::vector<Node> nodes;
  std::vector<Block> blocks;  ///< in an order in which parents stand before children
  std::vector<Source> sources;
  std::vector<Statement> evidence;
  std::vector<Event> questions;

  [[nodiscard]] int cardinality(std::size_t node) const { return nodes[node].given.cardinality; }
  [[nodiscard]] std::string text(const Event& e) const;
  [[nodiscard]] std::string text(const Statement& s) const;
  /// Alphabet and model. With `as_data`, tables stand in parameters of the model, and `arguments()` binds them.
  [[nodiscard]] std::string declarations(bool as_data = false) const;
  [[nodiscard]] std::string arguments() const;
  /// `source …;` of all sources.
  [[nodiscard]] std::string source_declarations() const;
  /// `let NAME = infer M given { … } using …;` with all sources, each of them this posterior's own, and these
  /// statements.
  [[nodiscard]] std::string infer(const std::string& name, const std::vector<Statement>& statements,
                                  const std::string& using_clause = "", bool as_data = false) const;
  /// Prints P of every question.
  [[nodiscard]] std::string ask(const std::string& posterior) const;
  /// The whole script: prints P of every question, then evidence(post).
  [[nodiscard]] std::string script(const std::string& using_clause = "") const;

  /// Nodes of tokens, in order.
  [[nodiscard]] std::vector<std::size_t> tokens() const;
};

}  // namespace hearsay::reference
