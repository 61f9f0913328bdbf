#include "lang/eval/gradient.h"

#include <functional>
#include <vector>

#include "lang/ir/layout.h"

namespace hearsay::eval {
namespace {

using ir::IndexId;
using ir::raw;

/// Runs through all values of a nest of indices, outermost first, last index fastest; backwards when asked. `body` gets
/// the row-major position.
void over(const ir::Module& m, ReferenceEvaluator& evaluator, std::span<const IndexId> nest, bool backwards,
          const std::function<void(std::size_t)>& body, std::size_t flat = 0) {
  if (nest.empty()) return body(flat);
  const ir::IndexVar& range = m.index(nest[0]);
  for (std::int64_t k = 0; k < range.extent(); ++k) {
    const std::int64_t position = backwards ? range.extent() - 1 - k : k;
    evaluator.set_index(nest[0], range.low + position);
    over(m, evaluator, nest.subspan(1), backwards, body,
         flat * static_cast<std::size_t>(range.extent()) + static_cast<std::size_t>(position));
  }
}

class Backwards {
public:
  Backwards(ReferenceEvaluator& evaluator, const ir::Module& m, const ir::Gradient& g, const model::StateView& state,
            std::span<double> gradient)
      : evaluator_(evaluator), m_(m), g_(g), state_(state), layout_(m), gradient_(gradient) {
    for (const ir::Let& l : m.lets) {
      std::size_t n = 1;
      for (const IndexId i : l.binders) n *= static_cast<std::size_t>(m.index(i).extent());
      lets_.emplace_back(n, 0.0);
    }
  }

  void accumulate(const ir::AdjointBlock& block, double seed) {
    if (seed == 0) return;
    for (const ir::Accumulate& a : block.here) {
      // In the side of a choice that was not taken the element may not even exist.
      const double v = evaluator_.value(a.value, state_).as_real();
      if (v != 0) target(a) += seed * v;
    }
    for (const auto& [index, inner] : block.loops)
      over(m_, evaluator_, std::span(&index, 1), false, [&](std::size_t) { accumulate(inner, seed); });
  }

  void lets() {
    for (const ir::LetId let : g_.backwards) {
      const ir::Let& l = m_.lets[raw(let)];
      over(m_, evaluator_, l.binders, true,
           [&](std::size_t flat) { accumulate(g_.lets.at(let), lets_[raw(let)][flat]); });
    }
  }

private:
  double& target(const ir::Accumulate& a) {
    std::size_t flat = 0;
    for (std::size_t d = 0; d < a.at.size(); ++d) {
      const std::int64_t k = evaluator_.value(a.at[d], state_).i;
      std::int64_t low = 1, high = 0;
      if (a.target == ir::Opcode::latent) {
        high = m_.latents[a.id].shape[d];
      } else {
        low = m_.index(m_.lets[a.id].binders[d]).low;
        high = m_.index(m_.lets[a.id].binders[d]).high;
      }
      if (k < low || k > high) throw std::out_of_range("adjoint of an element outside its array");
      flat = flat * static_cast<std::size_t>(high - low + 1) + static_cast<std::size_t>(k - low);
    }
    return a.target == ir::Opcode::latent ? gradient_[layout_.offset[a.id] + flat] : lets_[a.id][flat];
  }

  ReferenceEvaluator& evaluator_;
  const ir::Module& m_;
  const ir::Gradient& g_;
  model::StateView state_;
  ir::StateLayout layout_;
  std::span<double> gradient_;
  std::vector<std::vector<double>> lets_;
};

}  // namespace

void add_gradient(ReferenceEvaluator& evaluator, const ir::Module& module, const ir::Gradient& gradient_of,
                  std::span<const ir::TermId> terms, const model::StateView& state, std::span<double> gradient) {
  Backwards b(evaluator, module, gradient_of, state, gradient);
  for (const ir::TermId t : terms)
    over(module, evaluator, module.terms[raw(t)].plate, false,
         [&](std::size_t) { b.accumulate(gradient_of.terms[raw(t)], 1); });
  b.lets();
}

void add_table_gradient(ReferenceEvaluator& evaluator, const ir::Module& module, const ir::Gradient& gradient_of,
                        const ir::Grounding& grounding, std::span<const double> continuous,
                        std::span<const double> weights, std::span<double> gradient) {
  const ir::StateLayout layout(module);
  std::vector<std::int32_t> codes(layout.finite, 0);
  for (const ir::GroundFactor& f : grounding.factors) {
    const ir::Term& term = module.terms[raw(f.term)];
    for (const std::uint32_t v : f.scope) codes[v] = 1;
    for (std::size_t entry = 0; entry < f.table_size; ++entry) {
      const double seed = weights[f.table_offset + entry];
      if (seed != 0) {
        // Lets may read the assignment, so each one is a run of its own.
        Backwards b(evaluator, module, gradient_of, {continuous, codes}, gradient);
        for (std::size_t d = 0; d < term.plate.size(); ++d) evaluator.set_index(term.plate[d], f.plate[d]);
        b.accumulate(gradient_of.terms[raw(f.term)], seed);
        b.lets();
      }
      for (std::size_t d = f.scope.size(); d-- > 0;) {
        if (++codes[f.scope[d]] <= static_cast<std::int32_t>(grounding.variables[f.scope[d]].cardinality)) break;
        codes[f.scope[d]] = 1;
      }
    }
    for (const std::uint32_t v : f.scope) codes[v] = 0;
  }
}

}  // namespace hearsay::eval
