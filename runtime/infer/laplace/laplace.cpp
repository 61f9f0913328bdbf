#include "runtime/infer/laplace/laplace.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace hearsay::laplace {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Minus the second derivatives, by central differences of the gradient over steps of these lengths, which are halved
/// where they leave the support. Not symmetrised. Nothing if no step is short enough.
std::optional<MatrixXd> curvature(model::DensityEvaluator& density, const std::vector<double>& at, VectorXd steps) {
  const auto n = static_cast<Index>(at.size());
  MatrixXd out(n, n);
  std::vector<double> q = at, gradient(at.size());
  const auto gradient_at = [&](Index i, double value) -> std::optional<VectorXd> {
    q[static_cast<std::size_t>(i)] = value;
    const model::EvalResult r = density.value_and_gradient(q, gradient);
    const VectorXd g = Eigen::Map<const VectorXd>(gradient.data(), n);
    if (r.status != model::EvalStatus::ok || !g.allFinite()) return std::nullopt;
    return g;
  };
  for (Index i = 0; i < n; ++i) {
    const double centre = at[static_cast<std::size_t>(i)];
    bool done = false;
    for (int attempt = 0; attempt < 20 && !done; ++attempt, steps[i] /= 2) {
      const double above = centre + steps[i], below = centre - steps[i];
      const auto up = gradient_at(i, above), down = gradient_at(i, below);
      if (!up || !down) continue;
      out.col(i) = (*down - *up) / (above - below);
      done = true;
    }
    if (!done) return std::nullopt;
    q[static_cast<std::size_t>(i)] = centre;
  }
  return out;
}

std::optional<MatrixXd> hessian(model::DensityEvaluator& density, const std::vector<double>& at) {
  const VectorXd q = Eigen::Map<const VectorXd>(at.data(), static_cast<Index>(at.size()));
  const double root = std::cbrt(std::numeric_limits<double>::epsilon());
  auto first = curvature(density, at, (root * q.cwiseAbs().array().max(1.0)).matrix());
  if (!first) return std::nullopt;
  // Again with steps that suit each coordinate's own scale: 1e-4 of its conditional standard deviation.
  VectorXd steps = first->diagonal();
  for (Index i = 0; i < steps.size(); ++i)
    steps[i] = steps[i] > 0 ? std::max(1e-4 / std::sqrt(steps[i]), 1e-11 * std::abs(q[i]))
                            : root * std::max(1.0, std::abs(q[i]));
  auto second = curvature(density, at, steps);
  if (!second) return std::nullopt;
  return MatrixXd((*second + second->transpose()) / 2);
}

}  // namespace

tl::expected<Approximation, Error> approximate(model::DensityEvaluator& density, std::span<const double> start,
                                               rng::Stream& random, const Settings& settings) {
  optimize::Climb climb = optimize::climb(density, start, settings.climb);
  if (!converged(climb.reason))
    return tl::unexpected(Error{
        ErrorKind::no_mode,
        fmt::format("no maximum was found in {} iterations: {}", climb.iterations, optimize::describe(climb.reason)),
        climb.site});
  Approximation out;
  out.mode = std::move(climb.best);
  const auto peak = hessian(density, out.mode.q);
  if (!peak) return tl::unexpected(Error{ErrorKind::no_hessian, "the gradient is not finite next to the maximum", 0});
  const Eigen::LLT<MatrixXd> cholesky(*peak);
  if (cholesky.info() != Eigen::Success)
    return tl::unexpected(Error{ErrorKind::not_peaked,
                                "at its maximum the density does not fall off in every direction: no normal fits", 0});

  const Index n = peak->rows();
  const MatrixXd covariance = cholesky.solve(MatrixXd::Identity(n, n));
  out.covariance.assign(covariance.data(), covariance.data() + covariance.size());
  const MatrixXd factor = cholesky.matrixL();
  const double log_determinant = 2 * factor.diagonal().array().log().sum();  // of the inverse covariance
  const double log_two_pi = std::log(2 * std::numbers::pi);
  out.log_evidence = out.mode.log_density + 0.5 * (static_cast<double>(n) * log_two_pi - log_determinant);

  std::vector<double> gradient(out.mode.q.size()), q(out.mode.q.size()), log_ratios;
  VectorXd z(n);
  const VectorXd mode = Eigen::Map<const VectorXd>(out.mode.q.data(), n);
  for (std::size_t i = 0; i < settings.draws; ++i) {
    for (double& v : z) v = random.normal();
    const double square = z.squaredNorm();
    const VectorXd x = mode + cholesky.matrixU().solve(z);
    std::copy(x.begin(), x.end(), q.begin());
    out.draws.insert(out.draws.end(), q.begin(), q.end());
    const model::EvalResult r = density.value_and_gradient(q, gradient);
    if (r.status == model::EvalStatus::fatal)
      return tl::unexpected(Error{ErrorKind::no_mode, "the log density could not be evaluated any more", r.site});
    const double log_density =
        r.status == model::EvalStatus::ok ? r.log_density : -std::numeric_limits<double>::infinity();
    log_ratios.push_back(log_density + 0.5 * (square + static_cast<double>(n) * log_two_pi - log_determinant));
  }
  out.weights = smooth_weights(log_ratios);
  return out;
}

}  // namespace hearsay::laplace
