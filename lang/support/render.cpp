#include "lang/support/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lang/support/glyph.h"
#include "lang/support/utf8.h"

namespace hearsay {
namespace {

// Columns of source that are shown of one line, and how many of them stand in front of the caret at least when there
// are.
constexpr std::size_t window_width = 120;
constexpr std::size_t columns_after_caret = 80;

// A message that quotes a word of ten megabytes is cut to so many bytes.
constexpr std::size_t longest_text = 2000;

std::string_view severity_name(Severity s) { return s == Severity::error ? "error" : "warning"; }

Glyph front_glyph(std::string_view text, std::size_t& length) {
  const Utf8Unit unit = utf8_front(text);
  length = unit.length;
  return glyph_of(unit, text.substr(0, length));
}

/// The part of a line that is shown, in bytes: as much behind `caret` as fits, the rest of the width in front of it.
struct Window {
  std::size_t begin, end;
};

Window window_around(std::string_view line, std::size_t caret) {
  std::size_t after = 0;
  for (std::size_t at = caret; at < line.size() && after < columns_after_caret;) {
    std::size_t length = 0;
    after += front_glyph(line.substr(at), length).width;
    at += length;
  }
  const std::size_t before = window_width - std::min(after, columns_after_caret);

  Window window{caret, caret};
  std::size_t used = 0;
  while (window.begin > 0) {
    const Utf8Unit unit = utf8_back(line.substr(0, window.begin));
    const std::size_t width = glyph_of(unit, line.substr(window.begin - unit.length, unit.length)).width;
    if (used + width > before) break;
    used += width;
    window.begin -= unit.length;
  }
  while (window.end < line.size()) {
    std::size_t length = 0;
    const std::size_t width = front_glyph(line.substr(window.end), length).width;
    if (used + width > window_width) break;
    used += width;
    window.end += length;
  }
  return window;
}

/// `offset` moved back to the beginning of the character that it lies in.
std::size_t character_begin(std::string_view line, std::size_t offset) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, offset); ++back)
    if (utf8_sequence_length(line.substr(offset - back)) > back) return offset - back;
  return offset;
}

/// The source line with its number and the caret line under the span.
std::string snippet(SourceSpan span, const SourceManager& sources) {
  const std::size_t size = sources.text(span.file).size();
  const auto first = static_cast<std::uint32_t>(std::min<std::size_t>(span.begin, size));
  std::uint32_t line_begin = 0;
  const std::string_view line = sources.line_at(span.file, first, line_begin);
  const std::size_t begin = character_begin(line, std::min<std::size_t>(first - line_begin, line.size()));
  const std::size_t end = std::clamp<std::size_t>(std::max(span.end, first) - line_begin, begin, line.size());
  const Window window = window_around(line, begin);

  std::string shown = window.begin > 0 ? "…" : "";
  std::string marks(window.begin > 0 ? 1 : 0, ' ');
  std::size_t caret = 0;
  for (std::size_t at = window.begin; at < window.end;) {
    std::size_t length = 0;
    const Glyph glyph = front_glyph(line.substr(at), length);
    shown += glyph.shown;
    if (at == begin) caret = marks.size();
    if (at < end) marks.append(glyph.width, at < begin ? ' ' : '~');
    at += length;
  }
  if (begin == window.end) caret = marks.size();  // what is missing at the end of the line
  if (window.end < line.size()) shown += "…";
  marks.resize(std::max(marks.size(), caret + 1));
  marks[caret] = '^';
  return fmt::format("{:>5} | {}\n      | {}\n", sources.locate(span.file, first).line, shown, marks);
}

/// "file:line:column: ", or nothing for what has no place.
std::string place(SourceSpan span, const SourceManager& sources) {
  if (!sources.contains(span.file)) return {};
  const LineColumn at = sources.locate(span.file, span.begin);
  return fmt::format("{}:{}:{}: ", printable(sources.name(span.file)), at.line, at.column);
}

/// Text that may quote the source: safe to print, not endless, further lines under the first one.
std::string indented(std::string_view text, std::size_t columns) {
  std::string result;
  const bool cut = text.size() > longest_text;
  if (cut) text = text.substr(0, character_begin(text, longest_text));
  for (const char c : printable(text)) {
    result += c;
    if (c == '\n') result.append(columns, ' ');
  }
  if (cut) result += "…";
  return result;
}

nlohmann::ordered_json json_place(SourceSpan span, const SourceManager& sources) {
  const auto point = [&](std::uint32_t offset) {
    const LineColumn at = sources.locate(span.file, offset);
    return nlohmann::ordered_json{{"line", at.line}, {"column", at.column}, {"offset", offset}};
  };
  nlohmann::ordered_json result{{"file", nullptr}, {"begin", nullptr}, {"end", nullptr}};
  if (sources.contains(span.file)) {
    result["file"] = sources.name(span.file);
    result["begin"] = point(span.begin);
    result["end"] = point(std::max(span.begin, span.end));
  }
  return result;
}

}  // namespace

std::string render_text(const Diagnostic& d, const SourceManager& sources) {
  std::string result = fmt::format("{}{}[{}]: {}\n", place(d.primary, sources), severity_name(severity(d.kind)),
                                   code(d.kind), indented(d.message, 2));
  if (sources.contains(d.primary.file)) result += snippet(d.primary, sources);
  for (const DiagnosticLabel& label : d.labels) {
    result += fmt::format("{}note: {}\n", place(label.span, sources), indented(label.text, 6));
    if (sources.contains(label.span.file)) result += snippet(label.span, sources);
  }
  if (!d.help.empty()) result += fmt::format("help: {}\n", indented(d.help, 6));
  return result;
}

std::string render_json(const Diagnostic& d, const SourceManager& sources) {
  nlohmann::ordered_json object{
      {"code", code(d.kind)}, {"severity", severity_name(severity(d.kind))}, {"message", d.message}};
  object.update(json_place(d.primary, sources));
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  for (const DiagnosticLabel& label : d.labels) {
    nlohmann::ordered_json one{{"text", label.text}};
    one.update(json_place(label.span, sources));
    labels.push_back(std::move(one));
  }
  object["labels"] = std::move(labels);
  object["help"] = d.help;
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace hearsay
