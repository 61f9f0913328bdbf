// What `export` writes, by kind of value and ending; and that a refusal leaves files alone.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/runtime/session/running.h"

using namespace hearsay;
namespace fs = std::filesystem;

namespace {

class Exported {
public:
  Exported() : folder_(fs::temp_directory_path() / ("hearsay-export-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    const std::size_t errors = r.run(R"(
      source s(budget: 2 nats, schedule: spread);
      model M { c ~ categorical({red: 1, blue: 1}); x[2] ~ bernoulli(0.5); }
      let post = infer M given { soft observe x[1] from s; };
      model N { a ~ normal(0, 1); b[2] ~ normal(a, 1); }
      let sampled = infer N using nuts(chains: 2, warmup: 200, draws: 50);
    )");
    CAPTURE(r.complaints());
    REQUIRE(errors == 0);
  }
  ~Exported() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Exported(const Exported&) = delete;
  Exported& operator=(const Exported&) = delete;

  std::string text(const std::string& value, const std::string& file) {
    const std::size_t errors = r.run("export " + value + " to \"" + path(file) + "\";");
    CAPTURE(r.complaints());
    CHECK(errors == 0);
    return content(file);
  }
  [[nodiscard]] std::string path(const std::string& file) const { return (folder_ / file).string(); }
  [[nodiscard]] std::string content(const std::string& file) const {
    std::ostringstream all;
    all << std::ifstream(path(file), std::ios::binary).rdbuf();
    return all.str();
  }

  test::Running r;

private:
  fs::path folder_;
};

}  // namespace

TEST_CASE("export: ledgers and summaries as JSON keep their structure") {
  Exported e;
  const auto ledger = nlohmann::json::parse(e.text("ledger(post)", "l.json"));
  CHECK(ledger["sources"][0]["source"] == "s");
  const auto summary = nlohmann::json::parse(e.text("post", "p.json"));
  CHECK(summary["c"]["blue"] == doctest::Approx(0.5));
  CHECK(summary["x[2]"]["mean"] == doctest::Approx(0.5));
}

TEST_CASE("export: tables") {
  Exported e;
  CHECK(e.text("marginal(c | post)", "m.csv") == "value,probability\nred,0.5\nblue,0.5\n");
  CHECK(nlohmann::json::parse(e.text("marginal(c | post)", "m.json"))["red"] == doctest::Approx(0.5));
  CHECK(e.text("[[1, 2], [3, 4]]", "a.csv") == "column_1,column_2\n1,2\n3,4\n");
  CHECK(e.text("[1.5, 2.0]", "b.csv") == "value\n1.5\n2.0\n");
  const std::string summary = e.text("summary(post)", "s.csv");
  CHECK(summary.starts_with("name,mean,sd,5%,50%,95%\nc == red,0.5,"));
  CHECK(summary.find("\nx[2],0.5,0.5,0.0,0.0,1.0\n") != std::string::npos);
  CHECK(e.text("post", "p.csv") == summary);
  const std::string draws = e.text("sampled", "d.csv");
  CHECK(draws.find("a,b.1,b.2\n") != std::string::npos);
  CHECK(std::count(draws.begin(), draws.end(), '\n') >= 101);
}

TEST_CASE("export: what a file cannot hold is refused, and the file is left as it was") {
  Exported e;
  std::ofstream(e.path("kept.csv")) << "kept\n";
  for (const char* value : {"ledger(post)", "[[[1]]]"}) {
    CHECK(e.r.run(std::string("export ") + value + " to \"" + e.path("kept.csv") + "\";") == 1);
    CHECK(e.r.diagnostics.back().kind == DiagnosticKind::not_exportable);
    CHECK(e.content("kept.csv") == "kept\n");
  }
}
