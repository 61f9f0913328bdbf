// Sums of very many small charges without the rounding that grows with their number (Neumaier 1974).
#pragma once

#include <cmath>

namespace hearsay::evidence {

class CompensatedSum {
public:
  void add(double x) {
    const double next = sum_ + x;
    correction_ += std::fabs(sum_) >= std::fabs(x) ? (sum_ - next) + x : (x - next) + sum_;
    sum_ = next;
  }
  /// Infinite, not NaN, after an overflow.
  [[nodiscard]] double value() const { return std::isfinite(sum_) ? sum_ + correction_ : sum_; }

private:
  double sum_ = 0;
  double correction_ = 0;
};

}  // namespace hearsay::evidence
