// JSON in and out, with Stan's conventions for data.
//
// An object becomes a record, a nested array a rectangular one, a number without fraction or exponent an int, other
// numbers a real. One real among ints makes the whole array real. The texts "Inf", "-Inf" and "NaN" are numbers (JSON
// has no way to write them), unless other texts stand in the same array. An array without elements holds ints.
#pragma once

#include <string>
#include <string_view>

#include "lang/support/diagnostic.h"
#include "runtime/data/value.h"

namespace hearsay::data {

/// Reads a file. `from` is the statement that asked for it: errors stand there and name file, line and column of
/// malformed text, or file and field otherwise (`y[3]`, indices from 1): E0601, E0603 to E0610. NaN is let through; see
/// find_nan.
[[nodiscard]] Result<DataValue> read_json(const std::string& path, SourceSpan from = {});

/// The same from text in memory; `name` is what errors call it.
[[nodiscard]] Result<DataValue> parse_json(std::string_view name, std::string_view text, SourceSpan from = {});

/// JSON text from which parse_json makes the same value (empty arrays come back as ints): shortest numbers that
/// round-trip, reals with a point or exponent, infinities and NaN as the texts above. A record gets one line a field.
[[nodiscard]] std::string to_json(const DataValue& value);

/// Writes to_json(value) atomically. Errors: E0602.
[[nodiscard]] Result<void> write_json(const std::string& path, const DataValue& value, SourceSpan from = {});

}  // namespace hearsay::data
