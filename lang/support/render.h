// The one renderer of diagnostics: `file:line:column: error[E0123]: what is wrong`, the line, a caret, labels, help.
#pragma once

#include <string>

#include "lang/support/diagnostic.h"
#include "lang/support/source.h"

namespace hearsay {

/// Text for people. Long lines are cut to a window around the caret; tabs and invalid bytes are shown safely. No
/// colours. Ends in a line feed. Columns count code points (a byte that is not UTF-8 counts as one).
[[nodiscard]] std::string render_text(const Diagnostic& d, const SourceManager& sources);

/// One JSON object on one line, without the line feed: code, severity, message, file, begin and end {line, column,
/// offset in bytes}, labels [{text, file, begin, end}], help. What has no place has null for file, begin and end.
/// Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string render_json(const Diagnostic& d, const SourceManager& sources);

}  // namespace hearsay
