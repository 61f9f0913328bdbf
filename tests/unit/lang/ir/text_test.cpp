// The text form: what it looks like, and what its reader refuses.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>

#include "lang/ir/ir.h"
#include "lang/ir/read.h"

using namespace hearsay;
using namespace hearsay::ir;

namespace {

const std::string kModel = R"(site 0 0:4..17 "h ~ bernoulli"
site 1 0:20..31 "soft \"observe\""
data y : integer [3] = 1 2 1
data w : real [2, 2] = 0.5 -1.0 1e+300 inf
data on : boolean = true
latent h : finite 2 {"tails" "heads"} site 0
latent emit : finite 2 [3] site 0 token stream
latent x_y "x y" : real (0.0, inf) site 0
index i in 1..3
index t in 1..3
index i#2 in 0..1
let a [t in 1..3] scan : real = select(eq(t, 1), 0.0, add(a[sub(t, 1)], x_y))
term 0 prior site 0 order 0: log(select(eq(h, 2), 0.25, 0.75))
%1 = sub(x_y, 0.5) : real
%2 = mul(%1, %1) : real
term 1 soft site 1 order 3 source 0 plate (i in 1..3): add(mul(a[i], %2), select(eq(emit[i], y[i]), %2, 0.1))
quantity "mean" (i in 1..3) = sum(i#2 in 0..1: to_real(pick(h, i, i#2)))
)";

std::string error_of(std::string_view text) {
  const auto module = read(text);
  return module ? "none" : std::to_string(module.error().line) + ": " + module.error().message;
}

}  // namespace

TEST_CASE("every kind of definition, written and read") {
  const auto module = read(kModel);
  REQUIRE_MESSAGE(module.has_value(),
                  (module ? "" : std::to_string(module.error().line) + ": " + module.error().message));
  CHECK(print(*module) == kModel);
  CHECK(module->sites[1].what == "soft \"observe\"");
  CHECK(module->latents[2].name == "x y");
  CHECK(module->latents[1].token);
  CHECK(module->lets[0].scan);
  CHECK(module->indices[2].name == "i");
  CHECK(module->terms[1].source == SourceId{0});
  CHECK(module->terms[0].source == SourceId::none);
}

TEST_CASE("names that are not unique get a number") {
  Module m;
  const IndexId a = m.add_index("i", 1, 2);
  const IndexId b = m.add_index("i", 1, 5);
  const ExprId e = m.prim(Op::mul, {m.index_value(a), m.index_value(b)});
  CHECK(print(m, e) == "mul(i, i#2)");
  CHECK(print(m, m.reduce(Reduction::sum, b, e)) == "sum(i#2 in 1..5: mul(i, i#2))");
}

TEST_CASE("numbers keep every digit and their type") {
  Module m;
  CHECK(print(m, m.real(0.1)) == "0.1");
  CHECK(print(m, m.real(2)) == "2.0");
  CHECK(print(m, m.real(-0.0)) == "-0.0");
  CHECK(print(m, m.real(1e300)) == "1e+300");
  CHECK(print(m, m.real(1.0 / 3)) == "0.3333333333333333");
  CHECK(print(m, m.real(-INFINITY)) == "-inf");
  CHECK(print(m, m.real(NAN)) == "nan");
  CHECK(print(m, m.integer(-7)) == "-7");
  CHECK(print(m, m.boolean(false)) == "false");
}

TEST_CASE("shared expressions stand on lines of their own") {
  Module m;
  Latent x;
  x.name = "x";
  x.finite = false;
  const ExprId load = m.load_latent(m.add_latent(x), {});
  const ExprId square = m.prim(Op::mul, {load, load});
  const ExprId e = m.prim(Op::log, {m.prim(Op::add, {square, m.prim(Op::exp, {square})})});
  CHECK(print(m, e) == "%1 = mul(x, x) : real\nlog(add(%1, exp(%1)))");
}

TEST_CASE("deep nests are broken into lines") {
  Module m;
  ExprId e = m.real(0.5);
  for (int k = 0; k < 3000; ++k) e = m.prim(Op::sin, {e});
  m.add_term({TermKind::factor, {}, 0, SourceId::none, {}, e});
  const std::string text = print(m);
  const auto again = read(text);
  REQUIRE(again.has_value());
  CHECK(print(*again) == text);
  CHECK(text.find('\n') < 300);
}

TEST_CASE("long arrays are cut short, and say so") {
  Module m;
  m.add_data({"n", ScalarType::integer, {4}, std::make_shared<const std::vector<std::int64_t>>(4, 7), nullptr});
  CHECK(print(m, 2) == "data n : integer [4] = 7 7 … (4 in all)\n");
  CHECK(error_of(print(m, 2)) == "1: expected a number before `… (4 in all)`");
}

TEST_CASE("the reader says where it stopped") {
  CHECK(error_of("latent z : finite 2 site 0\nterm 0 prior site 0 order 0: log(y)\n") ==
        "2: there is nothing called `y`");
  CHECK(error_of("term 0 prior site 0 order 0: frob(1.0)") == "1: there is no operation `frob`");
  CHECK(error_of("term 0 prior site 0 order 0: add(1.0, 1)") == "1: the operands do not fit `add`");
  CHECK(error_of("term 0 prior site 0 order 0: 1") == "0: the body of term 0 is integer, not real");
  CHECK(error_of("term 0 prior site 0 order 0: %3") == "1: %3 is not defined yet");
  CHECK(error_of("term 0 prior site 0 order 0: log(1.0") == "1: expected `)` before ``");
  CHECK(error_of("term 0 prior site 0 order 0: log(1.0) 2") == "1: `2` is left over");
  CHECK(error_of("term 0 later site 0 order 0: 1.0") == "1: `later` is not a kind of term");
  CHECK(error_of("latent z : finite 2 site 0\nlatent z : finite 2 site 0") == "2: `z` is defined twice");
  CHECK(error_of("index i in 1..3\nterm 0 prior site 0 order 0 plate (i in 1..4): 1.0") ==
        "2: the range of `i` differs from its definition");
  CHECK(error_of("latent z : finite 2 [3] site 0\nterm 0 prior site 0 order 0: to_real(z)") ==
        "2: z has 1 dimensions, but 0 indices");
  CHECK(error_of("data d : real [2] = 1.0") == "0: data `d` holds 1 numbers, its shape asks for 2");
  CHECK(error_of("site 0 0:1..2 \"open") == "1: a text in quotes does not end");
  CHECK(error_of("let a : real = a") == "0: let `a` depends on itself");
  CHECK(error_of("let a = 1.0").starts_with("1: expected `:`"));
  std::string deep = "term 0 prior site 0 order 0: ";
  for (int k = 0; k < 100'000; ++k) deep += "sin(";
  CHECK(error_of(deep) == "1: the expression is nested too deeply");
  CHECK(error_of("// a comment\n\n") == "none");
}
