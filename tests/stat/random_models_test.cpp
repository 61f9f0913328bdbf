// Random finite models: the language's answers against an enumeration written apart from it, on every backend; and the
// theorem.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "lang/evidence/bounds.h"
#include "runtime/session/session.h"
#include "tests/reference/random_model.h"

namespace {

using namespace hearsay;

struct Run {
  std::vector<double> values;
  std::vector<std::string> errors;
  std::vector<DiagnosticKind> kinds;
};

Run run(const std::string& script, const Settings& settings) {
  Run r;
  SessionOutput out;
  out.print = [&](const Printed& p) { r.values.push_back(p.value.array()->at(0).as_real()); };
  out.diagnostic = [&](const Diagnostic& d) {
    r.errors.push_back(d.message);
    r.kinds.push_back(d.kind);
  };
  Session session(settings, out);
  session.run_text("random", script);
  return r;
}

/// HEARSAY_MODELS sets the number of models; the suite's own run takes a part of the ten thousand that a full run does.
int models(int otherwise) {
  const char* n = std::getenv("HEARSAY_MODELS");
  return n != nullptr ? std::atoi(n) : otherwise;
}

bool close(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(b), 1e-3); }

void compare(const Settings& settings, const std::string& using_clause, std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  for (int k = 0; k < count; ++k) {
    const reference::RandomModel m = reference::random_model(random);
    const reference::Answers expected = reference::enumerate(m);
    const std::string script = m.script(using_clause);
    CAPTURE(script);
    const Run r = run(script, settings);
    if (expected.impossible) {
      REQUIRE(!r.errors.empty());
      continue;
    }
    const std::string first_error = r.errors.empty() ? "" : r.errors[0];
    CAPTURE(first_error);
    REQUIRE(r.errors.empty());
    REQUIRE(r.values.size() == expected.probabilities.size() + 1);
    for (std::size_t i = 0; i < expected.probabilities.size(); ++i) {
      CAPTURE(i);
      CAPTURE(r.values[i]);
      CAPTURE(expected.probabilities[i]);
      REQUIRE(close(r.values[i], expected.probabilities[i]));
    }
    bool jeffrey = false;
    for (const auto& s : m.evidence) jeffrey = jeffrey || s.kind == reference::Statement::Kind::jeffrey;
    // A Jeffrey statement's log-weights are fixed up to a constant, so its evidence is too.
    if (!jeffrey)
      REQUIRE(std::abs(r.values.back() - expected.log_evidence) <=
              1e-9 * std::max(1.0, std::abs(expected.log_evidence)));
  }
}

}  // namespace

TEST_CASE("random models: elimination with the reference evaluator agrees with enumeration") {
  Settings s;
  s.backend = Backend::reference;
  compare(s, "", 20261101, models(1500));
}

TEST_CASE("random models: the engine that enumerates agrees too") {
  Settings s;
  s.backend = Backend::reference;
  compare(s, "enumerate", 20261102, models(400));
}

TEST_CASE("random models: native code agrees") {
  Settings s;
  s.backend = Backend::native;
  s.jit.optimization = jit::Optimization::O0;
  compare(s, "", 20261103, models(300));
}

TEST_CASE("random models: native code that enumerates agrees") {
  Settings s;
  s.backend = Backend::native;
  s.jit.optimization = jit::Optimization::O1;
  compare(s, "enumerate", 20261104, models(100));
}

TEST_CASE("random models: every pass on equals off") {
  for (int without = 0; without < 3; ++without) {
    Settings s;
    s.backend = Backend::reference;
    s.passes.specialise = without != 0;
    s.passes.marginalise = without != 1;
    s.passes.hoist = without != 2;
    compare(s, "", 20261105, models(200));
  }
}

TEST_CASE("the theorem: no realised odds shift exceeds the charge") {
  std::mt19937_64 random(20261106);
  Settings s;
  s.backend = Backend::reference;
  double nearest = 0;
  for (int k = 0; k < models(500); ++k) {
    const reference::RandomModel m = reference::random_model(random);
    const reference::Answers expected = reference::enumerate(m);
    if (expected.impossible || expected.strengths.empty()) continue;
    const Run r = run(m.script("") + "print charged(post);\n", s);
    REQUIRE(r.errors.empty());
    const double charge = r.values.back();
    double sum = 0;
    for (const double v : expected.strengths) sum += v;
    REQUIRE(std::abs(charge - sum) <= 1e-9 * std::max(1.0, sum));
    const auto before = reference::without_soft(m);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double p = before[i], q = r.values[i];
      if (p <= 0 || p >= 1) {
        CHECK(std::abs(q - p) <= 1e-12);  // nothing possible is lost, nothing impossible gained
        continue;
      }
      const double shift = std::abs(std::log(q / (1 - q)) - std::log(p / (1 - p)));
      REQUIRE(shift <= charge + 1e-7);
      REQUIRE(std::abs(q - p) <= std::tanh(charge / 4) + 1e-9);
      if (charge > 0) nearest = std::max(nearest, shift / charge);
    }
  }
  // The bound is met where the event asked is the event claimed: it would be a poor test if no shift came near.
  CHECK(nearest > 0.9);
}

TEST_CASE("the theorem is tight: one claim about the event itself") {
  Settings s;
  s.backend = Backend::reference;
  const Run r = run(
      "model M { x ~ bernoulli(0.3); }\nsource s(budget: 2 nats, schedule: geometric(0.5));\n"
      "let post = infer M given { for i in 1..60 { soft observe x from s; } }\n;print shift(x | post), charged(post);",
      s);
  REQUIRE(r.errors.empty());
  CHECK(r.values.at(0) == doctest::Approx(2).epsilon(1e-9));
  CHECK(r.values.at(1) == doctest::Approx(2).epsilon(1e-9));
}
