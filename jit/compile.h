// IR to native code: all that others see of the JIT. LLVM is loaded when the first model is compiled, not before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lang/ir/gradient.h"
#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"
#include "lang/model/compiled_model.h"
#include "lang/model/contraction.h"
#include "lang/support/diagnostic.h"

namespace hearsay::jit {

enum class Optimization : std::uint8_t { O0, O1, O2 };

struct Options {
  Optimization optimization = Optimization::O2;
  bool cache = true;  ///< keep object code on disk, by content (XDG cache folder; HEARSAY_CACHE names another, "" none)
  bool vectorize = true;
  /// Contractions of fewer products than this are left to the generic kernel: compiling one takes as long as it saves
  /// in about 1e7 products (BM_contraction of tests/bench/exact.cpp), which 600 runs of this size come to.
  std::size_t kernel_iterations = std::size_t{1} << 14U;
  /// Enumerations of fewer states than this are left to the engine compiled ahead of time, which is nearly as fast.
  double enumeration_states = 0x1p30;
};

/// Native code for `closed_terms` and `fill_tables`, and for `value_and_gradient` when there is a `gradient`. Fails
/// (E08xx) when the JIT can't be loaded or LLVM refuses the module.
[[nodiscard]] Result<std::shared_ptr<const model::CompiledModel>> compile(
    std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding, const Options& options,
    std::shared_ptr<const ir::Gradient> gradient = nullptr);

enum class Listing : std::uint8_t { llvm, llvm_optimized, assembly };
/// The code that `compile` would make, as text.
[[nodiscard]] Result<std::string> listing(const ir::Module& module, const ir::Grounding& grounding,
                                          const Options& options, Listing what, const ir::Gradient* gradient = nullptr);

/// Native loop nests for contractions and enumeration; each shape is compiled once and shared. Thread-safe.
[[nodiscard]] Result<std::shared_ptr<model::KernelProvider>> kernels(const Options& options);

}  // namespace hearsay::jit
