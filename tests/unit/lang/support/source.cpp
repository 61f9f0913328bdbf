#include "lang/support/source.h"

#include <doctest/doctest.h>

using namespace hearsay;

TEST_CASE("source: lines and columns count from 1, columns in code points") {
  SourceManager sources;
  const FileId file = sources.add("a.hsy", "let ä = 1;\r\n\n  x\xFF y");
  const auto check = [&](std::uint32_t offset, std::uint32_t line, std::uint32_t column) {
    CAPTURE(offset);
    const LineColumn at = sources.locate(file, offset);
    CHECK(at.line == line);
    CHECK(at.column == column);
  };
  check(0, 1, 1);
  check(4, 1, 5);  // ä
  check(5, 1, 5);  // its second byte
  check(6, 1, 6);
  check(13, 2, 1);  // the empty line
  check(14, 3, 1);
  check(17, 3, 4);  // a byte that is not UTF-8
  check(19, 3, 6);  // y, behind it
  check(20, 3, 7);  // the end
  check(4000, 3, 7);
}

TEST_CASE("source: a line comes without its end") {
  SourceManager sources;
  const FileId file = sources.add("a.hsy", "one\r\ntwo\n\nlast");
  std::uint32_t begin = 99;
  CHECK(sources.line_at(file, 2, begin) == "one");
  CHECK(begin == 0);
  CHECK(sources.line_at(file, 4, begin) == "one");  // the line feed belongs to the line that it ends
  CHECK(sources.line_at(file, 5, begin) == "two");
  CHECK(begin == 5);
  CHECK(sources.line_at(file, 9, begin).empty());
  CHECK(begin == 9);
  CHECK(sources.line_at(file, 14, begin) == "last");
  CHECK(begin == 10);
}

TEST_CASE("source: spans, several files, and no file") {
  SourceManager sources;
  const FileId a = sources.add("a.hsy", "alpha beta");
  const FileId b = sources.add("b.hsy", "");
  CHECK(a != b);
  CHECK(a != FileId{});
  CHECK(sources.name(b) == "b.hsy");
  CHECK(sources.text(SourceSpan{a, 6, 10}) == "beta");
  CHECK(sources.text(SourceSpan{a, 6, 1000}) == "beta");
  CHECK(sources.text(SourceSpan{a, 8, 3}).empty());
  CHECK(join({a, 6, 10}, {a, 0, 5}) == SourceSpan{a, 0, 10});
  CHECK(sources.locate(b, 7).column == 1);

  for (const FileId none : {FileId{}, FileId{3}}) {
    CHECK_FALSE(sources.contains(none));
    CHECK(sources.name(none).empty());
    CHECK(sources.text(none).empty());
    CHECK(sources.locate(none, 5).line == 1);
    std::uint32_t begin = 99;
    CHECK(sources.line_at(none, 5, begin).empty());
    CHECK(begin == 0);
  }
}

TEST_CASE("source: stored text never moves") {
  SourceManager sources;
  const FileId first = sources.add("first", "short");
  const char* before = sources.text(first).data();
  for (int i = 0; i < 1000; ++i) sources.add("more", "text");
  CHECK(sources.text(first).data() == before);
}
