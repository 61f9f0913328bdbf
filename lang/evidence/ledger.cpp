#include "lang/evidence/ledger.h"

#include <algorithm>
#include <limits>

#include "lang/evidence/factors.h"

namespace hearsay::evidence {
namespace {

// Rounding of strengths may make a schedule that sums to B come to a little more.
constexpr double budget_allowance = 1e-12;

// To six digits, and not less.
std::string rounded_up(double nats) {
  const std::string nearest = fmt::format("{:.6g}", nats);
  return std::strtod(nearest.c_str(), nullptr) >= nats ? nearest : fmt::format("{:.6g}", nats * (1 + 1e-5));
}

bool same_budget(std::optional<Nats> a, std::optional<Nats> b) {
  return a.has_value() == b.has_value() && (!a || a->value() == b->value());
}

// The claims of `old` whose indices are not in [begin, end): none, one or two pieces.
std::vector<ClaimRun> without(const ClaimRun& old, std::uint64_t begin, std::uint64_t end) {
  std::vector<ClaimRun> pieces;
  if (old.first_index < begin) pieces.push_back(old.part(old.first_index, std::min(begin, old.end_index())));
  if (end < old.end_index()) pieces.push_back(old.part(std::max(end, old.first_index), old.end_index()));
  return pieces;
}

}  // namespace

EvidenceLedger::Entry EvidenceLedger::make_entry(ClaimRun run, std::uint64_t sequence) {
  const Nats charged = run.charged();
  const Nats allotted = run.allotter ? run.allotted() : charged;
  const Nats largest = run.largest();
  return {std::move(run), charged, allotted, largest, sequence};
}

Result<SourceId> EvidenceLedger::declare_source(SourceTerms terms) {
  if (const auto taken = find_source(terms.name)) {
    return fail(diagnose<DiagnosticKind::duplicate_source>(terms.declared, terms.name)
                    .label(sources_[index(*taken)].terms.declared, "declared here")
                    .with_help("give one of the two another name: each source has its own budget"));
  }
  if (terms.budget) {
    if (Result<Nats> b = checked_budget(terms.budget->value(), terms.declared); !b) return fail(std::move(b).error());
  }
  if (terms.schedule) {
    if (Result<void> ok = validate(*terms.schedule, terms.budget, terms.declared); !ok)
      return fail(std::move(ok).error());
  }
  sources_.push_back({std::move(terms), {}, 1});
  return static_cast<SourceId>(sources_.size() - 1);
}

Result<void> EvidenceLedger::redeclare_source(SourceId source, SourceTerms terms) {
  EvidenceLedger alone;
  if (Result<SourceId> sound = alone.declare_source(terms); !sound) return fail(std::move(sound).error());
  const double spent = this->spent(source).value();
  if (terms.budget && spent > terms.budget->value() * (1 + budget_allowance)) {
    return fail(
        diagnose<DiagnosticKind::bad_strength>(
            terms.declared, fmt::format("a budget of {:.6g} nats is less than the {:.6g} nats that `{}` has spent",
                                        terms.budget->value(), spent, terms.name))
            .with_help("make the claims that charge it weaker first, or give it at least what it has spent"));
  }
  sources_[index(source)].terms = std::move(terms);
  return {};
}

std::optional<SourceId> EvidenceLedger::find_source(std::string_view name) const {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].terms.name == name) return static_cast<SourceId>(i);
  }
  return std::nullopt;
}

Result<Nats> EvidenceLedger::charge(ClaimRun run, SourceSpan where) {
  Entry added = make_entry(std::move(run), next_sequence_);
  const ClaimRun& claim = added.run;
  Source& source = sources_[index(claim.source)];

  if (!added.charged.is_finite() || !added.largest.is_finite()) {
    return fail(diagnose<DiagnosticKind::bad_charge>(where, source.terms.name, added.charged.value())
                    .with_help("a form without a bound needs one: `weight w within s nats`, or `robust b weight w`"));
  }

  // What this submission replaces is not spent any more; what is left of the runs that it cuts into still is.
  double replaced = 0;  // of this source
  for (const Entry* old : overlapping(claim.site, claim.first_index, claim.end_index())) {
    if (old->run.source != claim.source) continue;
    replaced += old->charged.value();
    for (const ClaimRun& piece : without(old->run, claim.first_index, claim.end_index())) {
      replaced -= piece.charged().value();
    }
  }

  if (const auto budget = source.terms.budget) {
    const double before = source.spent.value() - replaced;
    if (before + added.charged.value() > budget->value() * (1 + budget_allowance)) {
      const double room = std::max(0.0, budget->value() - before);
      return fail(
          diagnose<DiagnosticKind::over_budget>(where, added.charged.value(), source.terms.name, room, budget->value())
              .label(source.terms.declared, "the budget is set here")
              .with_help(fmt::format("raise the budget to {} nats or more, make the claims weaker, or {}",
                                     rounded_up(before + added.charged.value()),
                                     source.terms.schedule
                                         ? "take less from the schedule, which gives out the whole budget by itself"
                                         : "let a schedule set their strength (`schedule: geometric(0.99)`)")));
    }
  }

  if (claim.allotter) {
    source.next_ordinal = std::max(source.next_ordinal, claim.first_ordinal + claim.count);
  }
  ++next_sequence_;
  remove(claim.site, claim.first_index, claim.end_index());
  source.spent.add(added.charged.value());
  if (claim.count > 0) {
    const SiteId site = claim.site;
    const std::uint64_t first = claim.first_index;
    entries_[site].emplace(first, std::move(added));
  }
  return Nats::of(source.terms.budget ? std::max(0.0, (*source.terms.budget).value() - source.spent.value())
                                      : std::numeric_limits<double>::infinity());
}

std::vector<const EvidenceLedger::Entry*> EvidenceLedger::overlapping(SiteId site, std::uint64_t begin,
                                                                      std::uint64_t end) const {
  std::vector<const Entry*> result;
  const auto found = entries_.find(site);
  if (found == entries_.end()) return result;
  auto at = found->second.upper_bound(begin);
  if (at != found->second.begin()) --at;
  for (; at != found->second.end() && at->first < end; ++at) {
    if (at->second.run.end_index() > begin) result.push_back(&at->second);
  }
  return result;
}

void EvidenceLedger::remove(SiteId site, std::uint64_t begin, std::uint64_t end) {
  Entries pieces;
  std::vector<std::uint64_t> gone;
  for (const Entry* old : overlapping(site, begin, end)) {
    CompensatedSum& spent = sources_[index(old->run.source)].spent;
    spent.add(-old->charged.value());
    for (ClaimRun& piece : without(old->run, begin, end)) {
      Entry kept = make_entry(std::move(piece), old->sequence);
      spent.add(kept.charged.value());
      pieces.emplace(kept.run.first_index, std::move(kept));
    }
    gone.push_back(old->run.first_index);
  }
  if (gone.empty()) return;
  Entries& entries = entries_[site];
  for (const std::uint64_t first : gone) entries.erase(first);
  entries.merge(pieces);
  if (entries.empty()) entries_.erase(site);
}

std::uint64_t EvidenceLedger::first_ordinal(SourceId source, std::uint64_t count, OrdinalRange held) const {
  const std::uint64_t next = sources_[index(source)].next_ordinal;
  const bool again = held.count > 0 && (count <= held.count || held.first + held.count >= next);
  return again ? held.first : next;
}

std::map<SourceId, OrdinalRange> EvidenceLedger::withdraw(std::span<const SiteId> sites) {
  std::map<SourceId, OrdinalRange> held;
  std::vector<bool> touched(sources_.size(), false);
  for (const SiteId site : sites) {
    std::erase_if(unaccounted_, [&](const UnaccountedRow& row) { return row.site == site; });
    const auto at = entries_.find(site);
    if (at == entries_.end()) continue;
    for (const auto& [first, e] : at->second) {
      touched[index(e.run.source)] = true;
      if (!e.run.allotter) continue;
      const auto [place, fresh] = held.try_emplace(e.run.source, OrdinalRange{e.run.first_ordinal, e.run.count});
      if (fresh) continue;
      OrdinalRange& r = place->second;
      const std::uint64_t end = std::max(r.first + r.count, e.run.first_ordinal + e.run.count);
      r.first = std::min(r.first, e.run.first_ordinal);
      r.count = end - r.first;
    }
    entries_.erase(at);
  }
  recount(touched);
  return held;
}

void EvidenceLedger::recount(const std::vector<bool>& sources) {
  if (std::none_of(sources.begin(), sources.end(), [](bool b) { return b; })) return;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i]) sources_[i].spent = {}, sources_[i].next_ordinal = 1;
  }
  for (const auto& [site, entries] : entries_) {
    for (const auto& [first, e] : entries) {
      if (!sources[index(e.run.source)]) continue;
      Source& source = sources_[index(e.run.source)];
      source.spent.add(e.charged.value());
      if (e.run.allotter) source.next_ordinal = std::max(source.next_ordinal, e.run.first_ordinal + e.run.count);
    }
  }
}

void EvidenceLedger::note_unaccounted(SiteId site, std::string what) {
  const auto same =
      std::find_if(unaccounted_.begin(), unaccounted_.end(), [&](const auto& row) { return row.site == site; });
  if (same != unaccounted_.end()) {
    same->what = std::move(what);
  } else {
    unaccounted_.push_back({site, std::move(what)});
  }
}

Result<void> EvidenceLedger::merge(const EvidenceLedger& other) {
  EvidenceLedger merged = *this;
  std::vector<SourceId> here;
  for (const Source& theirs : other.sources_) {
    const auto ours = merged.find_source(theirs.terms.name);
    if (ours) {
      const SourceTerms& known = merged.terms(*ours);
      if (!same_budget(known.budget, theirs.terms.budget) || known.declared != theirs.terms.declared) {
        return fail(diagnose<DiagnosticKind::duplicate_source>(theirs.terms.declared, theirs.terms.name)
                        .label(known.declared, "declared here")
                        .with_help("give one of the two another name: each source has its own budget"));
      }
      here.push_back(*ours);
    } else {
      Result<SourceId> added = merged.declare_source(theirs.terms);
      if (!added) return fail(std::move(added).error());
      here.push_back(*added);
    }
    Source& source = merged.sources_[index(here.back())];
    source.next_ordinal = std::max(source.next_ordinal, theirs.next_ordinal);
  }
  // Everything that is replaced goes first, so that no half-way sum can exceed a budget that the end result keeps.
  for (const ClaimRun* run : other.runs()) merged.remove(run->site, run->first_index, run->end_index());
  for (const ClaimRun* run : other.runs()) {
    ClaimRun copy = *run;
    copy.source = here[index(run->source)];
    Result<Nats> charged = merged.charge(std::move(copy), other.terms(run->source).declared);
    if (!charged) return fail(std::move(charged).error());
  }
  for (const UnaccountedRow& row : other.unaccounted_) merged.note_unaccounted(row.site, row.what);
  *this = std::move(merged);
  return {};
}

std::optional<Nats> EvidenceLedger::left(SourceId source) const {
  const auto budget = terms(source).budget;
  if (!budget) return std::nullopt;
  return std::max(Nats{}, *budget - spent(source));
}

Nats EvidenceLedger::total() const {
  CompensatedSum sum;
  for (const Source& s : sources_) sum.add(s.spent.value());
  return Nats::of(sum.value());
}

std::vector<SourceRow> EvidenceLedger::sources() const {
  std::vector<SourceRow> rows;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto id = static_cast<SourceId>(i);
    rows.push_back({id, sources_[i].terms.name, sources_[i].terms.budget, spent(id), left(id), 0, {}});
  }
  for (const auto& [site, entries] : entries_) {
    for (const auto& [first, e] : entries) {
      SourceRow& row = rows[index(e.run.source)];
      row.claims += e.run.count;
      row.largest = std::max(row.largest, e.largest);
    }
  }
  return rows;
}

std::vector<const EvidenceLedger::Entry*> EvidenceLedger::in_order() const {
  std::vector<const Entry*> all;
  for (const auto& [site, entries] : entries_) {
    for (const auto& [first, e] : entries) all.push_back(&e);
  }
  std::sort(all.begin(), all.end(), [](const Entry* a, const Entry* b) {
    return a->sequence != b->sequence ? a->sequence < b->sequence : a->run.first_index < b->run.first_index;
  });
  return all;
}

std::vector<Charge> EvidenceLedger::charges() const {
  std::vector<Charge> rows;
  for (const Entry* e : in_order()) {
    const ClaimRun& r = e->run;
    rows.push_back({r.source, r.site, r.first_index, r.count, r.allotter ? r.first_ordinal : 0, e->allotted, e->charged,
                    e->largest});
  }
  return rows;
}

std::vector<const ClaimRun*> EvidenceLedger::runs() const {
  std::vector<const ClaimRun*> all;
  for (const Entry* e : in_order()) all.push_back(&e->run);
  return all;
}

Certificate EvidenceLedger::certificate(SourceId source) const {
  return {terms(source).name, spent(source), terms(source).budget, {}, std::nullopt};
}

Certificate EvidenceLedger::certificate() const {
  std::optional<Nats> budget = Nats{};
  for (const Source& s : sources_) {
    if (!s.terms.budget) {
      budget.reset();
      break;
    }
    *budget += *s.terms.budget;
  }
  return {"all sources", total(), budget, {}, std::nullopt};
}

Nats net_price(std::span<const std::vector<double>> log_weights) {
  if (log_weights.empty()) return {};
  std::vector<double> sum(log_weights.front().size(), 0.0);
  for (const std::vector<double>& w : log_weights) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += w[i];
  }
  return oscillation(sum);
}

}  // namespace hearsay::evidence
