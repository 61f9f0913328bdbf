// Ledgers and certificates (theory sections 3, 5 and 8): one for each source, against what removing the source does.
#include <cmath>

#include "lang/evidence/bounds.h"
#include "tests/unit/runtime/session/running.h"

using namespace hearsay;
using nlohmann::json;

namespace {

const std::string world = R"(
  tokens T = {a, b};
  model M emits T {
    h ~ categorical({p: 0.2, q: 0.5, r: 0.3});
    g ~ bernoulli(if h == p then 0.9 else 0.3);
    emit ~ if h == p then categorical({a: 0.7, b: 0.3}) else categorical({a: 0.4, b: 0.6});
  }
)";

const json& of(const json& list, const std::string& source) {
  for (const json& c : list)
    if (c["source"] == source) return c;
  FAIL("nothing about " << source);
  return list;
}

double logit(double p) { return std::log(p) - std::log1p(-p); }

void check_certificate(const json& c, double charged) {
  CHECK(c["charged"].get<double>() == doctest::Approx(charged).epsilon(1e-12));
  CHECK(c["total_variation_bound"].get<double>() == doctest::Approx(std::tanh(charged / 4)).epsilon(1e-12));
  CHECK(c["kl_bound"].get<double>() == doctest::Approx(std::min(charged, charged * charged / 8)).epsilon(1e-12));
  REQUIRE(c.contains("realised"));
  CHECK(c["realised"]["total_variation"].get<double>() <= c["total_variation_bound"].get<double>() + 1e-12);
  CHECK(c["realised"]["kl"].get<double>() <= c["kl_bound"].get<double>() + 1e-12);
  CHECK(c["realised"]["largest_shift"].get<double>() <= charged + 1e-9);
  for (const json& q : c["queries"]) {
    CHECK(std::abs(q["shift"].get<double>()) <= charged + 1e-9);
    CHECK(q["shift"].get<double>() ==
          doctest::Approx(logit(q["with"].get<double>()) - logit(q["without"].get<double>())).epsilon(1e-9));
    const auto range = evidence::probability_range(q["without"], evidence::Nats::of(charged));
    CHECK(q["low"].get<double>() == doctest::Approx(range.low).epsilon(1e-14));
    CHECK(q["high"].get<double>() == doctest::Approx(range.high).epsilon(1e-14));
  }
}

}  // namespace

TEST_CASE("certificates: one for each source, by removing that source") {
  test::Running r;
  REQUIRE(r.run(world + R"(
    let post = infer M given {
      source first(budget: 2 nats);
      source second;
      soft observe h == p nats 1.5 from first;
      soft observe g nats -0.7 from second;
      soft observe emit[1] == a odds 3;
    };
    let without_first = infer M given { soft observe g nats -0.7; soft observe emit[1] == a odds 3; };
    let without_second = infer M given { soft observe h == p nats 1.5; soft observe emit[1] == a odds 3; };
    print P(h == p | post), P(g | post, emit[next] == a), marginal(h | post);
  )") == 0);
  const json j = r.json("print ledger(post);");
  REQUIRE(j["certificates"].size() == 3);
  check_certificate(of(j["certificates"], "first"), 1.5);
  check_certificate(of(j["certificates"], "second"), 0.7);
  check_certificate(of(j["certificates"], "(no source)"), std::log(3));
  check_certificate(j, 1.5 + 0.7 + std::log(3));
  CHECK(of(j["certificates"], "first")["queries"].size() == 4);  // h == p is asked twice
  CHECK(of(j["certificates"], "first")["queries"][1]["event"] == "g given emit[next] == a");
  CHECK(of(j["certificates"], "first")["queries"][0]["without"].get<double>() ==
        doctest::Approx(r.number("print P(h == p | without_first);")).epsilon(1e-12));
  CHECK(of(j["certificates"], "second")["queries"][1]["without"].get<double>() ==
        doctest::Approx(r.number("print P(g | without_second, emit[next] == a);")).epsilon(1e-12));
  // The realised change over h and g, worked out here: odds of h == p times e^1.5 and nothing else.
  CHECK(of(j["certificates"], "first")["realised"]["largest_shift"].get<double>() ==
        doctest::Approx(1.5).epsilon(1e-12));
  const double p = r.number("print P(h == p | without_first);"), z = 1 + std::expm1(1.5) * p;
  CHECK(of(j["certificates"], "first")["realised"]["total_variation"].get<double>() ==
        doctest::Approx(p * std::exp(1.5) / z - p).epsilon(1e-12));
  CHECK(of(j["certificates"], "first")["realised"]["kl"].get<double>() ==
        doctest::Approx(1.5 * p * std::exp(1.5) / z - std::log(z)).epsilon(1e-11));
}

TEST_CASE("certificates: two values reach every bound") {
  test::Running r;
  REQUIRE(r.run("model B { x ~ bernoulli(0.26894142136999512); }"  // odds e^-1, which 2 nats turn into e
                "let post = infer B given { source s(budget: 2 nats); soft observe x nats 2 from s; };"
                "print P(x | post);") == 0);
  const json j = r.json("print ledger(post);")["certificates"][0];
  CHECK(j["realised"]["total_variation"].get<double>() == doctest::Approx(std::tanh(0.5)).epsilon(1e-14));
  CHECK(j["realised"]["largest_shift"].get<double>() == doctest::Approx(2).epsilon(1e-14));
  CHECK(j["queries"][0]["with"].get<double>() == doctest::Approx(j["queries"][0]["high"].get<double>()).epsilon(1e-14));
}

TEST_CASE("certificates: a continuous latent, by quadrature") {
  test::Running r;
  REQUIRE(r.run(R"(
    model C { t ~ beta(1, 1); g ~ bernoulli(t); }
    let post = infer C given { source s(budget: 1 nats); soft observe t > 0.5 nats 1 from s; };
    print P(g | post);
  )") == 0);
  const json j = r.json("print ledger(post);")["certificates"][0];
  // Half of the mass is raised by e: TV and KL in closed form.
  const double up = std::exp(1.0) / (1 + std::exp(1.0));
  CHECK(j["realised"]["total_variation"].get<double>() == doctest::Approx(up - 0.5).epsilon(1e-9));
  CHECK(j["realised"]["kl"].get<double>() ==
        doctest::Approx(up * std::log(2 * up) + (1 - up) * std::log(2 * (1 - up))).epsilon(1e-9));
  CHECK(j["realised"]["largest_shift"].get<double>() == doctest::Approx(1).epsilon(1e-9));
  CHECK(j["realised"]["over"] == json({"g", "t"}));
  check_certificate(j, 1);
}

TEST_CASE("certificates: they hold beside evidence that nobody answers for") {
  test::Running r;
  REQUIRE(r.run(R"(
    model C { t ~ beta(1, 1); g ~ bernoulli(t); factor 40 * t; soft observe true ~ bernoulli(t) weight 7; }
    let post = infer C given { source s(budget: 1 nats); soft observe g nats 0.25 from s; };
    print P(g | post);
  )") == 0);
  const json j = r.json("print ledger(post);");
  CHECK(j["unaccounted"].size() == 2);
  check_certificate(j["certificates"][0], 0.25);
  CHECK(j["queries"][0]["shift"].get<double>() == doctest::Approx(0.25).epsilon(1e-6));
}

TEST_CASE("certificates: probabilities next to 0 and 1 keep their digits") {
  test::Running r;
  REQUIRE(r.run(R"(
    model Rare { x ~ bernoulli(1e-18); y ~ bernoulli(if x then 0.9 else 0.1); }
    let post = infer Rare given { source s(budget: 3 nats); soft observe x nats 2.5 from s; };
    print P(x | post), P(!x | post);
  )") == 0);
  const json j = r.json("print ledger(post);")["certificates"][0];
  CHECK(j["queries"][0]["shift"].get<double>() == doctest::Approx(2.5).epsilon(1e-12));
  CHECK(j["queries"][1]["shift"].get<double>() == doctest::Approx(-2.5).epsilon(1e-12));
}

TEST_CASE("ledger: what is left of a source that several posteriors share") {
  test::Running r;
  REQUIRE(r.run(world + R"(
    source weak(budget: 3 nats);
    let one = infer M given { soft observe h == p nats 1 from weak; };
    let two = infer M given { soft observe h == q nats 0.5 from weak; };
  )") == 0);
  for (const char* post : {"one", "two"}) {
    const json row = r.json(std::string("print ledger(") + post + ");")["sources"][0];
    CHECK(row["charged"].get<double>() == (std::string(post) == "one" ? 1.0 : 0.5));
    CHECK(row["charged_in_all"].get<double>() == 1.5);
    CHECK(row["left"].get<double>() == 1.5);
    CHECK(row["shared"] == true);
  }
  // The refusal names the statement, what was left of the shared budget, and what to change.
  REQUIRE(r.run("let three = infer M given { soft observe h == r nats 2 from weak; };") == 1);
  CHECK(r.diagnostics[0].kind == DiagnosticKind::over_budget);
  CHECK(r.diagnostics[0].message == "this statement costs 2 nats, but `weak` has only 1.5 of its 3 nats left");
  CHECK(r.session().sources().text(r.diagnostics[0].primary) == "soft observe h == r nats 2 from weak;");
  CHECK(r.diagnostics[0].help.find("raise the budget to 3.5 nats or more") != std::string::npos);
}

TEST_CASE("ledger: later statements disturb a target, and it says by how much") {
  test::Running r;
  REQUIRE(r.run(world + "let post = infer M given { soft observe h == p to 0.6; soft observe h == q to 0.5; };"
                        "let kept = infer M given { soft observe h == p to 0.6; soft observe h == p to 0.6; };") == 0);
  const json j = r.json("print ledger(post);");
  REQUIRE(j["targets"].size() == 2);
  CHECK(j["targets"][0]["target"][0].get<double>() == 0.6);
  // q went from 0.4 * 5/8 = 0.25 to 0.5: the others shrink by 0.5 / 0.75.
  CHECK(j["targets"][0]["now"][0].get<double>() == doctest::Approx(0.6 * 0.5 / 0.75).epsilon(1e-12));
  CHECK(j["targets"][1]["now"][0].get<double>() == doctest::Approx(0.5).epsilon(1e-12));
  const auto text = r.printed.back().text;
  CHECK(text.find("asked for 0.6, 0.4, disturbed by what was stated afterwards: now 0.4, 0.6") != std::string::npos);
  CHECK(text.find("asked for 0.5, 0.5, disturbed") == std::string::npos);
  REQUIRE(r.run("print ledger(kept);") == 0);
  CHECK(r.printed.back().text.find("disturbed") == std::string::npos);  // restated: idempotent
}

TEST_CASE("certificates: a map that is not faithful says how far it may misdirect") {
  const std::string maps = R"(
    tokens T = {a, b};
    model W emits T { h ~ bernoulli(0.3); emit ~ if h then categorical({a: 0.8, b: 0.2}) else categorical({a: 0.3, b: 0.7}); }
    model S emits T { k ~ bernoulli(0.5); emit ~ if k then categorical({a: 0.75, b: 0.25}) else categorical({a: 0.3, b: 0.7}); }
    map f: W -> S { h == true => k == true; h == false => k == false; }
  )";
  const std::string claim =
      "let post = infer S given { source s(budget: 2 nats); soft observe f(h == true) nats 0.8 from s; };";
  test::Running r;
  REQUIRE(r.run(maps + claim) == 0);
  const json once = r.json("print ledger(post);")["certificates"][0]["maps"][0];
  CHECK(once["tokens"] == 1);
  CHECK(once["total_variations"][0].get<double>() == doctest::Approx(0.05).epsilon(1e-12));
  CHECK(once["difference_bound"].get<double>() == doctest::Approx(std::log1p(0.05 * std::expm1(0.8))).epsilon(1e-9));
  // From `check`, where it was run: over longer strings.
  REQUIRE(r.run("check f up to 3 tokens;" + claim) == 0);
  const json checked = r.json("print ledger(post);")["certificates"][0]["maps"][0];
  CHECK(checked["tokens"] == 3);
  CHECK(checked["total_variations"][0].get<double>() > 0.05);
  // More tokens than anybody compared, and too many to compare now.
  REQUIRE(
      r.run("let long = teach S from W { budget 2 nats; schedule geometric(0.9); share 0.4; labels 40; via f; };") ==
      0);
  const json far = r.json("print ledger(long);")["certificates"][0]["maps"][0];
  CHECK(far.contains("unknown"));
  CHECK(!far.contains("difference_bound"));
  // The bound itself: the same claims about tokens, in the teacher and through the map, for every pair of labels.
  for (const char* labels : {"a, a, a", "a, b, a", "b, b, b"}) {
    const std::string statements = std::string("given { source s(budget: 2 nats); let l = [") + labels +
                                   "]; for i in 1..3 { soft observe emit[i] == l[i] nats 0.5 from s; } }";
    CAPTURE(statements);
    const double in_teacher = r.number("print shift(h == true | infer W " + statements + ");"),
                 in_student = r.number("print shift(k == true | infer S " + statements + ");");
    const double delta = checked["total_variations"][0];
    CHECK(std::abs(in_teacher - in_student) <= std::log1p(delta * std::expm1(1.5)) + 1e-12);
  }
}

TEST_CASE("maps: across alphabets, in terms of the algebra that both share") {
  test::Running r;
  const std::string models = R"(
    tokens Word = {cat, dog, car, bus};
    tokens Blob = {b0, b1, b2};
    model Talker emits Word { place ~ bernoulli(0.8); emit ~ if place then categorical({cat: 0.4, dog: 0.4, car: 0.15, bus: 0.05}) else categorical({cat: 0.1, dog: 0.1, car: 0.5, bus: 0.3}); }
    model Seer emits Blob { scene ~ bernoulli(0.5); emit ~ if scene then categorical({b0: 0.8, b1: 0.1, b2: 0.1}) else categorical({b0: 0.2, b1: 0.3, b2: 0.5}); }
    map f: Talker -> Seer { place == true => scene == true; place == false => scene == false; }
  )";
  CHECK(r.run(models + "check f up to 2 tokens within 0 nats;") == 1);
  CHECK(r.diagnostics.at(0).kind == DiagnosticKind::not_a_map_model);
  const std::string kind =
      "algebra Kind over Word { animal = {cat, dog}; vehicle = {car, bus}; }"
      " and over Blob { vehicle = {b1, b2}; animal = {b0}; }";
  const std::size_t errors = r.run(kind + "check f up to 2 tokens within 1e-9 nats;");
  CAPTURE(r.complaints());
  CHECK(errors == 0);
  REQUIRE(r.notes.size() == 1);
  CHECK(r.notes[0].find("strings of up to 2 blocks of Kind") != std::string::npos);
  // Animals with 0.68 against 0.5: worked out by hand.
  CHECK(r.number("print mimicry(Seer, Talker);") ==
        doctest::Approx(0.68 * std::log(0.68 / 0.5) + 0.32 * std::log(0.32 / 0.5)).epsilon(1e-12));
}

TEST_CASE("certificates: estimates from draws say how far they may be off") {
  test::Running r;
  const std::size_t errors = r.run(R"(
    model M { a ~ normal(0, 1); b ~ normal(0, 1); observe 1.5 ~ normal(a + b, 1); }
    let post = infer M given { source s(budget: 2 nats); soft observe a > 0 nats 1.5 from s; };
    print P(a > 0 | post), ledger(post);
  )");
  CAPTURE(r.complaints());
  REQUIRE(errors == 0);
  const std::string text = r.printed.back().text;
  CHECK(text.find("estimates from draws; ± is six standard errors") != std::string::npos);
  CHECK(text.find("realised over") == std::string::npos);  // densities can't be compared draw by draw
  const json c = json::parse(r.printed.back().value.object<TextObject>()->json)["certificates"][0];
  // The claim is about the event itself, so its log-odds move by what it costs, up to Monte Carlo error: six standard
  // errors, a false alarm in 5e8 runs.
  const double shift = c["queries"][0]["shift"], error = c["queries"][0]["shift_error"];
  CHECK(std::abs(shift - 1.5) <= error);
  CHECK(error < 1);
}

TEST_CASE("certificates: an event that is all but certain has its interval from the complement") {
  test::Running r;
  REQUIRE(r.run("model M { h ~ bernoulli(1e-17); } let p = infer M given { soft observe h nats 40; };") == 0);
  r.number("print P(!h | p);");
  const json c = r.json("print ledger(p);");
  const json& q = c["certificates"][0]["queries"][0];
  const double shrunk = 1 / (1 + 1e-17 * std::exp(40));
  CHECK(q["low"].get<double>() == doctest::Approx(shrunk).epsilon(1e-9));
  CHECK(q["with"].get<double>() == doctest::Approx(shrunk).epsilon(1e-9));
}

TEST_CASE("ledgers: a target under an `if` is held given the condition") {
  test::Running r;
  REQUIRE(r.run(R"(
    model M { k ~ uniform_int(1, 4); h ~ bernoulli(if k > 2 then 0.3 else 0.6); }
    let p = infer M given { if k > 2 { soft observe h to 0.8; } };
  )") == 0);
  const json c = r.json("print ledger(p);");
  CHECK(c["targets"][0]["now"][0].get<double>() == doctest::Approx(0.8).epsilon(1e-12));
  CHECK(r.printed.back().text.find("disturbed") == std::string::npos);
}
