// `fmt` and `show`.
#pragma once

#include <string>

#include "runtime/session/session.h"

namespace hearsay::app {

/// Prints the canonical text of a script, or its tree.
int print_tree(Session& session, const std::string& file, bool canonical);
int show(Session& session, const std::string& file, const std::string& model, const std::string& ir_pass, bool ir,
         bool llvm, bool assembly);

}  // namespace hearsay::app
