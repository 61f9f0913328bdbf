// Whole text files in and out: reading with a reason when it fails, writing so that nobody ever sees half a file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lang/support/diagnostic.h"
#include "lang/support/source.h"

namespace hearsay {

/// The bytes of a regular file (or pipe). Errors: E0601 at `from`, with the system's reason; a folder is an error.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, SourceSpan from = {});

/// Replaces `path` by `text` atomically: a temporary file beside it is written, synced and renamed. The permissions of
/// a file that is replaced are kept. Errors: E0602 at `from`; then `path` is as it was and the temporary file is gone.
[[nodiscard]] Result<void> write_text_file(const std::string& path, std::string_view text, SourceSpan from = {});

/// The offset of the first byte that is NUL or not well-formed UTF-8 (Unicode 15, table 3-7); `text.size()` if there is
/// none.
[[nodiscard]] std::size_t find_invalid_text(std::string_view text);

/// Refuses text with NUL bytes or malformed UTF-8: E0603 at `from`, naming line and column in `name`.
[[nodiscard]] Result<void> check_text(std::string_view name, std::string_view text, SourceSpan from = {});

/// 1-based line, and column in code points, of a byte offset; for one position, without building a table of lines.
[[nodiscard]] LineColumn locate_in(std::string_view text, std::size_t offset);

}  // namespace hearsay
