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

/// How far the sum of a row may be from 1: the rounding of six printed digits.
inline constexpr double row_tolerance = 1e-6 + 1e-12;

/// The conditional distribution of `child` given `parents`. The table is row-major over (parents..., child): the child
/// is fastest, so each run of as many numbers as the child has states is one distribution.
struct Cpt {
  std::size_t child = 0;             ///< index into BayesNet::variables
  std::vector<std::size_t> parents;  ///< indices, in the order of the file
  std::vector<double> table;         ///< probabilities (not logarithms); each row sums to 1 within row_tolerance

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
