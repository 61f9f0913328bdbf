// Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022): normal approximations along the path of L-BFGS, of which the
// one with the smallest divergence from the posterior is kept. Quick starting points for sampling, typical of the
// posterior rather than at its mode.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "lang/model/log_density.h"
#include "lang/rng/stream.h"
#include "runtime/infer/optimize/lbfgs.h"

namespace hearsay::optimize {

struct PathfinderSettings {
  LbfgsSettings climb{.history = 6, .max_iterations = 200, .gradient_tolerance = 1e-6, .improvement_tolerance = 1e-10};
  std::size_t draws_to_compare = 8;  ///< from each approximation, to estimate its evidence lower bound
  /// A lower bound found elsewhere (nats). Approximations far below it are left after two draws, and so without a
  /// result if all are.
  double bound_to_beat = -std::numeric_limits<double>::infinity();
};

struct PathfinderResult {
  Iterate start;                  ///< one of the draws from the best approximation, by importance
  std::vector<double> variances;  ///< the diagonal of the approximation's covariance
  double lower_bound = 0;         ///< the estimated evidence lower bound, nats
  std::size_t evaluations = 0;
};

/// From `from`, where the density must be positive. Nothing when no approximation has draws with a finite density:
/// then start elsewhere, or without it. Nothing, too, once `interrupt` (where given) is set.
[[nodiscard]] std::optional<PathfinderResult> pathfinder(model::DensityEvaluator& density, std::span<const double> from,
                                                         rng::Stream& random, const PathfinderSettings& settings = {},
                                                         const std::atomic<bool>* interrupt = nullptr);

}  // namespace hearsay::optimize
