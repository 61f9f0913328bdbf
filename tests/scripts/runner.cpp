// Every script that must run, in every configuration, and every script that must be refused, with the code and the
// place.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/scripts/support.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {

const fs::path root = HEARSAY_SOURCE_FOLDER;

struct Configuration {
  std::string name;
  Settings settings;
};

/// The suite runs on each of these alike: the three ways to evaluate a model, and each pass left out in turn.
std::vector<Configuration> configurations() {
  std::vector<Configuration> all(6);
  all[0].name = "reference";
  all[0].settings.backend = Backend::reference;
  all[1].name = "native O0";
  all[1].settings.backend = Backend::native;
  all[1].settings.jit.optimization = jit::Optimization::O0;
  all[2].name = "native O2";
  all[2].settings.backend = Backend::native;
  all[2].settings.jit.optimization = jit::Optimization::O2;
  all[3].name = "without specialise";
  all[3].settings.passes.specialise = false;
  all[4].name = "without marginalise";
  all[4].settings.passes.marginalise = false;
  all[5].name = "without hoist";
  all[5].settings.passes.hoist = false;
  return all;
}

std::vector<fs::path> scripts_that_run() {
  std::vector<fs::path> folders{root / "examples", root / "tests" / "scripts" / "ok"};
  // Some scripts read data sets that are kept beside the repository, and may be missing.
  if (fs::exists(root.parent_path() / "shared" / "data" / "networks"))
    folders.push_back(root / "tests" / "scripts" / "shared");
  std::vector<fs::path> all;
  for (const fs::path& folder : folders) {
    const std::vector<fs::path> more = test::scripts_in(folder);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace

TEST_CASE(
    "scripts: every example and every script in ok/ runs, all that it expects holds, and it prints the same numbers") {
  std::size_t compared = 0;
  for (const fs::path& script : scripts_that_run()) {
    CAPTURE(script.filename().string());
    std::vector<double> first;
    for (const Configuration& configuration : configurations()) {
      CAPTURE(configuration.name);
      const test::Outcome outcome = test::run(script, configuration.settings);
      CHECK(outcome.rendered() == "");
      CHECK(outcome.errors == 0);
      CHECK(outcome.expectations > 0);
      if (configuration.name == "reference") first = outcome.numbers;
      REQUIRE(outcome.numbers.size() == first.size());
      for (std::size_t i = 0; i < first.size(); ++i) {
        CAPTURE(i);
        CHECK(std::abs(outcome.numbers[i] - first[i]) <= 1e-9 * std::max(std::abs(first[i]), 1e-3));
      }
      compared += first.size();
    }
  }
  CHECK(compared > 0);
}

TEST_CASE("scripts: the same seed prints the same text") {
  for (const fs::path& script : scripts_that_run()) {
    CAPTURE(script.filename().string());
    CHECK(test::run(script, {}).printed == test::run(script, {}).printed);
  }
}

TEST_CASE("scripts: every script in fail/ is refused with the code and the place that it says") {
  for (const fs::path& script : test::scripts_in(root / "tests" / "scripts" / "fail")) {
    CAPTURE(script.filename().string());
    const std::string text = test::read_file(script);
    const std::vector<std::string> expected = test::expected(text, "# error: ");
    REQUIRE_FALSE(expected.empty());
    const test::Outcome outcome = test::run(script, {});
    std::vector<std::string> found;
    for (const test::Found& f : outcome.diagnostics) found.push_back(f.text());
    CAPTURE(outcome.rendered());
    CHECK(found == expected);
    CHECK(outcome.errors > 0);
    for (const std::string& help : test::expected(text, "# help: "))
      CHECK_MESSAGE(outcome.rendered().find("help: " + help) != std::string::npos, help);
  }
}
