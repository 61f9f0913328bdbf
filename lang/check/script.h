// Checks the top level of a script without running it: declarations, names, questions, what is given.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lang/check/checker.h"

namespace hearsay::check {

class ScriptChecker {
public:
  explicit ScriptChecker(const Environment& environment) : environment_(environment) {}

  /// Where something could not be read: what it would have defined is not missed. Before `announce`.
  void distrust(SourceSpan span) { unread_.push_back(span); }
  /// Names that the script defines somewhere: using one before it is known is no unknown name.
  void announce(const ast::Script& script);
  /// One statement, whose declaration (if it is one) has been entered into the environment.
  void statement(const ast::Stmt& s, DiagnosticSink& sink);
  /// True if nothing outside the declarations is needed to lower this model, so that lowering can check it further.
  [[nodiscard]] bool stands_alone(const std::string& model) const;
  /// Uses of this name are consequences of an error that was reported.
  void poison(const std::string& name) { outside_.declared.insert(name); }

private:
  std::optional<Type> question(const ast::Expr& e, Checker& at);
  std::optional<Type> ask(const ast::Expr& e, const ast::Call& call, Checker& at);
  Type infer(const ast::Infer& i, Checker& at);
  Type teach(const ast::Teach& t, Checker& at);
  void map(const ast::MapDecl& m, Checker& at);
  void arguments(const std::string& model, const std::vector<ast::Argument>& given, SourceSpan span, Checker& at);
  const ModelNames& model(const ast::Name& name, Checker& at);
  /// What is asked: a posterior by name, the prior of a model, or an `infer` on the spot.
  const ModelNames& posterior(const ast::Expr& e, Checker& at);
  void others(const ast::Call& call, std::size_t from, Checker& at);

  const Environment& environment_;
  Outside outside_;
  std::map<std::string, ModelNames> models_;
  std::vector<SourceSpan> unread_;
  bool complete_ = true;  ///< all of the top level was read
};

}  // namespace hearsay::check
