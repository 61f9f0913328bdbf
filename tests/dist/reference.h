// What each distribution should be, written down a second time: parameter points and log densities in long double.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hearsay::dist_test {

using Real = long double;
using Arguments = std::vector<Real>;

struct Reference {
  /// Arguments as they are written between the parentheses.
  std::vector<std::string> points;
  /// Log density (nats) inside the support; arrays among the arguments are flattened.
  std::function<Real(const Arguments&, Real x)> logp;
  /// Argument lists that must be refused, for what the types of single parameters don't say.
  std::vector<std::string> invalid = {};
  bool proper = true;     ///< integrates to 1
  double tail_floor = 0;  ///< absolute error that its upper tail may have besides 1e-8 of itself
};

/// By name. Every distribution of stdlib must be here.
[[nodiscard]] std::map<std::string, Reference> references();
[[nodiscard]] std::map<std::string, Reference> continuous_references();
[[nodiscard]] std::map<std::string, Reference> discrete_references();

}  // namespace hearsay::dist_test
