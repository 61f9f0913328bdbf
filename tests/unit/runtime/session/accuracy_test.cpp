// An answer that is less accurate than was asked for carries its true bound, and a warning: one for each question.
#include <cmath>

#include "tests/unit/runtime/session/running.h"

using namespace hearsay;

TEST_CASE("accuracy: a tolerance that cannot be reached is said, once for every question") {
  Settings settings;
  settings.tolerance = 1e-17;  // below rounding
  test::Running r(settings);
  const std::size_t errors = r.run(R"(
    model C { t ~ beta(2, 3); g ~ bernoulli(t); }
    let post = infer C given { soft observe g odds 2; };
    print E(t | post), P(g | post), sd(t | post);
    let p = P(t > 0.5 | post);
    expect P(t > 0.25 | post) + P(t > 0.5 | post) > 0;
  )");
  CHECK(errors == 0);
  REQUIRE(r.diagnostics.size() == 5);
  for (const Diagnostic& d : r.diagnostics) {
    CHECK(d.kind == DiagnosticKind::accuracy_not_reached);
    CHECK(severity(d.kind) == Severity::warning);
  }
  CHECK(r.session().sources().text(r.diagnostics[1].primary) == "P(g | post)");
  // The bounds hold all the same: E t = 2/5 before, and g doubles the odds of what makes it true.
  const double mean = r.printed[0].value.array()->at(0).as_real();
  const double exact = (0.4 + (2.0 * 3) / (5 * 6)) / (1 + 0.4);
  CHECK(r.printed[0].value.error > 0);
  CHECK(std::abs(mean - exact) <= r.printed[0].value.error);
}

TEST_CASE("accuracy: nothing is said where what was asked for was reached") {
  test::Running r;
  CHECK(r.run("model C { t ~ beta(2, 3); } print E(t | C), quantile(t, 0.9 | C), evidence(C);") == 0);
  CHECK(r.diagnostics.empty());
}
