// The sets that a continuous latent can be confined to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearsay::model {

enum class Constraint : std::uint8_t {
  interval,          ///< between `low` and `high`, either of which may be infinite; ends excluded
  simplex,           ///< [K] positive, sum 1
  ordered,           ///< [K] increasing
  positive_ordered,  ///< [K] increasing, all positive
  unit_vector,       ///< [K] Euclidean length 1
  cholesky_corr,     ///< [K, K] lower triangular with unit rows and a positive diagonal
  corr,              ///< [K, K] positive definite with unit diagonal
  cholesky_cov,      ///< [M, N], M >= N, lower trapezoidal with a positive diagonal
  cov,               ///< [K, K] positive definite
  sum_to_zero        ///< [K] sum 0
};

/// As the language and the IR spell it; "real" for an interval.
[[nodiscard]] constexpr std::string_view name(Constraint c) {
  constexpr std::string_view names[] = {"real",        "simplex",       "ordered", "positive_ordered",
                                        "unit_vector", "cholesky_corr", "corr",    "cholesky_cov",
                                        "cov",         "sum_to_zero"};
  return names[static_cast<std::size_t>(c)];
}

/// All that are spelt otherwise than "real".
inline constexpr std::array kVectorConstraints{
    Constraint::simplex,      Constraint::ordered,       Constraint::positive_ordered,
    Constraint::unit_vector,  Constraint::cholesky_corr, Constraint::corr,
    Constraint::cholesky_cov, Constraint::cov,           Constraint::sum_to_zero};

/// Dimensions of one value: 0 for a number, 1 for a vector, 2 for a matrix.
[[nodiscard]] constexpr std::size_t rank(Constraint c) {
  switch (c) {
    case Constraint::interval:
      return 0;
    case Constraint::cholesky_corr:
    case Constraint::corr:
    case Constraint::cholesky_cov:
    case Constraint::cov:
      return 2;
    default:
      return 1;
  }
}

}  // namespace hearsay::model
