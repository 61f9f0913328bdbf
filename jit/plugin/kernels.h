// Native contraction kernels, compiled when first asked for and shared.
#pragma once

#include <memory>

#include "jit/compile.h"

namespace hearsay::jit::plugin {

[[nodiscard]] Result<std::shared_ptr<model::KernelProvider>> kernels(const Options& options);

}  // namespace hearsay::jit::plugin
