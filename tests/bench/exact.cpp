// How fast exact answers are. Bounds, and the CPU time of one run when they were set (one thread, release build,
// AVX-512, on a machine with much else to do):
//   alarm, all posteriors with 5 soft findings, planned: at most 1 ms (0.026 ms; planning 0.11 ms)
//   hidden Markov model, 4 states, 1e5 steps, planned: all posteriors at most 0.5 s (0.029 s; planning 0.23 s)
//   enumeration of 2^24 states: at most twice the time of the loop written by hand in the same run. CPU time, AVX2:
//   chain 1.6 ms native, 2.6 ms compiled ahead of time, 3.9 ms by hand; dense 9.6, 12.7 and 71 ms (the loop by hand
//   hoists nothing out of its one counter). BM_native_against_hand_* print the ratio.
// Networks are read from the folder that HEARSAY_NETWORKS names (*.bif), else that benchmark says so and is skipped.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "jit/compile.h"
#include "lang/support/diagnostic.h"
#include "runtime/data/bif.h"
#include "runtime/infer/exact/enumerate.h"
#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/exact/structure.h"

namespace {

using hearsay::model::FactorGraph;
using hearsay::model::VariableId;
namespace exact = hearsay::exact;

VariableId id(std::size_t v) { return static_cast<VariableId>(v); }

struct Random {
  std::mt19937_64 g{20240607};
  double unit() { return static_cast<double>(g() >> 11) * 0x1p-53; }
};

FactorGraph variables(std::size_t n, std::uint32_t cardinality) {
  FactorGraph graph;
  for (std::size_t i = 0; i < n; ++i) graph.variables.push_back({fmt::format("v{}", i), cardinality});
  return graph;
}

void add(FactorGraph& graph, Random& r, std::vector<VariableId> scope) {
  std::size_t size = 1;
  for (const auto v : scope) size *= graph.cardinality(v);
  hearsay::model::Factor f{std::move(scope), {}};
  for (std::size_t i = 0; i < size; ++i) f.log_table.push_back(2 * r.unit() - 1);
  graph.factors.push_back(std::move(f));
}

FactorGraph chain(std::size_t n, std::uint32_t cardinality) {
  Random r;
  FactorGraph graph = variables(n, cardinality);
  for (std::size_t v = 0; v < n; ++v) add(graph, r, {id(v)});
  for (std::size_t v = 1; v < n; ++v) add(graph, r, {id(v - 1), id(v)});
  return graph;
}

// All pairs, and as many random triples as there are variables.
FactorGraph dense(std::size_t n) {
  Random r;
  FactorGraph graph = variables(n, 2);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n; ++b) add(graph, r, {id(a), id(b)});
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t a = 0;
    std::size_t b = 0;
    std::size_t c = 0;
    while (a == b || b == c || a == c) {
      a = r.g() % n;
      b = r.g() % n;
      c = r.g() % n;
    }
    add(graph, r, {id(a), id(b), id(c)});
  }
  return graph;
}

// ---- by hand: a block of 2^10 lanes for the last ten variables; around it, one counter for all others.

constexpr std::size_t kLaneBits = 10;
constexpr std::size_t kLanes = std::size_t{1} << kLaneBits;

// The two loops that a careful programmer would write for the processor at hand: vectors as wide as it has (GCC breaks
// wider ones into single numbers), sixteen partial sums in flight.
template <std::size_t Width>
struct Hand {
  typedef double Vector __attribute__((vector_size(Width * sizeof(double))));
  static constexpr std::size_t kSums = 16 / Width;

  // sum over j of a[j] * b[j]
  [[gnu::always_inline]] static inline double weighted_sum(const double* a, const double* b) {
    Vector s[kSums] = {};
    for (std::size_t j = 0; j < kLanes; j += 16) {
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kSums; ++k) {
        Vector x;
        Vector y;
        std::memcpy(&x, a + j + k * Width, sizeof x);
        std::memcpy(&y, b + j + k * Width, sizeof y);
        s[k] += x * y;
      }
    }
    return total(s);
  }

  // sum over j of base[j] * the product of `n` rows
  [[gnu::always_inline]] static inline double weighted_sum(const double* base, const double* const* rows,
                                                           std::size_t n) {
    Vector s[kSums] = {};
    for (std::size_t j = 0; j < kLanes; j += 16) {
      Vector w[kSums];
      std::memcpy(w, base + j, sizeof w);
      for (std::size_t r = 0; r < n; ++r) {
#pragma GCC unroll 16
        for (std::size_t k = 0; k < kSums; ++k) {
          Vector x;
          std::memcpy(&x, rows[r] + j + k * Width, sizeof x);
          w[k] *= x;
        }
      }
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kSums; ++k) s[k] += w[k];
    }
    return total(s);
  }

private:
  [[gnu::always_inline]] static inline double total(const void* sums) {
    double parts[16];
    std::memcpy(parts, sums, sizeof parts);
    double sum = 0;
    for (const double x : parts) sum += x;
    return sum;
  }
};

[[gnu::target("avx512f,avx512vl,avx512dq,fma")]] double weighted_sum_of_8(const double* base, const double* const* rows,
                                                                          std::size_t n) {
  return n == 1 ? Hand<8>::weighted_sum(base, rows[0]) : Hand<8>::weighted_sum(base, rows, n);
}
[[gnu::target("avx2,fma")]] double weighted_sum_of_4(const double* base, const double* const* rows, std::size_t n) {
  return n == 1 ? Hand<4>::weighted_sum(base, rows[0]) : Hand<4>::weighted_sum(base, rows, n);
}
double weighted_sum_of_2(const double* base, const double* const* rows, std::size_t n) {
  return n == 1 ? Hand<2>::weighted_sum(base, rows[0]) : Hand<2>::weighted_sum(base, rows, n);
}

using WeightedSum = double (*)(const double* base, const double* const* rows, std::size_t n);
WeightedSum weighted_sum() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return &weighted_sum_of_8;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &weighted_sum_of_4 : &weighted_sum_of_2;
}

// One factor of a binary model as a loop written for it would use it: which bits of the counter, and rows of lanes.
struct HandFactor {
  std::vector<std::size_t> outer;  // positions among the outer variables
  std::vector<double> rows;        // [2^outer, lanes], or [2^outer] when no lane matters
};

std::vector<HandFactor> by_hand(const FactorGraph& graph) {
  const std::size_t outer = graph.variables.size() - kLaneBits;
  std::vector<HandFactor> out;
  for (const auto& f : graph.factors) {
    HandFactor h;
    bool lanes = false;
    for (const auto v : f.scope) {
      if (static_cast<std::size_t>(v) < outer) {
        h.outer.push_back(static_cast<std::size_t>(v));
      } else {
        lanes = true;
      }
    }
    const std::size_t width = lanes ? kLanes : 1;
    h.rows.resize((std::size_t{1} << h.outer.size()) * width);
    for (std::size_t i = 0; i < h.rows.size(); ++i) {
      std::size_t at = 0;
      std::size_t bit = h.outer.size();
      for (const auto v : f.scope) {
        const auto n = static_cast<std::size_t>(v);
        at = at * 2 + (n < outer ? i / width >> --bit & 1 : i % width >> (graph.variables.size() - 1 - n) & 1);
      }
      h.rows[i] = std::exp(f.log_table[at]);
    }
    // Factors over the same outer variables are one.
    bool merged = false;
    for (auto& other : out) {
      if (other.outer != h.outer || other.rows.size() != h.rows.size()) continue;
      for (std::size_t i = 0; i < h.rows.size(); ++i) other.rows[i] *= h.rows[i];
      merged = true;
      break;
    }
    if (!merged) out.push_back(std::move(h));
  }
  return out;
}

double enumerate_by_hand(const std::vector<HandFactor>& factors, std::size_t outer) {
  std::vector<double> base(kLanes, 1.0);
  std::vector<const HandFactor*> rows;
  std::vector<const HandFactor*> scalars;
  for (const auto& f : factors) {
    if (f.outer.empty()) {
      for (std::size_t j = 0; j < kLanes; ++j) base[j] *= f.rows[f.rows.size() == 1 ? 0 : j];
    } else {
      (f.rows.size() >= kLanes ? rows : scalars).push_back(&f);
    }
  }
  const auto index = [&](const HandFactor& f, std::size_t state) {
    std::size_t at = 0;
    for (const auto v : f.outer) at = at * 2 + (state >> (outer - 1 - v) & 1);
    return at;
  };
  std::vector<const double*> now(rows.size());
  const WeightedSum sum_of = weighted_sum();
  double total = 0;
  for (std::size_t state = 0; state < std::size_t{1} << outer; ++state) {
    double weight = 1;
    for (const auto* f : scalars) weight *= f->rows[index(*f, state)];
    for (std::size_t k = 0; k < rows.size(); ++k) now[k] = rows[k]->rows.data() + index(*rows[k], state) * kLanes;
    total += weight * sum_of(base.data(), now.data(), now.size());
  }
  return total;
}

void report_states(benchmark::State& state, std::size_t n) {
  state.counters["states/s"] = benchmark::Counter(
      std::exp2(static_cast<double>(n)) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void enumerate_ours(benchmark::State& state, const FactorGraph& graph, bool marginals) {
  const exact::EnumerationOptions options{.marginals = marginals, .threads = static_cast<unsigned>(state.range(0))};
  for (auto _ : state) {
    auto z = exact::enumerate(graph, options);
    if (!z || z->in_logs) return state.SkipWithError("no answer in plain numbers");
    const double log_partition = z->log_partition;
    benchmark::DoNotOptimize(log_partition);
  }
  report_states(state, graph.variables.size());
}

// Kernels made for the shape; made before the clock runs.
std::shared_ptr<hearsay::model::KernelProvider> native_kernels(bool cache = true) {
  hearsay::jit::Options options;
  options.cache = cache;
  options.enumeration_states = 0;
  options.kernel_iterations = 0;
  auto kernels = hearsay::jit::kernels(options);
  return kernels ? *kernels : nullptr;
}

void enumerate_native(benchmark::State& state, const FactorGraph& graph, std::vector<VariableId> keep) {
  const auto kernels = native_kernels();
  exact::EnumerationOptions options{.threads = static_cast<unsigned>(state.range(0))};
  options.keep = std::move(keep);
  options.kernels = kernels.get();
  if (auto z = exact::enumerate(graph, options); !z || !z->native) return state.SkipWithError("no native code");
  for (auto _ : state) {
    auto z = exact::enumerate(graph, options);
    const double log_partition = z->log_partition;
    benchmark::DoNotOptimize(log_partition);
  }
  report_states(state, graph.variables.size());
}

// Native code and the loop written by hand in turn, one thread each: medians and their ratio.
void native_against_hand(benchmark::State& state, const FactorGraph& graph) {
  using Clock = std::chrono::steady_clock;
  const auto kernels = native_kernels();
  exact::EnumerationOptions options{.threads = 1};
  options.kernels = kernels.get();
  const auto factors = by_hand(graph);
  if (auto z = exact::enumerate(graph, options); !z || !z->native) return state.SkipWithError("no native code");
  std::vector<double> ours;
  std::vector<double> hand;
  const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
  for (auto _ : state) {
    const auto start = Clock::now();
    const double native = exact::enumerate(graph, options)->log_partition;
    const auto middle = Clock::now();
    const double by_hand = std::log(enumerate_by_hand(factors, graph.variables.size() - kLaneBits));
    const auto end = Clock::now();
    if (std::fabs(native - by_hand) > 1e-9 * std::fabs(native)) return state.SkipWithError("the two disagree");
    ours.push_back(ms(middle - start));
    hand.push_back(ms(end - middle));
  }
  const auto median = [](std::vector<double>& x) {
    std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
    return x[x.size() / 2];
  };
  state.counters["native_ms"] = median(ours);
  state.counters["hand_ms"] = median(hand);
  state.counters["ratio"] = median(ours) / median(hand);
}

void enumerate_hand(benchmark::State& state, const FactorGraph& graph) {
  const auto factors = by_hand(graph);
  const double want = exact::enumerate(graph)->log_partition;
  for (auto _ : state) {
    const double z = std::log(enumerate_by_hand(factors, graph.variables.size() - kLaneBits));
    if (std::fabs(z - want) > 1e-9 * std::fabs(want)) return state.SkipWithError("the two disagree");
  }
  report_states(state, graph.variables.size());
}

void BM_enumerate_chain(benchmark::State& state) { enumerate_ours(state, chain(24, 2), false); }
void BM_enumerate_chain_marginals(benchmark::State& state) { enumerate_ours(state, chain(24, 2), true); }
void BM_enumerate_dense(benchmark::State& state) { enumerate_ours(state, dense(24), false); }
void BM_enumerate_dense_marginals(benchmark::State& state) { enumerate_ours(state, dense(24), true); }
void BM_native_chain(benchmark::State& state) { enumerate_native(state, chain(24, 2), {}); }
void BM_native_chain_joint(benchmark::State& state) {
  enumerate_native(state, chain(24, 2), {id(1), id(8), id(15), id(22)});
}
void BM_native_dense(benchmark::State& state) { enumerate_native(state, dense(24), {}); }
void BM_native_dense_joint(benchmark::State& state) {
  enumerate_native(state, dense(24), {id(1), id(8), id(15), id(22)});
}
void BM_native_against_hand_chain(benchmark::State& state) { native_against_hand(state, chain(24, 2)); }
void BM_native_against_hand_dense(benchmark::State& state) { native_against_hand(state, dense(24)); }
void BM_by_hand_chain(benchmark::State& state) { enumerate_hand(state, chain(24, 2)); }
void BM_by_hand_dense(benchmark::State& state) { enumerate_hand(state, dense(24)); }
BENCHMARK(BM_enumerate_chain)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_enumerate_chain_marginals)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_chain)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_chain_joint)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_dense)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_dense_joint)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_against_hand_chain)->Iterations(40)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_native_against_hand_dense)->Iterations(40)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_by_hand_chain)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_enumerate_dense)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_enumerate_dense_marginals)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_by_hand_dense)->Unit(benchmark::kMillisecond)->UseRealTime();

// ---- contractions and kernels: what compiling costs against what it saves. The defaults of jit::Options and the
// budgets of runtime/session/prepared.cpp come from these.

// out[i, k] = sum over j of a[i, j] b[j, k], or with three tables over pairs of four variables.
hearsay::model::ContractionShape contraction(std::uint32_t c, bool four) {
  const std::int64_t n = c;
  if (!four) return {{c, c, c}, 2, 2, {n, 0, 1, 0, 1, n}};
  return {{c, c, c, c}, 3, 3, {n, 1, 0, 0, 0, n, 0, 1, 0, 0, n, 1}};
}

void BM_contraction(benchmark::State& state, hearsay::model::Semiring semiring) {
  using Clock = std::chrono::steady_clock;
  const auto shape = contraction(static_cast<std::uint32_t>(state.range(0)), state.range(1) != 0);
  const std::vector<double> table(static_cast<std::size_t>(state.range(0) * state.range(0)), 0.5);
  const std::vector<const double*> inputs(shape.inputs, table.data());
  std::vector<double> out(shape.output_size());
  const std::atomic<bool> go_on = false;
  const auto kernels = native_kernels(/*cache=*/false);
  const auto start = Clock::now();
  const auto kernel = kernels->find(shape, semiring);
  state.counters["compile_ms"] = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  if (kernel == nullptr) return state.SkipWithError("no kernel");
  double generic = 0;
  double native = 0;
  for (auto _ : state) {
    const auto a = Clock::now();
    const bool first = hearsay::model::contract_generic(shape, semiring, inputs.data(), out.data(), &go_on);
    const auto b = Clock::now();
    const bool second = kernel(inputs.data(), out.data(), &go_on);
    const auto c = Clock::now();
    if (!first || !second) return state.SkipWithError("interrupted");
    generic += std::chrono::duration<double, std::nano>(b - a).count();
    native += std::chrono::duration<double, std::nano>(c - b).count();
  }
  const double products = static_cast<double>(shape.iterations()) * static_cast<double>(state.iterations());
  state.counters["generic_ns"] = generic / products;
  state.counters["native_ns"] = native / products;
}
BENCHMARK_CAPTURE(BM_contraction, linear, hearsay::model::Semiring::linear)
    ->ArgsProduct({{2, 4, 16, 64}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_contraction, log, hearsay::model::Semiring::log)
    ->ArgsProduct({{4, 64}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

// Compiling an enumeration over this many variables: a chain, and all pairs and some triples.
void BM_enumeration_compile(benchmark::State& state, FactorGraph (*make)(std::size_t)) {
  const FactorGraph graph = make(static_cast<std::size_t>(state.range(0)));
  const std::atomic<bool> at_once = true;
  for (auto _ : state) {
    const auto kernels = native_kernels(/*cache=*/false);
    exact::EnumerationOptions options{.max_states = 0x1p60, .interrupt = &at_once};
    options.kernels = kernels.get();
    if (exact::enumerate(graph, options)) return state.SkipWithError("not interrupted");
  }
}
BENCHMARK_CAPTURE(BM_enumeration_compile, chain, [](std::size_t n) { return chain(n, 2); })
    ->Arg(24)
    ->Arg(36)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_enumeration_compile, dense, dense)->Arg(18)->Arg(24)->Arg(36)->Unit(benchmark::kMillisecond);

// ---- elimination

void plan_only(benchmark::State& state, const FactorGraph& graph) {
  for (auto _ : state) {
    auto plan = exact::plan_elimination(graph);
    if (!plan) return state.SkipWithError(plan.error().message.c_str());
    const double cost = plan->cost;
    benchmark::DoNotOptimize(cost);
    state.counters["products"] = cost;
    state.counters["runs"] = static_cast<double>(plan->runs.size());
  }
}

void posteriors(benchmark::State& state, const FactorGraph& graph, bool all) {
  auto tree = exact::JunctionTree::make(graph);
  const auto tables = exact::concatenated_tables(graph);
  if (!tree || !tables) return state.SkipWithError("no plan");
  for (auto _ : state) {
    auto z = tree->set_tables(*tables);
    if (!z) return state.SkipWithError(z.error().message.c_str());
    const double log_partition = *z;
    benchmark::DoNotOptimize(log_partition);
    if (all && !tree->marginal(id(0))) return state.SkipWithError("no posterior");
  }
}

FactorGraph plate(std::size_t children) {
  Random r;
  FactorGraph graph = variables(children + 1, 2);
  for (std::size_t i = 1; i <= children; ++i) add(graph, r, {id(0), id(i)});
  return graph;
}

void BM_hmm_plan(benchmark::State& state) { plan_only(state, chain(static_cast<std::size_t>(state.range(0)), 4)); }
void BM_hmm_upward(benchmark::State& state) {
  posteriors(state, chain(static_cast<std::size_t>(state.range(0)), 4), false);
}
void BM_hmm_posteriors(benchmark::State& state) {
  posteriors(state, chain(static_cast<std::size_t>(state.range(0)), 4), true);
}
void BM_plate_plan(benchmark::State& state) { plan_only(state, plate(static_cast<std::size_t>(state.range(0)))); }
void BM_plate_upward(benchmark::State& state) {
  posteriors(state, plate(static_cast<std::size_t>(state.range(0))), false);
}
BENCHMARK(BM_hmm_plan)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_hmm_upward)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_hmm_posteriors)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_plate_plan)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_plate_upward)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

FactorGraph network(const std::string& path) {
  hearsay::SourceManager sources;
  hearsay::DiagnosticSink sink;
  FactorGraph graph;
  const auto net = hearsay::data::read_bif(path, {}, sources, sink);
  if (!net) return graph;
  for (const auto& v : net->variables) graph.variables.push_back({v.name, static_cast<std::uint32_t>(v.states.size())});
  for (const auto& t : net->tables) {
    hearsay::model::Factor f;
    for (const auto p : t.parents) f.scope.push_back(id(p));
    f.scope.push_back(id(t.child));
    for (const double p : t.table) f.log_table.push_back(std::log(p));
    graph.factors.push_back(std::move(f));
  }
  // Five soft findings: odds of 2 and 3 for the first value of every seventh variable.
  for (std::size_t i = 0; i < 5 && 7 * i < graph.variables.size(); ++i) {
    std::vector<double> odds(graph.variables[7 * i].cardinality, 0.0);
    odds[0] = std::log(i % 2 == 0 ? 2.0 : 3.0);
    graph.factors.push_back({{id(7 * i)}, std::move(odds)});
  }
  return graph;
}

void BM_network(benchmark::State& state, const std::string& name, bool plan) {
  const char* folder = std::getenv("HEARSAY_NETWORKS");
  if (folder == nullptr) return state.SkipWithError("HEARSAY_NETWORKS is not set");
  const FactorGraph graph = network(fmt::format("{}/{}.bif", folder, name));
  if (graph.variables.empty()) return state.SkipWithError("not readable");
  if (plan) {
    plan_only(state, graph);
  } else {
    posteriors(state, graph, true);
  }
}
BENCHMARK_CAPTURE(BM_network, alarm_plan, "alarm", true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_network, alarm_posteriors, "alarm", false)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
