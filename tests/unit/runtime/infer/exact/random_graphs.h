// Factor graphs for tests: random ones, and the usual structures.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "lang/model/factor_graph.h"

namespace hearsay::exact::testing {

inline constexpr double kNever = -std::numeric_limits<double>::infinity();

using Generator = std::mt19937_64;

inline std::uint32_t below(Generator& g, std::uint32_t n) { return static_cast<std::uint32_t>(g() % n); }
inline double unit(Generator& g) { return static_cast<double>(g() >> 11) * 0x1p-53; }

inline model::VariableId id(std::size_t v) { return static_cast<model::VariableId>(v); }

inline void add_variables(model::FactorGraph& graph, std::size_t n, std::uint32_t cardinality) {
  for (std::size_t i = 0; i < n; ++i)
    graph.variables.push_back({fmt::format("v{}", graph.variables.size()), cardinality});
}

template <class Weight>
void add_factor(model::FactorGraph& graph, std::vector<model::VariableId> scope, Weight weight) {
  std::size_t size = 1;
  for (const auto v : scope) size *= graph.cardinality(v);
  model::Factor f{std::move(scope), {}};
  for (std::size_t i = 0; i < size; ++i) f.log_table.push_back(weight());
  graph.factors.push_back(std::move(f));
}

/// What the entries of random tables look like.
struct Flavour {
  double spread = 3;    ///< log-weights are uniform in ±spread
  double zeros = 0;     ///< probability of an entry that is impossible
  double extremes = 0;  ///< probability of an entry of ±800
};

inline double log_weight(Generator& g, const Flavour& flavour) {
  const double u = unit(g);
  if (u < flavour.zeros) return kNever;
  if (u < flavour.zeros + flavour.extremes) return g() % 2 == 0 ? 800 : -800;
  return flavour.spread * (2 * unit(g) - 1);
}

/// 1 to `most` variables with 1 to 4 values, and factors over 0 to 4 of them.
inline model::FactorGraph random_graph(Generator& g, const Flavour& flavour, std::uint32_t most = 12) {
  model::FactorGraph graph;
  const std::uint32_t n = 1 + below(g, most);
  std::size_t states = 1;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t c = below(g, 8) == 0 ? 1 : 2 + below(g, 3);
    if (states * c > 4'000) c = states * 2 > 4'000 ? 1 : 2;
    states *= c;
    add_variables(graph, 1, c);
  }
  const std::uint32_t factors = 1 + below(g, 2 * n);
  for (std::uint32_t f = 0; f < factors; ++f) {
    std::vector<model::VariableId> all;
    for (std::uint32_t v = 0; v < n; ++v) all.push_back(id(v));
    std::shuffle(all.begin(), all.end(), g);
    all.resize(std::min<std::size_t>(below(g, 12) == 0 ? 0 : 1 + below(g, 4), all.size()));
    add_factor(graph, std::move(all), [&] { return log_weight(g, flavour); });
  }
  return graph;
}

/// A hidden Markov model: start, transitions, and evidence at every time.
inline model::FactorGraph chain(Generator& g, std::size_t length, std::uint32_t states) {
  model::FactorGraph graph;
  add_variables(graph, length, states);
  const auto weight = [&] { return std::log(unit(g) + 1e-3); };
  add_factor(graph, {id(0)}, weight);
  for (std::size_t t = 1; t < length; ++t) add_factor(graph, {id(t - 1), id(t)}, weight);
  for (std::size_t t = 0; t < length; ++t) add_factor(graph, {id(t)}, weight);
  return graph;
}

/// rows x columns, each next to its neighbours.
inline model::FactorGraph grid(Generator& g, std::size_t rows, std::size_t columns, std::uint32_t states) {
  model::FactorGraph graph;
  add_variables(graph, rows * columns, states);
  const auto weight = [&] { return 4 * unit(g) - 2; };
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      const std::size_t v = i * columns + j;
      add_factor(graph, {id(v)}, weight);
      if (j + 1 < columns) add_factor(graph, {id(v), id(v + 1)}, weight);
      if (i + 1 < rows) add_factor(graph, {id(v + columns), id(v)}, weight);
    }
  }
  return graph;
}

/// One shared variable, and under it a plate of children, each with its own evidence.
inline model::FactorGraph plate(Generator& g, std::size_t children, std::uint32_t classes, std::uint32_t states) {
  model::FactorGraph graph;
  add_variables(graph, 1, classes);
  add_variables(graph, children, states);
  const auto weight = [&] { return std::log(unit(g) + 1e-2); };
  add_factor(graph, {id(0)}, weight);
  for (std::size_t i = 1; i <= children; ++i) {
    add_factor(graph, {id(0), id(i)}, weight);
    add_factor(graph, {id(i)}, weight);
  }
  return graph;
}

inline model::FactorGraph random_tree(Generator& g, std::size_t n, std::uint32_t states) {
  model::FactorGraph graph;
  add_variables(graph, n, states);
  for (std::size_t v = 1; v < n; ++v) {
    add_factor(graph, {id(v), id(below(g, static_cast<std::uint32_t>(v)))}, [&] { return 3 * unit(g); });
  }
  return graph;
}

}  // namespace hearsay::exact::testing
