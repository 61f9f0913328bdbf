// The passes over the density IR. Each is a function from module to module and never changes an answer: a twin test
// runs every script with it and without it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"
#include "lang/support/diagnostic.h"

namespace hearsay::pass {

/// Folds what is constant, resolves choices whose condition is known, removes operations that do nothing, drops what no
/// term reads.
void specialise(ir::Module& module);

/// Elements of finite latents that must stay (flat, 0-based), because a query reads them.
using Kept = std::map<ir::LatentId, std::set<std::size_t>>;

/// Sums finite plates out element by element where every term reads the plate at its own index: tokens of a stream,
/// labels of rows. An element that only its own prior reads sums to 1 and is dropped. One soft event per element
/// becomes `soft_event`. What is more entangled (chains, graphs) is left to elimination.
void marginalise_plates(ir::Module& module, const Kept& kept);

/// Computes once what depends on data alone, and turns sums over data into sums over distinct rows: soft evidence on a
/// finite alphabet costs power sums of its strengths, however many labels. Adds to `error` a bound (nats) of what
/// series left out.
void hoist(ir::Module& module, double& error);

/// Finds which elements of finite latents each instance of each term reads. Fails when a table would not fit, naming
/// its variables.
[[nodiscard]] Result<ir::Grounding> ground(const ir::Module& module);

/// The elements of finite latents that expressions (without free indices) read: latent and flat position, sorted.
[[nodiscard]] std::vector<std::pair<ir::LatentId, std::size_t>> elements_read(const ir::Module& module,
                                                                              std::span<const ir::ExprId> expressions);

/// Which passes run; all by default. Order: specialise, marginalise, hoist, specialise.
struct Pipeline {
  bool specialise = true;
  bool marginalise = true;
  bool hoist = true;
  /// Called after each pass with its name (`hearsay show --ir=PASS`).
  std::function<void(const std::string&, const ir::Module&)> observer;
};

/// Runs the passes and returns a bound (nats) on what approximations within them may have changed in the log density.
double run(ir::Module& module, const Kept& kept, const Pipeline& pipeline);
[[nodiscard]] const std::vector<std::string>& pass_names();

}  // namespace hearsay::pass
