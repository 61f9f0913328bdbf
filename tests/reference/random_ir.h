// Random well-typed IR modules, each with a second evaluation that shares nothing with the evaluators under test:
// beside every instruction that it builds, the generator composes a plain C++ function of the same meaning.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"
#include "lang/model/state.h"

namespace hearsay::reference {

/// A point of the state space that owns its numbers.
struct RandomState {
  std::vector<double> continuous;
  std::vector<std::int32_t> finite;
  [[nodiscard]] model::StateView view() const { return {continuous, finite}; }
};

/// What the composed functions read.
struct Point {
  std::span<const double> continuous;
  std::span<const std::int32_t> finite;
  std::vector<std::int64_t> indices;  ///< by IndexId
};

/// Numbers and booleans as one double each (false is 0); integers stay far below 2^53.
using Function = std::function<double(Point&)>;

struct RandomTerm {
  Function instance;  ///< at the plate indices that the point holds
  Function total;     ///< summed over the plate
};

struct RandomModule {
  ir::Module module;
  std::vector<RandomTerm> terms;                      ///< by TermId
  std::vector<RandomState> states;                    ///< a few points of the state space
  std::vector<std::shared_ptr<Function>> let_bodies;  ///< kept alive for the functions above
  [[nodiscard]] Point point(const model::StateView& state) const;
  /// The sum of all terms, by the composed functions (nats).
  [[nodiscard]] double log_density(const model::StateView& state) const;
  /// A grounding in which every instance of every term reads all finite latents: small enough to run through by
  /// construction. Terms that read none are closed.
  [[nodiscard]] ir::Grounding full_grounding() const;
};

struct RandomOptions {
  int depth = 4;  ///< of an expression
  int terms = 5;
  bool continuous = true;  ///< whether there are continuous latents
  /// Primitives other than arithmetic, comparison, logic and conversions.
  bool special_functions = true;
};

/// The same module for the same seed. Holds data, finite (and continuous) latents, scalar and plated, maps and a scan,
/// plates, selects, picks, every reduction and, over many seeds, every primitive, all inside their domains, so that
/// every value is finite; `select`s hide out-of-bounds reads in the side that is not chosen.
[[nodiscard]] RandomModule random_module(std::uint64_t seed, const RandomOptions& options = {});

}  // namespace hearsay::reference
