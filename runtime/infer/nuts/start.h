// Where a chain begins.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <tl/expected.hpp>
#include <vector>

#include "lang/model/log_density.h"
#include "lang/rng/stream.h"
#include "runtime/infer/nuts/settings.h"
#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

inline constexpr std::size_t start_attempts = 100;
inline constexpr double start_radius = 2;

struct Start {
  Position at;
  std::vector<double> variances;  ///< a first guess of the metric's diagonal; empty where there is none
};

/// The first of start_attempts points, uniform on (-start_radius, start_radius), with a finite density and gradient;
/// with StartKind::pathfinder a draw from a normal approximation that L-BFGS finds from there, if it finds one. An
/// error says why the attempts failed. Nothing if interrupted.
[[nodiscard]] tl::expected<std::optional<Start>, Error> find_start(model::DensityEvaluator& density, StartKind kind,
                                                                   rng::Stream& random,
                                                                   const std::atomic<bool>* interrupt = nullptr);

/// The density at a start that was given.
[[nodiscard]] tl::expected<Start, Error> check_start(model::DensityEvaluator& density, const std::vector<double>& q);

}  // namespace hearsay::nuts
