// The words of a BIF file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lang/support/diagnostic.h"
#include "lang/support/source.h"

namespace hearsay::data {

enum class BifTokenKind : std::uint8_t { word, quoted, punctuation, end };

/// `text` is what stands in the file, without the quotes of a quoted word.
struct BifToken {
  BifTokenKind kind = BifTokenKind::end;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view text;

  [[nodiscard]] bool is(char c) const { return kind == BifTokenKind::punctuation && text[0] == c; }
  [[nodiscard]] bool is_keyword(std::string_view word) const { return kind == BifTokenKind::word && text == word; }
  [[nodiscard]] bool is_name() const { return kind == BifTokenKind::word || kind == BifTokenKind::quoted; }
};

/// All tokens of a file, the last of kind `end`. A word is any run of characters except white space, quotes and
/// `{}()[],;|`, so state names like `<5`, `12+` or `Asy/Patchy` are words. Comments are dropped. Errors: E0620 for a
/// comment or quoted word without end.
[[nodiscard]] Result<std::vector<BifToken>> scan_bif(FileId file, std::string_view text);

}  // namespace hearsay::data
