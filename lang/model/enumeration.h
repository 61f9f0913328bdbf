// A walk through all states of a finite model: the one operation that plain enumeration is made of. Engines describe it
// as a shape; native code for a shape may come from a KernelProvider.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearsay::model {

/// A sum of weights, mantissa * 2^exponent; zero is {0, 0}.
struct WeightSum {
  double mantissa = 0;
  std::int64_t exponent = 0;
};

/// Dense weights over `loops` (ascending, last fastest) and, inside those, over the lanes if `lanes`.
struct EnumerationTable {
  std::vector<std::uint32_t> loops;
  bool lanes = false;
  friend bool operator==(const EnumerationTable&, const EnumerationTable&) = default;
};

/// A nest of loops around a block of lanes. The weight of a state is the product of the entries that all tables have
/// for it; weights are summed over the lanes and over the loops from `kept` inwards.
struct EnumerationShape {
  std::vector<std::uint32_t> extents;    ///< [loops], outermost first, each at least 2
  std::uint32_t lanes = 1;               ///< a multiple of vector_width(); lanes too many have weight 0 in tables[0]
  std::uint32_t fixed = 0;               ///< the first so many loops have one value, which the caller gives
  std::uint32_t kept = 0;                ///< each value of these loops that are not fixed has a sum of its own
  std::vector<EnumerationTable> tables;  ///< the first is over the lanes alone, the others over at least one loop

  /// Lanes that are worked on at once: 8, or fewer when there are only few.
  [[nodiscard]] std::uint32_t vector_width() const;
  /// States in all, of which one call walks through those with its fixed values.
  [[nodiscard]] double states() const;
  /// Sums of one call.
  [[nodiscard]] std::size_t sums() const;
  /// Doubles that a kernel needs to work in.
  [[nodiscard]] std::size_t scratch_size() const;
  friend bool operator==(const EnumerationShape&, const EnumerationShape&) = default;
};

/// Adds to sums[shape.sums()], row-major over the kept loops. Weights are at least 0 and at most 1; a block of lanes is
/// scaled where its products become small, and what was too small nevertheless has raised the processor's underflow
/// flag. Looks at `interrupt` (never null) once for every value of the last loop but one, at least; false: it was
/// true, and the sums are not complete. Keeps no state, never throws, and the same input gives the same bits.
using EnumerationKernel = bool (*)(const double* const* tables, const std::uint32_t* fixed, double* scratch,
                                   WeightSum* sums, const std::atomic<bool>* interrupt);

}  // namespace hearsay::model
