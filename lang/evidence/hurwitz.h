// Tails of Σ i^−p, which say how much a power schedule has left to spend.
#pragma once

namespace hearsay::evidence {

/// Σ_{i ≥ a} i^−p for p > 1, a ≥ 1 (the Hurwitz zeta function ζ(p, a)), by Euler–Maclaurin: terms are added directly
/// until the argument is large against p, the rest is the integral with ten Bernoulli corrections (relative error below
/// 1e−15).
[[nodiscard]] double hurwitz_zeta(double p, double a);

/// Σ_{a ≤ i < a + count} i^−p by the same method, without the cancellation of a difference of two tails.
[[nodiscard]] double power_sum(double p, double a, double count);

/// Riemann's ζ(p), p > 1.
[[nodiscard]] double riemann_zeta(double p);

}  // namespace hearsay::evidence
