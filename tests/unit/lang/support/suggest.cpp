#include "lang/support/suggest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace hearsay;

TEST_CASE("suggest: likely slips are recognised") {
  const std::vector<std::string> names{"theta", "sigma", "heads", "tails", "n", "geometric", "größe", "emit"};
  CHECK(nearest_name("thta", names) == "theta");           // left out
  CHECK(nearest_name("thetta", names) == "theta");         // doubled
  CHECK(nearest_name("sigmo", names) == "sigma");          // another letter
  CHECK(nearest_name("haeds", names) == "heads");          // swapped
  CHECK(nearest_name("THETA", names) == "theta");          // another case
  CHECK(nearest_name("geometirk", names) == "geometric");  // a swap and a letter, of nine
  CHECK(nearest_name("grösse", names) == "größe");         // code points, not bytes
}

TEST_CASE("suggest: what is far away is not suggested") {
  const std::vector<std::string> names{"theta", "x", "mu"};
  CHECK(nearest_name("banana", names).empty());
  CHECK(nearest_name("y", names).empty());      // every letter replaced
  CHECK(nearest_name("thxyz", names).empty());  // 3 of 5
  CHECK(nearest_name("", names).empty());
  CHECK(nearest_name("x", names).empty());  // the same name is no advice
  CHECK(nearest_name("theta", {}).empty());
  CHECK(nearest_name(std::string(1'000'000, 'a'), std::vector<std::string>(100, std::string(1'000'000, 'b'))).empty());
}

TEST_CASE("suggest: the nearest wins, then the one in the same case, then the first") {
  CHECK(nearest_name("abcdef", std::vector<std::string>{"abcxyf", "abcdex"}) == "abcdex");
  CHECK(nearest_name("Ab", std::vector<std::string>{"ac", "Ac"}) == "Ac");
  CHECK(nearest_name("abc", std::vector<std::string>{"abd", "abe"}) == "abd");
}
