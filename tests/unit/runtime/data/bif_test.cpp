#include "runtime/data/bif.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <numeric>
#include <random>

#include "runtime/data/cycle.h"
#include "tests/unit/runtime/data/shared_files.h"

using namespace hearsay;
using namespace hearsay::data;

namespace {

struct Outcome {
  SourceManager sources;
  DiagnosticSink sink;
  std::optional<BayesNet> net;

  /// `CODE@line:column message` of each error.
  [[nodiscard]] std::string errors() const {
    std::string text;
    for (const Diagnostic& d : sink.all()) {
      const auto [line, column] = sources.locate(d.primary.file, d.primary.begin);
      text += fmt::format("{}@{}:{} {}\n", code(d.kind), line, column, d.message);
    }
    return text;
  }
};

Outcome read(std::string text) {
  Outcome out;
  const FileId file = out.sources.add("n.bif", std::move(text));
  out.net = parse_bif(file, out.sources, out.sink);
  CHECK(out.net.has_value() != out.sink.has_errors());
  return out;
}

BayesNet good(std::string text) {
  Outcome out = read(std::move(text));
  if (!out.net) FAIL("refused:\n" << out.errors());
  return std::move(*out.net);
}

std::string bad(std::string text) {
  const Outcome out = read(std::move(text));
  return out.errors();
}

const std::string two_variables =
    "variable a { type discrete [ 2 ] { yes, no }; }\n"
    "variable b { type discrete [ 3 ] { lo, mid, hi }; }\n";
const std::string table_a = "probability ( a ) { table 0.25, 0.75; }\n";
const std::string table_b = "probability ( b | a ) { (yes) 0.5, 0.25, 0.25; (no) 1, 0, 0; }\n";

}  // namespace

TEST_CASE("a network is read as it is written") {
  const BayesNet net = good("network n {\n}\n" + two_variables + table_a + table_b);
  CHECK(net.name == "n");
  CHECK(net.variables == std::vector<BifVariable>{{"a", {"yes", "no"}}, {"b", {"lo", "mid", "hi"}}});
  CHECK(net.tables == std::vector<Cpt>{{0, {}, {0.25, 0.75}}, {1, {0}, {0.5, 0.25, 0.25, 1, 0, 0}}});
}

TEST_CASE("blocks in any order, comments, properties, quoted and odd names") {
  const BayesNet net = good(
      "\xEF\xBB\xBF// first\nprobability ( \"big x\" | LowerBody-O2 ) {\n  property p = { ;\n"
      "  (<5) 1.0, 0.0; /* (5-12) 9; */ (\"5-12\") .5 5.0E-1; (12+)1e-05,0.99999;// end\n}\n"
      "variable \"big x\" { property position = (73, 165) ; type discrete[2]{\"a b\" Asy/Patchy}; }\n"
      "network \"the net\" { property source http://example.org/x; property author \"J; {K}\"; }\n"
      "variable LowerBody-O2 { type discrete [ 3 ] { <5, 5-12, 12+ }; property q; }/**/"
      "probability(LowerBody-O2){table 0.25,0.25,0.5;}");
  CHECK(net.name == "the net");
  CHECK(net.variables ==
        std::vector<BifVariable>{{"big x", {"a b", "Asy/Patchy"}}, {"LowerBody-O2", {"<5", "5-12", "12+"}}});
  CHECK(net.tables[0].table == std::vector<double>{1, 0, 0.5, 0.5, 1e-05, 0.99999});
}

TEST_CASE("`table` with parents counts the child slowest") {
  // F. Cozman's example in the description of the format: light-on given family-out.
  const BayesNet net = good(
      "variable light-on { type discrete[2] { true false }; } variable family-out { type discrete[2] { true false }; }"
      "probability ( family-out ) { table 0.15 0.85; }"
      "probability ( light-on family-out ) { table 0.6 0.05 0.4 0.95; }");
  CHECK(net.tables[0] == Cpt{0, {1}, {0.6, 0.4, 0.05, 0.95}});
}

TEST_CASE("rows come in any order and `default` fills the others") {
  const std::string variables =
      "variable a { type discrete [ 2 ] { a0, a1 }; } variable b { type discrete [ 2 ] { b0, b1 }; }"
      "variable c { type discrete [ 2 ] { c0, c1 }; }"
      "probability ( a ) { table 0.5, 0.5; } probability ( b ) { default 0.5, 0.5; }";
  const BayesNet net =
      good(variables + "probability ( c | b, a ) { (b1, a0) 0.1, 0.9; default 0.3, 0.7; (b0, a1) 0.2, 0.8; }");
  CHECK(net.tables[2] == Cpt{2, {1, 0}, {0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.3, 0.7}});
}

TEST_CASE("rows that were rounded hard are made to sum to one, the others are left alone") {
  const std::string variable = "variable a { type discrete [ 3 ] { x, y, z }; }\n";
  const auto row = [&](const std::string& numbers) {
    return good(variable + "probability ( a ) { table " + numbers + "; }").tables[0].table;
  };
  CHECK(row("0.1, 0.2, 0.7") == std::vector<double>{0.1, 0.2, 0.7});
  for (const double p : row("0.3333, 0.3333, 0.3333")) CHECK(p == doctest::Approx(1.0 / 3).epsilon(1e-15));
  CHECK(row("0.50005, 0.50005, 0")[0] == doctest::Approx(0.5).epsilon(1e-15));
  // Six printed digits or more: left as they stand; fewer: divided by the sum, with a warning.
  CHECK(row("0.333333, 0.333333, 0.333333") == std::vector<double>(3, 0.333333));
  CHECK(row("0.3333333, 0.3333333, 0.3333333") == std::vector<double>(3, 0.3333333));
  CHECK(read(variable + "probability ( a ) { table 0.333333, 0.333333, 0.333333; }").sink.all().empty());
  CHECK(read(variable + "probability ( a ) { table 0.33333, 0.33333, 0.33333; }").errors() ==
        "W0631@2:27 the probabilities of `a` sum to 0.99999: taken as rounded, and divided by their sum\n");
  CHECK(row("1, -0, 0")[1] == 0);
  CHECK_FALSE(std::signbit(row("1, -0.0, 0")[1]));
  CHECK(bad(variable + "probability ( a ) { table 0.3333, 0.3333, 0.333; }") ==
        "E0628@2:27 the probabilities of `a` sum to 0.9996, not to 1\n");
  CHECK(bad(variable + "probability ( a ) { table 0.5, 0.5, 0.0002; }").starts_with("E0628@2:27 "));
}

TEST_CASE("errors of meaning name the place; one reading finds several") {
  CHECK(bad(two_variables + table_a + "probability ( b | A ) { (yes) 1, 0, 0; }\n") ==
        "E0621@4:19 there is no variable `A` in this network\n");
  CHECK(bad(two_variables + table_a +
            "probability ( b | a ) {\n  (ye) 1, 0, 0;\n  (no) 0.5, 0.5;\n  (no, no) 1, 0, 0;\n  (yes) 2, -1, "
            "inf;\n}\n") ==
        "E0622@5:4 the variable `a` has no state `ye`\n"
        "E0624@6:8 found 2 numbers, expected 3\n"
        "E0624@7:3 found 2 states, expected one for each of 1 parent\n"
        "E0627@8:9 2 is not a probability\n"
        "E0627@8:12 -1 is not a probability\n"
        "E0627@8:16 inf is not a probability\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { (no) 1, 0, 0; }\n") ==
        "E0625@4:15 the table of `b` has no row for (yes)\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { (no) 1, 0, 0; (yes) 0, 0, 1;\n (no) 1, 0, 0; }\n") ==
        "E0623@5:2 the row (no) stands here twice\n");
  CHECK(bad(two_variables + table_a + table_b + table_a) == "E0623@5:15 the table of `a` stands here twice\n");
  CHECK(bad(two_variables + table_a) == "E0626@2:10 the variable `b` has no probability table\n");
  CHECK(bad(two_variables + table_a + "probability ( b ) { }") ==
        "E0626@4:15 the variable `b` has no probability table\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a, a ) { default 1, 0, 0; }") ==
        "E0623@4:22 the parent `a` stands here twice\n");
  CHECK(bad(two_variables + "variable a { type discrete [ 1 ] { x }; }\n" + table_a + table_b) ==
        "E0623@3:10 the variable `a` stands here twice\n");
  CHECK(bad("variable a { type discrete [ 2 ] { x, x }; }") == "E0623@1:39 the state `x` of `a` stands here twice\n");
  CHECK(bad("variable a { type discrete [ 3 ] { x, y }; }") ==
        "E0624@1:34 found 2 states, expected 3, the number in the brackets\n");
  CHECK(bad("variable a { type discrete [ 0 ] { }; }") == "E0624@1:34 found 0 states, expected at least one\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { (yes) 0.5, 0.5, 0.1; default 0.5, 0.5; }") ==
        "E0628@4:31 the probabilities of `b | yes` sum to 1.1, not to 1\nE0624@4:54 found 2 numbers, expected 3\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { table 1, 0, 0; }") ==
        "E0624@4:31 found 3 numbers, expected 6\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { (no) 1, 0, 0; table 1, 1, 0, 0, 0, 0; }") ==
        "E0623@4:39 the table of `b` stands here twice\n");
  CHECK(bad(two_variables + table_a + "probability ( b | a ) { default 1, 0, 0; default 1, 0, 0; }") ==
        "E0623@4:42 the `default` line stands here twice\n");
  CHECK(bad("network a { }\nnetwork b { }\n" + two_variables + table_a + table_b) ==
        "E0623@2:1 the `network` block stands here twice\n");
}

TEST_CASE("after an error of syntax the other blocks are still read") {
  CHECK(bad("variable a { type discrete [ 2 ] yes, no }; }\n" + two_variables + table_a +
            "probability ( b | a ) { (yes) 0.5 0.5 x; }\nprobability ( c ) { table 1; }\n") ==
        "E0620@1:34 expected `{`, found `yes`\n"
        "E0620@5:39 expected a probability, found `x`\n"
        "E0621@6:15 there is no variable `c` in this network\n");
  for (const std::string text : {"",
                                 " ",
                                 "x",
                                 "network",
                                 "network n",
                                 "network n {",
                                 "variable",
                                 "variable a",
                                 "variable a {",
                                 "variable a { }",
                                 "variable a { type }",
                                 "variable a { type continuous; }",
                                 "variable a { type discrete [ x ] { x }; }",
                                 "variable a { type discrete [ -1 ] { x }; }",
                                 "variable a { type discrete [ 99999999999999999999 ] { x }; }",
                                 "variable a { type discrete [ 1 ] { x, }; }",
                                 "variable a { type discrete [ 1 ] { ,x }; }",
                                 "variable a { type discrete [ 1 ] { x } }",
                                 "variable a { type discrete [ 1 ] { x }; ",
                                 "probability",
                                 "probability (",
                                 "probability ( )",
                                 "probability ( a",
                                 "/* open",
                                 "variable \"a",
                                 "variable { }",
                                 "}",
                                 "{",
                                 ";",
                                 "variable a { property p }",
                                 "variable a { property p"}) {
    CAPTURE(text);
    CHECK(bad(text).starts_with("E0620@1:"));
  }
  for (const std::string block :
       {"probability ( b | ) { default 1, 0, 0; }", "probability ( b a, ) { default 1, 0, 0; }",
        "probability ( b | a ) ", "probability ( b | a ) { (yes 1, 0, 0; }",
        "probability ( b | a ) { default 1, 0, 0 }", "probability ( b | a ) { default ; }",
        "probability ( b | a ) { default 1,, 0, 0; }", "probability ( b | a ) { default 1, 0, 0,; }",
        "probability ( b | a ) { default 1, 0, 0; ", "probability ( b | a ) { default \"1\", 0, 0; }",
        "probability ( b | a ) { row 1, 0, 0; }", "probability ( b | a ) { (yes,) 1, 0, 0; }",
        "probability ( b | a ) { default 1, 0, 0; } }", "probability ( b | a ) { default 1, 0, 0x; }",
        "probability ( | a ) { default 1, 0, 0; }"}) {
    CAPTURE(block);
    CHECK(bad(two_variables + table_a + block).starts_with("E0620@4:"));
  }
}

TEST_CASE("bytes that are no text, endless lists of errors, tables without end") {
  CHECK(bad(std::string("network a { }\n\0", 15)) == "E0603@2:1 n.bif:2:1: a NUL byte\n");
  CHECK(bad("network \xff { }") == "E0603@1:9 n.bif:1:9: byte 0xff, which is not valid UTF-8\n");
  std::string many = two_variables;
  for (int i = 0; i < 1000; ++i) many += "probability ( nobody ) { table 1; }\n";
  CHECK(read(many).sink.all().size() == 20);
  std::string wide;
  std::string parents;
  for (int i = 0; i < 64; ++i) {
    wide +=
        fmt::format("variable p{} {{ type discrete [ 2 ] {{ x, y }}; }} probability ( p{} ) {{ table 1, 0; }}\n", i, i);
    parents += fmt::format("{}p{}", i == 0 ? "" : ", ", i);
  }
  const std::string errors =
      bad(wide + two_variables + table_a + "probability ( b | " + parents + " ) { default 1, 0, 0; }\n");
  CHECK(errors == "E0630@68:15 the table of `b` would hold more than 67108864 numbers\n");
  CHECK(bad(std::string(100000, '{')).starts_with("E0620@1:1 "));
  CHECK(bad(std::string(100000, '(')).starts_with("E0620@1:1 "));
}

TEST_CASE("a circle is named") {
  const auto chain = [](const std::vector<std::pair<int, int>>& edges, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) {
      text += fmt::format("variable v{} {{ type discrete [ 2 ] {{ x, y }}; }}\nprobability ( v{}", i, i);
      for (const auto& [parent, child] : edges)
        if (child == i) text += fmt::format(" v{}", parent);
      text += " ) { default 0.5, 0.5; }\n";
    }
    return text;
  };
  CHECK(bad(chain({{0, 1}, {1, 2}, {2, 0}}, 4)) ==
        "E0629@2:15 variables depend on each other in a circle: v0 -> v1 -> v2 -> v0\n");
  CHECK(bad(chain({{0, 1}, {2, 3}, {3, 2}, {0, 3}}, 4)) ==
        "E0629@6:15 variables depend on each other in a circle: v2 -> v3 -> v2\n");
  good(chain({{0, 1}, {0, 2}, {1, 3}, {2, 3}}, 4));
  CHECK(bad(chain({{1, 1}}, 2)).starts_with("E0629@4:15 variables depend on each other in a circle: v1 -> v1\n"));
  CHECK(find_cycle({{2}, {0}, {1}}) == std::vector<std::size_t>{0, 1, 2});
  std::vector<std::vector<std::size_t>> long_chain(1'000'000);
  for (std::size_t i = 0; i + 1 < long_chain.size(); ++i) long_chain[i] = {i + 1};
  CHECK(find_cycle(long_chain).empty());
  long_chain.back() = {0};
  CHECK(find_cycle(long_chain).size() == long_chain.size());
}

namespace {

/// A random acyclic network whose rows are rounded to so many sixteenths that they sum to 1 without error.
BayesNet random_net(std::mt19937_64& random) {
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> odd = {"<5",  ">=7.5", "12+",     "0-3_days", "Asy/Patchy",
                                        "a b", "table", "default", "=",        "x.1"};
  BayesNet net;
  net.name = "random";
  const std::size_t n = 1 + pick(8);
  for (std::size_t v = 0; v < n; ++v) {
    BifVariable variable{fmt::format("{}v{}", pick(4) == 0 ? "the " : "", v), {}};
    for (std::size_t s = 1 + pick(4); s > 0; --s)
      variable.states.push_back(pick(3) == 0 ? odd[pick(odd.size())] + std::to_string(s) : fmt::format("s{}", s));
    net.variables.push_back(std::move(variable));
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  net.tables.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    Cpt& cpt = net.tables[order[i]];
    cpt.child = order[i];
    for (std::size_t j = 0; j < i; ++j)
      if (cpt.parents.size() < 3 && pick(3) == 0) cpt.parents.push_back(order[j]);
    std::shuffle(cpt.parents.begin(), cpt.parents.end(), random);
    std::size_t rows = 1;
    for (const std::size_t p : cpt.parents) rows *= net.variables[p].states.size();
    const std::size_t width = net.variables[cpt.child].states.size();
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<double> row(width);
      for (int unit = 0; unit < 16; ++unit) row[pick(width)] += 1.0 / 16;
      cpt.table.insert(cpt.table.end(), row.begin(), row.end());
    }
  }
  return net;
}

/// The text of a network, with the liberties that the format leaves taken at random.
std::string to_bif(const BayesNet& net, std::mt19937_64& random) {
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto blank = [&] { return std::vector<std::string>{" ", "\n", "\t ", " /* x */ ", " // y\n"}[pick(5)]; };
  const auto name = [&](const std::string& s) {
    const bool quote = s.find(' ') != std::string::npos || pick(4) == 0;
    return quote ? '"' + s + '"' : s;
  };
  const auto comma = [&] { return pick(3) == 0 ? blank() : ',' + blank(); };
  std::vector<std::string> blocks{"network" + blank() + net.name + blank() + "{" + blank() + "}" + blank()};
  for (std::size_t v = 0; v < net.variables.size(); ++v) {
    const BifVariable& variable = net.variables[v];
    std::string text = "variable" + blank() + name(variable.name) + " {" + blank() + "type discrete [ " +
                       std::to_string(variable.states.size()) + " ] {" + blank();
    for (std::size_t s = 0; s < variable.states.size(); ++s) text += (s == 0 ? "" : comma()) + name(variable.states[s]);
    blocks.push_back(text + blank() + "};" + blank() + "}" + blank());
    const Cpt& cpt = net.tables[v];
    text = "probability" + blank() + "(" + name(variable.name);
    for (std::size_t p = 0; p < cpt.parents.size(); ++p)
      text += (p == 0 ? std::vector<std::string>{" | ", " ", "|"}[pick(3)] : comma()) +
              name(net.variables[cpt.parents[p]].name);
    text += " )" + blank() + "{" + blank();
    const std::size_t width = variable.states.size();
    const std::size_t rows = cpt.table.size() / width;
    if (cpt.parents.empty() || pick(3) == 0) {
      text += "table" + blank();
      for (std::size_t i = 0; i < cpt.table.size(); ++i)
        text += (i == 0 ? "" : comma()) + fmt::format("{}", cpt.table[i % rows * width + i / rows]);
      text += ";" + blank();
    } else {
      std::vector<std::size_t> order(rows);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::shuffle(order.begin(), order.end(), random);
      for (const std::size_t row : order) {
        std::vector<std::size_t> states(cpt.parents.size());
        std::size_t rest = row;
        for (std::size_t p = cpt.parents.size(); p-- > 0;) {
          states[p] = rest % net.variables[cpt.parents[p]].states.size();
          rest /= net.variables[cpt.parents[p]].states.size();
        }
        text += "(";
        for (std::size_t p = 0; p < cpt.parents.size(); ++p)
          text += (p == 0 ? "" : comma()) + name(net.variables[cpt.parents[p]].states[states[p]]);
        text += ")" + blank();
        for (std::size_t s = 0; s < width; ++s)
          text += (s == 0 ? "" : comma()) + fmt::format("{}", cpt.table[row * width + s]);
        text += ";" + blank();
      }
    }
    blocks.push_back(text + "}" + blank());
  }
  // Variables keep their order (it is part of the answer); tables may stand anywhere.
  for (std::size_t i = 2; i < blocks.size(); i += 2)
    std::swap(blocks[i], blocks[2 + 2 * pick((blocks.size() - 1) / 2)]);
  std::string text;
  for (const std::string& block : blocks) text += block;
  return text;
}

}  // namespace

TEST_CASE("random networks are read back as they were written") {
  std::mt19937_64 random(1988);
  for (int round = 0; round < 500; ++round) {
    const BayesNet net = random_net(random);
    CHECK(good(to_bif(net, random)) == net);
  }
}

TEST_CASE("every prefix and every one-byte change of a network is read or refused") {
  const std::string text = "network n { }\n" + two_variables + table_a + table_b;
  for (std::size_t n = 0; n < text.size(); ++n) read(text.substr(0, n));
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : std::string("{}()[],;|\"/* 0a-\0\xff", 18)) {
      std::string changed = text;
      changed[i] = c;
      read(changed);
    }
  }
}

TEST_CASE("a network of a thousand variables is read fast") {
  // Like the largest published ones: a thousand variables, up to 21 states, a text of more than a megabyte.
  std::mt19937_64 random(5);
  std::string text = "network large {\n}\n";
  std::string tables;
  for (int v = 0; v < 1041; ++v) {
    const int states = v % 3 == 0 ? 21 : 5;
    text += fmt::format("variable R_LNLW_MED_{} {{\n  type discrete [ {} ] {{ ", v, states);
    for (int s = 0; s < states; ++s) text += fmt::format("{}M_S{}", s == 0 ? "" : ", ", s);
    text += " };\n}\n";
    tables += fmt::format("probability ( R_LNLW_MED_{}", v);
    const int parent_states = v == 0 ? 1 : ((v - 1) % 3 == 0 ? 21 : 5);
    if (v > 0) tables += fmt::format(" | R_LNLW_MED_{}", v - 1);
    tables += " ) {\n";
    for (int row = 0; row < parent_states; ++row) {
      tables += v == 0 ? "  table " : fmt::format("  (M_S{}) ", row);
      for (int s = 0; s < states; ++s) tables += fmt::format("{}{:.7f}", s == 0 ? "" : ", ", 1.0 / states);
      tables += ";\n";
    }
    tables += "}\n";
  }
  text += tables;
  CHECK(text.size() > 1'000'000);
  const std::clock_t start = std::clock();  // processor time: a busy machine does not matter
  const BayesNet net = good(text);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  MESSAGE(text.size() << " bytes: " << seconds << " s");
  CHECK(net.variables.size() == 1041);
  CHECK(seconds < 2);  // the aim is 0.1 s; the bound leaves room for sanitizers
}

TEST_CASE("published networks") {
  struct Expected {
    const char* file;
    std::size_t variables;
    std::size_t arcs;
    std::size_t parameters;  // free ones, as the bnlearn repository states them
  };
  for (const Expected& e : {Expected{"asia", 8, 8, 18}, Expected{"cancer", 5, 4, 10}, Expected{"survey", 6, 6, 21},
                            Expected{"alarm", 37, 46, 509}}) {
    const auto path = test::shared_path(fmt::format("data/networks/{}.bif", e.file));
    if (!path) continue;
    CAPTURE(e.file);
    Outcome out;
    out.net = read_bif(path->string(), {}, out.sources, out.sink);
    if (!out.net) FAIL(out.errors());
    CHECK(out.net->variables.size() == e.variables);
    std::size_t arcs = 0;
    std::size_t parameters = 0;
    for (const Cpt& cpt : out.net->tables) {
      arcs += cpt.parents.size();
      const std::size_t states = out.net->variables[cpt.child].states.size();
      parameters += cpt.table.size() / states * (states - 1);
      for (std::size_t i = 0; i < cpt.table.size(); i += states) {
        const double sum = std::accumulate(cpt.table.begin() + static_cast<std::ptrdiff_t>(i),
                                           cpt.table.begin() + static_cast<std::ptrdiff_t>(i + states), 0.0);
        CHECK(std::abs(sum - 1) <= row_tolerance);
      }
    }
    CHECK(arcs == e.arcs);
    CHECK(parameters == e.parameters);
  }
}

TEST_CASE("a network file that is not there") {
  Outcome out;
  const SourceSpan from{FileId{0}, 1, 2};
  CHECK_FALSE(read_bif("/none/n.bif", from, out.sources, out.sink).has_value());
  REQUIRE(out.sink.all().size() == 1);
  CHECK(out.sink.all()[0].kind == DiagnosticKind::file_not_readable);
  CHECK(out.sink.all()[0].primary == from);
}
