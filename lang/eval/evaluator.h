// The reference evaluator of the IR: slow, obviously right, the definition of meaning. Walks the expression tree.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lang/ir/gradient.h"
#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"
#include "lang/ir/substitute.h"
#include "lang/model/compiled_model.h"
#include "lang/model/state.h"

namespace hearsay::eval {

/// A finite latent was read whose code is 0 ("not assigned"): a bug of the caller.
class UnassignedLatent : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Every call below is for one state, and knows nothing of the states of earlier calls. Sums are compensated
/// (Neumaier's method) and run in index order; NaN is passed on. Expressions and lets may be added to the module
/// between calls; what is there must not change.
class ReferenceEvaluator {
public:
  /// The module must outlive the evaluator.
  explicit ReferenceEvaluator(const ir::Module& module);

  /// Binds a bound variable for the `value` calls that follow.
  void set_index(ir::IndexId index, std::int64_t value);
  /// Value of an expression at a state; indices as bound by set_index. Index out of an array's bounds throws
  /// std::out_of_range (lowering proves or reports bounds; the callers of this class turn it into a diagnostic).
  [[nodiscard]] Scalar value(ir::ExprId e, const model::StateView& state);
  /// One instance of a term, at these values of its plate indices (nats).
  [[nodiscard]] double term(ir::TermId t, std::span<const std::int64_t> plate, const model::StateView& state);
  /// A term summed over its plate (nats).
  [[nodiscard]] double term(ir::TermId t, const model::StateView& state);
  /// The sum of all terms (nats).
  [[nodiscard]] double log_density(const model::StateView& state);
  /// The sum of these terms (nats).
  [[nodiscard]] double sum(std::span<const ir::TermId> terms, const model::StateView& state);
  /// Fills the tables of all ground factors by definition: every assignment of a factor's scope in turn, all other
  /// finite latents unassigned. An entry that can't be evaluated is NaN.
  void fill_tables(const ir::Grounding& grounding, std::span<const double> continuous, std::span<double> tables);
  /// Whether, since this was last asked, a truth depended on a comparison with NaN.
  [[nodiscard]] bool compared_nan() { return std::exchange(compared_nan_, false); }

private:
  bool compared_nan_ = false;

  // A moment on a clock that ticks at every new state and every new binding of an index. What was computed at a moment
  // is still valid if nothing that it reads has changed since.
  using Moment = std::uint64_t;

  struct CachedValue {
    Moment at = 0;
    Scalar value;
    std::exception_ptr failure;  // set when there is no value
  };
  struct LetCache {
    const ir::Dependence* reads = nullptr;
    std::vector<std::int64_t> shape;
    std::vector<CachedValue> elements;  // row-major; empty until first read
    // Scans only: elements before `scanned` were computed, at `scanned_at` or later; `current` is being computed.
    std::size_t scanned = 0;
    Moment scanned_at = 0;
    std::optional<std::size_t> current;
  };
  class Binding;

  void begin(const model::StateView& state);
  void learn_module();
  void bind(ir::IndexId index, std::int64_t value);
  [[nodiscard]] Moment last_change(const ir::Dependence& reads) const;

  Scalar eval(ir::ExprId e);
  Scalar compute(const ir::Inst& inst);
  Scalar connective(const ir::Inst& inst, Op op);
  Scalar load_latent(const ir::Inst& inst);
  Scalar load_let(const ir::Inst& inst);
  const CachedValue& let_element(std::uint32_t let, std::size_t flat);
  void compute_element(std::uint32_t let, std::size_t flat);
  Scalar reduce(const ir::Inst& inst);
  std::size_t flat_position(const ir::Inst& inst, std::span<const std::int64_t> shape,
                            std::span<const ir::IndexId> binders, const std::string& name);
  double plate_sum(ir::TermId t);
  double instance(ir::TermId t, std::span<const std::int64_t> plate);

  const ir::Module& module_;
  ir::StateLayout layout_;
  ir::DependenceMap reads_;
  model::StateView state_;
  std::vector<std::int64_t> bound_;                // by IndexId
  std::vector<Moment> bound_at_;                   // by IndexId
  std::vector<std::uint32_t> uses_;                // by ExprId: how many instructions read it
  std::vector<CachedValue> values_;                // by ExprId, for those that are read more than once
  std::vector<const ir::Dependence*> expr_reads_;  // by ExprId, once asked for
  std::vector<LetCache> lets_;                     // by LetId
  Moment clock_ = 1;
  Moment continuous_at_ = 1;
  Moment finite_at_ = 1;
};

/// The reference implementation of CompiledModel: fills tables by walking expressions. Module and grounding are kept
/// alive, and so is the derivative, which may be null. An entry that can't be evaluated (an index outside its array) is
/// NaN.
[[nodiscard]] std::shared_ptr<const model::CompiledModel> compile_reference(
    std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding,
    std::shared_ptr<const ir::Gradient> gradient = nullptr);

}  // namespace hearsay::eval
