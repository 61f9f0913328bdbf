#include "lang/evidence/jeffrey.h"

#include "lang/evidence/ipfp.h"
#include "lang/evidence/realised.h"
#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using namespace hearsay::evidence::testing;

TEST_CASE("Jeffrey's strength is the ratio of odds, and restating it changes nothing") {
  CHECK(near(jeffrey_strength(0.5, 0.8)->odds(), 4, 1e-14));
  CHECK(near(jeffrey_strength(0.2, 0.8)->odds(), 16, 1e-14));
  Random random(31);
  for (int i = 0; i < 1000; ++i) {
    const double p = uniform(random, 0, 1);
    const double q = uniform(random, 0, 1);
    const double s = jeffrey_strength(p, q)->value();
    const double reached = p * std::exp(s) / (1 - p + p * std::exp(s));
    CHECK(near(reached, q, 1e-12));
    CHECK(std::fabs(jeffrey_strength(reached, q)->value()) <= 1e-12 / (q * (1 - q)));
  }
}

TEST_CASE("Jeffrey refuses certainty, as a target and as a start") {
  for (const double q : {0.0, 1.0}) {
    CHECK(jeffrey_strength(0.5, q).error().kind == DiagnosticKind::hard_target);
    CHECK(jeffrey_strength(0.5, q).error().help.find("observe") != std::string::npos);
    CHECK(jeffrey_strength(q, 0.5).error().kind == DiagnosticKind::unreachable_target);
  }
  for (const double q : {-0.1, 1.1, std::nan("")}) {
    CHECK(jeffrey_strength(0.5, q).error().kind == DiagnosticKind::bad_target);
  }
  CHECK(jeffrey_strength(std::nan(""), 0.5).error().kind == DiagnosticKind::unreachable_target);
}

TEST_CASE("Jeffrey on a partition reaches the target and is idempotent") {
  Random random(32);
  for (int i = 0; i < 200; ++i) {
    const std::size_t cells = 2 + random() % 5;
    const auto p = random_distribution(random, cells);
    const auto q = random_distribution(random, cells);
    const auto r = jeffrey_partition(p, q);
    REQUIRE(r);
    for (std::size_t c = 0; c < cells; ++c) CHECK(near(p[c] * std::exp(r->log_weights[c]), q[c], 1e-13));
    CHECK(near(r->strength.value(), compare(p, q)->size.value(), 1e-12));
    CHECK(jeffrey_partition(q, q)->strength.value() == 0);
  }
  using V = std::vector<double>;
  CHECK(jeffrey_partition(V{0.5, 0.5, 0}, V{0.2, 0.8, 0})->log_weights[2] == 0);
  CHECK(jeffrey_partition(V{0.5, 0.5}, V{0, 1}).error().kind == DiagnosticKind::hard_target);
  CHECK(jeffrey_partition(V{1, 0}, V{0.5, 0.5}).error().kind == DiagnosticKind::unreachable_target);
  CHECK(jeffrey_partition(V{0.5, 0.5}, V{0.5, 0.6}).error().kind == DiagnosticKind::bad_target);
  CHECK(jeffrey_partition(V{0.5, 0.5}, V{0.2, 0.3, 0.5}).error().kind == DiagnosticKind::bad_target);
  CHECK(jeffrey_partition(V{0.5, 0.5}, V{std::nan(""), 0.5}).error().kind == DiagnosticKind::bad_target);
}

TEST_CASE("joint targets: the worked case") {
  // shared reference: essay_claims.json, ipfp; the limit is (7 − √7)/10 by solving the quadratic.
  using V = std::vector<double>;
  const auto fit = fit_jointly(V{0.4, 0.1, 0.2, 0.3}, std::vector<V>{{0.7, 0.3}, {0.5, 0.5}});
  REQUIRE(fit);
  CHECK(near(fit->fitted[0], (7 - std::sqrt(7)) / 10, 1e-12));
  CHECK(near(fit->size.value(), 2.103443071798381, 1e-11));
  CHECK(near(fit->divergence.value(), 0.16430268156457906, 1e-11));
  CHECK(fit->residual <= 1e-12);
}

TEST_CASE("joint targets: one target is Jeffrey, met targets change nothing, their order is irrelevant") {
  Random random(33);
  using V = std::vector<double>;
  for (int round = 0; round < 100; ++round) {
    const auto joint = random_distribution(random, 6);
    const auto rows = random_distribution(random, 2);
    const auto columns = random_distribution(random, 3);
    const auto fit = fit_jointly(joint, std::vector<V>{rows, columns});
    REQUIRE(fit);
    CHECK(near(fit->fitted[0] + fit->fitted[1] + fit->fitted[2], rows[0], 0, 1e-11));
    CHECK(near(fit->fitted[1] + fit->fitted[4], columns[1], 0, 1e-11));
    // The I-projection: what it changed is a sum of one function of the row and one of the column, so odds ratios are
    // kept.
    const double odds_before = std::log(joint[0] * joint[4] / (joint[1] * joint[3]));
    const double odds_after = std::log(fit->fitted[0] * fit->fitted[4] / (fit->fitted[1] * fit->fitted[3]));
    CHECK(near(odds_before, odds_after, 0, 1e-8));
    CHECK(near(fit->size.value(), compare(joint, fit->fitted)->size.value(), 1e-7));
    CHECK(near(fit->divergence.value(), compare(joint, fit->fitted)->divergence.value(), 1e-8, 1e-10));
    const V transposed = {joint[0], joint[3], joint[1], joint[4], joint[2], joint[5]};
    const auto other = fit_jointly(transposed, std::vector<V>{columns, rows});
    REQUIRE(other);
    CHECK(near(other->fitted[1], fit->fitted[3], 0, 1e-10));
    const auto again = fit_jointly(fit->fitted, std::vector<V>{rows, columns});
    REQUIRE(again);
    CHECK(again->size.value() <= 1e-4);  // rows of probability e^−12 feel a residual of 1e−12
    CHECK(again->divergence.value() <= 1e-9);
  }
  const auto alone = fit_jointly(V{0.2, 0.5, 0.3}, std::vector<V>{{0.5, 0.25, 0.25}});
  REQUIRE(alone);
  CHECK(near(alone->size.value(), jeffrey_partition(V{0.2, 0.5, 0.3}, V{0.5, 0.25, 0.25})->strength.value(), 1e-13));
}

TEST_CASE("joint targets near the edge of what is possible: sweeps creep there, the answer is as good") {
  using V = std::vector<double>;
  // b, and a with b: the second implies the first, so three cells are possible and the targets say all of them.
  const V joint{0.27, 0.14, 0, 0.59};
  for (const double rest : {1e-2, 1e-4, 1e-6, 1e-8}) {
    const auto fit = fit_jointly(joint, std::vector<V>{{0.5 + rest, 0.5 - rest}, {0.5, 0.5}});
    REQUIRE(fit);
    CHECK(near(fit->fitted[1], rest, 0, 2e-12));
    CHECK(near(fit->size.value(), std::log(0.5 / 0.27) - std::log(rest / 0.14), 0, 3e-12 / rest));
  }
  CHECK(!fit_jointly(joint, std::vector<V>{{0.5, 0.5}, {0.5, 0.5}}));
  // a, b, and both: what is on the edge is named, not what is merely near it
  const auto r = fit_jointly(V{0.27, 0, 0, 0.03, 0, 0.14, 0, 0.56},
                             std::vector<V>{{0.5, 0.5}, {0.5 + 1e-7, 0.5 - 1e-7}, {0.5, 0.5}});
  REQUIRE(!r);
  CHECK(r.error().message.find("number 1, 3") != std::string::npos);
}

TEST_CASE("targets that contradict each other are named") {
  using V = std::vector<double>;
  // A implies B (no mass on A without B), so P(A) ≤ P(B); C is independent and innocent.
  V joint;
  for (const double c : {0.5, 0.5}) {
    for (const double x : {0.3, 0.0, 0.3, 0.4}) joint.push_back(x * c);
  }
  const auto r = fit_jointly(joint, std::vector<V>{{0.6, 0.4}, {0.8, 0.2}, {0.4, 0.6}});
  REQUIRE(!r);
  CHECK(r.error().kind == DiagnosticKind::contradictory_targets);
  CHECK(r.error().message.find("number 2, 3") != std::string::npos);
  // On the edge, P(A) = P(B): only an infinite strength reaches it.
  CHECK(!fit_jointly(joint, std::vector<V>{{0.6, 0.4}, {0.5, 0.5}, {0.5, 0.5}}));
  CHECK(fit_jointly(joint, std::vector<V>{{0.6, 0.4}, {0.4, 0.6}, {0.8, 0.2}}));

  const auto impossible = fit_jointly(V{0.5, 0, 0.5, 0}, std::vector<V>{{0.5, 0.5}, {0.9, 0.1}});
  REQUIRE(!impossible);
  CHECK(impossible.error().kind == DiagnosticKind::unreachable_target);
  CHECK(impossible.error().message.find("target 2") != std::string::npos);
  CHECK(!fit_jointly(V{0.5, 0.5}, std::vector<V>{{0.5, 0.5}, {0.9, 0.1}}));
  CHECK(!fit_jointly(V{0.5, std::nan("")}, std::vector<V>{{0.5, 0.5}}));
}
