#include "runtime/infer/exact/block_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "lang/model/lanes.h"

namespace hearsay::exact {

namespace {

constexpr std::uint32_t kNotALoop = ~std::uint32_t{0};
// Entries up to which a term is spread over all lanes.
constexpr std::size_t kLargestSpread = std::size_t{1} << 20;

// How a factor's table is walked by lanes and by its loops.
struct Access {
  std::vector<std::uint32_t> loops;  // ascending
  std::vector<std::size_t> strides;  // in the factor's table
  std::vector<std::uint32_t> lane;   // [lanes] offset in the factor's table; empty if it depends on no lane
};

struct Places {
  std::vector<std::uint32_t> loop_of;    // [variables]
  std::vector<std::size_t> lane_stride;  // [variables] 0 for those that are loops
};

Access access_of(const model::FactorGraph& graph, const BlockModel& m, const Places& places, const model::Factor& f) {
  Access a;
  std::vector<std::pair<std::uint32_t, std::size_t>> loops;
  std::size_t stride = 1;
  for (std::size_t i = f.scope.size(); i-- > 0;) {
    const auto v = static_cast<std::size_t>(f.scope[i]);
    const std::size_t c = graph.variables[v].cardinality;
    if (c == 1) continue;
    if (places.loop_of[v] != kNotALoop) {
      loops.emplace_back(places.loop_of[v], stride);
    } else {
      a.lane.resize(m.lanes, 0);
      // Lane j has the value j / lane_stride % c; no division, for a model of many factors spends its time here.
      for (std::size_t j = 0; j < m.lanes;) {
        for (std::size_t value = 0; value < c; ++value) {
          const auto offset = static_cast<std::uint32_t>(value * stride);
          for (std::size_t n = places.lane_stride[v]; n > 0; --n) a.lane[j++] += offset;
        }
      }
    }
    stride *= c;
  }
  std::sort(loops.begin(), loops.end());
  for (const auto& [loop, s] : loops) {
    a.loops.push_back(loop);
    a.strides.push_back(s);
  }
  return a;
}

// Adds a factor's log-weights to a table over [loops..., width].
void spread(const BlockModel& m, const Access& a, const model::Factor& f, std::size_t width,
            std::vector<double>& table) {
  std::size_t entries = width;
  for (const auto l : a.loops) entries *= m.loop_extents[l];
  if (table.empty()) table.assign(entries, 0.0);
  for (std::size_t row = 0; row < entries / width; ++row) {
    std::size_t rest = row;
    std::size_t base = 0;
    for (std::size_t k = a.loops.size(); k-- > 0;) {
      base += rest % m.loop_extents[a.loops[k]] * a.strides[k];
      rest /= m.loop_extents[a.loops[k]];
    }
    for (std::size_t j = 0; j < width; ++j) {
      table[row * width + j] += f.log_table[base + (a.lane.empty() ? 0 : a.lane[j])];
    }
  }
}

// Makes the largest entry 0. A table in which nothing is possible stays as it is: everything then is impossible.
void shift_to_zero(std::vector<double>& table, double& offset) {
  if (table.empty()) return;
  const double top = model::lanes::largest(table.size(), table.data());
  if (top == -std::numeric_limits<double>::infinity()) return;
  for (double& x : table) x -= top;
  offset += top;
}

template <class Change>
void for_each_table(BlockModel& m, Change change) {
  change(m.base);
  for (auto* tables : {&m.own_lanes, &m.own_scalar}) {
    for (auto& t : *tables) change(t);
  }
  for (auto* terms : {&m.pair_lanes, &m.pair_scalar, &m.gathered}) {
    for (auto& list : *terms) {
      for (auto& t : list) change(t.table);
    }
  }
}

}  // namespace

BlockModel make_block_model(const model::FactorGraph& graph, std::size_t block_size,
                            std::span<const model::VariableId> outermost) {
  BlockModel m;
  const std::size_t variables = graph.variables.size();
  Places places{std::vector<std::uint32_t>(variables, kNotALoop), std::vector<std::size_t>(variables, 0)};
  const auto add_loop = [&](std::size_t v) {
    if (graph.variables[v].cardinality == 1) return;
    places.loop_of[v] = static_cast<std::uint32_t>(m.loop_variables.size());
    m.loop_variables.push_back(static_cast<std::uint32_t>(v));
    m.loop_extents.push_back(graph.variables[v].cardinality);
  };
  for (const auto v : outermost) add_loop(static_cast<std::size_t>(v));
  m.kept = m.loop_variables.size();
  std::size_t first_lane = variables;
  while (first_lane > 0) {
    const std::size_t v = first_lane - 1;
    const std::size_t c = graph.variables[v].cardinality;
    if (places.loop_of[v] == kNotALoop) {
      if (m.lanes > 1 && m.lanes * c > block_size) break;
      places.lane_stride[v] = m.lanes;
      m.lanes *= c;
      if (c > 1) m.lane_variables.push_back(static_cast<std::uint32_t>(v));
    }
    --first_lane;
  }
  std::reverse(m.lane_variables.begin(), m.lane_variables.end());
  for (std::size_t v = 0; v < first_lane; ++v) {
    if (places.loop_of[v] == kNotALoop) add_loop(v);
  }
  const std::size_t loops = m.loop_variables.size();
  m.base.assign(m.lanes, 0.0);
  m.own_lanes.resize(loops);
  m.own_scalar.resize(loops);
  m.pair_lanes.resize(loops);
  m.pair_scalar.resize(loops);
  m.gathered.resize(loops);

  std::map<std::pair<std::vector<std::uint32_t>, bool>, Term> terms;  // by loops, and whether lanes matter
  for (const auto& f : graph.factors) {
    const Access a = access_of(graph, m, places, f);
    if (a.loops.empty()) {
      if (a.lane.empty()) {
        m.log_offset += f.log_table[0];
      } else {
        spread(m, a, f, m.lanes, m.base);
      }
      continue;
    }
    const std::size_t width = a.lane.empty() ? 1 : m.lanes;
    if (a.loops.size() == 1) {
      spread(m, a, f, width, (width == 1 ? m.own_scalar : m.own_lanes)[a.loops[0]]);
      continue;
    }
    std::size_t entries = width;
    for (const auto l : a.loops) entries *= m.loop_extents[l];
    if (entries > std::max(kLargestSpread, f.log_table.size())) {
      m.gathered[a.loops.back()].push_back({a.loops, a.strides, f.log_table, a.lane});
      continue;
    }
    Term& t = terms[{a.loops, width > 1}];
    if (t.table.empty()) {
      t.loops = a.loops;
      t.strides.resize(a.loops.size());
      std::size_t stride = width;
      for (std::size_t k = a.loops.size(); k-- > 0;) {
        t.strides[k] = stride;
        stride *= m.loop_extents[a.loops[k]];
      }
    }
    spread(m, a, f, width, t.table);
  }
  for (auto& [key, term] : terms) {
    (key.second ? m.pair_lanes : m.pair_scalar)[key.first[key.first.size() - 2]].push_back(std::move(term));
  }
  for_each_table(m, [&](std::vector<double>& t) { shift_to_zero(t, m.log_offset); });
  return m;
}

void to_weights(BlockModel& m) {
  for_each_table(m, [](std::vector<double>& t) {
    for (double& x : t) x = std::exp(x);
  });
}

}  // namespace hearsay::exact
