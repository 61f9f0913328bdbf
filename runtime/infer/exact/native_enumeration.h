// Enumeration by generated code: a block model as the shape that a kernel is made for, and the kernel run on all cores.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "lang/model/contraction.h"
#include "runtime/infer/exact/block_model.h"
#include "runtime/infer/exact/pieces.h"

namespace hearsay::exact {

class NativeEnumeration {
public:
  /// `weights`: tables are weights, not logarithms; must outlive the result, as must `kernels`. Nothing when a table is
  /// too large to be spread over lanes, or `kernels` has no kernel.
  [[nodiscard]] static std::optional<NativeEnumeration> find(const BlockModel& weights, model::KernelProvider& kernels);

  struct Sums {
    std::vector<model::WeightSum> weights;  ///< row-major over the kept loops and perhaps some more
    bool underflowed = false;               ///< some product was too small to be exact: worth nothing
  };
  /// `interrupt` may be null; when it becomes true the sums are not complete.
  [[nodiscard]] Sums run(unsigned threads, const std::atomic<bool>* interrupt) const;

private:
  NativeEnumeration(const BlockModel& weights);
  void add_table(std::vector<std::uint32_t> loops, bool lanes, const std::vector<double>& table, std::size_t width);

  Pieces pieces_;
  model::EnumerationShape shape_;
  std::vector<const double*> tables_;        // [shape_.tables]
  std::vector<std::vector<double>> padded_;  // those that need more lanes than the model has
  model::EnumerationKernel kernel_ = nullptr;
};

}  // namespace hearsay::exact
