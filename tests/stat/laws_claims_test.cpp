// Metamorphic laws of single claims, on random models.
#include <doctest/doctest.h>

#include "tests/stat/law.h"

using namespace hearsay;
using namespace hearsay::test;
using reference::Random;

namespace {

Statement claim(Random& random, const RandomModel& m, Kind kind) {
  Statement s = reference::random_statement(random, m, {kind});
  s.kind = kind;
  return s;
}

/// Likelihoods need something with labels or truth values.
bool has_labels(const Statement& s) { return !s.numbers.empty(); }

}  // namespace

TEST_CASE("law: odds 1, weight 0 and share 0 change nothing and cost nothing") {
  law(
      20261201, models(150),
      [](Random& random) -> std::optional<Saying> {
        RandomModel m = base(random, reference::all_kinds());
        std::vector<Statement> other = m.evidence;
        reference::Source source;
        source.name = "s";
        source.budget = 2;
        source.schedule = reference::Source::Schedule::geometric;
        source.parameter = 0.5;
        m.sources.push_back(source);
        for (const Kind k : {Kind::odds, Kind::odds_outcome, Kind::weight, Kind::robust, Kind::scheduled}) {
          Statement s = claim(random, m, k);
          s.number = k == Kind::odds || k == Kind::odds_outcome ? 1 : 0;
          s.share = 0;
          if (k == Kind::scheduled) s.source = 0;
          other = with(random, other, s);
        }
        return two_lists(m, m.evidence, m.evidence, other);
      },
      false);
}

TEST_CASE("law: the order of claims and of hard evidence does not matter") {
  law(20261202, models(150), [](Random& random) -> std::optional<Saying> {
    const RandomModel m = base(random, reference::commuting_kinds());
    if (m.evidence.size() < 2) return std::nullopt;
    std::vector<Statement> other = m.evidence;
    std::ranges::shuffle(other, random);
    return two_lists(m, {}, m.evidence, other);
  });
}

TEST_CASE("law: s nats split in two = one") {
  law(20261203, models(150), [](Random& random) -> std::optional<Saying> {
    const RandomModel m = base(random, reference::commuting_kinds());
    const Statement whole = claim(random, m, reference::below(random, 3) == 0 ? Kind::likelihoods : Kind::odds);
    if (whole.kind == Kind::likelihoods && !has_labels(whole)) return std::nullopt;
    const double part = reference::uniform(random);
    Statement first = whole, second = whole;
    first.number = std::pow(whole.number, part);
    second.number = whole.number / first.number;
    for (std::size_t v = 0; v < whole.numbers.size(); ++v) {
      first.numbers[v] = std::pow(whole.numbers[v], part);
      second.numbers[v] = whole.numbers[v] / first.numbers[v];
    }
    return two_lists(m, m.evidence, with(random, m.evidence, whole),
                     with(random, with(random, m.evidence, first), second));
  });
}

TEST_CASE("law: k and 1/k cancel, and cost twice") {
  law(
      20261204, models(150),
      [](Random& random) -> std::optional<Saying> {
        const RandomModel m = base(random, reference::commuting_kinds());
        Statement said = claim(random, m, Kind::odds);
        Statement retracted = said;
        retracted.number = 1 / said.number;
        Saying s = two_lists(m, m.evidence, m.evidence, with(random, with(random, m.evidence, said), retracted));
        s.costs_more = 2 * std::abs(std::log(said.number));
        return s;
      },
      false);
}

TEST_CASE("law: weight 2 = observing twice, weight 3 = three times") {
  law(20261206, models(150), [](Random& random) -> std::optional<Saying> {
    const RandomModel m = base(random, reference::commuting_kinds());
    Statement weighted = claim(random, m, Kind::weight);
    const int times = 2 + reference::below(random, 2);
    weighted.number = times;
    Statement observed = weighted;
    observed.kind = Kind::hard_outcome;
    std::vector<Statement> other = m.evidence;
    for (int i = 0; i < times; ++i) other = with(random, other, observed);
    return two_lists(m, m.evidence, with(random, m.evidence, weighted), other);
  });
}

TEST_CASE("law: Jeffrey's rule restated is idempotent, and free") {
  law(20261207, models(150), [](Random& random) -> std::optional<Saying> {
    const RandomModel m = base(random, reference::all_kinds());
    const Statement target = reference::random_statement(random, m, {Kind::jeffrey, Kind::targets});
    std::vector<Statement> one = m.evidence;
    one.push_back(target);
    std::vector<Statement> other = one;
    other.push_back(target);
    Saying s = two_lists(m, m.evidence, one, other);
    return s;
  });
}

TEST_CASE("law: Jeffrey's rule reaches its target under what stands before, and keeps the conditionals") {
  Random random(20261208);
  int compared = 0;
  for (int k = 0; k < models(150); ++k) {
    RandomModel m = base(random, reference::all_kinds());
    Statement target = claim(random, m, Kind::jeffrey);
    target.only_if.clear();
    const reference::Event probe = reference::random_event(random, m, 2);
    std::vector<Statement> after = m.evidence;
    after.push_back(target);
    m.evidence = after;
    const reference::Enumeration expected(m);
    if (expected.impossible()) continue;
    ++compared;
    std::vector<Statement> before(after.begin(), after.end() - 1);
    const std::string a = m.text(target.event), b = m.text(probe);
    const std::string script =
        m.declarations() + m.infer("before", before) + m.infer("after", after) +
        fmt::format(
            "print P({0} | after), P({1} | before, {0}), P({1} | after, {0}), P({1} | before, !({0})), "
            "P({1} | after, !({0}));\n",
            a, b);
    CAPTURE(script);
    const Run r = run(script, reference_backend());
    CAPTURE(r.first_error());
    REQUIRE(r.errors.empty());
    REQUIRE(close(r.values.at(0), target.number));
    REQUIRE(close(r.values.at(1), r.values.at(2)));
    REQUIRE(close(r.values.at(3), r.values.at(4)));
  }
  CHECK(compared > models(150) / 2);
}

TEST_CASE("law: a claim on which all hypotheses agree changes nothing, and costs") {
  law(
      20261209, models(150),
      [](Random& random) -> std::optional<Saying> {
        const RandomModel m = base(random, reference::commuting_kinds());
        Statement agreed = claim(random, m, Kind::odds_outcome);
        agreed.only_if.clear();
        agreed.outcome.given = reference::random_conditional(random, m, {}, agreed.outcome.given.cardinality);
        Saying s = two_lists(m, m.evidence, m.evidence, with(random, m.evidence, agreed));
        s.same_evidence = false;  // it does have a probability
        s.costs_more = std::abs(std::log(agreed.number));
        return s;
      },
      false);
}

TEST_CASE("law: hard evidence on a claimed token erases the claim") {
  reference::Shape shape;
  shape.stream = true;
  law(20261210, models(150), [&](Random& random) -> std::optional<Saying> {
    RandomModel m = base(random, reference::commuting_kinds(), shape);
    const auto tokens = m.tokens();
    const std::size_t token =
        tokens[static_cast<std::size_t>(reference::below(random, static_cast<int>(tokens.size())))];
    Statement hard;
    hard.kind = Kind::hard;
    hard.event = reference::is(token, reference::below(random, m.cardinality(token)));
    Statement said = claim(random, m, Kind::odds), list = said;
    said.only_if.clear();
    said.event = reference::is(token, reference::below(random, m.cardinality(token)));
    list.kind = Kind::likelihoods;
    list.only_if.clear();
    list.event = said.event;
    list.numbers.clear();
    for (int v = 0; v < m.cardinality(token); ++v) list.numbers.push_back(std::exp(reference::uniform(random, -2, 2)));
    const std::vector<Statement> one = with(random, m.evidence, hard);
    Saying s = two_lists(m, m.evidence, one, with(random, with(random, one, said), list));
    s.same_evidence = false;  // the constant that the claim multiplies by
    const auto [low, high] = std::ranges::minmax_element(list.numbers);
    s.costs_more = std::abs(std::log(said.number)) + std::log(*high / *low);
    return s;
  });
}

TEST_CASE("law: an event charged through a finer algebra = through a coarser one") {
  reference::Shape shape;
  shape.stream = true;
  law(20261211, models(150), [&](Random& random) -> std::optional<Saying> {
    RandomModel m = base(random, reference::commuting_kinds(), shape);
    const auto tokens = m.tokens();
    const std::size_t token =
        tokens[static_cast<std::size_t>(reference::below(random, static_cast<int>(tokens.size())))];
    if (m.cardinality(token) < 3) return std::nullopt;
    // The first two tokens as one block, or as two cells with the same likelihood.
    Statement said = claim(random, m, Kind::odds);
    said.only_if.clear();
    said.event = reference::is(token, 0);
    said.event.kind = reference::Event::Kind::member;
    said.event.values = {0, 1};
    const auto& labels = m.nodes[token].labels;
    const std::string& t = m.nodes[token].text;
    const std::string coarse = fmt::format(
        "{} odds {}", reference::below(random, 2) == 0 ? t + " in low" : fmt::format("block({}, Coarse) == low", t),
        said.number);
    const std::string fine =
        fmt::format("{0} likelihoods {{{1}: {4}, {2}: {4}, {3}: 1}}", t, labels[0], labels[1], labels[2], said.number);
    const auto given = [&](const std::string& name, const std::string& last) {
      std::string text = fmt::format("let {} = infer M given {{\n", name);
      for (const Statement& s : m.evidence) text += "  " + m.text(s) + "\n";
      return text + fmt::format("  soft observe {};\n}};\n", last);
    };
    Saying s;
    s.one =
        m.declarations() +
        fmt::format("algebra Coarse over T {{ low = {{{}, {}}}; high = {{{}}}; }}\n", labels[0], labels[1], labels[2]) +
        given("one", coarse);
    s.other = given("other", fine);
    s.without = m.evidence;
    m.evidence.push_back(said);
    s.model = std::move(m);
    return s;
  });
}
