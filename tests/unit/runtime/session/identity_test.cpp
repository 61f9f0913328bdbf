// A claim that is made again replaces itself (theory section 5): texts run twice, as a REPL does, for every form of
// claim.
#include <cmath>

#include "tests/unit/runtime/session/running.h"

using namespace hearsay;

namespace {

const std::string world = R"(
  tokens T = {a, b};
  model M emits T {
    h ~ categorical({p: 0.2, q: 0.5, r: 0.3});
    emit ~ if h == p then categorical({a: 0.7, b: 0.3}) else categorical({a: 0.4, b: 0.6});
  }
  model W emits T { g ~ bernoulli(0.3); emit ~ if g then point(a) else categorical({a: 0.5, b: 0.5}); }
  source weak(budget: 3 nats, schedule: geometric(0.8));
  source even(budget: 2 nats, schedule: spread);
)";

/// What the text leaves charged to a source that posteriors share, by what is left for another claim.
double left(test::Running& r, const std::string& source) {
  const nlohmann::json j = r.json("print ledger(infer M given { soft observe h == p nats 0 from " + source + "; });");
  for (const auto& s : j["sources"])
    if (s["source"] == source) return s["left"].get<double>();
  FAIL("the source is not in the ledger");
  return 0;
}

/// Runs `text` three times; the answers and the books must be the same each time, to the bit.
void check_idempotent(const std::string& text, const std::string& question) {
  CAPTURE(text);
  test::Running r;
  REQUIRE(r.run(world) == 0);
  REQUIRE(r.run(text) == 0);
  const double answer = r.number(question), weak = left(r, "weak"), even = left(r, "even");
  for (int again = 0; again < 2; ++again) {
    const std::size_t errors = r.run(text);
    CAPTURE(r.complaints());
    REQUIRE(errors == 0);
    CHECK(r.number(question) == answer);
    CHECK(left(r, "weak") == weak);
    CHECK(left(r, "even") == even);
  }
}

}  // namespace

TEST_CASE("identity: running a statement again replaces its claims") {
  const std::string ask = "print P(h == p | post);";
  check_idempotent("let post = infer M given { soft observe h == p nats 0.7 from weak; };", ask);
  check_idempotent("let post = infer M given { for i in 1..7 { soft observe emit[i] == a from weak; } };", ask);
  check_idempotent("let post = infer M given { for i in 1..7 { soft observe emit[i] == a from even; } };", ask);
  check_idempotent(
      "let post = infer M given { soft observe h == p to 0.4 from weak; soft observe h to {p: 0.3, q: 0.3, r: 0.4} "
      "from even; };",
      ask);
  check_idempotent(
      "let post = infer M given { soft observe jointly { h == p to 0.4; emit[1] == a to 0.5; } from weak; };", ask);
  check_idempotent(
      "let post = infer M given { for i in 1..3 { soft observe emit[i] == a from weak; soft observe h == q nats -0.1 "
      "from even; } };",
      ask);
  // A loop may claim the same in one text as often as it likes: these are different claims.
  check_idempotent(
      "let post = infer M given { soft observe h == p nats 0.2 from weak; soft observe h == p nats 0.2 from weak; };",
      ask);
  check_idempotent(
      "let other = infer M given { soft observe h == q odds 1.1 from weak; };"
      "let post = infer M given { for i in 1..5 { soft observe emit[i] == b from weak; } };"
      "let third = infer M given { soft observe emit[1] == b from weak; };",
      ask);
  check_idempotent(
      "let post = teach M from W { budget 1 nats; schedule geometric(0.5); odds 1.01; labels 0; given { soft observe h "
      "== r nats 0.5 from weak; } };",
      ask);
  // Two inferences in one statement are two claimants.
  check_idempotent(
      "let post = infer M given { soft observe h == p nats 0.1 from weak; };"
      "let both = P(h == p | infer M given { soft observe h == p nats 0.2 from weak; }) "
      "+ P(h == p | infer M given { soft observe h == p nats 0.3 from weak; });",
      "print both;");
}

TEST_CASE("identity: a statement without a name claims under its own text") {
  test::Running r;
  REQUIRE(r.run(world) == 0);
  const std::string line = "print P(h == p | infer M given { soft observe h == p nats 1 from weak; });";
  const double first = r.number(line);
  CHECK(r.number(line) == first);
  CHECK(r.number(line) == first);
  CHECK(left(r, "weak") == 2.0);
  REQUIRE(r.run("print P(h == q | infer M given { soft observe h == q nats 1 from weak; });") == 0);
  CHECK(left(r, "weak") == 1.0);
}

TEST_CASE("identity: the whole script again, with its sources, changes nothing") {
  const std::string script = world + R"(
    let post = infer M given { for i in 1..9 { soft observe emit[i] == a from weak; } soft observe h == q to 0.45 from even; };
    print P(h == p | post);
  )";
  test::Running r;
  const double first = r.number(script);
  const double weak = left(r, "weak"), even = left(r, "even");
  CHECK(r.number(script) == first);
  CHECK(left(r, "weak") == weak);
  CHECK(left(r, "even") == even);
}

TEST_CASE("identity: a changed statement replaces what it claimed before") {
  test::Running r;
  REQUIRE(r.run(world) == 0);
  REQUIRE(r.run("let post = infer M given { for i in 1..9 { soft observe emit[i] == a nats 0.25 from weak; } };") == 0);
  CHECK(left(r, "weak") == 0.75);
  // Fewer claims, another form, none at all, and no posterior any more.
  REQUIRE(r.run("let post = infer M given { for i in 1..3 { soft observe emit[i] == a nats 0.25 from weak; } };") == 0);
  CHECK(left(r, "weak") == 2.25);
  REQUIRE(r.run("let post = infer M given { soft observe h likelihoods {p: 2, q: 1, r: 1} from weak; };") == 0);
  CHECK(left(r, "weak") == doctest::Approx(3 - std::log(2)).epsilon(1e-15));
  REQUIRE(r.run("let post = infer M;") == 0);
  CHECK(left(r, "weak") == 3.0);
  REQUIRE(r.run("let post = infer M given { soft observe h == p nats 1 from weak; };") == 0);
  REQUIRE(r.run("let post = 3;") == 0);
  CHECK(left(r, "weak") == 3.0);
}

TEST_CASE("identity: scheduled claims keep their place in the schedule") {
  test::Running r;
  REQUIRE(r.run(world) == 0);
  const std::string early = "let early = infer M given { for i in 1..4 { soft observe emit[i] == a from weak; } };";
  const std::string late = "let late = infer M given { for i in 1..4 { soft observe emit[i] == a from weak; } };";
  REQUIRE(r.run(early) == 0);
  REQUIRE(r.run(late) == 0);
  const double first = r.number("print charged(early, weak);"), second = r.number("print charged(late, weak);");
  CHECK(second == doctest::Approx(first * std::pow(0.8, 4)).epsilon(1e-13));
  REQUIRE(r.run(early) == 0);
  CHECK(r.number("print charged(early, weak);") == first);
  REQUIRE(r.run(late) == 0);
  CHECK(r.number("print charged(late, weak);") == second);
  // More claims than the place holds: they go to the end, where nothing else has been promised anything.
  REQUIRE(r.run("let early = infer M given { for i in 1..6 { soft observe emit[i] == a from weak; } };") == 0);
  CHECK(r.number("print charged(early, weak);") ==
        doctest::Approx(3 * std::pow(0.8, 8) * (1 - std::pow(0.8, 6))).epsilon(1e-12));
}

TEST_CASE("identity: a refused statement leaves the books as they were, to the bit") {
  test::Running r;
  REQUIRE(r.run(world) == 0);
  REQUIRE(r.run("let one = infer M given { soft observe h == p nats 0.1 from weak; };"
                "let two = infer M given { soft observe h == q nats 0.2 from weak; soft observe h == r nats 0.3 from "
                "weak; };") == 0);
  const double before = left(r, "weak");
  for (const char* refused :
       {"let two = infer M given { soft observe h == q nats 0.2 from weak; soft observe h == r nats 3 from weak; };",
        "let three = infer M given { soft observe h == q nats 0.7 from weak; soft observe h == p to 0.9999 from weak; "
        "};",
        "let three = infer M given { soft observe h == q nats 0.7 from weak; observe false; soft observe h == r to 0.4 "
        "from weak; };"}) {
    CAPTURE(refused);
    CHECK(r.run(refused) == 1);
    CHECK(left(r, "weak") == before);
  }
  // The refused statement may be made again, in its old form too.
  REQUIRE(r.run("let two = infer M given { soft observe h == q nats 0.2 from weak; soft observe h == r nats 0.3 from "
                "weak; };") == 0);
  CHECK(left(r, "weak") == before);
}

TEST_CASE("identity: a source may be declared again by a later text, but not below what it has spent") {
  test::Running r;
  REQUIRE(r.run(world) == 0);
  REQUIRE(r.run("let post = infer M given { soft observe h == p nats 1.5 from weak; };") == 0);
  REQUIRE(r.run("source weak(budget: 5 nats, schedule: geometric(0.8));") == 0);
  CHECK(left(r, "weak") == 3.5);
  CHECK(r.run("source weak(budget: 1 nats, schedule: geometric(0.8));") == 1);
  CHECK(r.diagnostics.at(0).kind == DiagnosticKind::bad_strength);
  CHECK(left(r, "weak") == 3.5);
  CHECK(r.run("source twice; source twice;") == 1);
  CHECK(r.diagnostics.at(0).kind == DiagnosticKind::duplicate_source);
}
