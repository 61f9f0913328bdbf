#include "runtime/infer/exact/junction_tree.h"

#include <algorithm>
#include <optional>

#include "runtime/infer/exact/exact_sum.h"
#include "runtime/infer/exact/structure.h"

namespace hearsay::exact {

namespace {

Diagnostic refusal(const char* what, SourceSpan from) {
  return diagnose<DiagnosticKind::malformed_factor_graph>(from, what);
}

// The smallest factor whose scope holds all of `variables`.
std::optional<std::size_t> factor_over(const model::FactorGraph& graph, const EliminationPlan& plan,
                                       std::span<const model::VariableId> variables) {
  std::optional<std::size_t> best;
  const auto size = [&](std::size_t f) { return plan.table_begin[f + 1] - plan.table_begin[f]; };
  for (std::size_t f = 0; f < graph.factors.size(); ++f) {
    const auto& scope = graph.factors[f].scope;
    const bool holds = scope.size() >= variables.size() && std::all_of(variables.begin(), variables.end(), [&](auto v) {
                         return std::find(scope.begin(), scope.end(), v) != scope.end();
                       });
    if (holds && (!best || size(f) < size(*best))) best = f;
  }
  return best;
}

// Sums a table over `scope` to one over `variables`, all of which are in it.
std::vector<double> sum_to(const model::FactorGraph& graph, std::span<const model::VariableId> scope,
                           std::span<const double> table, std::span<const model::VariableId> variables) {
  std::vector<std::size_t> stride(scope.size(), 0);
  std::size_t size = 1;
  for (std::size_t i = variables.size(); i-- > 0;) {
    const auto place = std::find(scope.begin(), scope.end(), variables[i]) - scope.begin();
    stride[static_cast<std::size_t>(place)] = size;
    size *= graph.cardinality(variables[i]);
  }
  std::vector<double> out(size, 0.0);
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::size_t rest = i;
    std::size_t at = 0;
    for (std::size_t k = scope.size(); k-- > 0;) {
      at += rest % graph.cardinality(scope[k]) * stride[k];
      rest /= graph.cardinality(scope[k]);
    }
    out[at] += table[i];
  }
  return out;
}

}  // namespace

JunctionTree::JunctionTree(const model::FactorGraph& graph, PlanOptions options, model::KernelProvider* kernels,
                           EliminationPlan plan)
    : graph_(&graph),
      options_(std::move(options)),
      kernels_(kernels),
      plan_(std::make_unique<EliminationPlan>(std::move(plan))),
      workspace_(std::make_unique<Workspace>(*plan_, kernels, options_.interrupt)) {}

Result<JunctionTree> JunctionTree::make(const model::FactorGraph& graph, const PlanOptions& options,
                                        model::KernelProvider* kernels) {
  PlanOptions mine = options;
  mine.keep.clear();
  auto plan = plan_elimination(graph, mine);
  if (!plan) return fail(std::move(plan.error()));
  return JunctionTree(graph, std::move(mine), kernels, std::move(*plan));
}

Result<double> JunctionTree::set_tables(std::span<const double> log_tables) {
  done_ = Passes::none;
  tables_.assign(log_tables.begin(), log_tables.end());
  auto z = workspace_->log_partition(tables_);
  if (z) done_ = Passes::upward;
  if (!z && z.error().kind == DiagnosticKind::bad_log_weight) return fail(name_bad_weight());
  return z;
}

// The same refusal in the names of the graph.
Diagnostic JunctionTree::name_bad_weight() const {
  const auto bad = std::find_if_not(tables_.begin(), tables_.end(), usable_log_weight) - tables_.begin();
  const auto& begins = plan_->table_begin;
  const auto f = std::upper_bound(begins.begin(), begins.end(), static_cast<std::size_t>(bad)) - begins.begin() - 1;
  std::vector<std::uint32_t> scope;
  for (const auto v : graph_->factors[static_cast<std::size_t>(f)].scope)
    scope.push_back(static_cast<std::uint32_t>(v));
  return diagnose<DiagnosticKind::bad_log_weight>(options_.from, name_list(*graph_, scope),
                                                  tables_[static_cast<std::size_t>(bad)]);
}

Result<void> JunctionTree::propagate(bool factors) {
  if (done_ == Passes::none) return fail(refusal("no tables were set", options_.from));
  const Passes wanted = factors ? Passes::factors : Passes::marginals;
  if (done_ >= wanted) return {};
  auto ok = workspace_->propagate(factors);
  if (ok) done_ = wanted;
  return ok;
}

Result<std::span<const double>> JunctionTree::marginal(model::VariableId v) {
  if (static_cast<std::size_t>(v) >= graph_->variables.size())
    return fail(refusal("there is no such variable", options_.from));
  if (auto ok = propagate(false); !ok) return fail(std::move(ok.error()));
  return workspace_->marginal(static_cast<std::uint32_t>(v));
}

Result<std::vector<double>> JunctionTree::factor_marginal(std::size_t factor) {
  if (factor >= graph_->factors.size()) return fail(refusal("there is no such factor", options_.from));
  if (auto ok = propagate(true); !ok) return fail(std::move(ok.error()));
  return workspace_->factor_marginal(factor);
}

Result<Workspace*> JunctionTree::keeping(std::span<const model::VariableId> variables) {
  std::vector<model::VariableId> key(variables.begin(), variables.end());
  const auto found = kept_.find(key);
  if (found != kept_.end()) return found->second.workspace.get();
  PlanOptions mine = options_;
  mine.keep = key;
  auto plan = plan_elimination(*graph_, mine);
  if (!plan) return fail(std::move(plan.error()));
  Kept kept;
  kept.plan = std::make_unique<EliminationPlan>(std::move(*plan));
  kept.workspace = std::make_unique<Workspace>(*kept.plan, kernels_, options_.interrupt);
  return kept_.emplace(std::move(key), std::move(kept)).first->second.workspace.get();
}

Result<std::vector<double>> JunctionTree::joint(std::span<const model::VariableId> variables) {
  if (done_ == Passes::none) return fail(refusal("no tables were set", options_.from));
  const bool distinct = std::all_of(variables.begin(), variables.end(),
                                    [&](auto v) { return std::count(variables.begin(), variables.end(), v) == 1; });
  if (distinct && variables.size() > 1) {
    if (const auto f = factor_over(*graph_, *plan_, variables)) {
      auto table = factor_marginal(*f);
      if (!table) return fail(std::move(table.error()));
      return sum_to(*graph_, graph_->factors[*f].scope, *table, variables);
    }
  }
  if (variables.empty()) {
    if (auto ok = propagate(false); !ok) return fail(std::move(ok.error()));
    return std::vector<double>{1.0};
  }
  if (variables.size() == 1) {
    auto m = marginal(variables[0]);
    if (!m) return fail(std::move(m.error()));
    return std::vector<double>(m->begin(), m->end());
  }
  auto workspace = keeping(variables);
  if (!workspace) return fail(std::move(workspace.error()));
  if (auto z = (*workspace)->log_partition(tables_); !z) return fail(std::move(z.error()));
  return (*workspace)->joint();
}

}  // namespace hearsay::exact
