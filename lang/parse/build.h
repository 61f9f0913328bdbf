// From flat parses to trees: precedence climbing, and statements whose kind shows only behind their first expression.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "lang/parse/state.h"

namespace hearsay::parse {

using ExprNode = decltype(ast::Expr::node);
using StmtNode = decltype(ast::Stmt::node);

enum class Operator : std::uint8_t {
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
  logical_or,
  range,
  negate,
  logical_not
};

/// An operator where it stands between two operands, or before one (`-`, `!`, `not`).
struct OperatorToken {
  Operator op{};
  SourceSpan span;
};
bool take_infix(ParseState& state, Iterator& first, OperatorToken& token);
bool take_prefix(ParseState& state, Iterator& first, OperatorToken& token);

/// `- a + b ^ - c` as it is written: operators and operands in a row.
struct Chain {
  struct Item {
    ast::ExprPtr operand;  ///< null for an operator
    OperatorToken op;
  };
  std::vector<Item> items;
  unsigned operators = 0;
};

/// The tree of a chain, by precedence. Chained comparisons and ranges are reported.
[[nodiscard]] ast::ExprPtr build_tree(ParseState& state, Chain chain);

/// The two ends of a range; if `e` is none, E0120 and Reported.
[[nodiscard]] std::pair<ast::ExprPtr, ast::ExprPtr> take_range(ParseState& state, Iterator where, ast::ExprPtr e);

/// `x ~ D`, `x[N] ~ D`, `x[i in 1..N] ~ D`, `emit ~ D`, `emit[t] ~ D` from what stands before and behind `~`.
[[nodiscard]] StmtNode build_sample(ParseState& state, Iterator where, ast::ExprPtr subject, ast::DistExpr dist);

/// Reports `name <- e` at the beginning of a statement: another language's assignment, which reads as `name < -e`.
void refuse_arrow(ParseState& state, Iterator where, const ast::Expr& e);

/// Reports E0118 if `e` is neither a call nor a conditional.
void check_distribution(ParseState& state, const ast::Expr& e);

}  // namespace hearsay::parse
