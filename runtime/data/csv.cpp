#include "runtime/data/csv.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <unordered_set>
#include <utility>

#include "lang/support/text_file.h"
#include "runtime/data/array_builder.h"
#include "runtime/data/csv_scanner.h"
#include "runtime/data/number_text.h"
#include "runtime/data/plural.h"

namespace hearsay::data {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

std::optional<bool> as_bool(std::string_view s) {
  if (s == "true" || s == "True" || s == "TRUE") return true;
  if (s == "false" || s == "False" || s == "FALSE") return false;
  return std::nullopt;
}

enum class Number { no, yes, too_large };

/// std::from_chars knows no leading plus.
std::string_view without_plus(std::string_view s) {
  const bool plus = s.size() > 1 && s[0] == '+' && s[1] != '-' && s[1] != '+';
  return plus ? s.substr(1) : s;
}

Number parse(std::string_view s, std::int64_t& x) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (end != s.data() + s.size() || error == std::errc::invalid_argument) return Number::no;
  return error == std::errc() ? Number::yes : Number::too_large;
}

Number parse(std::string_view s, double& x) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (end != s.data() + s.size() || error == std::errc::invalid_argument || s.find('(') != std::string_view::npos)
    return Number::no;
  if (error == std::errc::result_out_of_range) {  // too large, or only so small that it is 0 or subnormal
    x = std::strtod(std::string(s).c_str(), nullptr);
    if (std::isinf(x)) return Number::too_large;
  }
  return Number::yes;
}

/// Collects the cells of one column under the narrowest type that fits all so far.
class ColumnReader {
public:
  enum class Kind { unknown, ints, reals, bools, texts };
  struct Problem {
    std::size_t row = 0;
    std::size_t line = 0;
    std::string written;        // empty: missing
    const char* capacity = "";  // what it does not fit into
  };

  void add(const CsvCell& cell, std::size_t row, std::size_t line) {
    if (kind_ == Kind::texts) {
      if (!again_) texts_.push_back(cell.text());
      return;
    }
    const std::string_view s = without_plus(trimmed(cell.raw));
    if (kind_ == Kind::unknown || kind_ == Kind::ints) {
      std::int64_t x = 0;
      switch (parse(s, x)) {
        case Number::yes:
          kind_ = Kind::ints;
          ints_.push_back(x);
          return;
        case Number::too_large:
          kind_ = Kind::ints;
          note({row, line, std::string(s.substr(0, 40)), "an int of 64 bits"});
          return;
        case Number::no:
          break;
      }
    }
    if (s.empty() || s == "NA") {
      note({row, line, {}, ""});
      return;
    }
    if (kind_ != Kind::bools) {
      double x = 0;
      switch (parse(s, x)) {
        case Number::yes:
          become_real();
          reals_.push_back(x);
          return;
        case Number::too_large:
          become_real();
          note({row, line, std::string(s.substr(0, 40)), "a real"});
          return;
        case Number::no:
          break;
      }
    }
    if (kind_ == Kind::unknown || kind_ == Kind::bools) {
      if (const auto x = as_bool(s)) {
        kind_ = Kind::bools;
        bools_.push_back(*x);
        return;
      }
    }
    become_text(row);
    if (!again_) texts_.push_back(cell.text());
  }

  /// Whether cells before the first text were dropped: then a second pass gives all cells to add_text.
  [[nodiscard]] bool needs_second_pass() const { return again_; }
  void add_text(const CsvCell& cell) { texts_.push_back(cell.text()); }
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }

  Column take(std::string name) {
    switch (kind_) {
      case Kind::reals:
        return {std::move(name), std::move(reals_)};
      case Kind::bools:
        return {std::move(name), std::move(bools_)};
      case Kind::texts:
        return {std::move(name), std::move(texts_)};
      default:
        return {std::move(name), std::move(ints_)};
    }
  }

private:
  void note(Problem problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  void become_real() {
    if (kind_ == Kind::ints) {
      reals_.assign(ints_.begin(), ints_.end());
      ints_ = {};
    }
    kind_ = Kind::reals;
  }
  void become_text(std::size_t row) {
    again_ = row > 1;
    kind_ = Kind::texts;
    problem_.reset();  // a text may be empty, NA, or a long number
    ints_ = {};
    reals_ = {};
    bools_ = {};
  }

  Kind kind_ = Kind::unknown;
  bool again_ = false;
  std::optional<Problem> problem_;
  std::vector<std::int64_t> ints_;
  std::vector<double> reals_;
  std::vector<bool> bools_;
  std::vector<std::string> texts_;
};

/// Reads one table; holds what its error messages need.
class TableReader {
public:
  TableReader(std::string_view name, std::string_view text, SourceSpan from)
      : name_(name), from_(from), scanner_(text) {}

  Result<std::vector<Column>> read() {
    if (auto header = read_header(); !header) return fail(std::move(header.error()));
    const CsvScanner body = scanner_;
    std::vector<ColumnReader> readers(names_.size());
    const auto first = for_each_row([&](std::size_t row) {
      for (std::size_t c = 0; c < readers.size(); ++c) readers[c].add(row_.cells[c], row, row_.line);
    });
    if (!first) return fail(std::move(first.error()));
    if (auto problem = earliest_problem(readers)) return fail(std::move(*problem));
    std::vector<std::size_t> again;
    for (std::size_t c = 0; c < readers.size(); ++c)
      if (readers[c].needs_second_pass()) again.push_back(c);
    if (!again.empty()) {
      scanner_ = body;
      const auto second = for_each_row([&](std::size_t) {
        for (const std::size_t c : again) readers[c].add_text(row_.cells[c]);
      });
      if (!second) return fail(std::move(second.error()));
    }
    std::vector<Column> columns;
    columns.reserve(readers.size());
    for (std::size_t c = 0; c < readers.size(); ++c) columns.push_back(readers[c].take(std::move(names_[c])));
    return columns;
  }

private:
  Diagnostic bad_quoting(std::size_t row) const {
    return diagnose<DiagnosticKind::csv_quoting>(from_, name_, row, row_.line, row_.cells.size(), *scanner_.error());
  }
  Diagnostic bad_header(std::size_t line, const std::string& why) const {
    return diagnose<DiagnosticKind::csv_header>(from_, name_, line, why)
        .with_help("the first line names the columns: `dose,response`");
  }

  Result<void> read_header() {
    scanner_.skip_comments();
    const bool found = scanner_.next(row_);
    const std::size_t line = row_.line;
    if (scanner_.error()) return fail(bad_header(line, *scanner_.error()));
    if (!found) return fail(bad_header(line, "there is no header line: the file is empty"));
    std::unordered_set<std::string> seen;
    std::size_t numbers = 0;
    for (const CsvCell& cell : row_.cells) {
      std::string column(trimmed(cell.text()));
      double ignored = 0;
      if (parse(column, ignored) != Number::no) ++numbers;
      if (column.empty()) return fail(bad_header(line, fmt::format("column {} has no name", names_.size() + 1)));
      if (!seen.insert(column).second)
        return fail(bad_header(line, fmt::format("two columns are called `{}`", column)));
      names_.push_back(std::move(column));
    }
    if (numbers == names_.size()) return fail(bad_header(line, "there is no header line: all fields are numbers"));
    return {};
  }

  template <class F>
  Result<void> for_each_row(F&& f) {
    std::size_t row = 0;
    while (scanner_.next(row_)) {
      ++row;
      if (row_.cells.size() != names_.size())
        return fail(diagnose<DiagnosticKind::csv_row_length>(from_, name_, row, row_.line,
                                                             counted(row_.cells.size(), "field"), names_.size()));
      f(row);
    }
    if (scanner_.error()) return fail(bad_quoting(row + 1));
    return {};
  }

  std::optional<Diagnostic> earliest_problem(const std::vector<ColumnReader>& readers) const {
    std::optional<std::size_t> worst;
    for (std::size_t c = 0; c < readers.size(); ++c) {
      if (!readers[c].problem()) continue;
      if (!worst || readers[c].problem()->row < readers[*worst].problem()->row) worst = c;
    }
    if (!worst) return std::nullopt;
    const ColumnReader::Problem& p = *readers[*worst].problem();
    if (p.written.empty())
      return diagnose<DiagnosticKind::csv_missing_value>(from_, name_, p.row, p.line, names_[*worst])
          .with_help("leave the row out, or model the missing value as a latent");
    return diagnose<DiagnosticKind::csv_number_too_large>(from_, name_, p.row, p.line, names_[*worst], p.written,
                                                          p.capacity);
  }

  std::string_view name_;
  SourceSpan from_;
  CsvScanner scanner_;
  CsvRow row_;
  std::vector<std::string> names_;
};

void append_text(std::string& out, std::string_view s) {
  const bool plain = !s.empty() && s.find_first_of(",\"\r\n") == std::string_view::npos && s.front() != '#' &&
                     trimmed(s).size() == s.size();
  if (plain) {
    out += s;
    return;
  }
  out += '"';
  for (const char c : s) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

struct AppendCell {
  std::string& out;
  std::size_t row;

  void operator()(const std::vector<std::int64_t>& v) const { append_number(out, v[row]); }
  void operator()(const std::vector<double>& v) const {
    if (std::isfinite(v[row])) {
      append_number(out, v[row]);
    } else {
      out += special_text(v[row]);
    }
  }
  void operator()(const std::vector<bool>& v) const { out += v[row] ? "true" : "false"; }
  void operator()(const std::vector<std::string>& v) const { append_text(out, v[row]); }
};

}  // namespace

Result<std::vector<Column>> parse_csv(std::string_view name, std::string_view text, SourceSpan from) {
  if (auto checked = check_text(name, text, from); !checked) return fail(std::move(checked.error()));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return TableReader(name, text, from).read();
}

Result<DataValue> read_csv(const std::string& path, SourceSpan from) {
  return read_text_file(path, from)
      .and_then([&](const std::string& text) { return parse_csv(path, text, from); })
      .map(to_record);
}

Result<std::string> to_csv(std::string_view name, const std::vector<Column>& columns, SourceSpan from) {
  std::string out;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (c > 0) out += ',';
    append_text(out, columns[c].name);
    if (columns[c].size() != columns[0].size())
      return fail(diagnose<DiagnosticKind::columns_differ_in_length>(from, name, columns[c].name,
                                                                     counted(columns[c].size(), "row"), columns[0].name,
                                                                     counted(columns[0].size(), "row")));
  }
  out += '\n';
  const std::size_t rows = columns.empty() ? 0 : columns[0].size();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) out += ',';
      std::visit(AppendCell{out, row}, columns[c].values);
    }
    out += '\n';
  }
  return out;
}

Result<void> write_csv(const std::string& path, const std::vector<Column>& columns, SourceSpan from) {
  return to_csv(path, columns, from).and_then([&](const std::string& text) {
    return write_text_file(path, text, from);
  });
}

}  // namespace hearsay::data
