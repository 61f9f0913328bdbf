// The unit of everything that evidence is charged in. A strength s means that the odds of an event are multiplied by
// e^s.
#pragma once

#include <cmath>
#include <compare>

#include "lang/support/diagnostic.h"

namespace hearsay::evidence {

/// A signed log-weight in nats: `Nats::from_odds(2)` supports an event, its negative opposes it. What a claim is
/// charged is its magnitude. A unit type: it comes from a double only by name.
class Nats {
public:
  constexpr Nats() = default;
  /// `value` nats; any double, validated elsewhere (strength_from_nats).
  [[nodiscard]] static constexpr Nats of(double value) { return Nats(value); }
  /// ln λ; λ > 0 (a precondition: strength_from_odds checks it).
  [[nodiscard]] static Nats from_odds(double odds) { return Nats(std::log(odds)); }

  [[nodiscard]] constexpr double value() const { return value_; }
  /// e^s: what the odds are multiplied by.
  [[nodiscard]] double odds() const { return std::exp(value_); }
  /// 10·log10 of the odds.
  [[nodiscard]] double decibans() const;
  [[nodiscard]] Nats magnitude() const { return Nats(std::fabs(value_)); }
  [[nodiscard]] bool is_finite() const { return std::isfinite(value_); }

  constexpr Nats& operator+=(Nats other) { return value_ += other.value_, *this; }
  constexpr Nats& operator-=(Nats other) { return value_ -= other.value_, *this; }
  friend constexpr Nats operator+(Nats a, Nats b) { return Nats(a.value_ + b.value_); }
  friend constexpr Nats operator-(Nats a, Nats b) { return Nats(a.value_ - b.value_); }
  friend constexpr Nats operator-(Nats a) { return Nats(-a.value_); }
  friend constexpr Nats operator*(Nats a, double factor) { return Nats(a.value_ * factor); }
  friend constexpr Nats operator*(double factor, Nats a) { return Nats(a.value_ * factor); }
  friend constexpr double operator/(Nats a, Nats b) { return a.value_ / b.value_; }
  friend constexpr auto operator<=>(Nats, Nats) = default;

private:
  explicit constexpr Nats(double value) : value_(value) {}
  double value_ = 0;
};

// The ways to write a strength. Each refuses NaN, infinity and what has no meaning, and says what to write instead;
// `where` is the operand that the user wrote.

/// `nats s`: any finite s.
[[nodiscard]] Result<Nats> strength_from_nats(double nats, SourceSpan where = {});
/// `odds λ`: finite, above 0.
[[nodiscard]] Result<Nats> strength_from_odds(double odds, SourceSpan where = {});
/// `decibans d`: odds 10^(d/10).
[[nodiscard]] Result<Nats> strength_from_decibans(double decibans, SourceSpan where = {});
/// `channel p`: the claim came through a binary symmetric channel that flips it with probability p: odds (1−p)/p.
[[nodiscard]] Result<Nats> strength_from_channel(double flip_probability, SourceSpan where = {});
/// `confidence q base b`: a reporter that is right with probability q about events of base rate b: odds
/// [q/(1−q)]/[b/(1−b)].
[[nodiscard]] Result<Nats> strength_from_confidence(double confidence, double base, SourceSpan where = {});
/// `budget B`: finite, 0 or more.
[[nodiscard]] Result<Nats> checked_budget(double nats, SourceSpan where = {});

}  // namespace hearsay::evidence
