// What a NUTS transition costs beyond the gradients that it evaluates. `beyond_ns` is the time of a leapfrog step
// without that of a gradient, which is timed in the same process. Bound: 137 ns for 10 dimensions (the prototype's
// figure, on a faster processor).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "runtime/infer/nuts/trajectory.h"
#include "tests/reference/densities.h"

namespace {

using namespace hearsay;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double gradient_seconds(model::DensityEvaluator& density) {
  std::vector<double> q(density.dim(), 0.3), gradient(density.dim());
  double best = 1;
  for (int repeat = 0; repeat < 50; ++repeat) {
    constexpr int calls = 2000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) {
      benchmark::DoNotOptimize(density.value_and_gradient(q, gradient));
      q[0] = 0.3 + 1e-9 * gradient[0];
    }
    best = std::min(best, seconds_since(begin) / calls);
  }
  return best;
}

void run(benchmark::State& state, model::DensityEvaluator& density, const nuts::Metric& metric, double step_size) {
  const double gradient = gradient_seconds(density);
  nuts::Trajectory<nuts::Rules> trajectory(density.dim(), 10);
  nuts::Position at;
  at.q.assign(density.dim(), 0.1);
  at.gradient.resize(density.dim());
  at.log_density = density.value_and_gradient(at.q, at.gradient).log_density;
  std::uint64_t iteration = 0, leapfrogs = 0;
  double best = 1e9;
  for (auto _ : state) {
    std::uint64_t here = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) {
      rng::Stream random(1, 0, iteration++, 0);
      here += trajectory.transition(density, metric, step_size, random, at).transition.leapfrogs;
    }
    const double seconds = seconds_since(begin);
    state.SetIterationTime(seconds);
    best = std::min(best, seconds / static_cast<double>(here));
    leapfrogs += here;
  }
  state.counters["leapfrogs_per_transition"] = static_cast<double>(leapfrogs) / static_cast<double>(iteration);
  state.counters["gradient_ns"] = gradient * 1e9;
  state.counters["leapfrog_ns"] = best * 1e9;
  state.counters["beyond_ns"] = (best - gradient) * 1e9;
}

void standard_normal(benchmark::State& state) {
  const auto dim = static_cast<std::size_t>(state.range(0));
  reference::FunctionDensity density(dim, reference::StandardNormal{});
  run(state, density, nuts::Metric::identity(dim), 0.9 / std::sqrt(std::sqrt(static_cast<double>(dim))));
}
BENCHMARK(standard_normal)->Arg(2)->Arg(10)->Arg(100)->Arg(1000)->UseManualTime();

void eight_schools(benchmark::State& state) {
  reference::FunctionDensity density(10, reference::EightSchools{});
  const std::vector<double> variances = {11, 1.4, 1, 1, 1, 1, 1, 1, 1, 1};
  run(state, density, *nuts::Metric::diagonal(variances), 0.45);
}
BENCHMARK(eight_schools)->UseManualTime();

void dense_metric(benchmark::State& state) {
  const auto dim = static_cast<std::size_t>(state.range(0));
  reference::FunctionDensity density(dim, reference::StandardNormal{});
  std::vector<double> covariance(dim * dim, 0.0);
  for (std::size_t i = 0; i < dim; ++i) covariance[i * dim + i] = 1;
  run(state, density, *nuts::Metric::dense(covariance), 0.9 / std::sqrt(std::sqrt(static_cast<double>(dim))));
}
BENCHMARK(dense_metric)->Arg(10)->Arg(100)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
