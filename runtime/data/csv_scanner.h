// Cuts the text of a CSV file into rows of cells; knows nothing of types.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearsay::data {

/// One cell: the bytes between its delimiters (without the outer quotes).
struct CsvCell {
  std::string_view raw;
  bool doubled_quotes = false;  ///< `raw` still holds "" for "

  [[nodiscard]] std::string text() const;
};

struct CsvRow {
  std::vector<CsvCell> cells;
  std::size_t line = 1;  ///< where the row begins, from 1
};

class CsvScanner {
public:
  explicit CsvScanner(std::string_view text) : text_(text) {}

  /// Reads the next row into `row` (its storage is reused). False at the end of the text or at an error. Blank lines at
  /// the end of the text are no rows; elsewhere a blank line is a row with one empty cell.
  [[nodiscard]] bool next(CsvRow& row);
  /// Skips the lines that begin with `#`; only sensible before the first row.
  void skip_comments();
  /// What is wrong with the last cell of the row that next() gave up on.
  [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

private:
  [[nodiscard]] bool only_line_ends_remain() const;
  [[nodiscard]] bool quoted_cell(CsvRow& row);
  void end_line();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::optional<std::string> error_;
};

}  // namespace hearsay::data
