// Metamorphic laws of models: other ways to write the same joint distribution, on random models.
#include <doctest/doctest.h>

#include "lang/parse/parse.h"
#include "lang/syntax/print.h"
#include "tests/stat/law.h"

using namespace hearsay;
using namespace hearsay::test;
using reference::Block;
using reference::Conditional;
using reference::Random;

namespace {

/// Both scripts in one would define the model twice, so each law here runs two sessions.
void same_answers(const RandomModel& m, const std::string& one, const std::string& other, const Settings& settings) {
  CAPTURE(one);
  CAPTURE(other);
  const Run a = run(one, settings), b = run(other, settings);
  CAPTURE(a.first_error());
  CAPTURE(b.first_error());
  REQUIRE(a.errors.empty());
  REQUIRE(b.errors.empty());
  REQUIRE(a.values.size() == m.questions.size() + 1);
  REQUIRE(b.values.size() == a.values.size());
  for (std::size_t i = 0; i < m.questions.size(); ++i) REQUIRE(close(b.values[i], a.values[i]));
  REQUIRE(close_nats(b.values.back(), a.values.back()));
}

/// `count` possible models that `rewrite` can do something with.
void rewritten(std::uint64_t seed, int count, const reference::Kinds& kinds,
               const std::function<std::optional<std::string>(Random&, const RandomModel&)>& rewrite,
               const Settings& settings = reference_backend(), const reference::Shape& shape = {}) {
  Random random(seed);
  for (int tries = 0, compared = 0; compared < count; ++tries) {
    REQUIRE(tries < 20 * count + 100);
    const RandomModel m = base(random, kinds, shape);
    if (reference::Enumeration(m).impossible()) continue;
    const auto other = rewrite(random, m);
    if (!other) continue;
    same_answers(m, m.script(), *other, settings);
    ++compared;
  }
}

/// The values of one numeric scalar in another order, in its table, its children's, and wherever it is mentioned.
void permute_values(RandomModel& m, std::size_t node, const std::vector<int>& to) {
  const auto table = [&](Conditional& c, bool own) {
    const Conditional old = c;
    std::vector<int> at(c.parents.size(), 0);
    for (std::size_t row = 0; row < old.rows(); ++row) {
      std::size_t rest = row, target = 0, stride = 1;
      for (std::size_t p = c.parents.size(); p-- > 0;) {
        const auto size = static_cast<std::size_t>(c.sizes[p]);
        at[p] = static_cast<int>(rest % size);
        rest /= size;
        const int moved = c.parents[p] == node ? to[static_cast<std::size_t>(at[p])] : at[p];
        target += stride * static_cast<std::size_t>(moved);
        stride *= size;
      }
      for (int v = 0; v < c.cardinality; ++v) {
        const int moved = own ? to[static_cast<std::size_t>(v)] : v;
        c.table[target * static_cast<std::size_t>(c.cardinality) + static_cast<std::size_t>(moved)] = old.at(row, v);
      }
    }
  };
  const std::function<void(reference::Event&)> event = [&](reference::Event& e) {
    if (e.variable == node && e.kind == reference::Event::Kind::atom) e.value = to[static_cast<std::size_t>(e.value)];
    if (e.variable == node && e.kind == reference::Event::Kind::member)
      for (int& v : e.values) v = to[static_cast<std::size_t>(v)];
    for (reference::Event& part : e.parts) event(part);
  };
  for (std::size_t v = 0; v < m.nodes.size(); ++v) table(m.nodes[v].given, v == node);
  for (Statement& s : m.evidence) {
    event(s.event);
    table(s.outcome.given, false);
    for (reference::Event& c : s.only_if) event(c);
  }
  for (reference::Event& q : m.questions) event(q);
}

/// The declarations in another order in which parents stand before children.
void permute_blocks(Random& random, RandomModel& m) {
  std::vector<Block> left = m.blocks, ordered;
  std::vector<bool> declared(m.nodes.size(), false);
  while (!left.empty()) {
    std::vector<std::size_t> ready;
    for (std::size_t b = 0; b < left.size(); ++b) {
      bool all = true;
      for (const std::size_t v : left[b].nodes)
        for (const std::size_t p : m.nodes[v].given.parents)
          all = all && (declared[p] || std::ranges::find(left[b].nodes, p) != left[b].nodes.end());
      if (all) ready.push_back(b);
    }
    const std::size_t b = ready[static_cast<std::size_t>(reference::below(random, static_cast<int>(ready.size())))];
    for (const std::size_t v : left[b].nodes) declared[v] = true;
    ordered.push_back(left[b]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(b));
  }
  m.blocks = std::move(ordered);
}

std::string printed(const std::string& text) {
  SourceManager sources;
  DiagnosticSink sink;
  const ast::Script script = parse_script(sources, sources.add("random", text), sink);
  REQUIRE(sink.take().empty());
  return ast::print(script);
}

}  // namespace

TEST_CASE("law: latents that are renamed, permuted and recoded give the same answers") {
  rewritten(20261301, models(150), reference::all_kinds(), [](Random& random, const RandomModel& m) {
    RandomModel other = m;
    for (std::size_t v = 0; v < other.nodes.size(); ++v)
      if (other.nodes[v].text.starts_with("x")) {
        // A name that sorts elsewhere.
        const std::string name =
            fmt::format("{}{}", static_cast<char>('a' + reference::below(random, 26)), other.nodes[v].text);
        other.nodes[v].text = name;
        for (Block& b : other.blocks)
          if (b.nodes[0] == v) b.name = name;
        if (other.nodes[v].values == reference::Node::Values::numbers) {
          std::vector<int> to;
          for (int k = 0; k < other.cardinality(v); ++k) to.push_back(k);
          std::ranges::shuffle(to, random);
          permute_values(other, v, to);
        }
      }
    permute_blocks(random, other);
    return std::optional(other.script());
  });
}

TEST_CASE("law: reparametrised (a latent as a function of noise) = the same events") {
  rewritten(20261302, models(150), reference::all_kinds(), [](Random&, const RandomModel& m) {
    RandomModel other = m;
    bool any = false;
    for (Block& b : other.blocks) {
      const reference::Node& n = other.nodes[b.nodes[0]];
      bool numbers = b.kind == Block::Kind::scalar && n.values == reference::Node::Values::numbers;
      for (const std::size_t p : n.given.parents)
        numbers = numbers && other.nodes[p].values == reference::Node::Values::numbers;
      if (!numbers || std::pow(n.given.cardinality, n.given.rows()) > 64) continue;
      b.noncentred = true;
      any = true;
    }
    return any ? std::optional(other.script()) : std::nullopt;
  });
}

TEST_CASE("law: a fresh draw that is claimed = a latent that is claimed") {
  rewritten(20261303, models(150), reference::all_kinds(), [](Random&, const RandomModel& m) {
    RandomModel other = m;
    bool any = false;
    for (Statement& s : other.evidence) {
      if (s.kind != Kind::odds_outcome) continue;
      reference::Node n;
      n.text = fmt::format("y{}", other.nodes.size());
      n.given = s.outcome.given;
      n.values = s.outcome.truth ? reference::Node::Values::truths : reference::Node::Values::numbers;
      // A latent has no token for a parent.
      for (const std::size_t p : n.given.parents)
        if (m.nodes[p].text.find("emit") == 0 || m.nodes[p].text.find("h[") == 0) return std::optional<std::string>();
      const std::size_t id = other.nodes.size();
      other.nodes.push_back(n);
      Block b;
      b.name = n.text;
      b.nodes = {id};
      other.blocks.push_back(b);
      s.kind = Kind::odds;
      s.event = reference::is(id, s.outcome.value);
      any = true;
    }
    return any ? std::optional(other.script()) : std::nullopt;
  });
}

TEST_CASE("law: a latent that is summed out = one that is enumerated") {
  reference::Shape shape;
  shape.stream = true;
  const auto enumerated = [](Random&, const RandomModel& m) { return std::optional(m.script("enumerate")); };
  rewritten(20261304, models(100), reference::all_kinds(), enumerated, reference_backend(), shape);
}

TEST_CASE("law: tables as data = tables as constants, folded or not") {
  const auto as_data = [](Random&, const RandomModel& m) {
    return std::optional(m.declarations(true) + m.infer("post", m.evidence, "", true) + m.ask("post") +
                         "print evidence(post);\n");
  };
  rewritten(20261305, models(100), reference::all_kinds(), as_data);
  Settings unfolded = reference_backend();
  unfolded.passes.specialise = false;
  rewritten(20261306, models(50), reference::all_kinds(), as_data, unfolded);
}

TEST_CASE("law: claims in a loop over data = claims written out") {
  reference::Shape shape;
  shape.stream = true;
  for (const bool folded : {true, false}) {
    Settings settings = reference_backend();
    settings.passes.specialise = folded;
    Random random(20261307);
    for (int compared = 0; compared < models(60);) {
      RandomModel m = base(random, {Kind::hard}, shape);
      const auto tokens = m.tokens();
      std::vector<std::string> labels, odds;
      std::string claims;
      for (const std::size_t t : tokens) {
        Statement s;
        s.event = reference::is(t, reference::below(random, m.cardinality(t)));
        s.number = std::exp(reference::uniform(random, -2, 2));
        labels.push_back(m.nodes[t].labels[static_cast<std::size_t>(s.event.value)]);
        odds.push_back(fmt::format("{}", s.number));
        m.evidence.push_back(s);
      }
      if (reference::Enumeration(m).impossible()) continue;
      std::string loop = m.declarations() + fmt::format("let labels = [{}];\nlet k = [{}];\n", fmt::join(labels, ", "),
                                                        fmt::join(odds, ", "));
      loop += "let post = infer M given {\n";
      for (const Statement& s : m.evidence)
        if (s.kind == Kind::hard) loop += "  " + m.text(s) + "\n";
      loop += fmt::format("  for i in 1..{} {{ soft observe emit[i] == labels[i] odds k[i]; }}\n}};\n", tokens.size());
      same_answers(m, m.script(), loop + m.ask("post") + "print evidence(post);\n", settings);
      ++compared;
    }
  }
}

TEST_CASE(
    "law: the joint factor of tokens is the product of theirs exactly when they are independent given the hypothesis") {
  // P(h | both) / P(h) against the product of P(h | one) / P(h), up to a constant, for all values of the hypotheses.
  for (const auto kind : {Block::Kind::independent, Block::Kind::markov, Block::Kind::hidden}) {
    Random random(20261308);
    int compared = 0, differ = 0;
    while (compared < models(40)) {
      reference::Shape shape;
      shape.stream = true;
      shape.stream_kind = kind;
      shape.most_variables = 6;
      const RandomModel m = reference::random_structure(random, shape);
      const auto tokens = m.tokens();
      if (tokens.size() < 2) continue;
      // The hypotheses: all assignments of the latents that the stream reads.
      std::vector<std::size_t> parents;
      for (const Block& b : m.blocks)
        if (b.kind == kind) parents = m.nodes[b.nodes[0]].given.parents;
      std::vector<reference::Event> hypotheses;
      const reference::Enumeration prior(m);
      for (int u = 0; u < m.cardinality(parents[0]); ++u)
        for (int v = 0; v < (parents.size() > 1 ? m.cardinality(parents[1]) : 1); ++v) {
          reference::Event h = reference::is(parents[0], u);
          if (parents.size() > 1) h = both(h, reference::is(parents[1], v));
          if (prior.probability(h) > 0) hypotheses.push_back(h);
        }
      if (hypotheses.size() < 2) continue;
      std::string script = m.declarations(), first, second;
      first = fmt::format("soft observe {} odds 5;", m.text(reference::is(tokens[0], 0)));
      second = fmt::format("soft observe {} odds 0.2;", m.text(reference::is(tokens[1], 1)));
      script += "let a = infer M given { " + first + " };\nlet b = infer M given { " + second +
                " };\nlet ab = infer M given { " + first + second + " };\n";
      for (const reference::Event& h : hypotheses)
        script += fmt::format("print P({0} | M), P({0} | a), P({0} | b), P({0} | ab);\n", m.text(h));
      CAPTURE(script);
      const Run r = run(script, reference_backend());
      CAPTURE(r.first_error());
      REQUIRE(r.errors.empty());
      REQUIRE(r.values.size() == 4 * hypotheses.size());
      const auto excess = [&](std::size_t h) {
        const auto log = [&](std::size_t i) { return std::log(r.values[4 * h + i]); };
        return log(3) - log(1) - log(2) + log(0);
      };
      bool product = true;
      for (std::size_t h = 1; h < hypotheses.size(); ++h) product = product && std::abs(excess(h) - excess(0)) <= 1e-9;
      if (kind == Block::Kind::independent) REQUIRE(product);
      differ += product ? 0 : 1;
      ++compared;
    }
    if (kind == Block::Kind::markov) CHECK(differ > compared / 2);
  }
}

TEST_CASE("law: print(parse(x)) is a fixed point and says the same") {
  rewritten(20261309, models(100), reference::all_kinds(), [](Random&, const RandomModel& m) {
    const std::string once = printed(m.script());
    CHECK(printed(once) == once);
    return std::optional(once);
  });
}

TEST_CASE("law: a script given in pieces = the script as a whole") {
  Random random(20261310);
  for (int k = 0; k < models(50); ++k) {
    const RandomModel m = base(random, reference::all_kinds());
    if (reference::Enumeration(m).impossible()) continue;
    const Run whole = run(m.script(), reference_backend());
    Run pieces;
    SessionOutput out;
    out.print = [&](const Printed& p) { pieces.values.push_back(p.value.array()->at(0).as_real()); };
    out.diagnostic = [&](const Diagnostic& d) { pieces.errors.push_back(d.message); };
    Session session(reference_backend(), out);
    for (const std::string& piece :
         {m.declarations(), m.infer("post", m.evidence), m.ask("post"), std::string("print evidence(post);\n")})
      session.run_text("piece", piece);
    CHECK(pieces.errors.empty());
    CHECK(pieces.values == whole.values);
  }
}
