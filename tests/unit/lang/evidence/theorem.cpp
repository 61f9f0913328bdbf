// The theorem of the theory as properties of random discrete measures: no model is involved. If one of these fails,
// nothing else matters.
#include <algorithm>
#include <numbers>
#include <numeric>

#include "lang/evidence/certificate.h"
#include "lang/evidence/factors.h"
#include "lang/evidence/ledger.h"
#include "lang/evidence/schedule.h"
#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using namespace hearsay::evidence::testing;

namespace {

/// P′ ∝ e^ℓ P, by its definition.
std::vector<double> tilted(const std::vector<double>& p, const std::vector<double>& log_weight) {
  std::vector<double> q(p.size());
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += q[i] = p[i] * std::exp(log_weight[i]);
  for (double& x : q) x /= sum;
  return q;
}

/// A random claim: an event of random probability under each hypothesis, the cell's log-weight by the factor of theory
/// §2.
struct Claim {
  double strength;
  std::vector<double> probability;
};

std::vector<Claim> random_claims(Random& random, std::size_t cells, std::size_t count, const Allotter& schedule) {
  std::vector<Claim> claims(count);
  for (std::size_t i = 0; i < count; ++i) {
    claims[i].strength = schedule.strength(i + 1).value() * (random() % 2 ? 1 : -1);
    for (std::size_t c = 0; c < cells; ++c) {
      const double u = uniform(random, 0, 1);
      claims[i].probability.push_back(random() % 4 == 0 ? std::round(u) : u);  // certain and impossible ones, too
    }
  }
  return claims;
}

std::vector<double> total_weight(const std::vector<Claim>& claims, std::size_t cells) {
  std::vector<double> weight(cells, 0.0);
  for (const Claim& claim : claims) {
    for (std::size_t c = 0; c < cells; ++c) weight[c] += soft_event(claim.strength, claim.probability[c]);
  }
  return weight;
}

}  // namespace

TEST_CASE("no event's odds, no distance and no divergence moves further than what was charged") {
  Random random(21);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t cells = 2 + random() % 6;
    const double budget = std::exp(uniform(random, -4, 2.5));
    const std::vector<Schedule> schedules = {Spread{40}, Geometric{uniform(random, 0.3, 0.99)},
                                             Power{uniform(random, 1.1, 4)}, UntilSpent{Nats::of(budget / 7.5)}};
    const auto schedule = Allotter::make(schedules[random() % schedules.size()], Nats::of(budget));
    REQUIRE(schedule);
    const auto claims = random_claims(random, cells, 40, *schedule);
    const auto before = random_distribution(random, cells);
    const auto weight = total_weight(claims, cells);
    const auto after = tilted(before, weight);

    EvidenceLedger ledger;
    const auto source = ledger.declare_source({"teacher", Nats::of(budget), std::nullopt, {}});
    REQUIRE(source);
    for (std::size_t i = 0; i < claims.size(); ++i) {
      ClaimRun run;
      run.source = *source;
      run.site = static_cast<hearsay::evidence::SiteId>(i);
      run.strengths = UniformStrength{Nats::of(claims[i].strength)};
      REQUIRE(ledger.charge(run));
    }
    const double charged = ledger.spent(*source).value();
    CHECK(charged <= budget * (1 + 1e-12));
    CHECK(oscillation(weight).value() <= charged + 1e-12);  // osc is a seminorm: charges add

    Certificate certificate = ledger.certificate(*source);
    certificate.realised = compare(before, after);
    REQUIRE(certificate.realised);
    // Every event A under every condition C: subsets of the cells.
    for (std::size_t condition = 1; condition < (std::size_t{1} << cells); ++condition) {
      const std::size_t event = random();
      double in0 = 0, out0 = 0, in1 = 0, out1 = 0;
      for (std::size_t c = 0; c < cells; ++c) {
        if (!(condition >> c & 1)) continue;
        (event >> c & 1 ? in0 : out0) += before[c];
        (event >> c & 1 ? in1 : out1) += after[c];
      }
      if (in0 == 0 || out0 == 0) continue;
      const double shift = log_odds_shift(in0, out0, in1, out1).value();
      CHECK(std::fabs(shift) <= charged + 1e-9);
      certificate.queries.push_back({"A given C", in0 / (in0 + out0), in1 / (in1 + out1)});
      const ProbabilityRange range = certificate.range(certificate.queries.back());
      CHECK(in1 / (in1 + out1) >= range.low - 1e-12);
      CHECK(in1 / (in1 + out1) <= range.high + 1e-12);
    }
    CHECK(certificate.holds());
    CHECK(certificate.realised->total_variation <= total_variation_bound(Nats::of(charged)) + 1e-12);
    CHECK(certificate.realised->divergence.value() <= divergence_bound(Nats::of(charged)).value() + 1e-12);

    // Stopping after n claims leaves at most the tail (§5.4).
    const std::size_t n = random() % 40;
    const auto early =
        tilted(before, total_weight({claims.begin(), claims.begin() + static_cast<std::ptrdiff_t>(n)}, cells));
    const auto rest = compare(early, after);
    REQUIRE(rest);
    const Nats tail = schedule->tail(n);
    CHECK(rest->size.value() <= tail.value() + 1e-9);
    CHECK(rest->total_variation <= total_variation_bound(tail) + 1e-12);
  }
}

TEST_CASE("the order of claims does not matter") {
  Random random(22);
  const auto schedule = Allotter::make(Geometric{0.8}, Nats::of(3));
  auto claims = random_claims(random, 4, 30, *schedule);
  const auto before = total_weight(claims, 4);
  std::shuffle(claims.begin(), claims.end(), random);
  const auto after = total_weight(claims, 4);
  for (std::size_t c = 0; c < 4; ++c) CHECK(near(before[c], after[c], 1e-13));
}

TEST_CASE("the bounds are reached in the two-point case") {
  for (const double b : {1e-3, 0.1, 1.0, 3.0, 12.0}) {
    const Nats charge = Nats::of(b);
    // Odds: the claimed event itself.
    const double p = 0.3;
    const auto moved = tilted({p, 1 - p}, {b, 0});
    CHECK(near(log_odds_shift(p, 1 - p, moved[0], moved[1]).value(), b, 1e-9));
    CHECK(near(moved[0], probability_range(p, charge).high, 1e-14));
    CHECK(near(tilted({p, 1 - p}, {-b, 0})[0], probability_range(p, charge).low, 1e-14));
    // Total variation and the sum of the divergences: prior odds e^{−B/2}.
    const double q = 1 / (1 + std::exp(b / 2));
    const auto change = compare(std::vector<double>{q, 1 - q}, tilted({q, 1 - q}, {b, 0}));
    REQUIRE(change);
    CHECK(near(change->total_variation, total_variation_bound(charge), 1e-9));
    CHECK(near((change->divergence + change->reverse_divergence).value(), divergence_sum_bound(charge).value(), 1e-9));
    CHECK(near(change->size.value(), b, 1e-9));
  }
}

TEST_CASE("the divergence bound has the right constant: it is approached as the charge goes to 0") {
  const double b = 1e-3;
  const auto change = compare(std::vector<double>{0.5, 0.5}, tilted({0.5, 0.5}, {b, 0}));
  REQUIRE(change);
  CHECK(near(change->divergence.value(), divergence_bound(Nats::of(b)).value(), 1e-3));
  CHECK(divergence_bound(Nats::of(100)).value() == 100);
}

TEST_CASE("a certificate that does not hold says what broke it") {
  Certificate c{"weak", Nats::of(0.5), Nats::of(3), {{"A", 0.5, 0.6}}, std::nullopt};
  CHECK(c.holds());
  CHECK(c.check());
  c.queries.push_back({"B", 0.5, 0.9});
  const auto violation = c.first_violation();
  REQUIRE(violation);
  CHECK(violation->what == "B");
  CHECK(near(violation->realised, std::log(9), 1e-14));
  CHECK(c.check().error().kind == DiagnosticKind::certificate_violated);
  c.queries.back().after = probability_range(0.5, Nats::of(0.5 + 1e-8)).high;
  CHECK(!c.holds());
  c.queries.back().after = probability_range(0.5, Nats::of(0.5 + 1e-10)).high;
  CHECK(c.holds());  // rounding
  c.queries.pop_back();
  c.charged = Nats::of(3.1);
  CHECK(!c.holds());  // more than the budget
  c.charged = Nats::of(0.5);
  c.realised = compare(std::vector<double>{0.5, 0.5}, std::vector<double>{1, 0});
  CHECK(!c.holds());  // soft evidence made something certain
  c.realised.reset();
  c.queries = {{"A", std::nan(""), 0.5}};
  CHECK(!c.holds());
}

TEST_CASE("distances are exact for small changes and say infinite where they are") {
  const std::vector<double> p = {0.25, 0.75};
  const double d = 1e-9;
  const auto small = compare(p, std::vector<double>{0.25 + d, 0.75 - d});
  REQUIRE(small);
  const double expected = d * d / 2 * (1 / 0.25 + 1 / 0.75);
  CHECK(near(small->divergence.value(), expected, 1e-6));
  CHECK(near(small->reverse_divergence.value(), expected, 1e-6));
  CHECK(near(small->total_variation, d, 1e-6));
  const auto lost = compare(p, std::vector<double>{0, 1});
  CHECK(lost->size.value() == HUGE_VAL);
  CHECK(lost->reverse_divergence.value() == HUGE_VAL);
  CHECK(near(lost->divergence.value(), std::log(4.0 / 3), 1e-14));
  const auto zeros = compare(std::vector<double>{0.5, 0, 0.5}, std::vector<double>{0.5, 0, 0.5});
  CHECK(zeros->size.value() == 0);
  CHECK(zeros->divergence.value() == 0);
  CHECK(!compare(p, std::vector<double>{0.5, 0.6}));
  CHECK(!compare(p, std::vector<double>{1}));
  CHECK(!compare(p, std::vector<double>{std::nan(""), 1}));
  CHECK(log_odds_shift(0, 0).value() == 0);
  CHECK(log_odds_shift(1, 1).value() == 0);
  CHECK(log_odds_shift(0, 1).value() == HUGE_VAL);
  CHECK(log_odds_shift(1, 0).value() == -HUGE_VAL);
}

TEST_CASE("the ceilings of the reference table") {
  // shared reference: essay_claims.json, budget_ceiling (derived there from the definition).
  struct Row {
    double b, prior, high, low;
  };
  for (const Row& r : {Row{0.6931471805599453, 0.5, 0.6666666666666666, 0.3333333333333333},
                       Row{0.6931471805599453, 0.02, 0.0392156862745098, 0.010101010101010102},
                       Row{1.0, 0.001, 0.0027136190661283567, 0.0003681121324182982},
                       Row{2.0, 0.02, 0.1310370594954998, 0.002754337229134259},
                       Row{2.1972245773362196, 0.5, 0.9, 0.09999999999999998}}) {
    const ProbabilityRange range = probability_range(r.prior, Nats::of(r.b));
    CHECK(near(range.high, r.high, 1e-12));
    CHECK(near(range.low, r.low, 1e-12));
  }
  CHECK(probability_range(0, Nats::of(5)).high == 0);
  CHECK(probability_range(1, Nats::of(5)).low == 1);
  CHECK(probability_range(0.5, Nats::of(1e6)).high == 1);
  CHECK(probability_range(0.5, Nats::of(1e6)).low == 0);
}

TEST_CASE("a map that is not quite faithful misdirects at most so much") {
  CHECK(map_mismatch_bound(std::vector<double>{0, 0}, Nats::of(3)).value() == 0);
  const double expected = std::log(1 + 0.1 * (std::exp(3) - 1)) + std::log(1 + 0.2 * (std::exp(3) - 1));
  CHECK(near(map_mismatch_bound(std::vector<double>{0.1, 0.2}, Nats::of(3)).value(), expected, 1e-14));
  CHECK(near(map_mismatch_bound(std::vector<double>{1}, Nats::of(3)).value(), 3, 1e-15));
}

TEST_CASE("bounded loss: mistakes are few when some hypothesis foresees every claim") {
  CHECK(near(bounded_loss_count(0.01, Nats::from_odds(2)), std::log(100) / std::log(4.0 / 3), 1e-14));
  CHECK(bounded_loss_count(0.01, Nats::of(0)) == HUGE_VAL);
  CHECK(bounded_loss_count(0, Nats::of(1)) == HUGE_VAL);
  CHECK(bounded_loss_count(1, Nats::of(1)) == 0);
  // The property itself: a wrong majority of hypotheses that call each claim at random, one that is always right.
  Random random(23);
  for (int round = 0; round < 50; ++round) {
    const double odds = uniform(random, 1.2, 8);
    const std::size_t others = 20;
    std::vector<double> weight(others + 1, 1.0);
    int mistakes = 0;
    for (int t = 0; t < 400; ++t) {
      std::vector<double> p(others + 1, 1.0);
      for (std::size_t h = 0; h < others; ++h) p[h] = random() % 4 == 0 ? 0.9 : 0.05;
      const double all = std::accumulate(weight.begin(), weight.end(), 0.0);
      double claim = 0;
      for (std::size_t h = 0; h <= others; ++h) claim += weight[h] * p[h] / all;
      if (claim <= 0.5) ++mistakes;
      for (std::size_t h = 0; h <= others; ++h) weight[h] *= (1 + (odds - 1) * p[h]) / odds;
    }
    CHECK(mistakes <= bounded_loss_count(1.0 / (others + 1), Nats::from_odds(odds)));
  }
}
