// UTF-8, one code point at a time. Bytes that belong to no well-formed sequence stand for themselves.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearsay {

/// The length of the well-formed sequence (Unicode 15, table 3-7) at the beginning of `text`; 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

/// What a reader sees as one character: a code point, or one byte that is not valid UTF-8.
struct Utf8Unit {
  char32_t code_point = 0;  ///< the byte's value when it is not valid
  std::size_t length = 1;   ///< in bytes
  bool valid = false;
};

/// The unit at the beginning of `text`, which must not be empty.
[[nodiscard]] Utf8Unit utf8_front(std::string_view text);

/// The unit at the end of `text`, which must not be empty and must begin at the boundary of a unit.
[[nodiscard]] Utf8Unit utf8_back(std::string_view text);

/// The number of units in `text`.
[[nodiscard]] std::size_t utf8_count(std::string_view text);

}  // namespace hearsay
