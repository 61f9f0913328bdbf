// The shape of an enumeration (lang/model/enumeration.h) → a native loop nest.
#pragma once

#include <llvm/IR/Module.h>

#include <string>

#include "lang/model/enumeration.h"

namespace hearsay::jit {

/// Writes `name`, a model::EnumerationKernel for the shape.
void lower_enumeration(const model::EnumerationShape& shape, llvm::Module& out, const std::string& name);

/// A text that is equal for two kernels exactly when their code is the same.
[[nodiscard]] std::string enumeration_source(const model::EnumerationShape& shape);

}  // namespace hearsay::jit
