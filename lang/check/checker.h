// Checks what is declared before there are data: names, types, ranks and written-down sizes, arguments of
// distributions, statements in wrong places. It knows the rules of lowering (lang/sema) but no values, reports only
// what no data could make right, and goes on after an error; what failed is unknown and agrees with everything.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/check/type.h"
#include "lang/sema/environment.h"
#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay::check {

/// Names that stand outside what is checked.
struct Outside {
  std::map<std::string, Type> values;  ///< values of the top level whose type is known without running it
  std::set<std::string> declared;      ///< names that the script defines anywhere: nothing is known of them yet
};

/// What a model's statements define, for what is asked of it and stated about it.
struct ModelNames {
  std::map<std::string, Type> names;
  std::vector<AlphabetPtr> alphabets;
  AlphabetPtr emits;
  std::set<std::string> sources;
  bool complete = true;        ///< false: a name that is missing here may be there all the same
  bool reads_outside = false;  ///< a value of the top level is needed
};

class Checker {
public:
  Checker(const Environment& environment, const Outside& outside, DiagnosticSink& sink)
      : environment_(environment), outside_(outside), sink_(&sink), scopes_(1) {}

  ModelNames model(const ast::ModelDecl& m);
  void function(const ast::FnDecl& f);
  void distribution(const ast::DistDecl& d);
  /// Statements behind `given`, in the scope of a model.
  void given(const ast::Block& block, const ModelNames& model);

  /// Functions of the top level that ask something: `P`, `draw`, `read_csv`, … Their calls are only checked if a
  /// handler is set.
  using Questions = std::function<std::optional<Type>(const ast::Expr&, Checker&)>;
  void set_questions(Questions q) { questions_ = std::move(q); }

  /// Parts could not be read: a name that is missing may have been defined there.
  void incomplete() { complete_ = false; }
  Type expr(const ast::Expr& e);
  Type comprehension(const std::vector<ast::Binder>& binders, const ast::Expr& body);
  /// An expression about a model, in its scope.
  Type about(const ast::Expr& e, const ModelNames& model);
  Type event(const ast::Expr& e, bool single = false);
  /// Reports what is no number; true if it may be one.
  bool number(const Type& t, SourceSpan span);
  Type integer(const ast::Expr& e, std::string_view what, bool data_only);
  void report(Diagnostic d);
  void unknown(const std::string& name, SourceSpan span, std::string_view kind,
               const std::vector<std::string>& candidates, std::string help = "");
  [[nodiscard]] bool declared(const std::string& name) const { return outside_.declared.contains(name); }
  void define(const std::string& name, Type t) { scopes_.back()[name] = std::move(t); }

private:
  struct Scope;
  struct Muted;
  const Type* find(const std::string& name) const;
  std::vector<AlphabetPtr> alphabets() const;

  // expression.cpp
  Type name(const std::string& text, SourceSpan span);
  Type unary(const ast::Unary& u);
  Type binary(const ast::Binary& b, SourceSpan span);
  Type arithmetic(const std::vector<std::pair<Type, SourceSpan>>& operands, SourceSpan span, bool always_real);
  Type equal(const Type& a, const Type& b, SourceSpan span);
  Type membership(const Type& value, const ast::Expr& set, SourceSpan span);
  Type conditional(const ast::Conditional& c, SourceSpan span);
  Type index(const ast::Index& ix, SourceSpan span);
  Type array(const ast::Array& a);
  Type label_map(const ast::LabelMap& m);
  Type joined_shape(const std::vector<std::pair<Type, SourceSpan>>& operands, SourceSpan span);
  Type either(const Type& a, const Type& b, SourceSpan span);

  // call.cpp
  Type call(const ast::Expr& e, const ast::Call& c);
  std::optional<Type> array_function(const ast::Call& c, const std::vector<std::pair<Type, SourceSpan>>& arguments,
                                     SourceSpan span);
  Type apply_op(const ast::Call& c, const std::vector<std::pair<Type, SourceSpan>>& arguments, SourceSpan span);
  void image(const ast::MapDecl& map, const ast::Expr& event);
  Type block_of(const ast::Call& c, SourceSpan span);
  Type declared_type(const ast::TypeExpr& t, bool binds_sizes);

  // distribution.cpp
  /// The outcome of a distribution: its type, and the shape over which it is lifted as dims.
  Type dist(const ast::DistExpr& d);
  Type dist(const ast::Expr& e);
  Type dist_call(const ast::DistDecl& d, const ast::Call* call, SourceSpan span);
  void parameter(const ast::DistDecl& d, const ast::Parameter& p, const Type& t, const ast::Expr& argument);
  void restriction(const ast::Bounds& b, const Type& outcome);

  // statement.cpp, evidence.cpp
  void block(const ast::Block& b);
  void statement(const ast::Stmt& s);
  void sample(const ast::SampleStmt& s);
  void emit(const ast::EmitStmt& s);
  void let(const ast::LetStmt& s);
  void loop(const ast::ForStmt& s);
  void choice(const ast::IfStmt& s);
  void observe(const ast::ObserveStmt& s, SourceSpan span);
  void soft_observe(const ast::SoftObserveStmt& s, SourceSpan span);
  void jointly(const ast::JointlyStmt& s);
  void outcome(const ast::Expr& subject, const ast::DistExpr& written, const Type& drawn, SourceSpan span);
  void data_number(const ast::Expr& e);
  const ast::SourceDecl* source(const ast::Name& n);
  void new_name(const ast::Name& n);
  /// Label alphabets that a distribution brings belong to the latent it draws.
  void own_labels(Type& t, const ast::Name& n);

  const Environment& environment_;
  const Outside& outside_;
  DiagnosticSink* sink_;
  Questions questions_;
  std::vector<std::map<std::string, Type>> scopes_;
  std::size_t floor_ = 0;               ///< functions do not see the names around them
  std::vector<AlphabetPtr> alphabets_;  ///< of the model's own latents
  std::map<std::string, const ast::SourceDecl*> sources_;
  std::set<std::string> reported_;  ///< unknown names are reported once
  const ast::ModelDecl* model_ = nullptr;
  AlphabetPtr emits_;
  bool in_model_ = false;  ///< about a model: `emit`, `next` and map images have a meaning
  bool complete_ = true;   ///< all names of the scope are known
  bool emitted_ = false;
  bool reads_outside_ = false;
  bool in_emission_ = false;  ///< each side of a choice may emit some of the tokens only
  unsigned guards_ = 0;       ///< choices around: what is wrong here may never be reached
  unsigned loops_ = 0;
  unsigned latent_conditions_ = 0;
  std::string function_;  ///< being declared: it must not call itself
};

}  // namespace hearsay::check
