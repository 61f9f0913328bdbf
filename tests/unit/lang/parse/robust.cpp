// Hostile text: deep, long, or made of one token. The answer is a clear error (or a tree) in time linear in the text.
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string_view>

#include "tests/unit/lang/parse/helpers.h"

using namespace hearsay;
using hearsay::testing::Parsed;

namespace {

std::string repeat(std::string_view s, std::size_t n) {
  std::string result;
  result.reserve(s.size() * n);
  for (std::size_t i = 0; i < n; ++i) result += s;
  return result;
}

double seconds_to_parse(std::string text) {
  SourceManager sources;
  DiagnosticSink sink;
  const FileId file = sources.add("test.hsy", std::move(text));
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(parse_script(sources, file, sink));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check_one_error(const std::string& text, const std::string& expected) {
  Parsed p(text);
  REQUIRE(p.sink.all().size() == 1);
  CHECK(code(p.sink.all()[0].kind) == expected);
}

}  // namespace

TEST_CASE("robust: 100,000 of anything that nests") {
  constexpr std::size_t n = 100'000;
  for (const char* open : {"(", "[", "{", "f(", "x[", "{a: ", "if a then ", "if a then b else ", "[a for i in 1..(",
                           "(infer M given { x ~ d(", "P(a | "}) {
    CAPTURE(std::string(open));
    check_one_error("let a = " + repeat(open, n), "E0109");
    check_one_error("let a = " + repeat(open, n) + ";", "E0109");
  }
  for (const char* open : {"if a { ", "for i in 1..2 { ", "if a { } else ", "let a = infer M given { ",
                           "let a = teach A from B { given { "}) {
    CAPTURE(std::string(open));
    Parsed p(repeat(open, n));
    REQUIRE(p.sink.all().size() >= 1);
    CHECK(p.sink.all().size() <= 2);
    CHECK(code(p.sink.all()[0].kind) == "E0109");
  }
  check_one_error("x ~ " + repeat("if a then d() else ", n), "E0109");
  check_one_error("let a: real[" + repeat("f(", n), "E0109");
  check_one_error("let a = " + repeat("-", n) + "1;", "E0110");
  check_one_error("let a = " + repeat("!", n) + "b;", "E0110");
  check_one_error("let a = 1" + repeat("^2", n) + ";", "E0110");
  check_one_error("let a = x" + repeat("[1]", n) + ";", "E0110");
  check_one_error("let a = x" + repeat(".y", n) + ";", "E0110");
  check_one_error("let a = 1" + repeat("+1", 5'000'000) + ";", "E0110");
  Parsed closing(repeat("}", n));
  CHECK(closing.sink.all().size() == 51);
  Parsed models(repeat("model ", n));
  CHECK(models.sink.all().size() <= 51);
}

TEST_CASE("robust: the height of a tree is bounded even where depth and length alone are not") {
  // 200 levels of parentheses, each at the left end of a sum of 900 terms: 180,000 levels of tree.
  check_one_error("let a = " + repeat("(", 200) + "1" + repeat(repeat("+1", 900) + ")", 200) + ";", "E0110");
  // The same at the right end of right-associative operators.
  check_one_error("let a = " + repeat(repeat("1^", 900) + "(", 200) + "1" + repeat(")", 200) + ";", "E0110");
  // Long and flat is fine.
  CHECK(Parsed("let a = [" + repeat("-x[1] + 1, ", 50'000) + "1];").errors().empty());
  CHECK(Parsed(repeat("for i in 1..N+1 { x ~ d(1 + 2 + 3); }\n", 5'000)).errors().empty());
  CHECK(Parsed("let a = 1" + repeat("+x[1]", 900) + ";").errors().empty());
  CHECK(Parsed("let a = " + repeat("(", 200) + "1" + repeat(")", 200) + ";").errors().empty());
}

TEST_CASE("robust: no exponential backtracking") {
  // A nest of 200 where trying alternatives one after the other would take 2^200 steps.
  for (const auto& [open, close] : {std::pair{"[", "]"},
                                    {"{", "}"},
                                    {"(", ")"},
                                    {"f(", ")"},
                                    {"x[", "]"},
                                    {"{a: ", "}"},
                                    {"[", " for i in 1..2]"},
                                    {"f(a: ", ")"},
                                    {"P(a | ", ")"},
                                    {"-(", ")"}}) {
    CAPTURE(std::string(open));
    const std::string text = "let a = " + repeat(open, 200) + "1" + repeat(close, 200) + ";";
    CHECK(Parsed(text).errors().empty());
    CHECK(seconds_to_parse(text) < 0.5);
    CHECK(seconds_to_parse("let a = " + repeat(open, 200) + ";") < 0.5);
  }
  const std::string ifs = repeat("if (infer M given { ", 60) + "if a then b else c;" + repeat("}) then b else c;", 60);
  CHECK(Parsed(ifs).errors().empty());
  CHECK(seconds_to_parse(ifs) < 0.5);
}

TEST_CASE("robust: ten megabytes on one line") {
  constexpr std::size_t size = 10'000'000;
  const auto fill = [&](std::string_view s) { return repeat(s, size / s.size()); };
  CHECK(Parsed(fill("let a = f(x[1], 2.5) + 1; ")).errors().empty());
  CHECK(Parsed("let a = [" + fill("1, ") + "1];").errors().empty());
  CHECK(Parsed("model M { " + fill("x ~ normal(0, 1); ") + "}").errors().empty());
  CHECK(Parsed("print \"" + fill("text ") + "\";").errors().empty());
  CHECK(Parsed("# " + fill("comment ")).errors().empty());
  CHECK(Parsed(fill(" ")).errors().empty());
  CHECK(Parsed(fill(";")).errors().empty());
  for (const char* junk :
       {"a ", "1 ", "\" ", "} ", "let ", "$", "≤", "model A { ", "= ", "x ~ ", ". ", "// ", "/* ", "\\"}) {
    CAPTURE(std::string(junk));
    const Parsed p(repeat(junk, size / 10));
    CHECK(p.sink.all().size() <= 51);
  }
  CHECK(Parsed(fill("model A { ")).sink.all().size() <= 51);
  CHECK(Parsed("let a = " + fill("1 ")).sink.all().size() == 1);
  CHECK(Parsed("let " + std::string(size, 'a') + " = 1;").errors().empty());
  check_one_error("let a = " + std::string(size, '1') + ";", "E0108");
}

TEST_CASE("robust: time is linear in the text") {
  // Errors whose recovery reads far ahead must not read the same text again and again.
  const double small = seconds_to_parse("model M { " + repeat("x ~ ; y ~ d(1; { { } ", 20'000));
  const double large = seconds_to_parse("model M { " + repeat("x ~ ; y ~ d(1; { { } ", 200'000));
  CHECK(large < 100 * small + 0.5);
}
