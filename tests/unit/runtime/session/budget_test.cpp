// Budgets: proved before anything runs where the counts are known, enforced during the run where they are not.
#include "tests/unit/runtime/session/running.h"

using namespace hearsay;

namespace {

const std::string world = R"(
  tokens T = {a, b};
  model M emits T { h ~ bernoulli(0.2); emit ~ if h then categorical({a: 0.7, b: 0.3}) else categorical({a: 0.4, b: 0.6}); }
  model W emits T { g ~ bernoulli(0.3); emit ~ if g then point(a) else categorical({a: 0.5, b: 0.5}); }
)";

/// Kinds of what a check (nothing is run) finds.
std::vector<DiagnosticKind> checked(const std::string& text) {
  std::vector<DiagnosticKind> found;
  SessionOutput output;
  output.diagnostic = [&](const Diagnostic& d) { found.push_back(d.kind); };
  Session session({}, output);
  session.check_text("checked", world + text);
  return found;
}

using Kinds = std::vector<DiagnosticKind>;

}  // namespace

TEST_CASE("budgets: proved by a check, without running") {
  CHECK(checked("let p = infer M given { source s(budget: 1 nats); for i in 1..10 { soft observe emit[i] == a nats 0.1 "
                "from s; } };") == Kinds{});
  CHECK(checked("let p = infer M given { source s(budget: 1 nats); for i in 1..11 { soft observe emit[i] == a nats 0.1 "
                "from s; } };") == Kinds{DiagnosticKind::over_budget});
  // A source that several posteriors share has one budget for all of them.
  const std::string shared = "source s(budget: 1 nats);";
  CHECK(checked(shared + "let p = infer M given { soft observe h nats 0.6 from s; }; let q = infer M given { soft "
                         "observe h nats 0.6 from s; };") == Kinds{DiagnosticKind::over_budget});
  CHECK(checked(shared + "let p = infer M given { soft observe h nats 0.6 from s; }; let q = infer M given { soft "
                         "observe h nats 0.4 from s; };") == Kinds{});
  CHECK(checked("source s(budget: 1 nats, schedule: geometric(1));") == Kinds{DiagnosticKind::bad_schedule});
  CHECK(checked("let p = infer M given { soft observe h odds -2; };") == Kinds{DiagnosticKind::bad_odds});
}

TEST_CASE("budgets: what depends on an answer or on data is left to the run") {
  // The strength of a target is known only once the probability is.
  const std::string target = "let p = infer M given { source s(budget: 1 nats); soft observe h to 0.5 from s; };";
  CHECK(checked(target) == Kinds{});
  test::Running r;
  CHECK(r.run(world + target) == 1);  // from 0.2 to 0.5: ln 4 nats
  REQUIRE(r.diagnostics.size() == 1);
  CHECK(r.diagnostics[0].kind == DiagnosticKind::over_budget);
  CHECK(r.diagnostics[0].message == "this statement costs 1.38629 nats, but `s` has only 1 of its 1 nats left");
  CHECK(r.session().sources().text(r.diagnostics[0].primary) == "soft observe h to 0.5 from s;");
  // As many claims as a draw happens to have heads.
  const std::string drawn =
      "let l = draw(W, 400, each: fresh); let n = sum(l == a);"
      "let p = infer M given { source s(budget: 0.5 nats); for i in 1..n { soft observe emit[i] == a nats 0.01 from s; "
      "} };";
  CHECK(checked(drawn) == Kinds{});
  CHECK(r.run(world + drawn) == 1);
  REQUIRE(r.diagnostics.size() == 1);
  CHECK(r.diagnostics[0].kind == DiagnosticKind::over_budget);
  // A strength that is an answer.
  const std::string answer =
      "let q = infer M given { source s(budget: 0.1 nats); soft observe h nats P(g | W) from s; };";
  CHECK(checked(answer) == Kinds{});
  CHECK(r.run(world + answer) == 1);
  CHECK(r.diagnostics.at(0).kind == DiagnosticKind::over_budget);
}

TEST_CASE("budgets: a check that fails leaves no trace in the books of a session") {
  test::Running r;
  REQUIRE(r.run(world + "source s(budget: 1 nats);") == 0);
  // The syntax error means that nothing is run; what was understood is still proved.
  CHECK(r.run("let p = infer M given { soft observe h nats 0.6 from s; }; let") > 0);
  const nlohmann::json j = r.json("print ledger(infer M given { soft observe h nats 0.1 from s; });");
  CHECK(j["sources"][0]["left"].get<double>() == 0.9);
}

TEST_CASE("explain: engines, what is summed out, what is computed from data, budgets, and what teach is short for") {
  test::Running r;
  r.session().set_explain(true);
  REQUIRE(r.run(world + R"(
    model C emits T { t ~ beta(1, 1); emit ~ categorical({a: t, b: 1 - t}); }
    source shared(budget: 3 nats, schedule: geometric(0.9));
    let p = teach C from W { budget 2 nats; schedule geometric(0.9); labels 500; };
    let q = infer M given { soft observe h to 0.5 from shared; for i in 1..3 { soft observe emit[i] == a from shared share 0.5; } factor 0.1; };
  )") == 0);
  REQUIRE(r.notes.size() == 3);
  CHECK(r.notes[0].find("soft observe emit[i] == W_labels[i] from W;") != std::string::npos);
  for (const char* part :
       {"engine quadrature: t is left", "summed out element by element: emit[1..500]",
        "500 rows become 2 (sufficient statistics)",
        "source W: 500 claims, schedule geometric, 2 nats charged of a budget of 2: proved before inference"}) {
    CAPTURE(r.notes[1]);
    CHECK(r.notes[1].find(part) != std::string::npos);
  }
  for (const char* part :
       {"engine exact: every latent is finite", "by variable elimination: h", "products an elimination",
        "1 claim set a probability", "the others were proved before", "unaccounted: factor"}) {
    CAPTURE(r.notes[2]);
    CHECK(r.notes[2].find(part) != std::string::npos);
  }
}
