// Enumeration by blocks: agreement with elimination where the reference is too slow, determinism, limits.
#include "runtime/infer/exact/enumerate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/exact/structure.h"
#include "tests/unit/runtime/infer/exact/random_graphs.h"

namespace hearsay::exact {
namespace {

using namespace testing;

model::FactorGraph dense(Generator& g, std::size_t n, double spread) {
  model::FactorGraph graph;
  add_variables(graph, n, 2);
  const auto weight = [&] { return spread * (2 * unit(g) - 1); };
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n; ++b) {
      add_factor(graph, {id(b), id(a)}, weight);
      if (below(g, 3) == 0 && b + 1 < n) add_factor(graph, {id(a), id(b + 1), id(b)}, weight);
      if (below(g, 9) == 0 && b + 2 < n) add_factor(graph, {id(b + 2), id(a), id(b + 1), id(b)}, weight);
    }
  }
  return graph;
}

void check_against_tree(const model::FactorGraph& graph) {
  const auto counted = enumerate(graph, {.marginals = true});
  REQUIRE(counted.has_value());
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  const auto z = tree->set_tables(*concatenated_tables(graph));
  REQUIRE(z.has_value());
  CHECK(counted->log_partition == doctest::Approx(*z).epsilon(1e-11));
  for (std::size_t v = 0; v < graph.variables.size(); ++v) {
    const auto m = tree->marginal(id(v));
    REQUIRE(m.has_value());
    for (std::size_t x = 0; x < m->size(); ++x) {
      CHECK(counted->marginals[v][x] == doctest::Approx((*m)[x]).epsilon(1e-9));
    }
  }
  const auto without = enumerate(graph);
  REQUIRE(without.has_value());
  CHECK(without->marginals.empty());
  CHECK(without->log_partition == doctest::Approx(*z).epsilon(1e-11));
}

TEST_CASE("deep nests: dense models with many loops around the block") {
  Generator g(21);
  check_against_tree(dense(g, 17, 1));
  check_against_tree(dense(g, 18, 3));
  check_against_tree(chain(g, 18, 2));
  check_against_tree(grid(g, 2, 5, 4));
}

TEST_CASE("deep nests with weights that only logarithms can hold") {
  Generator g(22);
  check_against_tree(dense(g, 15, 120));
  auto graph = dense(g, 14, 2);
  for (auto& f : graph.factors) {
    for (double& x : f.log_table) x += log_weight(g, {.zeros = 0.005, .extremes = 0.05});
  }
  check_against_tree(graph);
}

TEST_CASE("moderate weights stay plain numbers however many factors there are") {
  Generator g(23);
  CHECK(!enumerate(dense(g, 18, 1))->in_logs);
  CHECK(!enumerate(dense(g, 18, 1), {.marginals = true})->in_logs);
}

TEST_CASE("a factor over very many variables is read in place") {
  Generator g(24);
  model::FactorGraph graph;
  add_variables(graph, 18, 2);
  std::vector<model::VariableId> scope;
  for (std::size_t v = 0; v < 14; ++v) scope.push_back(id(13 - v));
  add_factor(graph, scope, [&] { return 3 * unit(g); });
  for (std::size_t v = 1; v < 18; ++v) add_factor(graph, {id(v - 1), id(v)}, [&] { return unit(g); });
  check_against_tree(graph);
  graph.factors[0].log_table[77] = kNever;
  check_against_tree(graph);
  // Another loop inside the last one that the factor reads.
  std::replace(graph.factors[0].scope.begin(), graph.factors[0].scope.end(), id(7), id(14));
  check_against_tree(graph);
}

TEST_CASE("the same bits with one thread or several") {
  Generator g(25);
  for (const double spread : {1.0, 150.0}) {
    const auto graph = dense(g, 17, spread);
    const auto one = enumerate(graph, {.marginals = true, .threads = 1});
    REQUIRE(one.has_value());
    for (const unsigned threads : {2U, 3U, 7U}) {
      const auto many = enumerate(graph, {.marginals = true, .threads = threads});
      REQUIRE(many.has_value());
      CHECK(std::bit_cast<std::uint64_t>(many->log_partition) == std::bit_cast<std::uint64_t>(one->log_partition));
      CHECK(many->marginals == one->marginals);
    }
  }
}

TEST_CASE("too many states are refused before any is visited") {
  model::FactorGraph graph;
  add_variables(graph, 60, 2);
  const auto counted = enumerate(graph);
  REQUIRE(!counted.has_value());
  CHECK(counted.error().kind == DiagnosticKind::too_many_states);
}

}  // namespace
}  // namespace hearsay::exact
