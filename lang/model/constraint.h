// One value under one constraint: what transform.cpp strings together. Internal to lang/model.
#pragma once

#include <cstddef>

#include "lang/model/transform.h"

namespace hearsay::model {

/// What the maps below need to know of a block, worked out once.
struct ConstraintShape {
  std::size_t rows = 1, columns = 1;
  double low = 0, high = 0;
  double lowest = 0, highest = 0;  ///< the outermost numbers inside the interval
  double half_width = 0, log_width = 0;
};

/// Contracts as in ParameterTransform, for a single value: u [free(shape)], x [size(shape)].
struct ConstraintMap {
  std::size_t (*size)(const ConstraintShape&);
  std::size_t (*free)(const ConstraintShape&);
  double (*constrain)(const ConstraintShape&, const double* u, double* x) noexcept;
  void (*pullback)(const ConstraintShape&, const double* u, const double* x, const double* gradient_x,
                   double* gradient_u) noexcept;
  bool (*unconstrain)(const ConstraintShape&, const double* x, double* u);
};

/// Sums, lengths and diagonals of values that come from outside may be off by this.
inline constexpr double kConstraintTolerance = 1e-8;

// Intervals: rows * columns numbers at once.
extern const ConstraintMap kUnbounded, kLowerBound, kUpperBound, kBetween;
extern const ConstraintMap kSimplex, kOrdered, kPositiveOrdered, kUnitVector, kSumToZero;
extern const ConstraintMap kCholeskyCorr, kCorr, kCholeskyCov, kCov;

}  // namespace hearsay::model
