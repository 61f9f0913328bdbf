// The scripts of examples/posteriordb against the reference posteriors that stand beside the project: every mean and sd
// within Monte Carlo error, by the rule that the reference's own page states. With HEARSAY_TABLE set in the environment
// the comparison is written there as a table in Markdown.
//
// False alarms: the p-values of all comparisons are Holm-corrected and held against 6.3e-5 (|z| = 4), so one run in
// 16,000 fails by chance if the errors are normal. Power: the errors are about 0.02 posterior sd.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/data/json.h"
#include "runtime/session/data.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/data/shared_files.h"

namespace {

namespace fs = std::filesystem;
using namespace hearsay;

struct Answer {
  double value = 0, error = 0;
};

struct Run {
  std::vector<Answer> answers;
  std::vector<std::string> warnings;
  std::string error;
  double seconds = 0;
};

/// The script with its data, and then these questions.
Run run(const std::string& script, const fs::path& data, const std::string& questions) {
  Run r;
  SessionOutput out;
  out.print = [&](const Printed& p) {
    const ArrayValue* a = p.value.array();
    if (a != nullptr && a->shape.empty()) r.answers.push_back({a->at(0).as_real(), p.value.error});
  };
  out.diagnostic = [&](const Diagnostic& d) {
    if (severity(d.kind) == Severity::error)
      r.error = d.message;
    else
      r.warnings.push_back(d.message);
  };
  Session session({}, out);
  auto values = data::read_json(data.string());
  REQUIRE(values);
  const Value v = to_value(*values);
  for (const auto& [name, value] : *v.record()) session.define(name, value);
  const auto start = std::chrono::steady_clock::now();
  session.run_text("script", script + questions);
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return r;
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The smallest p-value of these z-scores after Holm's correction.
double smallest_adjusted(const std::vector<double>& z) {
  double largest = 0;
  for (const double v : z) largest = std::max(largest, std::abs(v));
  return std::min(1.0, static_cast<double>(z.size()) * std::erfc(largest / std::sqrt(2)));
}

}  // namespace

TEST_CASE("posteriordb: means and standard deviations are those of the reference") {
  const auto shared = test::shared_path("data/posteriordb");
  if (!shared) return;
  const char* only = std::getenv("HEARSAY_ONLY");
  std::vector<double> all;
  std::string table =
      "| posterior | scalars | largest \\|z\\| | smallest ESS | seconds | warnings |\n| --- | --- | --- | --- | --- | "
      "--- |\n";
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(*shared))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  REQUIRE(folders.size() >= 20);
  for (const fs::path& folder : folders) {
    const std::string posterior = folder.filename().string();
    const std::string name = posterior.substr(posterior.find('-') + 1);
    if (only != nullptr && name != only) continue;
    CAPTURE(posterior);
    const fs::path script = fs::path(HEARSAY_SOURCE_FOLDER) / "examples" / "posteriordb" / (name + ".hsy");
    REQUIRE(fs::exists(script));
    const auto reference = nlohmann::json::parse(text_of(folder / "reference.json"));
    std::string questions;
    for (const auto& [scalar, numbers] : reference.at("parameters").items())
      questions += fmt::format("print E({0} | post);\nprint sd({0} | post);\n", scalar);
    const Run r = run(text_of(script), folder / "data.json", questions);
    CHECK_MESSAGE(r.error.empty(), r.error);
    if (r.answers.size() != 2 * reference.at("parameters").size()) {
      FAIL_CHECK("answers are missing");
      continue;
    }
    double largest = 0, ess = HUGE_VAL;
    std::size_t k = 0;
    for (const auto& [scalar, numbers] : reference.at("parameters").items()) {
      const double sd = r.answers[k + 1].value;
      // Its own errors tell how many independent draws the mean is worth.
      ess = std::min(ess, std::pow(sd / r.answers[k].error, 2));
      for (const char* what : {"mean", "sd"}) {
        const auto& number = numbers.at(what);
        const double difference = r.answers[k].value - number.at("value").get<double>();
        const double z = difference / std::hypot(r.answers[k].error, number.at("mcse").get<double>());
        all.push_back(z);
        largest = std::max(largest, std::abs(z));
        if (!(std::abs(z) < 4))
          MESSAGE(fmt::format("{}: {} of {} is {} ± {}, expected {}: z = {:.1f}", posterior, what, scalar,
                              r.answers[k].value, r.answers[k].error, number.at("value").get<double>(), z));
        ++k;
      }
    }
    CHECK(ess >= 400);
    for (const std::string& w : r.warnings) MESSAGE(posterior << ": " << w);
    table += fmt::format("| {} | {} | {:.1f} | {:.0f} | {:.1f} | {} |\n", name, reference.at("parameters").size(),
                         largest, ess, r.seconds, r.warnings.size());
  }
  CHECK(smallest_adjusted(all) >= 6.3e-5);
  if (const char* file = std::getenv("HEARSAY_TABLE")) std::ofstream(file) << table;
}
