#include "lang/evidence/nats.h"

#include <limits>
#include <type_traits>

#include "support.h"

using namespace hearsay;
using namespace hearsay::evidence;
using evidence::testing::near;

namespace {
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
}  // namespace

static_assert(!std::is_convertible_v<double, Nats>, "a strength is never a bare double");
static_assert(!std::is_convertible_v<Nats, double>);

TEST_CASE("a strength converts to odds and decibans and back") {
  CHECK(near(Nats::from_odds(2).value(), 0.6931471805599453, 1e-15));
  CHECK(near(Nats::from_odds(9).odds(), 9, 1e-15));
  CHECK(near(Nats::from_odds(100).decibans(), 20, 1e-15));
  CHECK(near(strength_from_decibans(20)->odds(), 100, 1e-14));
  CHECK(near(strength_from_channel(0.1)->odds(), 9, 1e-15));
  CHECK(strength_from_channel(0.5)->value() == 0);
  CHECK(near(strength_from_confidence(0.9, 0.5)->odds(), 9, 1e-14));
  CHECK(near(strength_from_confidence(0.5, 0.1)->odds(), 9, 1e-14));
  CHECK(near(strength_from_confidence(0.9, 0.9)->value(), 0, 0, 1e-15));
  CHECK(strength_from_nats(-0.7)->magnitude() == Nats::of(0.7));
}

TEST_CASE("strengths without a meaning are refused, with advice") {
  for (const double x : {0.0, -2.0, infinite, -infinite, not_a_number}) {
    const auto r = strength_from_odds(x);
    REQUIRE(!r);
    CHECK(r.error().kind == DiagnosticKind::bad_odds);
    CHECK(!r.error().help.empty());
  }
  CHECK(strength_from_odds(0).error().help.find("observe") != std::string::npos);
  for (const double x : {0.0, 1.0, -0.1, 1.1, not_a_number}) {
    CHECK(strength_from_channel(x).error().kind == DiagnosticKind::bad_channel);
    CHECK(strength_from_confidence(x, 0.5).error().kind == DiagnosticKind::bad_confidence);
    CHECK(strength_from_confidence(0.5, x).error().kind == DiagnosticKind::bad_confidence);
  }
  for (const double x : {infinite, -infinite, not_a_number}) {
    CHECK(strength_from_nats(x).error().kind == DiagnosticKind::strength_not_finite);
    CHECK(strength_from_decibans(x).error().kind == DiagnosticKind::strength_not_finite);
    CHECK(checked_budget(x).error().kind == DiagnosticKind::bad_budget);
  }
  CHECK(!checked_budget(-1));
  CHECK(checked_budget(0)->value() == 0);
}

TEST_CASE("the span of a refusal is the operand's") {
  const SourceSpan where{FileId{3}, 10, 14};
  CHECK(strength_from_odds(-1, where).error().primary == where);
}
