// Climbs a log density on the unconstrained scale by L-BFGS (Nocedal 1980; Liu and Nocedal 1989), and says why it
// stopped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "lang/model/log_density.h"

namespace hearsay::optimize {

enum class StopReason : std::uint8_t {
  gradient,     ///< no component of the gradient exceeds the tolerance: a stationary point
  improvement,  ///< the density gained less than the tolerance
  iterations,   ///< the limit was reached
  no_ascent,    ///< no point along the direction is better: a kink, a wrong gradient, or the limit of rounding
  interrupted,  ///< by the caller
  bad_start,    ///< the density cannot be evaluated at the start
  fatal,        ///< the density cannot be evaluated any more
};

/// True for the reasons that mean a maximum was found.
[[nodiscard]] constexpr bool converged(StopReason r) {
  return r == StopReason::gradient || r == StopReason::improvement;
}
/// "the gradient vanished" and so on: completes "stopped because …".
[[nodiscard]] std::string_view describe(StopReason r);

struct LbfgsSettings {
  std::size_t history = 6;  ///< pairs of steps and gradient changes that are remembered, at least 1
  std::size_t max_iterations = 1000;
  double gradient_tolerance = 1e-6;      ///< largest component times max(1, largest coordinate), over max(1, |density|)
  double improvement_tolerance = 1e-13;  ///< gain in one iteration over max(1, |density|)
};

struct Iterate {
  std::vector<double> q;
  std::vector<double> gradient;
  double log_density = 0;  ///< nats
};

struct Climb {
  Iterate best;  ///< the last point: the density never falls
  StopReason reason = StopReason::iterations;
  std::size_t iterations = 0;
  std::size_t evaluations = 0;
  std::uint32_t site = 0;  ///< if bad_start or fatal: the statement at fault
};

/// Climbs from `start` (dim() finite numbers). `each`, where given, sees every iterate, the start included, and may
/// return false to stop.
[[nodiscard]] Climb climb(model::DensityEvaluator& density, std::span<const double> start,
                          const LbfgsSettings& settings = {},
                          const std::function<bool(const Iterate&)>& each = nullptr);

}  // namespace hearsay::optimize
