// Elimination orders: greedy, by least fill or least weight, in near-linear time on chains, trees and plates.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/infer/exact/structure.h"

namespace hearsay::exact {

struct EliminationOrder {
  std::vector<std::uint32_t>
      variables;    ///< in order; neither kept nor one-valued variables, nor those without a factor
  double cost = 0;  ///< sum over the eliminated variables of the entries of their clique
  /// Not empty: no order was found whose cliques all fit; this is the smallest clique that was next, its variable
  /// first.
  std::vector<std::uint32_t> blocked;
  bool interrupted = false;
};

/// The cheaper of a min-fill order (ties: least weight, then least index) and a min-weight order (ties: least fill,
/// then least index). Min-weight is not tried when min-fill is already close to the size of the input. No clique of the
/// order has more than `max_table` entries. Cost: O((n + e) log n) when degrees are bounded; variables of high degree
/// are set aside until enough neighbours are gone, which changes no order that fits. Kjaerulff, "Triangulation of
/// graphs: algorithms giving small total state space" (1990).
[[nodiscard]] EliminationOrder find_order(const Structure& structure, std::span<const std::uint32_t> keep,
                                          std::size_t max_table, const std::atomic<bool>* interrupt);

}  // namespace hearsay::exact
