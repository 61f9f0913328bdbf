// How a source spends its budget: the strength of the i-th soft observation (theory.md §6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "lang/evidence/nats.h"

namespace hearsay::evidence {

/// Equal parts of the budget for `count` claims. The count is often known only when the statements have been counted.
struct Spread {
  std::optional<std::uint64_t> count;
};
/// In proportion to given strengths (their magnitudes), all scaled by the same factor so that they sum to the budget.
struct SpreadInProportion {
  std::shared_ptr<const std::vector<double>> strengths;  ///< nats, one per claim
};
struct Geometric {
  double ratio = 0.5;  ///< 0 < ratio < 1
};
struct Power {
  double exponent = 2;  ///< above 1
};
/// The same odds for every claim until the next would exceed the budget; nothing after that.
struct UntilSpent {
  Nats strength;
};
/// The same odds for every claim, for ever: only without a budget.
struct Fixed {
  Nats strength;
};

using Schedule = std::variant<Spread, SpreadInProportion, Geometric, Power, UntilSpent, Fixed>;

/// "geometric", "until spent", …
[[nodiscard]] const char* name(const Schedule& schedule);

/// Errors that need no run to be seen: geometric(1), power(1), NaN strengths, fixed with a budget, the others without
/// one.
[[nodiscard]] Result<void> validate(const Schedule& schedule, std::optional<Nats> budget, SourceSpan where = {});

/// A share lies in [0, 1].
[[nodiscard]] Result<double> checked_share(double share, SourceSpan where = {});

/// A validated schedule with its budget: strengths by ordinal, in bulk. Ordinals count from 1. Immutable.
class Allotter {
public:
  /// Refuses what validate() refuses, and a spread whose number of claims is not known.
  [[nodiscard]] static Result<Allotter> make(const Schedule& schedule, std::optional<Nats> budget,
                                             SourceSpan where = {});

  /// out[k] = strength of ordinal first + k, nats, 0 or more; 0 after the schedule's end. Relative error below 1e−13.
  void fill(std::uint64_t first, std::span<double> out) const;
  [[nodiscard]] Nats strength(std::uint64_t ordinal) const;
  /// Sum of the strengths of `count` ordinals from `first`, in closed form where there is one.
  [[nodiscard]] Nats sum(std::uint64_t first, std::uint64_t count) const;
  /// The largest single strength among them.
  [[nodiscard]] Nats largest(std::uint64_t first, std::uint64_t count) const;

  /// What all ordinals together come to; infinite for `fixed` of a strength that is not 0.
  [[nodiscard]] Nats total() const;
  /// The strength of all ordinals after the n-th: what may still move a log-odds (theory.md §5.4).
  [[nodiscard]] Nats tail(std::uint64_t n) const;
  /// The smallest n with tail(n) ≤ eps; nothing if there is none below 2^53.
  [[nodiscard]] std::optional<std::uint64_t> ordinals_until_tail_below(Nats eps) const;
  /// The number of ordinals that may get more than 0; nothing if there is no end.
  [[nodiscard]] std::optional<std::uint64_t> last_ordinal() const;

private:
  Allotter() = default;
  void fill_geometric(std::uint64_t first, std::span<double> out) const;
  void fill_power(std::uint64_t first, std::span<double> out) const;

  Schedule schedule_;
  double budget_ = 0;        ///< nats; 0 for `fixed`
  double scale_ = 0;         ///< geometric: B(1−r); power: B/ζ(p); in proportion: B/Σ; the others: the strength
  std::uint64_t count_ = 0;  ///< of a schedule with an end
  std::vector<double> ratio_powers_;  ///< geometric: r^0 … r^(block−1)
  std::vector<double> binomials_;     ///< power: binomial(−p, j)
  double series_from_ = 0;            ///< power: from this ordinal on, the series is as good as pow()
  std::vector<double> prefix_;        ///< in proportion: sums of magnitudes before each claim
};

}  // namespace hearsay::evidence
