// The same models answered by quadrature and by NUTS, through the whole language: what differs must be Monte Carlo
// error.
//
// False alarms: every comparison holds a z-score against 6, so a run of the suite with some 40 of them raises one in
// 10^7 runs if the errors are normal. Power: the Monte Carlo errors are about 0.02 posterior sd, so a bias of 0.2 sd is
// found.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "runtime/session/session.h"

namespace {

using namespace hearsay;

struct Answer {
  double value = 0, error = 0;
};

std::vector<Answer> answers(const std::string& script, std::uint64_t seed) {
  std::vector<Answer> r;
  std::string problem;
  SessionOutput out;
  out.print = [&](const Printed& p) { r.push_back({p.value.array()->at(0).as_real(), p.value.error}); };
  out.diagnostic = [&](const Diagnostic& d) {
    if (severity(d.kind) == Severity::error) problem = d.message;
  };
  Settings settings;
  settings.seed = seed;
  Session session(settings, out);
  session.run_text("model", script);
  REQUIRE_MESSAGE(problem.empty(), problem);
  return r;
}

void compare(const std::string& model, const std::string& questions, std::uint64_t seed) {
  CAPTURE(model);
  const auto exact = answers(model + "let post = infer M;\n" + questions, seed);
  const auto drawn = answers(model + "let post = infer M using nuts(chains: 4, draws: 1000);\n" + questions, seed);
  REQUIRE(exact.size() == drawn.size());
  REQUIRE(!exact.empty());
  for (std::size_t k = 0; k < exact.size(); ++k) {
    CAPTURE(k);
    CAPTURE(exact[k].value);
    CAPTURE(drawn[k].value);
    CAPTURE(drawn[k].error);
    REQUIRE(drawn[k].error > 0);
    CHECK(drawn[k].error < 0.1 * std::max(0.05, std::abs(exact[k].value)));  // it would be a poor test otherwise
    CHECK(std::abs(drawn[k].value - exact[k].value) <= 6 * drawn[k].error + exact[k].error);
  }
}

}  // namespace

TEST_CASE("NUTS agrees with quadrature: an unbounded latent") {
  compare("model M { mu ~ normal(0, 2); let y = [1.2, 0.7, 2.5]; observe y ~ normal(mu, 1.5); }\n",
          "print E(mu | post), sd(mu | post), P(mu > 1 | post), quantile(mu, 0.9 | post);\n", 11);
}

TEST_CASE("NUTS agrees with quadrature: a bounded latent and soft evidence from a budget") {
  compare(
      "model M {\n  theta ~ beta(2, 3);\n  x[6] ~ bernoulli(theta);\n  source s(budget: 2 nats, schedule: "
      "geometric(0.8));\n"
      "  observe x[1];\n  for i in 2..6 { soft observe x[i] from s; }\n}\n",
      "print E(theta | post), sd(theta | post), P(x[3] | post), P(x[2] && x[3] | post), P(theta > 0.6 | post, x[4]);\n",
      12);
}

TEST_CASE("NUTS agrees with quadrature: a scale, cut on one side, and a mixture with its labels summed out") {
  compare(
      "model M {\n  s ~ normal(1, 1) in (0.2, inf);\n  let y = [0.3, -2.5, 0.4, 3.1];\n  z[4] ~ bernoulli(0.4);\n"
      "  observe y ~ normal(if z then 2.0 else -0.5, s);\n}\n",
      "print E(s | post), sd(s | post), P(z[1] | post), P(z[4] | post), quantile(s, 0.1 | post);\n", 13);
}

TEST_CASE("NUTS agrees with quadrature: a hidden chain under a latent rate, tempered likelihoods") {
  compare(
      "model M {\n  p ~ beta(3, 2);\n  z[t in 1..6] ~ bernoulli(if t == 1 then 0.5 else (if z[t - 1] then p else 1 - "
      "p));\n"
      "  let y = [true, true, false, true, true, true];\n"
      "  for t in 1..6 { soft observe y[t] ~ bernoulli(if z[t] then 0.9 else 0.2) weight 0.7; }\n}\n",
      "print E(p | post), sd(p | post), P(z[6] | post), P(z[1] == z[2] | post);\n", 14);
}

TEST_CASE("two latents in closed form: a line through three points") {
  // Precision matrix I + X'X with X = [1 x], x = (-1, 0, 2): [[4, 1], [1, 6]]; X'y with y = (1, 0.5, 2): (3.5, 3).
  const double determinant = 4 * 6 - 1 * 1;
  const double a = (6 * 3.5 - 1 * 3) / determinant, b = (4 * 3 - 1 * 3.5) / determinant;
  const auto r = answers(
      "model M {\n  a ~ normal(0, 1);\n  b ~ normal(0, 1);\n  let x = [-1.0, 0, 2];\n  let y = [1, 0.5, 2];\n"
      "  observe y ~ normal(a + b * x, 1);\n}\nlet post = infer M using nuts(draws: 1000);\n"
      "print E(a | post), E(b | post), sd(a | post), sd(b | post), E(a * b | post);\n",
      15);
  const std::vector<double> expected{a, b, std::sqrt(6 / determinant), std::sqrt(4 / determinant),
                                     a * b - 1 / determinant};
  REQUIRE(r.size() == expected.size());
  for (std::size_t k = 0; k < r.size(); ++k) {
    CAPTURE(k);
    CHECK(r[k].error > 0);
    CHECK(std::abs(r[k].value - expected[k]) <= 6 * r[k].error);
    CHECK(r[k].error < 0.05);
  }
}
