// A model with its data, taken through the passes and ready to answer: tables from the reference evaluator or native
// code, elimination over finite latents, quadrature over a continuous one.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lang/eval/evaluator.h"
#include "lang/ir/grounding.h"
#include "lang/ir/ir.h"
#include "lang/model/compiled_model.h"
#include "lang/pass/pass.h"
#include "runtime/infer/exact/enumerate.h"
#include "runtime/infer/exact/junction_tree.h"
#include "runtime/infer/quadrature/posterior.h"
#include "runtime/session/sampled.h"
#include "runtime/session/settings.h"

namespace hearsay {

/// A finite latent's element, independent of passes: which latent, and which flat element (0-based).
struct FiniteElement {
  ir::LatentId latent{};
  std::size_t flat = 0;
  auto operator<=>(const FiniteElement&) const = default;
};

/// A number and a bound on its error (0 where the answer is exact up to rounding).
struct Estimate {
  double value = 0;
  double error = 0;
  bool converged = true;  ///< false: less accurate than was asked for; the bound still holds
  /// From draws: the larger Pareto shape of the two tails. From 1 on there is no mean, and its standard error is none.
  double tail_shape = -std::numeric_limits<double>::infinity();
};

/// Values of quantities at one point of the continuous latents: fills `out`, one number per quantity, given the joint
/// table of the finite elements they read.
using PointFunction =
    std::function<void(std::span<const double> continuous, std::span<const double> joint, std::span<double> out)>;

class Prepared {
public:
  /// Runs the passes on `module` and grounds it.
  [[nodiscard]] static Result<std::shared_ptr<Prepared>> make(ir::Module module, const pass::Kept& kept,
                                                              const Settings& settings, SourceSpan from);

  /// Log of the total mass (nats). Errors: impossible evidence; a density that is not a number.
  [[nodiscard]] Result<Estimate> log_evidence();
  /// Log density at one point of the continuous latents, finite ones summed out, not normalised (nats).
  [[nodiscard]] Result<double> log_density_at(std::span<const double> continuous) { return log_mass(continuous); }

  /// Expectations of `count` quantities that read the finite elements in `scope` and the continuous latents.
  /// `breakpoints` are places where they jump. Needs every element of `scope` to have been kept.
  [[nodiscard]] Result<std::vector<Estimate>> expectations(const std::vector<FiniteElement>& scope, std::size_t count,
                                                           const PointFunction& f,
                                                           const std::vector<double>& breakpoints);
  /// Posterior probabilities of the values of one element (kept), without forming any joint table.
  [[nodiscard]] Result<std::vector<Estimate>> marginal(const FiniteElement& element);

  /// The posterior as a mixture over points of the continuous latent (one point of weight 1 when there is none):
  /// weights sum to 1.
  struct Atom {
    std::vector<double> continuous;
    double weight = 1;
  };
  [[nodiscard]] Result<std::vector<Atom>> atoms();
  /// The joint table over `scope` at one point, normalised.
  [[nodiscard]] Result<std::vector<double>> joint_at(std::span<const double> continuous,
                                                     const std::vector<FiniteElement>& scope);
  /// Where a function of the continuous latent changes sign.
  [[nodiscard]] Result<std::vector<double>> sign_changes(const std::function<double(double)>& f);
  [[nodiscard]] Result<Estimate> continuous_quantile(double p);

  [[nodiscard]] std::size_t continuous_dimension() const { return layout_.continuous; }
  [[nodiscard]] const ir::Module& module() const { return *module_; }
  [[nodiscard]] const ir::Grounding& grounding() const { return *grounding_; }
  /// Whether answers come from draws. Then `draw` makes them, once, and a model prepared for another question about the
  /// same posterior (one that keeps more of the finite latents) is told to `use` them.
  [[nodiscard]] bool sampled() const { return sampled_; }
  [[nodiscard]] Result<std::shared_ptr<const Sampled>> draw();
  void use(std::shared_ptr<const Sampled> draws) { draws_ = std::move(draws); }
  /// The values of quantities at every draw, [count][rows]: finite latents by their conditional expectation.
  [[nodiscard]] Result<std::vector<std::vector<double>>> series(const std::vector<FiniteElement>& scope,
                                                                std::size_t count, const PointFunction& f);

  [[nodiscard]] std::string engine() const;   ///< "exact", "quadrature", "nuts"
  [[nodiscard]] std::string backend() const;  ///< "reference evaluator", "native code"
  [[nodiscard]] double series_error() const { return series_error_; }
  /// Products formed by one elimination, or states of the joint when enumerating.
  [[nodiscard]] double elimination_cost() const;
  /// Entries of the largest table that one elimination forms (products of one step); 0 without finite latents.
  [[nodiscard]] double largest_table() const;
  /// Primitive operations that the reference evaluator would take to fill all tables, over the whole inference.
  [[nodiscard]] double evaluator_operations() const;

private:
  Prepared(const ir::Module& module, const Settings& settings);
  Result<void> compile();
  [[nodiscard]] double expected_evaluations() const;  ///< of the density, over the whole inference
  Result<void> plan();
  Result<void> settle();  ///< evaluates the mass, once
  Result<void> integrate();
  std::vector<double> component_peaks(const infer::Support1d& support, const infer::QuadratureOptions& options);
  [[nodiscard]] const ir::Latent& continuous_latent() const;
  [[nodiscard]] bool out_of_reach(double x);
  /// Log of the mass at one point; leaves the tree ready for marginals there.
  Result<double> log_mass(std::span<const double> continuous);
  Result<exact::Enumeration> enumerate_states(const std::vector<model::VariableId>& variables) const;
  Result<std::vector<model::VariableId>> variables(const std::vector<FiniteElement>& scope) const;
  [[nodiscard]] Diagnostic impossible() const;
  [[nodiscard]] Diagnostic undefined() const;
  [[nodiscard]] std::vector<double> density_breakpoints() const;

  std::shared_ptr<ir::Module> module_;
  std::shared_ptr<ir::Grounding> grounding_;
  ir::StateLayout layout_;
  Settings settings_;
  SourceSpan from_;
  double series_error_ = 0;
  bool native_ = false;
  std::shared_ptr<const model::CompiledModel> compiled_;
  std::unique_ptr<model::Evaluator> evaluator_;
  std::shared_ptr<model::KernelProvider> kernels_;
  std::vector<double> tables_;
  model::FactorGraph graph_;                  ///< only variables that some factor names; structure, tables are apart
  std::vector<std::int64_t> graph_variable_;  ///< by flat position, or -1
  std::optional<exact::JunctionTree> tree_;   ///< none where the joint is enumerated
  std::optional<double> log_mass_;            ///< finite models
  std::optional<infer::QuadraturePosterior1d> quadrature_;
  /// The continuous latent's own prior, made when first asked for.
  struct Prior {
    eval::ReferenceEvaluator evaluator;
    std::vector<ir::TermId> terms;
  };
  std::optional<Prior> prior_;
  bool sampled_ = false;
  std::shared_ptr<const ir::Gradient> gradient_;  ///< where this is what draws are made with
  std::shared_ptr<const Sampled> draws_;
  std::optional<Diagnostic> failure_;  ///< what went wrong inside a callback of the quadrature
};

}  // namespace hearsay
