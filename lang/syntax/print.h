// The printer of syntax trees: canonical source text. parse(print(parse(x))) is print's fixed point.
#pragma once

#include <string>

#include "lang/syntax/ast.h"

namespace hearsay::ast {

[[nodiscard]] std::string print(const Script& script);
[[nodiscard]] std::string print(const Stmt& stmt);
[[nodiscard]] std::string print(const Expr& expr);

/// The tree as an indented outline (`hearsay show --ast`).
[[nodiscard]] std::string dump(const Script& script);

}  // namespace hearsay::ast
