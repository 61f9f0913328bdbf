// Points of a trajectory in one block of memory, with counted references: no allocation and no copy while a trajectory
// grows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/infer/nuts/vector_ops.h"

namespace hearsay::nuts {

enum class PointId : std::uint32_t {};

/// Each point has a position q, a whitened momentum p, a gradient g and, for a dense metric, the whitened gradient w:
/// arrays of padded(dim) elements, zero beyond dim.
class PhaseSpace {
public:
  PhaseSpace(std::size_t dim, std::size_t points)
      : dim_(dim),
        stride_(padded(dim)),
        values_(points * 4 * stride_),
        p_square_(points),
        log_density_(points),
        references_(points) {
    for (std::size_t i = points; i > 0; --i) all_.push_back(static_cast<PointId>(i - 1));
    clear();
  }

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }

  [[nodiscard]] double* q(PointId i) { return at(i, 0); }
  [[nodiscard]] double* p(PointId i) { return at(i, 1); }
  [[nodiscard]] double* g(PointId i) { return at(i, 2); }
  [[nodiscard]] double* w(PointId i) { return at(i, 3); }
  [[nodiscard]] std::span<double> gradient(PointId i) { return {g(i), dim_}; }
  [[nodiscard]] std::span<double> position(PointId i) { return {q(i), dim_}; }
  [[nodiscard]] double& p_square(PointId i) { return p_square_[index(i)]; }
  [[nodiscard]] double& log_density(PointId i) { return log_density_[index(i)]; }

  /// A free point, with one reference.
  [[nodiscard]] PointId take() {
    const PointId i = free_.back();
    free_.pop_back();
    references_[index(i)] = 1;
    return i;
  }
  PointId share(PointId i) {
    ++references_[index(i)];
    return i;
  }
  void drop(PointId i) {
    if (--references_[index(i)] == 0) free_.push_back(i);
  }
  /// Forgets all references.
  void clear() {
    std::fill(references_.begin(), references_.end(), std::uint16_t{0});
    free_ = all_;
  }

private:
  static std::size_t index(PointId i) { return static_cast<std::size_t>(i); }
  double* at(PointId i, std::size_t which) { return values_.data() + (index(i) * 4 + which) * stride_; }

  std::size_t dim_, stride_;
  std::vector<double> values_, p_square_, log_density_;
  std::vector<std::uint16_t> references_;
  std::vector<PointId> all_, free_;
};

}  // namespace hearsay::nuts
