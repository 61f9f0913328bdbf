// The quadrature rule of one panel: Kronrod's 21 points around Gauss's 10.
#pragma once

#include <array>
#include <cstddef>

namespace hearsay::infer::quadrature {

/// Kronrod's 21 nodes and, with weight 0, a point just inside each end of the interval.
inline constexpr std::size_t rule_size = 23;

/// Points on [−1, 1] in ascending order; `gauss` is 0 at the nodes that only Kronrod's rule uses. The difference of the
/// two sums is the truncation error of the 10-point rule, hence a generous bound for the 21-point one. A jump between
/// an end and the outermost node would go unseen: `left` and `right` give the polynomial through the nodes at the two
/// end points minus the integrand there, times the length of the gap.
struct Rule {
  std::array<double, rule_size> node{};
  std::array<double, rule_size> kronrod{};
  std::array<double, rule_size> gauss{};
  std::array<double, rule_size> left{};
  std::array<double, rule_size> right{};
};

/// Abscissae and weights from Boost.Math's tables (Kronrod 1965; Piessens et al., QUADPACK, 1983, for the use).
[[nodiscard]] const Rule& kronrod_rule();

}  // namespace hearsay::infer::quadrature
