// Every number of theory section 7: by the language on both backends, against sums written out here (to 1e-9 relative)
// and against the digits that the text prints.
#include <fmt/format.h>

#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/unit/runtime/session/running.h"

using namespace hearsay;

namespace {

constexpr bool heads_of[] = {true, false, false, true, false};  // HTTHT

const std::string students = R"(
  tokens Flip = {tails, heads};
  let labels = [heads, tails, tails, heads, tails];
  model Coin emits Flip {
    h ~ categorical({all_tails: 1, all_heads: 1, fair: 1});
    emit ~ if h == all_tails then point(tails) else if h == all_heads then point(heads) else categorical({tails: 1, heads: 1});
  }
  model Biased emits Flip { theta ~ beta(1, 1); emit ~ categorical({heads: theta, tails: 1 - theta}); }
)";

/// Posterior of {all tails, all heads, fair} after n labels of strength s(i), i from 1.
std::vector<double> posterior(int n, const std::function<double(int)>& strength) {
  std::vector<long double> log_weight(3, 0.0L);
  for (int i = 1; i <= n; ++i) {
    const bool head = heads_of[(i - 1) % 5];
    const long double s = strength(i);
    log_weight[0] += head ? 0 : s;
    log_weight[1] += head ? s : 0;
    log_weight[2] += std::log1p(std::expm1(s) / 2);
  }
  long double most = std::max({log_weight[0], log_weight[1], log_weight[2]}), sum = 0;
  for (const long double w : log_weight) sum += std::exp(w - most);
  std::vector<double> p;
  for (const long double w : log_weight) p.push_back(static_cast<double>(std::exp(w - most) / sum));
  return p;
}

double integral(const std::function<double(double)>& f, double from, double to) {
  double sum = 0;
  for (int k = 0; k < 64; ++k)
    sum += boost::math::quadrature::gauss<double, 30>::integrate(f, from + (to - from) * k / 64,
                                                                 from + (to - from) * (k + 1) / 64);
  return sum;
}

void check_number(test::Running& r, const std::string& question, double exact, double printed, double half_unit) {
  const double found = r.number("print " + question + ";");
  CAPTURE(question);
  CAPTURE(found);
  CAPTURE(exact);
  CHECK(std::abs(found - exact) <= 1e-9 * std::abs(exact));
  CHECK(std::abs(exact - printed) <= half_unit);
}

void check_students(test::Running& r, const std::string& given, int n, const std::function<double(int)>& strength,
                    const std::vector<double>& printed) {
  REQUIRE(r.run("let post = infer Coin given { " + given + " };") == 0);
  const std::vector<double> exact = posterior(n, strength);
  const char* const names[] = {"all_tails", "all_heads", "fair"};
  for (std::size_t k = 0; k < 3; ++k)
    check_number(r, fmt::format("P(h == {} | post)", names[k]), exact[k], printed[k], 0.5e-6);
}

std::string claims(int n, const std::string& strength) {
  return fmt::format("for i in 1..{} {{ soft observe emit[i] == labels[(i - 1) % 5 + 1] {}; }}", n, strength);
}

}  // namespace

TEST_CASE("theory section 7: students who read labels one at a time") {
  for (const Backend backend : {Backend::reference, Backend::native}) {
    Settings settings;
    settings.backend = backend;
    test::Running r(settings);
    REQUIRE(r.run(students) == 0);
    const double ln2 = std::log(2.0);
    check_students(r, claims(5, "odds 2"), 5, [&](int) { return ln2; }, {0.408293, 0.204147, 0.387560});
    const auto geometric = [](int i) { return 3 * 0.1 * std::pow(0.9, i - 1); };
    const std::string by_geometric = "source w(budget: 3 nats, schedule: geometric(0.9)); ";
    check_students(r, by_geometric + claims(5, "from w"), 5, geometric, {0.360943, 0.298148, 0.340908});
    check_students(r, by_geometric + claims(2000, "from w"), 2000, geometric, {0.405332, 0.254163, 0.340505});
    check_students(r, "source w(budget: 3 nats, schedule: spread); " + claims(2000, "from w"), 2000,
                   [](int) { return 3.0 / 2000; }, {0.436672, 0.239651, 0.323677});
    // Fixed odds end in certainty: 1 − 8.8e−10 on "all tails".
    REQUIRE(r.run("let post = infer Coin given { " + claims(2000, "odds 2") + " };") == 0);
    const std::vector<double> certain = posterior(2000, [&](int) { return ln2; });
    check_number(r, "P(h != all_tails | post)", certain[1] + certain[2], 8.8e-10, 0.05e-10);
  }
}

TEST_CASE("theory section 7: a Beta student") {
  for (const Backend backend : {Backend::reference, Backend::native}) {
    Settings settings;
    settings.backend = backend;
    test::Running r(settings);
    REQUIRE(r.run(students) == 0);
    const std::string seven = "for i in 1..10 { soft observe emit[i] == (if i <= 7 then heads else tails) odds 2; }";
    REQUIRE(r.run("let post = infer Biased given { " + seven + " };") == 0);
    const auto density = [](double p) { return std::pow(1 + p, 7) * std::pow(2 - p, 3); };
    const double mass = integral(density, 0, 1);
    check_number(r, "E(theta | post)", integral([&](double p) { return p * density(p); }, 0, 1) / mass, 0.678633,
                 0.5e-6);
    check_number(r, "P(theta > 0.5 | post)", integral(density, 0.5, 1) / mass, 0.774745, 0.5e-6);
    REQUIRE(r.run("let post = infer Biased given { for i in 1..10 { soft observe (if i <= 7 then heads else tails) ~ "
                  "categorical({heads: theta, tails: 1 - theta}) weight 0.5; } };") == 0);
    check_number(r, "E(theta | post)", 4.5 / 7, 4.5 / 7, 0);
  }
}

TEST_CASE("theory section 7: fixed odds exaggerate: where the student's rate ends") {
  // The rate p at which q ln(1 + (k−1)p) + (1−q) ln(1 + (k−1)(1−p)) is largest, from the language's own evidence by the
  // condition that its slope vanishes there (nine points, eighth order).
  struct Limit {
    int odds;
    double printed;
  };
  for (const Backend backend : {Backend::reference, Backend::native}) {
    Settings settings;
    settings.backend = backend;
    test::Running r(settings);
    REQUIRE(r.run("tokens Flip = {tails, heads};"
                  "model At(p: unit) emits Flip { emit ~ categorical({heads: p, tails: 1 - p}); }") == 0);
    for (const auto& [odds, printed] : {Limit{2, 0.8}, Limit{4, 0.6667}, Limit{20, 0.6105}}) {
      CAPTURE(odds);
      const double limit = (0.6 * (odds + 1) - 1) / (odds - 1);
      CHECK(std::abs(limit - printed) <= 0.5e-4);
      constexpr double step = 1e-2;
      std::vector<double> f;
      for (int i = -4; i <= 4; ++i)
        f.push_back(
            r.number(fmt::format("print evidence(infer At(p: {}) given {{ for i in 1..10 {{ soft observe emit[i] == "
                                 "(if i <= 6 then heads else tails) odds {}; }} }}) / 10;",
                                 limit + i * step, odds)));
      const double slope = (f[0] - f[8]) / 280 - 4 * (f[1] - f[7]) / 105 + (f[2] - f[6]) / 5 - 4 * (f[3] - f[5]) / 5;
      const double curvature =
          -(f[0] + f[8]) / 560 + 8 * (f[1] + f[7]) / 315 - (f[2] + f[6]) / 5 + 8 * (f[3] + f[5]) / 5 - 205 * f[4] / 72;
      CHECK(curvature < 0);
      CHECK(std::abs(slope * step / curvature) <= 1e-9);
    }
    // With q = 1/2, the fair student's gain on each extreme: ln cosh(½ ln 2) a label.
    const std::string both = "given { soft observe emit[1] == heads odds 2; soft observe emit[2] == tails odds 2; }";
    check_number(r, "(evidence(infer At(p: 0.5) " + both + ") - evidence(infer At(p: 1) " + both + ")) / 2",
                 std::log(std::cosh(0.5 * std::log(2.0))), 0.05889, 0.5e-5);
  }
}
