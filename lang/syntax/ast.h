// The syntax tree: what was written, with the span of everything that was written. No meaning is decided here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lang/support/source.h"

namespace hearsay::ast {

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;
using Block = std::vector<StmtPtr>;

struct Name {
  std::string text;
  SourceSpan span;
};

// ---------------------------------------------------------------- expressions

enum class UnaryOp : std::uint8_t { negate, logical_not };
enum class BinaryOp : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  matmul,
  power,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  logical_and,
  logical_or
};

/// `3` (integer) or `0.5`, `1e9` (real). `text` is as written, for the formatter.
struct Number {
  std::string text;
  bool is_integer = false;
  std::int64_t integer = 0;
  double real = 0;  ///< the nearest double in both cases
};
struct String {
  std::string value;  ///< escapes resolved
};
struct Boolean {
  bool value = false;
};
/// A name: variable, constant (`pi`, `inf`), label, token, model, `emit`, `next`, …; sema decides.
struct NameRef {
  std::string text;
};
struct Unary {
  UnaryOp op{};
  ExprPtr operand;
};
struct Binary {
  BinaryOp op{};
  SourceSpan op_span;
  ExprPtr left, right;
};
/// `(a, b)`, `[a, b]`, or a set of values named by an expression: `real in values`.
struct Bounds {
  SourceSpan span;
  ExprPtr low, high;
  bool low_open = false, high_open = false;
  ExprPtr elements;  ///< the third form; low and high are then null
};
/// `if c then a else b`
struct Conditional {
  ExprPtr condition, then_value, else_value;
  /// Of a choice of distributions: the restriction of its first side, `if c then D in (a, b) else E`. What stands
  /// behind the last side restricts the whole choice, as far as its sides are not restricted themselves.
  std::optional<Bounds> then_range = {};
};
/// `x[i, 1..3]`: each argument is an expression, often a Range.
struct Index {
  ExprPtr base;
  std::vector<ExprPtr> arguments;
};
/// `d.y`
struct Field {
  ExprPtr base;
  Name name;
};
struct Argument {
  std::optional<Name> name;  ///< `each: fresh`
  ExprPtr value;
};
/// `f(a, b: c)`, and with a bar `P(a | post, c)`.
struct Call {
  Name callee;
  std::vector<Argument> arguments;
  bool has_bar = false;
  std::vector<ExprPtr> given;  ///< what stands behind the bar
};
/// `[1, 2, 3]`; also the interval of `y in [a, b]`.
struct Array {
  std::vector<ExprPtr> elements;
};
/// `i in 1..N`
struct Binder {
  Name index;
  ExprPtr low, high;
};
/// `[e for i in 1..N, j in 1..M]`
struct Comprehension {
  ExprPtr body;
  std::vector<Binder> binders;
};
/// `{cat, dog}`
struct Set {
  std::vector<ExprPtr> elements;
};
/// `{a: 0.5, b: 0.5}`
struct LabelMap {
  struct Entry {
    Name label;
    ExprPtr value;
  };
  std::vector<Entry> entries;
};
/// `1..N`
struct Range {
  ExprPtr low, high;
};
/// `infer M(J: 8) given { … } using nuts(chains: 4)`
struct Infer {
  Name model;
  std::vector<Argument> arguments;
  Block given;
  std::optional<ExprPtr> engine;  ///< a Call
};

/// `geometric(0.99)`, `spread`, `until spent(odds: 2)` (kind "until_spent"), `fixed(odds: 2)`
struct Schedule {
  Name kind;
  std::vector<Argument> arguments;
};
/// `teach Strong from Weak { budget 3 nats; schedule geometric(0.99); labels 1000; … }`
struct Teach {
  Name student;
  std::vector<Argument> student_arguments;
  Name teacher;
  std::vector<Argument> teacher_arguments;
  std::optional<Name> through;  ///< `through Kind`, before the block or inside it
  std::optional<ExprPtr> budget;
  std::optional<Schedule> schedule;
  std::optional<ExprPtr> labels;
  std::optional<ExprPtr> share;
  std::optional<ExprPtr> odds;
  std::optional<Name> via;
  std::optional<ExprPtr> forever_within;  ///< nats
  Block given;
  std::optional<ExprPtr> engine;
};

struct Expr {
  SourceSpan span;
  std::variant<Number, String, Boolean, NameRef, Unary, Binary, Conditional, Index, Field, Call, Array, Comprehension,
               Set, LabelMap, Range, Infer, Teach>
      node;
};

// ---------------------------------------------------------------- types and distributions

/// `real`, `positive[J]`, `real in (0, 1)`, `simplex[K]`, `Flip[N]`
struct TypeExpr {
  SourceSpan span;
  Name base;
  std::optional<Bounds> bounds;
  std::vector<ExprPtr> dims;
};
/// What stands behind `~`: a distribution, cut to a range by `in (a, b)`.
struct DistExpr {
  ExprPtr distribution;  ///< a Call, or a Conditional of such
  std::optional<Bounds> truncation;
};

// ---------------------------------------------------------------- statements

struct TokensDecl {
  Name name;
  std::vector<Name> tokens;
};
struct AlgebraDecl {
  struct BlockDecl {
    Name name;
    std::vector<Name> tokens;
  };
  struct Over {
    Name alphabet;
    std::vector<BlockDecl> blocks;
  };
  Name name;
  std::vector<Over> overs;
};
struct Parameter {
  Name name;
  TypeExpr type;
};
struct ModelDecl {
  Name name;
  std::vector<Parameter> parameters;
  std::optional<Name> emits;
  Block body;
};
struct MapDecl {
  struct Rule {
    ExprPtr from, to;
  };
  Name name, from, to;
  std::vector<Rule> rules;
};
/// `check f up to 8 tokens within 0.01 nats;`
struct CheckStmt {
  Name map;
  ExprPtr tokens;
  std::optional<ExprPtr> within;
};
struct SourceDecl {
  Name name;
  std::optional<ExprPtr> budget;  ///< nats
  std::optional<Schedule> schedule;
};
struct FnDecl {
  Name name;
  std::vector<Parameter> parameters;
  TypeExpr result;
  ExprPtr body;
};
/// `dist normal(mu: real, sigma: positive) over real { logp(x) = …; cdf(x) = …; sample = …; }`
struct DistDecl {
  struct Member {
    Name name;                    ///< logp, cdf, sample, doc, check, …
    std::vector<Name> arguments;  ///< `x`
    ExprPtr value;
  };
  Name name;
  std::vector<Parameter> parameters;
  TypeExpr over;
  std::vector<Member> members;

  [[nodiscard]] const Member* member(std::string_view wanted) const {
    for (const Member& m : members)
      if (m.name.text == wanted) return &m;
    return nullptr;
  }
};
struct ImportStmt {
  std::string path;
  SourceSpan path_span;
};
/// `let a = e;`, `let a[i in 1..N] = e;`
struct LetStmt {
  Name name;
  std::vector<Binder> binders;
  std::optional<TypeExpr> type;
  ExprPtr value;
};
struct PrintStmt {
  std::vector<ExprPtr> values;
};
struct ExpectStmt {
  ExprPtr condition;
};
/// `plot theta | post;`
struct PlotStmt {
  std::vector<ExprPtr> values;
  std::vector<ExprPtr> given;
};
/// `export post to "fit.csv";`
struct ExportStmt {
  ExprPtr value;
  ExprPtr path;
};
/// `report post to "report.html";`
struct ReportStmt {
  ExprPtr value;
  ExprPtr path;
};
/// `calibrate source teacher on hard_labels;`
struct CalibrateStmt {
  Name source;
  ExprPtr data;
};

/// One dimension of a plate: `N`, or `i in 1..N` (then `index` is set). In an emitting model `z[t]` with a new name `t`
/// is a stream latent: sema tells it from a size.
struct PlateDim {
  std::optional<Name> index;
  ExprPtr low;   ///< null when only a size was written
  ExprPtr high;  ///< the size, or the upper end
};
/// `x ~ D;`, `x[N] ~ D;`, `x[i in 1..N] ~ D;`
struct SampleStmt {
  Name name;
  std::vector<PlateDim> dims;
  DistExpr dist;
};
/// `emit ~ D;`, `emit[t] ~ D;`
struct EmitStmt {
  SourceSpan emit_span;
  std::optional<Name> index;
  DistExpr dist;
};
/// `observe y ~ D;`, `observe EVENT;`
struct ObserveStmt {
  ExprPtr subject;
  std::optional<DistExpr> dist;
};

enum class StrengthForm : std::uint8_t {
  by_schedule,
  odds,
  nats,
  decibans,
  channel,
  confidence,
  likelihoods,
  jeffrey,
  weight,
  weight_within,
  robust
};
/// How strong: `value` is what stands behind the word; `extra` is `base …` of confidence, `within …` of weight (nats),
/// and the weight of robust.
struct Strength {
  SourceSpan span;
  StrengthForm form = StrengthForm::by_schedule;
  ExprPtr value;
  ExprPtr extra;
  ExprPtr reference;  ///< `weight w within s nats around r`: the reference r, if given
};
struct SoftObserveStmt {
  SourceSpan keyword_span;
  ExprPtr subject;
  std::optional<DistExpr> dist;
  Strength strength;
  std::optional<Name> source;
  std::optional<ExprPtr> share;
};
/// `soft observe jointly { A to 0.7; x to {a: 0.2, b: 0.8}; } from s;`
struct JointlyStmt {
  struct Target {
    ExprPtr subject, value;
  };
  SourceSpan keyword_span;
  std::vector<Target> targets;
  std::optional<Name> source;
};
struct FactorStmt {
  ExprPtr value;
};
struct ForStmt {
  Name index;
  ExprPtr low, high;
  Block body;
};
struct IfStmt {
  ExprPtr condition;
  Block then_body, else_body;
};
/// `generate name = e;`, `generate a[i in 1..N] = e;`
struct GenerateStmt {
  Name name;
  std::vector<Binder> binders;
  ExprPtr value;
};
struct EventDecl {
  Name name;
  ExprPtr value;
};
/// A bare expression as a statement: the REPL prints it; in a file it is an error with a hint.
struct ExprStmt {
  ExprPtr value;
};

struct Stmt {
  SourceSpan span;
  std::variant<TokensDecl, AlgebraDecl, ModelDecl, MapDecl, CheckStmt, SourceDecl, FnDecl, DistDecl, ImportStmt,
               LetStmt, PrintStmt, ExpectStmt, PlotStmt, ExportStmt, ReportStmt, CalibrateStmt, SampleStmt, EmitStmt,
               ObserveStmt, SoftObserveStmt, JointlyStmt, FactorStmt, ForStmt, IfStmt, GenerateStmt, EventDecl,
               ExprStmt>
      node;
};

struct Script {
  FileId file{};
  Block statements;
};

}  // namespace hearsay::ast
