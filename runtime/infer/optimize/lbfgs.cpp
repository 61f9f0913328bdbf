#include "runtime/infer/optimize/lbfgs.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

namespace hearsay::optimize {
namespace {

using Eigen::VectorXd;
using ConstVector = Eigen::Map<const VectorXd>;
using Vector = Eigen::Map<VectorXd>;

ConstVector vector(const std::vector<double>& x) { return {x.data(), static_cast<Eigen::Index>(x.size())}; }

struct Pair {
  VectorXd step, change;  // of the point, and of minus the gradient
  double inverse;         // 1 / step.change
};

class Climber {
public:
  Climber(model::DensityEvaluator& density, std::span<const double> start, const LbfgsSettings& settings)
      : density_(density), settings_(settings) {
    at_.q.assign(start.begin(), start.end());
    at_.gradient.resize(start.size());
    next_ = at_;
  }

  Climb run(const std::function<bool(const Iterate&)>& each) {
    if (!evaluate(at_)) return finish(fatal_ ? StopReason::fatal : StopReason::bad_start);
    for (;; ++iterations_) {
      if (each && !each(at_)) return finish(StopReason::interrupted);
      if (flat()) return finish(StopReason::gradient);
      if (iterations_ == settings_.max_iterations) return finish(StopReason::iterations);
      const double before = at_.log_density;
      if (!advance()) {
        if (fatal_) return finish(StopReason::fatal);
        // What there is to gain by the model of the curvature is lost in rounding: the top.
        if (!pairs_.empty() && expected_ >= 0 && expected_ <= 1e-10 * std::max(1.0, std::abs(at_.log_density)))
          return finish(StopReason::improvement);
        // Curvature from far away may mislead: once more along the gradient.
        if (pairs_.empty()) return finish(StopReason::no_ascent);
        pairs_.clear();
        if (!advance()) return finish(fatal_ ? StopReason::fatal : StopReason::no_ascent);
      }
      const double gain = at_.log_density - before;
      if (gain <= settings_.improvement_tolerance * std::max(1.0, std::abs(at_.log_density))) {
        ++iterations_;
        if (each && !each(at_)) return finish(StopReason::interrupted);
        return finish(flat() ? StopReason::gradient : StopReason::improvement);
      }
    }
  }

private:
  /// False where the density is 0, not a number, or cannot be evaluated any more (then fatal_).
  bool evaluate(Iterate& x) {
    ++evaluations_;
    const model::EvalResult r = density_.value_and_gradient(x.q, x.gradient);
    x.log_density = r.log_density;
    site_ = r.site;
    fatal_ = r.status == model::EvalStatus::fatal;
    return r.status == model::EvalStatus::ok && std::isfinite(r.log_density) && vector(x.gradient).allFinite();
  }

  [[nodiscard]] bool flat() const {
    if (at_.q.empty()) return true;
    const double steepest = vector(at_.gradient).lpNorm<Eigen::Infinity>();
    const double size = std::max(1.0, vector(at_.q).lpNorm<Eigen::Infinity>());
    return steepest * size <= settings_.gradient_tolerance * std::max(1.0, std::abs(at_.log_density));
  }

  /// The inverse curvature times the gradient, by the two loops.
  [[nodiscard]] VectorXd direction() const {
    VectorXd d = vector(at_.gradient);
    if (pairs_.empty()) return d / std::max(1.0, d.norm());
    std::vector<double> along(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      along[k] = pairs_[k].inverse * pairs_[k].step.dot(d);
      d -= along[k] * pairs_[k].change;
    }
    const Pair& last = pairs_.back();
    d *= 1 / (last.inverse * last.change.squaredNorm());
    for (std::size_t k = 0; k < pairs_.size(); ++k)
      d += (along[k] - pairs_[k].inverse * pairs_[k].change.dot(d)) * pairs_[k].step;
    return d;
  }

  /// One line search for the weak Wolfe conditions by bisection (Lewis and Overton 2013), which also does where the
  /// density ends or has kinks. False if no better point was found.
  bool advance() {
    const VectorXd d = direction();
    const double slope = d.dot(vector(at_.gradient));
    expected_ = slope / 2;
    if (!(slope > 0) || !d.allFinite()) return false;
    constexpr double sufficient = 1e-4, curvature = 0.9;
    double low = 0, high = std::numeric_limits<double>::infinity(), length = 1;
    bool better = false;
    Iterate candidate;
    for (int i = 0; i < 50; ++i) {
      Vector(next_.q.data(), d.size()) = vector(at_.q) + length * d;
      const bool defined = evaluate(next_);
      if (fatal_) return false;
      if (!defined || next_.log_density < at_.log_density + sufficient * length * slope) {
        high = length;
      } else {
        better = true;
        candidate = next_;
        if (d.dot(vector(next_.gradient)) <= curvature * slope) break;
        low = length;
      }
      length = std::isfinite(high) ? (low + high) / 2 : 2 * length;
      if (high - low <= 1e-14 * high || length > 1e20) break;
    }
    if (!better || candidate.log_density <= at_.log_density) return false;
    remember(candidate);
    at_ = std::move(candidate);
    return true;
  }

  void remember(const Iterate& to) {
    Pair p{vector(to.q) - vector(at_.q), vector(at_.gradient) - vector(to.gradient), 0};
    const double product = p.step.dot(p.change);
    if (!(product > 1e-12 * p.change.squaredNorm())) return;  // not curved downwards along this step
    p.inverse = 1 / product;
    if (pairs_.size() == std::max<std::size_t>(1, settings_.history)) pairs_.pop_front();
    pairs_.push_back(std::move(p));
  }

  Climb finish(StopReason reason) { return {std::move(at_), reason, iterations_, evaluations_, site_}; }

  model::DensityEvaluator& density_;
  const LbfgsSettings& settings_;
  Iterate at_, next_;
  std::deque<Pair> pairs_;
  double expected_ = 0;  // gain of the last direction, were the density quadratic
  std::size_t iterations_ = 0, evaluations_ = 0;
  std::uint32_t site_ = 0;
  bool fatal_ = false;
};

}  // namespace

std::string_view describe(StopReason r) {
  switch (r) {
    case StopReason::gradient:
      return "the gradient vanished";
    case StopReason::improvement:
      return "the density no longer grew";
    case StopReason::iterations:
      return "the limit of iterations was reached";
    case StopReason::no_ascent:
      return "no better point was found along the gradient";
    case StopReason::interrupted:
      return "it was interrupted";
    case StopReason::bad_start:
      return "the density is zero or undefined at the start";
    case StopReason::fatal:
      return "the density could not be evaluated any more";
  }
  return "";
}

Climb climb(model::DensityEvaluator& density, std::span<const double> start, const LbfgsSettings& settings,
            const std::function<bool(const Iterate&)>& each) {
  return Climber(density, start, settings).run(each);
}

}  // namespace hearsay::optimize
