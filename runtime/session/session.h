// Executes scripts: what the command line, the REPL and embedding programs share. One session, one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/check/script.h"
#include "lang/evidence/ledger.h"
#include "lang/sema/environment.h"
#include "lang/sema/lowering.h"
#include "lang/support/diagnostic.h"
#include "lang/support/source.h"
#include "runtime/data/value.h"
#include "runtime/session/fidelity.h"
#include "runtime/session/posterior.h"
#include "runtime/session/settings.h"

namespace hearsay {

namespace rng {
class Stream;
}

/// One printed value.
struct Printed {
  std::string expression;  ///< as written
  Value value;
  std::string text;      ///< for people, without its accuracy
  std::string accuracy;  ///< "exact", "± 2e-12, quadrature", "drawn", "" for what is no number
  bool exact = false;
  bool drawn = false;  ///< made of draws: another seed would give another number
};

struct SessionOutput {
  std::function<void(const Printed&)> print;
  std::function<void(const Diagnostic&)> diagnostic;
  std::function<void(const std::string&)> note;  ///< reports of checks and the like
};

/// A model with its arguments bound: `read_bif` gives one; `M(J: 8)` names one.
struct ModelObject final : public Object {
  std::string name;
  ModelSource source;
  [[nodiscard]] std::string kind() const override { return "model"; }
};

/// A text that is printed as it is: ledger, summary, explanation.
struct TextObject final : public Object {
  std::string what, text;
  std::string json;                   ///< the same as a JSON value
  std::vector<data::Column> columns;  ///< the same as a table, where it is one
  [[nodiscard]] std::string kind() const override { return what; }
};

/// A certificate with what else is said about one source.
struct Certified {
  evidence::Certificate certificate;
  std::vector<std::string> over;  ///< the latents whose distribution the realised change is about
};
/// By how much claims may differ in what they do to two mapped events here and in the teacher (theory section 8).
struct MapBound {
  std::string map;
  std::optional<evidence::Nats> bound;
  std::string first, second;  ///< the two events
  double deltas[2] = {0, 0};  ///< their total variations
  std::int64_t tokens = 0;    ///< over strings of up to this many tokens
  std::string unknown;        ///< why there is no bound
};

class Session {
public:
  Session(Settings settings, SessionOutput output);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs a script. Errors are reported through `output.diagnostic` as they are found; one statement's error does not
  /// hide those of the next. Returns the number of errors.
  std::size_t run_file(const std::string& path);
  std::size_t run_text(const std::string& name, std::string text);
  /// Parses and checks without running: declarations, models without data, names.
  std::size_t check_file(const std::string& path);
  std::size_t check_text(const std::string& name, std::string text);

  /// Binds a name before a script runs (`--data`, `--set`), and the parameters of this name that models leave open.
  void define(const std::string& name, Value value);

  [[nodiscard]] SourceManager& sources() { return sources_; }
  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] std::size_t failed_expectations() const { return failed_expectations_; }
  [[nodiscard]] std::size_t expectations() const { return expectations_; }
  /// The lowered form of a model without arguments or with defaults bound by name, for listings.
  [[nodiscard]] Result<std::shared_ptr<ModelLowerer>> lower_model(const std::string& name);
  /// Collects what `explain` prints instead of answers.
  void set_explain(bool on) { explain_ = on; }

private:
  friend class Asking;
  struct Top;  ///< the lowerer of top-level expressions
  struct Asked {
    std::string text;
    ir::ExprId event{};
    std::optional<ir::ExprId> condition;
  };

  std::size_t load(FileId file, bool run);
  void statement(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& s);
  void import(const ast::ImportStmt& s, bool run);
  void check_statement(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& s);
  bool check_declaration(const ast::Stmt& s);
  void check_model(const ast::ModelDecl& m);
  void report(Diagnostic d);
  void print(const ast::Expr& e);
  void refuse_nan(const Sym& s, SourceSpan span) const;
  void expect(const ast::Expr& e);
  void export_to(const ast::ExportStmt& s, SourceSpan span);
  std::string slice(SourceSpan span) const;
  void begin_question();
  /// Warns, once, when the answer is less accurate than was asked for.
  void end_question(SourceSpan span);
  void begin_run();
  void prove_budgets(const ast::Stmt& s);
  void declare_source(const ast::SourceDecl& s, evidence::EvidenceLedger& books);
  void make_value(const ast::LetStmt& l, SourceSpan span);
  /// The name under which the next inference of the running statement claims.
  std::string claimant();
  /// The same for what a model claims by itself.
  static std::string prior_identity(const std::string& model, const std::vector<ast::Argument>& arguments);
  /// Takes back what the running statement claimed when it ran before and does not claim any more.
  void withdraw_stale();

  // asking: ask.cpp
  std::optional<Sym> ask(const ast::Expr& e, Lowerer& lowerer);
  Sym ask_probability(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym ask_moment(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym ask_marginal(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym marginals(const Posterior& p, const Sym& x, std::optional<ir::ExprId> condition, SourceSpan span);
  Sym ask_draws(const ast::Call& call, SourceSpan span, Lowerer& at);
  std::shared_ptr<const Posterior> posterior(const ast::Expr& e, Lowerer& at);
  std::shared_ptr<const Posterior> first_posterior(const ast::Call& call, SourceSpan span, Lowerer& at);
  std::shared_ptr<const Posterior> prior_of(const std::string& model, SourceSpan span);
  std::shared_ptr<const Posterior> settled_prior(const std::string& model, const std::vector<ast::Argument>& arguments,
                                                 SourceSpan span, Lowerer& at);
  /// The number, after its error was noted as one of the answer's.
  double noted(const Estimate& e);
  void note_errors(const Posterior::Distribution& d);
  Sym estimate(const Estimate& e);
  std::optional<ir::ExprId> condition(const ast::Call& call, const Posterior& p, Lowerer& at);
  ir::ExprId event(const ast::Expr& e, const Posterior& p, Lowerer& at);
  /// An element of an array (row-major, from 0) and its indices.
  static ir::ExprId element_at(ModelLowerer& model, const Sym& array, std::size_t flat, std::vector<std::int64_t>& at);
  void record(const std::shared_ptr<const Posterior>& p, Asked asked);
  std::vector<double> string_probabilities(const Posterior& p, std::int64_t first, std::int64_t length, double& error);
  std::int64_t option(const ast::Call& call, std::string_view name, std::int64_t otherwise, Lowerer& at);

  // inference and teaching: teaching.cpp
  Sym infer(const ast::Infer& i, SourceSpan span, Lowerer& at);
  Sym teach(const ast::Teach& t, SourceSpan span, Lowerer& at);
  /// What can be wrong with the clauses of a `teach` before anything is drawn.
  void check_lesson(const ast::Teach& t, SourceSpan span) const;
  /// Where the parts of an expanded text come from: each from its offset up to the next.
  using Origins = std::vector<std::pair<std::uint32_t, SourceSpan>>;
  /// `read`: so many tokens are read by other evidence.
  std::string expansion(const ast::Teach& t, std::uint64_t labels, std::int64_t read, const std::string& source,
                        Origins& origins) const;
  /// The tokens of the student that its own evidence and what stands behind `given` read.
  std::int64_t tokens_read(const ast::Teach& t, Lowerer& at);
  /// What stands in the script for a place in the text that a `teach` is short for.
  [[nodiscard]] SourceSpan in_script(SourceSpan span) const;
  [[nodiscard]] std::uint32_t line_of(SourceSpan span) const;
  Sym draw(const ast::Call& call, SourceSpan span, Lowerer& at);
  std::shared_ptr<ModelLowerer> model_lowerer(const std::string& name, const std::vector<ast::Argument>& arguments,
                                              SourceSpan span, Lowerer& at);
  Sym draw_quantity(const Posterior& p, const Sym& x, std::optional<ir::ExprId> condition, std::int64_t n,
                    rng::Stream& stream, SourceSpan span);
  std::vector<double> token_probabilities(const Posterior& p);
  std::vector<std::int64_t> draw_stream(const Posterior& p, std::int64_t n, rng::Stream& stream, SourceSpan span);
  void engine(const ast::Expr& e, Settings& settings);
  void nuts_options(const ast::Call& call, nuts::Settings& nuts);
  void report_doubts(const Posterior& p, SourceSpan span);
  /// explain.cpp: how a posterior is worked out, and what it was charged.
  std::string explanation(const std::string& model, const Posterior& p);
  std::string budget_text(const Posterior& p);

  // data: data.cpp
  std::optional<Sym> read_data(const ast::Call& call, SourceSpan span, Lowerer& at);

  // maps and measures: fidelity.cpp, maps.cpp, measures.cpp
  void check_map(const ast::CheckStmt& s, SourceSpan span);
  std::string homomorphism(const ast::MapDecl& map, const MapFidelity& f, bool& disjoint, SourceSpan span);
  /// Compares both sides of a map on strings of up to n tokens, or of blocks where the alphabets differ.
  MapFidelity fidelity(const ast::MapDecl& map, std::int64_t n, SourceSpan span);
  SharedTokens shared_tokens(const Posterior& a, const Posterior& b, SourceSpan span) const;
  /// string_probabilities() in terms of what is shared; `over` is the side of `p`.
  std::vector<double> shared_strings(const Posterior& p, const SharedTokens& shared, const Algebra::Over* over,
                                     std::int64_t first, std::int64_t length, double& error);
  std::shared_ptr<const Posterior> conditioned(const std::string& model, const ast::Expr& event, SourceSpan span);
  std::optional<Sym> measure(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym mimicry(const ast::Call& call, SourceSpan span, Lowerer& at);
  Estimate misfit_of(const Posterior& a, const Posterior& b, SourceSpan span);
  Sym misfit(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym gap_recovered(const ast::Call& call, SourceSpan span, Lowerer& at);
  Sym influence(const ast::Call& call, SourceSpan span, Lowerer& at);

  // listings: ledger.cpp, certificate.cpp, listing.cpp
  static Sym text_object(std::string what, std::string text, std::string json, std::vector<data::Column> columns = {});
  Sym ledger(const std::shared_ptr<const Posterior>& p);
  /// What one source's charges (or all) guarantee, and what they did: by comparison with the posterior without them.
  Certified certify(const std::shared_ptr<const Posterior>& p, evidence::Certificate certificate,
                    const Variant& without);
  std::string disturbed(const Posterior& p, nlohmann::ordered_json& json);
  MapBound map_bound(const Posterior& p, const std::string& map, evidence::Nats charged);
  Sym summary(const Posterior& p);

  Settings settings_;
  SessionOutput output_;
  SourceManager sources_;
  Environment environment_;
  evidence::EvidenceLedger shared_ledger_;
  evidence::EvidenceLedger proofs_;  ///< the same while a script is only checked
  SiteIds site_ids_;
  std::vector<std::shared_ptr<const ast::Script>> scripts_;
  std::map<std::string, bool> imported_;
  std::map<FileId, Origins> expansions_;  ///< by text: what `teach` is short for
  std::set<std::string> defined_;         ///< names bound by `define`, until a script binds them anew
  std::map<std::string, std::shared_ptr<const Posterior>> priors_;
  std::map<std::shared_ptr<const Posterior>, std::vector<Asked>> asked_;  ///< what certificates speak of
  std::unique_ptr<Top> top_;
  check::ScriptChecker checker_{environment_};
  std::set<std::string> reported_;  ///< what was said, and where
  std::string folder_;              ///< of the running script, for relative paths
  std::string target_;              ///< the name that a `let` is defining
  std::string statement_;           ///< who claims: `let NAME`, or the text of any other statement
  std::size_t inferences_ = 0;      ///< how many inferences the running statement has made: the k-th claims as the k-th
  std::size_t run_ = 0;             ///< number of the running text: a REPL's lines are runs of their own
  std::map<std::string, std::size_t> declared_;  ///< in which run a source was declared
  std::map<std::string, MapFidelity> fidelity_;  ///< by map: what was last found, without the strings
  std::size_t errors_ = 0;
  std::size_t errors_before_ = 0;  ///< when the running text began
  std::size_t failed_before_ = 0;  ///< expectations, likewise
  std::size_t expectations_ = 0, failed_expectations_ = 0;
  bool explain_ = false;
  bool checking_ = false;    ///< nothing may be inferred: questions have no answers
  std::uint64_t draws_ = 0;  ///< how many times `draw` was called: each call has a stream of its own
  // accuracy of what is being evaluated
  double error_ = 0;
  bool converged_ = true;
  std::string engine_;
  bool drawn_ = false;  ///< it reads draws, so that the accuracy of what was done with them says little
  struct Accuracy {
    double error = 0;
    std::string engine;  ///< empty: no answer, a number of the script
    bool drawn = false;
  };
  std::map<std::string, Accuracy> accuracy_;  ///< of answers that were given a name
};

}  // namespace hearsay
