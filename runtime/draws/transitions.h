// What a Hamiltonian sampler did to reach each draw. Names in files are Stan's: lp__, accept_stat__, stepsize__, and so
// on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearsay {

struct Transition {
  double log_density = 0;       ///< lp__: nats, on the unconstrained scale, Jacobian included
  double accept_stat = 0;       ///< accept_stat__: mean of min(1, exp(-energy error)) over the trajectory, in [0, 1]
  double step_size = 0;         ///< stepsize__
  double energy = 0;            ///< energy__: of the new state with the momentum that reached it, nats
  std::uint32_t depth = 0;      ///< treedepth__: completed doublings of the trajectory
  std::uint32_t leapfrogs = 0;  ///< n_leapfrog__: gradients evaluated
  bool divergent = false;  ///< divergent__: an energy error above 1000 nats, or a density that could not be evaluated

  friend bool operator==(const Transition&, const Transition&) = default;
};

inline constexpr std::array<std::string_view, 7> transition_columns = {
    "lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"};

/// One transition for each draw of each chain (after warmup).
struct Transitions {
  std::vector<std::vector<Transition>> chains;
  std::uint32_t max_depth = 10;  ///< the limit on doublings that the sampler had
};

}  // namespace hearsay
