// What a total charge of B nats guarantees, before anything is computed (the theorem of theory.md §5). B ≥ 0
// throughout.
#pragma once

#include <limits>
#include <span>

#include "lang/evidence/nats.h"

namespace hearsay::evidence {

struct ProbabilityRange {
  double low = 0;
  double high = 1;
};

/// Where a probability p may lie after the odds moved by at most B: [σ(logit p − B), σ(logit p + B)]. 0 and 1 stay.
/// `not_p` is 1 − p, with its own digits where p is next to 1.
[[nodiscard]] ProbabilityRange probability_range(double p, double not_p, Nats charge);
[[nodiscard]] inline ProbabilityRange probability_range(double p, Nats charge) {
  return probability_range(p, 1 - p, charge);
}

/// TV(P, P′) ≤ tanh(B/4).
[[nodiscard]] double total_variation_bound(Nats charge);

/// KL(P′‖P) ≤ B²/8, and never more than B.
[[nodiscard]] Nats divergence_bound(Nats charge);

/// KL(P′‖P) + KL(P‖P′) ≤ B·tanh(B/4).
[[nodiscard]] Nats divergence_sum_bound(Nats charge);

/// Σ_e ln(1 + δ_e (e^B − 1)): by how much a map that is faithful only to within δ_e (total variation) may let the
/// movement of two events differ between teacher and student (theory.md §8). Each δ_e in [0, 1].
[[nodiscard]] Nats map_mismatch_bound(std::span<const double> unfaithfulness, Nats charge);

/// ln(1/π) / ln(2k/(k+1)): how often a student with odds k on each token may give probability ≤ ½ to a claim, when a
/// hypothesis of prior mass π foresees them all. Infinite when k ≤ 1 or π = 0: then there is no bound.
[[nodiscard]] double bounded_loss_count(double prior_mass, Nats strength);

}  // namespace hearsay::evidence
