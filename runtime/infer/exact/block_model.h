// A factor graph rearranged for enumeration: the last variables form a block of lanes that is walked by vector loops,
// the others a nest of loops around it; every factor becomes part of a table over the few loops that it depends on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/model/factor_graph.h"

namespace hearsay::exact {

/// Factors that depend on the same loops, multiplied together: values over [loops..., lanes], last fastest.
struct Term {
  std::vector<std::uint32_t> loops;  ///< ascending
  std::vector<std::size_t> strides;  ///< [loops], in entries of `table`
  std::vector<double> table;         ///< log-weights, or weights after to_weights
  /// Empty, or [lanes]: where in `table` each lane reads. (A factor too large to be spread over all lanes.)
  std::vector<std::uint32_t> gather;
};

struct BlockModel {
  std::vector<std::uint32_t> loop_variables;  ///< outermost first
  std::vector<std::uint32_t> loop_extents;    ///< [loops]
  std::size_t kept = 0;                       ///< the first so many loops are the variables that were to be outermost
  std::vector<std::uint32_t> lane_variables;
  std::size_t lanes = 1;
  std::vector<double> base;  ///< [lanes] what depends on no loop
  /// [loops]: a table over [extent, lanes] (or empty) and one over [extent] (or empty): what depends on this loop
  /// alone.
  std::vector<std::vector<double>> own_lanes;
  std::vector<std::vector<double>> own_scalar;
  /// [loops]: terms over two loops or more, filed under the last but one of them. Scalar ones have one entry for all
  /// lanes.
  std::vector<std::vector<Term>> pair_lanes;
  std::vector<std::vector<Term>> pair_scalar;
  std::vector<std::vector<Term>> gathered;  ///< [loops] filed under the last
  double log_offset = 0;                    ///< nats, to be added to every state
};

/// Log-weights throughout. Tables are shifted to a largest entry of 0. `graph` must be well formed, its weights usable.
/// The variables in `outermost`, all different, become the first loops, in this order.
[[nodiscard]] BlockModel make_block_model(const model::FactorGraph& graph, std::size_t block_size,
                                          std::span<const model::VariableId> outermost = {});

/// exp of every table.
void to_weights(BlockModel& model);

}  // namespace hearsay::exact
