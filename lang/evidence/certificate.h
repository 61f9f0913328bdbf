// What is printed with every taught posterior: what was charged, what that implies for the queries asked, what
// happened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lang/evidence/bounds.h"
#include "lang/evidence/realised.h"

namespace hearsay::evidence {

/// One event that was asked for: its probability without the soft evidence (everything else the same) and with it.
struct CertifiedQuery {
  std::string text;
  double before = 0;
  double after = 0;
  /// The complements, where they were worked out apart: a probability next to 1 keeps its digits.
  std::optional<double> not_before{}, not_after{};
  double before_error = 0, after_error = 0;  ///< bounds on the errors of these numbers
};

/// A realised shift that is larger than what was charged: a bug in Hearsay, never the user's mistake.
struct CertificateViolation {
  std::string what;  ///< the query's text, or the name of the distance
  double realised = 0;
  double bound = 0;
};

struct Certificate {
  std::string source;          ///< a source's name, or "all sources"
  Nats charged;                ///< B: the sum of the charges
  std::optional<Nats> budget;  ///< none: kept for the books only
  std::vector<CertifiedQuery> queries;
  std::optional<RealisedChange> realised;  ///< where it could be computed

  [[nodiscard]] ProbabilityRange range(const CertifiedQuery& query) const {
    return probability_range(query.before, query.not_before.value_or(1 - query.before), charged);
  }
  [[nodiscard]] Nats shift(const CertifiedQuery& q) const {
    return log_odds_shift(q.before, q.not_before.value_or(1 - q.before), q.after, q.not_after.value_or(1 - q.after));
  }
  [[nodiscard]] double total_variation_limit() const { return total_variation_bound(charged); }
  [[nodiscard]] Nats divergence_limit() const { return divergence_bound(charged); }

  /// The first realised number outside its bound. The allowance for rounding is 1e−9 absolute and relative, and for a
  /// log-odds what a few ulp and the stated errors of its probabilities are worth there.
  [[nodiscard]] std::optional<CertificateViolation> first_violation() const;
  [[nodiscard]] bool holds() const { return !first_violation(); }
  /// The violation as a diagnostic that says that the program is wrong.
  [[nodiscard]] Result<void> check(SourceSpan where = {}) const;
};

}  // namespace hearsay::evidence
