// One transition of the No-U-Turn sampler (Hoffman and Gelman 2014) in the multinomial form (Betancourt 2017): the
// trajectory is doubled, forwards or backwards, until it turns back on itself; the next state is one of its points.
//
// A half of 2^d points is built point by point. Pieces that are complete wait on a stack until their twin is there, as
// in binary addition: no recursion. The template parameter exists for tests; see rules.h.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lang/model/log_density.h"
#include "lang/rng/stream.h"
#include "runtime/draws/transitions.h"
#include "runtime/infer/nuts/metric.h"
#include "runtime/infer/nuts/phase_space.h"
#include "runtime/infer/nuts/rules.h"
#include "runtime/infer/nuts/vector_ops.h"

namespace hearsay::nuts {

/// Where a chain is, on the unconstrained scale.
struct Position {
  std::vector<double> q;
  std::vector<double> gradient;  ///< of the log density at q
  double log_density = 0;        ///< nats

  friend bool operator==(const Position&, const Position&) = default;
};

enum class TransitionStatus : std::uint8_t {
  done,
  interrupted,  ///< the position is unchanged; the same transition may be begun again
  fatal,        ///< the density cannot be evaluated any more; the position is unchanged
};

struct TransitionOutcome {
  TransitionStatus status = TransitionStatus::done;
  Transition transition;   ///< if done
  std::uint32_t site = 0;  ///< if fatal: the statement at fault. If divergent and outside the support: where
  bool moved = false;      ///< whether another point was chosen
};

inline constexpr std::uint32_t max_tree_depth = 24;     ///< 2^24 gradients in one transition
inline constexpr double divergence_threshold = 1000.0;  ///< nats of energy error

template <class R>
class Trajectory {
public:
  Trajectory(std::size_t dim, std::uint32_t max_depth, R rules = {})
      : rules_(std::move(rules)),
        space_(dim, 2 * std::size_t{max_depth} + 10),
        sums_(2 * (std::size_t{max_depth} + 1) * space_.stride()),
        tree_sum_(space_.stride()),
        velocity_(space_.stride()),
        max_depth_(max_depth) {
    stack_.reserve(max_depth + 1);
  }

  /// Moves `at` by one transition with this step size and metric. `interrupt`, where given, is polled at every point.
  TransitionOutcome transition(model::DensityEvaluator& density, const Metric& metric, double step_size,
                               rng::Stream& random, Position& at, const std::atomic<bool>* interrupt = nullptr);

  /// The energy error in nats (new - old) of one leapfrog step with fresh momenta from `at`; +infinity outside the
  /// support. Nothing if the density cannot be evaluated any more.
  std::optional<double> error_of_one_step(model::DensityEvaluator& density, const Metric& metric, double step_size,
                                          rng::Stream& random, const Position& at);

private:
  /// A stretch of 2^k points, in the order in which they were built; holds a reference to each end.
  struct Branch {
    PointId begin, end;
    const double* sum;  ///< of the momenta
  };
  enum class Growth : std::uint8_t { grown, turned, diverged, interrupted, fatal };

  PointId start(const Metric& metric, rng::Stream& random, const Position& at);
  model::EvalResult step(model::DensityEvaluator& density, const Metric& metric, double step_size, PointId from,
                         PointId to);
  Growth grow(model::DensityEvaluator& density, const Metric& metric, double step_size, std::uint32_t depth,
              PointId from, rng::Stream& random, const std::atomic<bool>* interrupt);
  bool weigh(PointId point, rng::Stream& random, bool first);
  bool join_pieces(const Branch& first, const Branch& second, std::uint32_t level, double* sum_out, bool check);
  [[nodiscard]] double energy(PointId i) { return 0.5 * space_.p_square(i) - space_.log_density(i); }
  [[nodiscard]] Piece piece(const Branch& b) { return {space_.p(b.begin), space_.p(b.end), b.sum}; }
  [[nodiscard]] double* sum_at(std::uint32_t level, bool second) {
    return sums_.data() + (2 * std::size_t{level} + (second ? 1 : 0)) * space_.stride();
  }

  R rules_;
  PhaseSpace space_;
  std::vector<double> sums_, tree_sum_, velocity_;
  std::vector<Branch> stack_;
  std::uint32_t max_depth_;
  // Of the transition under way.
  double first_energy_ = 0;
  double offset_ = 0;  // weights are exp(log weight - offset), so that none overflows
  double tree_weight_ = 0, half_weight_ = 0;
  double accept_sum_ = 0;
  std::uint32_t leapfrogs_ = 0;
  std::uint32_t site_ = 0;
  PointId proposal_{};  // of the half that grows
};

template <class R>
PointId Trajectory<R>::start(const Metric& metric, rng::Stream& random, const Position& at) {
  space_.clear();
  const PointId i = space_.take();
  std::copy(at.q.begin(), at.q.end(), space_.q(i));
  std::copy(at.gradient.begin(), at.gradient.end(), space_.g(i));
  space_.log_density(i) = at.log_density;
  rules_.draw_momentum(random, {space_.p(i), space_.dim()});
  space_.p_square(i) = square(space_.stride(), space_.p(i));
  if (metric.is_dense()) metric.to_momentum(space_.g(i), space_.w(i));
  first_energy_ = energy(i);
  return i;
}

template <class R>
model::EvalResult Trajectory<R>::step(model::DensityEvaluator& density, const Metric& metric, double step_size,
                                      PointId from, PointId to) {
  const std::size_t n = space_.stride();
  model::EvalResult r;
  if (!metric.is_dense()) {
    kick_and_drift(n, step_size, metric.scale(), space_.q(from), space_.p(from), space_.g(from), space_.q(to),
                   space_.p(to));
    r = density.value_and_gradient(space_.position(to), space_.gradient(to));
    space_.p_square(to) = kick(n, step_size, metric.scale(), space_.g(to), space_.p(to));
  } else {
    add_scaled(n, 0.5 * step_size, space_.p(from), space_.w(from), space_.p(to));
    metric.to_position(space_.p(to), velocity_.data());
    add_scaled(n, step_size, space_.q(from), velocity_.data(), space_.q(to));
    r = density.value_and_gradient(space_.position(to), space_.gradient(to));
    metric.to_momentum(space_.g(to), space_.w(to));
    add_scaled(n, 0.5 * step_size, space_.p(to), space_.w(to), space_.p(to));
    space_.p_square(to) = square(n, space_.p(to));
  }
  space_.log_density(to) = r.log_density;
  return r;
}

/// Adds a point to the growing half; false if its energy error is a divergence.
template <class R>
bool Trajectory<R>::weigh(PointId point, rng::Stream& random, bool first) {
  const double log_weight = rules_.log_weight(first_energy_, energy(point));
  if (!(log_weight >= -divergence_threshold) || !std::isfinite(log_weight)) return false;
  if (log_weight - offset_ > 300) {
    const double shrink = std::exp(offset_ - log_weight);
    tree_weight_ *= shrink;
    half_weight_ *= shrink;
    offset_ = log_weight;
  }
  const double weight = std::exp(log_weight - offset_);
  if (log_weight >= 0)
    accept_sum_ += 1;
  else
    accept_sum_ += offset_ == 0 ? weight : std::exp(log_weight);
  half_weight_ += weight;
  if (first) {
    proposal_ = space_.share(point);
  } else if (rules_.takes_point(random.uniform(), weight, half_weight_)) {
    space_.drop(proposal_);
    proposal_ = space_.share(point);
  }
  return true;
}

/// Sums the momenta of both pieces, of 2^level points each; true if the trajectory turns.
template <class R>
bool Trajectory<R>::join_pieces(const Branch& first, const Branch& second, std::uint32_t level, double* sum_out,
                                bool check) {
  Turn turn{};
  if (level == 0) {  // two points: the three stretches are one
    const double product = add_and_dot(space_.stride(), first.sum, second.sum, sum_out);
    const double begin = space_.p_square(first.begin) + product;
    const double end = space_.p_square(second.begin) + product;
    turn = {begin, end, begin, end, begin, end};
  } else {
    turn = join(space_.stride(), piece(first), piece(second), sum_out);
  }
  return check && rules_.turns(turn);
}

template <class R>
typename Trajectory<R>::Growth Trajectory<R>::grow(model::DensityEvaluator& density, const Metric& metric,
                                                   double step_size, std::uint32_t depth, PointId from,
                                                   rng::Stream& random, const std::atomic<bool>* interrupt) {
  half_weight_ = 0;
  stack_.clear();
  const std::uint32_t points = 1U << depth;
  for (std::uint32_t n = 0; n < points; ++n) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) return Growth::interrupted;
    const PointId point = space_.take();
    const model::EvalResult r = step(density, metric, step_size, n == 0 ? from : stack_.back().end, point);
    ++leapfrogs_;
    site_ = r.site;
    if (r.status == model::EvalStatus::fatal) return Growth::fatal;
    if (r.status != model::EvalStatus::ok || !weigh(point, random, n == 0)) return Growth::diverged;

    Branch current{point, space_.share(point), space_.p(point)};
    std::uint32_t level = 0;
    for (; ((n >> level) & 1U) != 0; ++level) {
      const Branch before = stack_.back();
      stack_.pop_back();
      double* const sum = sum_at(level + 1, ((n >> (level + 1)) & 1U) != 0);
      if (join_pieces(before, current, level, sum, rules_.checks(level, depth))) return Growth::turned;
      space_.drop(before.end);
      space_.drop(current.begin);
      current = {before.begin, current.end, sum};
    }
    stack_.push_back(current);
  }
  return Growth::grown;
}

template <class R>
TransitionOutcome Trajectory<R>::transition(model::DensityEvaluator& density, const Metric& metric, double step_size,
                                            rng::Stream& random, Position& at, const std::atomic<bool>* interrupt) {
  PointId chosen = start(metric, random, at);
  // The whole trajectory as a branch, in the order of time.
  PointId earliest = space_.share(chosen);
  PointId latest = space_.share(chosen);
  std::copy_n(space_.p(chosen), space_.stride(), tree_sum_.begin());
  offset_ = 0;
  tree_weight_ = 1;
  accept_sum_ = 0;
  leapfrogs_ = 0;
  site_ = 0;

  TransitionOutcome out;
  std::uint32_t depth = 0;
  const std::uint64_t directions = random.next_u64();
  while (depth < max_depth_) {
    const bool forwards = ((directions >> depth) & 1U) != 0;
    PointId& near = forwards ? latest : earliest;
    const PointId far = forwards ? earliest : latest;
    const Growth growth = grow(density, metric, forwards ? step_size : -step_size, depth, near, random, interrupt);
    if (growth == Growth::interrupted || growth == Growth::fatal) {
      out.status = growth == Growth::fatal ? TransitionStatus::fatal : TransitionStatus::interrupted;
      out.site = site_;
      return out;
    }
    if (growth == Growth::diverged) {
      out.transition.divergent = true;
      out.site = site_;
    }
    if (growth != Growth::grown) break;
    ++depth;

    if (rules_.takes_half(random.uniform(), half_weight_, tree_weight_)) {
      space_.drop(chosen);
      chosen = proposal_;
      out.moved = true;
    } else {
      space_.drop(proposal_);
    }
    tree_weight_ += half_weight_;

    const Branch half = stack_.back();
    const bool turned = join_pieces({far, near, tree_sum_.data()}, half, depth - 1, tree_sum_.data(), true);
    space_.drop(near);
    space_.drop(half.begin);
    near = half.end;
    if (turned) break;
  }

  std::copy_n(space_.q(chosen), space_.dim(), at.q.begin());
  std::copy_n(space_.g(chosen), space_.dim(), at.gradient.begin());
  at.log_density = space_.log_density(chosen);
  out.transition.log_density = at.log_density;
  out.transition.accept_stat = accept_sum_ / leapfrogs_;
  out.transition.step_size = step_size;
  out.transition.energy = energy(chosen);
  out.transition.depth = depth;
  out.transition.leapfrogs = leapfrogs_;
  return out;
}

template <class R>
std::optional<double> Trajectory<R>::error_of_one_step(model::DensityEvaluator& density, const Metric& metric,
                                                       double step_size, rng::Stream& random, const Position& at) {
  const PointId from = start(metric, random, at);
  const PointId to = space_.take();
  const model::EvalResult r = step(density, metric, step_size, from, to);
  if (r.status == model::EvalStatus::fatal) return std::nullopt;
  const double error = energy(to) - first_energy_;
  return r.status == model::EvalStatus::ok && !std::isnan(error) ? error : HUGE_VAL;
}

extern template class Trajectory<Rules>;

}  // namespace hearsay::nuts
