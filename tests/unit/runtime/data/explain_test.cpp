// The examples in lang/support/explain/E06*.md begin with `# data: {"name": "text", ...}`, the files that the script
// reads. Here each file is given to its reader, which must find exactly what the page is about.
#include "lang/support/explain.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/data/bif.h"
#include "runtime/data/csv.h"
#include "runtime/data/json.h"

using namespace hearsay;

namespace {

/// The kinds of error that reading the file finds.
std::vector<DiagnosticKind> read(const std::string& name, const std::string& text) {
  if (name.ends_with(".bif")) {
    SourceManager sources;
    DiagnosticSink sink;
    const FileId file = sources.add(name, text);
    (void)data::parse_bif(file, sources, sink);
    std::vector<DiagnosticKind> kinds;
    for (const Diagnostic& d : sink.all()) kinds.push_back(d.kind);
    return kinds;
  }
  if (name.ends_with(".csv")) {
    const auto table = data::parse_csv(name, text);
    return table ? std::vector<DiagnosticKind>{} : std::vector{table.error().kind};
  }
  const auto value = data::parse_json(name, text);
  return value ? std::vector<DiagnosticKind>{} : std::vector{value.error().kind};
}

}  // namespace

TEST_CASE("the example files of the explanations show what they explain") {
  std::size_t examples = 0;
  for (const DiagnosticKind kind : all_diagnostic_kinds()) {
    if (!code(kind).substr(1).starts_with("06")) continue;
    if (kind == DiagnosticKind::columns_differ_in_length)
      continue;  // found when a file is written, not when it is read
    CAPTURE(code(kind));
    const std::string_view page = explanation(kind);
    REQUIRE_FALSE(page.empty());
    constexpr std::string_view mark = "```hearsay\n# data: ";
    const std::size_t begin = page.find(mark);
    if (begin == std::string_view::npos) continue;  // the example needs no file
    std::string_view line = page.substr(begin + mark.size());
    line = line.substr(0, line.find('\n'));
    const auto files = nlohmann::json::parse(line);
    REQUIRE(files.size() == 1);
    for (const auto& [name, text] : files.items()) {
      CHECK(read(name, text.get<std::string>()) == std::vector{kind});
      CHECK(page.find(fmt::format("read_{}(\"{}\")", name.substr(name.rfind('.') + 1), name)) !=
            std::string_view::npos);
      ++examples;
    }
  }
  CHECK(examples == 25);
}
