// Whether a sampler's draws can be trusted, in plain words: what is wrong, where it is worst, and what to try next.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/draws/draws.h"
#include "runtime/draws/transitions.h"

namespace hearsay {

enum class FindingKind : std::uint8_t {
  divergences,      ///< value: how many transitions diverged
  rhat,             ///< value: the largest R-hat
  bulk_ess,         ///< value: the smallest bulk effective sample size
  tail_ess,         ///< value: the smallest tail effective sample size
  tree_depth,       ///< value: how many transitions stopped at the limit
  energy_fraction,  ///< value: the smallest E-BFMI of a chain
  not_finite,       ///< value: how many quantities have a draw that is not finite
  constant,         ///< value: how many quantities never change
  too_short,        ///< value: the number of draws in a chain
};

struct Finding {
  FindingKind kind{};
  double value = 0;
  double threshold = 0;   ///< what the value was held against; 0 for counts
  std::size_t count = 0;  ///< how many quantities, chains or transitions are concerned
  std::string worst;      ///< the quantity that is worst, or empty
  std::string what;       ///< a sentence
  std::string next;       ///< what to try, a sentence

  friend bool operator==(const Finding&, const Finding&) = default;
};

struct ReportThresholds {
  double rhat = 1.01;
  double ess_per_chain = 100;
  double energy_fraction = 0.3;
};

/// Nothing found: an empty list. In order of importance. `draws` may be any quantities of the chains that `transitions`
/// tells of; either may be empty.
[[nodiscard]] std::vector<Finding> examine(const Draws& draws, const Transitions& transitions,
                                           const ReportThresholds& thresholds = {},
                                           const std::atomic<bool>* interrupt = nullptr);

/// "warning: WHAT\n  help: NEXT\n" for each.
[[nodiscard]] std::string to_text(const std::vector<Finding>& findings);

}  // namespace hearsay
