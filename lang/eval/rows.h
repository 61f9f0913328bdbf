// One expression at many values of its bound variables: what a comprehension, the strengths of a loop's claims or a
// column of data are made of.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/ir/ir.h"

namespace hearsay::eval {

/// Row-major over the ranges of the indices; reals or, for integers and booleans, integers.
struct Rows {
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
};

/// Thrown when the flag was set before all values were known.
struct Interrupted {};

/// The values of `e`, which reads data and constants and no index but these, as the reference evaluator has them.
/// Throws std::out_of_range where an element outside its array is read.
[[nodiscard]] Rows rows(const ir::Module& module, ir::ExprId e, std::span<const ir::IndexId> indices,
                        const std::atomic<bool>* interrupt = nullptr);

}  // namespace hearsay::eval
