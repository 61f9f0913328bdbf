// The density IR: a model with its data bound is a list of tagged terms; log density = sum of all terms.
// A term is a sum over a plate (a nest of index ranges) of a scalar expression in latents, data and indices. `let`s are
// maps (elements independent) or scans (each element may read earlier ones). Expressions are hash-consed, typed,
// single-assignment.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lang/builtins/ops.h"
#include "lang/model/constraint_kind.h"
#include "lang/support/source.h"

namespace hearsay::ir {

enum class ExprId : std::uint32_t {};
enum class IndexId : std::uint32_t {};
enum class DataId : std::uint32_t {};
enum class LatentId : std::uint32_t {};
enum class LetId : std::uint32_t {};
enum class TermId : std::uint32_t {};
/// A statement of the script that put something into the model; rows of the ledger and run-time errors point to it.
enum class SiteId : std::uint32_t {};
/// Who is charged for a soft term. `none` for everything that is not soft evidence.
enum class SourceId : std::uint32_t { none = std::numeric_limits<std::uint32_t>::max() };

template <class Id>
constexpr std::size_t raw(Id id) {
  return static_cast<std::size_t>(id);
}

enum class Opcode : std::uint8_t {
  constant,  ///< payload: index into Module::constants
  index,     ///< payload: IndexId; an integer
  data,      ///< payload: DataId; operands: one 1-based integer index per dimension
  latent,    ///< payload: LatentId; operands likewise. Finite latents read as their code 1..cardinality
  let,       ///< payload: LetId; operands likewise
  prim,      ///< payload: Op
  select,    ///< operands: condition, value if true, value if false; only the chosen side is evaluated
  pick,      ///< operands: index k (1-based), e_1 … e_n; only e_k is evaluated
  reduce     ///< payload: Reduction << 24 … see reduction(); operand: body; binds `bound`
};

enum class Reduction : std::uint8_t { sum, product, minimum, maximum, all, any, log_sum_exp };

struct Inst {
  Opcode code{};
  ScalarType type{};
  Reduction reduction{};      ///< reduce only
  std::uint32_t payload = 0;  ///< reduce: the bound IndexId
  std::vector<ExprId> operands;
  friend bool operator==(const Inst&, const Inst&) = default;
};

/// A bound variable with a constant range [low, high]; empty when high < low.
struct IndexVar {
  std::string name;
  std::int64_t low = 1;
  std::int64_t high = 0;
  [[nodiscard]] std::int64_t extent() const { return high < low ? 0 : high - low + 1; }
};

/// An immutable array of known numbers, row-major. Integers and booleans are in `integers`, reals in `reals`.
struct Data {
  std::string name;
  ScalarType type{};
  std::vector<std::int64_t> shape;
  std::shared_ptr<const std::vector<std::int64_t>> integers;
  std::shared_ptr<const std::vector<double>> reals;
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] Scalar at(std::size_t flat) const;
};

/// A latent: finite (values are codes 1..cardinality), a real on (low, high), or vectors and matrices of reals under a
/// constraint, which are the last one or two dimensions.
struct Latent {
  std::string name;
  SiteId site{};
  std::vector<std::int64_t> shape;  ///< empty: a scalar
  bool finite = true;
  std::int64_t cardinality = 0;                                ///< finite only
  model::Constraint constraint = model::Constraint::interval;  ///< continuous only
  double low = -std::numeric_limits<double>::infinity();       ///< continuous only: bounds of the elements
  double high = std::numeric_limits<double>::infinity();
  std::vector<std::string> labels;  ///< names of the codes, when they have names
  bool token = false;               ///< the token stream `emit`
  bool stream = false;              ///< token or hidden stream: grows with the horizon
  [[nodiscard]] std::int64_t size() const;
};

/// A derived quantity. A scan is evaluated in row-major order and may read earlier elements of itself.
struct Let {
  std::string name;
  std::vector<IndexId> binders;  ///< empty: a scalar
  ExprId body{};
  bool scan = false;
};

enum class TermKind : std::uint8_t { prior, evidence, soft, factor };

struct Term {
  TermKind kind{};
  SiteId site{};
  std::uint32_t order = 0;           ///< position of the statement in the program: what was stated before what
  SourceId source = SourceId::none;  ///< soft terms
  std::vector<IndexId> plate;        ///< outermost first
  ExprId body{};                     ///< real: log-weight in nats; -inf is "impossible"
};

/// A named quantity computed per state (`generate`, queries).
struct Quantity {
  std::string name;
  std::vector<IndexId> binders;
  ExprId body{};
};

struct Site {
  SourceSpan span;
  std::string what;  ///< "x ~ normal", "soft observe", … for listings
};

class Module {
public:
  std::vector<Scalar> constants;
  std::vector<Inst> insts;
  std::vector<IndexVar> indices;
  std::vector<Data> data;
  std::vector<Latent> latents;
  std::vector<Let> lets;
  std::vector<Term> terms;
  std::vector<Quantity> quantities;
  std::vector<Site> sites;

  [[nodiscard]] const Inst& inst(ExprId e) const { return insts[raw(e)]; }
  [[nodiscard]] ScalarType type(ExprId e) const { return insts[raw(e)].type; }
  [[nodiscard]] const IndexVar& index(IndexId i) const { return indices[raw(i)]; }
  /// The value of a constant expression, or null.
  [[nodiscard]] const Scalar* constant(ExprId e) const;

  // ---- building: hash-consed; operands are converted (integer or boolean to real) where the typing rule asks for it;
  // nothing is folded here (that is a pass). Misuse (wrong types) is a programming error and asserts.
  ExprId constant(Scalar value);
  ExprId real(double v) { return constant(Scalar::real(v)); }
  ExprId integer(std::int64_t v) { return constant(Scalar::integer(v)); }
  ExprId boolean(bool v) { return constant(Scalar::boolean(v)); }
  IndexId add_index(std::string name, std::int64_t low, std::int64_t high);
  ExprId index_value(IndexId i);
  ExprId load_data(DataId d, std::span<const ExprId> at);
  ExprId load_latent(LatentId l, std::span<const ExprId> at);
  ExprId load_let(LetId l, std::span<const ExprId> at, ScalarType type);
  ExprId prim(Op op, std::span<const ExprId> operands);
  ExprId prim(Op op, std::initializer_list<ExprId> operands) {
    return prim(op, std::span(operands.begin(), operands.size()));
  }
  ExprId select(ExprId condition, ExprId then_value, ExprId else_value);
  ExprId pick(ExprId index, std::span<const ExprId> elements);
  ExprId reduce(Reduction reduction, IndexId bound, ExprId body);
  ExprId to_real(ExprId e);

  DataId add_data(Data d);
  LatentId add_latent(Latent l);
  LetId add_let(Let l);
  TermId add_term(Term t);
  SiteId add_site(Site s);
  /// Interns an instruction as it is (for passes that rebuild expressions).
  ExprId intern(Inst inst);

private:
  struct InstHash {
    std::size_t operator()(const Inst& i) const;
  };
  /// A constant's type and bits: 0.0 and -0.0 are two constants, all NaNs are one.
  using ConstantKey = std::pair<ScalarType, std::uint64_t>;
  struct ConstantHash {
    std::size_t operator()(const ConstantKey& key) const;
  };
  ExprId to_type(ExprId e, ScalarType type);
  void unify(std::vector<ExprId>& operands);

  std::unordered_map<Inst, ExprId, InstHash> interned_;
  std::unordered_map<ConstantKey, std::uint32_t, ConstantHash> interned_constants_;
};

/// Operand count and types, and payload, checked against the opcode's rules; the reason of the first violation, or
/// empty.
[[nodiscard]] std::string check_inst(const Module& module, const Inst& inst);

/// The spelling of a reduction in the text form, and back.
[[nodiscard]] std::string_view name(Reduction reduction);
[[nodiscard]] std::string_view name(TermKind kind);
[[nodiscard]] std::string_view name(ScalarType type);

/// Text form, one definition a line, stable: what `hearsay show --ir` prints and what IR tests compare. Arrays of more
/// than `data_limit` numbers are cut short; only text in which none was cut can be read back (lang/ir/read.h).
/// Expressions that are used more than once get a line `%n = …` before the first use, numbered in order of appearance.
[[nodiscard]] std::string print(const Module& module, std::size_t data_limit = 24);
[[nodiscard]] std::string print(const Module& module, ExprId e);

/// Empty when the module is well formed; else what is wrong first (used by tests and in debug builds after every pass).
[[nodiscard]] std::string verify(const Module& module);

/// Rebuilds `e` with `rewrite` applied to leaves and results, bottom-up; memoised. The tool of every pass.
class Rewriter {
public:
  explicit Rewriter(Module& module) : module_(module) {}
  virtual ~Rewriter() = default;
  ExprId operator()(ExprId e);

protected:
  /// Called for every instruction whose operands have been rewritten; returns its replacement.
  virtual ExprId replace(Inst inst) { return module_.intern(std::move(inst)); }
  Module& module_;

private:
  std::unordered_map<std::uint32_t, ExprId> memo_;
};

}  // namespace hearsay::ir
