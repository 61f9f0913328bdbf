// Neumaier's compensated sum: the rounding error does not grow with the number of terms.
#pragma once

#include <cmath>

namespace hearsay::eval {

class Neumaier {
public:
  void add(double x) {
    plain_ += x;
    const double next = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - next) + x : (x - next) + sum_;
    sum_ = next;
  }
  /// Infinities and NaN come out as an ordinary sum gives them.
  [[nodiscard]] double total() const { return std::isfinite(sum_) ? sum_ + lost_ : plain_; }

private:
  double sum_ = 0;
  double lost_ = 0;
  double plain_ = 0;
};

}  // namespace hearsay::eval
