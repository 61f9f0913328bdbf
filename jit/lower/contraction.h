// A contraction shape (lang/model/contraction.h) → a native loop nest.
#pragma once

#include <llvm/IR/Module.h>

#include <string>

#include "lang/model/contraction.h"

namespace hearsay::jit {

/// Writes `name`, a model::ContractionKernel for the shape.
void lower_contraction(const model::ContractionShape& shape, model::Semiring semiring, llvm::Module& out,
                       const std::string& name);

/// A text that is equal for two kernels exactly when their code is the same.
[[nodiscard]] std::string contraction_source(const model::ContractionShape& shape, model::Semiring semiring);

}  // namespace hearsay::jit
