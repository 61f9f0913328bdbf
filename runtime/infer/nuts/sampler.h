// Chains in threads: the No-U-Turn sampler as callers run it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "lang/model/log_density.h"
#include "runtime/draws/draws.h"
#include "runtime/draws/transitions.h"
#include "runtime/infer/nuts/chain.h"
#include "runtime/infer/nuts/settings.h"

namespace hearsay::nuts {

struct ChainProgress {
  std::size_t done = 0;    ///< transitions, warmup included
  std::size_t warmup = 0;  ///< how many of all are warmup
  std::size_t total = 0;
  std::size_t divergences = 0;  ///< after the warmup
};

/// All are optional. Callbacks come from the threads of the run, one at a time, and must not throw.
struct Hooks {
  std::function<void(std::span<const ChainProgress>)> progress;
  std::chrono::milliseconds progress_every{100};
  /// Polled before every gradient. Once true, run() returns; what has been drawn is kept, and may be gone on from.
  const std::atomic<bool>* interrupt = nullptr;
  /// The bytes that Sampler::restore takes: now and then, and of every chain when the run ends.
  std::function<void(std::size_t chain, std::span<const std::byte>)> checkpoint;
  std::chrono::milliseconds checkpoint_every{5000};
};

enum class RunStatus : std::uint8_t { finished, interrupted, failed };

/// The draws of chain c depend on the model, the settings and c, and not on the number of chains or threads, on
/// interruptions, or on where a run was resumed.
class Sampler {
public:
  /// The model must outlive the sampler.
  [[nodiscard]] static tl::expected<Sampler, Error> create(const model::DensityModel& model, Settings settings);

  /// Puts one chain where it was when these bytes were saved.
  [[nodiscard]] std::optional<Error> restore(std::size_t chain, std::span<const std::byte> bytes);

  /// Runs until all draws are made, or the interrupt is set, or a chain fails (then see error()). May be called again.
  RunStatus run(const Hooks& hooks = {});

  [[nodiscard]] const Settings& settings() const { return *settings_; }
  [[nodiscard]] const Chain& chain(std::size_t c) const { return *chains_[c]; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  /// The draws that every chain has made, on the unconstrained scale, under these names (one for each dimension): an
  /// interrupted run has chains of different lengths, of which the shortest counts. And how each was reached.
  [[nodiscard]] Draws draws(std::vector<std::string> names) const;
  [[nodiscard]] Transitions transitions() const;

private:
  Sampler() = default;
  [[nodiscard]] std::size_t common_length() const;

  std::unique_ptr<const Settings> settings_;  // the chains refer to it
  std::vector<std::unique_ptr<Chain>> chains_;
  std::size_t dim_ = 0;
  std::optional<Error> error_;
};

}  // namespace hearsay::nuts
