// Random finite models: the language's answers against an enumeration written apart from it, on every backend.
#include <doctest/doctest.h>

#include <string>

#include "tests/stat/support.h"

namespace {

using namespace hearsay;
using namespace hearsay::test;

/// Evidence that cannot be is reported as such, not as anything else.
bool says_impossible(const Run& r) {
  return std::ranges::any_of(r.kinds, [](DiagnosticKind k) {
    return k == DiagnosticKind::impossible_evidence || k == DiagnosticKind::unreachable_target ||
           k == DiagnosticKind::impossible_condition;
  });
}

void compare(const Settings& settings, const std::string& using_clause, std::uint64_t seed, int count) {
  reference::Random random(seed);
  int possible = 0;
  for (int k = 0; k < count; ++k) {
    const reference::RandomModel m = reference::random_model(random);
    const reference::Enumeration expected(m);
    const std::string script = m.script(using_clause);
    CAPTURE(script);
    const Run r = run(script, settings);
    CAPTURE(r.first_error());
    if (expected.impossible()) {
      REQUIRE(says_impossible(r));
      continue;
    }
    ++possible;
    REQUIRE(r.errors.empty());
    REQUIRE(r.values.size() == m.questions.size() + 1);
    const std::vector<long double> weights = expected.weights();
    const long double total = expected.total();
    for (std::size_t i = 0; i < m.questions.size(); ++i) {
      CAPTURE(m.text(m.questions[i]));
      CAPTURE(r.values[i]);
      const auto p = static_cast<double>(expected.mass(m.questions[i], weights) / total);
      CAPTURE(p);
      REQUIRE(close(r.values[i], p));
    }
    // A Jeffrey statement's log-weights are fixed up to a constant, so its evidence is too.
    if (expected.evidence_defined()) REQUIRE(close_nats(r.values.back(), static_cast<double>(std::log(total))));
  }
  // Most of the models must have had something to compare.
  CHECK(possible > count / 2);
}

}  // namespace

TEST_CASE("random models: elimination with the reference evaluator agrees with enumeration") {
  compare(reference_backend(), "", 20261101, models(1500));
}

TEST_CASE("random models: the engine that enumerates agrees too") {
  compare(reference_backend(), "enumerate", 20261102, models(400));
}

TEST_CASE("random models: native code agrees") { compare(native(jit::Optimization::O0), "", 20261103, models(300)); }

TEST_CASE("random models: native code that enumerates agrees") {
  compare(native(jit::Optimization::O0), "enumerate", 20261104, models(100));
}

TEST_CASE("random models: optimised native code agrees") {
  // Optimising takes most of a second for each model, so a full run does not do ten thousand of them.
  compare(native(jit::Optimization::O2), "", 20261111, std::min(models(25), 400));
}

TEST_CASE("random models: every pass on equals off") {
  for (int without = 0; without < 3; ++without) {
    Settings s = reference_backend();
    s.passes.specialise = without != 0;
    s.passes.marginalise = without != 1;
    s.passes.hoist = without != 2;
    compare(s, "", 20261105, models(200));
  }
}
