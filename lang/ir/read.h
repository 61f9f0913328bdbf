// Reads the text form of the IR back: for tests that write a module down, run a pass and compare printed text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "lang/ir/ir.h"

namespace hearsay::ir {

/// Not a Diagnostic: this text is never a user's.
struct ReadError {
  std::size_t line = 0;  ///< 1-based; 0: the module as a whole
  std::string message;
};

/// A module that verifies, such that print(read(text)) == text for every text that `print` wrote in full.
/// Blank lines and lines that begin with `//` are skipped.
[[nodiscard]] tl::expected<Module, ReadError> read(std::string_view text);

}  // namespace hearsay::ir
