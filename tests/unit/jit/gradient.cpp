// Gradients: native code at every level = the reference evaluator run backwards, which differences check elsewhere.
#include "lang/pass/differentiate.h"
#include "tests/reference/random_ir.h"
#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

/// Sums are reordered and vector functions are off by some ulp; `scale` is what cancelled.
bool close(double a, double b, double scale) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-10 * std::max({1.0, scale, std::abs(a), std::abs(b)});
}

std::size_t check_module(std::uint64_t seed, const jit::Options& o) {
  CAPTURE(seed);
  auto random = reference::random_module(seed);
  auto made = pass::differentiate(random.module);
  if (!made) {
    CHECK(made.error().kind == DiagnosticKind::not_supported_yet);
    return 0;
  }
  const auto gradient_of = std::make_shared<const ir::Gradient>(*std::move(made));
  const auto grounding = std::make_shared<const ir::Grounding>(random.full_grounding());
  const auto module = std::make_shared<const ir::Module>(random.module);
  auto compiled = jit::compile(module, grounding, o, gradient_of);
  const std::string problem = compiled ? "" : compiled.error().message;
  CAPTURE(problem);
  REQUIRE(compiled);
  REQUIRE((*compiled)->has_gradient());
  const auto native = (*compiled)->evaluator();
  const auto expected = eval::compile_reference(module, grounding, gradient_of)->evaluator();
  std::size_t compared = 0;
  for (const auto& state : random.states) {
    const std::size_t n = state.continuous.size();
    // Weights as of a distribution over entries; some are 0, as for impossible assignments.
    std::vector<double> weights(grounding->table_entries);
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = k % 5 == 0 ? 0 : 1.0 / static_cast<double>(1 + k % 7);
    std::vector<double> a(n), b(n);
    const double v = native->value_and_gradient(state.continuous, weights, a);
    const double w = expected->value_and_gradient(state.continuous, weights, b);
    CHECK(close(v, native->closed_terms(state.continuous), std::abs(v)));
    CHECK_MESSAGE(close(v, w, 10), v << " against " << w);
    double scale = 0;
    for (const double g : b) scale = std::max(scale, std::abs(g));
    for (std::size_t i = 0; i < n; ++i)
      CHECK_MESSAGE(close(a[i], b[i], scale), i << ": " << a[i] << " against " << b[i]);
    compared += n;
  }
  return compared;
}

TEST_CASE("gradients of random modules, without optimisation") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) compared += check_module(seed, options(jit::Optimization::O0));
  CHECK(compared > 100);
}

TEST_CASE("gradients of random modules, optimised") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 41; seed <= 80; ++seed)
    compared += check_module(seed, options(jit::Optimization::O2, seed % 2 == 0));
  CHECK(compared > 100);
}

}  // namespace
}  // namespace hearsay::test
