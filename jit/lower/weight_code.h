// Pieces of code for kernels that sum products of weights: blocks of lanes in explicit vectors, and numbers with an
// exponent apart.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace hearsay::jit {

/// Emits at the place where `builder` stands; what is long and used in many places becomes a function of the module.
class WeightCode {
public:
  /// `width` divides `lanes`.
  WeightCode(llvm::Module& out, llvm::IRBuilder<>& builder, std::uint32_t lanes, std::uint32_t width);

  /// model::WeightSum.
  [[nodiscard]] llvm::StructType* sum_type() const { return sum_type_; }

  /// out[j] = a[j] * b[j] for j < n; `out` may be `a` or `b`. `whole`: n is a multiple of the width.
  void multiply(llvm::Value* a, llvm::Value* b, llvm::Value* out, std::size_t n, bool whole);
  /// The same for one block; the largest product.
  llvm::Value* multiply_block(llvm::Value* a, llvm::Value* b, llvm::Value* out);
  /// Brings a block whose largest element is `top`, above 0, near 1 by a power of two if it is far below. The exponent
  /// that goes with the block then.
  llvm::Value* recentre(llvm::Value* block, llvm::Value* top, llvm::Value* exponent);
  llvm::Value* sum(llvm::Value* block);
  /// Sum of block[j] * row[j] for each of a few rows, in one pass.
  std::vector<llvm::Value*> dots(llvm::Value* block, const std::vector<llvm::Value*>& rows);
  /// x * 2^exponent with x in [1/2, 1). `x` is above 0.
  std::pair<llvm::Value*, llvm::Value*> normalise(llvm::Value* x, llvm::Value* exponent);
  /// *sum += x * 2^exponent; `x` at least 0.
  void add(llvm::Value* sum, llvm::Value* x, llvm::Value* exponent);

private:
  using Arguments = std::vector<llvm::Value*>;
  /// Calls the module's function `name`, which is written on first use.
  llvm::Value* shared(const std::string& name, llvm::Type* result, const Arguments& arguments,
                      const std::function<void(const Arguments&)>& body);
  llvm::Value* real(double v);
  llvm::Value* integer(std::int64_t v);
  llvm::Value* vector(llvm::Value* base, llvm::Value* offset, std::size_t further = 0);
  void store(llvm::Value* v, llvm::Value* base, llvm::Value* offset);
  llvm::Value* exponent_field(llvm::Value* x);
  llvm::Value* power_of_two(llvm::Value* exponent);

  llvm::Module& out_;
  llvm::IRBuilder<>& b_;
  std::uint32_t lanes_, width_;
  llvm::StructType* sum_type_ = nullptr;
  llvm::FixedVectorType* vector_type_ = nullptr;
};

}  // namespace hearsay::jit
