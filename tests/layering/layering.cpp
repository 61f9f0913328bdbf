#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/layering/tree.h"

using namespace hearsay::layering;

namespace {

namespace fs = std::filesystem;

/// A little project in a temporary folder, which goes away with it.
class Project {
public:
  Project() : root_(fs::temp_directory_path() / ("hearsay-layering-" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    write("CMakeLists.txt",
          "function(hearsay_library folder)\nendfunction()\n"
          "hearsay_library(lang/support USES fmt::fmt)   # hearsay_library(lang/ghost)\n"
          "hearsay_library(lang/model USES lang/support)\n"
          "hearsay_library(lang/parse USES lang/support)\n"
          "hearsay_library(lang/ir USES\n                lang/model)\n"
          "hearsay_library(jit USES lang/ir)\n"
          "hearsay_library(jit/lower USES lang/ir)\n"
          "hearsay_library(runtime/infer/exact USES lang/model)\n");
    write("lang/parse/grammar.cpp", "#include <boost/spirit/home/x3.hpp>\n#include \"lang/support/source.h\"\n");
    write("lang/ir/ir.h", "#include \"lang/model/model.h\"\n  #  include <lang/support/source.h>\n#include <vector>\n");
    write("jit/lower/lower.cpp",
          "#include <llvm/IR/Module.h>\n#include \"lang/ir/ir.h\"\n#include \"jit/compile.h\"\n");
    write("runtime/infer/exact/exact.cpp",
          "// #include \"jit/compile.h\" is what must not be\n#include \"lang/model/model.h\"\n");
  }
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;
  ~Project() { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary | std::ios::app) << text;
  }
  [[nodiscard]] std::vector<std::string> found() const { return violations(root_); }

private:
  fs::path root_;
};

}  // namespace

TEST_CASE("layering: this project keeps its own rules") {
  for (const std::string& violation : violations(HEARSAY_SOURCE_FOLDER)) FAIL_CHECK(violation);
}

TEST_CASE("layering: the lists of this project were read") {
  std::ifstream in(fs::path(HEARSAY_SOURCE_FOLDER) / "CMakeLists.txt");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const Libraries libraries = read_libraries(text);
  CHECK(libraries.size() > 10);
  REQUIRE(libraries.contains("lang/sema"));
  CHECK(libraries.at("lang/sema").contains("lang/support"));
  CHECK_FALSE(libraries.at("lang/support").contains("lang/sema"));
}

TEST_CASE("layering: a clean project has no violations, and what is allowed is transitive") {
  CHECK(Project().found().empty());
}

TEST_CASE("layering: each kind of violation is found") {
  const auto planted = [](const std::string& path, const std::string& text) {
    const Project project;
    project.write(path, text);
    const std::vector<std::string> found = project.found();
    return found.size() == 1 ? found[0] : "found " + std::to_string(found.size());
  };
  CHECK(planted("lang/support/bad.h", "#include \"lang/ir/ir.h\"\n") ==
        "lang/support/bad.h includes lang/ir/ir.h, but lang/support may not use lang/ir");
  CHECK(planted("lang/model/bad.cpp", "#include <lang/parse/grammar.h>\n") ==
        "lang/model/bad.cpp includes lang/parse/grammar.h, but lang/model may not use lang/parse");
  CHECK(planted("runtime/infer/exact/bad.cpp", "#include \"jit/compile.h\"\n") ==
        "runtime/infer/exact/bad.cpp includes jit/compile.h, but runtime/infer/exact may not use jit");
  CHECK(planted("lang/ir/bad.cpp", "#include <boost/spirit/home/x3.hpp>\n") ==
        "lang/ir/bad.cpp includes boost/spirit/home/x3.hpp, but Spirit X3 stays in lang/parse");
  CHECK(planted("lang/ir/bad.cpp", "#include <llvm/IR/Module.h>\n") ==
        "lang/ir/bad.cpp includes llvm/IR/Module.h, but LLVM stays in jit");
  CHECK(planted("lang/ir/bad.cpp", "#include \"../parse/grammar.h\"\n") ==
        "lang/ir/bad.cpp includes ../parse/grammar.h; write the path from the root of the project");
  CHECK(planted("lang/ghost/bad.cpp", "") == "lang/ghost/bad.cpp belongs to no hearsay_library");
  CHECK(planted("lang/ir/bad.cpp", "#include \"lang/ghost/bad.h\"\n") ==
        "lang/ir/bad.cpp includes lang/ghost/bad.h, which belongs to no hearsay_library");
  CHECK(planted("CMakeLists.txt", "hearsay_library(lang/high USES runtime/other)\n") ==
        "lang/high uses runtime/other, which is a layer above it");
  CHECK(planted("CMakeLists.txt", "hearsay_library(runtime/infer/new USES lang/eval)\n") ==
        "runtime/infer/new is an inference engine and reaches lang/eval; it should see lang/model only");
}
