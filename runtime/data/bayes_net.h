// A Bayesian network over finite variables: what a network file describes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hearsay::data {

struct BifVariable {
  std::string name;
  std::vector<std::string> states;  ///< at least one, distinct

  friend bool operator==(const BifVariable&, const BifVariable&) = default;
};

/// The conditional distribution of `child` given `parents`. The table is row-major over (parents..., child): the child
/// is fastest, so each run of as many numbers as the child has states is one distribution.
struct Cpt {
  std::size_t child = 0;             ///< index into BayesNet::variables
  std::vector<std::size_t> parents;  ///< indices, in the order of the file
  std::vector<double> table;         ///< probabilities (not logarithms)

  friend bool operator==(const Cpt&, const Cpt&) = default;
};

/// Acyclic; `tables[i].child == i`.
struct BayesNet {
  std::string name;
  std::vector<BifVariable> variables;  ///< in the order of the file
  std::vector<Cpt> tables;             ///< one for each variable, in the same order

  friend bool operator==(const BayesNet&, const BayesNet&) = default;
};

}  // namespace hearsay::data
