// Results to values inside the session, where a failure ends the statement.
#pragma once

#include <utility>

#include "lang/sema/lowerer.h"
#include "lang/support/diagnostic.h"

namespace hearsay {

/// Throws the failure, placed at `span` if it has no place of its own.
[[noreturn]] inline void throw_failure(Diagnostic d, SourceSpan span) {
  if (d.primary == SourceSpan{}) d.primary = span;
  throw Failure{std::move(d)};
}

template <class T>
T unwrap(Result<T> r, SourceSpan span) {
  if (!r) throw_failure(std::move(r).error(), span);
  return *std::move(r);
}
inline void unwrap(Result<void> r, SourceSpan span) {
  if (!r) throw_failure(std::move(r).error(), span);
}

}  // namespace hearsay
