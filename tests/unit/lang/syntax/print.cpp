// The printer: examples of its form, and print∘parse as a fixed point on random trees.
#include "lang/syntax/print.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lang/parse/parse.h"

using namespace hearsay;
using namespace hearsay::ast;

namespace {

/// Random trees of every kind of node, within what the grammar can express. Everything is drawn from one seed.
class Generator {
public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Script script() {
    Script s;
    const int n = below(6);
    for (int i = 0; i < n; ++i) s.statements.push_back(statement(3));
    return s;
  }

private:
  using Node = decltype(Expr::node);

  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool maybe() { return below(2) == 0; }

  std::string word() {
    static constexpr const char* words[] = {"a",    "b",      "theta",   "x1",    "weight", "nats",
                                            "odds", "from",   "emit",    "print", "factor", "source",
                                            "to",   "spread", "jointly", "until", "next",   "pi"};
    return words[below(static_cast<int>(std::size(words)))];
  }
  Name name() { return {word(), {}}; }
  std::vector<Name> names() {
    return several<Name>(1, [&] { return name(); });
  }

  template <class T, class Make>
  std::vector<T> several(int least, const Make& make) {
    std::vector<T> result;
    const int n = least + below(3);
    for (int i = 0; i < n; ++i) result.push_back(make());
    return result;
  }
  template <class Make>
  auto optionally(const Make& make) -> std::optional<decltype(make())> {
    if (maybe()) return std::nullopt;
    return make();
  }

  static ExprPtr expr(Node node) { return std::make_unique<Expr>(Expr{{}, std::move(node)}); }
  static StmtPtr stmt(decltype(Stmt::node) node) { return std::make_unique<Stmt>(Stmt{{}, std::move(node)}); }

  Number number() {
    static constexpr const char* reals[] = {"0.5", ".5", "1e9", "1.5e-3", "2E+4"};
    if (maybe()) return {reals[below(5)], false, 0, 0};
    const int n = below(1000);
    return {std::to_string(n), true, n, static_cast<double>(n)};
  }

  Argument argument(int depth) {
    return {optionally([&] { return name(); }), expression(depth)};
  }
  std::vector<Argument> arguments(int depth) {
    return several<Argument>(0, [&] { return argument(depth); });
  }
  Binder binder(int depth) { return {name(), expression(depth), expression(depth)}; }
  std::vector<ExprPtr> expressions(int least, int depth) {
    return several<ExprPtr>(least, [&] { return expression(depth); });
  }
  Call call(int depth) {
    Call c{name(), arguments(depth), false, {}};
    if (!c.arguments.empty() && maybe()) {
      c.has_bar = true;
      c.given = expressions(1, depth);
    }
    return c;
  }
  Call engine(int depth) { return {name(), arguments(depth), false, {}}; }

  ExprPtr leaf() {
    switch (below(4)) {
      case 0:
        return expr(number());
      case 1:
        return expr(Boolean{maybe()});
      case 2:
        return expr(String{maybe() ? "plain" : "a \"quoted\"\\ \n\tline"});
      default:
        return expr(NameRef{word()});
    }
  }

  ExprPtr expression(int depth) {
    if (depth <= 0) return leaf();
    const int d = depth - 1;
    switch (below(17)) {
      case 0:
        return expr(Unary{maybe() ? UnaryOp::negate : UnaryOp::logical_not, expression(d)});
      case 1:
      case 2:
      case 3:
      case 4:
        return expr(Binary{static_cast<BinaryOp>(below(16)), {}, expression(d), expression(d)});
      case 5:
        return expr(Conditional{expression(d), expression(d), expression(d)});
      case 6:
        return expr(Index{expression(d), expressions(1, d)});
      case 7:
        return expr(Field{expression(d), name()});
      case 8:
        return expr(call(d));
      case 9:
        return expr(Array{expressions(0, d)});
      case 10:
        return expr(Comprehension{expression(d), several<Binder>(1, [&] { return binder(d); })});
      case 11:
        return expr(Set{expressions(0, d)});
      case 12: {
        LabelMap map;
        map.entries = several<LabelMap::Entry>(1, [&] { return LabelMap::Entry{label(), expression(d)}; });
        return expr(std::move(map));
      }
      case 13:
        return expr(Range{expression(d), expression(d)});
      case 14: {
        Infer infer{name(), arguments(d), block(d), {}};
        if (maybe()) infer.engine = expr(engine(d));
        return expr(std::move(infer));
      }
      case 15:
        return expr(teach(d));
      default:
        return leaf();
    }
  }
  Name label() {
    switch (below(4)) {
      case 0:
        return {"true", {}};
      case 1:
        return {"17", {}};
      default:
        return name();
    }
  }
  Schedule schedule(int depth) {
    static constexpr const char* kinds[] = {"spread", "geometric", "until_spent", "fixed"};
    return {{kinds[below(4)], {}}, arguments(depth)};
  }
  Teach teach(int depth) {
    const auto value = [&] { return expression(depth); };
    Teach t{name(),
            arguments(depth),
            name(),
            arguments(depth),
            optionally([&] { return name(); }),
            optionally(value),
            optionally([&] { return schedule(depth); }),
            optionally(value),
            optionally(value),
            optionally(value),
            optionally([&] { return name(); }),
            optionally(value),
            block(depth),
            {}};
    if (maybe()) t.engine = expr(engine(depth));
    return t;
  }

  Bounds bounds(int depth) {
    Bounds b;
    if (below(3) == 0) {
      b.elements = maybe() ? expr(NameRef{word()}) : expr(Set{expressions(1, depth)});
      return b;
    }
    b.low = expression(depth);
    b.high = expression(depth);
    b.low_open = maybe();
    b.high_open = maybe();
    return b;
  }
  TypeExpr type(int depth) {
    TypeExpr t{{}, name(), optionally([&] { return bounds(depth); }), {}};
    if (maybe()) t.dims = expressions(1, depth);
    return t;
  }
  ExprPtr distribution(int depth) {
    if (depth > 0 && below(3) == 0) {
      return expr(Conditional{expression(depth - 1), distribution(depth - 1), distribution(depth - 1)});
    }
    return expr(call(depth));
  }
  DistExpr dist(int depth) {
    return {distribution(depth), optionally([&] { return bounds(depth); })};
  }
  std::vector<Parameter> parameters(int depth) {
    return several<Parameter>(0, [&] { return Parameter{name(), type(depth)}; });
  }
  Block block(int depth) {
    if (depth <= 0) return {};
    return several<StmtPtr>(0, [&] { return nested_statement(depth - 1); });
  }

  Strength strength(int depth) {
    Strength s;
    s.form = static_cast<StrengthForm>(below(11));
    if (s.form == StrengthForm::by_schedule) return s;
    s.value = expression(depth);
    if (s.form == StrengthForm::confidence || s.form == StrengthForm::weight_within || s.form == StrengthForm::robust) {
      s.extra = expression(depth);
    }
    if (s.form == StrengthForm::weight_within && maybe()) s.reference = expression(depth);
    return s;
  }
  SoftObserveStmt soft(int depth) {
    SoftObserveStmt s;
    s.subject = expression(depth);
    s.dist = optionally([&] { return dist(depth); });
    s.strength = strength(depth);
    s.source = optionally([&] { return name(); });
    if (s.strength.form == StrengthForm::by_schedule) s.source = name();
    s.share = optionally([&] { return expression(depth); });
    return s;
  }
  SampleStmt sample(int depth) {
    SampleStmt s{{maybe() ? "x" : "print", {}}, {}, dist(depth)};
    s.dims = several<PlateDim>(0, [&] {
      if (maybe()) return PlateDim{name(), expression(depth), expression(depth)};
      return PlateDim{std::nullopt, nullptr, expr(call(depth))};
    });
    return s;
  }

  /// Statements that may stand inside blocks.
  StmtPtr nested_statement(int depth) {
    switch (below(13)) {
      case 0:
        return stmt(LetStmt{name(), several<Binder>(0, [&] { return binder(depth); }),
                            optionally([&] { return type(depth); }), expression(depth)});
      case 1:
        return stmt(sample(depth));
      case 2:
        return stmt(EmitStmt{{}, optionally([&] { return name(); }), dist(depth)});
      case 3:
        return stmt(ObserveStmt{expression(depth), optionally([&] { return dist(depth); })});
      case 4:
        return stmt(soft(depth));
      case 5: {
        auto targets = several<JointlyStmt::Target>(0, [&] {
          return JointlyStmt::Target{expression(depth), expression(depth)};
        });
        return stmt(JointlyStmt{{}, std::move(targets), optionally([&] { return name(); })});
      }
      case 6:
        return stmt(FactorStmt{expression(depth)});
      case 7:
        return stmt(ForStmt{name(), expression(depth), expression(depth), block(depth)});
      case 8:
        return stmt(IfStmt{expression(depth), block(depth), block(depth)});
      case 9:
        return stmt(GenerateStmt{name(), several<Binder>(0, [&] { return binder(depth); }), expression(depth)});
      case 10:
        return stmt(EventDecl{name(), expression(depth)});
      case 11:
        return stmt(SourceDecl{name(), optionally([&] { return expression(depth); }),
                               optionally([&] { return schedule(depth); })});
      default:
        return stmt(ExprStmt{expression(depth)});
    }
  }

  StmtPtr statement(int depth) {
    switch (below(18)) {
      case 0:
        return stmt(TokensDecl{name(), names()});
      case 1: {
        AlgebraDecl a{name(), {}};
        a.overs = several<AlgebraDecl::Over>(1, [&] {
          return AlgebraDecl::Over{name(), several<AlgebraDecl::BlockDecl>(0, [&] {
                                     return AlgebraDecl::BlockDecl{name(), names()};
                                   })};
        });
        return stmt(std::move(a));
      }
      case 2:
        return stmt(ModelDecl{name(), parameters(depth), optionally([&] { return name(); }), block(depth)});
      case 3: {
        auto rules = several<MapDecl::Rule>(0, [&] { return MapDecl::Rule{expression(depth), expression(depth)}; });
        return stmt(MapDecl{name(), name(), name(), std::move(rules)});
      }
      case 4:
        return stmt(CheckStmt{name(), expression(depth), optionally([&] { return expression(depth); })});
      case 5:
        return stmt(FnDecl{name(), parameters(depth), type(depth), expression(depth)});
      case 6: {
        auto members = several<DistDecl::Member>(0, [&] {
          return DistDecl::Member{name(), several<Name>(0, [&] { return name(); }), expression(depth)};
        });
        return stmt(DistDecl{name(), parameters(depth), type(depth), std::move(members)});
      }
      case 7:
        return stmt(ImportStmt{"some \"file\".hsy", {}});
      case 8:
        return stmt(PrintStmt{expressions(1, depth)});
      case 9:
        return stmt(ExpectStmt{expression(depth)});
      case 10:
        return stmt(PlotStmt{expressions(1, depth), expressions(0, depth)});
      case 11:
        return stmt(ExportStmt{expression(depth), expression(depth)});
      case 12:
        return stmt(ReportStmt{expression(depth), expression(depth)});
      case 13:
        return stmt(CalibrateStmt{name(), expression(depth)});
      default:
        return nested_statement(depth);
    }
  }

  std::mt19937_64 random_;
};

std::string canonical(const std::string& text) {
  SourceManager sources;
  DiagnosticSink sink;
  const Script script = parse_script(sources, sources.add("test.hsy", text), sink);
  return sink.has_errors() ? "error: " + sink.all()[0].message : print(script);
}

}  // namespace

TEST_CASE("print: random trees survive print and parse") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const Script original = Generator(seed).script();
    const std::string text = print(original);
    CAPTURE(seed);
    CAPTURE(text);
    SourceManager sources;
    DiagnosticSink sink;
    const Script parsed = parse_script(sources, sources.add("test.hsy", text), sink);
    const std::string error = sink.all().empty() ? "" : sink.all()[0].message;
    REQUIRE(error == "");
    REQUIRE(dump(parsed) == dump(original));
    REQUIRE(print(parsed) == text);
  }
}

TEST_CASE("print: parentheses only where precedence asks for them") {
  const auto same = [](const std::string& expression) {
    CHECK(canonical("let x = " + expression + ";") == "let x = " + expression + ";\n");
  };
  for (const char* e : {"a + b * c",
                        "(a + b) * c",
                        "a - (b - c)",
                        "a - b - c",
                        "-a^b",
                        "(-a)^b",
                        "a^-b",
                        "a^b^c",
                        "(a^b)^c",
                        "!(a && b)",
                        "!a && b",
                        "(a || b) && c",
                        "a == (b == c)",
                        "1..N - 1",
                        "(a..b)[1]",
                        "x in 1..3",
                        "1 + (if a then b else c)",
                        "if a then b else c + 1",
                        "(infer M)[1]",
                        "[a for i in 1..N, j in 1..M]",
                        "P(a || b | c, d)",
                        "{a: 1, true: 2, 3: 4}",
                        "{}",
                        "[]",
                        "x[1, 2..3].y"}) {
    same(e);
  }
  CHECK(canonical("let x = ((a) + ((b))) and not (c or d);") == "let x = a + b && !(c || d);\n");
}

TEST_CASE("print: layout") {
  CHECK(canonical("model M(n:int){x[n]~normal(0,1);if x[1]>0{observe x[1]>1;}else if a{}else{b;}}let p=infer "
                  "M(n:3)given{}using "
                  "nuts;") ==
        "model M(n: int) {\n"
        "  x[n] ~ normal(0, 1);\n"
        "  if x[1] > 0 {\n"
        "    observe x[1] > 1;\n"
        "  } else if a {\n"
        "  } else {\n"
        "    b;\n"
        "  }\n"
        "}\n"
        "let p = infer M(n: 3) using nuts();\n");
  CHECK(canonical("algebra K over A{a={x,y};}and over B{a={z};}") ==
        "algebra K over A {\n  a = {x, y};\n} and over B {\n  a = {z};\n}\n");
  CHECK(canonical("(print)[3] ~ d(); (print + 1); source s();") == "(print)[3] ~ d();\n(print + 1);\nsource s;\n");
}

TEST_CASE("dump: an outline of every part") {
  SourceManager sources;
  DiagnosticSink sink;
  const Script script = parse_script(
      sources, sources.add("test.hsy", "source weak(budget: 3 nats, schedule: geometric(0.99));\nprint -a.b[1..2];"),
      sink);
  CHECK(dump(script) ==
        "source weak\n"
        "  budget\n"
        "    integer 3\n"
        "  schedule geometric\n"
        "    argument\n"
        "      real 0.99\n"
        "print\n"
        "  unary -\n"
        "    subscript\n"
        "      field b\n"
        "        name a\n"
        "      range\n"
        "        integer 1\n"
        "        integer 2\n");
}
