#include "lang/evidence/charge.h"

#include <cmath>

#include "lang/evidence/compensated_sum.h"

namespace hearsay::evidence {

Nats ClaimRun::charged() const {
  if (const auto* same = std::get_if<UniformStrength>(&strengths)) {
    return count == 0 ? Nats{} : same->strength.magnitude() * static_cast<double>(count);
  }
  if (const auto* listed = std::get_if<ListedStrengths>(&strengths)) {
    CompensatedSum sum;
    const double* const from = listed->nats->data() + listed->offset;
    for (std::uint64_t k = 0; k < count; ++k) sum.add(std::fabs(from[k]));
    return Nats::of(sum.value());
  }
  return allotter->sum(first_ordinal, count) * std::get<Allotments>(strengths).share;
}

Nats ClaimRun::largest() const {
  if (count == 0) return {};
  if (const auto* same = std::get_if<UniformStrength>(&strengths)) return same->strength.magnitude();
  if (const auto* listed = std::get_if<ListedStrengths>(&strengths)) {
    double most = 0;
    const double* const from = listed->nats->data() + listed->offset;
    for (std::uint64_t k = 0; k < count; ++k) most = std::fabs(from[k]) > most ? std::fabs(from[k]) : most;
    return Nats::of(most);
  }
  return allotter->largest(first_ordinal, count) * std::get<Allotments>(strengths).share;
}

Nats ClaimRun::allotted() const { return allotter ? allotter->sum(first_ordinal, count) : charged(); }

ClaimRun ClaimRun::part(std::uint64_t begin, std::uint64_t end) const {
  ClaimRun result = *this;
  const std::uint64_t skipped = begin - first_index;
  result.first_index = begin;
  result.count = end - begin;
  if (allotter) result.first_ordinal += skipped;
  if (auto* listed = std::get_if<ListedStrengths>(&result.strengths)) listed->offset += skipped;
  return result;
}

}  // namespace hearsay::evidence
