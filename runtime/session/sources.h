// `source NAME(budget: …, schedule: …)` to the terms that the ledger keeps.
#pragma once

#include "lang/evidence/ledger.h"
#include "lang/sema/lowerer.h"
#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// Evaluates budget and schedule, which must be known numbers. Errors: what the schedules themselves refuse.
[[nodiscard]] Result<evidence::SourceTerms> source_terms(const ast::SourceDecl& decl, Lowerer& lowerer);
[[nodiscard]] Result<evidence::Schedule> schedule_of(const ast::Schedule& schedule, Lowerer& lowerer);

}  // namespace hearsay
