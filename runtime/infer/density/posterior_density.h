// The posterior density of a model's continuous latents on the unconstrained scale: constrained by a transform, with
// the finite latents summed out by elimination. What NUTS and optimisers see of a model.
#pragma once

#include <atomic>
#include <memory>

#include "lang/model/compiled_model.h"
#include "lang/model/contraction.h"
#include "lang/model/factor_graph.h"
#include "lang/model/log_density.h"
#include "lang/model/transform.h"
#include "runtime/infer/exact/plan.h"

namespace hearsay::infer {

/// log density(u) = closed terms(x) + log sum over finite states of exp(tables(x)) + log |dx/du|, x = constrain(u).
///
/// Its gradient needs no derivative of the elimination: that of the log of a sum of exponentials is the expectation of
/// the terms' gradients, so tables are weighted by their own posterior marginals (Fisher's identity).
class PosteriorDensity final : public model::DensityModel {
public:
  struct Parts {
    std::shared_ptr<const model::CompiledModel> compiled;  ///< with a gradient
    model::ParameterTransform transform;
    std::shared_ptr<const model::FactorGraph> graph;  ///< scopes and cardinalities; tables come from `compiled`
    std::shared_ptr<model::KernelProvider> kernels;   ///< may be null
    exact::PlanOptions options;
  };
  explicit PosteriorDensity(Parts parts) : parts_(std::make_shared<const Parts>(std::move(parts))) {}

  [[nodiscard]] std::size_t dim() const noexcept override { return parts_->transform.unconstrained_size(); }
  [[nodiscard]] std::unique_ptr<model::DensityEvaluator> evaluator() const override;
  [[nodiscard]] const model::ParameterTransform& transform() const { return parts_->transform; }

private:
  std::shared_ptr<const Parts> parts_;
};

}  // namespace hearsay::infer
