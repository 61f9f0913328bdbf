// Draws from a posterior, as chains of equal length.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace hearsay {

/// `values` is column-major: all draws of the first name (chain after chain), then those of the second.
/// names.size() * chains * draws_per_chain == values.size().
struct Draws {
  std::vector<std::string> names;  ///< scalars, with indices from 1: `mu`, `theta[2, 1]`
  std::size_t chains = 1;
  std::size_t draws_per_chain = 0;
  std::vector<double> values;

  [[nodiscard]] std::size_t rows() const { return chains * draws_per_chain; }
  /// All draws of one quantity, or those of one of its chains.
  [[nodiscard]] std::span<const double> column(std::size_t name) const {
    return std::span(values).subspan(name * rows(), rows());
  }
  [[nodiscard]] std::span<const double> column(std::size_t name, std::size_t chain) const {
    return column(name).subspan(chain * draws_per_chain, draws_per_chain);
  }

  friend bool operator==(const Draws&, const Draws&) = default;
};

}  // namespace hearsay
