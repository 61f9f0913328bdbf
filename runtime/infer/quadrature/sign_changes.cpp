#include "runtime/infer/quadrature/sign_changes.h"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "runtime/infer/quadrature/modes.h"

namespace hearsay::infer::quadrature {
namespace {

class Finder {
public:
  Finder(const std::function<double(double)>& f, const QuadratureOptions& options) : f_(f), options_(options) {}

  [[nodiscard]] double value(double x) const {
    const double y = f_(x);
    if (std::isnan(y)) throw not_finite(options_, {}, y, x);
    // Only finite numbers are interpolated.
    return std::clamp(y, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
  }

  // A boundary between a and b, if f is of different sign there (0 counts as a sign of its own).
  void change_between(double a, double at_a, double b, double at_b) {
    const int sign_a = sign(at_a);
    if (sign_a == sign(at_b)) return;
    if (at_a == 0 || at_b == 0) {
      roots_.push_back(end_of_sign(sign_a, a, b));
      return;
    }
    std::uintmax_t steps = 2000;  // bisection from 1e120 to 1e-120 and down to one ulp takes fewer
    const auto [left, right] = boost::math::tools::toms748_solve(
        [this](double x) { return value(x); }, a, b, at_a, at_b, boost::math::tools::eps_tolerance<double>(52), steps);
    roots_.push_back(left + 0.5 * (right - left));
  }

  // |f| is least at the middle of three points of the same sign: does it reach 0 between them?
  void dip(double a, double at_a, double b, double at_b, double c, double at_c) {
    const double side = sign(at_b);
    constexpr double section = 1 - 1 / std::numbers::phi;
    double left = a;
    double middle = b;
    double right = c;
    double least = side * at_b;
    for (int i = 0; i < 100; ++i) {
      const bool go_left = middle - left > right - middle;
      const double x = go_left ? middle - section * (middle - left) : middle + section * (right - middle);
      if (x <= left || x >= right || x == middle) return;
      const double y = side * value(x);
      if (y <= 0) {
        change_between(a, at_a, x, side * y);
        change_between(x, side * y, c, at_c);
        return;
      }
      if (y < least) {
        (go_left ? right : left) = middle;
        middle = x;
        least = y;
      } else {
        (go_left ? left : right) = x;
      }
    }
  }

  // Ascending; boundaries that are a few units in the last place apart (before and after an exact 0) are one.
  [[nodiscard]] std::vector<double> take() {
    std::sort(roots_.begin(), roots_.end());
    const auto same = [](double x, double y) {
      return y - x <= 8 * std::numeric_limits<double>::epsilon() * std::fabs(x);
    };
    roots_.erase(std::unique(roots_.begin(), roots_.end(), same), roots_.end());
    return std::move(roots_);
  }

private:
  static int sign(double y) { return y < 0 ? -1 : (y > 0 ? 1 : 0); }

  // Bisection: how far from a towards b the sign stays the same.
  [[nodiscard]] double end_of_sign(int sign_a, double a, double b) const {
    for (double x = a + 0.5 * (b - a); x > a && x < b; x = a + 0.5 * (b - a)) {
      (sign(value(x)) == sign_a ? a : b) = x;
    }
    return sign_a == 0 ? a : b;  // of an exact 0 and its neighbour, the 0
  }

  const std::function<double(double)>& f_;
  const QuadratureOptions& options_;
  std::vector<double> roots_;
};

bool same_sign(double a, double b) { return (a < 0 && b < 0) || (a > 0 && b > 0); }

}  // namespace

std::vector<double> sign_scan_points(const Cover& cover, const Support1d& support, double lo, double hi) {
  std::vector<double> points = scan_points({support.lo, support.hi}, {});
  for (const Panel& p : cover.panels) {
    points.insert(points.end(), p.x.begin(), p.x.end());
    points.push_back(p.chart.x(p.from));
    points.push_back(p.chart.x(p.to));
  }
  for (const Tail& tail : cover.tails) {
    constexpr double step = 0.25;
    for (double v = tail.cut; tail.direction() * (tail.limit - v) > 0; v += tail.direction() * step) {
      points.push_back(tail.chart.x(v));
    }
  }
  std::erase_if(points, [&](double x) { return !(x > lo && x < hi); });
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

std::vector<double> sign_changes(const std::function<double(double)>& f, const std::vector<double>& points,
                                 const QuadratureOptions& options) {
  Finder finder(f, options);
  std::vector<double> y;
  y.reserve(points.size());
  for (const double x : points) y.push_back(finder.value(x));
  for (std::size_t i = 1; i < points.size(); ++i) {
    finder.change_between(points[i - 1], y[i - 1], points[i], y[i]);
    if (i + 1 == points.size() || !same_sign(y[i - 1], y[i]) || !same_sign(y[i], y[i + 1])) continue;
    const bool least = std::fabs(y[i]) < std::fabs(y[i - 1]) && std::fabs(y[i]) <= std::fabs(y[i + 1]);
    if (least) finder.dip(points[i - 1], y[i - 1], points[i], y[i], points[i + 1], y[i + 1]);
  }
  return finder.take();
}

}  // namespace hearsay::infer::quadrature
