// Primitive operations: one row of op.def each. Everything that knows a primitive (typing, folding, the reference
// evaluator, native code, documentation, the accuracy test) is generated from that table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hearsay {

/// Scalars of the language. Labels and tokens are integers 1..K.
enum class ScalarType : std::uint8_t { boolean, integer, real };

/// One scalar value; which member counts is known from its type (booleans use `i`: 0 or 1).
struct Scalar {
  ScalarType type = ScalarType::real;
  std::int64_t i = 0;
  double r = 0;

  static Scalar boolean(bool v) { return {ScalarType::boolean, v ? 1 : 0, 0}; }
  static Scalar integer(std::int64_t v) { return {ScalarType::integer, v, 0}; }
  static Scalar real(double v) { return {ScalarType::real, 0, v}; }
  /// The value as a real number, whatever its type.
  [[nodiscard]] double as_real() const { return type == ScalarType::real ? r : static_cast<double>(i); }
  /// The value in a type that holds it: booleans and integers as integers or real numbers.
  [[nodiscard]] Scalar converted_to(ScalarType to) const {
    if (to == type) return *this;
    return to == ScalarType::real ? real(as_real()) : Scalar{to, i, 0};
  }
  [[nodiscard]] bool truth() const { return type == ScalarType::real ? r != 0 : i != 0; }
  friend bool operator==(const Scalar&, const Scalar&) = default;
};

enum class Op : std::uint16_t {
#define HEARSAY_OP(name, typing, arity, ...) name,
#include "lang/builtins/op.def"
#undef HEARSAY_OP
};

/// How operand and result types relate. Operands must already have one common type where the rule says "same".
enum class Typing : std::uint8_t {
  arithmetic,  ///< same (integer or real) -> that type
  real_only,   ///< reals -> real
  integers,    ///< integers -> integer
  compare,     ///< same -> boolean
  logic,       ///< booleans -> boolean
  to_real,     ///< integer or boolean -> real
  to_integer   ///< boolean, or real (rounded by the operation) -> integer
};

struct OpInfo {
  std::string_view name;  ///< as the IR prints it and, where users may call it, as the language spells it
  Typing typing;
  std::uint8_t arity;
  std::string_view symbol;  ///< `extern "C"` kernel double(double…), or empty when evaluators open-code it
  std::string_view doc;
};

[[nodiscard]] const OpInfo& info(Op op);
[[nodiscard]] std::optional<Op> find_op(std::string_view name);
[[nodiscard]] std::span<const Op> all_ops();

/// The type of the result, or nothing when the operand types don't fit.
[[nodiscard]] std::optional<ScalarType> result_type(Op op, std::span<const ScalarType> operands);

/// Applies a primitive: the definition of its meaning. Never throws; outside its domain the answer is NaN.
/// Integer arithmetic wraps around.
[[nodiscard]] Scalar apply(Op op, std::span<const Scalar> operands);

/// Address of the extern "C" kernel named in op.def (for the JIT's symbol table), or null.
[[nodiscard]] void* kernel_address(std::string_view symbol);
[[nodiscard]] std::vector<std::pair<std::string_view, void*>> all_kernels();

}  // namespace hearsay
