// Comma-separated tables (RFC 4180) in and out.
//
// Quotes, doubled quotes, line breaks inside quotes, LF, CRLF or CR as line end and a byte order mark are understood.
// Lines that begin with `#` before the header are skipped. The header line is required. A column is the first of these
// that all of its cells fit: int, real (also Inf, -Inf, NaN), bool (true, True, TRUE, ...), text. Quotes do not change
// the type. Blanks around a value count only in text. In a column that is not text an empty cell or NA is an error that
// names it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lang/support/diagnostic.h"
#include "runtime/data/value.h"

namespace hearsay::data {

/// Reads a file: a record of one-dimensional arrays of equal length. Errors stand at `from` (the statement that asked
/// for it) and name file, row (from 1, without the header), line and column: E0601, E0603, E0611 to E0615.
[[nodiscard]] Result<DataValue> read_csv(const std::string& path, SourceSpan from = {});

/// The same from text in memory; `name` is what errors call it. Linear in the text; at most two passes.
[[nodiscard]] Result<std::vector<Column>> parse_csv(std::string_view name, std::string_view text, SourceSpan from = {});

/// The table as text, lines ended by LF; numbers as short as they round-trip, reals with a point or exponent.
/// Errors: E0616 when the columns differ in length (`name` is what the error calls the table).
[[nodiscard]] Result<std::string> to_csv(std::string_view name, const std::vector<Column>& columns,
                                         SourceSpan from = {});

/// Writes to_csv(columns) atomically. Errors: E0602, E0616.
[[nodiscard]] Result<void> write_csv(const std::string& path, const std::vector<Column>& columns, SourceSpan from = {});

}  // namespace hearsay::data
