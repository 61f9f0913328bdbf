// The definition of an answer, written to be obviously right: used by tests, never by a program.
#pragma once

#include <vector>

#include "lang/model/factor_graph.h"

namespace hearsay::exact {

struct ReferenceAnswer {
  double log_partition = 0;                ///< nats; -inf when no state is possible
  std::vector<long double> probabilities;  ///< [states], all variables, last fastest; empty when no state is possible
  std::vector<std::vector<double>> marginals;  ///< [variables][cardinality]; empty when no state is possible
};

/// Visits every state, adds up its log-weights, then log-sum-exps. Exponential in everything; `graph` must be well
/// formed.
[[nodiscard]] ReferenceAnswer enumerate_reference(const model::FactorGraph& graph);

/// The distribution of `keep`, row-major, last fastest, from the same table.
[[nodiscard]] std::vector<double> reference_joint(const model::FactorGraph& graph, const ReferenceAnswer& answer,
                                                  const std::vector<model::VariableId>& keep);

}  // namespace hearsay::exact
