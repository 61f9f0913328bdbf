// What is found without running: the static check of each statement, and the lowering of models that await no data.
#include "lang/sema/declare.h"
#include "runtime/session/session.h"
#include "runtime/session/sources.h"
#include "runtime/session/top.h"

namespace hearsay {

using K = DiagnosticKind;

/// What can be said of a statement without running it.
void Session::check_statement(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& s) {
  if (const auto* i = std::get_if<ast::ImportStmt>(&s.node)) return import(*i, false);
  auto declared = declare(script, s, environment_);
  if (!declared) throw Failure{std::move(declared).error()};
  if (!check_declaration(s)) return;
  const auto* m = std::get_if<ast::ModelDecl>(&s.node);
  if (m != nullptr && checker_.stands_alone(m->name.text)) check_model(*m);
  if (const auto* src = std::get_if<ast::SourceDecl>(&s.node))
    if (auto terms = source_terms(*src, *top_); !terms) {
      // What a value decides that only a run would find is judged then.
      const DiagnosticKind kind = terms.error().kind;
      if (kind != K::unknown_name && kind != K::not_known) report(std::move(terms).error());
    }
}

/// Types, names and shapes that hold whatever the data are. True if nothing was wrong.
bool Session::check_declaration(const ast::Stmt& s) {
  DiagnosticSink sink;
  checker_.statement(s, sink);
  const bool fine = !sink.has_errors();
  if (const auto* m = std::get_if<ast::ModelDecl>(&s.node); m != nullptr && !fine) top_->poison(m->name.text);
  for (Diagnostic& d : sink.take()) report(std::move(d));
  return fine;
}

/// A model without parameters can be lowered at once, which finds its mistakes before anything asks for it.
void Session::check_model(const ast::ModelDecl& m) {
  if (!m.parameters.empty()) return;
  const ModelSource& source = environment_.models.at(m.name.text);
  ModelLowerer lowerer(environment_, m.name.text, source);
  DiagnosticSink sink;
  try {
    lowerer.lower_body(&sink);
    if (!sink.has_errors()) lowerer.finish();
  } catch (Failure& f) {
    if (!f.silent) sink.report(std::move(f.diagnostic));
  }
  if (sink.has_errors()) top_->poison(m.name.text);
  for (Diagnostic& d : sink.take()) report(std::move(d));
}

}  // namespace hearsay
