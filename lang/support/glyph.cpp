#include "lang/support/glyph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearsay {
namespace {

struct CodeRange {
  char32_t first, last;
};

template <std::size_t N>
bool holds(const std::array<CodeRange, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](CodeRange r) { return c >= r.first && c <= r.last; });
}

// Blocks, not single characters: good enough to put a caret, and short enough to check by eye.
constexpr auto invisible = std::to_array<CodeRange>(
    {{0xAD, 0xAD}, {0x61C, 0x61C}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}});
constexpr auto combining = std::to_array<CodeRange>(
    {{0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}});
constexpr auto wide = std::to_array<CodeRange>({{0x1100, 0x115F},
                                                {0x2E80, 0x303E},
                                                {0x3041, 0xA4CF},
                                                {0xA960, 0xA97F},
                                                {0xAC00, 0xD7A3},
                                                {0xF900, 0xFAFF},
                                                {0xFE30, 0xFE6F},
                                                {0xFF00, 0xFF60},
                                                {0xFFE0, 0xFFE6},
                                                {0x1F300, 0x1F64F},
                                                {0x1F680, 0x1F6FF},
                                                {0x1F900, 0x1F9FF},
                                                {0x20000, 0x3FFFD}});

}  // namespace

Glyph glyph_of(Utf8Unit unit, std::string_view bytes) {
  const char32_t c = unit.code_point;
  if (c == U'\t' && unit.valid) return {"    ", 4};
  if (!unit.valid || c < 0x20 || (c >= 0x7F && c < 0xA0))
    return {fmt::format("\\x{:02X}", static_cast<unsigned>(c)), 4};
  if (holds(invisible, c)) {
    std::string escape = fmt::format("\\u{{{:X}}}", static_cast<unsigned>(c));
    const std::size_t width = escape.size();
    return {std::move(escape), width};
  }
  std::size_t width = 1;
  if (holds(combining, c)) width = 0;
  if (holds(wide, c)) width = 2;
  return {std::string(bytes), width};
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Unit unit = utf8_front(text);
    const std::string_view bytes = text.substr(0, unit.length);
    result += bytes == "\n" ? "\n" : glyph_of(unit, bytes).shown;
    text.remove_prefix(unit.length);
  }
  return result;
}

}  // namespace hearsay
