// Draws as Stan's CSV: comment lines, a header, one row a draw; chains one after the other.
//
// Indices are written after points: `theta[2, 1]` is the column `theta.2.1`. A name whose last parts after points are
// numbers is read back with indices.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lang/support/diagnostic.h"
#include "runtime/draws/draws.h"

namespace hearsay {

struct StanCsv {
  Draws draws;
  std::vector<std::string> comments;  ///< without the `#` and the blank after it

  friend bool operator==(const StanCsv&, const StanCsv&) = default;
};

/// The text: the comments, a comment `chains = N`, the header, the rows; numbers as short as they round-trip.
/// Errors: E0641 for a name that is empty or holds a comma (outside indices), quotation mark, blank, `#` or line break.
[[nodiscard]] Result<std::string> to_stan_csv(std::string_view name, const StanCsv& file, SourceSpan from = {});

/// Writes to_stan_csv atomically. Errors: E0602, E0641.
[[nodiscard]] Result<void> write_stan_csv(const std::string& path, const StanCsv& file, SourceSpan from = {});

/// Reads what to_stan_csv or a Stan interface wrote; comments may stand anywhere; without a comment `chains = N` it is
/// one chain. Errors: E0603, E0640 at `from`, naming `name` and the line.
[[nodiscard]] Result<StanCsv> parse_stan_csv(std::string_view name, std::string_view text, SourceSpan from = {});

/// The same from a file. Errors also: E0601.
[[nodiscard]] Result<StanCsv> read_stan_csv(const std::string& path, SourceSpan from = {});

}  // namespace hearsay
