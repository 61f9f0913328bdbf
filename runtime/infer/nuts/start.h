// Where a chain begins.
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <optional>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "lang/model/log_density.h"
#include "lang/rng/stream.h"
#include "runtime/infer/nuts/bytes.h"
#include "runtime/infer/nuts/settings.h"
#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

inline constexpr std::size_t start_attempts = 100;
inline constexpr double start_radius = 2;
/// Starts that a chain chooses among: a climb from one point may end in a mode that holds next to nothing of the
/// posterior, and no sampler leaves it.
inline constexpr std::size_t start_paths = 6;

struct Start {
  Position at;
  std::vector<double> variances;  ///< a first guess of the metric's diagonal; empty where there is none
  /// An estimated lower bound of the evidence (nats) that the mode holds; -inf without an approximation.
  double lower_bound = -std::numeric_limits<double>::infinity();
};

/// Keeps one of the starts that it is shown, each with probability in proportion to exp(lower bound), so that modes of
/// like weight are all begun at (by the Gumbel-max trick).
class StartChoice {
public:
  void consider(Start start, rng::Stream& random);
  [[nodiscard]] std::size_t considered() const { return considered_; }
  [[nodiscard]] double highest_bound() const { return highest_bound_; }  ///< -inf before any
  /// The choice, which is given away. At least one must have been considered.
  [[nodiscard]] Start take() { return std::move(kept_); }

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

private:
  std::size_t considered_ = 0;
  double score_ = -std::numeric_limits<double>::infinity();
  double highest_bound_ = -std::numeric_limits<double>::infinity();
  Start kept_;
};

/// The first of start_attempts points, uniform on (-start_radius, start_radius), with a finite density and gradient;
/// with StartKind::pathfinder a draw from a normal approximation that L-BFGS finds from there, if it finds one that is
/// not far below `bound_to_beat` (nats). An error says why the attempts failed. Nothing if interrupted.
[[nodiscard]] tl::expected<std::optional<Start>, Error> find_start(model::DensityEvaluator& density, StartKind kind,
                                                                   rng::Stream& random, double bound_to_beat,
                                                                   const std::atomic<bool>* interrupt = nullptr);

/// The density at a start that was given.
[[nodiscard]] tl::expected<Start, Error> check_start(model::DensityEvaluator& density, const std::vector<double>& q);

}  // namespace hearsay::nuts
