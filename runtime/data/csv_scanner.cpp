#include "runtime/data/csv_scanner.h"

#include <algorithm>
#include <array>

namespace hearsay::data {
namespace {

/// The bytes that can end or spoil an unquoted cell.
constexpr std::array<bool, 256> special_bytes = [] {
  std::array<bool, 256> table{};
  for (const char c : {',', '"', '\r', '\n'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_special(char c) { return special_bytes[static_cast<unsigned char>(c)]; }

}  // namespace

std::string CsvCell::text() const {
  if (!doubled_quotes) return std::string(raw);
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    out += raw[i];
    if (raw[i] == '"') ++i;  // its double
  }
  return out;
}

void CsvScanner::skip_comments() {
  while (at_ < text_.size() && text_[at_] == '#') {
    at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    if (at_ < text_.size()) end_line();
  }
}

bool CsvScanner::only_line_ends_remain() const {
  return text_.find_first_not_of("\r\n", at_) == std::string_view::npos;
}

void CsvScanner::end_line() {
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

bool CsvScanner::next(CsvRow& row) {
  row.cells.clear();
  row.line = line_;
  if (at_ >= text_.size()) return false;
  if ((text_[at_] == '\n' || text_[at_] == '\r') && only_line_ends_remain()) return false;
  while (true) {
    if (at_ < text_.size() && text_[at_] == '"') {
      if (!quoted_cell(row)) return false;
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && !is_special(text_[at_])) ++at_;
      row.cells.push_back({text_.substr(begin, at_ - begin)});
      if (at_ < text_.size() && text_[at_] == '"') {
        error_ = "a quotation mark inside a value; put the whole value in quotes and double the inner ones";
        return false;
      }
    }
    if (at_ >= text_.size()) return true;
    if (text_[at_] != ',') {
      end_line();
      return true;
    }
    ++at_;
  }
}

bool CsvScanner::quoted_cell(CsvRow& row) {
  const std::size_t begin = ++at_;
  CsvCell cell;
  while (true) {
    const std::size_t quote = text_.find('"', at_);
    const std::size_t end = std::min(quote, text_.size());
    line_ += static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                 text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    if (quote == std::string_view::npos) {
      row.cells.push_back(cell);
      error_ = "the quotation mark that begins this value is never closed";
      return false;
    }
    at_ = quote + 1;
    if (at_ < text_.size() && text_[at_] == '"') {
      cell.doubled_quotes = true;
      ++at_;
      continue;
    }
    cell.raw = text_.substr(begin, quote - begin);
    row.cells.push_back(cell);
    if (at_ < text_.size() && (!is_special(text_[at_]) || text_[at_] == '"')) {
      error_ = "after the closing quotation mark comes neither a comma nor the end of the line";
      return false;
    }
    return true;
  }
}

}  // namespace hearsay::data
