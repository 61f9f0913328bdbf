// Ten million soft observations from a budgeted source on a student of 1,000 hypotheses over 8 tokens; known data at
// the top of a script; long dependent streams. CPU time of one thread. What bounds each number:
//   whole: labels and strengths are written once and read once, 320 MB (BM_memory says how fast memory is read here);
//     nothing of it depends on the 1,000 hypotheses, which cost 8 polynomials of degree 20 at most each, 3·10^5
//     operations. One by one they would be 10^10 factors.
//   draw: five products of 64 bits a number (Philox, ten rounds of two for four numbers) and one for the table: at one
//   a
//     cycle 15 ms at 4 GHz.
//   strengths: a polynomial of degree 7 each: 14 operations, 0.14 Gflop.
//   sums: 16 bytes a claim read; two or three powers of a strength, by 256 of one token.
//   comprehension: some four operations of the reference evaluator an element, at 10–20 ns each.
//   streams: two draws a token (the hidden state's and the token's own), each one number and one look-up.
// HEARSAY_SCRIPT names a script to be timed as BM_script, without the start of the session.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lang/evidence/schedule.h"
#include "lang/evidence/soft_sum.h"
#include "lang/rng/stream.h"
#include "lang/support/large.h"
#include "runtime/session/session.h"

namespace {

using namespace hearsay;

constexpr std::size_t kLabels = 10'000'000;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

const std::string kModels = R"(
tokens Token = {t1, t2, t3, t4, t5, t6, t7, t8};
let hump = [[exp(-0.5 * ((v - 8 * k / 1000.0) / 2) ^ 2) for v in 1..8] for k in 1..1000];
let p = [[hump[k, v] / sum(hump[k]) for v in 1..8] for k in 1..1000];
model Teacher emits Token {
  emit ~ categorical({t1: 0.05, t2: 0.1, t3: 0.2, t4: 0.3, t5: 0.15, t6: 0.1, t7: 0.07, t8: 0.03});
}
model Student(p: real[1000, 8]) emits Token {
  theta ~ uniform_int(1, 1000);
  emit ~ categorical({t1: p[theta, 1], t2: p[theta, 2], t3: p[theta, 3], t4: p[theta, 4],
                      t5: p[theta, 5], t6: p[theta, 6], t7: p[theta, 7], t8: p[theta, 8]});
}
tokens Letter = {a, b};
model Hidden emits Letter {
  z[t] ~ if t == 1 then categorical({low: 0.5, high: 0.5})
         else if z[t - 1] == low then categorical({low: 0.8, high: 0.2})
         else categorical({low: 0.3, high: 0.7});
  emit[t] ~ if z[t] == low then categorical({a: 0.9, b: 0.1}) else categorical({a: 0.2, b: 0.8});
}
)";

/// CPU time of `timed` in sessions of their own that have run `before`.
void time_script(benchmark::State& state, const std::string& before, const std::string& timed) {
  for (auto _ : state) {
    std::string error;
    SessionOutput out;
    out.diagnostic = [&](const Diagnostic& d) { error = d.message; };
    Session session(Settings{}, out);
    session.run_text("before", before);
    const double start = cpu_seconds();
    session.run_text("timed", timed);
    state.SetIterationTime(cpu_seconds() - start);
    if (!error.empty()) return state.SkipWithError(error.c_str());
  }
}

/// Plain reading, for the bounds: bytes a second from an array that no cache holds.
void BM_memory(benchmark::State& state) {
  const std::vector<double> x(4 * kLabels, 1.0);
  for (auto _ : state) {
    const double start = cpu_seconds();
    double sum[8] = {};
    for (std::size_t i = 0; i < x.size(); i += 8)
      for (std::size_t l = 0; l < 8; ++l) sum[l] += x[i + l];
    benchmark::DoNotOptimize(sum);
    state.SetIterationTime(cpu_seconds() - start);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * x.size() * sizeof(double)));
}
BENCHMARK(BM_memory)->UseManualTime()->Unit(benchmark::kMillisecond);

void BM_ten_million_labels(benchmark::State& state, const char* schedule) {
  time_script(state, kModels + fmt::format("source weak(budget: 5 nats, schedule: {});", schedule),
              fmt::format("let labels = draw(Teacher, {0}, each: fresh);"
                          "let taught = infer Student(p: p) given {{"
                          "  for i in 1..{0} {{ soft observe emit[i] == labels[i] from weak; }} }};"
                          "print E(theta | taught);",
                          kLabels));
}
BENCHMARK_CAPTURE(BM_ten_million_labels, power, "power(1.1)")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ten_million_labels, geometric, "geometric(0.999999)")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

const std::vector<double> kTeacher{0.05, 0.1, 0.2, 0.3, 0.15, 0.1, 0.07, 0.03};

std::vector<std::int64_t> draw_labels() {
  rng::Stream stream(1, 0, 0, 0);
  const rng::AliasTable table(kTeacher);
  return filled<std::int64_t>(kLabels, [&](std::size_t, std::span<std::int64_t> some) { table.fill(stream, 1, some); });
}

evidence::Allotter allotter(const evidence::Schedule& schedule) {
  return *evidence::Allotter::make(schedule, evidence::Nats::of(5));
}

std::vector<double> fill_strengths(const evidence::Allotter& a) {
  return filled<double>(kLabels, [&](std::size_t first, std::span<double> some) { a.fill(first + 1, some); });
}

void BM_draw(benchmark::State& state) {
  for (auto _ : state) {
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(draw_labels());
    state.SetIterationTime(cpu_seconds() - start);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kLabels * 8));
}
BENCHMARK(BM_draw)->UseManualTime()->Unit(benchmark::kMillisecond);

void BM_strengths(benchmark::State& state, const evidence::Schedule& schedule) {
  const evidence::Allotter a = allotter(schedule);
  for (auto _ : state) {
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(fill_strengths(a));
    state.SetIterationTime(cpu_seconds() - start);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kLabels * 8));
}
BENCHMARK_CAPTURE(BM_strengths, power, evidence::Schedule{evidence::Power{1.1}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_strengths, geometric, evidence::Schedule{evidence::Geometric{0.999999}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void BM_sums(benchmark::State& state, const evidence::Schedule& schedule) {
  const auto labels = draw_labels();
  const auto strengths = fill_strengths(allotter(schedule));
  for (auto _ : state) {
    const double start = cpu_seconds();
    evidence::TokenSums sums(kTeacher.size());
    if (!sums.add(labels, 1, strengths)) return state.SkipWithError("not finite");
    benchmark::DoNotOptimize(sums);
    state.SetIterationTime(cpu_seconds() - start);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kLabels * 16));
}
BENCHMARK_CAPTURE(BM_sums, power, evidence::Schedule{evidence::Power{1.1}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_sums, geometric, evidence::Schedule{evidence::Geometric{0.999999}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

/// 10^6 elements.
void BM_comprehension(benchmark::State& state) {
  time_script(state, "let n = 1000000; let x = [0.5 * i for i in 1..n];",
              "let y = [x[i] * 2 + x[n + 1 - i] for i in 1..n];");
}
BENCHMARK(BM_comprehension)->UseManualTime()->Unit(benchmark::kMillisecond);

/// 10^6 tokens of a hidden Markov chain.
void BM_stream(benchmark::State& state) { time_script(state, kModels, "let x = draw(Hidden, 1000000);"); }
BENCHMARK(BM_stream)->UseManualTime()->Unit(benchmark::kMillisecond);

void BM_script(benchmark::State& state) {
  const char* path = std::getenv("HEARSAY_SCRIPT");
  if (path == nullptr) return state.SkipWithError("HEARSAY_SCRIPT names no script");
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  time_script(state, "", text.str());
}
BENCHMARK(BM_script)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
