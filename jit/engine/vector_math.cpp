#include "jit/engine/vector_math.h"

#include <dlfcn.h>

#include <array>

namespace hearsay::jit {
namespace {

struct Spelling {
  const char* scalar;  ///< how the scalar call appears in LLVM IR
  const char* root;    ///< the stem of libmvec's name
  int arguments;
};

constexpr std::array spellings{
    Spelling{"llvm.exp.f64", "exp", 1}, Spelling{"exp", "exp", 1},          Spelling{"llvm.log.f64", "log", 1},
    Spelling{"log", "log", 1},          Spelling{"expm1", "expm1", 1},      Spelling{"log1p", "log1p", 1},
    Spelling{"llvm.pow.f64", "pow", 2}, Spelling{"pow", "pow", 2},          Spelling{"llvm.sin.f64", "sin", 1},
    Spelling{"sin", "sin", 1},          Spelling{"llvm.cos.f64", "cos", 1}, Spelling{"cos", "cos", 1},
    Spelling{"tan", "tan", 1},          Spelling{"atan", "atan", 1},        Spelling{"tanh", "tanh", 1},
    Spelling{"erf", "erf", 1},
};

struct Width {
  char isa;  ///< letter in the vector ABI's names
  unsigned lanes;
};

}  // namespace

VectorMath::VectorMath(bool avx2, bool avx512) {
  void* library = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  std::vector<Width> widths;
  if (avx512) widths.push_back({'e', 8});
  if (avx2) widths.push_back({'d', 4});
  struct Pending {
    const char* scalar;
    std::size_t function;
    Width width;
    int arguments;
  };
  std::vector<Pending> pending;
  for (const Width width : widths) {
    for (const Spelling& s : spellings) {
      std::string name = std::string("_ZGV") + width.isa + "N" + std::to_string(width.lanes) +
                         std::string(static_cast<std::size_t>(s.arguments), 'v') + "_" + s.root;
      void* address = dlsym(library, name.c_str());
      if (address == nullptr) continue;
      std::size_t at = 0;
      while (at < functions_.size() && functions_[at].name != name) ++at;
      if (at == functions_.size()) functions_.push_back({std::move(name), address});
      pending.push_back({s.scalar, at, width, s.arguments});
    }
  }
  // Only now do the names stand still in memory.
  for (const Pending& p : pending) {
    const bool wide = p.width.lanes == 8;
    const char* prefix =
        p.arguments == 1 ? (wide ? "_ZGV_LLVM_N8v" : "_ZGV_LLVM_N4v") : (wide ? "_ZGV_LLVM_N8vv" : "_ZGV_LLVM_N4vv");
    descriptions_.emplace_back(p.scalar, functions_[p.function].name, llvm::ElementCount::getFixed(p.width.lanes),
                               false, prefix);
  }
}

}  // namespace hearsay::jit
