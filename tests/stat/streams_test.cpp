// Streams drawn forward, against exact answers.
//
// Every check is a χ² test whose false-alarm rate is 1e-8 (tests/unit/lang/rng/goodness.h); there are 9 of them. Power:
// with N worlds and k cells a check finds, with 99 %, a non-centrality N·Σ(q − p)²/p of 12·√(2k) + 40, that is, at the
// 4,000 worlds and 8 cells used here, strings whose probabilities are off by 15 % each. The mutants below, wrong
// samplers that one could have written instead, are all farther off, and are rejected.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "runtime/session/session.h"
#include "tests/unit/lang/rng/goodness.h"

namespace {

using namespace hearsay;
using rng::testing::chi_square_ratio;

constexpr std::size_t worlds = 4000;

const std::string models = R"(
tokens Letter = {a, b};
model Sticky emits Letter {
  stay ~ discrete([0.5, 0.95], [1, 1]);
  emit[t] ~ if t == 1 then categorical({a: 0.7, b: 0.3})
            else if emit[t - 1] == a then categorical({a: stay, b: 1 - stay})
            else categorical({a: 1 - stay, b: stay});
}
model Second emits Letter {
  emit[t] ~ if t <= 2 then categorical({a: 0.5, b: 0.5})
            else if emit[t - 2] == a then categorical({a: 0.9, b: 0.1}) else categorical({a: 0.1, b: 0.9});
}
model Hidden emits Letter {
  z[t] ~ if t == 1 then categorical({low: 0.5, high: 0.5})
         else if z[t - 1] == low then categorical({low: 0.8, high: 0.2})
         else categorical({low: 0.3, high: 0.7});
  emit[t] ~ if z[t] == low then categorical({a: 0.9, b: 0.1}) else categorical({a: 0.2, b: 0.8});
}
model Drifting emits Letter {
  bias ~ beta(2, 1);
  emit[t] ~ if t == 1 then categorical({a: bias, b: 1 - bias})
            else if emit[t - 1] == a then categorical({a: bias, b: 1 - bias}) else categorical({a: 0.5, b: 0.5});
}
# The place counts beyond the neighbours: no table can be made.
model Alternating emits Letter {
  emit[t] ~ if t == 1 then categorical({a: 0.5, b: 0.5})
            else if (emit[t - 1] == a) == (t % 2 == 0) then categorical({a: 0.9, b: 0.1})
            else categorical({a: 0.2, b: 0.8});
}
let hidden = infer Hidden given { observe emit[1] == b; soft observe emit[2] == b odds 5; };
let sticky = infer Sticky given { for i in 1..3 { observe emit[i] == a; } };
)";

/// What a script prints, number by number.
std::vector<double> answers(const std::string& script) {
  std::vector<double> values;
  std::string error;
  SessionOutput out;
  out.print = [&](const Printed& p) {
    const ArrayValue& a = *p.value.array();
    for (std::size_t i = 0; i < a.size(); ++i) values.push_back(a.at(i).as_real());
  };
  out.diagnostic = [&](const Diagnostic& d) { error = d.message; };
  Session session(Settings{}, out);
  session.run_text("streams", models + script);
  CAPTURE(error);
  REQUIRE(error.empty());
  return values;
}

/// How often each of the eight strings of three tokens came.
std::vector<double> counts_of_strings(const std::string& draw) {
  const auto codes = answers("print [" + draw + " for k in 1.." + std::to_string(worlds) + "];");
  REQUIRE(codes.size() == 3 * worlds);
  std::vector<double> counts(8, 0.0);
  for (std::size_t w = 0; w < worlds; ++w) {
    const auto bit = [&](std::size_t i) { return static_cast<std::size_t>(codes[3 * w + i]) - 1; };
    counts[4 * bit(0) + 2 * bit(1) + bit(2)] += 1;
  }
  return counts;
}

/// The exact probabilities of the strings of three tokens from `first` on.
std::vector<double> exact_strings(const std::string& posterior, int first) {
  std::string script;
  for (int s = 0; s < 8; ++s) {
    const auto token = [&](int i) {
      return "emit[" + std::to_string(first + i) + "] == " + ((s >> (2 - i) & 1) != 0 ? "b" : "a");
    };
    script += "print P(" + token(0) + " && " + token(1) + " && " + token(2) + " | " + posterior + ");\n";
  }
  return answers(script);
}

}  // namespace

TEST_CASE("strings of three tokens come as often as they should") {
  const auto sticky = exact_strings("Sticky", 1), second = exact_strings("Second", 1),
             hidden = exact_strings("Hidden", 1), drifting = exact_strings("Drifting", 1),
             alternating = exact_strings("Alternating", 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Sticky, 3)"), sticky) < 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Second, 3)"), second) < 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Hidden, 3)"), hidden) < 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Drifting, 3)"), drifting) < 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Alternating, 3)"), alternating) < 1);
  // mutant: latents drawn anew with every token
  CHECK(chi_square_ratio(counts_of_strings("draw(Sticky, 3, each: fresh)"), sticky) > 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Hidden, 3, each: fresh)"), hidden) > 1);
}

TEST_CASE("after evidence the stream goes on from where it is") {
  const auto hidden = exact_strings("hidden", 3), sticky = exact_strings("sticky", 4);
  CHECK(chi_square_ratio(counts_of_strings("predict(hidden, 3)"), hidden) < 1);
  CHECK(chi_square_ratio(counts_of_strings("predict(sticky, 3)"), sticky) < 1);
  // mutant: the evidence forgotten
  CHECK(chi_square_ratio(counts_of_strings("draw(Hidden, 3)"), hidden) > 1);
  CHECK(chi_square_ratio(counts_of_strings("draw(Sticky, 3)"), sticky) > 1);
}

TEST_CASE("long streams keep to their steps") {
  // Whether a token equals the one two before it is a coin of its own at every token, so the number of times is
  // binomial and pairs of successive outcomes are independent.
  const std::size_t n = 200000;
  const auto codes = answers("print draw(Second, " + std::to_string(n) + ");");
  REQUIRE(codes.size() == n);
  std::vector<double> pairs(4, 0.0);
  for (std::size_t i = 2; i + 1 < n; i += 2) {
    const std::size_t now = codes[i] == codes[i - 2] ? 0 : 1, then = codes[i + 1] == codes[i - 1] ? 0 : 1;
    pairs[2 * now + then] += 1;
  }
  CHECK(chi_square_ratio(pairs, {0.81, 0.09, 0.09, 0.01}) < 1);
  // mutant: off by one token
  std::vector<double> neighbours(4, 0.0);
  for (std::size_t i = 2; i + 1 < n; i += 2) {
    const std::size_t now = codes[i] == codes[i - 1] ? 0 : 1, then = codes[i + 1] == codes[i] ? 0 : 1;
    neighbours[2 * now + then] += 1;
  }
  CHECK(chi_square_ratio(neighbours, {0.81, 0.09, 0.09, 0.01}) > 1);

  // A hidden chain forgets: blocks of one token in 40 are independent to 0.5^40.
  const auto hidden = answers("print draw(Hidden, " + std::to_string(n) + ");");
  std::vector<double> tokens(2, 0.0);
  for (std::size_t i = 40; i < n; i += 40) tokens[hidden[i] == 1 ? 0 : 1] += 1;
  CHECK(chi_square_ratio(tokens, {0.62, 0.38}) < 1);
}
