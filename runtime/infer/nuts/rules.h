// The decisions of a NUTS transition that make it leave the posterior invariant, each on its own: so that tests can put
// in a wrong one and see it found.
#pragma once

#include <cstdint>
#include <span>

#include "lang/rng/stream.h"
#include "runtime/infer/nuts/vector_ops.h"

namespace hearsay::nuts {

struct Rules {
  /// Whitened momenta are fresh standard normals for every transition.
  static void draw_momentum(rng::Stream& random, std::span<double> p) { random.fill_normal(p); }
  /// ln of the weight of a point of the trajectory, relative to the first one.
  static double log_weight(double first_energy, double energy) { return first_energy - energy; }
  /// Within a new half: each of its points in proportion to its weight (multinomial). `sum` includes `weight`.
  static bool takes_point(double uniform, double weight, double sum) { return uniform * sum < weight; }
  /// Between halves: the new one is preferred (biased progressive sampling, Betancourt 2017, appendix A.3.2).
  static bool takes_half(double uniform, double new_sum, double old_sum) { return uniform * old_sum < new_sum; }
  /// Whether the join of two pieces of 2^level points, in a half of 2^depth points, is checked for a U-turn. All are:
  /// a trajectory must be as likely to be built from any other of its points.
  static bool checks([[maybe_unused]] std::uint32_t level, [[maybe_unused]] std::uint32_t depth) { return true; }
  /// The generalised criterion over both pieces, and over each with the nearest point of the other (Stan since 2.21),
  /// without which some trajectories run full circle between the points where doubling checks.
  static bool turns(const Turn& t) {
    return !(t.whole_begin > 0 && t.whole_end > 0 && t.first_begin > 0 && t.first_end > 0 && t.second_begin > 0 &&
             t.second_end > 0);
  }
};

}  // namespace hearsay::nuts
