// Where each latent's elements stand in a state (lang/model/state.h).
#pragma once

#include <cstddef>
#include <vector>

#include "lang/ir/ir.h"

namespace hearsay::ir {

struct StateLayout {
  std::vector<std::size_t> offset;  ///< by LatentId: into `continuous` or `finite`
  std::size_t continuous = 0;       ///< number of continuous elements
  std::size_t finite = 0;           ///< number of finite elements

  explicit StateLayout(const Module& module);
};

}  // namespace hearsay::ir
