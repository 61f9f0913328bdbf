// Object code on disk: found again, told apart, and never trusted when damaged.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

namespace fs = std::filesystem;

/// A cache folder of its own for one test.
class Folder {
public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "hearsay-cache-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    if (const char* old = std::getenv("HEARSAY_CACHE")) old_ = old;
    setenv("HEARSAY_CACHE", pattern.c_str(), 1);
  }
  ~Folder() {
    if (old_) {
      setenv("HEARSAY_CACHE", old_->c_str(), 1);
    } else {
      unsetenv("HEARSAY_CACHE");
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path_)) found.push_back(entry.path());
    return found;
  }

private:
  fs::path path_;
  std::optional<std::string> old_;
};

std::string text(double constant, double datum, int entries) {
  std::string t = "site 0 0:0..1 \"s\"\ndata y : real [" + std::to_string(entries) + "] =";
  for (int k = 0; k < entries; ++k) t += " " + std::to_string(datum + k);
  return t + "\nindex i in 1.." + std::to_string(entries) + "\nterm 0 factor site 0 order 0 plate (i in 1.." +
         std::to_string(entries) + "): mul(" + std::to_string(constant) + ", y[i])\n";
}

double answer(const std::string& module, jit::Optimization level = jit::Optimization::O2) {
  auto o = options(level);
  o.cache = true;
  return evaluate(*native(parse(module), o), {}).closed;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
}

TEST_CASE("one object serves all data of one shape; other code, sizes and levels have their own") {
  const Folder folder;
  CHECK(answer(text(2, 10, 2)) == 42);
  CHECK(folder.files().size() == 1);
  CHECK(answer(text(2, 20, 2)) == 82);
  CHECK(folder.files().size() == 1);
  CHECK(answer(text(3, 10, 2)) == 63);
  CHECK(folder.files().size() == 2);
  CHECK(answer(text(2, 10, 3)) == 66);
  CHECK(folder.files().size() == 3);
  CHECK(answer(text(2, 10, 2), jit::Optimization::O0) == 42);
  CHECK(folder.files().size() == 4);
}

TEST_CASE("what is read is what was stored: a changed object changes the answer only if it is intact") {
  const Folder folder;
  CHECK(answer(text(2, 10, 2)) == 42);
  const auto two = folder.files().front();
  const std::string good = content(two);
  for (const std::string& bad : {std::string(), good.substr(0, 20), good.substr(0, good.size() - 1), good + "x",
                                 std::string(good.size(), '\0')}) {
    write(two, bad);
    CHECK(answer(text(2, 10, 2)) == 42);
    CHECK(content(two) == good);
  }
  std::string flipped = good;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  write(two, flipped);
  CHECK(answer(text(2, 10, 2)) == 42);
  // An intact object under this name is used: there is no compilation behind our back.
  CHECK(answer(text(3, 10, 2)) == 63);
  for (const auto& file : folder.files()) {
    if (file != two) write(two, content(file));
  }
  CHECK(answer(text(2, 10, 2)) == 63);
}

TEST_CASE("an empty HEARSAY_CACHE means none, and a folder that can't be written is no error") {
  const Folder folder;
  setenv("HEARSAY_CACHE", "", 1);
  CHECK(answer(text(2, 10, 2)) == 42);
  setenv("HEARSAY_CACHE", "/proc/no/such/folder", 1);
  CHECK(answer(text(2, 10, 2)) == 42);
  CHECK(folder.files().empty());
}

}  // namespace
}  // namespace hearsay::test
