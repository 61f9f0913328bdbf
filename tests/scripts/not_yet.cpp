// The list of what is not supported yet shrinks: every entry is still refused, is in the reference, and is the only way
// to say so.
#include "lang/support/not_yet.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/scripts/support.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {
const fs::path root = HEARSAY_SOURCE_FOLDER;
}

TEST_CASE("not yet: every entry is refused with its own words, which stand in docs/language.md") {
  const std::string reference = test::read_file(root / "docs" / "language.md");
  const std::size_t section = reference.rfind("## Not supported yet");
  REQUIRE(section != std::string::npos);
  REQUIRE_FALSE(not_yet_entries().empty());
  for (const NotYetEntry& entry : not_yet_entries()) {
    const std::string text(entry.text);
    CAPTURE(text);
    CHECK(reference.find("- " + text, section) != std::string::npos);
    std::vector<std::string> found;
    SessionOutput output;
    output.diagnostic = [&](const Diagnostic& d) { found.push_back(d.message); };
    Session session({}, output);
    session.run_text("example", std::string(entry.example));
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with("not supported yet: " + text));
  }
}

TEST_CASE("not yet: nothing else reports E0901") {
  for (const char* folder : {"lang", "runtime", "jit"})
    for (const auto& file : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = file.path().extension().string();
      if (extension != ".cpp" && extension != ".h") continue;
      if (file.path().filename() == "not_yet.cpp") continue;
      CAPTURE(file.path().string());
      CHECK(test::read_file(file.path()).find("not_supported_yet") == std::string::npos);
    }
}
