// Vector versions of the scalar math functions: glibc's libmvec, in the widths that this machine has.
#pragma once

#include <llvm/Analysis/TargetLibraryInfo.h>

#include <span>
#include <string>
#include <vector>

namespace hearsay::jit {

struct VectorFunction {
  std::string name;  ///< as libmvec exports it: _ZGVeN8v_exp
  void* address = nullptr;
};

/// What libmvec.so.1 offers to this CPU; empty where there is no such library. LLVM 19's own table knows no 8-wide
/// names and no log1p, tanh or erf. Accuracy: below 4 ulp (the library's own promise).
class VectorMath {
public:
  VectorMath(bool avx2, bool avx512);
  [[nodiscard]] std::span<const llvm::VecDesc> descriptions() const { return descriptions_; }
  [[nodiscard]] std::span<const VectorFunction> functions() const { return functions_; }

private:
  std::vector<VectorFunction> functions_;
  std::vector<llvm::VecDesc> descriptions_;  // views of names with static storage or in functions_
};

}  // namespace hearsay::jit
