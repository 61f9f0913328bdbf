// What answers are labelled with: exact, with an error, drawn; and whose lines ledgers speak of.
#include "tests/unit/runtime/session/running.h"

using namespace hearsay;

TEST_CASE("labels: draws and what is computed from them are not exact") {
  test::Running r;
  REQUIRE(r.run(R"(
    model M { k ~ binomial(4, 0.3); x ~ normal(0, 1); }
    let counts = draws(k, n: 50 | M);
    print mean(counts), mean(counts) + P(k == 1 | M), draws(x, n: 2 | M), P(k == 1 | M);
  )") == 0);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(r.printed[k].drawn);
    CHECK_FALSE(r.printed[k].exact);
    CHECK(r.printed[k].accuracy.find("exact") == std::string::npos);
  }
  CHECK_FALSE(r.printed[3].drawn);
}

TEST_CASE("labels: draws that all agree bound a probability, they do not prove it") {
  test::Running r;
  REQUIRE(r.run(R"(
    model M { x ~ normal(0, 1); y ~ normal(x, 1); }
    let p = infer M;
    print P(x > 20 | p), P(x < 20 | p), P(x > 20 | p, y > 0);
  )") == 0);
  for (const Printed& p : r.printed) {
    CHECK_FALSE(p.exact);
    CHECK(p.value.error > 3.0 / 4000 * 0.99);
    CHECK(p.value.error < 0.1);
  }
}

TEST_CASE("labels: draws of a sampled posterior are its draws") {
  test::Running r;
  CHECK(r.number(R"(
    model M { x ~ normal(0, 1); y ~ normal(x, 1); }
    let p = infer M;
    let d = draws(y, n: 4000 | p);
    print mean(d) - E(y | p);
  )") == doctest::Approx(0).epsilon(1e-9));
}

TEST_CASE("labels: means that do not exist and posteriors that are improper are doubted") {
  const auto doubts = [](const std::string& text) {
    test::Running r;
    r.run(text);
    std::string all;
    for (const Diagnostic& d : r.diagnostics)
      if (d.kind == DiagnosticKind::draws_in_doubt) all += d.message + "\n";
    return all;
  };
  CHECK(doubts("model M { x ~ cauchy(0, 1); y ~ cauchy(x, 1); } let p = infer M; print E(y | p);")
            .find("this mean may not exist") != std::string::npos);
  CHECK(doubts("model M { x ~ flat(); y ~ flat(); } let p = infer M; print E(x | p);").find("may be improper") !=
        std::string::npos);
  CHECK(doubts("model M { x ~ normal(0, 1); y ~ normal(x, 1); } let p = infer M; print E(y | p), sd(y | p);") == "");
}

TEST_CASE("labels: lines of a ledger are lines of the script") {
  test::Running r;
  const auto json = r.json(R"(tokens Coin = {heads, tails};
model Weak emits Coin { h ~ bernoulli(0.5); emit ~ categorical({heads: if h then 0.9 else 0.1, tails: if h then 0.1 else 0.9}); }
model Strong emits Coin { g ~ bernoulli(0.5); emit ~ categorical({heads: if g then 0.8 else 0.2, tails: if g then 0.2 else 0.8}); }
map f: Weak -> Strong { h => g; }
let taught = teach Strong from Weak {
  budget 3 nats; schedule geometric(0.5); labels 3;
  via f; share 0.1;
  given {
    soft observe g odds 2;
  }
};
print ledger(taught);
)");
  REQUIRE(json["claims"].size() == 3);
  for (const auto& claim : json["claims"]) {
    CHECK(claim["line"].get<int>() >= 5);
    CHECK(claim["line"].get<int>() <= 11);
  }
}

TEST_CASE("labels: names that were defined beforehand fill parameters that the script leaves open") {
  test::Running r;
  const auto n = [](std::int64_t i) {
    Value v;
    v.data = ArrayValue::scalar(Scalar::integer(i));
    return v;
  };
  r.session().define("n", n(3));
  const std::string model = "model M(n: int) { a[n] ~ bernoulli(0.25); } ";
  CHECK(r.number(model + "let p = infer M; print E(sum(a) | p);") == doctest::Approx(0.75));
  CHECK(r.number("print E(sum(a) | M);") == doctest::Approx(0.75));
  CHECK(r.number("let q = infer M(n: 2); print E(sum(a) | q);") == doctest::Approx(0.5));
  CHECK(r.number("let q = infer M(2); print E(sum(a) | q);") == doctest::Approx(0.5));
  // A name that the script binds is the script's own.
  CHECK(r.run("let n = 5; let q = infer M;") == 1);
}
