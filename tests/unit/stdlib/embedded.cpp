#include "stdlib/embedded.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace hearsay;

TEST_CASE("stdlib: the embedded files are the files, byte for byte") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HEARSAY_STDLIB_FOLDER)) {
    if (entry.path().extension() != ".hsy") continue;
    ++count;
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const stdlib::File* file = stdlib::find(name);
    REQUIRE(file != nullptr);
    CHECK(file->text == bytes);
  }
  CHECK(stdlib::files().size() == count);
  CHECK(std::ranges::is_sorted(stdlib::files(), {}, &stdlib::File::name));
  CHECK(stdlib::find("no such file") == nullptr);
}
