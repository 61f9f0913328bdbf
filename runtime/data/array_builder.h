// Builds one rectangular array from its nested parts, as a JSON reader meets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lang/support/diagnostic.h"
#include "runtime/data/value.h"

namespace hearsay::data {

/// Collects values between open() and close(). The first innermost list that ends fixes how deep the array is; the
/// first list of each level that ends fixes how long the lists of that level are. Every step returns the error, if
/// there is one.
class ArrayBuilder {
public:
  using Refusal = std::optional<Diagnostic>;

  /// `file` and `path` (the field's name) are for messages.
  ArrayBuilder(std::string file, std::string path, SourceSpan from)
      : file_(std::move(file)), path_(std::move(path)), from_(from) {}

  [[nodiscard]] Refusal open();
  [[nodiscard]] Refusal close();
  [[nodiscard]] Refusal add(std::int64_t x);
  [[nodiscard]] Refusal add(double x);
  [[nodiscard]] Refusal add(bool x);
  [[nodiscard]] Refusal add(std::string x);

  /// The path of the element that comes next: `y[3, 1]`.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] bool complete() const { return counts_.empty(); }
  /// The finished array; only when complete.
  [[nodiscard]] DataValue take();

private:
  enum class Kind { none, ints, reals, bools, texts };

  [[nodiscard]] Refusal leaf();
  [[nodiscard]] Refusal mixed(const char* what);
  [[nodiscard]] std::string place(std::size_t depth) const;
  void become_real();

  std::string file_;
  std::string path_;
  SourceSpan from_;
  std::vector<std::size_t> counts_;                // elements so far, of each list that is open
  std::vector<std::optional<std::size_t>> shape_;  // known once a list of the level has ended
  std::optional<std::size_t> leaf_depth_;
  Kind kind_ = Kind::none;
  bool only_special_ = false;  // all values so far were "Inf", "-Inf" or "NaN": numbers or texts, not yet known
  std::vector<std::int64_t> ints_;
  std::vector<double> reals_;
  std::vector<bool> bools_;
  std::vector<std::string> texts_;
};

/// The number that Stan's JSON convention gives a text: "Inf", "-Inf", "NaN"; nothing for any other.
[[nodiscard]] std::optional<double> special_number(std::string_view text);

/// The text for a number that is not finite.
[[nodiscard]] std::string_view special_text(double x);

}  // namespace hearsay::data
