// The metric of a Hamiltonian sampler, as the linear map S that it whitens with: S S' is the inverse mass matrix, an
// estimate of the posterior covariance on the unconstrained scale.
//
// Trajectories are computed in whitened momenta, which are standard normal: dq = S p dt, dp = S' gradient dt. Then the
// kinetic energy is p.p/2 and the U-turn criterion needs momenta alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hearsay::nuts {

class Metric {
public:
  [[nodiscard]] static Metric identity(std::size_t dim);
  /// From variances (the diagonal of the inverse mass matrix), in squared units of the coordinates. Nothing unless all
  /// of them are positive and finite.
  [[nodiscard]] static std::optional<Metric> diagonal(std::span<const double> variances);
  /// From a covariance (the inverse mass matrix), dim x dim, symmetric; only the lower triangle is read, column-major.
  /// Nothing unless it is positive definite.
  [[nodiscard]] static std::optional<Metric> dense(std::span<const double> covariance);

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] bool is_dense() const { return !factor_.empty(); }
  /// Standard deviations, padded with zeros to whole vectors; of a diagonal metric only.
  [[nodiscard]] const double* scale() const { return scale_.data(); }
  /// The diagonal of the inverse mass matrix.
  [[nodiscard]] std::vector<double> variances() const;

  /// out = S p and out = S' g of a dense metric; `p`, `g` and `out` have dim elements and do not overlap.
  void to_position(const double* p, double* out) const;
  void to_momentum(const double* g, double* out) const;

  /// What a checkpoint stores: the standard deviations (dim numbers) or the Cholesky factor (dim x dim, column-major).
  [[nodiscard]] std::span<const double> stored() const;
  /// The inverse of stored(). Nothing if the numbers are neither.
  [[nodiscard]] static std::optional<Metric> from_stored(std::size_t dim, std::span<const double> numbers, bool dense);

  friend bool operator==(const Metric&, const Metric&) = default;

private:
  explicit Metric(std::size_t dim) : dim_(dim) {}

  std::size_t dim_ = 0;
  std::vector<double> scale_;   // diagonal: padded
  std::vector<double> factor_;  // dense: lower Cholesky factor, column-major
};

}  // namespace hearsay::nuts
