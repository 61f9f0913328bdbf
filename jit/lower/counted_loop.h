// A loop with a counter, for kernels whose shape is known when they are written.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <functional>
#include <vector>

namespace hearsay::jit {

using Carried = std::vector<llvm::Value*>;

/// for (i = 0; i < count; i += step): the carried values go through `body`. At least one round; `step` divides `count`.
Carried counted_loop(llvm::IRBuilder<>& builder, llvm::Value* count, std::uint64_t step, const Carried& start,
                     const std::function<Carried(llvm::Value* index, const Carried&)>& body);

/// Leaves the function with `false` if the byte at `flag` (an atomic<bool>) is 1.
void poll_flag(llvm::IRBuilder<>& builder, llvm::Value* flag);

}  // namespace hearsay::jit
