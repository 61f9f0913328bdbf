// Laplace's approximation on the unconstrained scale: a normal at the mode with the curvature there, its draws, and how
// far they can be trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "lang/model/log_density.h"
#include "lang/rng/stream.h"
#include "runtime/draws/psis.h"
#include "runtime/infer/optimize/lbfgs.h"

namespace hearsay::laplace {

struct Settings {
  std::size_t draws = 1000;
  optimize::LbfgsSettings climb{};
};

enum class ErrorKind : std::uint8_t {
  no_mode,     ///< the climb did not converge
  no_hessian,  ///< the gradient is not finite near the mode
  not_peaked,  ///< the density does not fall off in every direction: no normal fits
};

struct Error {
  ErrorKind kind{};
  std::string message;
  std::uint32_t site = 0;  ///< the statement at fault, where one is known
};

struct Approximation {
  optimize::Iterate mode;
  std::vector<double> covariance;  ///< dim x dim, column-major, symmetric
  double log_evidence = 0;         ///< of the normal: nats
  std::vector<double> draws;       ///< one after the other, dim numbers each
  /// Weights that turn the draws into ones from the density, and their k-hat. Nothing if the density is infinite or
  /// undefined at a draw.
  std::optional<SmoothedWeights> weights;
};

/// Climbs from `start` and approximates there. The Hessian is taken by central differences of the gradient.
[[nodiscard]] tl::expected<Approximation, Error> approximate(model::DensityEvaluator& density,
                                                             std::span<const double> start, rng::Stream& random,
                                                             const Settings& settings = {});

}  // namespace hearsay::laplace
