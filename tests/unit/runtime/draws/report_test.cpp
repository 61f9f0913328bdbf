#include "runtime/draws/report.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/runtime/draws/ar1.h"

using namespace hearsay;
using namespace hearsay::testing;

namespace {

Draws good_draws() {
  Draws d{{"mu", "tau"}, 4, 500, {}};
  d.values = ar1(0, 4, 500, 1);
  const std::vector<double> more = ar1(0, 4, 500, 2);
  d.values.insert(d.values.end(), more.begin(), more.end());
  return d;
}

Transitions good_transitions() {
  Transitions t{{4, std::vector<Transition>(500)}, 10};
  for (std::size_t c = 0; c < 4; ++c) {
    const std::vector<double> energies = ar1(0, 1, 500, 10 + c);
    for (std::size_t i = 0; i < 500; ++i) t.chains[c][i] = {0, 0.8, 0.5, energies[i], 3, 7, false};
  }
  return t;
}

std::vector<FindingKind> kinds(const std::vector<Finding>& findings) {
  std::vector<FindingKind> out;
  for (const Finding& f : findings) out.push_back(f.kind);
  return out;
}

using Kinds = std::vector<FindingKind>;

}  // namespace

TEST_CASE("report: nothing to say of good draws, or of none") {
  CHECK(examine(good_draws(), good_transitions()).empty());
  CHECK(examine({}, {}).empty());
  CHECK(to_text({}).empty());
}

TEST_CASE("report: each defect alone is named, counted and has a next step") {
  Transitions t = good_transitions();
  t.chains[1][7].divergent = t.chains[2][9].divergent = true;
  auto found = examine(good_draws(), t);
  REQUIRE(kinds(found) == Kinds{FindingKind::divergences});
  CHECK(found[0].value == 2);
  CHECK(found[0].what == "2 of 2000 transitions (0.1 %) diverged: parts of the posterior may be missing");
  CHECK(to_text(found) == "warning: " + found[0].what + "\n  help: " + found[0].next + "\n");

  t = good_transitions();
  t.chains[0][0].depth = 10;
  found = examine(good_draws(), t);
  REQUIRE(kinds(found) == Kinds{FindingKind::tree_depth});
  CHECK(found[0].count == 1);

  t = good_transitions();
  const std::vector<double> slow = ar1(0.95, 1, 500, 99);
  for (std::size_t i = 0; i < 500; ++i) t.chains[3][i].energy = slow[i];
  found = examine(good_draws(), t);
  REQUIRE(kinds(found) == Kinds{FindingKind::energy_fraction});
  CHECK(found[0].value < 0.3);
  CHECK(found[0].count == 1);

  Draws d = good_draws();
  for (std::size_t i = 0; i < 500; ++i) d.values[2000 + i] += 3;
  // Interrupted, the draws are not looked at.
  const std::atomic<bool> interrupt = true;
  CHECK(examine(d, good_transitions(), {}, &interrupt).empty());
  found = examine(d, good_transitions());
  REQUIRE_FALSE(found.empty());
  CHECK(found[0].kind == FindingKind::rhat);
  CHECK(found[0].worst == "tau");
  CHECK(found[0].count == 1);

  d = good_draws();
  d.values[3] = std::numeric_limits<double>::quiet_NaN();
  found = examine(d, good_transitions());
  REQUIRE(kinds(found) == Kinds{FindingKind::not_finite});
  CHECK(found[0].worst == "mu");

  d = good_draws();
  for (std::size_t i = 0; i < 2000; ++i) d.values[i] = 1;
  found = examine(d, good_transitions());
  REQUIRE(kinds(found) == Kinds{FindingKind::constant});
  CHECK(found[0].worst == "mu");

  d = {{"mu"}, 4, 5, ar1(0, 4, 5, 1)};
  found = examine(d, {});
  REQUIRE(kinds(found) == Kinds{FindingKind::too_short});
  CHECK(found[0].value == 5);
  for (const Finding& f : found) CHECK_FALSE(f.next.empty());
}

TEST_CASE("report: few effective draws, worst first") {
  Draws d{{"quick", "slow", "slower"}, 4, 500, {}};
  for (const double phi : {0.0, 0.8, 0.9}) {
    const std::vector<double> x = ar1(phi, 4, 500, 77);
    d.values.insert(d.values.end(), x.begin(), x.end());
  }
  const auto found = examine(d, {}, {.rhat = 10});
  REQUIRE(kinds(found) == Kinds{FindingKind::bulk_ess, FindingKind::tail_ess});
  CHECK(found[0].count == 2);
  CHECK(found[0].worst == "slower");
  CHECK(found[0].threshold == 400);
  CHECK(found[0].value < 400);
}
