// Correlation and covariance matrices and their Cholesky factors.
//
// A row i of the factor of a correlation matrix is a point of the half sphere, in coordinates z_j = tanh(u_j):
// L_ij = z_j sqrt(1 - L_i1² - … - L_i,j-1²) (Lewandowski, Kurowicka and Joe, J. Multivariate Anal. 100, 2009, as in
// Stan). The root is the product of sech(u_1) … sech(u_j-1), which is how it is computed: without cancellation.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "lang/model/constraint.h"

namespace hearsay::model {
namespace {

constexpr double kLeast = std::numeric_limits<double>::min();
using Column = std::array<double, ParameterTransform::max_order>;

double real(std::size_t k) { return static_cast<double>(k); }

std::size_t square(const ConstraintShape& s) { return s.rows * s.rows; }
std::size_t strict_triangle(const ConstraintShape& s) { return s.rows == 0 ? 0 : s.rows * (s.rows - 1) / 2; }
std::size_t triangle(const ConstraintShape& s) { return s.rows * (s.rows + 1) / 2; }
std::size_t rectangle(const ConstraintShape& s) { return s.rows * s.columns; }
std::size_t trapezium(const ConstraintShape& s) {
  return s.columns * (s.columns + 1) / 2 + (s.rows - s.columns) * s.columns;
}

double sech(double u) { return 1 / std::cosh(std::clamp(u, -700.0, 700.0)); }
double log_sech(double u) {
  const double size = std::abs(u);
  return std::numbers::ln2 - size - std::log1p(std::exp(-2 * size));
}

// ---- One row: i = `free` coordinates u, and the diagonal behind the entries.

double sphere_row(std::size_t free, const double* u, double* row) {
  double left = 1;
  for (std::size_t j = 0; j < free; ++j) {
    row[j] = std::tanh(u[j]) * left;
    left *= sech(u[j]);
  }
  return std::max(left, kLeast);
}

double sphere_diagonal(std::size_t free, const double* u) {
  double left = 1;
  for (std::size_t j = 0; j < free; ++j) left *= sech(u[j]);
  return std::max(left, kLeast);
}

// `gradient`, by entry, becomes by coordinate, plus d/du of the sum over j of weight(j) log sech(u_j).
template <class Weight>
void sphere_row_back(std::size_t free, const double* u, double diagonal_gradient, Weight weight, Column& left,
                     double* gradient) {
  double product = 1;
  for (std::size_t j = 0; j < free; ++j) {
    left[j] = product;
    product *= sech(u[j]);
  }
  double beyond = diagonal_gradient;  // by the product behind coordinate j
  for (std::size_t j = free; j-- > 0;) {
    const double t = std::tanh(u[j]), c = sech(u[j]);
    const double by_entry = gradient[j];
    gradient[j] = by_entry * left[j] * c * c - beyond * left[j] * c * t - weight(j) * t;
    beyond = by_entry * t + beyond * c;
  }
}

// ---- Factor of a correlation matrix. log |J| collects, for u_ij, two log sech from its own tanh and one from each
// entry to the right of it, the diagonal not counted.

double cholesky_corr(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t i = 0; i < s.rows; ++i, u += i - 1) {
    double* row = x + i * s.rows;
    row[i] = sphere_row(i, u, row);
    std::fill(row + i + 1, row + s.rows, 0.0);
    for (std::size_t j = 0; j < i; ++j) log_jacobian += real(i + 1 - j) * log_sech(u[j]);
  }
  return log_jacobian;
}
void cholesky_corr_back(const ConstraintShape& s, const double* u, const double*, const double* gx,
                        double* gu) noexcept {
  Column left;
  for (std::size_t i = 0; i < s.rows; ++i) {
    const double* row = gx + i * s.rows;
    std::copy_n(row, i, gu);
    sphere_row_back(
        i, u, row[i], [i](std::size_t j) { return real(i + 1 - j); }, left, gu);
    u += i;
    gu += i;
  }
}

// From the right, so that lengths are sums of squares: sinh(u_j) = L_ij / |(L_i,j+1, …, L_ii)|.
bool sphere_row_inverse(std::size_t free, const double* row, double* u) {
  double length = row[free];
  if (!(length > 0)) return false;
  for (std::size_t j = free; j-- > 0;) {
    u[j] = std::asinh(row[j] / length);
    if (!std::isfinite(u[j])) return false;
    length = std::hypot(length, row[j]);
  }
  return std::abs(length - 1) <= kConstraintTolerance;
}
bool cholesky_corr_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t i = 0; i < s.rows; ++i, u += i - 1) {
    const double* row = x + i * s.rows;
    if (!sphere_row_inverse(i, row, u)) return false;
    if (!std::all_of(row + i + 1, row + s.rows, [](double v) { return v == 0; })) return false;
  }
  return true;
}

// ---- x = L L^T, with L in the lower triangle of x and nothing else at hand: the upper triangle first.

void multiply_in_place(std::size_t n, double* x) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k <= i; ++k) sum += x[i * n + k] * x[j * n + k];
      x[i * n + j] = sum;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k <= i; ++k) sum += x[i * n + k] * x[i * n + k];
    x[i * n + i] = sum;
    for (std::size_t j = 0; j < i; ++j) x[i * n + j] = x[j * n + i];
  }
}

// (g + g^T) L, its lower triangle, column by column: column j needs only column j of L, below and on the diagonal.
// The diagonal of g counts unless that of the matrix is fixed.
template <bool with_diagonal>
void factor_gradient(std::size_t n, std::size_t j, const double* g, const Column& column, Column& result) {
  for (std::size_t i = j; i < n; ++i) {
    double sum = 0;
    for (std::size_t k = j; k < n; ++k) {
      if (with_diagonal || k != i) sum += (g[i * n + k] + g[k * n + i]) * column[k];
    }
    result[i] = sum;
  }
}

// The factor of x, in the lower triangle of the result; empty when x is not symmetric and positive definite.
std::vector<double> factor(std::size_t n, const double* x) {
  std::vector<double> l(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      if (!(std::abs(x[i * n + j] - x[j * n + i]) <= kConstraintTolerance * std::max(1.0, std::abs(x[i * n + j]))))
        return {};
      double sum = x[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      if (i == j && !(sum > 0 && std::isfinite(sum))) return {};
      l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
    }
  }
  return l;
}

// ---- Correlation matrix. From the factor to the matrix: product over k of L_kk^(K-k), and L_kk is a product of sechs;
// together u_ij counts K - j times (j from 0).

double corr(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t i = 0; i < s.rows; ++i, u += i - 1) {
    x[i * s.rows + i] = sphere_row(i, u, x + i * s.rows);
    for (std::size_t j = 0; j < i; ++j) log_jacobian += real(s.rows - j) * log_sech(u[j]);
  }
  multiply_in_place(s.rows, x);
  for (std::size_t i = 0; i < s.rows; ++i) x[i * s.rows + i] = 1;
  return log_jacobian;
}
void corr_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  const std::size_t n = s.rows;
  const auto row_start = [](std::size_t i) { return i == 0 ? 0 : i * (i - 1) / 2; };
  // gradient_u holds the factor, then, column by column, the gradient by the factor, then the answer.
  Column column, by_factor, diagonal_gradient, left;
  for (std::size_t i = 0; i < n; ++i) sphere_row(i, u + row_start(i), gu + row_start(i));
  for (std::size_t j = 0; j < n; ++j) {
    column[j] = sphere_diagonal(j, u + row_start(j));
    for (std::size_t k = j + 1; k < n; ++k) column[k] = gu[row_start(k) + j];
    factor_gradient<false>(n, j, gx, column, by_factor);
    diagonal_gradient[j] = by_factor[j];
    for (std::size_t k = j + 1; k < n; ++k) gu[row_start(k) + j] = by_factor[k];
  }
  for (std::size_t i = 0; i < n; ++i)
    sphere_row_back(
        i, u + row_start(i), diagonal_gradient[i], [n](std::size_t j) { return real(n - j); }, left, gu + row_start(i));
}
bool corr_inverse(const ConstraintShape& s, const double* x, double* u) {
  const std::size_t n = s.rows;
  for (std::size_t i = 0; i < n; ++i)
    if (!(std::abs(x[i * n + i] - 1) <= kConstraintTolerance)) return false;
  const std::vector<double> l = factor(n, x);
  if (l.size() != n * n) return false;
  return cholesky_corr_inverse(s, l.data(), u);
}

// ---- Factor of a covariance matrix: as it is, but for the logarithms of the diagonal.

double cholesky_cov(const ConstraintShape& s, const double* u, double* x) noexcept {
  double log_jacobian = 0;
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (std::size_t j = 0; j < s.columns; ++j, ++x) {
      *x = j > i ? 0 : j < i ? *u : std::max(std::exp(*u), kLeast);
      if (j == i) log_jacobian += *u;
      if (j <= i) ++u;
    }
  }
  return log_jacobian;
}
void cholesky_cov_back(const ConstraintShape& s, const double* u, const double*, const double* gx,
                       double* gu) noexcept {
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (std::size_t j = 0; j < s.columns; ++j, ++gx) {
      if (j > i) continue;
      *gu++ = j == i ? *gx * std::exp(*u) + 1 : *gx;
      ++u;
    }
  }
}
bool cholesky_cov_inverse(const ConstraintShape& s, const double* x, double* u) {
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (std::size_t j = 0; j < s.columns; ++j, ++x) {
      if (!std::isfinite(*x) || (j > i && *x != 0) || (j == i && !(*x > 0))) return false;
      if (j <= i) *u++ = j == i ? std::log(*x) : *x;
    }
  }
  return true;
}

// ---- Covariance matrix: |J| = 2^K times the product over k of L_kk^(K-k+1), and L_kk once more for its logarithm.

double cov(const ConstraintShape& s, const double* u, double* x) noexcept {
  const std::size_t n = s.rows;
  double log_jacobian = real(n) * std::numbers::ln2;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) x[i * n + j] = *u++;
    log_jacobian += real(n - i + 1) * *u;
    x[i * n + i] = std::max(std::exp(*u++), kLeast);
  }
  multiply_in_place(n, x);
  return log_jacobian;
}
void cov_back(const ConstraintShape& s, const double* u, const double*, const double* gx, double* gu) noexcept {
  const std::size_t n = s.rows;
  const auto at = [](std::size_t i, std::size_t j) { return i * (i + 1) / 2 + j; };
  Column column, by_factor;
  for (std::size_t j = 0; j < n; ++j) {
    column[j] = std::max(std::exp(u[at(j, j)]), kLeast);
    for (std::size_t k = j + 1; k < n; ++k) column[k] = u[at(k, j)];
    factor_gradient<true>(n, j, gx, column, by_factor);
    gu[at(j, j)] = by_factor[j] * column[j] + real(n - j + 1);
    for (std::size_t k = j + 1; k < n; ++k) gu[at(k, j)] = by_factor[k];
  }
}
bool cov_inverse(const ConstraintShape& s, const double* x, double* u) {
  const std::size_t n = s.rows;
  const std::vector<double> l = factor(n, x);
  if (l.size() != n * n) return false;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) *u++ = j == i ? std::log(l[i * n + i]) : l[i * n + j];
  return true;
}

}  // namespace

const ConstraintMap kCholeskyCorr{square, strict_triangle, cholesky_corr, cholesky_corr_back, cholesky_corr_inverse};
const ConstraintMap kCorr{square, strict_triangle, corr, corr_back, corr_inverse};
const ConstraintMap kCholeskyCov{rectangle, trapezium, cholesky_cov, cholesky_cov_back, cholesky_cov_inverse};
const ConstraintMap kCov{square, triangle, cov, cov_back, cov_inverse};

}  // namespace hearsay::model
