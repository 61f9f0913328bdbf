#include "runtime/infer/optimize/pathfinder.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numbers>

namespace hearsay::optimize {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using ConstVector = Eigen::Map<const VectorXd>;

ConstVector vector(const std::vector<double>& x) { return {x.data(), static_cast<Index>(x.size())}; }

struct Pair {
  VectorXd step, change;
};

/// The inverse curvature that L-BFGS has learnt, as covariance diag(alpha) + beta gamma beta' (Byrd, Nocedal and
/// Schnabel 1994), factored for drawing.
class Approximation {
public:
  Approximation(const Iterate& at, const VectorXd& alpha, const std::deque<Pair>& pairs)
      : root_(alpha.cwiseSqrt()), variances_(alpha), log_determinant_(alpha.array().log().sum()) {
    const VectorXd g = vector(at.gradient);
    mean_ = vector(at.q) + alpha.cwiseProduct(g);
    if (!pairs.empty() && !curve(alpha, pairs, g)) return;
    valid_ =
        mean_.allFinite() && std::isfinite(log_determinant_) && variances_.minCoeff() > 0 && variances_.allFinite();
  }

  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] const VectorXd& variances() const { return variances_; }

  /// A draw, and ln of its density here.
  double draw(rng::Stream& random, std::vector<double>& q) const {
    VectorXd u(mean_.size());
    for (double& v : u) v = random.normal();
    const double log_density =
        -0.5 * (u.squaredNorm() + log_determinant_ + static_cast<double>(u.size()) * std::log(2 * std::numbers::pi));
    if (basis_.size() > 0) {
      const VectorXd inside = basis_.transpose() * u;
      u += basis_ * (factor_ * inside - inside);
    }
    const VectorXd x = mean_ + root_.cwiseProduct(u);
    q.assign(x.begin(), x.end());
    return log_density;
  }

private:
  /// Adds what the pairs say; false if rounding has left it without a factor.
  bool curve(const VectorXd& alpha, const std::deque<Pair>& pairs, const VectorXd& g) {
    const Index n = alpha.size();
    const auto count = static_cast<Index>(pairs.size());
    MatrixXd steps(n, count), changes(n, count);
    for (Index j = 0; j < count; ++j) {
      steps.col(j) = pairs[static_cast<std::size_t>(j)].step;
      changes.col(j) = pairs[static_cast<std::size_t>(j)].change;
    }
    const MatrixXd products = steps.transpose() * changes;
    const MatrixXd inverse = products.triangularView<Eigen::Upper>().solve(MatrixXd::Identity(count, count));
    MatrixXd inner = changes.transpose() * alpha.asDiagonal() * changes;
    inner.diagonal() += products.diagonal();
    MatrixXd beta(n, 2 * count), gamma = MatrixXd::Zero(2 * count, 2 * count);
    beta << alpha.asDiagonal() * changes, steps;
    gamma.topRightCorner(count, count) = -inverse;
    gamma.bottomLeftCorner(count, count) = -inverse.transpose();
    gamma.bottomRightCorner(count, count) = inverse.transpose() * inner * inverse;

    variances_ += (beta * gamma).cwiseProduct(beta).rowwise().sum();
    mean_ += beta * (gamma * (beta.transpose() * g));
    const Index rank = std::min(n, 2 * count);
    const Eigen::HouseholderQR<MatrixXd> qr(root_.cwiseInverse().asDiagonal() * beta);
    basis_ = qr.householderQ() * MatrixXd::Identity(n, rank);
    const MatrixXd upper = qr.matrixQR().topRows(rank).triangularView<Eigen::Upper>();
    const Eigen::LLT<MatrixXd> cholesky(MatrixXd::Identity(rank, rank) + upper * gamma * upper.transpose());
    if (cholesky.info() != Eigen::Success) return false;
    factor_ = cholesky.matrixL();
    log_determinant_ += 2 * factor_.diagonal().array().log().sum();
    return true;
  }

  VectorXd root_, variances_, mean_;
  MatrixXd basis_, factor_;
  double log_determinant_ = 0;
  bool valid_ = false;
};

/// Gilbert and Lemarechal's diagonal update (1989): it satisfies the new secant equation on average.
void update_diagonal(VectorXd& alpha, const Pair& p) {
  const double a = p.change.cwiseAbs2().dot(alpha);
  const double b = p.step.dot(p.change);
  const double c = p.step.cwiseAbs2().cwiseQuotient(alpha).sum();
  const VectorXd next =
      (a / b * alpha.cwiseInverse() + p.change.cwiseAbs2() / b - a / (b * c) * p.step.cwiseQuotient(alpha).cwiseAbs2())
          .cwiseInverse();
  if (next.allFinite() && next.minCoeff() > 0) alpha = next;
}

class Search {
public:
  Search(model::DensityEvaluator& density, rng::Stream& random, const PathfinderSettings& settings,
         const std::atomic<bool>* interrupt)
      : density_(density), random_(random), settings_(settings), interrupt_(interrupt) {}

  std::optional<PathfinderResult> run(std::span<const double> from) {
    VectorXd alpha = VectorXd::Ones(static_cast<Index>(from.size()));
    std::deque<Pair> pairs;
    std::optional<Iterate> before;
    const auto each = [&](const Iterate& now) {
      if (before) {
        Pair p{vector(now.q) - vector(before->q), vector(before->gradient) - vector(now.gradient)};
        if (p.step.dot(p.change) > 1e-12 * p.change.squaredNorm()) {
          update_diagonal(alpha, p);
          if (pairs.size() == std::max<std::size_t>(1, settings_.climb.history)) pairs.pop_front();
          pairs.push_back(std::move(p));
        }
        compare(Approximation(now, alpha, pairs));
      }
      before = now;
      stopped_ = stopped_ || (interrupt_ != nullptr && interrupt_->load(std::memory_order_relaxed));
      return !stopped_;
    };
    evaluations_ += climb(density_, from, settings_.climb, each).evaluations;
    if (stopped_ || !best_) return std::nullopt;
    best_->evaluations = evaluations_;
    return std::move(best_);
  }

private:
  /// Log ratios below this are of an approximation that will not be the best: where it fits as well as the best one,
  /// they have a standard deviation of the order of sqrt(dimension).
  [[nodiscard]] double hopeless(std::size_t dim) const {
    const double bound = std::max(settings_.bound_to_beat, best_ ? best_->lower_bound : settings_.bound_to_beat);
    return bound - 10 - 5 * std::sqrt(static_cast<double>(dim));
  }

  /// Keeps the approximation if its evidence lower bound is the best so far, with one of its draws.
  void compare(const Approximation& a) {
    if (!a.valid()) return;
    const std::size_t count = std::max<std::size_t>(1, settings_.draws_to_compare);
    std::vector<Iterate> draws(count);
    std::vector<double> log_ratios(count);
    double bound = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double log_q = a.draw(random_, draws[k].q);
      draws[k].gradient.resize(draws[k].q.size());
      const model::EvalResult r = density_.value_and_gradient(draws[k].q, draws[k].gradient);
      ++evaluations_;
      stopped_ = stopped_ || r.status == model::EvalStatus::fatal;
      if (r.status != model::EvalStatus::ok || !std::isfinite(r.log_density)) return;
      draws[k].log_density = r.log_density;
      log_ratios[k] = r.log_density - log_q;
      if (k == 1 && std::max(log_ratios[0], log_ratios[1]) < hopeless(draws[k].q.size())) return;
      bound += log_ratios[k] / static_cast<double>(count);
    }
    if (best_ && !(bound > best_->lower_bound)) return;
    const double top = *std::max_element(log_ratios.begin(), log_ratios.end());
    for (double& r : log_ratios) r = std::exp(r - top);
    const std::size_t chosen = random_.categorical(log_ratios);
    best_ = {std::move(draws[chosen]), {a.variances().begin(), a.variances().end()}, bound, 0};
  }

  model::DensityEvaluator& density_;
  rng::Stream& random_;
  const PathfinderSettings& settings_;
  const std::atomic<bool>* interrupt_;
  std::optional<PathfinderResult> best_;
  std::size_t evaluations_ = 0;
  bool stopped_ = false;  // interrupted, or the density cannot be evaluated any more
};

}  // namespace

std::optional<PathfinderResult> pathfinder(model::DensityEvaluator& density, std::span<const double> from,
                                           rng::Stream& random, const PathfinderSettings& settings,
                                           const std::atomic<bool>* interrupt) {
  return Search(density, random, settings, interrupt).run(from);
}

}  // namespace hearsay::optimize
