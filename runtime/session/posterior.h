// A posterior: a model, its evidence, its ledger, and the answers to what is asked of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/evidence/ledger.h"
#include "lang/sema/lowering.h"
#include "runtime/session/prepared.h"
#include "runtime/session/settings.h"

namespace hearsay {

/// Who claims what, by name: "identity, end mark, number of the claim statement".
using SiteIds = std::map<std::string, evidence::SiteId>;
inline constexpr char kIdentityEnd = '\x1f';
/// All claims ever made under one identity.
[[nodiscard]] std::vector<evidence::SiteId> sites_of(const SiteIds& ids, const std::string& identity);

/// Which part of the evidence counts: everything, or without soft evidence (all of it, what was charged, or one
/// source's). Claims that stay weigh what they were settled to weigh, Jeffrey's too.
struct Variant {
  bool without_soft = false;
  bool without_charged = false;               ///< unaccounted evidence stays
  std::optional<std::string> without_source;  ///< "": claims that name no source
  bool prior_only = false;
  std::uint32_t before = ~0U;  ///< only statements with a smaller order
  auto operator<=>(const Variant&) const = default;
};

/// What one claim statement was charged, for listings.
struct ClaimRow {
  std::string source;
  SourceSpan span;
  std::size_t claims = 0;
  double charged = 0;  ///< nats
  std::string what;
};
/// How ledgers call the source of claims that name none.
inline constexpr const char* kNoSource = "(no source)";

class Posterior final : public Object {
public:
  Posterior(std::shared_ptr<ModelLowerer> lowerer, const Settings& settings, SourceSpan from);
  [[nodiscard]] std::string kind() const override { return "posterior"; }

  /// Allots strengths, charges `shared` (which has the shared sources), and solves what must be solved before
  /// inference: reference densities and Jeffrey statements, in order. On failure `shared` is unchanged. `identity` says
  /// who claims: what was claimed under it before is replaced.
  [[nodiscard]] Result<void> settle(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids);

  /// The same for what is known before any inference: whether the counted claims fit the budgets of their sources.
  [[nodiscard]] Result<void> prove(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids);

  // ---- asking (all by expectation of quantities under the posterior)
  /// E[q] for scalar expressions; reals, integers or booleans.
  [[nodiscard]] Result<std::vector<Estimate>> expect(std::span<const ir::ExprId> quantities,
                                                     const Variant& variant = {}) const;
  /// The same, each quantity by itself: many that read little are cheap, and a long sum is no large question.
  [[nodiscard]] Result<std::vector<Estimate>> expect_each(std::span<const ir::ExprId> quantities) const;
  /// P(event | condition): `condition` may be absent.
  [[nodiscard]] Result<Estimate> probability(ir::ExprId event, std::optional<ir::ExprId> condition,
                                             const Variant& variant = {}) const;
  /// E[quantity | condition]. The error is that of the quotient: what the condition adds to numerator and denominator
  /// alike does not count twice.
  [[nodiscard]] Result<Estimate> conditional_mean(ir::ExprId quantity, ir::ExprId condition,
                                                  const Variant& variant = {}) const;
  /// The draws, where the posterior is sampled (made when first asked for); null where it is not.
  [[nodiscard]] Result<std::shared_ptr<const Sampled>> draws(const Variant& variant = {}) const;
  /// The values of quantities at every draw, [quantity][row]; only where the posterior is sampled.
  [[nodiscard]] Result<std::vector<std::vector<double>>> series(std::span<const ir::ExprId> quantities,
                                                                const Variant& variant = {}) const;
  /// Does what any answer needs: finds out whether the evidence is possible, draws where there is sampling.
  [[nodiscard]] Result<void> settle_inference() const;
  /// P(event | condition) and P(not event | condition), each with digits of its own.
  struct Odds {
    Estimate event, complement;
  };
  [[nodiscard]] Result<Odds> odds(ir::ExprId event, std::optional<ir::ExprId> condition,
                                  const Variant& variant = {}) const;
  /// What the evidence that `without` leaves out did to the distribution of the latents, and of which; nothing where
  /// that would take a table that is too large. change.cpp
  struct Change {
    evidence::RealisedChange realised;
    std::vector<std::string> over;
  };
  [[nodiscard]] Result<std::optional<Change>> change(const Variant& without) const;
  /// What the claims of a source ("" for none) can move together, in any order and whatever else is known: a retraction
  /// is set off against its claim. Nothing where they are about continuous latents, or are very many. net_price.cpp
  [[nodiscard]] std::optional<evidence::Nats> net_price(const std::string& source) const;
  /// Log marginal likelihood of the evidence, nats.
  [[nodiscard]] Result<Estimate> log_evidence(const Variant& variant = {}) const;
  /// The distribution of a scalar quantity: its values with their probabilities, ascending. Continuous ones by their
  /// atoms.
  struct Distribution {
    std::vector<double> value, probability;
    std::vector<double> error;  ///< of each probability
    bool converged = true;
    bool finite = true;  ///< otherwise atoms of a quadrature, whose probabilities have no errors of their own
  };
  [[nodiscard]] Result<Distribution> distribution(ir::ExprId quantity, std::optional<ir::ExprId> condition) const;
  [[nodiscard]] Result<Estimate> quantile(ir::ExprId quantity, double p, std::optional<ir::ExprId> condition) const;

  [[nodiscard]] ModelLowerer& lowerer() const { return *lowerer_; }
  [[nodiscard]] const evidence::EvidenceLedger& ledger() const { return ledger_; }
  [[nodiscard]] const std::vector<ClaimRow>& rows() const { return rows_; }
  [[nodiscard]] Result<std::shared_ptr<Prepared>> prepared(const Variant& variant = {}, const pass::Kept& kept = {},
                                                           std::int64_t horizon = 0) const;
  /// The module as it is before the passes.
  [[nodiscard]] ir::Module lowered() const { return filtered({}, lowerer_->evidence_horizon()); }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] SourceSpan from() const { return from_; }
  [[nodiscard]] bool has_claims() const { return !rows_.empty(); }
  /// Finite elements that expressions read.
  [[nodiscard]] std::vector<FiniteElement> scope(std::span<const ir::ExprId> quantities,
                                                 const ir::Module& module) const;
  /// Who is charged for a statement: "" for claims without a source, nothing for what nobody answers for.
  [[nodiscard]] std::optional<std::string> source_of(ir::SiteId site) const;

private:
  struct Question;
  /// The value of an expression at one state.
  using ValueHere = std::function<double(ir::ExprId)>;
  /// What one state of probability `weight` adds to the answers.
  using Tally = std::function<void(const ValueHere& value, double weight, std::span<double> out)>;
  [[nodiscard]] static Tally weighted_sums(std::span<const ir::ExprId> quantities);
  /// `count` sums over the states, tallied from the values of the expressions in `read`.
  Result<std::vector<Estimate>> expect(std::span<const ir::ExprId> read, std::size_t count, const Tally& tally,
                                       const Variant& variant) const;
  std::optional<Result<std::vector<Estimate>>> expect_by_marginals(std::span<const ir::ExprId> quantities) const;
  Result<std::unique_ptr<Question>> question(std::span<const ir::ExprId> read, const Tally& tally,
                                             const Variant& variant) const;
  /// What the atoms say: where there is a continuous latent, without errors, and not to be trusted under a condition.
  Result<Distribution> by_atoms(ir::ExprId quantity, std::optional<ir::ExprId> condition) const;
  Result<void> refine(Distribution& d, ir::ExprId quantity, std::optional<ir::ExprId> condition) const;
  Result<Estimate> quantile_of_draws(ir::ExprId quantity, double p, std::optional<ir::ExprId> condition,
                                     const Sampled& sampled) const;
  Result<Estimate> unanimous(Estimate e, ir::ExprId event, double share, const Variant& variant) const;
  Result<void> allot(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids);
  Result<void> solve_references();
  /// Charges the source of this name, in its books and in this posterior's own ledger. `run` need not name it.
  Result<void> charge_source(evidence::EvidenceLedger& shared, const std::string& name, evidence::ClaimRun run,
                             SourceSpan where);
  // jeffrey.cpp
  Result<std::vector<double>> cell_probabilities(const JeffreyTask& task) const;
  Result<void> solve_jeffrey(evidence::EvidenceLedger& shared, const std::string& identity, SiteIds& site_ids);
  evidence::EvidenceLedger& books(evidence::EvidenceLedger& shared, const std::string& name);
  Result<evidence::SourceId> source(evidence::EvidenceLedger& ledger, const evidence::EvidenceLedger& shared,
                                    const std::string& name) const;
  std::vector<double> breakpoints(std::span<const ir::ExprId> quantities, const ir::Module& module,
                                  Prepared& prepared) const;
  ir::Module filtered(const Variant& variant, std::int64_t horizon) const;
  evidence::SiteId site_id(const std::string& identity, ir::SiteId site, SiteIds& ids);

  std::shared_ptr<ModelLowerer> lowerer_;
  Settings settings_;
  SourceSpan from_;
  evidence::EvidenceLedger ledger_;       ///< everything that this posterior was charged for
  evidence::EvidenceLedger local_books_;  ///< sources that no other posterior can charge
  std::vector<ClaimRow> rows_;
  std::map<std::uint32_t, std::string> site_source_;
  std::map<ir::SiteId, std::size_t> claim_ordinal_;  ///< by site: which claim statement of this posterior it is
  std::map<evidence::SourceId, evidence::OrdinalRange> held_;  ///< what the claims that these replace had been given
  mutable std::map<std::string, std::shared_ptr<Prepared>> prepared_;
};

}  // namespace hearsay
