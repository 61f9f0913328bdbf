#include "runtime/data/json.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <random>

#include "lang/support/text_file.h"
#include "tests/unit/runtime/data/shared_files.h"
#include "tests/unit/runtime/data/temporary_folder.h"

using namespace hearsay;
using namespace hearsay::data;

namespace {

using Ints = DataArray<std::int64_t>;
using Reals = DataArray<double>;
using Bools = DataArray<bool>;
using Texts = DataArray<std::string>;

constexpr double inf = std::numeric_limits<double>::infinity();

DataValue good(std::string_view text) {
  auto value = parse_json("d.json", text);
  if (!value) FAIL("refused: " << value.error().message << " in " << text.substr(0, 80));
  return std::move(*value);
}

Diagnostic bad(std::string_view text) {
  auto value = parse_json("d.json", text);
  if (value) FAIL("accepted: " << text.substr(0, 80));
  return std::move(value.error());
}

}  // namespace

TEST_CASE("scalars keep their types") {
  CHECK(good("3") == DataValue{std::int64_t{3}});
  CHECK(good("-9223372036854775808") == DataValue{std::numeric_limits<std::int64_t>::min()});
  CHECK(good("9223372036854775807") == DataValue{std::numeric_limits<std::int64_t>::max()});
  CHECK(good("3.0") == DataValue{3.0});
  CHECK(good("1e3") == DataValue{1000.0});
  CHECK(good("5e-324") == DataValue{5e-324});
  CHECK(good("true") == DataValue{true});
  CHECK(good("\"a\\u00e9\\n\"") == DataValue{std::string("a\xc3\xa9\n")});
  CHECK(good("\"Inf\"") == DataValue{inf});
  CHECK(good("\"-Inf\"") == DataValue{-inf});
  CHECK(good("\"inf\"") == DataValue{std::string("inf")});
  CHECK(find_nan(good("\"NaN\""), "x") == "x");
}

TEST_CASE("arrays are rectangular and row-major, of one type") {
  CHECK(good("[1, 2, 3]") == DataValue{Ints{{3}, {1, 2, 3}}});
  CHECK(good("[[1, 2, 3], [4, 5, 6]]") == DataValue{Ints{{2, 3}, {1, 2, 3, 4, 5, 6}}});
  CHECK(good("[[[1], [2]], [[3], [4]], [[5], [6]]]") == DataValue{Ints{{3, 2, 1}, {1, 2, 3, 4, 5, 6}}});
  CHECK(good("[1, 2.5, 3]") == DataValue{Reals{{3}, {1, 2.5, 3}}});
  CHECK(good("[1.5, 2]") == DataValue{Reals{{2}, {1.5, 2}}});
  CHECK(good("[1, \"Inf\", \"-Inf\"]") == DataValue{Reals{{3}, {1, inf, -inf}}});
  CHECK(good("[\"Inf\", 1]") == DataValue{Reals{{2}, {inf, 1}}});
  CHECK(good("[\"Inf\", \"yes\"]") == DataValue{Texts{{2}, {"Inf", "yes"}}});
  CHECK(good("[\"yes\", \"NaN\"]") == DataValue{Texts{{2}, {"yes", "NaN"}}});
  CHECK(good("[[true], [false]]") == DataValue{Bools{{2, 1}, {true, false}}});
  CHECK(good("[]") == DataValue{Ints{{0}, {}}});
  CHECK(good("[[], []]") == DataValue{Ints{{2, 0}, {}}});
  CHECK(find_nan(good("{\"a\": {\"y\": [[1, 2], [\"NaN\", 4]]}}")) == "a.y[2, 1]");
}

TEST_CASE("records keep the order of the file and nest") {
  const DataValue value = good("\xEF\xBB\xBF{\"N\": 2, \"y\": [0.5, 1], \"inner\": {\"k\": \"v\"}, \"empty\": {}}");
  const auto* record = value.get_if<DataRecord>();
  REQUIRE(record != nullptr);
  REQUIRE(record->fields.size() == 4);
  CHECK(record->fields[0].name == "N");
  CHECK(*record->find("y") == DataValue{Reals{{2}, {0.5, 1}}});
  CHECK(*record->find("inner") == DataValue{DataRecord{{{"k", {std::string("v")}}}}});
  CHECK(*record->find("empty") == DataValue{DataRecord{}});
  CHECK(record->find("Y") == nullptr);
  CHECK(describe(value) == "a record");
  CHECK(describe(*record->find("y")) == "a real[2]");
}

TEST_CASE("what is wrong is named with file and place") {
  CHECK(bad("{\"y\": [[1,2,3,4,5],[1,2,3,4,5],[1,2,3,4]]}").message == "d.json: `y[3]` has 4 elements, expected 5");
  CHECK(bad("{\"y\": [[1],[]]}").kind == DiagnosticKind::json_ragged_array);
  CHECK(bad("{\"y\": [[],[1]]}").kind == DiagnosticKind::json_ragged_array);
  CHECK(bad("{\"y\": [[[1,2],[3,4]],[[1,2],[3]]]}").message == "d.json: `y[2, 2]` has 1 element, expected 2");
  CHECK(bad("{\"a\": {\"y\": [1, \"x\"]}}").message == "d.json: `a.y[2]` is a text, but the array holds ints");
  CHECK(bad("[[1], 2]").message == "d.json: `(the whole)[2]` is a single value, but the array holds arrays");
  for (const char* text : {"[1, [2]]", "[[1], [[2]]]", "[true, 1]", "[1, true]", "[1.5, \"x\"]", "[\"x\", 1]",
                           "[\"x\", true]", "[true, \"NaN\"]", "[[], [[]]]", "[1.5, true]", "[\"Inf\", true]"}) {
    CAPTURE(text);
    CHECK(bad(text).kind == DiagnosticKind::json_mixed_array);
  }
  CHECK(bad("{\"y\": null}").message == "d.json: `y` is null, which has no meaning as data");
  CHECK(bad("{\"y\": [1, null]}").kind == DiagnosticKind::json_unsupported_value);
  CHECK(bad("{\"y\": [{\"a\": 1}]}").kind == DiagnosticKind::json_unsupported_value);
  CHECK(bad("{\"y\": 1, \"x\": 2, \"y\": 3}").message == "d.json: the field `y` stands here twice");
  CHECK(bad("{\"y\": [1, 9223372036854775808]}").message ==
        "d.json: `y[2]` is 9223372036854775808, which does not fit into an int of 64 bits");
  CHECK(bad("-9223372036854775809").kind == DiagnosticKind::json_number_too_large);
  CHECK(bad("123456789012345678901234567890").kind == DiagnosticKind::json_number_too_large);
  CHECK(bad("{\"y\": [1, 1e999 ]}").message == "d.json: `y[2]` is 1e999, which does not fit into a real");
}

TEST_CASE("malformed text is refused with line and column") {
  CHECK(bad("{\n  \"y\": [1, 2,]\n}").message.starts_with("d.json:2:14: this is not JSON: "));
  CHECK(bad("{\"\xc3\xa9\": x}").message.starts_with("d.json:1:7: "));
  for (const char* text :
       {"",          " ",     "{",   "[",       "[1",          "[1,",      "{\"a\"", "{\"a\":", "{\"a\":1", "{a: 1}",
        "{\"a\" 1}", "[1 2]", "01",  "1.",      ".5",          "+1",       "--1",    "nul",     "tru",      "NaN",
        "Infinity",  "'a'",   "\"a", "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "[1]]",   "{}{}",    "1 2",      "[1] // x",
        "}",         "]",     ",",   ":"}) {
    CAPTURE(text);
    CHECK(bad(text).kind == DiagnosticKind::json_syntax);
  }
}

TEST_CASE("text that is not text is refused") {
  CHECK(bad(std::string_view("{\"a\": 1}\0{}", 11)).message == "d.json:1:9: a NUL byte");
  CHECK(bad("{\n\"a\": \"\xff\"}").message == "d.json:2:7: byte 0xff, which is not valid UTF-8");
  for (const char* text : {"\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\x80\""}) {
    CAPTURE(text);
    CHECK(bad(text).kind == DiagnosticKind::file_not_text);
  }
}

TEST_CASE("deep nesting is an error, not a crash") {
  for (const std::string unit : {"[", "{\"a\":", "[[[["}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += unit;
    CHECK(bad(text).kind == DiagnosticKind::json_too_deep);
  }
  CHECK(bad(std::string(65, '[')).message == "d.json:1:65: nested more than 64 levels deep");
  CHECK(bad("{\"[\\\"\": " + std::string(64, '[')).message == "d.json:1:72: nested more than 64 levels deep");
  CHECK(describe(good(std::string(64, '[') + "1" + std::string(64, ']'))).starts_with("an int[1, 1, "));
  CHECK(bad(std::string(100000, ']')).kind == DiagnosticKind::json_syntax);
}

TEST_CASE("every prefix and every one-byte change of a file is read or refused") {
  const std::string text = "{\"N\": 3, \"y\": [[1, 2.5e3], [\"NaN\", -4]], \"s\": \"\\u00e9\xc3\xa9\", \"b\": [true]}";
  for (std::size_t n = 0; n < text.size(); ++n) CHECK_FALSE(parse_json("d.json", text.substr(0, n)).has_value());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[i] = static_cast<char>(byte);
      const auto value = parse_json("d.json", changed);
      if (!value) CHECK(value.error().message.starts_with("d.json:"));
    }
  }
}

TEST_CASE("what is written is read back the same") {
  std::mt19937_64 random(20240117);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto real = [&] {
    while (true) {
      const double x = std::bit_cast<double>(random());
      if (std::isnan(x)) continue;
      return pick(3) == 0 ? static_cast<double>(pick(100)) : x;
    }
  };
  const auto text = [&] {
    std::string s = "t";
    for (std::size_t i = pick(6); i > 0; --i) s += std::string("a\"\\\n\x01,/ ")[pick(9)];
    return s + "\xe2\x82\xac";
  };
  for (int round = 0; round < 300; ++round) {
    DataRecord record;
    std::vector<std::size_t> shape(1 + pick(3));
    std::size_t size = 1;
    for (std::size_t& d : shape) size *= d = 1 + pick(4);
    Ints ints{shape, {}};
    Reals reals{shape, {}};
    Bools bools{shape, {}};
    Texts texts{shape, {}};
    for (std::size_t i = 0; i < size; ++i) {
      ints.values.push_back(static_cast<std::int64_t>(random()));
      reals.values.push_back(real());
      bools.values.push_back(pick(2) == 1);
      texts.values.push_back(text());
    }
    record.fields = {{"i", {std::int64_t{-7}}}, {"x", {real()}},      {"b", {true}},
                     {"t" + text(), {text()}},  {"ints", {ints}},     {"reals", {reals}},
                     {"bools", {bools}},        {"texts", {texts}},   {"inf", {-inf}},
                     {"none", {Ints{{0}, {}}}}, {"e", {DataRecord{}}}};
    const DataValue value{DataRecord{{{"outer", {record}}, {"n", {std::int64_t{round}}}}}};
    CHECK(good(to_json(value)) == value);
  }
}

TEST_CASE("files are written whole or not at all") {
  const test::TemporaryFolder folder;
  const DataValue value{Reals{{2}, {0.1, 1}}};
  const std::string path = folder / "d.json";
  REQUIRE(write_json(path, value).has_value());
  CHECK(read_text_file(path) == "[0.1, 1.0]\n");
  CHECK(*read_json(path) == value);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  REQUIRE(write_json(path, {std::int64_t{1}}).has_value());
  CHECK(read_text_file(path) == "1\n");
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const std::string link = folder / "link.json";
  std::filesystem::create_symlink("d.json", link);
  REQUIRE(write_json(link, {std::int64_t{2}}).has_value());
  CHECK(read_text_file(path) == "2\n");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(folder.files() == 2);

  const auto no_folder = write_json(folder / "none/d.json", value);
  REQUIRE_FALSE(no_folder.has_value());
  CHECK(no_folder.error().kind == DiagnosticKind::file_not_writable);
  CHECK_FALSE(write_json(folder / "", value).has_value());
  CHECK_FALSE(write_text_file(std::string("a\0b", 3), "").has_value());
  CHECK(folder.files() == 2);

  const SourceSpan from{FileId{3}, 10, 20};
  const auto missing = read_json(folder / "none.json", from);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == DiagnosticKind::file_not_readable);
  CHECK(missing.error().primary == from);
  CHECK(missing.error().message.find("none.json") != std::string::npos);
  CHECK(read_json(folder / "").error().message.ends_with("it is a folder"));
}

TEST_CASE("all JSON data of the model collection are read or refused with a reason") {
  const auto root = test::shared_path("data/posteriordb");
  if (!root) return;
  std::size_t read = 0;
  std::size_t refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*root)) {
    if (entry.path().filename() != "data.json") continue;
    const auto value = read_json(entry.path().string());
    if (value) {
      ++read;
    } else {
      ++refused;
      MESSAGE(value.error().message);
    }
  }
  CHECK(read > 0);
  CHECK(refused == 0);
}
