#include "lang/evidence/joint_dual.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

namespace hearsay::evidence {
namespace {

constexpr int most_steps = 200;
constexpr double settled = 1e-6;  // nats
constexpr int most_halvings = 60;
constexpr Eigen::Index largest_system = 400;

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

class Dual {
public:
  Dual(std::span<const double> joint, std::span<const std::vector<double>> targets, std::span<const Axis> axes,
       const std::vector<bool>& use)
      : joint_(joint), targets_(targets), axes_(axes), use_(use) {
    // The last cell of each target stands at 0: only differences matter.
    for (std::size_t t = 0; t < targets.size(); ++t) {
      first_.push_back(size_);
      if (use[t]) size_ += static_cast<Eigen::Index>(axes[t].cells) - 1;
    }
  }

  [[nodiscard]] Eigen::Index size() const { return size_; }

  [[nodiscard]] Vector packed(const std::vector<std::vector<double>>& weights) const {
    Vector w(size_);
    each_free([&](std::size_t t, std::size_t c, Eigen::Index k) { w[k] = weights[t][c] - weights[t].back(); });
    return w;
  }

  /// The value at w; leaves the fitted table in `fitted`.
  double value(const Vector& w, std::vector<double>& fitted) const {
    std::vector<double> exponent(joint_.size());
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < joint_.size(); ++i) {
      if (joint_[i] == 0) continue;
      double e = std::log(joint_[i]);
      for (std::size_t t = 0; t < axes_.size(); ++t)
        if (const auto k = free_index(t, i)) e += w[*k];
      exponent[i] = e;
      largest = std::max(largest, e);
    }
    double total = 0;
    fitted.assign(joint_.size(), 0.0);
    for (std::size_t i = 0; i < joint_.size(); ++i)
      if (joint_[i] > 0) total += fitted[i] = std::exp(exponent[i] - largest);
    for (double& f : fitted) f /= total;
    double value = largest + std::log(total);
    each_free([&](std::size_t t, std::size_t c, Eigen::Index k) { value -= targets_[t][c] * w[k]; });
    return value;
  }

  /// What the marginals have too much, and how that changes with w.
  void slopes(const std::vector<double>& fitted, Vector& gradient, Matrix& hessian) const {
    Vector mean = Vector::Zero(size_);
    hessian = Matrix::Zero(size_, size_);
    std::vector<Eigen::Index> on;
    for (std::size_t i = 0; i < fitted.size(); ++i) {
      if (fitted[i] == 0) continue;
      on.clear();
      for (std::size_t t = 0; t < axes_.size(); ++t)
        if (const auto k = free_index(t, i)) on.push_back(*k);
      for (const Eigen::Index a : on) {
        mean[a] += fitted[i];
        for (const Eigen::Index b : on) hessian(a, b) += fitted[i];
      }
    }
    hessian -= mean * mean.transpose();
    gradient = mean;
    each_free([&](std::size_t t, std::size_t c, Eigen::Index k) { gradient[k] -= targets_[t][c]; });
  }

  /// The weights whose table sums to 1 by itself; `value` is the dual's at w.
  [[nodiscard]] std::vector<std::vector<double>> unpacked(const Vector& w, double value) const {
    std::vector<std::vector<double>> weights;
    for (const std::vector<double>& t : targets_) weights.emplace_back(t.size(), 0.0);
    double log_total = value;
    each_free([&](std::size_t t, std::size_t c, Eigen::Index k) {
      weights[t][c] = w[k];
      log_total += targets_[t][c] * w[k];
    });
    const auto used = static_cast<std::size_t>(std::find(use_.begin(), use_.end(), true) - use_.begin());
    for (double& x : weights[used]) x -= log_total;
    return weights;
  }

private:
  template <class Visit>
  void each_free(Visit&& visit) const {
    for (std::size_t t = 0; t < axes_.size(); ++t)
      for (std::size_t c = 0; use_[t] && c + 1 < axes_[t].cells; ++c)
        visit(t, c, first_[t] + static_cast<Eigen::Index>(c));
  }
  [[nodiscard]] std::optional<Eigen::Index> free_index(std::size_t t, std::size_t flat) const {
    const std::size_t c = axes_[t].cell(flat);
    if (!use_[t] || c + 1 == axes_[t].cells) return std::nullopt;
    return first_[t] + static_cast<Eigen::Index>(c);
  }

  std::span<const double> joint_;
  std::span<const std::vector<double>> targets_;
  std::span<const Axis> axes_;
  const std::vector<bool>& use_;
  std::vector<Eigen::Index> first_;
  Eigen::Index size_ = 0;
};

}  // namespace

double largest_divergence(std::span<const double> joint) {
  double smallest = 1;
  for (const double p : joint) smallest = p > 0 ? std::min(smallest, p) : smallest;
  return -std::log(smallest) + 1e-6;
}

std::optional<DualFit> fit_by_newton(std::span<const double> joint, std::span<const std::vector<double>> targets,
                                     std::span<const Axis> axes, const std::vector<bool>& use,
                                     std::vector<std::vector<double>> log_weights, double tolerance) {
  const Dual dual(joint, targets, axes, use);
  if (dual.size() == 0 || dual.size() > largest_system) return std::nullopt;
  // Minus the value is a lower bound of the divergence of every table that meets the targets.
  const double lowest_value = -largest_divergence(joint);

  Vector w = dual.packed(log_weights);
  std::vector<double> fitted, tried;
  double value = dual.value(w, fitted);
  Vector gradient;
  Matrix hessian;
  for (int step = 0; step < most_steps; ++step) {
    if (!std::isfinite(value)) return std::nullopt;
    if (value < lowest_value) return DualFit{true, {}, {}, 0};
    dual.slopes(fitted, gradient, hessian);
    // Targets may depend on each other: the shortest of the steps that do the same.
    const Vector direction = -hessian.completeOrthogonalDecomposition().solve(gradient);
    const double gap = gradient.cwiseAbs().maxCoeff(), move = direction.cwiseAbs().maxCoeff();
    // Towards a minimum the moves shrink with the gap; where only infinite weights will do they go on for ever.
    if (gap <= tolerance && move <= settled) return DualFit{false, dual.unpacked(w, value), fitted, gap};
    if (gap <= 0.05 * tolerance && move > 0.1) return DualFit{true, {}, {}, 0};
    const double slope = gradient.dot(direction);
    if (!(slope < 0)) return std::nullopt;
    double scale = 1;
    int halvings = 0;
    for (; halvings < most_halvings; ++halvings, scale /= 2) {
      const double there = dual.value(w + scale * direction, tried);
      // Near the minimum the value no longer shows progress; a full step is right there.
      if (there <= value + 1e-4 * scale * slope || (halvings == 0 && -slope < 1e-13)) {
        value = there;
        break;
      }
    }
    if (halvings == most_halvings) return std::nullopt;
    w += scale * direction;
    fitted.swap(tried);
  }
  return std::nullopt;
}

}  // namespace hearsay::evidence
