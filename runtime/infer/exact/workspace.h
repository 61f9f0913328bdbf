// Runs a plan on numbers: upward (the total weight), and downward (the adjoint of every message, hence all marginals).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/model/contraction.h"
#include "lang/support/diagnostic.h"
#include "runtime/infer/exact/plan.h"

namespace hearsay::exact {

/// Buffers of one plan for one thread; run any number of times on different tables.
///
/// Numbers are held as weights, each block scaled by a power of two with the exponents added up apart. The processor's
/// underflow flag says whether any product was too small to be exact; if so the pass is repeated with logarithms.
/// Either way a weight of zero is an exact zero, and the error is that of a few roundings per step.
class Workspace {
public:
  /// `plan`, `kernels` (may be null) and `interrupt` (may be null) must outlive the workspace.
  explicit Workspace(const EliminationPlan& plan, model::KernelProvider* kernels = nullptr,
                     const std::atomic<bool>* interrupt = nullptr);

  /// Upward pass. `log_tables`: all factor tables in a row, in nats, in the order of the graph.
  /// Returns the log of the summed weight of all states, in nats; -inf when no state is possible.
  /// Errors: E0502 (an entry is NaN, +inf or beyond 1e300; the message names the table), E0503, E0504 (wrong length).
  [[nodiscard]] Result<double> log_partition(std::span<const double> log_tables);

  /// The table over plan.keep, normalised to sum 1. After log_partition. Errors: E0506 when no state is possible.
  [[nodiscard]] Result<std::vector<double>> joint() const;

  /// Downward pass, after log_partition: makes marginal() available, and with `factors` factor_marginal() too.
  /// Errors: E0503; E0506 when no state is possible.
  [[nodiscard]] Result<void> propagate(bool factors = false);

  /// P(variable = 0 .. cardinality - 1). After propagate.
  [[nodiscard]] std::span<const double> marginal(std::uint32_t variable) const;

  /// The joint distribution of a factor's scope, laid out as its table. After propagate(true).
  [[nodiscard]] std::vector<double> factor_marginal(std::size_t factor) const;

private:
  using Pointers = std::array<const double*, model::kMaxContractionInputs>;

  [[nodiscard]] Result<double> upward();
  [[nodiscard]] Result<void> check(std::span<const double> log_tables) const;
  [[nodiscard]] Result<void> downward(bool factors);
  void read_marginals();
  [[nodiscard]] bool interrupted(std::size_t work);
  [[nodiscard]] bool contract(std::size_t shape, const Pointers& in, double* out);  ///< false: interrupted

  const EliminationPlan& plan_;
  model::KernelProvider* provider_;
  const std::atomic<bool>* interrupt_;
  model::Semiring semiring_ = model::Semiring::linear;
  bool impossible_ = false;
  std::size_t work_since_poll_ = 0;
  std::vector<std::size_t> output_size_;              // [shapes]
  std::vector<std::size_t> work_;                     // [shapes]
  std::vector<model::ContractionKernel> kernels_[2];  // by semiring, [shapes]; empty until one is needed
  std::vector<double> logs_;                          // the log tables of the last call
  std::vector<double> values_;
  std::vector<double> adjoints_;
  std::vector<double> marginals_;
  std::vector<std::size_t> marginal_begin_;
};

}  // namespace hearsay::exact
