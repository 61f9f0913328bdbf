#include "lang/evidence/schedule.h"

#include <limits>
#include <numbers>

#include "lang/evidence/hurwitz.h"
#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using evidence::testing::near;

namespace {

std::vector<double> filled(const Allotter& a, std::uint64_t first, std::size_t count) {
  std::vector<double> out(count);
  a.fill(first, out);
  return out;
}

long double total_of(const std::vector<double>& values) {
  long double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

Allotter make(const Schedule& schedule, std::optional<double> budget) {
  const std::optional<Nats> nats = budget ? std::optional(Nats::of(*budget)) : std::nullopt;
  auto a = Allotter::make(schedule, nats);
  REQUIRE(a);
  return std::move(*a);
}

DiagnosticKind refusal(const Schedule& schedule, std::optional<double> budget) {
  const std::optional<Nats> nats = budget ? std::optional(Nats::of(*budget)) : std::nullopt;
  const auto a = Allotter::make(schedule, nats);
  REQUIRE(!a);
  CHECK(!a.error().help.empty());
  return a.error().kind;
}

}  // namespace

TEST_CASE("zeta functions have the values of the tables") {
  CHECK(near(riemann_zeta(2), std::numbers::pi * std::numbers::pi / 6, 1e-15));
  CHECK(near(hurwitz_zeta(2, 1), std::numbers::pi * std::numbers::pi / 6, 1e-15));
  CHECK(near(hurwitz_zeta(4, 1), std::pow(std::numbers::pi, 4) / 90, 1e-15));
  CHECK(near(hurwitz_zeta(3, 1), 1.2020569031595942854, 1e-15));    // Apéry
  CHECK(near(hurwitz_zeta(1.5, 1), 2.6123753486854883433, 1e-15));  // DLMF 25.3
  for (const double p : {1.001, 1.1, 1.7, 3.3, 12.5, 60.0}) CHECK(near(hurwitz_zeta(p, 1), riemann_zeta(p), 1e-14));
  CHECK(hurwitz_zeta(1e6, 1) == 1);
  CHECK(hurwitz_zeta(1e6, 5) == 0);
}

TEST_CASE("tails of power sums agree with direct summation") {
  for (const double p : {1.05, 1.5, 2.0, 4.7, 30.0}) {
    for (const double a : {1.0, 2.0, 17.0, 333.0}) {
      long double direct = 0;
      const int terms = 20000;
      for (int i = terms - 1; i >= 0; --i)
        direct += std::pow(static_cast<long double>(a + i), -static_cast<long double>(p));
      CHECK(near(power_sum(p, a, terms), static_cast<double>(direct), 2e-15));
      CHECK(near(hurwitz_zeta(p, a), static_cast<double>(direct) + hurwitz_zeta(p, a + terms), 2e-15));
    }
  }
  // Far out, where a difference of tails would have no digits left.
  long double direct = 0;
  for (int i = 0; i < 100; ++i) direct += std::pow(1e7L + i, -1.5L);
  CHECK(near(power_sum(1.5, 1e7, 100), static_cast<double>(direct), 1e-14));
}

TEST_CASE("every schedule spends its budget and no more") {
  const double b = 3;
  CHECK(near(static_cast<double>(total_of(filled(make(Spread{1000}, b), 1, 2000))), b, 1e-14));
  CHECK(near(static_cast<double>(total_of(filled(make(Geometric{0.9}, b), 1, 2000))), b, 1e-14));
  const Allotter power = make(Power{1.5}, b);
  CHECK(near(static_cast<double>(total_of(filled(power, 1, 100000))) + power.tail(100000).value(), b, 1e-14));
  const auto given = std::make_shared<const std::vector<double>>(std::vector<double>{1, 0, 2, 5});
  const Allotter proportional = make(SpreadInProportion{given}, b);
  const auto parts = filled(proportional, 1, 6);
  CHECK(near(parts[0], 3.0 / 8, 1e-15));
  CHECK(parts[1] == 0);
  CHECK(near(parts[3], 15.0 / 8, 1e-15));
  CHECK(parts[4] == 0);
  CHECK(near(proportional.total().value(), b, 1e-15));
  const Allotter until = make(UntilSpent{Nats::from_odds(2)}, b);
  CHECK(until.last_ordinal() == 4);  // 4 ln 2 = 2.77 ≤ 3 < 5 ln 2
  CHECK(near(until.total().value(), 4 * std::numbers::ln2, 1e-15));
  CHECK(filled(until, 4, 2)[0] == std::numbers::ln2);
  CHECK(filled(until, 4, 2)[1] == 0);
}

TEST_CASE("a budget of n claims pays for n claims, rounding or not") {
  for (int n = 1; n < 200; ++n) {
    for (const double odds : {1.1, 2.0, 3.0, 9.0}) {
      const double s = std::log(odds);
      CHECK(make(UntilSpent{Nats::of(s)}, n * s).last_ordinal() == static_cast<std::uint64_t>(n));
    }
  }
}

TEST_CASE("geometric allotments are right to 1e-13, wherever a block begins") {
  for (const double r : {0.1, 0.5, 0.9, 0.999, 0.9999999}) {
    const Allotter a = make(Geometric{r}, 3.0);
    const auto all = filled(a, 1, 3000);
    for (std::size_t i = 0; i < all.size(); i += 7) {
      const long double exact =
          3.0L * (1 - static_cast<long double>(r)) * std::pow(static_cast<long double>(r), static_cast<long double>(i));
      if (exact < 1e-300L) continue;
      CHECK(near(all[i], static_cast<double>(exact), 1e-13));
    }
    const auto later = filled(a, 1001, 300);
    for (std::size_t i = 0; i < later.size(); ++i) CHECK(near(later[i], all[1000 + i], 1e-14, 1e-300));
  }
}

TEST_CASE("power allotments are right to 1e-13, near and far") {
  for (const double p : {1.001, 1.5, 2.0, 3.7, 9.0, 20.0}) {
    const Allotter a = make(Power{p}, 3.0);
    const long double scale = 3.0L / static_cast<long double>(riemann_zeta(p));
    for (const std::uint64_t first : {1ULL, 900ULL, 12'000ULL, 1'000'000ULL, 123'456'789'012ULL}) {
      const auto s = filled(a, first, 3000);
      for (std::size_t k = 0; k < s.size(); k += 11) {
        const long double exact = scale * std::pow(static_cast<long double>(first + k), -static_cast<long double>(p));
        CHECK(near(s[k], static_cast<double>(exact), 1e-13, 1e-300));
      }
    }
  }
}

TEST_CASE("sums and tails are what the single strengths come to") {
  const auto given = std::make_shared<const std::vector<double>>(std::vector<double>{0.5, 2, 0.25, 1, 1, 3});
  const std::vector<Allotter> all = {make(Spread{50}, 2.0),
                                     make(Geometric{0.97}, 2.0),
                                     make(Power{2.5}, 2.0),
                                     make(Power{1.01}, 2.0),
                                     make(UntilSpent{Nats::of(0.07)}, 2.0),
                                     make(SpreadInProportion{given}, 2.0)};
  for (const Allotter& a : all) {
    const auto s = filled(a, 1, 200);
    for (const std::uint64_t first : {1U, 2U, 40U, 49U, 60U}) {
      for (const std::uint64_t count : {0U, 1U, 5U, 100U}) {
        long double sum = 0;
        double most = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
          sum += s[first - 1 + i];
          most = std::max(most, s[first - 1 + i]);
        }
        CHECK(near(a.sum(first, count).value(), static_cast<double>(sum), 1e-13, 1e-15));
        CHECK(near(a.largest(first, count).value(), most, 1e-14));
      }
      CHECK(near(a.tail(first).value(), a.total().value() - a.sum(1, first).value(), 1e-12, 1e-14));
    }
  }
}

TEST_CASE("how long until only eps is left") {
  for (const auto& [schedule, budget] : std::vector<std::pair<Schedule, double>>{
           {Geometric{0.99}, 3}, {Power{1.5}, 3}, {Power{3}, 1}, {Spread{1000}, 3}, {UntilSpent{Nats::of(0.01)}, 2}}) {
    const Allotter a = make(schedule, budget);
    for (const double eps : {0.5, 0.01, 1e-3}) {
      const auto n = a.ordinals_until_tail_below(Nats::of(eps));
      REQUIRE(n);
      CHECK(a.tail(*n).value() <= eps);
      CHECK(a.tail(*n - 1).value() > eps);
    }
  }
  CHECK(make(Geometric{0.9}, 3.0).ordinals_until_tail_below(Nats::of(5)) == 0);
  CHECK(!make(Power{1.001}, 3.0).ordinals_until_tail_below(Nats::of(1e-9)));
  CHECK(!make(Fixed{Nats::of(1)}, std::nullopt).ordinals_until_tail_below(Nats::of(1)));
}

TEST_CASE("schedules that cannot be, are refused before anything runs") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double r : {0.0, 1.0, -0.5, 1.5, nan}) CHECK(refusal(Geometric{r}, 3) == DiagnosticKind::bad_schedule);
  for (const double p : {1.0, 0.5, -1.0, nan, HUGE_VAL}) CHECK(refusal(Power{p}, 3) == DiagnosticKind::bad_schedule);
  CHECK(refusal(UntilSpent{Nats::of(-1)}, 3) == DiagnosticKind::bad_schedule);
  CHECK(refusal(Fixed{Nats::of(nan)}, std::nullopt) == DiagnosticKind::bad_schedule);
  CHECK(refusal(Fixed{Nats::of(1)}, 3) == DiagnosticKind::fixed_with_budget);
  CHECK(refusal(Geometric{0.9}, std::nullopt) == DiagnosticKind::schedule_without_budget);
  CHECK(refusal(Spread{}, 3) == DiagnosticKind::spread_without_count);
  CHECK(validate(Spread{}, Nats::of(3)));  // the count may still come
  CHECK(refusal(Spread{0}, 3) == DiagnosticKind::bad_schedule);
  CHECK(refusal(Geometric{0.9}, -1) == DiagnosticKind::bad_budget);
  for (const double c : {-0.1, 1.1, nan}) CHECK(checked_share(c).error().kind == DiagnosticKind::bad_share);
  CHECK(*checked_share(0.25) == 0.25);
}

TEST_CASE("a budget of 0 is legal and spends nothing") {
  for (const Schedule& s : std::vector<Schedule>{Spread{3}, Geometric{0.5}, Power{2}, UntilSpent{Nats::of(1)}}) {
    const Allotter a = make(s, 0.0);
    CHECK(a.total().value() == 0);
    CHECK(a.strength(1).value() == 0);
    CHECK(a.ordinals_until_tail_below(Nats::of(0)) == 0);
  }
}
