// All posteriors of a finite model: plans once, then answers for any tables.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lang/model/contraction.h"
#include "lang/model/factor_graph.h"
#include "lang/support/diagnostic.h"
#include "runtime/infer/exact/plan.h"
#include "runtime/infer/exact/workspace.h"

namespace hearsay::exact {

/// The tree of messages of one elimination, with both passes. Single-threaded; not copyable, cheap to move.
/// Shafer & Shenoy, "Probability propagation" (1990); the downward pass is the derivative of the upward one
/// (Darwiche, "A differential approach to inference in Bayesian networks", 2003).
class JunctionTree {
public:
  /// `graph` and `kernels` (may be null) must outlive the tree; only scopes, cardinalities and names of `graph` are
  /// read. `options.keep` is ignored. Errors: E0501, E0503, E0504.
  [[nodiscard]] static Result<JunctionTree> make(const model::FactorGraph& graph, const PlanOptions& options = {},
                                                 model::KernelProvider* kernels = nullptr);

  /// Sets all tables (in a row, nats). Returns the log of the summed weight of all states; -inf when none is possible.
  /// With normalised factors and evidence this is the log probability of the evidence. Errors: E0502, E0503, E0504.
  [[nodiscard]] Result<double> set_tables(std::span<const double> log_tables);

  /// P(v = 0 .. cardinality - 1). The first call after set_tables makes the downward pass for all variables.
  /// Errors: E0503; E0504 (no such variable); E0506 (no state is possible).
  [[nodiscard]] Result<std::span<const double>> marginal(model::VariableId v);

  /// The distribution of a factor's scope, laid out as its table. Errors: as marginal.
  [[nodiscard]] Result<std::vector<double>> factor_marginal(std::size_t factor);

  /// The joint distribution of any few variables, row-major, last fastest: from the two passes if one factor holds them
  /// all, else by an elimination that keeps them (planned once for each set). Errors: E0501, and as marginal.
  [[nodiscard]] Result<std::vector<double>> joint(std::span<const model::VariableId> variables);

  [[nodiscard]] const EliminationPlan& plan() const { return *plan_; }

private:
  struct Kept {
    std::unique_ptr<EliminationPlan> plan;
    std::unique_ptr<Workspace> workspace;
  };

  JunctionTree(const model::FactorGraph& graph, PlanOptions options, model::KernelProvider* kernels,
               EliminationPlan plan);
  [[nodiscard]] Result<void> propagate(bool factors);
  [[nodiscard]] Diagnostic name_bad_weight() const;
  [[nodiscard]] Result<Workspace*> keeping(std::span<const model::VariableId> variables);

  const model::FactorGraph* graph_;
  PlanOptions options_;
  model::KernelProvider* kernels_;
  std::unique_ptr<EliminationPlan> plan_;
  std::unique_ptr<Workspace> workspace_;
  std::map<std::vector<model::VariableId>, Kept> kept_;
  std::vector<double> tables_;
  enum class Passes { none, upward, marginals, factors } done_ = Passes::none;
};

}  // namespace hearsay::exact
