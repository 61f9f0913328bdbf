// The answers of a random model, by running through its joint in long double and following theory.md's formulas one by
// one. Nothing of the language, the IR, the engines or lang/evidence is used, so agreement means something.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/reference/random_model.h"

namespace hearsay::reference {

/// What the i-th of `count` claims (from 1) of a source gets, nats (theory.md section 6).
[[nodiscard]] long double allotment(const Source& source, std::size_t i, std::size_t count);

class Enumeration {
public:
  explicit Enumeration(const RandomModel& model);

  /// Hard evidence of probability 0, or a target that nothing can reach.
  [[nodiscard]] bool impossible() const { return impossible_; }

  using Counts = std::function<bool(std::size_t)>;  ///< whether a statement, by number, counts
  /// Joint weights of the states with the statements that count; all of them without a function.
  [[nodiscard]] std::vector<long double> weights(const Counts& counts = {}) const;
  [[nodiscard]] long double total(const Counts& counts = {}) const;
  [[nodiscard]] long double probability(const Event& e, const Counts& counts = {}) const;
  /// P(e) of given weights, and the sum of the weights where e holds.
  [[nodiscard]] long double mass(const Event& e, const std::vector<long double>& weights) const;

  /// What a statement is charged, nats: nothing for hard evidence and for weights without a bound.
  [[nodiscard]] std::optional<long double> charge(std::size_t statement) const { return charges_[statement]; }
  /// ℓ: the log factor of a statement in each state, nats.
  [[nodiscard]] const std::vector<long double>& log_factor(std::size_t statement) const {
    return log_factors_[statement];
  }
  [[nodiscard]] const std::vector<State>& states() const { return states_; }
  /// The log of the mass is known only up to a constant after Jeffrey's rule.
  [[nodiscard]] bool evidence_defined() const;

private:
  void add(const Statement& s, std::size_t number);
  [[nodiscard]] long double scale(const Statement& s) const;

  const RandomModel& model_;
  bool impossible_ = false;
  std::vector<State> states_;
  std::vector<long double> prior_;
  std::vector<long double> current_;
  std::vector<std::vector<long double>> log_factors_;
  std::vector<std::optional<long double>> charges_;
};

}  // namespace hearsay::reference
