// Vectors: simplexes, ordered vectors, directions, vectors of sum zero.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lang/model/constraint.h"

namespace hearsay::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLeast = std::numeric_limits<double>::min();

double real(std::size_t k) { return static_cast<double>(k); }

std::size_t length(const ConstraintShape& s) { return s.rows; }
std::size_t one_less(const ConstraintShape& s) { return s.rows == 0 ? 0 : s.rows - 1; }

// ---- The orthonormal basis of the vectors of sum zero that the isometric log-ratio transform uses (Egozcue et al.,
// Math. Geology 35, 2003): column j, counted from 1, is (1, …, 1, -j, 0, …, 0) / sqrt(j (j + 1)), with j ones.

// z := basis u
void from_basis(std::size_t n, const double* u, double* z) {
  double above = 0;  // sum of the weights of the columns beyond k
  for (std::size_t k = n; k-- > 0;) {
    const double w = k == 0 ? 0 : u[k - 1] / std::sqrt(real(k) * real(k + 1));
    z[k] = above - real(k) * w;
    above += w;
  }
}

// u := transpose of the basis, applied to z(0), …, z(n - 1)
template <class Z>
void to_basis(std::size_t n, Z z, double* u) {
  double before = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double zk = z(k);
    if (k > 0) u[k - 1] = (before - real(k) * zk) / std::sqrt(real(k) * real(k + 1));
    before += zk;
  }
}

double sum_to_zero(const ConstraintShape& s, const double* u, double* x) noexcept {
  from_basis(s.rows, u, x);
  return 0;  // orthonormal
}
void sum_to_zero_back(const ConstraintShape& s, const double*, const double*, const double* gx, double* gu) noexcept {
  to_basis(
      s.rows, [gx](std::size_t k) { return gx[k]; }, gu);
}
bool sum_to_zero_inverse(const ConstraintShape& s, const double* x, double* u) {
  double sum = 0, size = 0;
  for (std::size_t k = 0; k < s.rows; ++k) {
    sum += x[k];
    size = std::max(size, std::abs(x[k]));
  }
  if (!std::isfinite(sum) || std::abs(sum) > kConstraintTolerance * std::max(size, 1.0)) return false;
  to_basis(
      s.rows, [x](std::size_t k) { return x[k]; }, u);
  return true;
}

// ---- Simplex: softmax of a vector of sum zero. Unlike stick-breaking it treats all components alike, and its
// log-Jacobian is K times -log_sum_exp, smooth and without cancellation.

double simplex(const ConstraintShape& s, const double* u, double* x) noexcept {
  const std::size_t n = s.rows;
  if (n == 0) return 0;
  from_basis(n, u, x);
  const double largest = *std::max_element(x, x + n);
  double total = 0, sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    sum += x[k];
    x[k] = std::exp(x[k] - largest);
    total += x[k];
  }
  for (std::size_t k = 0; k < n; ++k) x[k] = std::max(x[k] / total, kLeast);
  // log x_1 + … + log x_n + log sqrt n; `sum` is 0 but for rounding, which it puts right.
  return sum - real(n) * (largest + std::log(total)) + 0.5 * std::log(real(n));
}
void simplex_back(const ConstraintShape& s, const double*, const double* x, const double* gx, double* gu) noexcept {
  double mean = real(s.rows);
  for (std::size_t k = 0; k < s.rows; ++k) mean += x[k] * gx[k];
  // The gradient in z: x (gx - x.gx) of the softmax, 1 - n x of the log-Jacobian; the basis does not see the 1.
  to_basis(
      s.rows, [&](std::size_t k) { return x[k] * (gx[k] - mean); }, gu);
}
bool simplex_inverse(const ConstraintShape& s, const double* x, double* u) {
  double sum = s.rows == 0 ? 1 : 0;
  for (std::size_t k = 0; k < s.rows; ++k) {
    if (!(x[k] > 0)) return false;
    sum += x[k];
  }
  if (!(std::abs(sum - 1) <= kConstraintTolerance)) return false;
  to_basis(
      s.rows, [x](std::size_t k) { return std::log(x[k]); }, u);
  return true;
}

// ---- Ordered: the first number (for positive_ordered its logarithm), then logarithms of the steps.

template <bool positive>
double ordered(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t k = 0; k < s.rows; ++k) {
    if (k == 0 && !positive) {
      x[0] = u[0];
      continue;
    }
    const double before = k == 0 ? 0 : x[k - 1];
    x[k] = before + std::exp(u[k]);
    // A step may vanish beside the number that it is added to.
    if (k == 0) x[k] = std::max(x[k], kLeast);
    if (x[k] <= before && std::isfinite(before)) x[k] = std::nextafter(before, kInf);
    log_jacobian += u[k];
  }
  return log_jacobian;
}
template <bool positive>
void ordered_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  double beyond = 0;
  for (std::size_t k = s.rows; k-- > 0;) {
    beyond += gx[k];
    gu[k] = k == 0 && !positive ? beyond : beyond * std::exp(u[k]) + 1;
  }
}
template <bool positive>
bool ordered_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t k = 0; k < s.rows; ++k) {
    if (!std::isfinite(x[k])) return false;
    if (k == 0 && !positive) {
      u[0] = x[0];
      continue;
    }
    const double before = k == 0 ? 0 : x[k - 1];
    if (!(x[k] > before)) return false;
    u[k] = std::log(x[k] - before);
    if (!std::isfinite(u[k])) return false;
  }
  return true;
}

// ---- Unit vector: the direction of u, whose length is left over and gets the density of a chi variable with K degrees
// of freedom (u is standard normal if x is uniform). The constant makes that density proper, so that an integral over
// the sphere is the same integral over R^n.

double length_of(std::size_t n, const double* u) {
  double largest = 0, sum = 0;
  for (std::size_t k = 0; k < n; ++k) largest = std::max(largest, std::abs(u[k]));
  if (largest == 0 || !std::isfinite(largest)) return largest;
  for (std::size_t k = 0; k < n; ++k) sum += u[k] / largest * (u[k] / largest);
  return largest * std::sqrt(sum);
}

double unit_vector(const ConstraintShape& s, const double* u, double* x) noexcept {
  const std::size_t n = s.rows;
  if (n == 0) return 0;
  const double size = length_of(n, u);
  double squares = 0;
  for (std::size_t k = 0; k < n; ++k) {
    x[k] = u[k] / size;
    squares += u[k] * u[k];
  }
  if (size == 0) {  // no direction, at a single point: the last axis
    std::fill_n(x, n, 0.0);
    x[n - 1] = 1;
  }
  const double half = 0.5 * real(n);
  int sign = 0;
  return -0.5 * squares - (half - 1) * std::numbers::ln2 - ::lgamma_r(half, &sign);
}
void unit_vector_back(const ConstraintShape& s, const double* u, const double* x, const double* gx,
                      double* gu) noexcept {
  const double size = length_of(s.rows, u);
  double along = 0;
  for (std::size_t k = 0; k < s.rows; ++k) along += x[k] * gx[k];
  for (std::size_t k = 0; k < s.rows; ++k) gu[k] = (size == 0 ? 0 : (gx[k] - along * x[k]) / size) - u[k];
}
bool unit_vector_inverse(const ConstraintShape& s, const double* x, double* u) {
  if (s.rows > 0 && !(std::abs(length_of(s.rows, x) - 1) <= kConstraintTolerance)) return false;
  std::copy_n(x, s.rows, u);
  return true;
}

}  // namespace

const ConstraintMap kSimplex{length, one_less, simplex, simplex_back, simplex_inverse};
const ConstraintMap kOrdered{length, length, ordered<false>, ordered_back<false>, ordered_inverse<false>};
const ConstraintMap kPositiveOrdered{length, length, ordered<true>, ordered_back<true>, ordered_inverse<true>};
const ConstraintMap kUnitVector{length, length, unit_vector, unit_vector_back, unit_vector_inverse};
const ConstraintMap kSumToZero{length, one_less, sum_to_zero, sum_to_zero_back, sum_to_zero_inverse};

}  // namespace hearsay::model
