// Σ_i ln(1 + (e^{s_i} − 1) p) for one p and a bag of very many strengths s_i: all that ten million labels of one token
// say about a hypothesis that gives the token probability p.
//
// Small strengths are kept as power sums P_j = Σ s_i^j: ln(1 + (e^s − 1) p) is the cumulant generating function of a
// Bernoulli(p), so the sum is Σ_j κ_j(p)/j! · P_j with κ_{j+1} = p(1−p) dκ_j/dp, a polynomial in p. Its derivative in s
// is the logistic function, analytic for |Im s| < π; on a circle |s| = ρ in (π/2, π) it is at most 1/sin ρ, so by
// Cauchy |κ_j/j!| ≤ ρ^{1−j}/(j sin ρ), for every p. For |s| ≤ t the terms after the J-th come to at most |s| · (t/ρ)^J
// / ((J+1) sin ρ (1 − t/ρ)). J is chosen block by block so that this stays below 2e−15 |s|. Larger strengths are kept
// exactly, equal ones counted: a budget of B nats pays for at most 2B of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lang/evidence/compensated_sum.h"

namespace hearsay::evidence {

class SoftSum {
public:
  static constexpr double series_limit = 0.5;   ///< nats: above it strengths are kept one by one
  static constexpr std::size_t max_power = 20;  ///< enough for series_limit

  /// Adds claims of these strengths (nats, signed). False, and nothing is changed, if one is not finite. Some 10^8 a
  /// second; each call costs an extra fraction of a microsecond, so add in bulk.
  [[nodiscard]] bool add(std::span<const double> strengths);
  /// The same for `count` claims of one strength, at the cost of one.
  [[nodiscard]] bool add_repeated(double strength, std::uint64_t count);

  /// The sum at p in [0, 1], nats. 0 at p = 0, Σ s_i at p = 1.
  [[nodiscard]] double value(double p) const noexcept;
  /// Its derivative in p.
  [[nodiscard]] double slope(double p) const noexcept;

  /// |value(p) − the exact sum| is at most this for every p in [0, 1], truncation and rounding together; below 1e−13 ·
  /// charge().
  [[nodiscard]] double error_bound() const noexcept;
  /// Σ |s_i|, nats.
  [[nodiscard]] double charge() const noexcept { return moments_.charge.value() + large_charge_.value(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The series as a polynomial in p without constant term: coefficient of p^(j+1) (nats).
  [[nodiscard]] std::span<const double, max_power> polynomial() const noexcept { return coefficients_; }
  struct Repeated {
    double strength = 0;  ///< nats
    double count = 0;
  };
  /// The strengths that the series does not cover, each with its count.
  [[nodiscard]] std::span<const Repeated> exact_part() const noexcept { return large_; }
  /// How many different strengths above series_limit value() has to visit.
  [[nodiscard]] std::size_t kept_exactly() const noexcept { return large_.size(); }

private:
  struct Moments {
    std::array<CompensatedSum, max_power> sums;  ///< Σ s^(j+1)
    CompensatedSum charge;                       ///< Σ |s|
    double truncation = 0;                       ///< bound, nats
    std::size_t powers = 0;                      ///< the most that a block asked for
  };
  friend class TokenSums;
  static bool all_finite(std::span<const double> strengths);
  void add_finite(std::span<const double> strengths);  ///< without expand()
  void add_block(const double* from, std::size_t size);
  void add_small(const double* small, std::size_t padded, double largest, double charge);
  void keep(double strength, double count);
  void expand();  ///< the coefficients from the power sums

  Moments moments_;
  std::array<double, max_power> coefficients_{};  ///< of p, p², …
  std::vector<Repeated> large_;
  CompensatedSum large_charge_;
  std::uint64_t count_ = 0;
};

/// One SoftSum a token of an alphabet, filled from a stream of labels.
class TokenSums {
public:
  explicit TokenSums(std::size_t tokens) : bags_(tokens) {}

  /// Claim i is "token i of the stream is codes[i]" (codes from 0) with strength strengths[i]; the spans are of one
  /// length. False, and nothing is changed, if a code is too large or a strength not finite.
  [[nodiscard]] bool add(std::span<const std::uint32_t> codes, std::span<const double> strengths);
  /// The same with codes from `lowest` on. Reads the labels and the strengths once.
  [[nodiscard]] bool add(std::span<const std::int64_t> codes, std::int64_t lowest, std::span<const double> strengths);

  [[nodiscard]] const SoftSum& operator[](std::size_t token) const { return bags_[token].sum; }
  /// The one strength that all claims of a token had, with their number: exact, where the series has an error.
  [[nodiscard]] std::optional<SoftSum::Repeated> repeated(std::size_t token) const;
  [[nodiscard]] std::size_t size() const { return bags_.size(); }
  /// Σ_v sums[v].value(p[v]): the log-weight of a hypothesis with independent tokens of probabilities p.
  [[nodiscard]] double value(std::span<const double> p) const noexcept;
  [[nodiscard]] double error_bound() const noexcept;
  [[nodiscard]] double charge() const noexcept;

private:
  struct Bag {
    SoftSum sum;
    double strength = 0;       ///< of the first claim
    bool one_strength = true;  ///< and of all others
    void take(std::span<const double> strengths);
  };
  template <class Code>
  bool add_codes(std::span<const Code> codes, Code lowest, std::span<const double> strengths);

  std::vector<Bag> bags_;
};

}  // namespace hearsay::evidence
