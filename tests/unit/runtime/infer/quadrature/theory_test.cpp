// Numbers of theory.md §7: a Beta(1, 1) student that reads soft evidence about a coin.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>

#include "closed_form.h"

using namespace hearsay;
using namespace hearsay::infer;
using namespace hearsay::infer::testing;

namespace {

// `heads` and `tails` claims at odds k each, the tokens summed out.
LogDensity1d soft_tokens(int heads, int tails, double k) {
  return [=](double p) { return heads * std::log1p((k - 1) * p) + tails * std::log1p((k - 1) * (1 - p)); };
}
double identity(double x) { return x; }

}  // namespace

TEST_CASE("seven heads and three tails at odds 2") {
  const auto posterior = built(soft_tokens(7, 3, 2), unit_interval);
  CHECK(value_of(posterior.expectation(identity)).value == doctest::Approx(0.678633).epsilon(1e-6));
  CHECK(value_of(posterior.probability(0.5, 1)).value == doctest::Approx(0.774745).epsilon(1e-6));
}

TEST_CASE("seven heads and three tails at weight 0.5") {
  const auto posterior = built([](double p) { return 3.5 * std::log(p) + 1.5 * std::log1p(-p); }, unit_interval);
  check_bounded(value_of(posterior.expectation(identity)), 4.5 / 7);
}

TEST_CASE("the posterior mean after HTTHT, as exact fractions") {
  struct Case {
    double odds, numerator, denominator;
  };
  for (const auto& [odds, numerator, denominator] : {Case{2, 442, 987}, Case{3, 2435, 5684}, Case{9, 35869, 86002}}) {
    CAPTURE(odds);
    check_bounded(value_of(built(soft_tokens(2, 3, odds), unit_interval).expectation(identity)),
                  numerator / denominator);
  }
  struct Weighted {
    double weight, mean;
  };
  for (const auto& [weight, mean] : {Weighted{1, 3.0 / 7}, Weighted{0.5, 4.0 / 9}, Weighted{0.25, 6.0 / 13}}) {
    CAPTURE(weight);
    const auto g = [w = weight](double p) { return w * (2 * std::log(p) + 3 * std::log1p(-p)); };
    check_bounded(value_of(built(g, unit_interval).expectation(identity)), mean);
  }
}

TEST_CASE("the fractions are those of the shared evidence file") {
  const char* root = std::getenv("HEARSAY_SHARED");
  std::ifstream file(std::string(root == nullptr ? "" : root) + "/data/evidence/essay_claims.json");
  if (!file) {
    MESSAGE("skipped: no data/evidence/essay_claims.json under HEARSAY_SHARED");
    return;
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = text.find("\"beta11_posterior_mean_after_HTTHT\"");
  REQUIRE(at != std::string::npos);
  const std::string block = text.substr(at, text.find('}', at) - at);
  const std::regex row("\"(odds|power w=|hard)\\s*([0-9.]*)\": \"([0-9]+)/([0-9]+)\"");
  int rows = 0;
  for (std::sregex_iterator i(block.begin(), block.end(), row), end; i != end; ++i, ++rows) {
    const std::string form = (*i)[1];
    const double strength = form == "hard" ? 1 : std::stod((*i)[2]);
    const double mean = std::stod((*i)[3]) / std::stod((*i)[4]);
    CAPTURE(form);
    CAPTURE(strength);
    const LogDensity1d power = [=](double p) { return strength * (2 * std::log(p) + 3 * std::log1p(-p)); };
    check_bounded(
        value_of(built(form == "odds" ? soft_tokens(2, 3, strength) : power, unit_interval).expectation(identity)),
        mean);
  }
  CHECK(rows == 6);
}

TEST_CASE("a budget holds: no log-odds moves by more than was charged") {
  // 500 claims at odds 1.01 are worth 500 ln 1.01 nats; the prior log-odds of p > 1/2 are 0.
  const auto posterior = built(soft_tokens(500, 0, 1.01), unit_interval);
  const BoundedValue p = value_of(posterior.probability(0.5, 1));
  CHECK(std::log(p.value / (1 - p.value)) <= 500 * std::log(1.01));
  CHECK(p.value > 0.5);
}
