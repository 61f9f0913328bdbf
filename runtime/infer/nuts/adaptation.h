// Finds a step size and a metric while a chain warms up, and then lets go: what it returns is frozen.
//
// The step size follows Nesterov's dual averaging (Hoffman and Gelman 2014). The metric is estimated from all draws of
// a foreground window, and a background window, begun later, takes its place in time, so that the estimate forgets
// where the chain started without ever starting anew (as nuts-rs does). Of a diagonal metric the variances are
// sqrt(var(draw) / var(gradient)): exact for independent normals after two draws, and a compromise between the widest
// and the narrowest direction where coordinates are correlated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/infer/nuts/bytes.h"
#include "runtime/infer/nuts/metric.h"
#include "runtime/infer/nuts/settings.h"
#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

/// A frozen kernel is a trajectory run with a tuning that no longer changes.
struct Tuning {
  Metric metric;
  double step_size = 1;
};

/// Dual averaging of ln(step size) towards an acceptance statistic.
class DualAveraging {
public:
  explicit DualAveraging(double target) : target_(target) {}
  /// Forgets, and begins at this step size; `pull` times it is where iterates are drawn to while they know little.
  void restart(double step_size, double pull);
  void update(double accept_stat);
  [[nodiscard]] double current() const;
  /// The average of the iterates: what to freeze.
  [[nodiscard]] double averaged() const;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

private:
  double target_;
  double centre_ = 0, log_step_ = 0, log_average_ = 0, error_ = 0;
  double count_ = 0;
};

/// Means and (co)variances of draws and variances of gradients, updated by each (Welford 1962).
class Moments {
public:
  Moments(std::size_t dim, bool dense);
  void add(const Position& at);
  [[nodiscard]] std::size_t count() const { return count_; }
  /// sqrt(var(draw) / var(gradient)) for each coordinate, kept within 1e-20 and 1e20; at least 2 draws.
  [[nodiscard]] std::vector<double> diagonal() const;
  /// The covariance, shrunk towards the diagonal by (dim + 5)/(n + dim + 5), so that it is positive definite. Column-
  /// major. Of dense moments only.
  [[nodiscard]] std::vector<double> covariance() const;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

private:
  std::size_t count_ = 0;
  bool dense_;
  std::vector<double> draw_mean_, draw_square_, gradient_mean_, gradient_square_;
  std::vector<double> products_;    // dense: sums of products of deviations, lower triangle, column-major
  std::vector<double> deviations_;  // scratch
};

class Adaptation {
public:
  /// For `warmup` transitions from now on. `tuning` is what the chain begins with.
  Adaptation(const AdaptationSettings& settings, std::size_t warmup, Tuning tuning);

  /// Learns from one transition of the warmup. True if the metric has just been estimated for the first time: then the
  /// step size should be searched anew and told to step_found.
  [[nodiscard]] bool update(const Position& at, const TransitionOutcome& outcome);
  void step_found(double step_size);

  /// What to use for the next transition of the warmup.
  [[nodiscard]] const Tuning& tuning() const { return tuning_; }
  [[nodiscard]] bool finished() const { return done_ == warmup_; }
  /// What to use from then on.
  [[nodiscard]] Tuning freeze() const;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

private:
  [[nodiscard]] bool learns_metric() const { return done_ <= metric_end_; }
  bool learn_metric(const Position& at, const TransitionOutcome& outcome);
  bool estimate_metric();

  AdaptationSettings settings_;
  std::size_t warmup_, early_end_, metric_end_;
  std::size_t done_ = 0;
  std::size_t window_;             // draws after which the background becomes the foreground
  std::size_t next_estimate_ = 3;  // draws in the foreground
  bool estimated_ = false;
  Moments foreground_, background_;
  DualAveraging step_;
  Tuning tuning_;
};

}  // namespace hearsay::nuts
