// Did the chains converge, and what are their draws worth? R-hat and effective sample sizes as Vehtari, Gelman,
// Simpson, Carpenter and Buerkner define them ("Rank-normalization, folding, and localization: an improved R-hat",
// Bayesian Analysis 16, 2021) and R's package `posterior` computes them.
//
// Every function answers nothing when a draw is not finite, when all draws are equal (constants cannot be told from
// chains that are stuck), or when a chain has fewer than 12 draws (each is split in two halves; of an odd number of
// draws the middle one is left out).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "runtime/draws/chained.h"
#include "runtime/draws/summary.h"

namespace hearsay {

/// The larger of the split R-hats of the normalised ranks of the draws and of their distances from the median. 1 at
/// convergence; doubt everything above 1.01. Infinite for chains that are stuck at different places.
[[nodiscard]] std::optional<double> rhat(ChainedDraws x);

/// Effective numbers of draws: of the normalised ranks (bulk); for the worse of the 5 % and 95 % quantiles (tail); for
/// the mean; for the standard deviation (of |x - mean|); for the quantile of a probability in [0, 1]. Up to
/// S log10(S) for S draws, where successive draws repel each other.
[[nodiscard]] std::optional<double> ess_bulk(ChainedDraws x);
[[nodiscard]] std::optional<double> ess_tail(ChainedDraws x);
[[nodiscard]] std::optional<double> ess_mean(ChainedDraws x);
[[nodiscard]] std::optional<double> ess_sd(ChainedDraws x);
[[nodiscard]] std::optional<double> ess_quantile(ChainedDraws x, double probability);

/// Estimates with errors that count the autocorrelation: those of summary.h with the effective number of draws. As
/// there, nothing when a draw is not finite; chains that all stay at one value have that mean without error.
[[nodiscard]] std::optional<MonteCarloEstimate> mean(ChainedDraws x);
[[nodiscard]] std::optional<MonteCarloEstimate> standard_deviation(ChainedDraws x);
[[nodiscard]] std::optional<std::vector<MonteCarloEstimate>> quantiles(ChainedDraws x,
                                                                       std::span<const double> probabilities);

/// Betancourt's Bayesian fraction of missing information of one chain: the mean square of the energy's steps over its
/// variance. Below 0.3 the momenta change the energy too little to reach the tails. Nothing for fewer than 3 energies,
/// or if they are constant or not finite.
[[nodiscard]] std::optional<double> energy_fraction(std::span<const double> energies);

}  // namespace hearsay
