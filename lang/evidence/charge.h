// A run of claims: what one statement (a loop of ten million observations, say) asks a source to pay. One run, not one
// row a claim.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "lang/evidence/ids.h"
#include "lang/evidence/nats.h"
#include "lang/evidence/schedule.h"

namespace hearsay::evidence {

/// Every claim of the run is charged the same.
struct UniformStrength {
  Nats strength;
};
/// Claim k of the run (from 0) has strength (*nats)[offset + k]; the array is shared, never copied.
struct ListedStrengths {
  std::shared_ptr<const std::vector<double>> nats;
  std::uint64_t offset = 0;
};
/// Every claim spends this part of its allotment, 0 to 1: charged in closed form, however many there are.
struct Allotments {
  double share = 1;
};

using RunStrengths = std::variant<UniformStrength, ListedStrengths, Allotments>;

/// Claims number first_index … first_index + count − 1 of one statement. What a claim is charged is the magnitude of
/// its strength.
struct ClaimRun {
  SourceId source{};
  SiteId site{};
  std::uint64_t first_index = 1;
  std::uint64_t count = 1;
  /// The schedule's ordinal of the first claim, when the schedule says how strong the claims are; else `allotter` is
  /// null.
  std::uint64_t first_ordinal = 0;
  std::shared_ptr<const Allotter> allotter;
  RunStrengths strengths = UniformStrength{};

  /// Sums over the run, nats. They are not checked: a NaN among the strengths is a NaN here.
  [[nodiscard]] Nats charged() const;
  [[nodiscard]] Nats largest() const;
  /// What the schedule had set aside; what was charged when no schedule did.
  [[nodiscard]] Nats allotted() const;

  [[nodiscard]] std::uint64_t end_index() const { return first_index + count; }
  /// The part of the run whose indices lie in [begin, end), which must be within it.
  [[nodiscard]] ClaimRun part(std::uint64_t begin, std::uint64_t end) const;
};

/// A row of the ledger.
struct Charge {
  SourceId source{};
  SiteId site{};
  std::uint64_t first_index = 1;
  std::uint64_t count = 1;
  std::uint64_t first_ordinal = 0;  ///< 0: not from a schedule
  Nats allotted;
  Nats charged;
  Nats largest;  ///< the largest single claim of the run
};

}  // namespace hearsay::evidence
