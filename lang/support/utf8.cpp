#include "lang/support/utf8.h"

#include <algorithm>

namespace hearsay {
namespace {

unsigned byte_at(std::string_view s, std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; }

bool continues(std::string_view s, std::size_t i) { return (byte_at(s, i) & 0xC0U) == 0x80U; }

bool within(unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; }

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned lead = byte_at(text, 0);
  const unsigned second = byte_at(text, 1);
  if (lead < 0x80) return 1;
  if (within(lead, 0xC2, 0xDF)) return continues(text, 1) ? 2 : 0;
  if (within(lead, 0xE0, 0xEF)) {
    const unsigned low = lead == 0xE0 ? 0xA0U : 0x80U;   // no overlong forms
    const unsigned high = lead == 0xED ? 0x9FU : 0xBFU;  // no surrogates
    return within(second, low, high) && continues(text, 2) ? 3 : 0;
  }
  if (within(lead, 0xF0, 0xF4)) {
    const unsigned low = lead == 0xF0 ? 0x90U : 0x80U;   // no overlong forms
    const unsigned high = lead == 0xF4 ? 0x8FU : 0xBFU;  // nothing above U+10FFFF
    return within(second, low, high) && continues(text, 2) && continues(text, 3) ? 4 : 0;
  }
  return 0;
}

Utf8Unit utf8_front(std::string_view text) {
  const std::size_t length = utf8_sequence_length(text);
  const unsigned lead = byte_at(text, 0);
  if (length <= 1) return {lead, 1, length == 1};
  char32_t code_point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) code_point = (code_point << 6U) | (byte_at(text, i) & 0x3FU);
  return {code_point, length, true};
}

Utf8Unit utf8_back(std::string_view text) {
  // No well-formed sequence begins inside another one, so a sequence that ends here is the unit that ends here.
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
    const std::string_view tail = text.substr(text.size() - length);
    if (utf8_sequence_length(tail) == length) return utf8_front(tail);
  }
  return utf8_front(text.substr(text.size() - 1));
}

std::size_t utf8_count(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(utf8_front(text).length);
    ++count;
  }
  return count;
}

}  // namespace hearsay
