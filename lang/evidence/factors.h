// What one soft observation multiplies one hypothesis by, as log-weights in nats, without cancellation (theory.md §2,
// §4).
#pragma once

#include <span>
#include <vector>

#include "lang/evidence/nats.h"

namespace hearsay::evidence {

/// ln(1 + (e^s − 1) p): a hypothesis under which the claimed event has probability p, the claim having odds e^s. p in
/// [0, 1], any finite s. Between 0 and s; relative error a few ulp.
[[nodiscard]] double soft_event(double s, double p) noexcept;

/// The derivative of soft_event in p: (e^s − 1) / (1 + (e^s − 1) p).
[[nodiscard]] double soft_event_slope(double s, double p) noexcept;

/// The exact influence of `robust β weight w`, −w·(−p_y^β/β + Σ_v p(v)^(1+β)/(1+β)), on a finite alphabet of two or
/// more tokens: w/β (density power divergence; Basu, Harris, Hjort and Jones 1998).
[[nodiscard]] Nats robust_charge(double beta, double w) noexcept;

/// `weight w`: finite, 0 or more.
[[nodiscard]] Result<double> checked_weight(double w, SourceSpan where = {});
/// `robust β`: finite, above 0.
[[nodiscard]] Result<double> checked_beta(double beta, SourceSpan where = {});
/// `within s nats`: finite, 0 or more.
[[nodiscard]] Result<Nats> checked_bound(double nats, SourceSpan where = {});

/// Log-weights on the cells of a partition, and what they are charged: osc = max − min.
struct PartitionWeights {
  std::vector<double> log_weights;  ///< nats, one per cell
  Nats strength;                    ///< 0 or more
};

/// max − min of log-weights (nats): the Chan–Darwiche size of a change on a partition. 0 when empty.
[[nodiscard]] Nats oscillation(std::span<const double> log_weights);

/// `likelihoods {a: 4, b: 2}`: each finite and above 0 (one of 0 would be hard evidence).
[[nodiscard]] Result<PartitionWeights> likelihood_vector(std::span<const double> likelihoods, SourceSpan where = {});

}  // namespace hearsay::evidence
