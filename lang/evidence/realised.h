// What soft evidence did to one posterior that is known as numbers: reported beside a charge, never in its place.
#pragma once

#include <optional>
#include <span>

#include "lang/evidence/nats.h"

namespace hearsay::evidence {

/// Distances between a distribution before and after soft evidence. Infinite where the definition is; never NaN.
struct RealisedChange {
  double total_variation = 0;
  Nats divergence;          ///< KL(after ‖ before)
  Nats reverse_divergence;  ///< KL(before ‖ after)
  Nats size;  ///< osc of ln(after/before): the Chan–Darwiche distance, the largest shift of any log-odds
  /// Some cell is 0, or nearly, on one side. Where nothing was made certain that is underflow, and `size` means no more
  /// than: more than can be told. `least_size` is what `size` is at least.
  bool vanished = false;
  Nats least_size;
  double error = 0;  ///< a bound on how far the other numbers may be off, where they were integrated
};

/// Both are probabilities over the same cells. Cells that are 0 in both are ignored. Nothing when the lengths differ,
/// an entry is negative or not finite, or a sum is not 1 within 1e−9.
[[nodiscard]] std::optional<RealisedChange> compare(std::span<const double> before, std::span<const double> after);

/// Below this a probability has lost digits, or vanished, to underflow.
inline constexpr double kSmallestSure = 1e-290;

/// logit(after) − logit(before), with the complements given, so that a probability next to 1 keeps its digits. 0 when
/// the event was and is certain or impossible; ±infinity when it became so or ceased to be so.
[[nodiscard]] Nats log_odds_shift(double before, double not_before, double after, double not_after);
[[nodiscard]] Nats log_odds_shift(double before, double after);

}  // namespace hearsay::evidence
