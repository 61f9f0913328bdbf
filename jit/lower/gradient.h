// The derivative of a module (lang/ir/gradient.h) as native code.
//
//   double gradient(env…, double* g, double* adjoints)       sum of the terms without finite latents, nats; adds to g
//   void   push<k>(env…, instances, count, weights, g, adjoints)
//                                                             adds sum of weights * d log table of the k-th open term
//   void   backward(env…, double* g, double* adjoints)       hands the lets' adjoints on to g
//
// `g` [continuous elements] and `adjoints` [AdjointLayout::size] are zeroed by the caller; `instances` as in fill<k>.
#pragma once

#include <cstddef>
#include <map>

#include "jit/lower/emitter.h"
#include "lang/ir/gradient.h"
#include "lang/ir/substitute.h"

namespace hearsay::jit {

/// Where the adjoints of active lets stand, in doubles.
struct AdjointLayout {
  std::map<ir::LetId, std::size_t> offset;
  std::size_t size = 0;
  AdjointLayout(const ir::Module& module, const ir::Gradient& gradient);
};

class GradientLowering {
public:
  GradientLowering(ModelLowering& model, const ir::Gradient& gradient);
  void run();

private:
  /// Where adjoints go, and what they are multiplied by.
  struct Target {
    llvm::Value* gradient = nullptr;
    llvm::Value* adjoints = nullptr;
    llvm::Value* seed = nullptr;    ///< null: 1
    std::optional<ir::LetId> scan;  ///< its own adjoints are stored at once
  };
  /// What a loop carries: the sum of a term's values, if asked for, then totals of accumulations.
  struct Totals {
    llvm::Value* sum = nullptr;
    std::vector<std::pair<const ir::Accumulate*, llvm::Value*>> of;
  };

  void closed();
  void push(std::size_t k, ir::TermId term);
  void backward();
  void let(Emitter& emit, ir::LetId let, Target target);
  /// One after another into one function: plates as loops, values and accumulations in the innermost.
  llvm::Value* term(Emitter& emit, const ir::Term& term, const ir::AdjointBlock& block, const Target& target,
                    llvm::Value* start);
  Totals nest(Emitter& emit, std::span<const ir::IndexId> plate, const ir::ExprId* body, const ir::AdjointBlock& block,
              const Target& target);
  Totals loop(Emitter& emit, ir::IndexId index, bool with_sum, const std::vector<const ir::Accumulate*>& inner,
              const Target& target, const std::function<Totals()>& body);
  /// Accumulations of a nest that no loop inside it stores: those whose element does not move with an inner index.
  std::vector<const ir::Accumulate*> survivors(std::span<const ir::IndexId> plate, const ir::AdjointBlock& block,
                                               const Target& target);
  bool moves(const ir::Accumulate& a, ir::IndexId index, const Target& target);
  void store(Emitter& emit, const ir::Accumulate& a, llvm::Value* v, const Target& target);

  ModelLowering& model_;
  const ir::Gradient& gradient_;
  AdjointLayout layout_;
  ir::DependenceMap reads_;
};

}  // namespace hearsay::jit
