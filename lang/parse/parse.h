// Text in, syntax tree and diagnostics out. Boost.Spirit X3 stays behind this header.
#pragma once

#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// Parses a whole file. Recovers at `;` and `}`: every error found is reported and what could be parsed is returned.
/// Never throws and never crashes on any bytes: invalid UTF-8, NUL, deep nesting and over-long input are diagnostics.
[[nodiscard]] ast::Script parse_script(const SourceManager& sources, FileId file, DiagnosticSink& sink);

/// Parses one expression that fills the whole text (queries of the embedding API, the REPL's `:type`).
[[nodiscard]] ast::ExprPtr parse_expression(const SourceManager& sources, FileId file, DiagnosticSink& sink);

}  // namespace hearsay
