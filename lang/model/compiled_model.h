// A model with its data bound, ready to be evaluated: what inference engines hold. Made by lang/eval (reference) and by
// jit (native) alike; immutable and shared. Evaluators are private to one thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace hearsay::model {

class Evaluator {
public:
  virtual ~Evaluator() = default;
  /// Sum, in nats, of all terms that read no finite latent, at these continuous values (constrained scale). May be
  /// -inf.
  [[nodiscard]] virtual double closed_terms(std::span<const double> continuous) = 0;
  /// Fills the log tables of all ground factors (ir::Grounding gives their places), in nats.
  virtual void fill_tables(std::span<const double> continuous, std::span<double> tables) = 0;
  /// closed_terms, and its derivative with respect to `continuous` into `gradient`; added to it, the derivative of
  /// sum over entries of weights * log table (weights may be empty when there are no tables). Only where the model
  /// `has_gradient`.
  virtual double value_and_gradient(std::span<const double> continuous, std::span<const double> weights,
                                    std::span<double> gradient) = 0;

  /// Evaluations stop within some 100 µs of work after `*flag` has become true, by whichever thread (null, the default:
  /// they run to their end). An implementation that is never long at work may not look at it.
  virtual void stop_on(const std::atomic<bool>* flag) { static_cast<void>(flag); }
  /// Whether the last evaluation was cut short. What it returned (NaN) or filled in is then worth nothing.
  [[nodiscard]] virtual bool interrupted() const { return false; }
};

class CompiledModel {
public:
  virtual ~CompiledModel() = default;
  [[nodiscard]] virtual std::unique_ptr<Evaluator> evaluator() const = 0;
  [[nodiscard]] virtual std::size_t continuous_dimension() const = 0;
  [[nodiscard]] virtual std::size_t table_entries() const = 0;
  [[nodiscard]] virtual bool has_gradient() const = 0;
};

}  // namespace hearsay::model
