// Random programs: native code at every level = reference evaluator, and = the functions composed beside the program.
#include "tests/reference/random_ir.h"
#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

// Vector exp, log, … are off by 4 ulp at most, sums are reordered; a cancelling sum of terms of size `scale` shows it.
constexpr double tolerance = 1e-11;

bool close(double a, double b, double scale) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance * std::max({1.0, scale, std::abs(a), std::abs(b)});
}

void check_module(std::uint64_t seed, jit::Options o) {
  CAPTURE(seed);
  auto random = reference::random_module(seed);
  const auto grounding = std::make_shared<const ir::Grounding>(random.full_grounding());
  const auto module = std::make_shared<const ir::Module>(random.module);
  const Model m{module, grounding};
  const auto compiled = native(m, o);
  const auto expected = eval::compile_reference(module, grounding);
  for (const auto& state : random.states) {
    const Answers a = evaluate(*compiled, state.continuous), b = evaluate(*expected, state.continuous);
    double scale = 0;
    auto point = random.point(state.view());
    double closed = 0;
    for (const ir::TermId t : grounding->closed_terms) {
      const double v = random.terms[ir::raw(t)].total(point);
      closed += v;
      scale += std::abs(v);
    }
    CHECK_MESSAGE(close(a.closed, b.closed, scale), a.closed << " against " << b.closed);
    CHECK_MESSAGE(close(a.closed, closed, scale), a.closed << " against " << closed);
    std::size_t wrong = 0;
    for (std::size_t k = 0; k < a.tables.size(); ++k) {
      if (!close(a.tables[k], b.tables[k], 1)) {
        if (wrong++ == 0) MESSAGE("entry " << k << ": " << a.tables[k] << " against " << b.tables[k]);
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("random modules, without optimisation") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) check_module(seed, options(jit::Optimization::O0));
}

TEST_CASE("random modules, optimised") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) check_module(seed, options(jit::Optimization::O2, seed % 2 == 0));
}

}  // namespace
}  // namespace hearsay::test
