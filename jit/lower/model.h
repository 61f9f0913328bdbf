// A model with its grounding → one LLVM module.
//
//   void   prepare(env…)                              computes the lets that are in memory
//   double closed(env…)                               sum of the terms without finite latents, nats
//   void   fill<k>(env…, instances, count, tables)    log tables of the k-th open term (Analysis::open_terms)
//
// env… = const void** data, const double* continuous, int32_t* codes, cell* lets, cell* work. `instances` describes
// ground factors, one after another, in 64-bit integers: table offset, n, plate values, n positions in the finite
// state, n cardinalities. The codes at those positions are 1 before and after. What reads outside an array is NaN.
//
// work[0] is a Status, work[1] the address of a byte (an atomic flag). When the byte becomes 1, whatever runs returns
// within some 100 µs, with status `interrupted` and nothing else of worth: codes and cells may be left half done.
#pragma once

#include <llvm/IR/Module.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jit/lower/analysis.h"
#include "jit/lower/emitter.h"
#include "lang/ir/gradient.h"
#include "lang/ir/layout.h"
#include "lang/support/diagnostic.h"

namespace hearsay::jit {

enum class Status : std::uint8_t { ok, outside_array, interrupted };

/// Sizes of the scratch memory that one evaluator needs, in 8-byte cells.
struct ScratchLayout {
  std::map<ir::LetId, std::size_t> let_offset;  ///< into `lets` (in memory) or `work` (scans over finite latents)
  std::size_t lets = 0;
  std::size_t work = 2;  ///< cell 0 is a Status, cell 1 the address of the interrupt flag
  ScratchLayout(const ir::Module& module, const Analysis& analysis);
};

class ModelLowering {
public:
  /// `gradient` may be null: then there are no functions for it.
  ModelLowering(const ir::Module& module, const ir::Grounding& grounding, const ir::Gradient* gradient,
                const Analysis& analysis, llvm::Module& out);
  /// Writes all functions; what went wrong, if anything did.
  [[nodiscard]] std::optional<Diagnostic> run();

  // For Emitter and GradientLowering:
  [[nodiscard]] const ir::Grounding& grounding() const { return grounding_; }
  llvm::Function* function(const std::string& name, llvm::Type* result, std::vector<llvm::Type*> more, bool exported);
  void assignments(Emitter& emit, llvm::Function* f, const ir::Term& term,
                   const std::function<void(llvm::Value* entry)>& body);
  [[nodiscard]] const ir::Module& module() const { return module_; }
  [[nodiscard]] const Analysis& analysis() const { return analysis_; }
  [[nodiscard]] const ir::StateLayout& layout() const { return layout_; }
  [[nodiscard]] llvm::Module& out() { return out_; }
  /// double|i64|i1 let<k>(env…, i64 index…): one element of a let that is not in memory.
  [[nodiscard]] llvm::Function* element(ir::LetId let);
  /// void scan<k>(env…, i64 last): elements up to flat position `last`, into the let's cells.
  [[nodiscard]] llvm::Function* scan(ir::LetId let);
  /// What callers must know of a generated function: whether it may return interrupted, and what it costs until then.
  struct Conduct {
    bool polls = false;
    double work = 0;
  };
  [[nodiscard]] Conduct& conduct(const llvm::Function* f) { return conduct_[f]; }
  [[nodiscard]] std::size_t offset(ir::LetId let) const { return scratch_.let_offset.at(let); }

  static constexpr std::size_t environment_size = 5;

  /// Terms are put into one function until it has about this many instructions: LLVM's passes are worse than linear.
  static constexpr std::size_t chunk = 600;

private:
  void prepare();
  void closed();
  void fill(std::size_t k, ir::TermId term);
  void store_map(Emitter& emit, ir::LetId let);

  const ir::Module& module_;
  const ir::Grounding& grounding_;
  const ir::Gradient* gradient_;
  const Analysis& analysis_;
  llvm::Module& out_;
  ir::StateLayout layout_;
  ScratchLayout scratch_;
  std::map<ir::LetId, llvm::Function*> elements_, scans_;
  std::map<const llvm::Function*, Conduct> conduct_;
};

}  // namespace hearsay::jit
