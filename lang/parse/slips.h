// From "wanted this, found that" to a message in the user's words, with help for the usual slips of the hand.
#pragma once

#include <string>

#include "lang/parse/state.h"

namespace hearsay::parse {

struct Failure {
  Iterator where;
  std::string expected;  ///< in words: "a name", "`;` after this statement"
  Iterator start;        ///< of the statement
  Iterator opened;       ///< the bracket that was to be closed here; null if none was
};

[[nodiscard]] Diagnostic explain_failure(const ParseState& state, const Failure& failure);

}  // namespace hearsay::parse
