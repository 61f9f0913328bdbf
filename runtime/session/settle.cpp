// Before inference: who pays for what (theory sections 5 and 6), and reference densities. Jeffrey statements:
// jeffrey.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lang/evidence/schedule.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/large.h"
#include "lang/syntax/print.h"
#include "runtime/session/posterior.h"
#include "runtime/session/sources.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// The strengths of a run as the schedule and the claim's shares have them, into the row of all the claim's instances.
void allot_run(const Claim& c, const ClaimRun& run, const evidence::Allotter& allotter, std::uint64_t first_ordinal,
               std::vector<double>& nats) {
  const auto allot = [&](std::size_t first, std::span<double> out) {
    allotter.fill(first_ordinal + first, out);
    if (!c.share.empty())
      for (std::size_t i = 0; i < out.size(); ++i) out[i] *= c.share_of(run.first + first + i);
  };
  if (run.count == c.instances) {
    nats = filled<double>(run.count, allot);
    return;
  }
  if (nats.empty()) nats.assign(c.instances, 0.0);
  allot(0, std::span(nats).subspan(run.first, run.count));
}

template <class Strength>
evidence::ListedStrengths listed(std::size_t count, Strength&& strength) {
  std::vector<double> nats;
  nats.reserve(count);
  for (std::size_t i = 0; i < count; ++i) nats.push_back(strength(i));
  return {std::make_shared<const std::vector<double>>(std::move(nats)), 0};
}

}  // namespace

/// A claim is known by who makes it (`identity`: which inference of which statement) and by its place among the claims
/// of that inference, so that running the statement again, from wherever its text comes, makes the same claims again.
evidence::SiteId Posterior::site_id(const std::string& identity, ir::SiteId site, SiteIds& ids) {
  const auto ordinal = claim_ordinal_.try_emplace(site, claim_ordinal_.size() + 1).first->second;
  const auto next = static_cast<evidence::SiteId>(ids.size() + 1);
  return ids.try_emplace(fmt::format("{}{}{}", identity, kIdentityEnd, ordinal), next).first->second;
}

std::vector<evidence::SiteId> sites_of(const SiteIds& ids, const std::string& identity) {
  std::vector<evidence::SiteId> sites;
  const std::string prefix = identity + kIdentityEnd;
  for (auto at = ids.lower_bound(prefix); at != ids.end() && at->first.starts_with(prefix); ++at)
    sites.push_back(at->second);
  return sites;
}

/// Sources of a model or of a `given` belong to this posterior alone, as do claims without a source; those at the top
/// of a script are shared by all that charge them.
evidence::EvidenceLedger& Posterior::books(evidence::EvidenceLedger& shared, const std::string& name) {
  const bool own = name.empty() || lowerer_->local_sources.contains(name) || !shared.find_source(name);
  return own ? local_books_ : shared;
}

/// The source of this name in `ledger`, which learns of it if need be.
Result<evidence::SourceId> Posterior::source(evidence::EvidenceLedger& ledger, const evidence::EvidenceLedger& shared,
                                             const std::string& name) const {
  const std::string known_as = name.empty() ? kNoSource : name;
  if (const auto id = ledger.find_source(known_as)) return *id;
  if (const auto at = lowerer_->local_sources.find(name); at != lowerer_->local_sources.end()) {
    auto terms = source_terms(*at->second, *lowerer_);
    if (!terms) return fail(std::move(terms).error());
    return ledger.declare_source(*std::move(terms));
  }
  if (const auto id = shared.find_source(known_as)) return ledger.declare_source(shared.terms(*id));
  return ledger.declare_source({known_as, std::nullopt, std::nullopt, from_});
}

Result<void> Posterior::charge_source(evidence::EvidenceLedger& shared, const std::string& name, evidence::ClaimRun run,
                                      SourceSpan where) {
  for (evidence::EvidenceLedger* ledger : {&books(shared, name), &ledger_}) {
    auto id = source(*ledger, shared, name);
    if (!id) return fail(std::move(id).error());
    run.source = *id;
    if (auto left = ledger->charge(run, where); !left) return fail(std::move(left).error());
  }
  return {};
}

Result<void> Posterior::settle(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids) {
  try {
    evidence::EvidenceLedger books = shared;  // all or nothing
    claim_ordinal_.clear();
    // Claims made again replace themselves; what they cost before does not stand in their own way.
    held_ = books.withdraw(sites_of(site_ids, identity));
    if (auto r = allot(books, identity, site_ids); !r) return r;
    if (auto r = solve_references(); !r) return r;
    if (auto r = solve_jeffrey(books, identity, site_ids); !r) return r;
    for (const Unaccounted& u : lowerer_->unaccounted)
      ledger_.note_unaccounted(site_id(identity, u.site, site_ids), u.what);
    shared = std::move(books);
    return {};
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

Result<void> Posterior::prove(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids) {
  try {
    evidence::EvidenceLedger books = shared;
    claim_ordinal_.clear();
    held_ = books.withdraw(sites_of(site_ids, identity));
    if (auto r = allot(books, identity, site_ids); !r) return r;
    shared = std::move(books);
    return {};
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

Result<void> Posterior::allot(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids) {
  auto& claims = lowerer_->claims;
  // How many claims each source's schedule will be asked for, and what the strengths that statements say themselves
  // come to: `spread` scales these to the budget where they are all there is (theory section 6), and divides what they
  // leave among claims that state none.
  std::map<std::string, std::uint64_t> scheduled;
  std::map<std::string, double> own_strengths;
  for (const ClaimRun& run : lowerer_->runs) {
    const Claim& c = claims[run.claim];
    if (c.form == ast::StrengthForm::by_schedule)
      scheduled[c.source] += run.count;
    else
      for (std::size_t i = run.first; i < run.first + run.count; ++i) own_strengths[c.source] += c.charge_of(i);
  }
  // By claim: what its strengths become, where that is not what stands there already.
  std::vector<std::vector<double>> settled(claims.size());
  std::vector<evidence::SiteId> site(claims.size());
  for (std::size_t k = 0; k < claims.size(); ++k) {
    site[k] = site_id(identity, claims[k].site, site_ids);
  }
  std::map<std::string, std::shared_ptr<const evidence::Allotter>> allotters;
  std::map<std::string, double> proportion;
  std::map<std::string, std::uint64_t> next_ordinal;
  for (std::size_t k = 0; k < claims.size(); ++k) {
    const Claim& c = claims[k];
    evidence::EvidenceLedger& ledger = books(shared, c.source);
    auto id = source(ledger, shared, c.source);
    if (!id) return fail(std::move(id).error());
    const evidence::SourceTerms& terms = ledger.terms(*id);
    if (!terms.schedule || allotters.contains(c.source) || proportion.contains(c.source)) continue;
    evidence::Schedule schedule = *terms.schedule;
    std::optional<evidence::Nats> budget = terms.budget;
    const auto* spread = std::get_if<evidence::Spread>(&schedule);
    const bool counted = spread != nullptr && !spread->count;
    const bool divides = counted && scheduled[c.source] > 0;
    const bool scales = counted && !divides && own_strengths[c.source] > 0;
    // Another posterior's claims have shared all that there was: nothing honest is left to divide.
    if ((scales && !(ledger.left(*id)->value() > 0)) || (divides && ledger.first_ordinal(*id, scheduled[c.source]) > 1))
      return fail(diagnose<K::spread_without_count>(c.span)
                      .label(terms.declared, "shared with a posterior whose claims have divided the budget")
                      .with_help("say for how many claims the budget is, as in `spread(10)`, or give each posterior "
                                 "a source of its own, behind its `given`"));
    if (scales) proportion[c.source] = ledger.left(*id)->value() / own_strengths[c.source];
    if (scheduled[c.source] == 0) continue;
    if (counted) {
      schedule = evidence::Spread{scheduled[c.source]};
      budget = evidence::Nats::of(std::max(0.0, ledger.left(*id)->value() - own_strengths[c.source]));
    }
    auto allotter = evidence::Allotter::make(schedule, budget, c.span);
    if (!allotter) return fail(std::move(allotter).error());
    allotters[c.source] = std::make_shared<const evidence::Allotter>(*std::move(allotter));
    const auto held = &ledger == &shared ? held_.find(*id) : held_.end();
    next_ordinal[c.source] = counted
                                 ? 1
                                 : ledger.first_ordinal(*id, scheduled[c.source],
                                                        held == held_.end() ? evidence::OrdinalRange{} : held->second);
  }

  std::vector<std::size_t> row_of(claims.size(), ~std::size_t{0});
  for (const ClaimRun& run : lowerer_->runs) {
    Claim& c = claims[run.claim];
    evidence::EvidenceLedger& ledger = books(shared, c.source);
    auto id = source(ledger, shared, c.source);
    if (!id) return fail(std::move(id).error());
    evidence::ClaimRun charge;
    charge.site = site[run.claim];
    charge.first_index = run.first + 1;
    charge.count = run.count;
    if (c.form == ast::StrengthForm::by_schedule) {
      const auto& allotter = allotters.at(c.source);
      std::uint64_t& ordinal = next_ordinal[c.source];
      const evidence::SourceTerms& terms = ledger.terms(*id);
      const auto* spread = std::get_if<evidence::Spread>(&*terms.schedule);
      const std::uint64_t last = ordinal + run.count - 1;
      if (spread != nullptr && spread->count && last > *spread->count) {
        // A statement is charged whole or refused whole: claims that the schedule has no part for are not let by at 0.
        const auto n = static_cast<double>(*spread->count);
        const double part = terms.budget->value() / n, paid = n - std::min(n, static_cast<double>(ordinal - 1));
        return fail(diagnose<K::over_budget>(c.span, part * static_cast<double>(run.count), terms.name, part * paid,
                                             terms.budget->value())
                        .label(terms.declared, "the schedule is set here")
                        .with_help(fmt::format("it pays for {} claims, and this is number {}: write `spread({})`",
                                               *spread->count, last, last)));
      }
      allot_run(c, run, *allotter, ordinal, settled[run.claim]);
      charge.first_ordinal = ordinal;
      charge.allotter = allotter;
      ordinal += run.count;
      if (c.share.size() <= 1)
        charge.strengths = evidence::Allotments{c.share_of(0)};
      else
        charge.strengths = listed(run.count, [&](std::size_t i) { return settled[run.claim][run.first + i]; });
    } else {
      const double scale = proportion.contains(c.source) ? proportion[c.source] : 1.0;
      if (c.charge.size() == 1)
        charge.strengths = evidence::UniformStrength{evidence::Nats::of(c.charge[0] * scale)};
      else
        charge.strengths = listed(run.count, [&](std::size_t i) { return c.charge_of(run.first + i) * scale; });
      if (scale != 1.0) {
        std::vector<double>& nats = settled[run.claim];
        if (nats.empty()) nats = c.given;
        for (std::size_t i = run.first * c.cells; i < (run.first + run.count) * c.cells; ++i) nats[i] *= scale;
      }
    }
    if (auto r = charge_source(shared, c.source, charge, c.span); !r) return r;
    std::size_t& row = row_of[run.claim];
    if (row == ~std::size_t{0}) {
      row = rows_.size();
      rows_.push_back({c.source, c.span, 0, 0, lowerer_->module().sites[ir::raw(c.site)].what});
    }
    rows_[row].claims += run.count;
    rows_[row].charged += charge.charged().value();
  }
  for (std::size_t k = 0; k < claims.size(); ++k) {
    const Claim& c = claims[k];
    std::vector<double>& nats = settled[k];
    const bool skips = std::find(c.active.begin(), c.active.end(), false) != c.active.end();
    if (nats.empty() && (skips || c.given.empty())) {
      nats = c.given;
      nats.resize(c.instances * c.cells, 0.0);  // of a schedule that nothing was asked of
    }
    if (nats.empty()) continue;
    // Instances that were skipped stand at 0.
    if (skips)
      for (std::size_t i = 0; i < nats.size(); ++i)
        if (!c.active[i / c.cells]) nats[i] = 0;
    lowerer_->module().data[ir::raw(c.strengths)].reals = std::make_shared<const std::vector<double>>(std::move(nats));
  }
  return {};
}

/// r = log E_prior[p(y | θ)]: the log prior predictive of each observation alone.
Result<void> Posterior::solve_references() {
  for (const ReferenceTask& task : lowerer_->references) {
    ir::Module& m = lowerer_->module();
    std::vector<double> r;
    std::vector<std::int64_t> at;
    std::size_t n = 1;
    for (const ir::IndexId i : task.plate) {
      at.push_back(m.index(i).low);
      n *= static_cast<std::size_t>(m.index(i).extent());
    }
    for (std::size_t k = 0; k < n; ++k) {
      std::unordered_map<std::uint32_t, ExprId> fixed;
      for (std::size_t d = 0; d < at.size(); ++d)
        fixed.emplace(static_cast<std::uint32_t>(task.plate[d]), m.integer(at[d]));
      const ExprId likelihood = m.prim(Op::exp, {ir::substitute(m, task.logp, fixed)});
      Variant prior;
      prior.prior_only = true;
      auto p = expect(std::span(&likelihood, 1), prior);
      if (!p) return fail(std::move(p).error());
      if (!((*p)[0].value > 0)) return fail(diagnose<K::impossible_evidence>(from_));
      r.push_back(std::log((*p)[0].value));
      for (std::size_t d = at.size(); d-- > 0;) {
        if (++at[d] <= m.index(task.plate[d]).high) break;
        at[d] = m.index(task.plate[d]).low;
      }
    }
    m.data[ir::raw(task.reference)].reals = std::make_shared<const std::vector<double>>(std::move(r));
  }
  prepared_.clear();
  return {};
}

}  // namespace hearsay
