// How a session computes. The defaults choose by what the model is.
#pragma once

#include <atomic>
#include <cstdint>

#include "jit/compile.h"
#include "lang/pass/pass.h"

namespace hearsay {

enum class Backend : std::uint8_t {
  automatic,  ///< the evaluator for models that cost less than compiling them, else native code
  reference,
  native
};

struct Settings {
  Backend backend = Backend::automatic;
  jit::Options jit;
  pass::Pipeline passes;
  bool enumerate = false;    ///< exact answers by enumerating the joint instead of elimination
  double tolerance = 1e-10;  ///< relative, quadrature
  std::uint64_t seed = 1;
  const std::atomic<bool>* interrupt = nullptr;
};

}  // namespace hearsay
