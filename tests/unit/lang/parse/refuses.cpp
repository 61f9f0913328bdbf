// Errors: the code, the place, and that each is reported once and costs no more than its own statement.
#include <doctest/doctest.h>

#include <cctype>

#include "lang/support/explain.h"
#include "tests/unit/lang/parse/helpers.h"

using namespace hearsay;
using hearsay::testing::Parsed;

namespace {

using Errors = std::vector<std::string>;

/// Lists of errors print as lines, so that a failing check shows them.
std::string lines(const Errors& errors) {
  std::string result;
  for (const std::string& e : errors) result += e + "\n";
  return result;
}

Errors errors(const char* text) { return Parsed(text).errors(); }

std::string help(const char* text) {
  Parsed p(text);
  return p.sink.all().empty() ? "no error" : p.sink.all()[0].help;
}

}  // namespace

TEST_CASE("errors: seven in seven statements, and the others survive") {
  Parsed p(R"(model A {
  a ~ normal(0, 1;
  b ~ ;
  fine ~ normal(0, 1);
  let = 3;
  for i in 3 { c ~ normal(0, 1); }
  observe x ^ ;
  soft observe e 0.8;
  factor [1, 2;
  good ~ normal(0, 1);
}
let after = 1;)");
  CHECK(p.errors() ==
        Errors{"E0102 at ;", "E0101 at ;", "E0101 at =", "E0120 at 3", "E0101 at ;", "E0101 at 0.8", "E0102 at ;"});
  CHECK(p.printed() == "model A {\n  fine ~ normal(0, 1);\n  good ~ normal(0, 1);\n}\nlet after = 1;\n");
}

TEST_CASE("errors: a missing semicolon is reported behind the statement, which is kept") {
  Parsed p("let a = 1\nlet b = 2\nx ~ d()\ny ~ d();\nmodel M { z ~ d() }");
  CHECK(lines(p.errors()) == lines(Errors{"E0103 at ", "E0103 at ", "E0103 at ", "E0103 at "}));
  CHECK(p.sink.all()[0].primary.begin == 9);
  CHECK(p.script.statements.size() == 5);
  CHECK(errors("let a = 1 let b = 2;") == Errors{"E0103 at "});
  CHECK(lines(errors("let a = 1")) == lines(Errors{"E0103 at "}));
}

TEST_CASE("errors: a missing brace is found at the next declaration, or at the end") {
  Parsed p("model A {\n  for i in 1..3 {\n    x ~ d();\nmodel B { y ~ d(); }\nlet p = infer A given { observe e;");
  CHECK(lines(p.errors()) == lines(Errors{"E0102 at model", "E0102 at "}));
  REQUIRE(p.sink.all()[0].labels.size() == 1);
  CHECK(p.script.statements.size() == 3);
  CHECK(errors("model A { x ~ d(); } }\nlet a = 1;") == Errors{"E0117 at }"});
  CHECK(errors("let a = 1; ) let b = 2;") == Errors{"E0117 at )"});
}

TEST_CASE("errors: brackets name their partner") {
  Parsed p("let a = f(1, [2, 3);");
  REQUIRE(p.errors() == Errors{"E0102 at )"});
  const Diagnostic& d = p.sink.all()[0];
  REQUIRE(d.labels.size() == 1);
  CHECK(p.sources.text(d.labels[0].span) == "[");
  CHECK(d.labels[0].span.begin == 13);
}

TEST_CASE("errors: slips from other languages have help of their own") {
  CHECK(errors("target += 3;") == Errors{"E0113 at +="});
  CHECK(help("target += 3;").find("factor") != std::string::npos);
  CHECK(errors("let a = b ** 2;") == Errors{"E0113 at **"});
  CHECK(help("let a = b ** 2;").find('^') != std::string::npos);
  CHECK(errors("x <- 3;") == Errors{"E0113 at <-"});
  CHECK(errors("observe x <- 3;").empty());
  CHECK(errors("let a = 1; // note\nlet b = 2; // note") == Errors{"E0113 at //"});
  CHECK(errors("let a = /* one */ 1;") == Errors{"E0113 at /*"});
  CHECK(lines(errors("if a = b { }")) == lines(Errors{"E0101 at ="}));
  CHECK(help("if a = b { }").find("==") != std::string::npos);
  CHECK(help("a = 3;").find("let") != std::string::npos);
  CHECK(help("def f(x) { return x; }").find("fn name") != std::string::npos);
  CHECK(help("if a { } elif b { }").find("else if") != std::string::npos);
  CHECK(help("while a { }").find("for i in") != std::string::npos);
  CHECK(help("real x;").find("let") != std::string::npos);
  CHECK(errors("let a = 'x';") == Errors{"E0104 at '"});
  CHECK(errors("let a = 1 ≤ 2;") == Errors{"E0104 at ≤"});
  CHECK(help("let a = 1 ≤ 2;") == "write `<=`");
  CHECK(errors("print “a”;") == Errors{"E0104 at “"});
  CHECK(errors("let a = b & c;") == Errors{"E0104 at &"});
  CHECK(errors("let θ = 1;") == Errors{"E0104 at θ"});
  CHECK(help("let a = b not in c;").find("!(") != std::string::npos);
  CHECK(help("algebra K over A { a = {x}; } over B { a = {y}; }").find("and over") != std::string::npos);
  CHECK(help("let a = x in (0, 1);").find("[a, b]") != std::string::npos);
  CHECK(help("soft observe e 0.8;").find("odds") != std::string::npos);
  CHECK(errors("x ~ normal;") == Errors{"E0118 at normal"});
  CHECK(help("x ~ normal;").find("normal(") != std::string::npos);
}

TEST_CASE("errors: comparisons and ranges do not chain") {
  CHECK(errors("let a = 0 < 1 < 2;") == Errors{"E0111 at <"});
  CHECK(errors("let a = 0 < 1 < 2 < 3;") == Errors{"E0111 at <"});
  CHECK(errors("let a = 0..1..2;") == Errors{"E0111 at .."});
  CHECK(errors("let a = x == y in z;") == Errors{"E0111 at in"});
}

TEST_CASE("errors: strings") {
  Parsed p("import \"a.hsy;\nlet b = f(\"x);\nlet c = 1;");
  CHECK(lines(p.errors()) == lines(Errors{"E0105 at \"a.hsy", "E0105 at \"x"}));
  CHECK(p.printed() == "import \"a.hsy\";\nlet b = f(\"x\");\nlet c = 1;\n");
  CHECK(errors("print \"50\\%\", \"\\q\";") == Errors{"E0106 at \\", "E0106 at \\"});
  CHECK(lines(errors("print \"abc")) == lines(Errors{"E0105 at \"abc", "E0103 at "}));
}

TEST_CASE("errors: no text") {
  CHECK(errors("let a = \xFF;") == Errors{"E0112 at \xFF"});
  CHECK(Parsed(std::string("let a\0 = 1;", 11)).errors() == Errors{"E0112 at " + std::string(1, '\0')});
  CHECK(errors("let a = 1;\x01") == Errors{"E0112 at \x01"});
}

TEST_CASE("errors: a lone keyword is one error") {
  for (const char* word : {"and",
                           "dist",
                           "else",
                           "fn",
                           "for",
                           "given",
                           "if",
                           "import",
                           "in",
                           "infer",
                           "let",
                           "model",
                           "not",
                           "observe",
                           "or",
                           "soft",
                           "teach",
                           "then",
                           "tokens",
                           "soft observe",
                           "for i in",
                           "let a =",
                           "model M",
                           "fn f",
                           "dist d",
                           "algebra a",
                           "map m",
                           "check c",
                           "source",
                           "event e",
                           "generate g",
                           "print",
                           "plot",
                           "x ~",
                           "x[",
                           "(",
                           "{",
                           "soft observe jointly {",
                           "infer M given {",
                           "teach A from B {"}) {
    CAPTURE(word);
    CHECK(Parsed(word).sink.error_count() == 1);
  }
}

TEST_CASE("errors: after fifty, one note and the end") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "let = 1;\n";
  Parsed p(text);
  REQUIRE(p.sink.all().size() == 51);
  CHECK(code(p.sink.all().back().kind) == "E0116");
}

TEST_CASE("errors: every example of the catalogue's grammar section triggers its error, and nothing else before it") {
  int seen = 0;
  for (const DiagnosticKind kind : all_diagnostic_kinds()) {
    if (!code(kind).starts_with("E01")) continue;
    CAPTURE(code(kind));
    const std::string text(explanation(kind));
    const std::string fence = "```hearsay\n";
    const std::size_t begin = text.find(fence);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = text.find("\n```", begin);
    Parsed p(text.substr(begin + fence.size(), end - begin - fence.size()) + "\n");
    REQUIRE(p.sink.has_errors());
    CHECK(code(p.sink.all().back().kind) == code(kind));
    ++seen;
  }
  CHECK(seen == 21);
}
