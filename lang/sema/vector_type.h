// What type words say of numbers, vectors and matrices: `positive`, `simplex[K]`, `cov[K]`.
#pragma once

#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "lang/model/constraint_kind.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// What `word` demands of each vector or matrix, or nothing when it is the word of a single value.
[[nodiscard]] std::optional<model::Constraint> vector_constraint(std::string_view word);

/// All sizes of a value of this type: those that are written, and for square matrices the last one twice.
[[nodiscard]] std::vector<const ast::Expr*> sizes(const ast::TypeExpr& type);

/// What the word of a type says of each of its numbers: `positive`, `unit`, `simplex`.
struct ElementRange {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false;
};
[[nodiscard]] ElementRange element_range(std::string_view word);

/// `in ordered` or `in positive_ordered` behind a distribution: the last dimension of the plate increases.
[[nodiscard]] std::optional<model::Constraint> ordering(const std::optional<ast::Bounds>& restriction);

}  // namespace hearsay
