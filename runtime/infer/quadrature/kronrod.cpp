#include "runtime/infer/quadrature/kronrod.h"

#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>

namespace hearsay::infer::quadrature {
namespace {

constexpr std::size_t first = 1;  // Kronrod's nodes
constexpr std::size_t last = rule_size - 2;
constexpr double end_point = 1 - 0x1p-29;  // inside, so that a jump or pole at a breakpoint is not evaluated

// Lagrange's coefficients at `x` for the nodes.
std::array<double, rule_size> extrapolation_to(double x, const std::array<double, rule_size>& node) {
  std::array<double, rule_size> coefficient{};
  for (std::size_t i = first; i <= last; ++i) {
    coefficient[i] = 1;
    for (std::size_t j = first; j <= last; ++j) {
      if (j != i) coefficient[i] *= (x - node[j]) / (node[i] - node[j]);
    }
  }
  return coefficient;
}

Rule unfold() {
  constexpr std::size_t kronrod_size = last - first + 1;
  using Kronrod = boost::math::quadrature::gauss_kronrod<double, kronrod_size>;
  using Gauss = boost::math::quadrature::gauss<double, (kronrod_size - 1) / 2>;
  // The tables hold the half with x ≥ 0, ascending from 0; of those, the odd ones are Gauss's.
  constexpr std::size_t centre = rule_size / 2;
  Rule rule;
  rule.node.front() = -end_point;
  rule.node.back() = end_point;
  for (std::size_t i = 0; i <= kronrod_size / 2; ++i) {
    const double x = Kronrod::abscissa()[i];
    const double gauss = i % 2 == 1 ? Gauss::weights()[i / 2] : 0.0;
    for (const std::size_t at : {centre + i, centre - i}) {
      rule.node[at] = at < centre ? -x : x;
      rule.kronrod[at] = Kronrod::weights()[i];
      rule.gauss[at] = gauss;
    }
  }
  const double gap = 1 - rule.node[last];
  rule.left = extrapolation_to(-end_point, rule.node);
  rule.right = extrapolation_to(end_point, rule.node);
  rule.left.front() = rule.right.back() = -1;
  for (std::size_t i = 0; i < rule_size; ++i) {
    rule.left[i] *= gap;
    rule.right[i] *= gap;
  }
  return rule;
}

}  // namespace

const Rule& kronrod_rule() {
  static const Rule rule = unfold();
  return rule;
}

}  // namespace hearsay::infer::quadrature
