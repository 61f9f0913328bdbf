#include "lang/support/utf8.h"

#include <doctest/doctest.h>

#include <string>

using namespace hearsay;

TEST_CASE("utf8: every code point is one unit, forwards and backwards") {
  for (char32_t c = 0; c <= 0x10FFFF; c = c < 0x900 ? c + 1 : c + 97) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;  // the definition of UTF-8, written out
    const auto put = [&](char32_t b) { bytes.push_back(static_cast<char>(static_cast<unsigned char>(b))); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0 | (c >> 6));
      put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      put(0xE0 | (c >> 12));
      put(0x80 | ((c >> 6) & 0x3F));
      put(0x80 | (c & 0x3F));
    } else {
      put(0xF0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3F));
      put(0x80 | ((c >> 6) & 0x3F));
      put(0x80 | (c & 0x3F));
    }
    const Utf8Unit front = utf8_front(bytes + "x");
    const Utf8Unit back = utf8_back("x" + bytes);
    REQUIRE(front.valid);
    REQUIRE(front.code_point == c);
    REQUIRE(front.length == bytes.size());
    REQUIRE(back.code_point == c);
    REQUIRE(back.length == bytes.size());
  }
}

TEST_CASE("utf8: ill-formed bytes stand for themselves") {
  // Overlong, surrogate, above U+10FFFF, stray continuation, cut short.
  for (const std::string bytes :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xC3", "\xE2\x82"}) {
    CAPTURE(bytes);
    CHECK(utf8_sequence_length(bytes) == 0);
    CHECK_FALSE(utf8_front(bytes).valid);
    CHECK(utf8_front(bytes).length == 1);
    CHECK_FALSE(utf8_back(bytes).valid);
    CHECK(utf8_count(bytes) == bytes.size());
  }
  CHECK(utf8_sequence_length("") == 0);
  CHECK(utf8_count("a\xC3\xA4\xFF\xE2\x82\xAC") == 4);
}
