#include "tests/unit/runtime/infer/nuts/invariance.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/unit/runtime/infer/nuts/mutants.h"

using namespace hearsay;
using namespace hearsay::testing;

// Each test that a kernel must pass has a false-alarm probability of 1e-8 at most. Power: the first stage, of 20,000
// replications, rejects with 99 % when a law's distribution function is off by 0.025 somewhere (a shift of a parameter
// by 0.06 of its standard deviation); a kernel that the first stage doubts gets 40,000 and 80,000 more. Configurations:
// small steps and deep trees (U-turns decide), large steps (energy errors decide), a depth limit.

namespace {

const KernelTest deep{.step_size = 0.15, .max_depth = 6};
const KernelTest coarse{.step_size = 1.1, .max_depth = 6};
const KernelTest cut{.step_size = 0.3, .max_depth = 2};

template <class R>
bool rejected(std::string_view name) {
  for (const KernelTest& t : {deep, coarse, cut})
    if (test_kernel<R>(seed_of(name), t).rejected) return true;
  return false;
}

}  // namespace

TEST_CASE("NUTS leaves the posterior invariant: small steps, deep trees") {
  const Verdict v = test_kernel<nuts::Rules>(seed_of("deep"), deep);
  CAPTURE(v.p);
  CHECK_FALSE(v.rejected);
}

TEST_CASE("NUTS leaves the posterior invariant: large steps") {
  const Verdict v = test_kernel<nuts::Rules>(seed_of("coarse"), coarse);
  CAPTURE(v.p);
  CHECK_FALSE(v.rejected);
}

TEST_CASE("NUTS leaves the posterior invariant: trees cut at the depth limit") {
  const Verdict v = test_kernel<nuts::Rules>(seed_of("cut"), cut);
  CAPTURE(v.p);
  CHECK_FALSE(v.rejected);
}

TEST_CASE("the invariance test rejects every mutant") {
  using namespace nuts::mutants;
  CHECK(rejected<SignOfWeight>("SignOfWeight"));
  CHECK(rejected<IgnoresWeights>("IgnoresWeights"));
  CHECK(rejected<PrefersLaterPoints>("PrefersLaterPoints"));
  CHECK(rejected<AlwaysTakesNewHalf>("AlwaysTakesNewHalf"));
  CHECK(rejected<IgnoresHalves>("IgnoresHalves"));
  CHECK(rejected<MomentumTooLarge>("MomentumTooLarge"));
  CHECK(rejected<MomentumNotRefreshed>("MomentumNotRefreshed"));
  CHECK(rejected<NoSubtreeChecks>("NoSubtreeChecks"));
  CHECK(rejected<SubtreeChecksOffByOne>("SubtreeChecksOffByOne"));
  CHECK(rejected<OneSidedTurn>("OneSidedTurn"));
}

TEST_CASE("the invariance test rejects a density without its Jacobian") {
  KernelTest t = deep;
  t.jacobian = false;
  CHECK(test_kernel<nuts::Rules>(seed_of("no Jacobian"), t).rejected);
}

TEST_CASE("the invariance test rejects a kernel that goes on adapting") {
  // The step size after a transition depends on where it went; the bias is small and takes more replications.
  const KernelTest t{.step_size = 0.5, .max_depth = 6, .replications = 200'000};
  const auto adapt = [](double& step_size, int, const nuts::TransitionOutcome& outcome) {
    step_size *= std::exp(3 * (outcome.transition.accept_stat - 0.8));
  };
  CHECK(test_kernel<nuts::Rules>(seed_of("adapting"), t, {}, adapt).rejected);
}
