#include "lang/support/explain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

using namespace hearsay;

namespace {

// No script can bring these about, or none that is short enough to be read. Whoever adds one says why, and its
// explanation says that there is no example.
constexpr std::string_view without_example[] = {
    "E0220",                    // takes two hundred functions: tests/scripts/fail/calls_too_deep.hsy
    "E0420",                    // a certificate that does not hold: a bug in Hearsay
    "E0503",                    // interrupted from outside
    "E0504", "E0553",           // a bug in Hearsay
    "E0541",                    // interrupted from outside, at the right moment
    "E0801", "E0802", "E0803",  // a broken installation, or limits of LLVM
};

}  // namespace

TEST_CASE("explain: every file explains a kind of the catalogue and shows an example") {
  for (const ExplanationFile& file : explanation_files()) {
    const std::string name(file.name);
    CAPTURE(name);
    DiagnosticKind kind{};
    REQUIRE(file.name.ends_with(".md"));
    REQUIRE(find_code(file.name.substr(0, file.name.size() - 3), kind));
    CHECK(explanation(kind) == file.text);
    const bool exception = std::ranges::find(without_example, code(kind)) != std::end(without_example);
    CHECK(file.text.find(exception ? "no example" : "```hearsay\n") != std::string_view::npos);
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
