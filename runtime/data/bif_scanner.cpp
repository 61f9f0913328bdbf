#include "runtime/data/bif_scanner.h"

#include <algorithm>

namespace hearsay::data {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool is_punctuation(char c) { return std::string_view("{}()[],;|").find(c) != std::string_view::npos; }

/// A comment inside a word ends it, unless it is the `//` of an address (`property source http://...`).
bool comment_in_word(std::string_view text, std::size_t at) {
  if (text[at] != '/' || at + 1 >= text.size()) return false;
  return text[at + 1] == '*' || (text[at + 1] == '/' && text[at - 1] != ':');
}

}  // namespace

Result<std::vector<BifToken>> scan_bif(FileId file, std::string_view text) {
  std::vector<BifToken> tokens;
  tokens.reserve(text.size() / 4 + 1);
  const auto push = [&](BifTokenKind kind, std::size_t begin, std::size_t end, std::string_view word) {
    tokens.push_back({kind, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), word});
  };
  const auto unended = [&](std::size_t begin, std::size_t length, std::string_view closing) {
    const SourceSpan span{file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + length)};
    return fail(diagnose<DiagnosticKind::bif_syntax>(span, closing, "the end of the file"));
  };
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // a byte order mark
  while (at < text.size()) {
    const char c = text[at];
    if (is_blank(c)) {
      ++at;
    } else if (text.compare(at, 2, "//") == 0) {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.compare(at, 2, "/*") == 0) {
      const std::size_t close = text.find("*/", at + 2);
      if (close == std::string_view::npos) return unended(at, 2, "`*/` for this comment");
      at = close + 2;
    } else if (c == '"') {
      const std::size_t close = text.find('"', at + 1);
      if (close == std::string_view::npos) return unended(at, 1, "a second quotation mark for this one");
      push(BifTokenKind::quoted, at, close + 1, text.substr(at + 1, close - at - 1));
      at = close + 1;
    } else if (is_punctuation(c)) {
      push(BifTokenKind::punctuation, at, at + 1, text.substr(at, 1));
      ++at;
    } else {
      const std::size_t begin = at++;
      while (at < text.size() && !is_blank(text[at]) && text[at] != '"' && !is_punctuation(text[at]) &&
             !comment_in_word(text, at))
        ++at;
      push(BifTokenKind::word, begin, at, text.substr(begin, at - begin));
    }
  }
  push(BifTokenKind::end, text.size(), text.size(), {});
  return tokens;
}

}  // namespace hearsay::data
