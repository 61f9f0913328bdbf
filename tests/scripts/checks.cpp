// `hearsay check`: finds what can be found without running, and never complains about what runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/scripts/support.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {

const fs::path root = HEARSAY_SOURCE_FOLDER;

std::vector<std::string> found_by_check(const fs::path& script) {
  std::vector<std::string> found;
  for (const test::Found& f : test::run(script, {}, test::Command::check).diagnostics) found.push_back(f.text());
  return found;
}

}  // namespace

TEST_CASE("check: every script that runs is clean") {
  for (const fs::path& folder :
       {root / "examples", root / "tests" / "scripts" / "ok", root / "tests" / "scripts" / "shared"})
    for (const fs::path& script : test::scripts_in(folder)) {
      CAPTURE(script.filename().string());
      CHECK(test::run(script, {}, test::Command::check).rendered() == "");
    }
}

TEST_CASE("check: says of a script that fails nothing that running it does not say") {
  std::size_t both = 0;
  for (const fs::path& script : test::scripts_in(root / "tests" / "scripts" / "fail")) {
    CAPTURE(script.filename().string());
    const std::vector<std::string> expected = test::expected(test::read_file(script), "# error: ");
    for (const std::string& found : found_by_check(script)) {
      CAPTURE(found);
      CHECK(std::find(expected.begin(), expected.end(), found) != expected.end());
      ++both;
    }
  }
  CHECK(both > 50);  // most mistakes need no run
}

TEST_CASE("check: what is wrong with models that wait for data is found without them, all of it at once") {
  for (const fs::path& script : test::scripts_in(root / "tests" / "scripts" / "check")) {
    CAPTURE(script.filename().string());
    const std::vector<std::string> expected = test::expected(test::read_file(script), "# error: ");
    REQUIRE_FALSE(expected.empty());
    CHECK(found_by_check(script) == expected);
  }
}
