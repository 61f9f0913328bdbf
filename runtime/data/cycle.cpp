#include "runtime/data/cycle.h"

#include <algorithm>
#include <cstdint>

namespace hearsay::data {

std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& parents) {
  enum class Mark : std::uint8_t { fresh, open, done };
  struct Step {
    std::size_t node;
    std::size_t next_parent;
  };
  std::vector<Mark> marks(parents.size(), Mark::fresh);
  std::vector<Step> path;
  for (std::size_t start = 0; start < parents.size(); ++start) {
    if (marks[start] != Mark::fresh) continue;
    marks[start] = Mark::open;
    path.push_back({start, 0});
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next_parent == parents[step.node].size()) {
        marks[step.node] = Mark::done;
        path.pop_back();
        continue;
      }
      const std::size_t parent = parents[step.node][step.next_parent++];
      if (marks[parent] == Mark::fresh) {
        marks[parent] = Mark::open;
        path.push_back({parent, 0});
      } else if (marks[parent] == Mark::open) {
        // The path leads from child to parent; the circle is told from parent to child.
        std::vector<std::size_t> cycle;
        for (std::size_t i = path.size(); i-- > 0;) {
          cycle.push_back(path[i].node);
          if (path[i].node == parent) break;
        }
        std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
        return cycle;
      }
    }
  }
  return {};
}

}  // namespace hearsay::data
