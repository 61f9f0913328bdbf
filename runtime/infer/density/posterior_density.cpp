#include "runtime/infer/density/posterior_density.h"

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "runtime/infer/exact/junction_tree.h"

namespace hearsay::infer {
namespace {

using Parts = PosteriorDensity::Parts;

class Density final : public model::DensityEvaluator {
public:
  explicit Density(std::shared_ptr<const Parts> parts)
      : parts_(std::move(parts)),
        evaluator_(parts_->compiled->evaluator()),
        x_(parts_->transform.constrained_size()),
        gradient_x_(x_.size()),
        tables_(parts_->compiled->table_entries()),
        weights_(tables_.size()) {
    if (parts_->graph->factors.empty()) return;
    auto tree = exact::JunctionTree::make(*parts_->graph, parts_->options, parts_->kernels.get());
    if (tree)
      tree_.emplace(*std::move(tree));
    else
      broken_ = true;
  }

  [[nodiscard]] std::size_t dim() const noexcept override { return parts_->transform.unconstrained_size(); }

  model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept override {
    const auto stopped = [&] { return parts_->options.interrupt != nullptr && parts_->options.interrupt->load(); };
    if (broken_ || stopped()) return {0, model::EvalStatus::fatal, 0};
    try {
      const double log_jacobian = parts_->transform.constrain(q, x_);
      double finite = 0;
      if (tree_) {
        const auto mass = sum_out();
        if (!mass) return {0, stopped() ? model::EvalStatus::fatal : model::EvalStatus::outside_support, 0};
        finite = *mass;
      }
      const double closed = evaluator_->value_and_gradient(x_, weights_, gradient_x_);
      const double total = closed + finite + log_jacobian;
      if (!std::isfinite(total)) return {0, model::EvalStatus::outside_support, 0};
      parts_->transform.pullback(q, x_, gradient_x_, gradient);
      for (const double g : gradient)
        if (!std::isfinite(g)) return {0, model::EvalStatus::outside_support, 0};
      return {total, model::EvalStatus::ok, 0};
    } catch (...) {
      return {0, model::EvalStatus::fatal, 0};  // out of memory, at worst
    }
  }

private:
  /// The log of the mass of all finite states, and how much of it each table's entries carry.
  std::optional<double> sum_out() {
    evaluator_->fill_tables(x_, tables_);
    auto mass = tree_->set_tables(tables_);
    if (!mass || !std::isfinite(*mass)) return std::nullopt;
    std::size_t next = 0;
    for (std::size_t f = 0; f < parts_->graph->factors.size(); ++f) {
      auto marginal = tree_->factor_marginal(f);
      if (!marginal) return std::nullopt;
      std::copy(marginal->begin(), marginal->end(), weights_.begin() + static_cast<std::ptrdiff_t>(next));
      next += marginal->size();
    }
    return *mass;
  }

  std::shared_ptr<const Parts> parts_;
  std::unique_ptr<model::Evaluator> evaluator_;
  std::vector<double> x_, gradient_x_, tables_, weights_;
  std::optional<exact::JunctionTree> tree_;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<model::DensityEvaluator> PosteriorDensity::evaluator() const {
  return std::make_unique<Density>(parts_);
}

}  // namespace hearsay::infer
