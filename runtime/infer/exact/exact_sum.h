// Sums of many numbers without loss, and which log-weights can be summed at all.
#pragma once

#include <cmath>
#include <limits>

namespace hearsay::exact {

/// Neumaier's compensated sum (1974): the error does not grow with the number of terms.
class ExactSum {
public:
  void add(double x) {
    const double t = sum_ + x;
    lost_ += std::fabs(sum_) >= std::fabs(x) ? (sum_ - t) + x : (x - t) + sum_;
    sum_ = t;
  }
  [[nodiscard]] double value() const { return sum_ + lost_; }

private:
  double sum_ = 0;
  double lost_ = 0;
};

/// -inf, or finite and so far from the largest double that no sum of them overflows.
[[nodiscard]] inline bool usable_log_weight(double x) {
  return std::fabs(x) <= 1e300 || x == -std::numeric_limits<double>::infinity();
}

}  // namespace hearsay::exact
