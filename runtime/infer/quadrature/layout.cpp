#include "runtime/infer/quadrature/layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "runtime/infer/quadrature/modes.h"
#include "runtime/infer/quadrature/peaks.h"

namespace hearsay::infer::quadrature {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr double growth = 3;           // of the panels' distance from a mode
constexpr int panels_before_tail = 3;  // on each side of an outermost mode: 9 widths

std::vector<Segment> segments_of(const Support1d& support) {
  if (!(support.lo < support.hi)) return {};  // also NaN
  std::vector<double> edges{support.lo, support.hi};
  for (const double b : support.breakpoints) {
    if (b > support.lo && b < support.hi) edges.push_back(b);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::vector<Segment> segments;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) segments.push_back({edges[i], edges[i + 1]});
  return segments;
}

// The exponent a of a density that goes like distance^a at `distance` from an end.
double exponent_near(Density& density, double end, int side, double distance) {
  const double near = end + side * distance;
  const double far = end + side * 2 * distance;
  const double at_near = density(near);
  const double at_far = density(far);
  if (at_near == minus_infinity) return std::numeric_limits<double>::infinity();  // vanishes
  return (at_far - at_near) / std::log((far - end) / (near - end));
}

// Whether a polynomial rule needs no help at this end: the density vanishes quickly there or has a Taylor series.
bool is_regular(Density& density, double end, int side, double room) {
  const double finest = resolution_at(end);
  if (room < 64 * finest) return true;  // nothing finer can be resolved
  const double near = exponent_near(density, end, side, std::fmax(finest, std::ldexp(room, -40)));
  const double far = exponent_near(density, end, side, std::fmax(2 * finest, std::ldexp(room, -28)));
  constexpr double steep = 8;
  if (near > steep && far > steep) return true;
  return near > -0.5 && std::fabs(near - std::round(near)) < 1e-4 && std::fabs(near - far) < 1e-3;
}

class SegmentLayout {
public:
  SegmentLayout(Density& density, const Segment& segment, Layout& layout)
      : density_(density), segment_(segment), layout_(layout) {}

  void add(const std::vector<Mode>& modes) {
    for (std::size_t i = 0; i < modes.size(); ++i) {
      const Mode& m = modes[i];
      edges_.push_back(m.x);
      if (i == 0) {
        towards_end(m, -1);
      } else {
        between(m, -1, 0.5 * (modes[i - 1].x + m.x));
      }
      if (i + 1 == modes.size()) {
        towards_end(m, +1);
      } else {
        between(m, +1, 0.5 * (m.x + modes[i + 1].x));
      }
    }
    std::sort(edges_.begin(), edges_.end());
    for (std::size_t i = 0; i + 1 < edges_.size(); ++i) {
      if (edges_[i] < edges_[i + 1]) layout_.stretches.push_back({{}, edges_[i], edges_[i + 1]});
    }
  }

private:
  void between(const Mode& m, int side, double until) {
    const double room = std::fabs(until - m.x);
    for (double d = width(m, side); d < room; d *= growth) edges_.push_back(m.x + side * d);
  }

  void towards_end(const Mode& m, int side) {
    const double end = side < 0 ? segment_.lo : segment_.hi;
    double d = width(m, side);
    if (std::isinf(end)) {
      for (int i = 0; i < panels_before_tail; ++i) {
        edges_.push_back(m.x + side * d);
        if (i + 1 < panels_before_tail) d *= growth;
      }
      layout_.tails.push_back(tail_at({m.x, side}, std::log(d), std::log(outer_limit)));
      return;
    }
    const double room = std::fabs(end - m.x);
    const bool regular = is_regular(density_, end, -side, room);
    double last = m.x;
    for (; d < (regular ? 0.9 : 0.5) * room; d *= growth) {
      last = m.x + side * d;
      edges_.push_back(last);
    }
    const double rest = std::fabs(end - last);
    if (regular || rest < 4 * resolution_at(end)) {
      edges_.push_back(end);
      if (rest > 64 * resolution_at(end)) {
        layout_.regular_ends.push_back(tail_at({end, -side}, std::log(rest), std::log(resolution_at(end))));
        layout_.regular_ends.back().cut = layout_.regular_ends.back().limit;
      }
    } else {
      layout_.tails.push_back(tail_at({end, -side}, std::log(rest), std::log(resolution_at(end))));
    }
  }

  static double width(const Mode& m, int side) { return side < 0 ? m.left : m.right; }

  static Tail tail_at(const Chart& chart, double begin, double limit) {
    Tail tail;
    tail.chart = chart;
    tail.begin = tail.cut = begin;
    tail.limit = limit;
    return tail;
  }

  Density& density_;
  const Segment& segment_;
  Layout& layout_;
  std::vector<double> edges_;
};

}  // namespace

Layout lay_out(Density& density, const Support1d& support) {
  const QuadratureOptions& options = density.options();
  Layout layout;
  layout.reference = minus_infinity;
  for (const Segment& segment : segments_of(support)) {
    const std::vector<Mode> modes = find_modes(density, segment);
    for (const Mode& m : modes) {
      if (m.rising_towards != 0) throw improper(options, m.rising_towards < 0 ? segment.lo : segment.hi);
    }
    if (!modes.empty()) {
      SegmentLayout(density, segment, layout).add(modes);
      for (const Mode& m : modes) {
        layout.reference = std::max(layout.reference, m.height - log_natural_stretch(segment, m.x));
      }
    } else if (std::isfinite(segment.lo) && std::isfinite(segment.hi)) {
      layout.stretches.push_back({{}, segment.lo, segment.hi});
    }
  }
  if (layout.reference == minus_infinity) throw no_mass(options, support);
  return layout;
}

}  // namespace hearsay::infer::quadrature

namespace hearsay::infer {

std::vector<double> find_peaks(const LogDensity1d& component, const Support1d& support,
                               const QuadratureOptions& options) {
  std::vector<double> peaks;
  try {
    quadrature::Density density(component, options);
    for (const quadrature::Segment& segment : quadrature::segments_of(support))
      for (const quadrature::Mode& m : quadrature::find_modes(density, segment)) peaks.push_back(m.x);
  } catch (const quadrature::HigherMass& found) {
    peaks.push_back(found.x);
  } catch (const quadrature::Refusal&) {
    // What is wrong with the density is said when the whole is integrated.
  }
  return peaks;
}

}  // namespace hearsay::infer
