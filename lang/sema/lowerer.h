// The engine room of lowering: evaluates syntax trees to symbolic arrays. What is known is computed at once, the rest
// becomes IR. Internal to lang/sema: lowering.h is what others use.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/ir/ir.h"
#include "lang/sema/environment.h"
#include "lang/sema/sym.h"
#include "lang/support/diagnostic.h"
#include "lang/support/not_yet.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// Thrown inside lang/sema only; its public functions turn it into a Result.
struct Failure {
  Diagnostic diagnostic;
  bool silent = false;  ///< a consequence of something that was reported already
};

template <DiagnosticKind Kind, class... Args>
[[noreturn]] void raise(SourceSpan span, Args&&... args) {
  throw Failure{diagnose<Kind>(span, std::forward<Args>(args)...)};
}
template <DiagnosticKind Kind, class... Args>
[[noreturn]] void raise_help(SourceSpan span, std::string help, Args&&... args) {
  throw Failure{diagnose<Kind>(span, std::forward<Args>(args)...).with_help(std::move(help))};
}

/// Part of the language, but not of this version (lang/support/not_yet.def).
[[noreturn]] inline void raise_not_yet(SourceSpan span, NotYet what, std::string_view detail = "") {
  throw Failure{not_yet(span, what, detail)};
}

/// The values a finite latent or an outcome can take, or the interval of a real one.
struct Support {
  enum class Kind : std::uint8_t { boolean, integers, labels, elements, reals, whole_type };
  Kind kind = Kind::reals;
  std::int64_t low = 0, high = 0;  ///< integers
  bool unbounded = false;          ///< integers without an end: `low` or `high` is the last number of its type
  AlphabetPtr labels;
  ArrayValue elements;
  double real_low = 0, real_high = 0;
  model::Constraint constraint = model::Constraint::interval;
  std::vector<std::int64_t> value_shape;  ///< of one value; empty: a single number
  bool moving = false;                    ///< reals: an end depends on other continuous latents

  [[nodiscard]] bool finite() const {
    return kind != Kind::reals && kind != Kind::whole_type && !unbounded && value_shape.empty();
  }
  [[nodiscard]] std::int64_t cardinality() const;
};

/// A distribution with its arguments: a declaration applied, or a choice between two.
struct DistInstance {
  SourceSpan span;
  std::shared_ptr<const ast::DistDecl> decl;
  std::vector<Sym>
      arguments;  ///< by parameter; an argument with extra leading dimensions is *lifted* (one distribution each)
  std::vector<SourceSpan> argument_spans;
  std::optional<Sym> condition;
  std::shared_ptr<const DistInstance> then_dist, else_dist;
  AlphabetPtr keys;                   ///< outcome labels that the arguments name
  std::vector<SourceSpan> key_spans;  ///< where they are written; empty: not one by one
  /// Where this key stands, or the distribution if that is not known.
  [[nodiscard]] SourceSpan key_span(const std::string& key) const;
  /// Where it is restricted to: an interval, or a set of known values, all different.
  struct Cut {
    Sym low, high;
    bool low_open = false, high_open = false;
    bool is_set = false;
    std::vector<Sym> set;
    SourceSpan span;
  };
  std::optional<Cut> cut;
};

/// Random numbers by name: uniform on (0, 1), normal, exponential, gamma (unit rate, the shape is the argument),
/// poisson (the rate), von_mises (the concentration).
using Randomness = std::function<double(std::string_view name, double argument)>;

/// The most elements that an array may have.
inline constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
/// How many elements are made between two looks at the flag that interrupts.
inline constexpr std::int64_t kBetweenLooks = 4096;

class Lowerer;
/// The session's own functions (`P`, `draw`, `infer`, …): answers a call it knows, or nothing.
using Asker = std::function<std::optional<Sym>(const ast::Expr& call, Lowerer& lowerer)>;

class Lowerer {
public:
  Lowerer(const Environment& environment, std::shared_ptr<ir::Module> module);
  virtual ~Lowerer() = default;
  Lowerer(const Lowerer&) = delete;
  Lowerer& operator=(const Lowerer&) = delete;

  void set_asker(Asker asker) { asker_ = std::move(asker); }
  [[nodiscard]] ir::Module& module() { return *module_; }

  // ---- expressions
  Sym eval(const ast::Expr& e);
  /// The IR of a scalar.
  ir::ExprId expr(const Sym& scalar);
  ir::ExprId real_expr(const Sym& scalar) { return module_->to_real(expr(scalar)); }
  ir::ExprId element(const Sym& s, std::span<const ir::ExprId> at);
  Sym sub(const Sym& s, std::span<const ir::ExprId> leading);
  Sym apply(Op op, std::vector<Sym> operands, SourceSpan span);
  Sym equal(Sym a, Sym b, SourceSpan span);
  Sym select(const Sym& condition, const Sym& a, const Sym& b, SourceSpan span);
  /// A set, block, interval or array behind `in`.
  Sym membership(const Sym& value, const ast::Expr& set, SourceSpan span);

  Sym scalar(ir::ExprId e, AlphabetPtr labels = nullptr);
  static Sym known(ArrayValue v);
  static Sym known(Scalar s) { return known(ArrayValue::scalar(s)); }
  static Sym from_value(const Value& v);

  // ---- demands, with errors at `span`
  double known_real(const Sym& s, SourceSpan span, std::string_view what);
  std::int64_t known_integer(const Sym& s, SourceSpan span, std::string_view what);
  /// How many numbers low..high has; refuses more than an array may have.
  static std::int64_t extent(std::int64_t low, std::int64_t high, SourceSpan span);
  /// How many elements an array of this shape has; refuses negative sizes, and more than an array may have.
  static std::size_t element_count(std::span<const std::int64_t> shape, SourceSpan span);
  Sym boolean(Sym s, SourceSpan span);
  void demand_number(const Sym& s, SourceSpan span);
  /// Replaces the codes of a bare label by those of `alphabet`.
  Sym as_label_of(Sym s, const AlphabetPtr& alphabet, SourceSpan span);
  /// All elements, when nothing but data and constants is read; else nothing.
  std::optional<ArrayValue> materialise(const Sym& s);

  // ---- distributions
  DistInstance distribution(const ast::DistExpr& d);
  DistInstance distribution(const ast::Expr& e);
  std::vector<std::int64_t> lifted_shape(const DistInstance& d);
  DistInstance at(const DistInstance& d, std::span<const ir::ExprId> index);
  /// For a latent: refuses integers without an end.
  Support support(const DistInstance& d);
  Support any_support(const DistInstance& d);
  /// The ends of the interval that a single real outcome lies in; nothing where there is none.
  struct Ends {
    std::optional<ir::ExprId> low, high;
  };
  Ends ends(const DistInstance& d);
  /// The shape of one outcome: empty for single values.
  std::vector<std::int64_t> outcome_shape(const DistInstance& d);
  /// Log density or log mass (nats) of one outcome; -inf outside the support. Parameters are assumed valid.
  ir::ExprId logp(const DistInstance& d, const Sym& outcome);
  /// The condition under which all parameters are valid, or nothing when that is proved. Known violations are raised.
  std::optional<ir::ExprId> validity(const DistInstance& d);
  /// Probability of low <= X <= high.
  ir::ExprId interval_probability(const DistInstance& d, const Sym& low, const Sym& high);
  /// One draw, when all arguments are known.
  Scalar sample(const DistInstance& d, const Randomness& random);
  /// Values of a support element by its code expression.
  Sym decode(const Support& s, ir::ExprId code);
  Scalar decode(const Support& s, std::int64_t code);

  // ---- scopes
  struct ScopeGuard {
    Lowerer& owner;
    std::size_t depth;
    std::size_t floor;
    ScopeGuard(Lowerer& o, bool opaque);
    ~ScopeGuard();
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;
  };
  void define(const std::string& name, Sym s) { scopes_.back()[name] = std::move(s); }
  [[nodiscard]] const Sym* find_local(const std::string& name) const;
  /// Replaces the innermost definition of a name.
  void redefine(const std::string& name, Sym s);
  /// Uses of this name are consequences of an error that was reported.
  void poison(const std::string& name) { poisoned_[name] = true; }
  [[nodiscard]] bool is_poisoned(const std::string& name) const { return poisoned_.contains(name); }

  struct Interval {
    double low, high;
  };
  /// Bounds of a scalar expression by interval arithmetic.
  Interval range(ir::ExprId e);

  /// Indices that lowering could not prove to be inside their array by their range alone; checked by running through
  /// the values of the bound variables once those are final. Reports the first that is outside.
  void check_obligations();

protected:
  /// Hook for names that only a model knows (`emit`, `next`, mapped events).
  virtual std::optional<Sym> special_name(const std::string&, SourceSpan) { return std::nullopt; }
  virtual std::optional<Sym> special_call(const ast::Expr&, const ast::Call&) { return std::nullopt; }
  /// Alphabets besides the environment's: those of a model's own latents.
  virtual void local_alphabets(std::vector<AlphabetPtr>&) const {}
  virtual bool symbolic_context() const { return false; }

  ir::ExprId bounded(ir::ExprId index, std::int64_t size, SourceSpan span);
  Sym from_binders(const std::vector<ast::Binder>& binders, const std::function<Sym()>& body, SourceSpan span);
  Sym symbolic_binders(const std::vector<ast::Binder>& binders, const std::vector<std::int64_t>& lows,
                       const std::vector<std::int64_t>& shape, const std::function<Sym()>& body);
  Sym each_of_binders(const std::vector<ast::Binder>& binders, const std::vector<std::int64_t>& lows,
                      std::vector<std::int64_t> shape, const std::function<Sym()>& body, SourceSpan span);
  std::optional<ArrayValue> together(const std::function<Sym()>& make);
  std::optional<Sym> array_function(const ast::Call& call, std::vector<Sym>& arguments, SourceSpan span);
  // recurrence.cpp
  using EarlierElement = std::function<ir::ExprId(std::span<const ir::ExprId> at)>;
  using RecurrenceBody = std::function<ir::ExprId(std::span<const ir::ExprId> at, const EarlierElement& earlier)>;
  Sym recurrence(const std::string& name, const std::vector<ir::IndexId>& own, ScalarType type,
                 const RecurrenceBody& body);
  /// The array whose element at these indices, which start at 1, is e.
  Sym array_of(ir::ExprId e, std::vector<ir::IndexId> indices);
  Sym real_recurrence(const std::string& name, const std::vector<std::int64_t>& shape, const RecurrenceBody& body);
  // linear_algebra.cpp
  ir::ExprId sum_before(ir::ExprId end, std::int64_t extent, const std::function<ir::ExprId(ir::ExprId)>& term);
  Sym cholesky(const Sym& a, SourceSpan span);
  Sym triangular_solve(const Sym& l, const Sym& b, bool transposed);
  std::optional<Sym> matrix_function(const std::string& f, const std::vector<Sym>& arguments, SourceSpan span);
  [[noreturn]] void unknown_name(const std::string& name, SourceSpan span, std::string_view kind);
  /// To be called wherever a short script may cause long work.
  void stop_if_interrupted() const;

  const Environment& environment_;
  std::shared_ptr<ir::Module> module_;
  Asker asker_;
  std::vector<std::map<std::string, Sym>> scopes_;
  std::size_t scope_floor_ = 0;  ///< functions and distributions do not see their caller's names
  std::vector<std::pair<ir::ExprId, bool>> guards_;
  std::vector<std::string> calls_;        ///< functions being evaluated: recursion is refused
  std::size_t depth_ = 0;                 ///< expressions being evaluated inside each other
  SourceSpan here_{};                     ///< the narrowest expression being evaluated, for errors found deep inside
  std::map<std::string, bool> poisoned_;  ///< names whose definition failed and was reported
  double simplex_tolerance_ = kSimplexTolerance;
  bool lenient_names_ = false;  ///< while a self-referring plate's support is looked for
  bool together_ = false;       ///< the elements of a comprehension are being made of one expression
  friend struct ScopeGuard;

private:
  Sym eval_node(const ast::Expr& e);
  Sym eval_name(const std::string& name, SourceSpan span);
  Sym eval_binary(const ast::Binary& b, SourceSpan span);
  Sym eval_index(const ast::Index& ix, SourceSpan span);
  Sym eval_call(const ast::Expr& e, const ast::Call& call);
  Sym block_of(const ast::Call& call, SourceSpan span);
  Sym call_function(const ast::FnDecl& fn, const std::vector<Sym>& arguments, SourceSpan span);
  Sym eval_array(const ast::Array& a, SourceSpan span);
  Sym eval_label_map(const ast::LabelMap& m);
  ir::DataId data_for(const ArrayValue& v);
  void bind_parameters(const std::vector<ast::Parameter>& parameters, const std::vector<Sym>& arguments,
                       std::span<const SourceSpan> spans, const std::string& of);
  Sym reduce_all(ir::Reduction r, const Sym& s, SourceSpan span);
  bool sums_to_one(ir::ExprId e, const std::vector<ir::IndexId>& indices);
  bool reaches_only_openly(ir::ExprId e) const;
  DistInstance aligned_to(const DistInstance& d, const Sym& outcome);
  Sym fitting_outcome(const DistInstance& d, const Sym& x);
  ir::ExprId listed_logp(const DistInstance& d, const ast::DistDecl::Member& logp_at, const Sym& x);
  std::optional<ir::ExprId> inside_support(const ast::TypeExpr& over, const Sym& x);
  std::optional<ir::ExprId> inside_vector_support(const ast::TypeExpr& over, const Sym& x);
  struct Elements;
  Elements all_elements(const Sym& x);
  std::optional<ir::ExprId> within_constraint(model::Constraint constraint, const Sym& x);
  std::optional<ir::ExprId> code_of_element(const Sym& x, const Sym& values);
  Support own_support(const DistInstance& d);
  std::vector<std::int64_t> value_shape(const DistInstance& d);
  bool moves(ir::ExprId e);
  void restrict_to(DistInstance& d, const ast::Bounds& bounds);
  void restrict_support(Support& s, const DistInstance::Cut& cut);
  ir::ExprId restricted_logp(const DistInstance& d, const Sym& outcome, ir::ExprId whole_logp);
  ir::ExprId restricted_interval(const DistInstance& d, const Sym& low, const Sym& high);
  void in_dist_scope(const DistInstance& d, const std::function<void()>& f);

  std::map<const void*, ir::DataId> data_ids_;
  std::vector<std::shared_ptr<const void>> keep_alive_;
  std::unordered_map<std::uint32_t, Interval> ranges_;
  struct Obligation {
    ir::ExprId index;
    std::int64_t size;
    SourceSpan span;
    std::vector<std::pair<ir::ExprId, bool>> guards;
  };
  std::vector<Obligation> obligations_;
};

}  // namespace hearsay
