// Variable elimination as a program: a list of contractions over one arena of numbers. Made from structure alone, so
// that one plan serves any number of tables.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/model/contraction.h"
#include "lang/model/factor_graph.h"
#include "lang/support/diagnostic.h"

namespace hearsay::exact {

struct PlanOptions {
  std::vector<model::VariableId> keep{};  ///< not summed out: the answer is a table over these, in this order
  /// Entries of the largest clique (and of a quarter of the arena).
  std::size_t max_table = std::size_t{1} << 26;
  const std::atomic<bool>* interrupt = nullptr;  ///< polled; true makes planning fail with E0503
  SourceSpan from{};                             ///< what errors point at
};

/// `count` contractions of one shape whose operands move along the arena by constant strides: a plate or a chain.
/// Operand k of element e is at offsets[operands + k] + e * offsets[operands + inputs + 1 + k]; the output is operand
/// `inputs`.
struct Run {
  std::uint32_t shape = 0;
  std::uint32_t inputs = 0;
  std::uint32_t needed = 0;  ///< bit k: somebody wants the adjoint of input k
  std::size_t count = 0;
  std::size_t operands = 0;
};

/// Where a marginal is read: a block of the arena over [outer, cardinality, inner]. Empty for variables without a
/// factor.
struct MarginalSource {
  std::size_t offset = 0;
  std::uint32_t outer = 0;
  std::uint32_t inner = 0;
};

/// Arena: all factor tables in a row, then one entry that is 1, then every message. Every block but the 1 is read
/// exactly once going up, so that its adjoint is one contraction going down, at the same place of a second arena.
struct EliminationPlan {
  SourceSpan from{};                         ///< what errors of its passes point at
  std::vector<std::uint32_t> cardinalities;  ///< [variables]
  std::vector<std::uint32_t> keep;
  std::vector<std::size_t> table_begin;  ///< [factors + 1]
  std::size_t one = 0;                   ///< offset of the entry that is 1
  std::size_t arena_size = 0;
  std::vector<model::ContractionShape> shapes;
  std::vector<Run> runs;
  std::vector<std::ptrdiff_t> offsets;
  /// [shapes, kMaxStepInputs]: the shape that gives the adjoint of an input from the other inputs and the output's
  /// adjoint.
  std::vector<std::uint32_t> adjoint_shapes;
  std::vector<std::size_t> roots;  ///< single numbers whose product is the answer (times the table over `keep`)
  std::size_t joint_offset = 0;    ///< the table over `keep`
  std::size_t joint_size = 0;      ///< 0 when nothing is kept
  double log_free_states = 0;      ///< sum of ln cardinality over variables that no factor names and nobody keeps
  std::vector<MarginalSource> marginals;  ///< [variables]
  double cost = 0;                        ///< products formed by one upward pass

  [[nodiscard]] std::size_t steps() const;
};

inline constexpr std::uint32_t kMaxStepInputs = 4;
inline constexpr std::uint32_t kNoShape = ~std::uint32_t{0};

/// Plans the elimination of all variables but `keep`. The tables of `graph` are not read.
/// Errors: E0501 (names the clique), E0503, E0504.
[[nodiscard]] Result<EliminationPlan> plan_elimination(const model::FactorGraph& graph,
                                                       const PlanOptions& options = {});

}  // namespace hearsay::exact
