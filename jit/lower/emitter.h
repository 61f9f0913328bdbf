// One expression after another into one LLVM function. Values are kept per block scope, so that common subexpressions
// are computed once and the sides of a `select` stay lazy.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "jit/lower/analysis.h"
#include "lang/ir/ir.h"
#include "lang/ir/layout.h"

namespace hearsay::jit {

/// What every generated function takes first.
struct Environment {
  llvm::Value* data = nullptr;        ///< const void*[]: one array of i64 or double for each Data
  llvm::Value* continuous = nullptr;  ///< const double[]
  llvm::Value* codes = nullptr;       ///< i32[]: codes of the finite latents
  llvm::Value* lets = nullptr;        ///< 8-byte cells: lets that are in memory
  llvm::Value* work =
      nullptr;  ///< 8-byte cells: [0] status, [1] address of the interrupt flag, then scans over finite latents
};

class ModelLowering;

class Emitter {
public:
  /// Continues at the end of `function`'s entry block.
  Emitter(ModelLowering& model, llvm::Function* function);

  /// Emits `e` at the current place (or finds its value).
  llvm::Value* value(ir::ExprId e);
  /// Sum of `body` over the plate, added to `start`; the additions may be reordered.
  llvm::Value* sum_over(std::span<const ir::IndexId> plate, ir::ExprId body, llvm::Value* start);

  using Carried = std::vector<llvm::Value*>;
  /// for (i = low; i <= high; ++i): the carried values go through `body`. At least one round: low <= high. A long loop
  /// looks at the interrupt flag now and then.
  Carried loop(llvm::Value* low, llvm::Value* high, Carried carried,
               const std::function<Carried(llvm::Value* index, const Carried&)>& body);
  /// Leaves the function with status `interrupted` if the flag is up.
  void poll();
  /// Calls another generated function; leaves this one too if that one was interrupted.
  llvm::Value* call(llvm::Function* callee, llvm::ArrayRef<llvm::Value*> arguments);
  /// Roughly, primitive operations that one call of this function runs through without looking at the flag.
  [[nodiscard]] double work() const { return work_; }
  void bind(ir::IndexId index, llvm::Value* v) { indices_[static_cast<std::uint32_t>(index)] = v; }

  /// A new scope for values; everything emitted inside is forgotten at its end.
  class Scope {
  public:
    Scope(Emitter& emitter, bool opaque) : emitter_(emitter) { emitter_.scopes_.push_back({{}, opaque}); }
    ~Scope() { emitter_.scopes_.pop_back(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    Emitter& emitter_;
  };

  llvm::IRBuilder<>& builder() { return builder_; }
  const Environment& environment() const { return environment_; }
  /// Reads outside an array set the error flag (default), or only yield NaN (in elements that perhaps nobody reads).
  void report_errors(bool on) { report_ = on; }
  /// Element `current` of this scan is being emitted: reads of itself are reads of `cells` before it.
  void inside_scan(ir::LetId let, llvm::Value* cells, llvm::Value* current) {
    scan_ = let;
    scan_cells_ = cells;
    scan_current_ = current;
  }

  /// An element of an array: its row-major position, and when it is outside (null: never). Outside, `flat` is 0.
  struct Place {
    llvm::Value* flat = nullptr;
    llvm::Value* bad = nullptr;
    std::vector<llvm::Value*> at;
    bool empty = false;  ///< the array has no elements
  };
  Place place(std::span<const ir::ExprId> operands, std::span<const Bounds> limits);
  Carried over(ir::IndexId index, Carried start, const std::function<Carried(const Carried&)>& body);

  llvm::Value* cell(llvm::Value* cells, llvm::Value* at, ScalarType type);
  void store_cell(llvm::Value* cells, llvm::Value* at, llvm::Value* v);
  llvm::Type* type(ScalarType t);

private:
  friend class Scope;
  struct Values {
    std::unordered_map<std::uint32_t, llvm::Value*> known;
    bool opaque = false;  ///< values outside were computed under another meaning of an index
  };

  llvm::Value* emit(ir::ExprId e, const ir::Inst& inst);
  llvm::Value* constant(const Scalar& c);
  llvm::Value* read(ir::ExprId e, const ir::Inst& inst);
  llvm::Value* read_let(const ir::Inst& inst, llvm::Value* flat, std::span<llvm::Value* const> at);
  llvm::Value* select(const ir::Inst& inst);
  llvm::Value* pick(ir::ExprId e, const ir::Inst& inst);
  llvm::Value* reduce(const ir::Inst& inst);
  llvm::Value* log_sum_exp(const ir::Inst& inst, const ir::IndexVar& range);
  void fail_if(llvm::Value* bad);
  void leave_if(llvm::Value* interrupted);

  // prim.cpp
  llvm::Value* extremum(bool largest, llvm::Value* a, llvm::Value* b);
  llvm::Value* prim(const ir::Inst& inst);
  llvm::Value* composite(Op op, llvm::ArrayRef<llvm::Value*> v);  // composite.cpp
  llvm::Value* intrinsic(llvm::Intrinsic::ID id, llvm::ArrayRef<llvm::Value*> arguments);
  llvm::Value* call_pure(llvm::StringRef symbol, llvm::ArrayRef<llvm::Value*> arguments);

  ModelLowering& model_;
  llvm::Function* function_;
  llvm::IRBuilder<> builder_;
  Environment environment_;
  std::vector<Values> scopes_;
  std::unordered_map<std::uint32_t, llvm::Value*> indices_;
  bool report_ = true;
  double work_ = 0;
  std::optional<ir::LetId> scan_;
  llvm::Value* scan_cells_ = nullptr;
  llvm::Value* scan_current_ = nullptr;
};

}  // namespace hearsay::jit
