// What a run of the sampler is told: plain values, checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearsay::nuts {

enum class MetricKind : std::uint8_t { diagonal, dense };

struct AdaptationSettings {
  MetricKind metric = MetricKind::diagonal;
  double target_accept = 0.8;  ///< in (0, 1)
};

enum class StartKind : std::uint8_t {
  pathfinder,  ///< from uniform points, along L-BFGS to a draw from a normal approximation
  uniform,     ///< each coordinate uniform on (-2, 2), the first point with a finite density
};

struct Settings {
  std::uint64_t seed = 1;
  std::size_t chains = 4;
  std::size_t warmup = 1000;  ///< transitions a chain that adapt and are not kept
  std::size_t draws = 1000;   ///< draws a chain that are kept
  std::size_t thin = 1;       ///< transitions for one draw
  std::uint32_t max_depth = 10;
  AdaptationSettings adaptation;
  StartKind start = StartKind::pathfinder;
  std::vector<std::vector<double>> starts;  ///< if not empty: where each chain starts, in place of `start`
  std::size_t threads = 0;                  ///< 0: as many as there are processors; never more than chains
};

enum class ErrorKind : std::uint8_t {
  bad_setting,
  no_start,        ///< no point with a finite density was found
  bad_start,       ///< the density is not finite at a start that was given
  density_failed,  ///< the density reported that it cannot be evaluated any more
  bad_checkpoint,
};

struct Error {
  ErrorKind kind{};
  std::string message;
  std::string help;        ///< what to try; may be empty
  std::size_t chain = 0;   ///< from 0
  std::uint32_t site = 0;  ///< the statement at fault, where one is known
};

/// What is wrong with the settings for a density of `dim` dimensions, if anything.
[[nodiscard]] std::optional<Error> check(const Settings& settings, std::size_t dim);

}  // namespace hearsay::nuts
