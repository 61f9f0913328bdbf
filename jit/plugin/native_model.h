// jit/compile.h on the plugin's side.
#pragma once

#include "jit/compile.h"

namespace hearsay::jit::plugin {

[[nodiscard]] Result<std::shared_ptr<const model::CompiledModel>> compile(
    std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding, const Options& options,
    std::shared_ptr<const ir::Gradient> gradient);
[[nodiscard]] Result<std::string> listing(const ir::Module& module, const ir::Grounding& grounding,
                                          const Options& options, Listing what, const ir::Gradient* gradient);

}  // namespace hearsay::jit::plugin
