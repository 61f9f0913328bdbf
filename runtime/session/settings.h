// How a session computes. The defaults choose by what the model is.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "jit/compile.h"
#include "lang/pass/pass.h"
#include "runtime/infer/nuts/sampler.h"

namespace hearsay {

enum class Backend : std::uint8_t {
  automatic,  ///< the evaluator for models that cost less than compiling them, else native code
  reference,
  native
};

enum class Engine : std::uint8_t {
  automatic,  ///< exact for finite models, quadrature for one continuous latent, else nuts
  nuts        ///< whatever the model is, as long as it has a continuous latent
};

struct Settings {
  Engine engine = Engine::automatic;
  nuts::Settings nuts;  ///< its seed is `seed`
  /// Progress of long runs; null where nobody looks.
  std::function<void(std::span<const nuts::ChainProgress>)> progress;
  Backend backend = Backend::automatic;
  jit::Options jit;
  pass::Pipeline passes;
  bool enumerate = false;    ///< exact answers by enumerating the joint instead of elimination
  double tolerance = 1e-10;  ///< relative, quadrature
  std::uint64_t seed = 1;
  const std::atomic<bool>* interrupt = nullptr;
};

}  // namespace hearsay
