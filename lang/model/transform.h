// Constrained parameters as points of R^n: the maps on which gradient-based engines work, with the log-Jacobians that
// make a density on the one scale a density on the other. The forms are those of the Stan reference manual
// ("Constraint transforms", version 2.37); transform.cpp and its neighbours say which and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lang/model/constraint_kind.h"

namespace hearsay::model {

/// One latent: `copies` independent values under one constraint, one after the other, each row-major.
struct ParameterBlock {
  std::string name;
  Constraint constraint = Constraint::interval;
  double low = -std::numeric_limits<double>::infinity();  ///< interval only
  double high = std::numeric_limits<double>::infinity();  ///< interval only; more than `low`
  std::size_t copies = 1;
  std::size_t rows = 1;     ///< length of a vector, order of a square matrix, M of cholesky_cov
  std::size_t columns = 1;  ///< N of cholesky_cov; for interval a value has rows * columns elements; else ignored
};

/// Immutable, so any number of threads may use one object. Blocks stand in their order on both scales.
///
/// The measure on the constrained scale, against which |J| is taken, is Lebesgue measure of the free coordinates: all
/// but the last of a simplex, the (strict, where the diagonal is fixed) lower triangle of a matrix. A unit vector has
/// the surface measure of the sphere, a vector of sum zero that of its hyperplane.
class ParameterTransform {
public:
  /// Largest order of a `corr` or `cov` matrix: the pull-back of these keeps a column of it on the stack.
  static constexpr std::size_t max_order = 1024;

  /// Throws std::invalid_argument, naming the block, for bounds in the wrong order, more columns than rows of a
  /// cholesky_cov and matrices beyond max_order.
  explicit ParameterTransform(std::vector<ParameterBlock> blocks);
  ~ParameterTransform();
  ParameterTransform(const ParameterTransform&);
  ParameterTransform(ParameterTransform&&) noexcept;
  ParameterTransform& operator=(const ParameterTransform&);
  ParameterTransform& operator=(ParameterTransform&&) noexcept;

  [[nodiscard]] const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  [[nodiscard]] std::size_t constrained_size() const { return constrained_size_; }
  [[nodiscard]] std::size_t unconstrained_size() const { return unconstrained_size_; }
  /// Where a block begins on either scale.
  [[nodiscard]] std::size_t constrained_offset(std::size_t block) const { return x_offset_[block]; }
  [[nodiscard]] std::size_t unconstrained_offset(std::size_t block) const { return u_offset_[block]; }

  /// x := the constrained point of u; returns log |J|, nats. Where rounding would put x on the boundary of an open
  /// set (a bound, a zero of a simplex, a tie of an ordered vector, a zero on a diagonal) it is the next number inside.
  /// u [unconstrained_size], x [constrained_size]; they do not overlap. A NaN in u stays in its own block.
  double constrain(std::span<const double> u, std::span<double> x) const noexcept;

  /// gradient_u := J^T gradient_x + d log |J| / du, for the x that constrain made of u. Nothing overlaps gradient_u.
  void pullback(std::span<const double> u, std::span<const double> x, std::span<const double> gradient_x,
                std::span<double> gradient_u) const noexcept;

  /// u := a point that constrain maps to x, up to rounding. False when x is not inside the support (sums, lengths,
  /// symmetry and unit diagonals may be off by 1e-8, as in Stan); then `*block`, if given, is the first that is not.
  bool unconstrain(std::span<const double> x, std::span<double> u, std::size_t* block = nullptr) const;

private:
  struct Segment;  // blocks as they are evaluated: neighbouring unbounded ones are one
  std::vector<ParameterBlock> blocks_;
  std::vector<std::size_t> x_offset_, u_offset_;
  std::vector<Segment> segments_;
  std::size_t constrained_size_ = 0, unconstrained_size_ = 0;
};

}  // namespace hearsay::model
