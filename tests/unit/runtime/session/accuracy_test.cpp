// An answer that is less accurate than was asked for carries its true bound, and a warning: one for each question.
#include <atomic>
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

TEST_CASE("accuracy: given a condition, the error is that of a quotient") {
  // x > 2 has probability q = 0.0228 and 4,000 draws say of each answer given it what 91 would, or a few more.
  test::Running r;
  const std::string model = "model G { x ~ normal(0, 1); y ~ normal(0, 1); } let g = infer G;";
  const double p = r.number(model + "print P(y > 0 | g, x > 2);");
  const double error = r.printed.back().value.error;
  CHECK(std::abs(p - 0.5) < 4 * error);
  CHECK(error < 2 * std::sqrt(0.25 / 91));
  CHECK(error > 0.5 * std::sqrt(0.25 / 91));
  const double mean = r.number("print E(100 + y | g, x > 2);");
  CHECK(std::abs(mean - 100) < 4 * r.printed.back().value.error);
  CHECK(r.printed.back().value.error < 2 * std::sqrt(1.0 / 91));
  // By quadrature: a bound, and nearly all digits.
  const double exact = r.number("model H { x ~ normal(0, 1); } print E(x | H, x > 2);");
  CHECK(std::abs(exact - 2.3732155328228) <= r.printed.back().value.error + 1e-12);
  CHECK(r.printed.back().value.error < 1e-9);
}

TEST_CASE("accuracy: constants by construction and bounded quantities raise no doubt") {
  test::Running r;
  CHECK(r.run("model L { L ~ lkj_corr_cholesky(2, 2.0); } let l = infer L using nuts; print E(L[2, 1] | l);") == 0);
  CHECK(r.complaints().empty());
  // Nearly always next to 0 and never above 1: up to there the tail is as heavy as any.
  const std::string model = "model B { x ~ normal(0, 1); y ~ normal(0, 1); } let b = infer B using nuts;";
  CHECK(r.run(model + "print E(inv_logit(-14 + 5 * x) | b);") == 0);
  CHECK(r.complaints().empty());
  CHECK(r.run("print E(exp(-14 + 5 * x) | b);") == 0);
  CHECK(r.complaints().find("this mean may not exist") != std::string::npos);
}

TEST_CASE("accuracy: interrupted sampling ends the run and says so") {
  std::atomic<bool> interrupt = true;
  Settings settings;
  settings.interrupt = &interrupt;
  test::Running r(settings);
  CHECK(r.run("model A { x[3] ~ normal(0, 1); } let a = infer A using nuts;") == 1);
  REQUIRE(r.diagnostics.size() == 1);
  CHECK(r.diagnostics[0].kind == DiagnosticKind::interrupted);
}
