#include "runtime/infer/exact/order.h"

#include <algorithm>
#include <bit>

namespace hearsay::exact {

namespace {

enum class Rule : std::uint8_t { min_fill, min_weight };

// A set of undirected edges: open addressing, linear probing. No edge is ever removed: eliminated ends are never asked
// for.
class EdgeSet {
public:
  explicit EdgeSet(std::size_t expected) : slots_(std::bit_ceil(2 * expected + 16), 0) {}

  bool contains(std::uint32_t a, std::uint32_t b) const {
    const auto key = key_of(a, b);
    for (std::size_t i = slot_of(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == key) return true;
      if (slots_[i] == 0) return false;
    }
  }
  /// False if it was there.
  bool insert(std::uint32_t a, std::uint32_t b) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    if (!place(key_of(a, b))) return false;
    ++size_;
    return true;
  }

private:
  // The smaller end first, so that no key is 0.
  static std::uint64_t key_of(std::uint32_t a, std::uint32_t b) {
    return std::uint64_t{std::min(a, b)} << 32 | std::max(a, b);
  }
  std::size_t slot_of(std::uint64_t key) const {
    key *= 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(key ^ (key >> 32)) & (slots_.size() - 1);
  }
  bool place(std::uint64_t key) {
    std::size_t i = slot_of(key);
    while (slots_[i] != 0) {
      if (slots_[i] == key) return false;
      i = (i + 1) & (slots_.size() - 1);
    }
    slots_[i] = key;
    return true;
  }
  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 2, 0);
    old.swap(slots_);
    for (const auto key : old) {
      if (key != 0) place(key);
    }
  }

  std::vector<std::uint64_t> slots_;
  std::size_t size_ = 0;
};

struct Candidate {
  double primary = 0;
  double secondary = 0;
  std::uint32_t variable = 0;
  std::uint32_t stamp = 0;  // the candidate is out of date when this is not its variable's

  // For a heap whose top is the least.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    if (a.primary != b.primary) return a.primary > b.primary;
    if (a.secondary != b.secondary) return a.secondary > b.secondary;
    return a.variable > b.variable;
  }
};

// Lists longer than this are not searched for common neighbours; their owners can't be eliminated now anyway.
constexpr std::size_t kLongList = 64;
constexpr std::size_t kPollEvery = 256;

class Eliminator {
public:
  Eliminator(const Structure& s, std::span<const std::uint32_t> keep, Rule rule, std::size_t max_table)
      : structure_(s),
        rule_(rule),
        max_weight_(static_cast<double>(max_table)),
        max_degree_(static_cast<std::size_t>(std::bit_width(max_table))),
        adjacent_(s.cardinalities.size()),
        degree_(s.cardinalities.size(), 0),
        stamp_(s.cardinalities.size(), 0),
        state_(s.cardinalities.size(), State::absent),
        dirty_(s.cardinalities.size(), 0),
        edges_(s.variables.size()) {
    for (const auto v : s.variables) state_[v] = State::waiting;
    for (const auto v : keep) state_[v] = State::kept;
    for (std::size_t f = 0; f < s.factors(); ++f) connect(s.scope(f));
    std::vector<std::uint32_t> kept;
    for (const auto v : keep) {
      if (s.cardinalities[v] > 1) kept.push_back(v);
    }
    connect(kept);  // they share the table of the answer
  }

  EliminationOrder run(const std::atomic<bool>* interrupt) {
    EliminationOrder order;
    const auto n = static_cast<std::uint32_t>(adjacent_.size());
    std::size_t waiting = 0;
    for (std::uint32_t v = 0; v < n; ++v) {
      if (state_[v] != State::waiting) continue;
      ++waiting;
      Candidate c;
      if (weigh(v, c)) heap_.push_back(c);
      if (v % kPollEvery == 0 && interrupted(interrupt, order)) return order;
    }
    std::make_heap(heap_.begin(), heap_.end());
    order.variables.reserve(waiting);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end());
      const Candidate c = heap_.back();
      heap_.pop_back();
      if (state_[c.variable] != State::waiting || c.stamp != stamp_[c.variable]) continue;
      order.variables.push_back(c.variable);
      order.cost += rule_ == Rule::min_fill ? c.secondary : c.primary;
      eliminate(c.variable);
      if (order.variables.size() % kPollEvery == 0 && interrupted(interrupt, order)) return order;
    }
    if (order.variables.size() < waiting) order.blocked = smallest_clique();
    return order;
  }

private:
  enum class State : std::uint8_t { absent, waiting, kept, eliminated };

  static bool interrupted(const std::atomic<bool>* flag, EliminationOrder& order) {
    order.interrupted = flag != nullptr && flag->load(std::memory_order_relaxed);
    return order.interrupted;
  }

  bool add_edge(std::uint32_t a, std::uint32_t b) {
    if (!edges_.insert(a, b)) return false;
    adjacent_[a].push_back(b);
    adjacent_[b].push_back(a);
    ++degree_[a];
    ++degree_[b];
    return true;
  }

  void connect(std::span<const std::uint32_t> clique) {
    for (std::size_t i = 0; i < clique.size(); ++i) {
      for (std::size_t j = i + 1; j < clique.size(); ++j) add_edge(clique[i], clique[j]);
    }
  }

  // Neighbours that are still there; forgets the others, so that a list is walked over its dead entries only once.
  const std::vector<std::uint32_t>& neighbours(std::uint32_t v) {
    auto& list = adjacent_[v];
    if (list.size() != degree_[v]) std::erase_if(list, [&](std::uint32_t u) { return state_[u] == State::eliminated; });
    return list;
  }

  // The cost of eliminating `v` next. False when its clique does not fit: it waits until a neighbour is gone.
  bool weigh(std::uint32_t v, Candidate& c) {
    if (degree_[v] > max_degree_) return false;
    const auto& around = neighbours(v);
    double weight = structure_.cardinalities[v];
    for (const auto u : around) weight *= structure_.cardinalities[u];
    if (weight > max_weight_) return false;
    std::size_t fill = 0;
    for (std::size_t i = 0; i < around.size(); ++i) {
      for (std::size_t j = i + 1; j < around.size(); ++j) fill += edges_.contains(around[i], around[j]) ? 0 : 1;
    }
    const auto missing = static_cast<double>(fill);
    c = rule_ == Rule::min_fill ? Candidate{missing, weight, v, stamp_[v]} : Candidate{weight, missing, v, stamp_[v]};
    return true;
  }

  void mark_dirty(std::uint32_t v) {
    if (state_[v] != State::waiting || dirty_[v] != 0) return;
    dirty_[v] = 1;
    to_weigh_.push_back(v);
  }

  void eliminate(std::uint32_t v) {
    const std::vector<std::uint32_t> around = neighbours(v);
    state_[v] = State::eliminated;
    adjacent_[v] = {};
    for (const auto u : around) {
      --degree_[u];
      mark_dirty(u);
    }
    for (std::size_t i = 0; i < around.size(); ++i) {
      for (std::size_t j = i + 1; j < around.size(); ++j) {
        if (add_edge(around[i], around[j])) mark_common_neighbours(around[i], around[j]);
      }
    }
    for (const auto u : to_weigh_) {
      dirty_[u] = 0;
      ++stamp_[u];
      Candidate c;
      if (!weigh(u, c)) continue;
      heap_.push_back(c);
      std::push_heap(heap_.begin(), heap_.end());
    }
    to_weigh_.clear();
  }

  // A new edge a-b is one edge less to fill for everyone next to both.
  void mark_common_neighbours(std::uint32_t a, std::uint32_t b) {
    if (degree_[a] > degree_[b]) std::swap(a, b);
    if (adjacent_[a].size() > kLongList) return;
    for (const auto w : adjacent_[a]) {
      if (w != b && state_[w] == State::waiting && edges_.contains(w, b)) mark_dirty(w);
    }
  }

  std::vector<std::uint32_t> smallest_clique() {
    const auto n = static_cast<std::uint32_t>(adjacent_.size());
    std::uint32_t best = n;
    for (std::uint32_t v = 0; v < n; ++v) {
      if (state_[v] == State::waiting && (best == n || degree_[v] < degree_[best])) best = v;
    }
    std::vector<std::uint32_t> clique{best};
    const auto& around = neighbours(best);
    clique.insert(clique.end(), around.begin(), around.end());
    return clique;
  }

  const Structure& structure_;
  Rule rule_;
  double max_weight_;
  std::size_t max_degree_;
  std::vector<std::vector<std::uint32_t>> adjacent_;
  std::vector<std::size_t> degree_;
  std::vector<std::uint32_t> stamp_;
  std::vector<State> state_;
  std::vector<std::uint8_t> dirty_;
  std::vector<std::uint32_t> to_weigh_;
  EdgeSet edges_;
  std::vector<Candidate> heap_;
};

}  // namespace

EliminationOrder find_order(const Structure& structure, std::span<const std::uint32_t> keep, std::size_t max_table,
                            const std::atomic<bool>* interrupt) {
  EliminationOrder fill = Eliminator(structure, keep, Rule::min_fill, max_table).run(interrupt);
  if (fill.interrupted) return fill;
  // Every table must be read once whatever the order: near that, another order has nothing to win.
  const double floor = static_cast<double>(structure.table_begin.back());
  if (fill.blocked.empty() && fill.cost <= 4 * floor) return fill;
  EliminationOrder weight = Eliminator(structure, keep, Rule::min_weight, max_table).run(interrupt);
  if (weight.interrupted) return weight;
  if (!weight.blocked.empty()) return fill;
  if (!fill.blocked.empty() || weight.cost < fill.cost) return weight;
  return fill;
}

}  // namespace hearsay::exact
