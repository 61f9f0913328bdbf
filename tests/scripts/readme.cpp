// The first screen of README.md is true: its script prints what stands below it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/scripts/support.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {

std::string block_of(const std::string& text, const std::string& language) {
  const std::string open = "```" + language + "\n";
  const std::size_t begin = text.find(open);
  REQUIRE(begin != std::string::npos);
  const std::string rest = text.substr(begin + open.size());
  return rest.substr(0, rest.find("```"));
}

/// Words and numbers; a number is one if it reads as one whole.
std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != '\n' && c != '(' && c != ')' && c != ',' && c != '[' && c != ']' && c != ':') {
      word += c;
    } else if (!word.empty()) {
      all.push_back(std::move(word));
      word.clear();
    }
  }
  return all;
}

bool same(const std::string& a, const std::string& b) {
  double x = 0, y = 0;
  const auto ra = std::from_chars(a.data(), a.data() + a.size(), x);
  const auto rb = std::from_chars(b.data(), b.data() + b.size(), y);
  if (ra.ec != std::errc{} || ra.ptr != a.data() + a.size() || rb.ec != std::errc{} || rb.ptr != b.data() + b.size())
    return a == b;
  // Error bounds differ from one processor to the next; answers do not.
  return std::abs(x - y) <= 1e-12 + 1e-9 * std::abs(y);
}

}  // namespace

TEST_CASE("README: the script prints what the README says") {
  const std::string readme = test::read_file(fs::path(HEARSAY_SOURCE_FOLDER) / "README.md");
  const fs::path script = fs::temp_directory_path() / fmt::format("hearsay-readme-{}.hsy", ::getpid());
  std::ofstream(script) << block_of(readme, "hearsay");
  const test::Outcome outcome = test::run(script, {});
  fs::remove(script);
  CHECK(outcome.rendered() == "");
  const std::vector<std::string> expected = words(block_of(readme, "text")), found = words(outcome.printed);
  CAPTURE(outcome.printed);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(expected[i]);
    CAPTURE(found[i]);
    CHECK(same(found[i], expected[i]));
  }
}
