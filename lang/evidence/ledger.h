// The books: who claimed what, what it was charged, what is left. Charges are gross (a claim and its retraction both
// cost), add up in any order, and are an upper bound on what any log-odds can have moved (theory.md §5).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lang/evidence/certificate.h"
#include "lang/evidence/charge.h"
#include "lang/evidence/compensated_sum.h"

namespace hearsay::evidence {

/// `source NAME(budget: B nats, schedule: …)`.
struct SourceTerms {
  std::string name;
  std::optional<Nats> budget;  ///< none: the books are kept, nothing is ever refused
  std::optional<Schedule> schedule;
  SourceSpan declared;
};

struct SourceRow {
  SourceId source{};
  std::string name;
  std::optional<Nats> budget;
  Nats spent;
  std::optional<Nats> left;  ///< none without a budget; never below 0
  std::uint64_t claims = 0;
  Nats largest;  ///< the largest single claim
};

/// Ordinals first … first + count − 1 of a source's schedule.
struct OrdinalRange {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
};

/// A log-weight that no source answers for (`factor`).
struct UnaccountedRow {
  SiteId site{};
  std::string what;
};

/// A value: copy it for a posterior that starts from another's books, merge() it back for a source that several share.
class EvidenceLedger {
public:
  /// Refuses a bad budget or schedule and a name that is taken.
  [[nodiscard]] Result<SourceId> declare_source(SourceTerms terms);
  /// Other terms for a source that is known (its declaration was run again): its claims stay. Refuses what
  /// declare_source() refuses, and a budget below what has been spent; then nothing changes.
  [[nodiscard]] Result<void> redeclare_source(SourceId source, SourceTerms terms);
  [[nodiscard]] std::optional<SourceId> find_source(std::string_view name) const;
  [[nodiscard]] const SourceTerms& terms(SourceId source) const { return sources_[index(source)].terms; }

  /// Charges the whole run, or refuses the whole run and changes nothing: when a strength is not finite, or when the
  /// source would spend more than its budget. A claim is known by (site, index): claims that are there already are
  /// replaced, with everything they cost, before the budget is looked at. `where` is the statement. Returns what the
  /// source has left (infinite without a budget).
  [[nodiscard]] Result<Nats> charge(ClaimRun run, SourceSpan where = {});

  /// Takes every claim of these statements back: they were removed, or are about to be made anew. Returns the ordinals
  /// that they held, by source. Sums are formed again from what is left, so that nothing of them lingers as rounding.
  std::map<SourceId, OrdinalRange> withdraw(std::span<const SiteId> sites);
  /// The schedule's ordinal for the first of `count` claims made in place of claims that held `held`: the same again
  /// where they fit or where nothing was given out after them, else the next that the source has not given out.
  [[nodiscard]] std::uint64_t first_ordinal(SourceId source, std::uint64_t count, OrdinalRange held = {}) const;

  void note_unaccounted(SiteId site, std::string what);

  /// Adds the claims of `other`, whose sources are found by name (and declared here if they are new). A claim that both
  /// know is counted once, with the terms of `other`. Refuses, changing nothing, what does not fit a budget or a source
  /// that is declared differently in the two.
  [[nodiscard]] Result<void> merge(const EvidenceLedger& other);

  [[nodiscard]] Nats spent(SourceId source) const { return Nats::of(sources_[index(source)].spent.value()); }
  [[nodiscard]] std::optional<Nats> left(SourceId source) const;
  /// Over all sources: the B of the theorem for the posterior that used them all.
  [[nodiscard]] Nats total() const;

  [[nodiscard]] std::vector<SourceRow> sources() const;
  /// In the order in which they were submitted.
  [[nodiscard]] std::vector<Charge> charges() const;
  [[nodiscard]] const std::vector<UnaccountedRow>& unaccounted() const { return unaccounted_; }
  /// The runs themselves, for those who need single strengths; same order as charges().
  [[nodiscard]] std::vector<const ClaimRun*> runs() const;

  /// Without queries and realised numbers, which the caller knows.
  [[nodiscard]] Certificate certificate(SourceId source) const;
  [[nodiscard]] Certificate certificate() const;

private:
  struct Source {
    SourceTerms terms;
    CompensatedSum spent;  ///< nats
    std::uint64_t next_ordinal = 1;
  };
  struct Entry {
    ClaimRun run;
    Nats charged;  ///< kept: summing a listed run reads all of it
    Nats allotted;
    Nats largest;
    std::uint64_t sequence = 0;
  };
  using Entries = std::map<std::uint64_t, Entry>;  ///< by first index

  [[nodiscard]] static std::size_t index(SourceId source) { return static_cast<std::size_t>(source); }
  [[nodiscard]] static Entry make_entry(ClaimRun run, std::uint64_t sequence);
  [[nodiscard]] std::vector<const Entry*> overlapping(SiteId site, std::uint64_t begin, std::uint64_t end) const;
  /// Takes the claims [begin, end) of a statement out of the books; runs that reach over are cut.
  void remove(SiteId site, std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] std::vector<const Entry*> in_order() const;
  /// Forms the sums of these sources again from the claims that are there.
  void recount(const std::vector<bool>& sources);

  std::vector<Source> sources_;
  std::map<SiteId, Entries> entries_;  ///< of one site: disjoint index ranges
  std::vector<UnaccountedRow> unaccounted_;
  std::uint64_t next_sequence_ = 0;
};

/// The net price of several soft observations on one partition: osc of their summed log-weights (nats; all of one
/// length), at most the sum of their charges and sound as well. 0 when there are none.
[[nodiscard]] Nats net_price(std::span<const std::vector<double>> log_weights);

}  // namespace hearsay::evidence
