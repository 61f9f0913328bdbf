#include "runtime/data/csv.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>
#include <random>

#include "lang/support/text_file.h"
#include "tests/unit/runtime/data/shared_files.h"
#include "tests/unit/runtime/data/temporary_folder.h"

using namespace hearsay;
using namespace hearsay::data;

namespace {

using Ints = std::vector<std::int64_t>;
using Reals = std::vector<double>;
using Bools = std::vector<bool>;
using Texts = std::vector<std::string>;

std::vector<Column> good(std::string_view text) {
  auto columns = parse_csv("t.csv", text);
  if (!columns) FAIL("refused: " << columns.error().message << " in " << text.substr(0, 80));
  return std::move(*columns);
}

Diagnostic bad(std::string_view text) {
  auto columns = parse_csv("t.csv", text);
  if (columns) FAIL("accepted: " << text.substr(0, 80));
  return std::move(columns.error());
}

template <class T>
bool holds(const Column& column, const char* name, const T& values) {
  return column.name == name && std::holds_alternative<T>(column.values) && std::get<T>(column.values) == values;
}

}  // namespace

TEST_CASE("each column gets the narrowest type that fits all its cells") {
  const auto t = good("i,x,b,s,up,mixed\n1,1.5,true,a,1,1\n-2,2,FALSE,b,2.5,true\n+3,-.5e1,True,,1e3,x\n");
  REQUIRE(t.size() == 6);
  CHECK(holds(t[0], "i", Ints{1, -2, 3}));
  CHECK(holds(t[1], "x", Reals{1.5, 2, -5}));
  CHECK(holds(t[2], "b", Bools{true, false, true}));
  CHECK(holds(t[3], "s", Texts{"a", "b", ""}));
  CHECK(holds(t[4], "up", Reals{1, 2.5, 1000}));
  CHECK(holds(t[5], "mixed", Texts{"1", "true", "x"}));
}

TEST_CASE("a text late in a column keeps the spelling of the earlier cells") {
  const auto t = good("a,b,c,d\n007,1.50,true,\n NA ,2,false,99999999999999999999\nx,y,z,w\n");
  CHECK(holds(t[0], "a", Texts{"007", " NA ", "x"}));
  CHECK(holds(t[1], "b", Texts{"1.50", "2", "y"}));
  CHECK(holds(t[2], "c", Texts{"true", "false", "z"}));
  CHECK(holds(t[3], "d", Texts{"", "99999999999999999999", "w"}));
}

TEST_CASE("special numbers") {
  const auto t = good("x\nInf\n-Inf\ninf\n1e-400\n");
  CHECK(holds(t[0], "x", Reals{HUGE_VAL, -HUGE_VAL, HUGE_VAL, 0.0}));
  CHECK(std::isnan(std::get<Reals>(good("x\nNaN\n")[0].values)[0]));
  CHECK(holds(good("x\nnan(1)\n")[0], "x", Texts{"nan(1)"}));
  CHECK(holds(good("x\n0x10\n")[0], "x", Texts{"0x10"}));
  CHECK(holds(good("x\n+-1\n")[0], "x", Texts{"+-1"}));
  CHECK(holds(good("x\n-9223372036854775808\n")[0], "x", Ints{std::numeric_limits<std::int64_t>::min()}));
}

TEST_CASE("quotes, line ends, byte order mark, comments") {
  const auto t =
      good("\xEF\xBB\xBF# source: nobody\r\n# \"\r\n\"a, \"\"b\"\"\",c\r\n\"x\r\ny\",1\r\n\"\"\"\",\"2\"\r\n");
  REQUIRE(t.size() == 2);
  CHECK(holds(t[0], "a, \"b\"", Texts{"x\r\ny", "\""}));
  CHECK(holds(t[1], "c", Ints{1, 2}));
  CHECK(holds(good("a\r1\r2\r")[0], "a", Ints{1, 2}));
  CHECK(holds(good("a\n1\n2")[0], "a", Ints{1, 2}));
  CHECK(holds(good("a\n1\n2\n\n\r\n")[0], "a", Ints{1, 2}));
  CHECK(holds(good("a\n#1\n")[0], "a", Texts{"#1"}));
  CHECK(holds(good("a , b\n 1, 2 \n")[1], "b", Ints{2}));
  CHECK(holds(good("a,b\n")[1], "b", Ints{}));
  CHECK(holds(good("1,b\n3,4\n")[0], "1", Ints{3}));
}

TEST_CASE("what is wrong is named with row, line and column") {
  CHECK(bad("a,b\n1,2\n3\n").message == "t.csv: row 2 (line 3) has 1 field, the header has 2");
  CHECK(bad("a,b\n\"1\n\",2\n3,4,5\n").message == "t.csv: row 2 (line 4) has 3 fields, the header has 2");
  CHECK(bad("a,b\n1,2\n\n3,4\n").message == "t.csv: row 2 (line 3) has 1 field, the header has 2");
  CHECK(bad("a,b\n1,2\n3,\n").message == "t.csv: row 2 (line 3), column `b`: the value is missing");
  CHECK(bad("a,b\nNA,2.5\n,1\n").message == "t.csv: row 1 (line 2), column `a`: the value is missing");
  CHECK(bad("a,b\n1,true\n1, \n").kind == DiagnosticKind::csv_missing_value);
  CHECK(bad("a\n1\n\n2\n").message == "t.csv: row 2 (line 3), column `a`: the value is missing");
  CHECK(bad("a,b\n1,x\n9223372036854775808,x\n").message ==
        "t.csv: row 2 (line 3), column `a`: 9223372036854775808 does not fit into an int of 64 bits");
  CHECK(bad("a\n1e999\n").message == "t.csv: row 1 (line 2), column `a`: 1e999 does not fit into a real");
  CHECK(bad("a,b\n1,2\n5\",6\n").message.starts_with("t.csv: row 2 (line 3), field 1: a quotation mark inside"));
  CHECK(bad("a,b\n1,2\n5,\"6\n\n").message ==
        "t.csv: row 2 (line 3), field 2: the quotation mark that begins this value is never closed");
  CHECK(bad("a,b\n1,\"2\"x\n").kind == DiagnosticKind::csv_quoting);
}

TEST_CASE("the header is required") {
  for (const char* text : {"", "\n\n", "# only\n# comments", "1,2\n3,4\n", "a,a\n1,2\n", "a,\n1,2\n", ",a\n1,2\n",
                           "\"a\n", "a\"b\n", "\"\"\n1\n"}) {
    CAPTURE(text);
    CHECK(bad(text).kind == DiagnosticKind::csv_header);
  }
}

TEST_CASE("text that is not text is refused") {
  CHECK(bad(std::string_view("a\n1\0\n", 5)).message == "t.csv:2:2: a NUL byte");
  CHECK(bad("a\n0123456789\xe9\n").message == "t.csv:2:11: byte 0xe9, which is not valid UTF-8");
}

TEST_CASE("every one-byte change of a table is read or refused") {
  const std::string text = "a,b,\"c\"\r\n1,2.5,\"x\"\"\"\n-2,NA,true\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[i] = static_cast<char>(byte);
      if (const auto columns = parse_csv("t.csv", changed))
        for (const Column& column : *columns) CHECK(column.size() == columns->front().size());
    }
  }
}

TEST_CASE("what is written is read back the same") {
  std::mt19937_64 random(77);
  const test::TemporaryFolder folder;
  for (int round = 0; round < 200; ++round) {
    Ints ints;
    Reals reals;
    Bools bools;
    Texts texts;
    for (std::size_t i = 0; i < 1 + random() % 20; ++i) {
      ints.push_back(static_cast<std::int64_t>(random()));
      const double x = std::bit_cast<double>(random());
      reals.push_back(std::isnan(x) ? 3.0 : x);
      bools.push_back(random() % 2 == 0);
      std::string s;
      for (std::size_t k = random() % 5; k > 0; --k) s += std::string("a,\"\n\r #\t")[random() % 8];
      texts.push_back(s);
    }
    ints.resize(bools.size());
    texts[0] = "text";  // a column of nothing but numbers would come back as numbers
    const std::string path = folder / "t.csv";
    REQUIRE(write_csv(path, {{"i", ints}, {"x, y", reals}, {"#b", bools}, {" s ", texts}}).has_value());
    const auto file = read_text_file(path);
    REQUIRE(file.has_value());
    const auto t = good(*file);
    REQUIRE(t.size() == 4);
    CHECK(holds(t[0], "i", ints));
    CHECK(holds(t[1], "x, y", reals));
    CHECK(holds(t[2], "#b", bools));
    CHECK(holds(t[3], "s", texts));
  }
}

TEST_CASE("reading a file makes a record of arrays") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "t.csv";
  REQUIRE(write_csv(path, {{"i", Ints{1, 2}}, {"x", Reals{1, 0.1}}}).has_value());
  CHECK(read_text_file(path) == "i,x\n1,1.0\n2,0.1\n");
  const DataValue expected{
      DataRecord{{{"i", {DataArray<std::int64_t>{{2}, {1, 2}}}}, {"x", {DataArray<double>{{2}, {1, 0.1}}}}}}};
  CHECK(*read_csv(path) == expected);
  const SourceSpan from{FileId{1}, 4, 9};
  CHECK(read_csv(folder / "none.csv", from).error().kind == DiagnosticKind::file_not_readable);
  CHECK(read_csv(folder / "none.csv", from).error().primary == from);
  CHECK(to_csv("t", {{"i", Ints{1, 2}}, {"x", Reals{1}}}).error().message ==
        "t: the column `x` has 1 row, the column `i` has 2 rows");
}

TEST_CASE("millions of ints are read fast") {
  // Processor time, so that a busy machine does not matter. The aim is 0.1 s for each million rows; the bound leaves
  // room for unoptimised code under sanitizers, and still finds a quadratic step.
  std::string text = "n\n";
  constexpr std::int64_t rows = 2'000'000;
  for (std::int64_t i = 0; i < rows; ++i) text += std::to_string(i * 7919 % 100003) + '\n';
  const std::clock_t start = std::clock();
  const auto t = good(text);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  MESSAGE("2 million rows: " << seconds << " s");
  REQUIRE(t[0].size() == rows);
  const auto& values = std::get<Ints>(t[0].values);
  CHECK(values[0] == 0);
  CHECK(values[rows - 1] == (rows - 1) * 7919 % 100003);
  CHECK(seconds < 4);
}

TEST_CASE("published tables are read") {
  if (const auto path = test::shared_path("data/crowd/dawid_skene_anesthesia.csv")) {
    const auto value = read_csv(path->string());
    REQUIRE(value.has_value());
    const DataValue* rating = value->get_if<DataRecord>()->find("rating");
    REQUIRE(rating != nullptr);
    CHECK(describe(*rating) == "an int[315]");
  }
  for (const char* name : {"data/trials/e1684_melanoma.csv", "data/trials/e1690_melanoma.csv"}) {
    const auto path = test::shared_path(name);
    if (!path) continue;
    const auto value = read_csv(path->string());
    if (!value) FAIL(value.error().message);
    for (const DataField& field : value->get_if<DataRecord>()->fields)
      CHECK(describe(field.value).find("text") == std::string::npos);
  }
}
