#include "lang/support/explain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace hearsay;

TEST_CASE("explain: every file explains a kind of the catalogue and shows an example") {
  for (const ExplanationFile& file : explanation_files()) {
    const std::string name(file.name);
    CAPTURE(name);
    DiagnosticKind kind{};
    REQUIRE(file.name.ends_with(".md"));
    REQUIRE(find_code(file.name.substr(0, file.name.size() - 3), kind));
    CHECK(explanation(kind) == file.text);
    CHECK(file.text.find("```hearsay\n") != std::string_view::npos);
    CHECK_FALSE(file.text.starts_with("```"));  // first what it means
    CHECK(file.text.ends_with("\n"));
  }
}

TEST_CASE("explain: every kind has an explanation") {
  std::string missing;
  for (const DiagnosticKind kind : all_diagnostic_kinds())
    if (explanation(kind).empty()) missing += std::string(code(kind)) + " ";
  CHECK(missing == "");
}
