// NUTS with one wrong rule each: what tests of the sampler must reject.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/infer/nuts/rules.h"

namespace hearsay::nuts::mutants {

struct SignOfWeight : Rules {
  static double log_weight(double first_energy, double energy) { return energy - first_energy; }
};
struct IgnoresWeights : Rules {
  static bool takes_point(double uniform, double, double) { return uniform < 0.5; }
};
struct PrefersLaterPoints : Rules {
  static bool takes_point(double uniform, double weight, double sum) { return uniform * sum < 2 * weight; }
};
struct AlwaysTakesNewHalf : Rules {
  static bool takes_half(double, double, double) { return true; }
};
struct IgnoresHalves : Rules {
  static bool takes_half(double uniform, double, double) { return uniform < 0.5; }
};
struct MomentumTooLarge : Rules {
  static void draw_momentum(rng::Stream& random, std::span<double> p) {
    for (double& v : p) v = 1.2 * random.normal();
  }
};
/// The same momentum in every transition.
struct MomentumNotRefreshed : Rules {
  static void draw_momentum(rng::Stream&, std::span<double> p) {
    for (double& v : p) v = 0.8;
  }
};
struct NoSubtreeChecks : Rules {
  static bool checks(std::uint32_t, std::uint32_t) { return false; }
};
/// The last join within a half is not checked.
struct SubtreeChecksOffByOne : Rules {
  static bool checks(std::uint32_t level, std::uint32_t depth) { return level + 1 < depth; }
};
/// Only the end at which building began is looked at.
struct OneSidedTurn : Rules {
  static bool turns(const Turn& t) { return !(t.whole_begin > 0); }
};

}  // namespace hearsay::nuts::mutants
