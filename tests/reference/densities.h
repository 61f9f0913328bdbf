// Log densities written by hand, for tests and benchmarks of gradient-based inference: normalised, with Jacobians.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "lang/model/log_density.h"

namespace hearsay::reference {

/// A density from a function double(q, gradient): its value is the log density, and it fills the gradient. Values that
/// are not finite are outside the support.
template <class F>
class FunctionDensity final : public model::DensityEvaluator {
public:
  FunctionDensity(std::size_t dim, F f) : dim_(dim), f_(std::move(f)) {}
  [[nodiscard]] std::size_t dim() const noexcept override { return dim_; }
  model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept override {
    const double value = f_(q, gradient);
    return {value, std::isfinite(value) ? model::EvalStatus::ok : model::EvalStatus::outside_support, 0};
  }

private:
  std::size_t dim_;
  F f_;
};

template <class F>
class FunctionModel final : public model::DensityModel {
public:
  FunctionModel(std::size_t dim, F f) : dim_(dim), f_(std::move(f)) {}
  [[nodiscard]] std::size_t dim() const noexcept override { return dim_; }
  [[nodiscard]] std::unique_ptr<model::DensityEvaluator> evaluator() const override {
    return std::make_unique<FunctionDensity<F>>(dim_, f_);
  }

private:
  std::size_t dim_;
  F f_;
};

inline constexpr double log_root_two_pi = 0.91893853320467274178;

/// Independent normals with these means and standard deviations.
struct Normals {
  std::vector<double> mean, sd;
  double operator()(std::span<const double> q, std::span<double> gradient) const {
    double value = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double z = (q[i] - mean[i]) / sd[i];
      value -= 0.5 * z * z + std::log(sd[i]) + log_root_two_pi;
      gradient[i] = -z / sd[i];
    }
    return value;
  }
};

/// As Normals, with nothing but what a gradient needs: for timing.
struct StandardNormal {
  double operator()(std::span<const double> q, std::span<double> gradient) const {
    double value = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      value -= 0.5 * q[i] * q[i];
      gradient[i] = -q[i];
    }
    return value - static_cast<double>(q.size()) * log_root_two_pi;
  }
};

/// Rubin's eight schools (1981), non-centred: q = (mu, ln tau, theta_trans[8]).
struct EightSchools {
  double operator()(std::span<const double> q, std::span<double> gradient) const {
    constexpr double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
    constexpr double inverse_sigma[8] = {1.0 / 15, 1.0 / 10, 1.0 / 16, 1.0 / 11, 1.0 / 9, 1.0 / 11, 1.0 / 10, 1.0 / 18};
    const double mu = q[0];
    const double tau = std::exp(q[1]);
    double value = -0.02 * mu * mu;
    double d_mu = -0.04 * mu;
    double d_tau = 0;
    for (std::size_t j = 0; j < 8; ++j) {
      const double trans = q[2 + j];
      const double z = (y[j] - mu - tau * trans) * inverse_sigma[j];
      value -= 0.5 * (trans * trans + z * z);
      const double d = z * inverse_sigma[j];
      d_mu += d;
      d_tau += d * trans;
      gradient[2 + j] = d * tau - trans;
    }
    const double t = tau * tau / 25;  // half-Cauchy of scale 5; ln tau for the Jacobian
    value += q[1] - std::log1p(t);
    gradient[0] = d_mu;
    gradient[1] = d_tau * tau + 1 - 2 * t / (1 + t);
    return value;
  }
};

}  // namespace hearsay::reference
