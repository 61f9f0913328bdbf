// Finds a circle in a directed graph.
#pragma once

#include <cstddef>
#include <vector>

namespace hearsay::data {

/// `parents[v]` lists the nodes with an edge to v (indices below parents.size()). Returns the nodes of one circle, each
/// with an edge to the next and the last to the first, beginning with its smallest; empty if there is none. Depth-first
/// with an explicit stack: linear time, no recursion.
[[nodiscard]] std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& parents);

}  // namespace hearsay::data
