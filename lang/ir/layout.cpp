#include "lang/ir/layout.h"

namespace hearsay::ir {

StateLayout::StateLayout(const Module& module) {
  offset.reserve(module.latents.size());
  for (const Latent& latent : module.latents) {
    std::size_t& next = latent.finite ? finite : continuous;
    offset.push_back(next);
    next += static_cast<std::size_t>(latent.size());
  }
}

}  // namespace hearsay::ir
