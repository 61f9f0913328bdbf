// What is known of a value before there are data: its type, its rank, sizes where they are written down. Everything
// may be unknown, and what is unknown agrees with everything: the checker only reports what no data could make right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lang/sema/value.h"

namespace hearsay::check {

struct Type {
  enum class Base : std::uint8_t { unknown, boolean, integer, real, label, text, record, object };
  Base base = Base::unknown;
  AlphabetPtr labels;                             ///< of a label; null when its alphabet is not known
  std::string bare_label;                         ///< a label by itself, whose alphabet the context decides
  AlphabetPtr keys;                               ///< the last axis is indexed by these labels
  bool ranked = true;                             ///< false: how many dimensions there are is not known
  std::vector<std::optional<std::int64_t>> dims;  ///< nothing: a size that data decide
  std::optional<double> value;                    ///< of a number that is written down
  bool latent = false;                            ///< differs from state to state of the model
  std::size_t outcome_rank = 0;                   ///< of a distribution: dimensions of one outcome, behind `dims`
  std::string model;                              ///< of an object: the model whose posterior it is, if it is one

  [[nodiscard]] bool known() const { return base != Base::unknown; }
  [[nodiscard]] bool number() const { return base == Base::integer || base == Base::real; }
  [[nodiscard]] bool scalar() const { return ranked && dims.empty(); }
  [[nodiscard]] bool array() const { return ranked && !dims.empty(); }

  static Type anything() {
    Type t;
    t.ranked = false;
    return t;
  }
  static Type of(Base base) {
    Type t;
    t.base = base;
    return t;
  }
};

/// The type of a value that is there.
[[nodiscard]] Type type_of(const Value& v);
/// "int", "real[3, ?]", "labels of Flip", "an object", for messages.
[[nodiscard]] std::string describe(const Type& t);
/// "a scalar", "[2, ?]"
[[nodiscard]] std::string shape_text(const Type& t);
/// False when no data could make these shapes the same.
[[nodiscard]] bool may_agree(const Type& a, const Type& b);

}  // namespace hearsay::check
