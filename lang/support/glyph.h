// How one character of foreign text is shown on a terminal: what is printed for it, and how many columns that takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lang/support/utf8.h"

namespace hearsay {

struct Glyph {
  std::string shown;      ///< valid UTF-8 without control characters
  std::size_t width = 0;  ///< in columns; 0 for combining marks
};

/// Tabs become four spaces; control characters and bytes that are not UTF-8 become `\x1B`; characters that are
/// invisible or turn the direction of the text become `\u{202E}`, so that what is shown cannot differ from what was
/// read.
[[nodiscard]] Glyph glyph_of(Utf8Unit unit, std::string_view bytes);

/// A whole text made safe in the same way; line feeds stay.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace hearsay
