// Values of a running script: numbers and arrays with their labels, strings, records, and objects of the session
// (posteriors, models with bound data, ledgers).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lang/builtins/ops.h"
#include "lang/support/source.h"

namespace hearsay {

/// Names of the codes 1..K: a token alphabet, the labels of one finite latent, or the blocks of an algebra.
struct Alphabet {
  std::string name;
  std::vector<std::string> labels;
  SourceSpan declared{};

  /// 1-based code of a label, or 0.
  [[nodiscard]] std::int64_t find(std::string_view label) const;
};
using AlphabetPtr = std::shared_ptr<const Alphabet>;

/// A scalar (empty shape) or a row-major array. Integers, booleans and label codes are in `integers`, reals in `reals`.
struct ArrayValue {
  ScalarType type = ScalarType::real;
  AlphabetPtr labels;  ///< the values are codes of these labels
  AlphabetPtr keys;    ///< the last axis is indexed by these labels: `{a: 0.5, b: 0.5}`
  std::vector<std::int64_t> shape;
  std::shared_ptr<const std::vector<std::int64_t>> integers;
  std::shared_ptr<const std::vector<double>> reals;

  static ArrayValue scalar(Scalar s);
  static ArrayValue of(std::vector<double> v, std::vector<std::int64_t> shape);
  static ArrayValue of(ScalarType type, std::vector<std::int64_t> v, std::vector<std::int64_t> shape);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool is_scalar() const { return shape.empty(); }
  [[nodiscard]] Scalar at(std::size_t flat) const;
};

/// What the session hands out besides data: posteriors, models, ledgers.
class Object {
public:
  virtual ~Object() = default;
  [[nodiscard]] virtual std::string kind() const = 0;  ///< "posterior", "model", …, for messages
};

/// The indices, from 1, of the element at this place of an array in row-major order.
[[nodiscard]] std::vector<std::int64_t> subscripts(std::size_t flat, std::span<const std::int64_t> shape);

struct Value;
using Record = std::vector<std::pair<std::string, Value>>;

struct Value {
  std::variant<std::monostate, ArrayValue, std::string, std::shared_ptr<const Record>, std::shared_ptr<const Object>>
      data;
  double error = 0;  ///< bound or Monte Carlo standard error of a real scalar answer; 0: exact
  bool monte_carlo = false;

  [[nodiscard]] const ArrayValue* array() const { return std::get_if<ArrayValue>(&data); }
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&data); }
  [[nodiscard]] const Record* record() const {
    const auto* r = std::get_if<std::shared_ptr<const Record>>(&data);
    return r ? r->get() : nullptr;
  }
  template <class T>
  [[nodiscard]] std::shared_ptr<const T> object() const {
    const auto* o = std::get_if<std::shared_ptr<const Object>>(&data);
    return o ? std::dynamic_pointer_cast<const T>(*o) : nullptr;
  }
};

/// `3`, `0.5`, `[1, 2]`, `heads`, …; shortest decimal form that reads back as the same number.
[[nodiscard]] std::string to_text(const ArrayValue& value);
[[nodiscard]] std::string to_text(const Scalar& value);

}  // namespace hearsay
