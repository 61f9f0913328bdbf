// Reverse-mode differentiation of a module: from expressions to expressions, no tape at run time.
#pragma once

#include "lang/ir/gradient.h"
#include "lang/ir/ir.h"
#include "lang/support/diagnostic.h"

namespace hearsay::pass {

/// The derivative of every term with respect to continuous latents; expressions are added to `module`, nothing in it
/// changes. Where a density has kinks (min, max, abs) one side's derivative is taken; a discontinuity (an event about a
/// continuous latent) has derivative 0, as everywhere beside it.
/// Errors: E0901, at the statement that uses it, for a function whose derivative is not known.
[[nodiscard]] Result<ir::Gradient> differentiate(ir::Module& module);

}  // namespace hearsay::pass
