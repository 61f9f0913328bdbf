// Running scripts in this process and collecting what they print and what they complain about.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lang/support/render.h"
#include "runtime/session/session.h"

namespace hearsay::test {

/// "E0206 at 7:12"; the place is where the primary span begins ("nowhere" if it has no file).
struct Found {
  std::string code;
  std::string place;
  std::string rendered;  ///< the whole message, for people

  [[nodiscard]] std::string text() const { return code + " at " + place; }
};

struct Outcome {
  std::vector<Found> diagnostics;
  std::size_t errors = 0;
  std::size_t expectations = 0;
  std::string printed;
  std::vector<double> numbers;  ///< all that were printed; arrays element by element

  [[nodiscard]] std::string rendered() const {
    std::string all;
    for (const Found& f : diagnostics) all += f.rendered;
    return all;
  }
};

enum class Command : std::uint8_t { run, check };

inline Outcome run(const std::filesystem::path& file, const Settings& settings, Command command = Command::run) {
  Outcome outcome;
  Session* running = nullptr;
  SessionOutput output;
  output.print = [&](const Printed& p) {
    const ArrayValue* array = p.value.array();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i)
      outcome.numbers.push_back(array->at(i).as_real());
    // As the command line prints it.
    outcome.printed += p.value.array() != nullptr ? fmt::format("{} = {}", p.expression, p.text) : p.text;
    outcome.printed += p.accuracy.empty() ? "\n" : fmt::format("  ({})\n", p.accuracy);
  };
  output.diagnostic = [&](const Diagnostic& d) {
    static const SourceManager none;
    const SourceManager& sources = running != nullptr ? running->sources() : none;
    Found f;
    f.code = code(d.kind);
    f.rendered = render_text(d, sources);
    f.place = "nowhere";
    if (sources.contains(d.primary.file)) {
      const LineColumn at = sources.locate(d.primary.file, d.primary.begin);
      f.place = fmt::format("{}:{}", at.line, at.column);
      if (sources.name(d.primary.file) != file.string()) f.place += fmt::format(" of {}", sources.name(d.primary.file));
    }
    outcome.diagnostics.push_back(std::move(f));
  };
  Session session(settings, output);
  running = &session;
  outcome.errors = command == Command::run ? session.run_file(file.string()) : session.check_file(file.string());
  outcome.expectations = session.expectations();
  return outcome;
}

/// All scripts of a folder, sorted by name.
inline std::vector<std::filesystem::path> scripts_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".hsy") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

/// What the leading lines `# error: E0206 at 7:12` and `# help: …` of a script say, by mark.
inline std::vector<std::string> expected(const std::string& script, std::string_view mark) {
  std::vector<std::string> found;
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line) && (line.starts_with("# error: ") || line.starts_with("# help: "));)
    if (line.starts_with(mark)) found.push_back(line.substr(mark.size()));
  return found;
}

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

}  // namespace hearsay::test
