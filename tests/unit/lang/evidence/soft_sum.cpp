#include "lang/evidence/soft_sum.h"

#include <limits>

#include "lang/evidence/schedule.h"
#include "support.h"

using namespace hearsay::evidence;
using namespace hearsay::evidence::testing;

namespace {

const std::vector<double> probabilities = {0, 1e-12, 0.001, 0.1, 0.25, 0.5, 0.61, 0.8, 0.99, 1 - 1e-9, 1};

long double one_event(long double s, long double p) {
  return p <= 0.5L ? std::log1p(p * std::expm1(s)) : s + std::log1p((1 - p) * std::expm1(-s));
}

long double direct(const std::vector<double>& strengths, double p) {
  long double sum = 0;
  for (const double s : strengths) sum += one_event(s, p);
  return sum;
}

void check_against_direct(const std::vector<double>& strengths) {
  SoftSum sum;
  REQUIRE(sum.add(strengths));
  CHECK(sum.error_bound() <= 1e-13 * sum.charge());
  for (const double p : probabilities) {
    const double off = static_cast<double>(std::fabs(sum.value(p) - direct(strengths, p)));
    CHECK_MESSAGE(off <= sum.error_bound(), "p = ", p, ", off by ", off, " of ", sum.error_bound());
  }
}

std::vector<double> random_bag(Random& random, std::size_t size, double largest) {
  std::vector<double> bag(size);
  for (double& s : bag) s = uniform(random, -largest, largest);
  return bag;
}

}  // namespace

TEST_CASE("a sum of soft events is within its proven error of direct summation") {
  Random random(11);
  for (const std::size_t size : {0U, 1U, 7U, 8U, 255U, 256U, 257U, 5000U}) {
    for (const double largest : {1e-12, 1e-6, 1e-3, 0.03, 0.2, 0.5, 2.0, 30.0}) {
      check_against_direct(random_bag(random, size, largest));
    }
  }
  // All of one sign and at the limit of the series: the worst case.
  check_against_direct(std::vector<double>(1000, 0.5));
  check_against_direct(std::vector<double>(1000, -0.5));
  // Strengths of very different sizes in one block.
  std::vector<double> mixed(3000);
  for (double& s : mixed) s = std::exp(uniform(random, -40, 3)) * (uniform(random, 0, 1) < 0.3 ? -1 : 1);
  check_against_direct(mixed);
}

TEST_CASE("a whole geometric schedule") {
  const auto a = Allotter::make(Geometric{0.999}, Nats::of(30));
  REQUIRE(a);
  std::vector<double> s(20000);
  a->fill(1, s);
  check_against_direct(s);
}

TEST_CASE("order and grouping do not matter, nor whether equal strengths come one by one") {
  Random random(12);
  const auto bag = random_bag(random, 1000, 0.9);
  auto reversed = bag;
  std::reverse(reversed.begin(), reversed.end());
  SoftSum once;
  SoftSum parts;
  SoftSum backwards;
  REQUIRE(once.add(bag));
  REQUIRE(backwards.add(reversed));
  for (std::size_t i = 0; i < bag.size(); i += 13) {
    REQUIRE(parts.add(std::span(bag).subspan(i, std::min<std::size_t>(13, bag.size() - i))));
  }
  for (const double s : {0.4, 1.3, -0.02, -2.0}) {
    SoftSum single;
    SoftSum repeated;
    REQUIRE(single.add(std::vector<double>(777, s)));
    REQUIRE(repeated.add_repeated(s, 777));
    CHECK(single.count() == repeated.count());
    CHECK(near(single.charge(), repeated.charge(), 1e-14));
    for (const double p : probabilities) CHECK(near(single.value(p), repeated.value(p), 0, 2 * single.error_bound()));
  }
  CHECK(once.count() == 1000);
  for (const double p : probabilities) {
    CHECK(near(once.value(p), parts.value(p), 0, 2 * once.error_bound()));
    CHECK(near(once.value(p), backwards.value(p), 0, 2 * once.error_bound()));
  }
}

TEST_CASE("the ends are exact: nothing at p = 0, everything at p = 1; between them no more than the charge") {
  Random random(13);
  const auto bag = random_bag(random, 500, 0.5);
  SoftSum sum;
  REQUIRE(sum.add(bag));
  long double all = 0;
  for (const double s : bag) all += s;
  CHECK(sum.value(0) == 0);
  CHECK(near(sum.value(1), static_cast<double>(all), 0, sum.error_bound()));
  for (const double p : probabilities) CHECK(std::fabs(sum.value(p)) <= sum.charge());
}

TEST_CASE("the slope is the derivative") {
  Random random(14);
  for (const double largest : {1e-5, 0.1, 0.5, 4.0}) {
    const auto bag = random_bag(random, 400, largest);
    SoftSum sum;
    REQUIRE(sum.add(bag));
    for (const double p : probabilities) {
      long double exact = 0;
      for (const double s : bag) {
        const long double e = std::expm1(static_cast<long double>(s));
        exact += e / (1 + e * static_cast<long double>(p));
      }
      CHECK(near(sum.slope(p), static_cast<double>(exact), 1e-12, 1e-12 * sum.charge()));
    }
  }
}

TEST_CASE("few distinct large strengths take few places") {
  SoftSum sum;
  std::vector<double> alternating;
  for (int i = 0; i < 10000; ++i) alternating.push_back(i % 3 ? std::log(2) : -std::log(2));
  REQUIRE(sum.add(alternating));
  CHECK(sum.kept_exactly() == 2);
}

TEST_CASE("a strength that is not finite changes nothing") {
  SoftSum sum;
  REQUIRE(sum.add(std::vector<double>{0.1, 0.9}));
  const double before = sum.value(0.3);
  std::vector<double> bag(600, 0.2);
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    bag[517] = bad;
    CHECK(!sum.add(bag));
    CHECK(!sum.add_repeated(bad, 3));
  }
  CHECK(sum.value(0.3) == before);
  CHECK(sum.count() == 2);
  CHECK(sum.add(std::vector<double>{1e308, 1e308}));  // finite, though their sum is not
  CHECK(sum.charge() == HUGE_VAL);
}

TEST_CASE("sums by token are the sums of the tokens") {
  Random random(15);
  const std::size_t tokens = 5;
  std::vector<std::uint32_t> codes(10007);
  std::vector<double> strengths(codes.size());
  std::vector<std::vector<double>> by_token(tokens);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::uint32_t>(random() % (tokens - 1));  // the last token never comes
    strengths[i] = uniform(random, 0, 0.1);
    by_token[codes[i]].push_back(strengths[i]);
  }
  TokenSums sums(tokens);
  REQUIRE(sums.add(codes, strengths));
  const std::vector<double> p = {0.1, 0.3, 0.2, 0.35, 0.05};
  long double exact = 0;
  for (std::size_t v = 0; v < tokens; ++v) exact += direct(by_token[v], p[v]);
  CHECK(near(sums.value(p), static_cast<double>(exact), 0, sums.error_bound()));
  CHECK(sums[tokens - 1].count() == 0);

  codes[10000] = 5;
  CHECK(!sums.add(codes, strengths));
  codes[10000] = 0;
  strengths[9999] = std::nan("");
  CHECK(!sums.add(codes, strengths));
  CHECK(near(sums.value(p), static_cast<double>(exact), 0, sums.error_bound()));
}

TEST_CASE("labels counted from any code sum like codes from 0, and one strength for all is told apart") {
  Random random(16);
  std::vector<std::uint32_t> codes(10000);
  std::vector<std::int64_t> labels(codes.size());
  std::vector<double> strengths(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::uint32_t>(random() % 4);
    labels[i] = static_cast<std::int64_t>(codes[i]) - 2;
    strengths[i] = codes[i] == 1 ? 0.25 : uniform(random, -0.7, 0.7);
  }
  strengths[9998] = 0.6;
  TokenSums a(4);
  TokenSums b(4);
  REQUIRE(a.add(codes, strengths));
  REQUIRE(b.add(labels, -2, strengths));
  for (std::size_t v = 0; v < 4; ++v)
    for (const double p : probabilities) CHECK(a[v].value(p) == b[v].value(p));
  REQUIRE(b.repeated(1));
  CHECK(b.repeated(1)->strength == 0.25);
  CHECK(b.repeated(1)->count == static_cast<double>(b[1].count()));
  for (const std::size_t v : {0, 2, 3}) CHECK(!b.repeated(v));
  // Another claim on the same token, of another strength.
  REQUIRE(b.add(std::vector<std::int64_t>{-1}, -2, std::vector<double>{0.5}));
  CHECK(!b.repeated(1));
  CHECK(!TokenSums(4).repeated(0));

  const double before = b.value(std::vector<double>{0.1, 0.2, 0.3, 0.4});
  for (const std::int64_t bad : {std::int64_t{-3}, std::int64_t{2}, std::numeric_limits<std::int64_t>::min()}) {
    labels[7000] = bad;
    CHECK(!b.add(labels, -2, strengths));
  }
  CHECK(b.value(std::vector<double>{0.1, 0.2, 0.3, 0.4}) == before);
}
