// A possibly unknown array of scalars, as lowering sees it: a shape, and for each element an IR expression.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lang/ir/ir.h"
#include "lang/sema/value.h"

namespace hearsay {

struct Sym {
  ScalarType type = ScalarType::real;
  AlphabetPtr labels;  ///< the values are codes of these labels
  AlphabetPtr keys;    ///< the last axis is indexed by these labels
  std::vector<std::int64_t> shape;
  std::optional<ArrayValue> known;  ///< set when every element is known now
  /// Otherwise: the element at 1-based integer expressions, one per dimension.
  std::function<ir::ExprId(std::span<const ir::ExprId>)> element;
  std::string label_name;      ///< a bare label whose alphabet the context decides
  std::optional<Value> other;  ///< a string, a record or an object

  [[nodiscard]] bool is_scalar() const { return shape.empty() && !other; }
  [[nodiscard]] bool is_known_scalar() const { return known && shape.empty(); }
};

}  // namespace hearsay
