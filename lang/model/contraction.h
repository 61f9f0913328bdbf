// A contraction: the one operation that exact inference is made of. Engines describe it as a shape; native code for a
// shape may come from a KernelProvider, and a generic kernel always exists.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "lang/model/enumeration.h"

namespace hearsay::model {

/// linear: out[kept] = sum over summed of the product of in_k.
/// log:    out[kept] = log of the sum over summed of exp(sum of in_k), all in nats; -inf is an exact zero.
enum class Semiring : std::uint8_t { linear, log };

inline constexpr std::size_t kMaxContractionInputs = 8;
inline constexpr std::size_t kMaxContractionLoops = 64;

/// A nest of loops over dense operands. Loops are numbered with the kept ones first, then the summed ones. The output
/// is dense and row-major over the kept loops (last one fastest); input k is read at sum over loops of index *
/// stride(k, loop). No loops at all is a product of scalars. The output overlaps no input; inputs may overlap.
struct ContractionShape {
  std::vector<std::uint32_t> extents;  ///< [loops], each at least 1; at most kMaxContractionLoops
  std::uint32_t kept = 0;              ///< how many of the loops, from the front, index the output
  std::uint32_t inputs = 0;            ///< 1 .. kMaxContractionInputs
  std::vector<std::int64_t> strides;   ///< [inputs, loops], in elements, each at least 0

  [[nodiscard]] std::size_t loops() const { return extents.size(); }
  [[nodiscard]] std::int64_t stride(std::size_t input, std::size_t loop) const {
    return strides[input * extents.size() + loop];
  }
  [[nodiscard]] std::size_t output_size() const;
  /// Products formed: the product of all extents.
  [[nodiscard]] std::size_t iterations() const;

  friend bool operator==(const ContractionShape&, const ContractionShape&) = default;
};

/// The same computation with the fewest loops: loops of extent 1 are dropped, and neighbours (both kept or both summed)
/// that every operand walks as one are merged, unless the loop would be so long that an interruption would be noticed
/// late.
void canonicalise(ContractionShape& shape);

[[nodiscard]] std::size_t hash_value(const ContractionShape& shape);

/// Inputs are [shape.inputs] pointers. Keeps no state, never throws. Linear inputs and outputs are at least 0. Looks at
/// `interrupt` (never null) now and then; false: it was true, and the output is not complete.
using ContractionKernel = bool (*)(const double* const* inputs, double* output, const std::atomic<bool>* interrupt);

/// A source of kernels specialised for a shape. Null means "use contract_generic". Kernels live as long as their
/// provider.
class KernelProvider {
public:
  virtual ~KernelProvider() = default;
  [[nodiscard]] virtual ContractionKernel find(const ContractionShape& shape, Semiring semiring) = 0;
  /// Null when there is none and none is worth being made.
  [[nodiscard]] virtual EnumerationKernel find(const EnumerationShape& shape) = 0;
};

/// The interpreted kernel, for any shape. The order of summation depends on the shape alone.
bool contract_generic(const ContractionShape& shape, Semiring semiring, const double* const* inputs, double* output,
                      const std::atomic<bool>* interrupt);

}  // namespace hearsay::model

template <>
struct std::hash<hearsay::model::ContractionShape> {
  std::size_t operator()(const hearsay::model::ContractionShape& shape) const {
    return hearsay::model::hash_value(shape);
  }
};
