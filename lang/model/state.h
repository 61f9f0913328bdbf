// A point of a model's state space: values of all continuous latents and codes of all finite ones.
#pragma once

#include <cstdint>
#include <span>

namespace hearsay::model {

/// `continuous`: elements of the continuous latents, in order of declaration, each row-major, on their own support
/// (constrained). `finite`: codes 1..cardinality of the finite latents, likewise. A code 0 means "not assigned":
/// reading it is a bug of the caller.
struct StateView {
  std::span<const double> continuous;
  std::span<const std::int32_t> finite;
};

}  // namespace hearsay::model
