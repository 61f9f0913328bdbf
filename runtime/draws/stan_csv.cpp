#include "runtime/draws/stan_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <unordered_set>

#include "lang/support/text_file.h"

namespace hearsay {
namespace {

constexpr std::string_view chains_key = "chains = ";

bool all_digits(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// `theta[2, 1]` to `theta.2.1`; nothing when that would not be one column's name.
std::optional<std::string> column_name(std::string_view name) {
  std::string out;
  const std::size_t open = name.ends_with(']') ? name.find('[') : std::string_view::npos;
  out = name.substr(0, open);
  if (out.empty() || out.find_first_of(",\"# \t\r\n[]") != std::string::npos) return std::nullopt;
  if (open == std::string_view::npos) return out;
  std::string_view indices = name.substr(open + 1, name.size() - open - 2);
  while (true) {
    const std::size_t comma = std::min(indices.find(','), indices.size());
    std::string_view index = indices.substr(0, comma);
    while (index.starts_with(' ')) index.remove_prefix(1);
    if (!all_digits(index)) return std::nullopt;
    (out += '.') += index;
    if (comma == indices.size()) return out;
    indices.remove_prefix(comma + 1);
  }
}

/// `theta.2.1` to `theta[2, 1]`.
std::string indexed_name(std::string_view column) {
  std::string indices;
  while (true) {
    const std::size_t point = column.rfind('.');
    if (point == std::string_view::npos || point == 0 || !all_digits(column.substr(point + 1))) break;
    indices = std::string(column.substr(point + 1)) + (indices.empty() ? "" : ", ") + indices;
    column = column.substr(0, point);
  }
  return indices.empty() ? std::string(column) : fmt::format("{}[{}]", column, indices);
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = std::min(line.find(separator), line.size());
    parts.push_back(line.substr(0, at));
    if (at == line.size()) return parts;
    line.remove_prefix(at + 1);
  }
}

std::optional<double> number(std::string_view s) {
  double x = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (end != s.data() + s.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // rounds to 0 or to a subnormal number; or is no double at all
    x = std::strtod(std::string(s).c_str(), nullptr);
    if (std::isinf(x)) return std::nullopt;
  }
  return x;
}

/// Reads the lines of one file.
class Reader {
public:
  Reader(std::string_view name, SourceSpan from) : name_(name), from_(from) {}

  Result<StanCsv> read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      if (line.starts_with('#')) {
        comment(line.substr(1));
      } else if (file_.draws.names.empty()) {
        if (auto d = header(line)) return fail(std::move(*d));
      } else if (auto d = row(line)) {
        return fail(std::move(*d));
      }
    }
    if (file_.draws.names.empty()) return fail(malformed("there is no header line"));
    if (chains_ == 0 || rows_ % chains_ != 0)
      return fail(malformed(fmt::format("{} rows cannot be {} chains of equal length", rows_, chains_)));
    file_.draws.chains = chains_;
    file_.draws.draws_per_chain = rows_ / chains_;
    file_.draws.values.reserve(rows_ * columns_.size());
    for (const auto& column : columns_)
      file_.draws.values.insert(file_.draws.values.end(), column.begin(), column.end());
    return std::move(file_);
  }

private:
  Diagnostic malformed(const std::string& why) const {
    return diagnose<DiagnosticKind::draws_malformed>(from_, name_, line_, why);
  }
  void comment(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    if (text.starts_with(chains_key)) {
      const std::string_view count = text.substr(chains_key.size());
      std::size_t chains = 0;
      const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), chains);
      if (error == std::errc() && end == count.data() + count.size()) {
        chains_ = chains;
        return;
      }
    }
    file_.comments.emplace_back(text);
  }
  std::optional<Diagnostic> header(std::string_view line) {
    std::unordered_set<std::string> seen;
    for (const std::string_view column : split(line, ',')) {
      std::string name = indexed_name(column);
      if (name.empty()) return malformed("a column has no name");
      if (!seen.insert(name).second) return malformed(fmt::format("two columns are called `{}`", column));
      file_.draws.names.push_back(std::move(name));
    }
    columns_.resize(file_.draws.names.size());
    return std::nullopt;
  }
  std::optional<Diagnostic> row(std::string_view line) {
    const auto cells = split(line, ',');
    if (cells.size() != columns_.size())
      return malformed(fmt::format("found {} fields, the header has {}", cells.size(), columns_.size()));
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const auto x = number(cells[c]);
      if (!x) return malformed(fmt::format("`{}` in column {} is not a number", cells[c].substr(0, 40), c + 1));
      columns_[c].push_back(*x);
    }
    ++rows_;
    return std::nullopt;
  }

  std::string_view name_;
  SourceSpan from_;
  std::size_t line_ = 0;
  std::size_t rows_ = 0;
  std::size_t chains_ = 1;
  std::vector<std::vector<double>> columns_;
  StanCsv file_;
};

}  // namespace

Result<std::string> to_stan_csv(std::string_view name, const StanCsv& file, SourceSpan from) {
  std::string out;
  for (const std::string& comment : file.comments)
    for (const std::string_view line : split(comment, '\n')) out += fmt::format("# {}\n", line);
  out += fmt::format("# {}{}\n", chains_key, file.draws.chains);
  const Draws& draws = file.draws;
  for (std::size_t c = 0; c < draws.names.size(); ++c) {
    const auto column = column_name(draws.names[c]);
    if (!column) return fail(diagnose<DiagnosticKind::draws_bad_name>(from, name, draws.names[c]));
    out += fmt::format("{}{}", c == 0 ? "" : ",", *column);
  }
  out += '\n';
  for (std::size_t row = 0; row < draws.rows(); ++row) {
    for (std::size_t c = 0; c < draws.names.size(); ++c)
      fmt::format_to(std::back_inserter(out), "{}{}", c == 0 ? "" : ",", draws.values[c * draws.rows() + row]);
    out += '\n';
  }
  return out;
}

Result<void> write_stan_csv(const std::string& path, const StanCsv& file, SourceSpan from) {
  return to_stan_csv(path, file, from).and_then([&](const std::string& text) {
    return write_text_file(path, text, from);
  });
}

Result<StanCsv> parse_stan_csv(std::string_view name, std::string_view text, SourceSpan from) {
  if (auto checked = check_text(name, text, from); !checked) return fail(std::move(checked.error()));
  return Reader(name, from).read(text);
}

Result<StanCsv> read_stan_csv(const std::string& path, SourceSpan from) {
  return read_text_file(path, from).and_then([&](const std::string& text) { return parse_stan_csv(path, text, from); });
}

}  // namespace hearsay
