// Long evaluations stop when another thread says so, and the evaluator is as good as before afterwards.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

/// Runs `evaluation`, raises the flag of `evaluator` from another thread after a while, and says how long after that it
/// went on, in ms.
template <class Evaluation>
double time_to_stop(model::Evaluator& evaluator, Evaluation evaluation) {
  std::atomic<bool> flag = false;
  Clock::time_point raised;
  evaluator.stop_on(&flag);
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    raised = Clock::now();
    flag = true;
  });
  evaluation();
  const auto stopped = Clock::now();
  other.join();
  evaluator.stop_on(nullptr);
  return Milliseconds(stopped - raised).count();
}

// Each of these takes minutes when it is let run. `where` is what has the loop.
struct Long {
  std::string where;
  std::string text;
  bool tables = false;
};

const Long long_ones[] = {
    {"a plate", R"(
index i in 1..300000
index j in 1..300000
term 0 factor site 0 order 0 plate (i in 1..300000, j in 1..300000): exp(neg(add(to_real(i), to_real(j))))
)"},
    {"a sum inside a sum inside a plate", R"(
index i in 1..4000
index j in 1..4000
index k in 1..4000
term 0 factor site 0 order 0 plate (i in 1..4000): sum(j in 1..4000: sum(k in 1..4000: lgamma(add(to_real(i), mul(to_real(j), to_real(k))))))
)"},
    {"a let in memory", R"(
index i in 1..3000
index j in 1..30000
index k in 1..30000
let a [i in 1..3000] : real = sum(j in 1..30000: sum(k in 1..30000: exp(neg(add(to_real(i), mul(to_real(j), to_real(k)))))))
term 0 factor site 0 order 0 plate (i in 1..3000): a[i]
)"},
    {"a scan", R"(
index i in 1..3000
index j in 1..30000
index k in 1..3000
let a [i in 1..3000] scan : real = add(select(eq(i, 1), 0.0, a[sub(i, 1)]), sum(j in 1..30000: sum(k in 1..3000: exp(neg(add(to_real(i), mul(to_real(j), to_real(k))))))))
term 0 factor site 0 order 0: a[3000]
)"},
    {"an integer that is an index", R"(
data y : real [3] = 1 2 3
index i in 1..3000
index j in 1..100000
index k in 1..100000
let n [i in 1..3000] : integer = add(1, modulo(sum(j in 1..100000: sum(k in 1..100000: modulo(mul(j, k), add(i, 2)))), 3))
term 0 factor site 0 order 0 plate (i in 1..3000): y[n[i]]
)"},
    {"a scan over a finite latent", R"(
latent z : finite 4 site 0
index i in 1..300
index j in 1..30000
index k in 1..30000
let a [i in 1..300] scan : real = add(select(eq(i, 1), 0.0, a[sub(i, 1)]), sum(j in 1..30000: sum(k in 1..30000: exp(neg(mul(to_real(z), mul(to_real(j), to_real(k))))))))
term 0 factor site 0 order 0: a[300]
)",
     true},
    {"the entries of a table", R"(
latent z : finite 40 site 0
latent w : finite 40 [3] site 0
index k in 1..30000
term 0 factor site 0 order 0: sum(k in 1..30000: exp(neg(mul(to_real(k), to_real(add(z, add(w[1], mul(w[2], w[3]))))))))
)",
     true},
};

TEST_CASE("an evaluation that would take minutes stops within 100 ms of being told to") {
  for (const Long& l : long_ones) {
    CAPTURE(l.where);
    const Model m = parse("site 0 0:0..1 \"s\"" + l.text);
    for (const auto level : {jit::Optimization::O0, jit::Optimization::O2}) {
      const auto compiled = native(m, options(level));
      const auto evaluator = compiled->evaluator();
      double answer = 0;
      std::vector<double> tables(compiled->table_entries());
      const double late = time_to_stop(*evaluator, [&] {
        if (l.tables) {
          evaluator->fill_tables({}, tables);
        } else {
          answer = evaluator->closed_terms({});
        }
      });
      CHECK(late < 100);
      CHECK(evaluator->interrupted());
      CHECK((l.tables || std::isnan(answer)));
    }
  }
}

TEST_CASE("after an interruption the evaluator answers as before, and a flag that stays down changes nothing") {
  const Model m = parse(R"(site 0 0:0..1 "s"
latent z : finite 3 site 0
latent w : finite 2 site 0
index i in 1..50000
index k in 1..90000
let a [i in 1..50000] scan : real = add(select(eq(i, 1), 0.0, a[sub(i, 1)]), exp(neg(to_real(i))))
term 0 factor site 0 order 0 plate (i in 1..50000): a[i]
term 1 factor site 0 order 1: mul(to_real(z), sum(k in 1..90000: exp(neg(mul(to_real(w), to_real(k))))))
)");
  const auto compiled = native(m, options(jit::Optimization::O2));
  const Answers undisturbed = evaluate(*compiled, {});
  const auto evaluator = compiled->evaluator();
  std::atomic<bool> flag = true;
  evaluator->stop_on(&flag);
  Answers a;
  a.tables.resize(compiled->table_entries());
  CHECK(std::isnan(evaluator->closed_terms({})));
  CHECK(evaluator->interrupted());
  evaluator->fill_tables({}, a.tables);
  CHECK(evaluator->interrupted());
  flag = false;
  a.closed = evaluator->closed_terms({});
  CHECK(!evaluator->interrupted());
  evaluator->fill_tables({}, a.tables);
  CHECK(!evaluator->interrupted());
  CHECK(a.closed == undisturbed.closed);
  CHECK(a.tables == undisturbed.tables);
  agree(m, {}, 1e-12);
}

}  // namespace
}  // namespace hearsay::test
