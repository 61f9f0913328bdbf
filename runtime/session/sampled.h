// A posterior by its draws: what NUTS gives where neither elimination nor quadrature can answer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lang/ir/ir.h"
#include "lang/model/transform.h"
#include "lang/support/diagnostic.h"
#include "runtime/draws/draws.h"
#include "runtime/draws/report.h"
#include "runtime/draws/transitions.h"
#include "runtime/infer/density/posterior_density.h"
#include "runtime/session/settings.h"

namespace hearsay {

/// Draws of all continuous elements, on their own (constrained) scale, in the order of StateView::continuous.
struct Sampled {
  Draws draws;
  Transitions transitions;
  std::vector<Finding> findings;  ///< what is wrong with them, if anything

  /// The values of all elements at one draw (rows count through chain after chain).
  void state(std::size_t row, std::vector<double>& continuous) const;
};

/// `theta[2, 1]` for every element of the module's continuous latents.
[[nodiscard]] std::vector<std::string> element_names(const ir::Module& module);
/// What the transform between the unconstrained and the latents' own scale needs to know of them.
[[nodiscard]] std::vector<model::ParameterBlock> parameter_blocks(const ir::Module& module);

/// Runs NUTS. Errors: E0503 (interrupted), E0540 (no start, or settings that make no sense), E0541 (the density can't
/// be evaluated).
[[nodiscard]] Result<std::shared_ptr<const Sampled>> sample(const infer::PosteriorDensity& density,
                                                            const ir::Module& module, const Settings& settings,
                                                            SourceSpan from);

/// A number of the posterior from one value per draw; the error is a Monte Carlo standard error (0 if all are equal).
struct SeriesMean {
  double value = 0, mcse = 0;
};
[[nodiscard]] SeriesMean series_mean(const std::vector<double>& values, std::size_t chains);
/// The larger Pareto shape of the two tails; minus infinity where they are too short to tell, or end.
[[nodiscard]] double tail_shape(std::vector<double> values);
/// How many independent draws these are worth, by the worst of their quantities.
[[nodiscard]] double least_effective(const Draws& draws);
/// A probability of 0 or 1 because all draws agree: what it may be off (with 95 % confidence).
[[nodiscard]] double unanimity_error(double effective);

}  // namespace hearsay
