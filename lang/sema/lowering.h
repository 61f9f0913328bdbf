// A model with its data, and the evidence stated about it, lowered to the density IR. What stands in a posterior.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lang/ir/ir.h"
#include "lang/sema/environment.h"
#include "lang/sema/lowerer.h"
#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// One `soft observe` statement: as many claims as its loops make instances (flat index: row-major over the loops).
struct Claim {
  ir::SiteId site{};
  std::uint32_t order = 0;
  SourceSpan span;
  std::string source;  ///< empty: nobody is charged
  SourceSpan source_span;
  ast::StrengthForm form{};
  std::size_t instances = 1;
  ir::DataId strengths{};  ///< signed nats per instance (event forms); log-weights per instance and cell (likelihoods)
  std::size_t cells = 1;   ///< numbers per instance in `strengths`
  std::vector<double>
      given;  ///< what the statement itself says, same layout as `strengths`; empty: the schedule decides
  std::vector<double> charge;  ///< given strengths as charges (nats >= 0): one for all or one per instance; empty: the
                               ///< schedule decides
  std::vector<double> share;   ///< one for all or one per instance; empty: 1
  std::vector<bool> active;    ///< per instance; empty: all

  [[nodiscard]] double charge_of(std::size_t i) const { return charge.size() == 1 ? charge[0] : charge[i]; }
  [[nodiscard]] double share_of(std::size_t i) const {
    return share.empty() ? 1 : share.size() == 1 ? share[0] : share[i];
  }
};
/// `count` instances of a claim from `first` on, in a row.
struct ClaimRun {
  std::uint32_t claim = 0;
  std::size_t first = 0;
  std::size_t count = 1;
};
/// Jeffrey's rule: one target, or several at once (`jointly`). Its log-weights are found by inference on what stands
/// before.
struct JeffreyTask {
  struct Target {
    /// Events, a partition; or, for an outcome that was not drawn, probabilities given the latents that sum to 1.
    std::vector<ir::ExprId> cells;
    std::vector<double> probabilities;
    ir::DataId weights{};  ///< log-weight per cell
    SourceSpan span;
  };
  ir::SiteId site{};
  std::uint32_t order = 0;
  SourceSpan span;
  std::string source;
  std::vector<Target> targets;
  std::vector<ir::ExprId> conditions;  ///< of the `if`s around it: what is asked for is the probability given these
};
/// The reference of `weight w within s`: the log prior predictive of an observation, found by inference on the prior.
struct ReferenceTask {
  ir::DataId reference{};
  std::vector<ir::IndexId> plate;
  ir::ExprId logp{};
};
/// Evidence that no source answers for: `factor`, power weights without a bound.
struct Unaccounted {
  ir::SiteId site{};
  SourceSpan span;
  std::string what;
};

struct StreamInfo {
  bool present = false;
  AlphabetPtr alphabet;
  ir::LatentId emit{};
  bool independent = true;            ///< tokens are independent given the latents
  std::vector<ir::IndexId> indices;   ///< bound variables that run over the stream
  std::vector<ir::LatentId> latents;  ///< emit and hidden streams
};

class ModelLowerer final : public Lowerer {
public:
  ModelLowerer(const Environment& environment, std::string model_name, const ModelSource& source);

  /// Arguments by name or position; what is missing is looked for in `defaults` (data files).
  void bind(const std::vector<std::pair<std::optional<std::string>, Value>>& arguments, SourceSpan span);
  /// With a sink, a statement that fails is reported and the next one is tried; without one the first failure is
  /// thrown.
  void lower_body(DiagnosticSink* sink = nullptr);
  /// Evidence: statements behind `given`. May be called several times. `outer` resolves names of the asking scope.
  void lower_given(const ast::Block& block, const Lowerer* outer, DiagnosticSink* sink = nullptr);
  /// Strengths that a schedule is to set stand at 0, for a module that is looked at but asked nothing.
  void leave_unscheduled();
  /// Sets the horizon, checks index bounds, works out the order of claims. Call once after all evidence.
  void finish();
  /// An expression about the model's latents and tokens; tokens it mentions may lie beyond the horizon.
  Sym query(const ast::Expr& e, const Lowerer* outer);
  /// A stream as a whole is as long as the evidence reaches.
  [[nodiscard]] Sym up_to_evidence(Sym s) const;

  [[nodiscard]] std::int64_t horizon_of(std::span<const ir::ExprId> roots);
  [[nodiscard]] std::int64_t evidence_horizon() const { return evidence_horizon_; }
  /// A copy of the module whose streams reach to `horizon`.
  [[nodiscard]] ir::Module module_with_horizon(std::int64_t horizon) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ast::ModelDecl& decl() const { return *decl_; }

  std::vector<Claim> claims;
  std::vector<ClaimRun> runs;  ///< execution order
  std::vector<JeffreyTask> jeffrey;
  std::vector<ReferenceTask> references;
  std::vector<Unaccounted> unaccounted;
  std::map<std::string, std::shared_ptr<const ast::SourceDecl>> local_sources;
  /// By source ("" for none): the event maps that its claims came through.
  std::map<std::string, std::set<std::string>> maps_used;
  StreamInfo stream;
  std::vector<std::string> latent_names;  ///< in order of declaration, without `emit`

protected:
  std::optional<Sym> special_name(const std::string& name, SourceSpan span) override;
  std::optional<Sym> special_call(const ast::Expr& e, const ast::Call& call) override;
  void local_alphabets(std::vector<AlphabetPtr>& out) const override;
  bool symbolic_context() const override { return true; }

private:
  struct OrderNode {
    std::int64_t extent = 0;  ///< a loop; 0: a claim
    std::uint32_t claim = 0;
    std::vector<OrderNode> children;
  };

  void block(const ast::Block& b, bool in_given);
  void statement(const ast::Stmt& s, bool in_given);
  struct Loop {
    ir::IndexId index;
  };
  /// The dimensions of a latent.
  struct Plate {
    std::vector<std::int64_t> shape;
    std::vector<Loop> loops;
    bool is_stream = false;
    bool may_read_itself = false;
    std::optional<SourceSpan> offset_from;  ///< where an index starts elsewhere than at 1
  };
  Plate plate(const ast::SampleStmt& s);
  Support support_before(const ast::SampleStmt& s, const Plate& p);
  static Support own_scale(Support s);
  ir::ExprId place_between(const DistInstance& d, const std::string& name, const Plate& p);
  static void put_in_order(Support& values, model::Constraint order, const Plate& p, SourceSpan span);
  void sample(const ast::SampleStmt& s, SourceSpan span);
  void check_emission(const DistInstance& d, const Alphabet& alphabet);
  void emit(const ast::EmitStmt& s, SourceSpan span);
  void observe(const ast::ObserveStmt& s, SourceSpan span);
  std::vector<std::int64_t> plate_of_outcomes(const DistInstance& d, std::span<const std::int64_t> y,
                                              const std::vector<std::int64_t>& lifted, SourceSpan span);
  void soft_observe(const ast::SoftObserveStmt& s, SourceSpan span);
  // its parts: soft.cpp
  /// What a soft observation weighs: an event by its truth or by its probability, the cells of a partition, or a log
  /// likelihood.
  struct Weighed {
    std::optional<ir::ExprId> event, probability, logp;
    std::optional<Sym> partition;
    std::optional<DistInstance> dist;
    Sym y;                            ///< the outcome
    std::vector<std::int64_t> inner;  ///< the shape over which the statement itself runs
  };
  void check_form(const ast::SoftObserveStmt& s, SourceSpan span);
  std::vector<ir::ExprId> over_elements(const std::vector<std::int64_t>& shape);
  Weighed weighed_value(const ast::SoftObserveStmt& s);
  Weighed weighed_outcome(const ast::SoftObserveStmt& s, SourceSpan span, ir::SiteId site);
  void jeffrey_observe(const ast::SoftObserveStmt& s, SourceSpan span, ir::SiteId site);
  ir::ExprId event_factor(const ast::SoftObserveStmt& s, const Weighed& w, Claim& claim,
                          std::span<const ir::ExprId> row);
  ir::ExprId partition_factor(const ast::SoftObserveStmt& s, const Sym& x, Claim& claim,
                              std::span<const ir::ExprId> row);
  ir::ExprId likelihood_factor(const ast::SoftObserveStmt& s, const Weighed& w, Claim& claim,
                               std::span<const ir::ExprId> row);
  ir::ExprId power_factor(ir::ExprId log_likelihood, ir::ExprId weight);
  ir::ExprId bounded_factor(const ast::SoftObserveStmt& s, ir::ExprId log_likelihood, ir::ExprId weight, Claim& claim,
                            std::span<const ir::ExprId> row);
  ir::ExprId robust_factor(const ast::SoftObserveStmt& s, const Weighed& w, const std::vector<double>& weights,
                           Claim& claim, std::span<const ir::ExprId> row);
  /// The values among which `x` chooses, as labels: its own, `false` and `true`, or whole numbers where they are few.
  struct Cells {
    AlphabetPtr labels;
    std::vector<std::int64_t> values;  ///< what stands for each label in the IR
  };
  std::optional<Cells> cells_of(const Sym& x);
  /// The place of `x` among its cells, from 1.
  ir::ExprId cell_of(const Sym& x, const Cells& cells);
  /// Where an instance stands in `instance_data`: 1-based, one per loop.
  std::vector<ir::ExprId> positions();
  void jointly(const ast::JointlyStmt& s, SourceSpan span);
  void loop(const ast::ForStmt& s, bool in_given);
  void unroll(const ast::ForStmt& s, std::int64_t low, std::int64_t size, bool in_given);
  [[nodiscard]] bool inner_bounds_vary(const ast::Block& b);
  void let(const ast::LetStmt& s);
  Sym latent_symbol(ir::LatentId id, const Support& support, std::vector<std::int64_t> shape);
  void define_latent(const std::string& name, const std::vector<std::int64_t>& shape, const Support& support,
                     ir::SiteId site, bool token, bool stream_latent);
  /// Adds a term over the present loops, under the present conditions.
  void add_term(ir::TermKind kind, ir::SiteId site, ir::ExprId body, ir::SourceId source = ir::SourceId::none);
  void add_prior(ir::SiteId site, ir::ExprId logp, const std::string& latent, std::span<const ir::ExprId> index);
  ir::SiteId site(SourceSpan span, std::string what);
  /// Values of a data-only scalar over the present loops.
  std::vector<double> per_instance(const Sym& s, SourceSpan span, std::string_view what);
  /// The same, but a single number where it is the same for all.
  std::vector<double> one_or_per_instance(const Sym& s, SourceSpan span, std::string_view what);
  std::vector<bool> active_instances();
  ir::DataId instance_data(const std::string& name, std::vector<double> values, std::int64_t cells);
  ir::ExprId counted_from(std::int64_t low, ir::IndexId i);
  std::vector<ir::ExprId> loop_values(std::size_t from = 0);
  std::size_t instance_count() const;
  JeffreyTask::Target jeffrey_outcome(ir::ExprId probability, const ast::Expr& value, ir::SiteId site);
  void add_jeffrey_weights(JeffreyTask::Target& t);
  JeffreyTask::Target jeffrey_target(const ast::Expr& subject, const ast::Expr& value, ir::SiteId site);
  void charge_order(std::uint32_t claim, const std::vector<std::int64_t>& inner);
  void flatten(const OrderNode& node, std::size_t prefix, std::vector<ClaimRun>& out) const;
  const ast::SourceDecl* find_source(const ast::Name& name);
  bool source_has_budget(const ast::Name& name);

  std::string name_;
  std::shared_ptr<const ast::ModelDecl> decl_;
  std::map<std::string, Value> model_data_;
  std::set<std::string> mapped_;  ///< maps whose events the present statement reads
  std::vector<Loop> loops_;
  std::set<std::string> charged_sources_;  // names that claims so far are charged to
  std::vector<ir::ExprId> conditions_;
  std::vector<AlphabetPtr> alphabets_;
  std::vector<OrderNode*> order_path_;
  OrderNode order_root_;
  std::uint32_t order_ = 0;
  DiagnosticSink* sink_ = nullptr;
  std::int64_t evidence_horizon_ = 0;
  const Lowerer* outer_ = nullptr;
};

/// Largest index that a stream can have before its horizon is known.
inline constexpr std::int64_t unbounded_stream = std::int64_t{1} << 40;

}  // namespace hearsay
