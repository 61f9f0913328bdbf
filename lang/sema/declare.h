// Declarations of a script, entered into an environment: alphabets, algebras, models, maps, sources, functions,
// distributions.
#pragma once

#include <memory>

#include "lang/sema/environment.h"
#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// Enters one declaration; statements that declare nothing are left alone. `script` keeps the tree alive.
/// Returns true when `stmt` was a declaration.
[[nodiscard]] Result<bool> declare(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& stmt,
                                   Environment& environment);

/// The distributions and functions that every script sees.
[[nodiscard]] Result<void> declare_all(const std::shared_ptr<const ast::Script>& script, Environment& environment);

}  // namespace hearsay
