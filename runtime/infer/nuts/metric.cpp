#include "runtime/infer/nuts/metric.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "runtime/infer/nuts/vector_ops.h"

namespace hearsay::nuts {
namespace {

using Eigen::Index;
using Matrix = Eigen::Map<const Eigen::MatrixXd>;
using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

bool positive(double v) { return v > 0 && std::isfinite(v); }

}  // namespace

Metric Metric::identity(std::size_t dim) {
  Metric m(dim);
  m.scale_.assign(padded(dim), 0.0);
  std::fill_n(m.scale_.begin(), dim, 1.0);
  return m;
}

std::optional<Metric> Metric::diagonal(std::span<const double> variances) {
  if (!std::all_of(variances.begin(), variances.end(), positive)) return std::nullopt;
  Metric m(variances.size());
  m.scale_.assign(padded(m.dim_), 0.0);
  for (std::size_t i = 0; i < m.dim_; ++i) m.scale_[i] = std::sqrt(variances[i]);
  return m;
}

std::optional<Metric> Metric::dense(std::span<const double> covariance) {
  const auto dim = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(covariance.size()))));
  if (dim * dim != covariance.size() || dim == 0) return std::nullopt;
  const auto n = static_cast<Index>(dim);
  const Eigen::LLT<Eigen::MatrixXd> cholesky(Matrix(covariance.data(), n, n));
  if (cholesky.info() != Eigen::Success) return std::nullopt;
  const Eigen::MatrixXd factor = cholesky.matrixL();
  if (!factor.allFinite() || !(factor.diagonal().minCoeff() > 0)) return std::nullopt;
  Metric m(dim);
  m.factor_.assign(factor.data(), factor.data() + factor.size());
  return m;
}

std::vector<double> Metric::variances() const {
  std::vector<double> out(dim_, 0.0);
  if (!is_dense()) {
    for (std::size_t i = 0; i < dim_; ++i) out[i] = scale_[i] * scale_[i];
    return out;
  }
  for (std::size_t j = 0; j < dim_; ++j)
    for (std::size_t i = j; i < dim_; ++i) out[i] += factor_[j * dim_ + i] * factor_[j * dim_ + i];
  return out;
}

void Metric::to_position(const double* p, double* out) const {
  const auto n = static_cast<Index>(dim_);
  Vector(out, n).noalias() = Matrix(factor_.data(), n, n).triangularView<Eigen::Lower>() * ConstVector(p, n);
}

void Metric::to_momentum(const double* g, double* out) const {
  const auto n = static_cast<Index>(dim_);
  Vector(out, n).noalias() =
      Matrix(factor_.data(), n, n).transpose().triangularView<Eigen::Upper>() * ConstVector(g, n);
}

std::span<const double> Metric::stored() const {
  return is_dense() ? std::span<const double>(factor_) : std::span(scale_).first(dim_);
}

std::optional<Metric> Metric::from_stored(std::size_t dim, std::span<const double> numbers, bool dense) {
  if (numbers.size() != (dense ? dim * dim : dim)) return std::nullopt;
  Metric m(dim);
  if (dense) {
    if (!std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); })) return std::nullopt;
    for (std::size_t i = 0; i < dim; ++i)
      if (!positive(numbers[i * dim + i])) return std::nullopt;
    m.factor_.assign(numbers.begin(), numbers.end());
    return m;
  }
  if (!std::all_of(numbers.begin(), numbers.end(), positive)) return std::nullopt;
  m.scale_.assign(padded(dim), 0.0);
  std::copy(numbers.begin(), numbers.end(), m.scale_.begin());
  return m;
}

}  // namespace hearsay::nuts
