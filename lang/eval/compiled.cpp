#include <algorithm>
#include <limits>
#include <utility>

#include "lang/eval/evaluator.h"
#include "lang/eval/gradient.h"

namespace hearsay::eval {
namespace {

class ReferenceModel final : public model::CompiledModel, public std::enable_shared_from_this<ReferenceModel> {
public:
  ReferenceModel(std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding,
                 std::shared_ptr<const ir::Gradient> gradient)
      : module_(std::move(module)),
        grounding_(std::move(grounding)),
        gradient_(std::move(gradient)),
        layout_(*module_) {}

  [[nodiscard]] std::unique_ptr<model::Evaluator> evaluator() const override;
  [[nodiscard]] std::size_t continuous_dimension() const override { return layout_.continuous; }
  [[nodiscard]] std::size_t table_entries() const override { return grounding_->table_entries; }

  [[nodiscard]] bool has_gradient() const override { return gradient_ != nullptr; }

  [[nodiscard]] const ir::Module& module() const { return *module_; }
  [[nodiscard]] const ir::Grounding& grounding() const { return *grounding_; }
  [[nodiscard]] const ir::Gradient& gradient() const { return *gradient_; }

private:
  std::shared_ptr<const ir::Module> module_;
  std::shared_ptr<const ir::Grounding> grounding_;
  std::shared_ptr<const ir::Gradient> gradient_;
  ir::StateLayout layout_;
};

class Walker final : public model::Evaluator {
public:
  explicit Walker(std::shared_ptr<const ReferenceModel> model) : model_(std::move(model)), walk_(model_->module()) {}

  double closed_terms(std::span<const double> continuous) override {
    try {
      return walk_.sum(model_->grounding().closed_terms, {continuous, {}});
    } catch (const std::logic_error&) {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }

  void fill_tables(std::span<const double> continuous, std::span<double> tables) override {
    walk_.fill_tables(model_->grounding(), continuous, tables);
  }

  double value_and_gradient(std::span<const double> continuous, std::span<const double> weights,
                            std::span<double> gradient) override {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    const double value = closed_terms(continuous);
    try {
      add_gradient(walk_, model_->module(), model_->gradient(), model_->grounding().closed_terms, {continuous, {}},
                   gradient);
      if (!weights.empty())
        add_table_gradient(walk_, model_->module(), model_->gradient(), model_->grounding(), continuous, weights,
                           gradient);
    } catch (const std::logic_error&) {
      std::fill(gradient.begin(), gradient.end(), std::numeric_limits<double>::quiet_NaN());
    }
    return value;
  }

private:
  std::shared_ptr<const ReferenceModel> model_;
  ReferenceEvaluator walk_;
};

std::unique_ptr<model::Evaluator> ReferenceModel::evaluator() const {
  return std::make_unique<Walker>(shared_from_this());
}

}  // namespace

std::shared_ptr<const model::CompiledModel> compile_reference(std::shared_ptr<const ir::Module> module,
                                                              std::shared_ptr<const ir::Grounding> grounding,
                                                              std::shared_ptr<const ir::Gradient> gradient) {
  return std::make_shared<ReferenceModel>(std::move(module), std::move(grounding), std::move(gradient));
}

}  // namespace hearsay::eval
