#include "lang/evidence/ledger.h"

#include <limits>
#include <numbers>

#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using evidence::testing::near;
using evidence::testing::Random;
using evidence::testing::uniform;

namespace {

SiteId site(std::uint32_t n) { return static_cast<SiteId>(n); }

ClaimRun uniform_run(SourceId source, std::uint32_t at, std::uint64_t first, std::uint64_t count, double strength) {
  ClaimRun run;
  run.source = source;
  run.site = site(at);
  run.first_index = first;
  run.count = count;
  run.strengths = UniformStrength{Nats::of(strength)};
  return run;
}

SourceId source_of(EvidenceLedger& ledger, std::optional<double> budget, const char* name = "weak") {
  auto id = ledger.declare_source({name, budget ? std::optional(Nats::of(*budget)) : std::nullopt, std::nullopt, {}});
  REQUIRE(id);
  return *id;
}

}  // namespace

TEST_CASE("a statement is charged whole or refused whole") {
  EvidenceLedger ledger;
  const SourceId weak = source_of(ledger, 3);
  CHECK(near(ledger.charge(uniform_run(weak, 1, 1, 4, 0.5))->value(), 1, 1e-15));
  const auto refused = ledger.charge(uniform_run(weak, 2, 1, 3, 0.5), {FileId{}, 5, 9});
  REQUIRE(!refused);
  CHECK(refused.error().kind == DiagnosticKind::over_budget);
  CHECK(refused.error().primary.begin == 5);
  CHECK(refused.error().message.find("1.5 nats") != std::string::npos);
  CHECK(refused.error().message.find("only 1 of its 3 nats") != std::string::npos);
  CHECK(refused.error().help.find("3.5 nats") != std::string::npos);
  CHECK(near(ledger.spent(weak).value(), 2, 1e-15));
  CHECK(ledger.charges().size() == 1);
  CHECK(ledger.charge(uniform_run(weak, 3, 1, 2, -0.5)));  // speaking against an event costs the same
  CHECK(near(ledger.left(weak)->value(), 0, 0, 1e-15));
  CHECK(ledger.charge(uniform_run(weak, 4, 1, 1000, 0)));  // strength 0 is legal and free
  CHECK(!ledger.charge(uniform_run(weak, 5, 1, 1, 1e-6)));
}

TEST_CASE("a strength that is not finite is refused and changes nothing") {
  EvidenceLedger ledger;
  const SourceId weak = source_of(ledger, std::nullopt);
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    CHECK(ledger.charge(uniform_run(weak, 1, 1, 2, bad)).error().kind == DiagnosticKind::bad_charge);
    ClaimRun listed = uniform_run(weak, 1, 1, 3, 0);
    listed.strengths = ListedStrengths{std::make_shared<const std::vector<double>>(std::vector<double>{1, bad, 2}), 0};
    CHECK(ledger.charge(listed).error().kind == DiagnosticKind::bad_charge);
  }
  CHECK(ledger.spent(weak).value() == 0);
  CHECK(ledger.charges().empty());
}

TEST_CASE("submitting a claim again replaces it, for the budget too") {
  EvidenceLedger ledger;
  const SourceId weak = source_of(ledger, 3);
  REQUIRE(ledger.charge(uniform_run(weak, 1, 1, 2, 1)));
  for (int i = 0; i < 5; ++i) CHECK(ledger.charge(uniform_run(weak, 1, 1, 2, 1.25)));
  CHECK(near(ledger.spent(weak).value(), 2.5, 1e-15));
  CHECK(ledger.charges().size() == 1);
  CHECK(!ledger.charge(uniform_run(weak, 1, 1, 2, 1.75)));  // refused: the old claims stand
  CHECK(near(ledger.spent(weak).value(), 2.5, 1e-15));
  CHECK(ledger.charge(uniform_run(weak, 1, 2, 3, 0.5)));  // claims 2, 3, 4: the old claim 1 stays
  CHECK(near(ledger.spent(weak).value(), 1.25 + 1.5, 1e-15));
  CHECK(ledger.charges().size() == 2);
  ledger.withdraw(std::array{site(1)});
  CHECK(near(ledger.spent(weak).value(), 0, 0, 1e-15));
}

TEST_CASE("any sequence of overlapping runs costs what the surviving claims cost") {
  Random random(41);
  for (int round = 0; round < 100; ++round) {
    EvidenceLedger ledger;
    const SourceId a = source_of(ledger, std::nullopt, "a");
    const SourceId b = source_of(ledger, std::nullopt, "b");
    const auto schedule = std::make_shared<const Allotter>(*Allotter::make(Geometric{0.9}, Nats::of(2)));
    std::vector<double> cost(60, 0.0);
    std::vector<SourceId> owner(60, a);
    for (int step = 0; step < 30; ++step) {
      const std::uint64_t first = 1 + random() % 40;
      const std::uint64_t count = random() % 20;
      ClaimRun run = uniform_run(random() % 2 ? a : b, 7, first, count, uniform(random, -1, 1));
      const auto list = std::make_shared<std::vector<double>>();
      if (step % 3 == 1) {
        for (std::uint64_t k = 0; k < count + 2; ++k) list->push_back(uniform(random, -1, 1));
        run.strengths = ListedStrengths{list, 2};
      } else if (step % 3 == 2) {
        run.allotter = schedule;
        run.first_ordinal = 1 + random() % 30;
        run.strengths = Allotments{step % 2 ? 1 : 0.25};
      }
      REQUIRE(ledger.charge(run));
      for (std::uint64_t k = 0; k < count; ++k) {
        owner[first + k] = run.source;
        if (const auto* same = std::get_if<UniformStrength>(&run.strengths))
          cost[first + k] = std::fabs(same->strength.value());
        if (std::holds_alternative<ListedStrengths>(run.strengths)) cost[first + k] = std::fabs((*list)[2 + k]);
        if (const auto* part = std::get_if<Allotments>(&run.strengths))
          cost[first + k] = part->share * schedule->strength(run.first_ordinal + k).value();
      }
    }
    double of_a = 0;
    double of_b = 0;
    for (std::size_t i = 0; i < cost.size(); ++i) (owner[i] == a ? of_a : of_b) += cost[i];
    CHECK(near(ledger.spent(a).value(), of_a, 1e-12, 1e-13));
    CHECK(near(ledger.spent(b).value(), of_b, 1e-12, 1e-13));
    CHECK(near(ledger.total().value(), of_a + of_b, 1e-12));
    double rows = 0;
    for (const Charge& c : ledger.charges()) rows += c.charged.value();
    CHECK(near(rows, of_a + of_b, 1e-12));
  }
}

TEST_CASE("ten million scheduled claims are one row, and a repeated statement keeps its ordinals") {
  EvidenceLedger ledger;
  const auto id = ledger.declare_source({"weak", Nats::of(3), Geometric{0.999999}, {}});
  REQUIRE(id);
  const auto schedule = std::make_shared<const Allotter>(*Allotter::make(Geometric{0.999999}, Nats::of(3)));
  ClaimRun run;
  run.source = *id;
  run.site = site(1);
  run.count = 10'000'000;
  run.allotter = schedule;
  run.first_ordinal = ledger.first_ordinal(*id, run.count);
  run.strengths = Allotments{};
  CHECK(run.first_ordinal == 1);
  REQUIRE(ledger.charge(run));
  REQUIRE(ledger.charges().size() == 1);
  CHECK(near(ledger.charges()[0].charged.value(), 3 * -std::expm1(1e7 * std::log(0.999999)), 1e-14));
  CHECK(near(ledger.charges()[0].largest.value(), 3e-6, 1e-9));
  CHECK(ledger.first_ordinal(*id, 1) == 10'000'001);
  CHECK(ledger.sources()[0].claims == 10'000'000);
}

TEST_CASE("a share spends only part of an allotment") {
  EvidenceLedger ledger;
  const SourceId weak = source_of(ledger, 3);
  const auto schedule = std::make_shared<const Allotter>(*Allotter::make(Geometric{0.5}, Nats::of(3)));
  ClaimRun run = uniform_run(weak, 1, 1, 2, 0);
  run.allotter = schedule;
  run.first_ordinal = 1;
  run.strengths = ListedStrengths{std::make_shared<const std::vector<double>>(std::vector<double>{0.75, 0}), 0};
  REQUIRE(ledger.charge(run));
  const Charge c = ledger.charges()[0];
  CHECK(near(c.allotted.value(), 2.25, 1e-14));
  CHECK(near(c.charged.value(), 0.75, 1e-15));
}

TEST_CASE("a schedule that sums to the budget is never refused for rounding") {
  const double budget = 3;
  for (const std::uint64_t n : {3U, 7U, 1000U, 100000U}) {
    EvidenceLedger ledger;
    const SourceId weak = source_of(ledger, budget);
    const auto spread = Allotter::make(Spread{n}, Nats::of(budget));
    for (std::uint64_t i = 1; i <= n; ++i) {
      REQUIRE(ledger.charge(uniform_run(weak, 1, i, 1, spread->strength(i).value())));
    }
    CHECK(!ledger.charge(uniform_run(weak, 2, 1, 1, 1e-9)));
  }
}

TEST_CASE("sources: declared once, with terms that make sense") {
  EvidenceLedger ledger;
  const SourceId weak = source_of(ledger, 3);
  CHECK(ledger.find_source("weak") == weak);
  CHECK(!ledger.find_source("strong"));
  CHECK(ledger.declare_source({"weak", {}, {}, {}}).error().kind == DiagnosticKind::duplicate_source);
  CHECK(ledger.declare_source({"x", Nats::of(-1), {}, {}}).error().kind == DiagnosticKind::bad_budget);
  CHECK(ledger.declare_source({"x", Nats::of(1), Fixed{Nats::of(1)}, {}}).error().kind ==
        DiagnosticKind::fixed_with_budget);
  const SourceId books = source_of(ledger, std::nullopt, "books");
  REQUIRE(ledger.charge(uniform_run(books, 1, 1, 1000, 5)));
  CHECK(!ledger.left(books));
  CHECK(!ledger.certificate().budget);  // one source without a limit: no limit
  CHECK(ledger.certificate(weak).budget == Nats::of(3));
  CHECK(near(ledger.certificate().charged.value(), 5000, 1e-15));
  ledger.note_unaccounted(site(9), "factor -x^2");
  ledger.note_unaccounted(site(9), "factor -x^4");
  REQUIRE(ledger.unaccounted().size() == 1);
  CHECK(ledger.unaccounted()[0].what == "factor -x^4");
}

TEST_CASE("books are merged once, whatever was shared before") {
  EvidenceLedger shared;
  const SourceId weak = source_of(shared, 3);
  REQUIRE(shared.charge(uniform_run(weak, 1, 1, 1, 1)));
  EvidenceLedger first = shared;
  EvidenceLedger second = shared;
  REQUIRE(first.charge(uniform_run(weak, 2, 1, 1, 1)));
  const SourceId own = source_of(second, std::nullopt, "own");
  REQUIRE(second.charge(uniform_run(own, 3, 1, 1, 7)));
  REQUIRE(second.charge(uniform_run(weak, 4, 1, 1, 1.5)));
  REQUIRE(shared.merge(first));
  CHECK(near(shared.spent(weak).value(), 2, 1e-15));
  const auto too_much = shared.merge(second);
  CHECK(too_much.error().kind == DiagnosticKind::over_budget);
  CHECK(near(shared.spent(weak).value(), 2, 1e-15));
  CHECK(!shared.find_source("own"));  // nothing of it was taken
  REQUIRE(shared.merge(first));
  CHECK(near(shared.spent(weak).value(), 2, 1e-15));
  second.withdraw(std::array{site(4)});
  REQUIRE(shared.merge(second));
  CHECK(near(shared.total().value(), 9, 1e-15));
  // Claims that change places within the budget: no half-way sum may refuse them.
  EvidenceLedger swapped;
  const SourceId same = source_of(swapped, 3);
  REQUIRE(swapped.charge(uniform_run(same, 1, 1, 1, 2.5)));
  REQUIRE(swapped.charge(uniform_run(same, 2, 1, 1, 0.25)));
  REQUIRE(shared.merge(swapped));
  CHECK(near(shared.spent(weak).value(), 2.75, 1e-15));
  EvidenceLedger other;
  source_of(other, 4);
  CHECK(shared.merge(other).error().kind == DiagnosticKind::duplicate_source);
}

TEST_CASE("the net price is sound and at most the gross") {
  Random random(42);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::vector<double>> weights(5, std::vector<double>(4));
    double gross = 0;
    for (auto& w : weights) {
      for (double& x : w) x = uniform(random, -1, 1);
      const auto [low, high] = std::minmax_element(w.begin(), w.end());
      gross += *high - *low;
    }
    CHECK(net_price(weights).value() <= gross + 1e-12);
  }
  CHECK(net_price(std::vector<std::vector<double>>{{1, 0}, {-1, 0}}).value() == 0);  // a claim and its retraction
  CHECK(net_price({}).value() == 0);
}
