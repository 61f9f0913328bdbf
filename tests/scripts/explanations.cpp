// The examples of `hearsay help CODE`: each one must bring about the error that its page explains.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lang/support/explain.h"
#include "tests/scripts/support.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {

/// A folder for one example's files, gone afterwards.
class Folder {
public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("hearsay-explain-{}", ::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] fs::path write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

private:
  fs::path path_;
};

std::string_view example_of(std::string_view page) {
  constexpr std::string_view open = "```hearsay\n";
  const std::size_t begin = page.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = page.substr(begin + open.size());
  return rest.substr(0, rest.find("```"));
}

/// A page whose example does not end in the error that the page explains: what it ends in instead ("" for nothing), and
/// why.
struct Exception {
  std::string_view code, instead, reason;
};
constexpr Exception exceptions[] = {
    {"E0530", "E0550", "a compiled model refuses such a density first, and says where"},
    {"E0532", "E0506", "scripts are told which evidence is impossible"},
    {"E0709", "", "what stands on the command line is no part of a script"},
    {"E0640", "", "scripts write files of draws and cannot read them"},
    {"E0641", "", "scripts write files of draws and choose their names themselves"},
};

}  // namespace

TEST_CASE("explanations: every code has a page, and its example brings the error about") {
  for (const DiagnosticKind kind : all_diagnostic_kinds()) {
    CAPTURE(code(kind));
    const std::string_view page = explanation(kind);
    CHECK_FALSE(page.empty());
    const std::string_view example = example_of(page);
    if (example.empty()) {
      // Pages about what no script can be at fault for say so.
      CHECK((page.empty() || page.find("no example") != std::string_view::npos));
      continue;
    }
    const Folder folder;
    constexpr std::string_view data = "# data: ";
    if (example.starts_with(data)) {
      const auto files = nlohmann::json::parse(example.substr(data.size(), example.find('\n') - data.size()));
      for (const auto& [name, text] : files.items()) (void)folder.write(name, text.get<std::string>());
    }
    const test::Outcome outcome = test::run(folder.write("example.hsy", example), {});
    CAPTURE(outcome.rendered());
    const auto* const exception = std::ranges::find(exceptions, code(kind), &Exception::code);
    const std::string_view wanted = exception != std::end(exceptions) ? exception->instead : code(kind);
    if (wanted.empty()) {
      CHECK(outcome.errors == 0);
      continue;
    }
    CHECK(std::ranges::any_of(outcome.diagnostics, [&](const test::Found& f) { return f.code == wanted; }));
    if (kind == DiagnosticKind::too_many_errors) continue;  // the many errors themselves
    // One mistake, one message: a page that shows several kinds at once would confuse.
    for (const test::Found& f : outcome.diagnostics) CHECK(f.code == wanted);
  }
}
