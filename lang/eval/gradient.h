// The reference evaluator run backwards: slow, and as literal as it gets.
#pragma once

#include <span>

#include "lang/eval/evaluator.h"
#include "lang/ir/gradient.h"

namespace hearsay::eval {

/// Adds to `gradient` [continuous elements, constrained scale] the derivative of the sum of these terms at `state`.
void add_gradient(ReferenceEvaluator& evaluator, const ir::Module& module, const ir::Gradient& gradient_of,
                  std::span<const ir::TermId> terms, const model::StateView& state, std::span<double> gradient);

/// Adds the derivative of Σ weights[k] · log_table[k] over all ground factors' tables.
void add_table_gradient(ReferenceEvaluator& evaluator, const ir::Module& module, const ir::Gradient& gradient_of,
                        const ir::Grounding& grounding, std::span<const double> continuous,
                        std::span<const double> weights, std::span<double> gradient);

}  // namespace hearsay::eval
