// What is accepted, and the tree that it becomes.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <variant>

#include "tests/unit/lang/parse/helpers.h"

using namespace hearsay;
using hearsay::testing::Parsed;

namespace {

/// The expression, parenthesised fully: what the parser made of it, whatever the printer would omit.
std::string grouped(const ast::Expr& e);

std::string grouped_binary(const ast::Binary& b) {
  static constexpr const char* spelling[] = {
      "+", "-", "*", "/", "%", "@", "^", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"};
  return "(" + grouped(*b.left) + spelling[static_cast<int>(b.op)] + grouped(*b.right) + ")";
}

std::string grouped(const ast::Expr& e) {
  if (const auto* b = std::get_if<ast::Binary>(&e.node)) return grouped_binary(*b);
  if (const auto* u = std::get_if<ast::Unary>(&e.node)) {
    return (u->op == ast::UnaryOp::negate ? "(-" : "(!") + grouped(*u->operand) + ")";
  }
  if (const auto* r = std::get_if<ast::Range>(&e.node)) return "(" + grouped(*r->low) + ".." + grouped(*r->high) + ")";
  return ast::print(e);
}

std::string expression(const char* text) {
  SourceManager sources;
  DiagnosticSink sink;
  const ast::ExprPtr e = parse_expression(sources, sources.add("expr", text), sink);
  if (!e) return sink.all().empty() ? "nothing" : std::string(code(sink.all()[0].kind));
  return grouped(*e);
}

}  // namespace

TEST_CASE("parse: precedence and associativity") {
  CHECK(expression("a+b*c") == "(a+(b*c))");
  CHECK(expression("a-b-c") == "((a-b)-c)");
  CHECK(expression("a/b*c@d%e") == "((((a/b)*c)@d)%e)");
  CHECK(expression("a^b^c") == "(a^(b^c))");
  CHECK(expression("-a^b") == "(-(a^b))");
  CHECK(expression("a^-b") == "(a^(-b))");
  CHECK(expression("a^-b^c*d") == "((a^(-(b^c)))*d)");
  CHECK(expression("-a*b") == "((-a)*b)");
  CHECK(expression("a - -b") == "(a-(-b))");
  CHECK(expression("a*-b+c") == "((a*(-b))+c)");
  CHECK(expression("!a == b") == "(!(a==b))");
  CHECK(expression("not a && b") == "((!a)&&b)");
  CHECK(expression("a or b and c") == "(a||(b&&c))");
  CHECK(expression("a || b && c || d") == "((a||(b&&c))||d)");
  CHECK(expression("a + 1 < b - 1") == "((a+1)<(b-1))");
  CHECK(expression("x in 1..N-1") == "(xin(1..(N-1)))");
  CHECK(expression("1..10") == "(1..10)");
  CHECK(expression("1.5...5") == "(1.5...5)");
  CHECK(expression("(a+b)*c") == "((a+b)*c)");
  CHECK(expression("a<-1") == "(a<(-1))");
  CHECK(expression("x[1].y[2]^2") == "(x[1].y[2]^2)");
}

TEST_CASE("parse: one expression fills the whole text") {
  CHECK(expression("") == "E0101");
  CHECK(expression("a b") == "E0101");
  CHECK(expression("a;") == "E0101");
  CHECK(expression("P(e || f | post, c)") == "P(e || f | post, c)");
  CHECK(expression("infer M given { observe e; }") == "infer M given {\n  observe e;\n}");
}

TEST_CASE("parse: numbers keep their text and have the nearest double") {
  std::mt19937_64 random(20260101);
  for (int i = 0; i < 2000; ++i) {
    double expected = std::bit_cast<double>(random() & 0x7FFFFFFFFFFFFFFFULL);
    if (!(expected <= 1e308 && expected >= 1e-300)) continue;
    char text[64];
    std::snprintf(text, sizeof text, "%.17e", expected);
    SourceManager sources;
    DiagnosticSink sink;
    const ast::ExprPtr e = parse_expression(sources, sources.add("n", text), sink);
    REQUIRE(e);
    const auto* n = std::get_if<ast::Number>(&e->node);
    REQUIRE(n);
    CHECK(n->real == expected);
    CHECK_FALSE(n->is_integer);
    CHECK(n->text == text);
  }
  SourceManager sources;
  DiagnosticSink sink;
  const ast::ExprPtr e = parse_expression(sources, sources.add("n", "9223372036854775807"), sink);
  REQUIRE(e);
  CHECK(std::get<ast::Number>(e->node).integer == INT64_MAX);
  CHECK(std::get<ast::Number>(e->node).is_integer);
  CHECK(expression("9223372036854775808") == "E0108");
  CHECK(expression("1e400") == "E0108");
  CHECK(expression("1_000") == "E0107");
  CHECK(expression("3nats") == "E0107");
  CHECK(expression("1.2.3") == "E0107");
  CHECK(expression("1e") == "E0107");
  CHECK(expression(".5e-3") == ".5e-3");
}

TEST_CASE("parse: words of the grammar are names wherever that is unambiguous") {
  for (const char* word :
       {"weight", "share",   "nats",        "to",       "from",     "odds",    "labels", "budget", "schedule",
        "source", "check",   "event",       "report",   "next",     "print",   "expect", "factor", "plot",
        "export", "map",     "algebra",     "over",     "emit",     "emits",   "within", "around", "using",
        "via",    "through", "jointly",     "generate", "robust",   "channel", "base",   "up",     "until",
        "spent",  "forever", "likelihoods", "on",       "calibrate"}) {
    CAPTURE(word);
    const std::string w = word;
    Parsed p("let " + w + " = 1; let x = " + w + " + f(" + w + ": " + w + ", {" + w + ": 1}); " + w + " ~ d(" + w +
             ");");
    CHECK(p.errors() == std::vector<std::string>{});
    CHECK(p.script.statements.size() == 3);
  }
}

TEST_CASE("parse: reserved words are no names") {
  for (const char* word : {"and", "dist",  "else", "false",   "fn", "for",  "given", "if",   "import", "in",  "infer",
                           "let", "model", "not",  "observe", "or", "soft", "teach", "then", "tokens", "true"}) {
    CAPTURE(word);
    Parsed p("let " + std::string(word) + " = 1; let y = 2;");
    CHECK(p.errors() == std::vector<std::string>{"E0114 at " + std::string(word)});
    CHECK(p.script.statements.size() == 1);
  }
}

TEST_CASE("parse: strengths") {
  const auto strength = [](const std::string& clauses) {
    Parsed p("soft observe e " + clauses + ";");
    return p.sink.has_errors() ? p.errors()[0] : p.outline();
  };
  const std::string head = "soft observe\n  name e\n";
  CHECK(strength("odds 2") == head + "  strength odds\n    value\n      integer 2\n");
  CHECK(strength("from s share 0.5") == head + "  strength by schedule\n  from s\n  share\n    real 0.5\n");
  CHECK(strength("share 0.5 from s") == strength("from s share 0.5"));
  CHECK(strength("confidence 0.9 base 0.5") ==
        head + "  strength confidence\n    value\n      real 0.9\n    extra\n      real 0.5\n");
  CHECK(
      strength("~ d() weight w within 1 nats around r from t") ==
      head +
          "  distribution\n    call d\n  strength weight within\n    value\n      name w\n    extra\n      integer 1\n"
          "    reference\n      name r\n  from t\n");
  CHECK(strength("~ d() robust 0.5 weight 0.2") ==
        head + "  distribution\n    call d\n  strength robust\n    value\n      real 0.5\n    extra\n      real 0.2\n");
  CHECK(strength("to {a: .7, b: .3}") == head +
                                             "  strength to\n    value\n      label map\n        label a\n          "
                                             "real .7\n        label b\n          real .3\n");
  CHECK(strength("odds 2 odds 3").starts_with("E0101"));
  CHECK(strength("from a from b") == "E0115 at b");
  CHECK(strength("") == "E0121 at ;");
}

TEST_CASE("parse: schedules, plates, truncation, else-if") {
  CHECK(Parsed("source s(schedule: until spent(odds: 2), budget: 3 nats);").printed() ==
        "source s(budget: 3 nats, schedule: until spent(odds: 2));\n");
  CHECK(Parsed("source s(schedule: until_spent(odds: 2));").printed() == "source s(schedule: until spent(odds: 2));\n");
  CHECK(Parsed("x[N, i in 1..K] ~ cauchy(0, 5) in (0, inf];").outline() ==
        "sample x\n  plate\n    name N\n  plate i\n    integer 1\n    name K\n  distribution\n    call cauchy\n      "
        "argument\n"
        "        integer 0\n      argument\n        integer 5\n  in\n    above\n      integer 0\n    to\n      name "
        "inf\n");
  CHECK(Parsed("emit[t] ~ point(a);").outline() ==
        "emit t\n  distribution\n    call point\n      argument\n        name a\n");
  CHECK(Parsed("if a { } else if b { } else { c; }").outline() ==
        "if\n  name a\n  else\n    if\n      name b\n      else\n        expression\n          name c\n");
  CHECK(Parsed("if a then b else c;").outline() == "expression\n  conditional\n    name a\n    name b\n    name c\n");
  CHECK(Parsed("fn f(x: real in {1, 2}, y: int[3] in [0, n)) -> simplex[K] = x;").printed() ==
        "fn f(x: real in {1, 2}, y: int[3] in [0, n)) -> simplex[K] = x;\n");
}

TEST_CASE("parse: spans cover what was written") {
  Parsed p("let a = (b + c) * d[1];  # comment\nprint x . y;");
  REQUIRE(p.errors() == std::vector<std::string>{});
  const auto& let = std::get<ast::LetStmt>(p.script.statements[0]->node);
  CHECK(p.sources.text(p.script.statements[0]->span) == "let a = (b + c) * d[1];");
  CHECK(p.sources.text(let.name.span) == "a");
  CHECK(p.sources.text(let.value->span) == "(b + c) * d[1]");
  const auto& product = std::get<ast::Binary>(let.value->node);
  CHECK(p.sources.text(product.op_span) == "*");
  CHECK(p.sources.text(product.left->span) == "(b + c)");
  CHECK(p.sources.text(product.right->span) == "d[1]");
  const auto& print = std::get<ast::PrintStmt>(p.script.statements[1]->node);
  CHECK(p.sources.text(print.values[0]->span) == "x . y");
}

TEST_CASE("parse: byte order mark, CRLF, empty files") {
  CHECK(Parsed("").errors().empty());
  CHECK(Parsed("\xEF\xBB\xBF").errors().empty());
  CHECK(Parsed("  # only a comment").errors().empty());
  Parsed p("\xEF\xBB\xBFlet a = 1;\r\n# c\r\nlet b = 2;\r\n");
  CHECK(p.errors().empty());
  CHECK(p.script.statements.size() == 2);
}
