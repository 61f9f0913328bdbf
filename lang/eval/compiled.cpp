#include <limits>
#include <utility>

#include "lang/eval/evaluator.h"

namespace hearsay::eval {
namespace {

class ReferenceModel final : public model::CompiledModel, public std::enable_shared_from_this<ReferenceModel> {
public:
  ReferenceModel(std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding)
      : module_(std::move(module)), grounding_(std::move(grounding)), layout_(*module_) {}

  [[nodiscard]] std::unique_ptr<model::Evaluator> evaluator() const override;
  [[nodiscard]] std::size_t continuous_dimension() const override { return layout_.continuous; }
  [[nodiscard]] std::size_t table_entries() const override { return grounding_->table_entries; }

  [[nodiscard]] const ir::Module& module() const { return *module_; }
  [[nodiscard]] const ir::Grounding& grounding() const { return *grounding_; }

private:
  std::shared_ptr<const ir::Module> module_;
  std::shared_ptr<const ir::Grounding> grounding_;
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

private:
  std::shared_ptr<const ReferenceModel> model_;
  ReferenceEvaluator walk_;
};

std::unique_ptr<model::Evaluator> ReferenceModel::evaluator() const {
  return std::make_unique<Walker>(shared_from_this());
}

}  // namespace

std::shared_ptr<const model::CompiledModel> compile_reference(std::shared_ptr<const ir::Module> module,
                                                              std::shared_ptr<const ir::Grounding> grounding) {
  return std::make_shared<ReferenceModel>(std::move(module), std::move(grounding));
}

}  // namespace hearsay::eval
