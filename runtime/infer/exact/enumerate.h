// Plain enumeration of the joint distribution: a check on everything cleverer, and the way for small dense models.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "lang/model/contraction.h"
#include "lang/model/factor_graph.h"
#include "lang/support/diagnostic.h"

namespace hearsay::exact {

struct EnumerationOptions {
  bool marginals = false;
  unsigned threads = 0;  ///< 0: one per core. The answer has the same bits whatever the number.
  double max_states = 0x1p36;
  const std::atomic<bool>* interrupt = nullptr;
  SourceSpan from{};
  std::vector<model::VariableId> keep{};     ///< their joint table is part of the answer; all different
  model::KernelProvider* kernels = nullptr;  ///< native code, where it has some; not for marginals
};

struct Enumeration {
  double log_partition = 0;                    ///< nats; -inf when no state is possible
  std::vector<std::vector<double>> marginals;  ///< [variables][cardinality] if asked for and some state is possible
  std::vector<double> joint;                   ///< over `keep`, last fastest, sums to 1, likewise; {1} for nothing kept
  bool native = false;                         ///< by a kernel of the provider
  bool in_logs = false;                        ///< the weights were too far apart for plain numbers
};

/// Sums the weights of all states, on all cores. Errors: E0502, E0503, E0504, E0505.
[[nodiscard]] Result<Enumeration> enumerate(const model::FactorGraph& graph, const EnumerationOptions& options = {});

}  // namespace hearsay::exact
