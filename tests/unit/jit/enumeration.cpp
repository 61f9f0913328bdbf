// Native enumeration = the engine compiled ahead of time = elimination, over random factor graphs.
#include <doctest/doctest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <map>
#include <thread>

#include "jit/compile.h"
#include "runtime/infer/exact/enumerate.h"
#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/exact/reference.h"
#include "runtime/infer/exact/structure.h"
#include "tests/unit/jit/support.h"
#include "tests/unit/runtime/infer/exact/random_graphs.h"

namespace hearsay::test {
namespace {

using namespace exact::testing;
using exact::Enumeration;
using exact::EnumerationOptions;
using model::FactorGraph;

std::shared_ptr<model::KernelProvider> eager(jit::Optimization level) {
  auto o = options(level);
  o.enumeration_states = 0;
  auto kernels = jit::kernels(o);
  REQUIRE(kernels.has_value());
  return *kernels;
}

Enumeration enumerate(const FactorGraph& graph, EnumerationOptions o) {
  auto answer = exact::enumerate(graph, o);
  REQUIRE(answer.has_value());
  return *std::move(answer);
}

/// Equal up to 1e-12: of the total weight (a difference of its logarithm is relative), of each probability in absolute
/// terms.
void same(const Enumeration& a, const Enumeration& b) {
  CHECK((a.log_partition == b.log_partition ||
         std::abs(a.log_partition - b.log_partition) <= 1e-12 * std::max(1.0, std::abs(b.log_partition))));
  REQUIRE(a.joint.size() == b.joint.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.joint.size(); ++i) worst = std::max(worst, std::abs(a.joint[i] - b.joint[i]));
  CHECK(worst <= 1e-12);
}

std::vector<model::VariableId> some_variables(Generator& g, const FactorGraph& graph, std::size_t most) {
  std::vector<model::VariableId> all;
  for (std::size_t v = 0; v < graph.variables.size(); ++v) all.push_back(id(v));
  std::shuffle(all.begin(), all.end(), g);
  all.resize(std::min<std::size_t>(all.size(), below(g, static_cast<std::uint32_t>(most) + 1)));
  return all;
}

FactorGraph pairs_and_triples(Generator& g, std::size_t n, double spread) {
  FactorGraph graph;
  add_variables(graph, n, 2);
  const auto weight = [&] { return spread * (2 * unit(g) - 1); };
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n; ++b) {
      add_factor(graph, {id(b), id(a)}, weight);
      if (below(g, 3) == 0 && b + 1 < n) add_factor(graph, {id(a), id(b + 1), id(b)}, weight);
    }
  }
  return graph;
}

}  // namespace

TEST_CASE("native enumeration agrees with the engine and with elimination on random graphs") {
  Generator g(31);
  for (const auto level : {jit::Optimization::O0, jit::Optimization::O2}) {
    std::size_t native = 0, in_logs = 0;
    for (int round = 0; round < 40; ++round) {
      CAPTURE(round);
      const auto kernels = eager(level);
      FactorGraph graph = random_graph(g, {.spread = round % 3 == 0 ? 1.0 : 6.0});
      const auto keep = some_variables(g, graph, 5);
      // One shape, many tables.
      for (int again = 0; again < 5; ++again) {
        const Flavour flavour{.spread = 4, .zeros = again == 2 ? 0.3 : 0, .extremes = again == 3 ? 0.1 : 0};
        for (auto& f : graph.factors) {
          for (double& x : f.log_table) x = log_weight(g, flavour);
        }
        const auto by_kernel = enumerate(graph, {.keep = keep, .kernels = kernels.get()});
        const auto ahead_of_time = enumerate(graph, {.keep = keep});
        CHECK(!ahead_of_time.native);
        (by_kernel.native ? native : in_logs) += 1;
        same(by_kernel, ahead_of_time);
        auto tree = exact::JunctionTree::make(graph);
        REQUIRE(tree.has_value());
        const auto z = tree->set_tables(*exact::concatenated_tables(graph));
        REQUIRE(z.has_value());
        CHECK((*z == by_kernel.log_partition ||
               std::abs(*z - by_kernel.log_partition) <= 1e-12 * std::max(1.0, std::abs(*z))));
        const auto reference = exact::enumerate_reference(graph);
        if (reference.probabilities.empty()) {
          CHECK(by_kernel.log_partition == kNever);
          continue;
        }
        const auto expected = exact::reference_joint(graph, reference, keep);
        REQUIRE(expected.size() == by_kernel.joint.size());
        for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(expected[i] - by_kernel.joint[i]) <= 1e-12);
      }
    }
    CHECK(native > 100);  // the kernel did the work, except where only logarithms can
    CHECK(in_logs < 80);
  }
}

TEST_CASE("native enumeration: deep nests, lanes that are no multiple of eight, kept variables anywhere") {
  Generator g(32);
  const auto kernels = eager(jit::Optimization::O2);
  std::vector<FactorGraph> graphs{pairs_and_triples(g, 17, 1),
                                  pairs_and_triples(g, 18, 2),
                                  chain(g, 18, 2),
                                  chain(g, 11, 3),
                                  grid(g, 2, 5, 4),
                                  chain(g, 3, 60),
                                  plate(g, 6, 5, 7)};
  for (const FactorGraph& graph : graphs) {
    for (std::size_t most : {0U, 1U, 3U, 9U}) {
      std::vector<model::VariableId> keep = some_variables(g, graph, most);
      const auto by_kernel = enumerate(graph, {.keep = keep, .kernels = kernels.get()});
      CHECK(by_kernel.native);
      same(by_kernel, enumerate(graph, {.keep = keep}));
    }
  }
}

TEST_CASE("native enumeration: every state kept, and nothing to enumerate") {
  Generator g(33);
  const auto kernels = eager(jit::Optimization::O2);
  const auto graph = pairs_and_triples(g, 9, 2);
  std::vector<model::VariableId> all;
  for (std::size_t v = 0; v < 9; ++v) all.push_back(id(8 - v));
  const auto by_kernel = enumerate(graph, {.keep = all, .kernels = kernels.get()});
  CHECK(by_kernel.native);
  const auto reference = exact::enumerate_reference(graph);
  const auto expected = exact::reference_joint(graph, reference, all);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(expected[i] - by_kernel.joint[i]) <= 1e-12);

  FactorGraph none;
  none.factors.push_back({{}, {1.5}});
  const auto constant = enumerate(none, {.kernels = kernels.get()});
  CHECK(constant.log_partition == 1.5);
  CHECK(constant.joint == std::vector<double>{1});
}

TEST_CASE("native enumeration: weights of all sizes, small products kept in scale") {
  Generator g(34);
  const auto kernels = eager(jit::Optimization::O2);
  // Products of some 150 factors reach far below the smallest double; scaled they don't.
  auto graph = chain(g, 16, 2);
  for (int k = 0; k < 12; ++k) {
    for (std::size_t v = 1; v < 16; ++v) add_factor(graph, {id(v - 1), id(v)}, [&] { return -30 + 2 * unit(g); });
  }
  for (auto& f : graph.factors) {
    if (f.log_table.size() == 4) f.log_table[0] = 0;
  }
  const auto scaled = enumerate(graph, {.keep = {id(3), id(12)}, .kernels = kernels.get()});
  same(scaled, enumerate(graph, {.keep = {id(3), id(12)}}));
  // Where plain numbers can't do it the logarithms take over, as without a kernel.
  const auto wild = pairs_and_triples(g, 14, 300);
  const auto logs = enumerate(wild, {.keep = {id(2)}, .kernels = kernels.get()});
  CHECK(logs.in_logs);
  CHECK(!logs.native);
  same(logs, enumerate(wild, {.keep = {id(2)}}));
}

TEST_CASE("native enumeration: the same bits with one thread or several, and from one run to the next") {
  Generator g(35);
  const auto kernels = eager(jit::Optimization::O2);
  const auto graph = pairs_and_triples(g, 18, 1);
  const auto one = enumerate(graph, {.threads = 1, .keep = {id(4), id(17)}, .kernels = kernels.get()});
  CHECK(one.native);
  for (const unsigned threads : {1U, 2U, 3U, 7U}) {
    const auto many = enumerate(graph, {.threads = threads, .keep = {id(4), id(17)}, .kernels = kernels.get()});
    CHECK(std::bit_cast<std::uint64_t>(many.log_partition) == std::bit_cast<std::uint64_t>(one.log_partition));
    CHECK(many.joint == one.joint);
  }
}

TEST_CASE("native enumeration stops when told to") {
  Generator g(36);
  const auto kernels = eager(jit::Optimization::O2);
  const auto graph = pairs_and_triples(g, 36, 0.2);  // minutes
  std::atomic<bool> flag = true;
  const EnumerationOptions o{.max_states = 0x1p40, .interrupt = &flag, .kernels = kernels.get()};
  CHECK(!exact::enumerate(graph, o).has_value());  // compiling is not what is timed
  flag = false;
  std::chrono::steady_clock::time_point raised;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    raised = std::chrono::steady_clock::now();
    flag = true;
  });
  const auto answer = exact::enumerate(graph, o);
  const auto late = std::chrono::steady_clock::now() - raised;
  other.join();
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == DiagnosticKind::interrupted);
  CHECK(late < std::chrono::milliseconds(100));
}

TEST_CASE("native enumeration: a joint over one variable twice is refused") {
  FactorGraph graph;
  add_variables(graph, 2, 2);
  const auto twice = exact::enumerate(graph, {.keep = {id(1), id(1)}});
  REQUIRE(!twice.has_value());
  CHECK(twice.error().kind == DiagnosticKind::malformed_factor_graph);
}

}  // namespace hearsay::test
