#include "runtime/draws/stan_csv.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>

using namespace hearsay;

namespace {

std::string bad(std::string_view text) {
  const auto file = parse_stan_csv("f.csv", text);
  if (file) FAIL("accepted: " << text);
  return file.error().message;
}

}  // namespace

TEST_CASE("a file of draws as text") {
  const StanCsv file{{{"lp__", "mu", "theta[2, 1]"}, 2, 2, {-1, -2, -3, -4, 0.1, 1, 1e300, 5, 7, 8, 9, 10}},
                     {"model = Coin", "seed = 1\nengine = nuts"}};
  CHECK(to_stan_csv("f.csv", file) ==
        "# model = Coin\n# seed = 1\n# engine = nuts\n# chains = 2\nlp__,mu,theta.2.1\n-1,0.1,7\n-2,1,8\n-3,1e+300,9\n"
        "-4,5,10\n");
  CHECK(file.draws.column(2, 1)[0] == 9);
}

TEST_CASE("a file as Stan's own interfaces write it") {
  const auto file = parse_stan_csv(
      "f.csv",
      "# stan_version_major = 2\r\n#   num_chains = 4\r\nlp__,theta.1,theta.2,x.y,a.1.b\r\n# Adaptation terminated\r\n"
      "-7.5,1,2,nan,-inf\r\n-7.25,3,4,inf,1e-400\r\n\r\n#  Elapsed Time: 0.005 seconds\r\n");
  REQUIRE(file.has_value());
  CHECK(file->draws.names == std::vector<std::string>{"lp__", "theta[1]", "theta[2]", "x.y", "a.1.b"});
  CHECK(file->draws.chains == 1);
  CHECK(file->draws.draws_per_chain == 2);
  CHECK(file->draws.column(2)[1] == 4);
  CHECK(std::isnan(file->draws.column(3)[0]));
  CHECK(file->draws.column(4)[1] == 0);
  CHECK(file->comments.size() == 4);
}

TEST_CASE("damaged files are refused with the line") {
  CHECK(bad("") == "f.csv: line 0: there is no header line");
  CHECK(bad("# x\n").ends_with("there is no header line"));
  CHECK(bad("a,b\n1,2\n3\n") == "f.csv: line 3: found 1 fields, the header has 2");
  CHECK(bad("a,b\n1,2\n3,\n") == "f.csv: line 3: `` in column 2 is not a number");
  CHECK(bad("a\n1x\n") == "f.csv: line 2: `1x` in column 1 is not a number");
  CHECK(bad("a\n1e999\n") == "f.csv: line 2: `1e999` in column 1 is not a number");
  CHECK(bad("a,,b\n") == "f.csv: line 1: a column has no name");
  CHECK(bad("a.1,a.1\n") == "f.csv: line 1: two columns are called `a.1`");
  CHECK(bad("# chains = 2\na\n1\n2\n3\n") == "f.csv: line 5: 3 rows cannot be 2 chains of equal length");
  CHECK(bad("# chains = 0\na\n1\n") == "f.csv: line 3: 1 rows cannot be 0 chains of equal length");
  CHECK(bad(std::string_view("a\n1\0\n", 5)) == "f.csv:2:2: a NUL byte");
}

TEST_CASE("names that cannot head a column are refused") {
  for (const char* name :
       {"", "a,b", "a b", "a\"", "#a", "a\n", "a[", "a]", "[1]", "a[]", "a[1,]", "a[x]", "a[1][2]"}) {
    CAPTURE(name);
    const auto text = to_stan_csv("f.csv", {{{name}, 1, 0, {}}, {}});
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().kind == DiagnosticKind::draws_bad_name);
  }
}

TEST_CASE("what is written is read back the same") {
  std::mt19937_64 random(8);
  std::string folder = (std::filesystem::temp_directory_path() / "hearsay-test-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  for (int round = 0; round < 100; ++round) {
    StanCsv file;
    file.draws.names = {"lp__", "x", "m[1, 1]", "m[1, 2]", "v[10]"};
    file.draws.chains = 1 + random() % 4;
    file.draws.draws_per_chain = random() % 20;
    file.comments = {"model = M", "", "x = {1, 2}"};
    for (std::size_t i = 0; i < file.draws.names.size() * file.draws.rows(); ++i) {
      const double x = std::bit_cast<double>(random());
      file.draws.values.push_back(std::isnan(x) ? -std::numeric_limits<double>::infinity() : x);
    }
    const std::string path = folder + "/fit.csv";
    REQUIRE(write_stan_csv(path, file).has_value());
    const auto again = read_stan_csv(path);
    REQUIRE(again.has_value());
    CHECK(*again == file);
  }
  std::filesystem::remove_all(folder);
  CHECK(read_stan_csv(folder + "/fit.csv").error().kind == DiagnosticKind::file_not_readable);
  CHECK(write_stan_csv(folder + "/fit.csv", {}).error().kind == DiagnosticKind::file_not_writable);
}
