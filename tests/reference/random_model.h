// Random finite models as script text, with their answers worked out here by running through the joint: nothing of the
// language, the IR or the engines is used, so agreement means something.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace hearsay::reference {

/// A Boolean expression over "variable == value" atoms.
struct Event {
  enum class Kind { atom, negation, conjunction, disjunction } kind = Kind::atom;
  std::size_t variable = 0;
  int value = 0;  ///< 0-based
  std::vector<Event> parts;

  [[nodiscard]] bool holds(const std::vector<int>& state) const;
};

/// One variable of the joint: an element of a scalar, a plate or a chain.
struct Node {
  std::string text;  ///< as the script names it: `x3`, `z[2]`
  int cardinality = 2;
  std::vector<std::size_t> parents;
  std::vector<double> table;  ///< parents first (the last parent fastest), then the value
};

/// One statement of evidence, in order.
struct Statement {
  enum class Kind { hard, odds, jeffrey } kind = Kind::odds;
  Event event;
  double number = 1;  ///< odds, or the target probability
};

struct RandomModel {
  std::vector<Node> nodes;
  std::vector<Statement> evidence;
  std::vector<Event> questions;
  std::string declarations;  ///< the model, as text

  [[nodiscard]] std::string text(const Event& e) const;
  /// The whole script: prints P of every question, then evidence(post).
  [[nodiscard]] std::string script(const std::string& using_clause) const;
};

/// 2 to 12 variables in a random directed graph, now and then with a plate or a chain, and a few statements of
/// evidence.
[[nodiscard]] RandomModel random_model(std::mt19937_64& random);

/// Answers by enumeration in long double: probabilities of the questions, then the log evidence (nats).
struct Answers {
  bool impossible = false;
  std::vector<double> probabilities;
  double log_evidence = 0;
  std::vector<double> strengths;  ///< |ln λ| of every soft statement, Jeffrey's included
};
[[nodiscard]] Answers enumerate(const RandomModel& model);
/// The probabilities of the questions without any soft statement.
[[nodiscard]] std::vector<double> without_soft(const RandomModel& model);

}  // namespace hearsay::reference
