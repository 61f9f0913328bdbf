#include "lang/support/render.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace hearsay;

namespace {

struct One {
  SourceManager sources;
  FileId file;
  explicit One(std::string text, std::string name = "a.hsy") : file(sources.add(std::move(name), std::move(text))) {}
  [[nodiscard]] Diagnostic at(std::uint32_t begin, std::uint32_t end) const {
    return diagnose<DiagnosticKind::recursion>({file, begin, end}, "f");
  }
  [[nodiscard]] std::string text(std::uint32_t begin, std::uint32_t end) const {
    return render_text(at(begin, end), sources);
  }
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result(1);
  for (const char c : text) {
    if (c == '\n')
      result.emplace_back();
    else
      result.back() += c;
  }
  return result;
}

}  // namespace

TEST_CASE("render: place, message, line and caret") {
  const One one("let a = 1;\nlet b = foo(a);\n");
  CHECK(one.text(19, 22) ==
        "a.hsy:2:9: error[E0210]: `f` calls itself\n"
        "    2 | let b = foo(a);\n"
        "      |         ^~~\n");
}

TEST_CASE("render: labels have their own place, help comes last") {
  const One one("let a = 1;\nlet a = 2;");
  const Diagnostic d = diagnose<DiagnosticKind::duplicate_name>({one.file, 15, 16}, "a")
                           .label({one.file, 4, 5}, "the first one")
                           .with_help("rename one of them\nor remove it");
  CHECK(render_text(d, one.sources) ==
        "a.hsy:2:5: error[E0211]: `a` is defined twice\n"
        "    2 | let a = 2;\n"
        "      |     ^\n"
        "a.hsy:1:5: note: the first one\n"
        "    1 | let a = 1;\n"
        "      |     ^\n"
        "help: rename one of them\n"
        "      or remove it\n");
}

TEST_CASE("render: a span over several lines is marked to the end of the first") {
  const One one("f(1,\r\n  2);");
  CHECK(one.text(2, 11) ==
        "a.hsy:1:3: error[E0210]: `f` calls itself\n"
        "    1 | f(1,\n"
        "      |   ^~\n");
}

TEST_CASE("render: what is missing at the end has a caret behind the last character") {
  const One one("let a = 1\n");
  CHECK(lines(one.text(9, 9))[2] == "      |          ^");
  CHECK(lines(one.text(9, 10))[2] == "      |          ^");      // the line feed
  CHECK(lines(one.text(10, 10))[0].starts_with("a.hsy:2:1: "));  // the end of the file
  CHECK(lines(one.text(10, 10))[2] == "      | ^");
  CHECK(lines(one.text(4000, 5000))[2] == "      | ^");  // beyond it
  CHECK(lines(One("").text(0, 0))[2] == "      | ^");
}

TEST_CASE(
    "render: tabs, control characters, NUL, invalid bytes and hidden characters take the columns that they show") {
  const One one(std::string("\ta\x1B[31m\0\xFF\xE2\x80\xAEz", 13));
  const std::vector<std::string> shown = lines(one.text(12, 13));
  CHECK(shown[1] == "    1 |     a\\x1B[31m\\x00\\xFF\\u{202E}z");
  CHECK(shown[2] == "      | " + std::string(4 + 1 + 4 + 4 + 4 + 4 + 8, ' ') + "^");
  CHECK(shown[0].starts_with("a.hsy:1:11: "));
  CHECK(lines(one.text(8, 9))[2] == "      | " + std::string(17, ' ') + "^~~~");
}

TEST_CASE("render: wide and combining characters") {
  const One one("日本 e\xCC\x81 x");
  CHECK(lines(one.text(0, 6))[2] == "      | ^~~~");
  CHECK(lines(one.text(7, 10))[2] == "      |      ^");
  CHECK(lines(one.text(11, 12))[2] == "      |        ^");
  CHECK(lines(one.text(4, 6))[2] == "      |   ^~");  // a span that begins inside a character marks all of it
}

TEST_CASE("render: a long line is cut to a window around the caret") {
  std::string text(10'000'000, 'a');
  const std::uint32_t middle = 5'000'000;
  text[middle] = 'X';
  const One one(text);
  for (const std::uint32_t at : {0U, 39U, 40U, 41U, 119U, 120U, middle, 9'999'900U, 9'999'999U, 10'000'000U}) {
    CAPTURE(at);
    const std::vector<std::string> shown = lines(one.text(at, at + 1));
    CHECK(shown[1].size() <= 8 + 120 + 6);
    CHECK(shown[1].size() >= 8 + 119);
    CHECK(shown[2].ends_with("^"));
    CHECK(shown[2].size() <= 8 + 121 + 1);
  }
  const std::vector<std::string> shown = lines(one.text(middle, middle + 5'000'000));
  CHECK(shown[0].starts_with("a.hsy:1:5000001: "));
  const std::string left = "    1 | …" + std::string(40, 'a');
  CHECK(shown[1] == left + "X" + std::string(79, 'a') + "…");
  CHECK(shown[2] == "      | " + std::string(41, ' ') + "^" + std::string(79, '~'));
}

TEST_CASE("render: a line of 120 columns is shown whole wherever the caret stands") {
  const One one(std::string(120, 'a'));
  for (std::uint32_t at = 0; at <= 120; ++at) {
    CAPTURE(at);
    const std::vector<std::string> shown = lines(one.text(at, at + 1));
    CHECK(shown[1] == "    1 | " + std::string(120, 'a'));
    CHECK(shown[2] == "      | " + std::string(at, ' ') + "^");
  }
}

TEST_CASE("render: the name of a file and quoted text are shown safely, and are not endless") {
  const One one("x", "a\n\x1B.hsy");
  CHECK(lines(one.text(0, 1))[0].starts_with("a\n") == false);
  const Diagnostic d = diagnose<DiagnosticKind::recursion>({one.file, 0, 1}, std::string(10'000'000, '\x07'));
  const std::string text = render_text(d, one.sources);
  CHECK(text.size() < 10'000);
  for (const char c : text) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
}

TEST_CASE("render: what has no place has no place") {
  const SourceManager sources;
  const Diagnostic d = diagnose<DiagnosticKind::file_not_readable>({}, "x.hsy", "No such file").with_help("look again");
  CHECK(render_text(d, sources) == "error[E0601]: cannot read `x.hsy`: No such file\nhelp: look again\n");
  const auto json = nlohmann::json::parse(render_json(d, sources));
  CHECK(json.at("file").is_null());
  CHECK(json.at("begin").is_null());
  CHECK(json.at("end").is_null());
  CHECK(json.at("help") == "look again");
}

TEST_CASE("render: JSON holds the same data on one line") {
  const One one("ä\nlet a = 2;");
  const Diagnostic d =
      diagnose<DiagnosticKind::duplicate_name>({one.file, 7, 8}, "a").label({one.file, 0, 2}, "first\nhere");
  const std::string text = render_json(d, one.sources);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(nlohmann::json::parse(text) == nlohmann::json::parse(R"({
    "code": "E0211", "severity": "error", "message": "`a` is defined twice", "file": "a.hsy",
    "begin": {"line": 2, "column": 5, "offset": 7}, "end": {"line": 2, "column": 6, "offset": 8},
    "labels": [{"text": "first\nhere", "file": "a.hsy",
                "begin": {"line": 1, "column": 1, "offset": 0}, "end": {"line": 1, "column": 2, "offset": 2}}],
    "help": ""})"));
}

TEST_CASE("render: JSON is valid whatever the bytes are") {
  const One one("x", "bad\xFF.hsy");
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte.push_back(static_cast<char>(c));
  const Diagnostic d = diagnose<DiagnosticKind::recursion>({one.file, 0, 1}, every_byte).with_help(every_byte);
  const auto json = nlohmann::json::parse(render_json(d, one.sources));
  CHECK(json.at("file") == "bad\xEF\xBF\xBD.hsy");
}

TEST_CASE("render: no bytes and no span can break it") {
  // A small linear congruential generator: the same bytes everywhere.
  std::uint32_t state = 12345;
  const auto next = [&] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::uint32_t size = next() % 300;
    for (std::uint32_t i = 0; i < size; ++i)
      text.push_back(static_cast<char>(next() & (next() % 2 != 0 ? 0xFFU : 0x7FU)));
    const One one(text);
    const std::uint32_t begin = next() % 320;
    const std::uint32_t end = next() % 320;
    const std::vector<std::string> shown = lines(one.text(begin, end));
    CAPTURE(round);
    REQUIRE(shown.size() == 4);
    CHECK(shown[2].find('^') != std::string::npos);
    CHECK(shown[2].size() <= 8 + 121 + 8);
    CHECK(nlohmann::json::accept(render_json(one.at(begin, end), one.sources)));
  }
}
