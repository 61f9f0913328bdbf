// Plans and passes: long structures, closed forms, refusals.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>

#include "runtime/infer/exact/enumerate.h"
#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/exact/structure.h"
#include "tests/unit/runtime/infer/exact/random_graphs.h"

namespace hearsay::exact {
namespace {

using namespace testing;

// The forward algorithm as one would write it, and the backward one for the smoothed probabilities.
struct ForwardBackward {
  double log_partition = 0;
  std::vector<std::vector<double>> smoothed;

  ForwardBackward(const model::FactorGraph& graph, std::size_t length, std::size_t k) {
    const auto w = [&](std::size_t f, std::size_t i) { return std::exp(graph.factors[f].log_table[i]); };
    std::vector<std::vector<double>> forward(length, std::vector<double>(k));
    std::vector<std::vector<double>> backward(length, std::vector<double>(k, 1.0));
    for (std::size_t t = 0; t < length; ++t) {
      double sum = 0;
      for (std::size_t j = 0; j < k; ++j) {
        double a = t == 0 ? w(0, j) : 0;
        for (std::size_t i = 0; t > 0 && i < k; ++i) a += forward[t - 1][i] * w(t, i * k + j);
        sum += forward[t][j] = a * w(length + t, j);
      }
      log_partition += std::log(sum);
      for (double& x : forward[t]) x /= sum;
    }
    for (std::size_t t = length - 1; t-- > 0;) {
      double sum = 0;
      for (std::size_t i = 0; i < k; ++i) {
        double b = 0;
        for (std::size_t j = 0; j < k; ++j) b += w(t + 1, i * k + j) * w(length + t + 1, j) * backward[t + 1][j];
        sum += backward[t][i] = b;
      }
      for (double& x : backward[t]) x /= sum;
    }
    for (std::size_t t = 0; t < length; ++t) {
      smoothed.emplace_back(k);
      double sum = 0;
      for (std::size_t j = 0; j < k; ++j) sum += smoothed[t][j] = forward[t][j] * backward[t][j];
      for (double& x : smoothed[t]) x /= sum;
    }
  }
};

TEST_CASE("a long chain is one loop, and gives what forward-backward gives") {
  Generator g(11);
  const std::size_t length = 100'000;
  const auto graph = chain(g, length, 4);
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  CHECK(tree->plan().steps() == length);
  CHECK(tree->plan().runs.size() < 10);
  const auto z = tree->set_tables(*concatenated_tables(graph));
  REQUIRE(z.has_value());
  const ForwardBackward want(graph, length, 4);
  CHECK(*z == doctest::Approx(want.log_partition).epsilon(1e-12));
  for (const std::size_t t : {std::size_t{0}, std::size_t{1}, length / 2, length - 1}) {
    const auto m = tree->marginal(id(t));
    REQUIRE(m.has_value());
    for (std::size_t j = 0; j < 4; ++j) CHECK((*m)[j] == doctest::Approx(want.smoothed[t][j]).epsilon(1e-10));
  }
}

TEST_CASE("a large plate is a few loops, and gives the product of its children") {
  Generator g(12);
  const std::size_t children = 200'000;
  const auto graph = plate(g, children, 3, 2);
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  CHECK(tree->plan().runs.size() < 20);
  const auto z = tree->set_tables(*concatenated_tables(graph));
  REQUIRE(z.has_value());
  std::array<long double, 3> log_class{};
  for (std::size_t c = 0; c < 3; ++c) {
    log_class[c] = graph.factors[0].log_table[c];
    for (std::size_t i = 0; i < children; ++i) {
      long double sum = 0;
      for (std::size_t x = 0; x < 2; ++x) {
        sum += std::exp(static_cast<long double>(graph.factors[1 + 2 * i].log_table[c * 2 + x] +
                                                 graph.factors[2 + 2 * i].log_table[x]));
      }
      log_class[c] += std::log(sum);
    }
  }
  const long double top = std::max({log_class[0], log_class[1], log_class[2]});
  long double total = 0;
  for (const auto l : log_class) total += std::exp(l - top);
  const auto want = static_cast<double>(top + std::log(total));
  CHECK(*z == doctest::Approx(want).epsilon(1e-12));
  const auto m = tree->marginal(id(0));
  REQUIRE(m.has_value());
  for (std::size_t c = 0; c < 3; ++c) {
    // The two sums are of 2e5 terms near 1 each: their difference is good to about 1e-10.
    CHECK((*m)[c] ==
          doctest::Approx(static_cast<double>(std::exp(log_class[c] - static_cast<long double>(want)))).epsilon(1e-8));
  }
}

TEST_CASE("a chain whose losing state is needed in the end does not underflow") {
  // Two states that never change; evidence favours the first by 10 nats a step, and at the end the first is impossible.
  model::FactorGraph graph;
  const std::size_t length = 1000;
  add_variables(graph, length, 2);
  for (std::size_t t = 0; t < length; ++t) {
    graph.factors.push_back({{id(t)}, {0, -10}});
    if (t > 0) graph.factors.push_back({{id(t - 1), id(t)}, {0, kNever, kNever, 0}});
  }
  graph.factors.push_back({{id(length - 1)}, {kNever, 0}});
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  const auto z = tree->set_tables(*concatenated_tables(graph));
  REQUIRE(z.has_value());
  CHECK(*z == doctest::Approx(-10.0 * static_cast<double>(length)).epsilon(1e-14));
  const auto m = tree->marginal(id(0));
  REQUIRE(m.has_value());
  CHECK((*m)[0] == 0);
  CHECK((*m)[1] == 1);
}

TEST_CASE("variables that no factor names are uniform and count as states") {
  model::FactorGraph graph;
  add_variables(graph, 3, 5);
  add_variables(graph, 1, 1);
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  CHECK(*tree->set_tables({}) == doctest::Approx(3 * std::log(5.0)).epsilon(1e-14));
  const auto uniform = tree->marginal(id(1));
  REQUIRE(uniform.has_value());
  for (const double p : *uniform) CHECK(p == 0.2);
  CHECK((*tree->marginal(id(3)))[0] == 1);
  const std::vector<model::VariableId> two{id(2), id(0)};
  const auto joint = tree->joint(two);
  REQUIRE(joint.has_value());
  CHECK(joint->size() == 25);
  for (const double p : *joint) CHECK(p == doctest::Approx(0.04).epsilon(1e-14));
}

TEST_CASE("no variables at all") {
  model::FactorGraph graph;
  graph.factors.push_back({{}, {-1.5}});
  CHECK(*JunctionTree::make(graph)->set_tables(std::array{-1.5}) == -1.5);
  CHECK(enumerate(graph)->log_partition == -1.5);
  CHECK(enumerate({})->log_partition == 0);
}

TEST_CASE("a clique that does not fit is refused by name and size") {
  model::FactorGraph graph;
  add_variables(graph, 40, 2);
  for (std::size_t a = 0; a < 40; ++a) {
    for (std::size_t b = a + 1; b < 40; ++b) graph.factors.push_back({{id(a), id(b)}, {}});
  }
  const auto plan = plan_elimination(graph);
  REQUIRE(!plan.has_value());
  CHECK(plan.error().kind == DiagnosticKind::clique_too_large);
  CHECK(plan.error().message.find("`v0`") != std::string::npos);
  CHECK(plan.error().message.find("1099511627776") != std::string::npos);
  const auto kept = plan_elimination(graph, {.keep = {id(0), id(1), id(2), id(3)}, .max_table = 8});
  REQUIRE(!kept.has_value());
  CHECK(kept.error().kind == DiagnosticKind::clique_too_large);
}

TEST_CASE("the limit is exact: a clique of just that size passes") {
  model::FactorGraph graph;
  add_variables(graph, 10, 2);
  for (std::size_t a = 0; a < 10; ++a) {
    for (std::size_t b = a + 1; b < 10; ++b) graph.factors.push_back({{id(a), id(b)}, {}});
  }
  CHECK(plan_elimination(graph, {.max_table = 1024}).has_value());
  CHECK(!plan_elimination(graph, {.max_table = 1023}).has_value());
}

TEST_CASE("weights that are no weights are refused") {
  model::FactorGraph graph;
  add_variables(graph, 1, 2);
  graph.factors.push_back({{id(0)}, {0, 0}});
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nan(""), inf, 1e305}) {
    const auto z = tree->set_tables(std::array{0.0, bad});
    REQUIRE(!z.has_value());
    CHECK(z.error().kind == DiagnosticKind::bad_log_weight);
    CHECK(z.error().message.find("`v0`") != std::string::npos);
    CHECK(!tree->marginal(id(0)).has_value());
    graph.factors[0].log_table[1] = bad;
    const auto counted = enumerate(graph);
    REQUIRE(!counted.has_value());
    CHECK(counted.error().kind == DiagnosticKind::bad_log_weight);
  }
  CHECK(tree->set_tables(std::array{0.0}).error().kind == DiagnosticKind::malformed_factor_graph);
  CHECK(tree->set_tables(std::array{1e300, -1e300}).has_value());
}

TEST_CASE("graphs that are no graphs are refused") {
  const auto refused = [](const model::FactorGraph& graph) {
    const auto plan = plan_elimination(graph);
    return !plan.has_value() && plan.error().kind == DiagnosticKind::malformed_factor_graph;
  };
  model::FactorGraph graph;
  add_variables(graph, 2, 2);
  CHECK(!refused(graph));
  graph.factors = {{{id(2)}, {}}};
  CHECK(refused(graph));
  graph.factors = {{{id(1), id(1)}, {}}};
  CHECK(refused(graph));
  graph.factors.clear();
  graph.variables[0].cardinality = 0;
  CHECK(refused(graph));
  graph.variables[0].cardinality = 2;
  graph.factors = {{{id(0)}, {0, 0, 0}}};
  CHECK(enumerate(graph).error().kind == DiagnosticKind::malformed_factor_graph);
  CHECK(!plan_elimination(graph, {.keep = {id(0), id(0)}}).has_value());
  CHECK(!plan_elimination(graph, {.keep = {id(7)}}).has_value());
}

TEST_CASE("an interrupt ends planning, passes and enumeration") {
  Generator g(13);
  const auto graph = chain(g, 100'000, 4);
  std::atomic<bool> stop{true};
  CHECK(plan_elimination(graph, {.interrupt = &stop}).error().kind == DiagnosticKind::interrupted);
  stop = false;
  const auto plan = plan_elimination(graph, {.interrupt = &stop});
  REQUIRE(plan.has_value());
  Workspace workspace(*plan, nullptr, &stop);
  stop = true;
  CHECK(workspace.log_partition(*concatenated_tables(graph)).error().kind == DiagnosticKind::interrupted);
  const auto small = chain(g, 16, 2);
  CHECK(enumerate(small, {.interrupt = &stop}).error().kind == DiagnosticKind::interrupted);
}

TEST_CASE("one plan serves many tables") {
  Generator g(14);
  auto graph = grid(g, 3, 3, 2);
  auto tree = JunctionTree::make(graph);
  REQUIRE(tree.has_value());
  for (int i = 0; i < 20; ++i) {
    for (auto& f : graph.factors) {
      for (double& x : f.log_table) x = log_weight(g, {.zeros = 0.1, .extremes = i % 2 == 0 ? 0.2 : 0.0});
    }
    const auto z = tree->set_tables(*concatenated_tables(graph));
    REQUIRE(z.has_value());
    const double want = enumerate(graph)->log_partition;
    CHECK((*z == want || *z == doctest::Approx(want).epsilon(1e-10)));
  }
}

// Counts what it is asked for and answers every second time.
class HalfProvider : public model::KernelProvider {
public:
  model::ContractionKernel find(const model::ContractionShape& shape, model::Semiring semiring) override {
    ++asked;
    if (semiring != model::Semiring::linear || shape != wanted) return nullptr;
    ++given;
    return [](const double* const* in, double* out, const std::atomic<bool>*) {
      *out = in[0][0] + in[0][1];
      return true;
    };
  }
  model::EnumerationKernel find(const model::EnumerationShape& /*shape*/) override { return nullptr; }
  model::ContractionShape wanted{{2}, 0, 1, {1}};
  int asked = 0;
  int given = 0;
};

TEST_CASE("kernels from a provider are used where it has them") {
  model::FactorGraph graph;
  add_variables(graph, 1, 2);
  graph.factors.push_back({{id(0)}, {std::log(0.25), std::log(0.5)}});
  HalfProvider provider;
  auto tree = JunctionTree::make(graph, {}, &provider);
  REQUIRE(tree.has_value());
  CHECK(*tree->set_tables(*concatenated_tables(graph)) == doctest::Approx(std::log(0.75)).epsilon(1e-14));
  CHECK(provider.given == 1);
  CHECK((*tree->marginal(id(0)))[1] == doctest::Approx(2.0 / 3).epsilon(1e-14));
}

}  // namespace
}  // namespace hearsay::exact
