// Four ways to the same answer: the reference, enumeration, elimination with a keep set, and the junction tree.
#include <doctest/doctest.h>

#include <cmath>

#include "runtime/infer/exact/enumerate.h"
#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/exact/reference.h"
#include "runtime/infer/exact/structure.h"
#include "tests/unit/runtime/infer/exact/random_graphs.h"

namespace hearsay::exact {
namespace {

using namespace testing;

constexpr double kTolerance = 1e-9;

// Relative on probabilities as far as doubles reach; a probability below e^-690 needs only be as small.
bool near(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
  if (a < 1e-300 && b < 1e-300 && a >= 0 && b >= 0) return (a == 0) == (b == 0) || std::max(a, b) < 1e-300;
  return std::fabs(a - b) <= kTolerance * std::max(std::fabs(a), std::fabs(b));
}

bool near_log(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
  return std::fabs(a - b) <= kTolerance * std::max(1.0, std::max(std::fabs(a), std::fabs(b)));
}

template <class A, class B>
std::size_t differences(const A& a, const B& b) {
  if (a.size() != b.size()) return a.size() + b.size();
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += near(a[i], b[i]) ? 0 : 1;
  return n;
}

void check_all_ways(const model::FactorGraph& graph, Generator& g) {
  const ReferenceAnswer want = enumerate_reference(graph);
  const bool possible = std::isfinite(want.log_partition);

  const auto counted = enumerate(graph, {.marginals = true, .threads = 1});
  REQUIRE(counted.has_value());
  CHECK(near_log(counted->log_partition, want.log_partition));

  const auto tables = concatenated_tables(graph);
  REQUIRE(tables.has_value());
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  const auto z = tree->set_tables(*tables);
  REQUIRE(z.has_value());
  CHECK(near_log(*z, want.log_partition));

  if (!possible) {
    CHECK(counted->marginals.empty());
    const auto m = tree->marginal(id(0));
    REQUIRE(!m.has_value());
    CHECK(m.error().kind == DiagnosticKind::impossible_evidence);
    return;
  }
  for (std::size_t v = 0; v < graph.variables.size(); ++v) {
    CHECK(differences(counted->marginals[v], want.marginals[v]) == 0);
    const auto m = tree->marginal(id(v));
    REQUIRE(m.has_value());
    CHECK(differences(*m, want.marginals[v]) == 0);
  }
  for (std::size_t f = 0; f < graph.factors.size(); ++f) {
    const auto m = tree->factor_marginal(f);
    REQUIRE(m.has_value());
    CHECK(differences(*m, reference_joint(graph, want, graph.factors[f].scope)) == 0);
  }
  // A few variables in any order: together in a factor or not.
  std::vector<model::VariableId> some;
  for (std::size_t v = 0; v < graph.variables.size(); ++v) some.push_back(id(v));
  std::shuffle(some.begin(), some.end(), g);
  some.resize(std::min<std::size_t>(some.size(), below(g, 4)));
  const auto want_joint = reference_joint(graph, want, some);
  const auto joint = tree->joint(some);
  REQUIRE(joint.has_value());
  CHECK(differences(*joint, want_joint) == 0);
  const auto plan = plan_elimination(graph, {.keep = some});
  REQUIRE(plan.has_value());
  Workspace workspace(*plan);
  const auto kept_z = workspace.log_partition(*tables);
  REQUIRE(kept_z.has_value());
  CHECK(near_log(*kept_z, want.log_partition));
  if (!some.empty()) {
    const auto kept = workspace.joint();
    REQUIRE(kept.has_value());
    CHECK(differences(*kept, want_joint) == 0);
  }
  REQUIRE(workspace.propagate(true).has_value());
  for (std::size_t v = 0; v < graph.variables.size(); ++v) {
    CHECK(differences(workspace.marginal(static_cast<std::uint32_t>(v)), want.marginals[v]) == 0);
  }
}

void check_random(std::uint64_t seed, int graphs, const Flavour& flavour) {
  Generator g(seed);
  for (int i = 0; i < graphs; ++i) {
    CAPTURE(i);
    check_all_ways(random_graph(g, flavour), g);
  }
}

TEST_CASE("random graphs with moderate weights") { check_random(1, 1500, {}); }

TEST_CASE("random graphs with hard zeros") { check_random(2, 1500, {.zeros = 0.25}); }

TEST_CASE("random graphs with extreme weights") { check_random(3, 1000, {.extremes = 0.2}); }

TEST_CASE("random graphs with zeros and extreme weights") { check_random(4, 1000, {.zeros = 0.3, .extremes = 0.3}); }

TEST_CASE("random graphs in which nearly nothing is possible") { check_random(5, 500, {.zeros = 0.8}); }

TEST_CASE("the usual structures") {
  Generator g(6);
  for (int i = 0; i < 20; ++i) {
    check_all_ways(chain(g, 7, 4), g);
    check_all_ways(grid(g, 3, 4, 2), g);
    check_all_ways(plate(g, 6, 3, 3), g);
    check_all_ways(plate(g, 11, 2, 2), g);
    check_all_ways(random_tree(g, 12, 2), g);
  }
}

TEST_CASE("many factors over the same variables are multiplied in chains") {
  Generator g(7);
  model::FactorGraph graph;
  add_variables(graph, 4, 3);
  for (int i = 0; i < 40; ++i) {
    add_factor(graph, {id(static_cast<std::size_t>(i) % 2), id(2 + static_cast<std::size_t>(i) % 2)},
               [&] { return 4 * unit(g); });
    add_factor(graph, {id(static_cast<std::size_t>(i) % 4)}, [&] { return 4 * unit(g); });
  }
  check_all_ways(graph, g);
}

TEST_CASE("a grid too large to enumerate: transposing it changes nothing") {
  // A rectangle eliminated one way or, after renaming its variables column by column, another way.
  Generator g(8);
  const std::size_t rows = 6;
  const std::size_t columns = 9;
  const auto graph = grid(g, rows, columns, 3);
  model::FactorGraph turned = graph;
  const auto rename = [&](model::VariableId v) {
    const auto n = static_cast<std::size_t>(v);
    return id(n % columns * rows + n / columns);
  };
  for (auto& f : turned.factors) {
    for (auto& v : f.scope) v = rename(v);
  }
  auto a = JunctionTree::make(graph);
  auto b = JunctionTree::make(turned);
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  const auto tables = concatenated_tables(graph);
  const auto za = a->set_tables(*tables);
  const auto zb = b->set_tables(*tables);
  REQUIRE(za.has_value());
  REQUIRE(zb.has_value());
  CHECK(near_log(*za, *zb));
  for (std::size_t v = 0; v < rows * columns; ++v) {
    CHECK(differences(*a->marginal(id(v)), *b->marginal(rename(id(v)))) == 0);
  }
}

}  // namespace
}  // namespace hearsay::exact
