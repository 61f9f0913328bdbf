// A finite model as engines see it: variables with few values, and factors that are tables over some of them.
// The joint probability of a state is proportional to exp(sum of log_table entries).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hearsay::model {

enum class VariableId : std::uint32_t {};

struct Variable {
  std::string name;               ///< for messages: `lung`, `z[3]`
  std::uint32_t cardinality = 1;  ///< values are 0 .. cardinality - 1
};

/// A table over `scope`, row-major with the last variable fastest. Entries are log-weights in nats; -inf is
/// "impossible".
struct Factor {
  std::vector<VariableId> scope;  ///< no variable twice; may be empty (a constant)
  std::vector<double> log_table;
};

struct FactorGraph {
  std::vector<Variable> variables;
  std::vector<Factor> factors;

  [[nodiscard]] std::uint32_t cardinality(VariableId v) const {
    return variables[static_cast<std::size_t>(v)].cardinality;
  }
};

}  // namespace hearsay::model
