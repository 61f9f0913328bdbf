#include "runtime/infer/quadrature/modes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "runtime/infer/quadrature/chart.h"

namespace hearsay::infer::quadrature {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr double fine_step = 0.25;  // of ln distance, up to fine_range
constexpr double fine_range = 12;   // e^±12: scales that models usually have
constexpr double coarse_step = 2;   // beyond
constexpr int even_points = 128;    // of a finite interval
constexpr std::size_t most_climbs = 64;
constexpr int closer_looks = 6;
constexpr std::size_t most_added = 200;  // points in one closer look
constexpr double negligible = 60;        // nats below the highest mode
constexpr double same_height = 1e-3;     // nats: a climb that gains less than this is over

// Distances from `from` to `to` (both positive), even in their logarithm.
template <class Visit>
void each_distance(double from, double to, Visit&& visit) {
  const double last = std::log(to);
  for (double t = std::log(from); t < last; t += std::fabs(t) <= fine_range ? fine_step : coarse_step) {
    visit(std::exp(t));
  }
}

class Climber {
public:
  Climber(Density& density, const Segment& segment) : density_(density), segment_(segment) {}

  [[nodiscard]] double height(double x) const {
    const double g = density_(x);
    return g == minus_infinity ? g : g + log_natural_stretch(segment_, x);
  }

  // The maximum between a and c, given a point b between them that is at least as high as both.
  [[nodiscard]] std::pair<double, double> climb(double a, double b, double at_b, double c) const {
    constexpr double section = 1 - 1 / std::numbers::phi;
    double at_a = height(a);
    double at_c = height(c);
    for (int i = 0; i < 200 && (at_b - std::min(at_a, at_c) > same_height); ++i) {
      const bool go_left = b - a > c - b;
      const double x = go_left ? b - section * (b - a) : b + section * (c - b);
      if (x <= a || x >= c || x == b) break;
      const double at_x = height(x);
      if (at_x > at_b) {
        (go_left ? c : a) = b;
        (go_left ? at_c : at_a) = at_b;
        b = x;
        at_b = at_x;
      } else {
        (go_left ? a : c) = x;
        (go_left ? at_a : at_c) = at_x;
      }
    }
    return {b, at_b};
  }

  // The distance at which the height has dropped by half a nat, to within a factor of 2.
  [[nodiscard]] double width(double mode, double at_mode, int side) const {
    const double end = side < 0 ? segment_.lo : segment_.hi;
    const double room = std::isinf(end) ? outer_limit : std::fabs(end - mode);
    const auto dropped = [&](double distance) { return !(height(mode + side * distance) > at_mode - 0.5); };
    int near = mode == 0 ? -400 : std::ilogb(mode) - 50;
    int far = std::ilogb(room) - 1;
    if (near >= far || !dropped(std::ldexp(1.0, far))) return room;
    while (far - near > 1) {
      const int middle = near + (far - near) / 2;
      (dropped(std::ldexp(1.0, middle)) ? far : near) = middle;
    }
    return std::ldexp(1.0, far);
  }

private:
  Density& density_;
  const Segment& segment_;
};

struct Scanned {
  double x = 0;
  double t = 0;
  double height = 0;
};

// Halves the intervals around every point that lies below the chord of its neighbours by more than noise: there may be
// a mode between them whose slope the scan does not show. Whether there was any.
bool look_closer(const Climber& climber, const Segment& segment, std::vector<Scanned>& scan) {
  constexpr double noticeable = 0.1;  // nats
  std::vector<Scanned> added;
  std::size_t last_halved = 0;  // the interval that ends at this index
  const auto halve = [&](std::size_t i) {
    if (i == last_halved) return;
    last_halved = i;
    const double x = 0.5 * scan[i - 1].x + 0.5 * scan[i].x;
    if (x > scan[i - 1].x && x < scan[i].x) added.push_back({x, natural_coordinate(segment, x), climber.height(x)});
  };
  for (std::size_t i = 1; i + 1 < scan.size() && added.size() < most_added; ++i) {
    const Scanned& a = scan[i - 1];
    const Scanned& b = scan[i];
    const Scanned& c = scan[i + 1];
    const double share = (b.t - a.t) / (c.t - a.t);
    const double chord = (1 - share) * a.height + share * c.height;
    if (!(chord > b.height + noticeable)) continue;  // also where both are −∞
    halve(i);
    halve(i + 1);
  }
  scan.insert(scan.end(), added.begin(), added.end());
  std::sort(scan.begin(), scan.end(), [](const Scanned& a, const Scanned& b) { return a.x < b.x; });
  return !added.empty();
}

// A top at an end of the scan, if the scan went as near to that end as numbers allow.
int rising_towards(const Segment& segment, std::size_t index, std::size_t count) {
  const double length = segment.hi - segment.lo;
  const auto followed = [&](double end) { return std::isinf(end) || length > 64 * resolution_at(end); };
  if (index == 0 && followed(segment.lo)) return -1;
  return index + 1 == count && followed(segment.hi) ? +1 : 0;
}

void merge_neighbours(std::vector<Mode>& modes) {
  std::vector<Mode> kept;
  for (const Mode& m : modes) {
    if (!kept.empty() && m.x - kept.back().x < 0.1 * std::min(m.left, kept.back().right)) {
      if (m.height > kept.back().height) kept.back() = m;
    } else {
      kept.push_back(m);
    }
  }
  modes = std::move(kept);
}

}  // namespace

double log_natural_stretch(const Segment& segment, double x) {
  const bool left = std::isfinite(segment.lo);
  const bool right = std::isfinite(segment.hi);
  if (!left && !right) return std::log(std::hypot(1, x));
  const double from_left = left ? std::log(x - segment.lo) : 0;
  const double from_right = right ? std::log(segment.hi - x) : 0;
  return left && right ? from_left + from_right - std::log(segment.hi - segment.lo) : from_left + from_right;
}

double natural_coordinate(const Segment& segment, double x) {
  const bool left = std::isfinite(segment.lo);
  const bool right = std::isfinite(segment.hi);
  if (!left && !right) return std::asinh(x);
  return (left ? std::log(x - segment.lo) : 0) - (right ? std::log(segment.hi - x) : 0);
}

std::vector<double> scan_points(const Segment& segment, const std::vector<double>& landmarks) {
  const auto [lo, hi] = segment;
  std::vector<double> points;
  const auto add = [&](double x) {
    if (x > lo && x < hi) points.push_back(x);
  };
  const bool left = std::isfinite(lo);
  const bool right = std::isfinite(hi);
  const double reach = left && right ? 0.5 * hi - 0.5 * lo : outer_limit;
  if (left) each_distance(resolution_at(lo), reach, [&](double d) { add(lo + d); });
  if (right) each_distance(resolution_at(hi), reach, [&](double d) { add(hi - d); });
  if (left && right) {
    for (int i = 1; i < even_points; ++i) add(lo + (2 * reach) * i / even_points);
  }
  if (!left && !right) {
    add(0);
    each_distance(std::exp(-40.0), outer_limit, [&](double d) {
      add(d);
      add(-d);
    });
  }
  for (const double x : landmarks) add(x);
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

std::vector<Mode> find_modes(Density& density, const Segment& segment) {
  const Climber climber(density, segment);
  const std::vector<double> points = scan_points(segment, density.options().landmarks);
  std::vector<Scanned> scan;
  scan.reserve(points.size());
  for (const double x : points) scan.push_back({x, natural_coordinate(segment, x), climber.height(x)});
  for (int pass = 0; pass < closer_looks && look_closer(climber, segment, scan); ++pass) {
  }

  std::vector<std::size_t> tops;
  for (std::size_t i = 0; i < scan.size(); ++i) {
    const double before = i == 0 ? minus_infinity : scan[i - 1].height;
    const double after = i + 1 == scan.size() ? minus_infinity : scan[i + 1].height;
    if (scan[i].height > before && scan[i].height >= after) tops.push_back(i);
  }
  const auto higher = [&](std::size_t a, std::size_t b) { return scan[a].height > scan[b].height; };
  std::sort(tops.begin(), tops.end(), higher);
  if (tops.size() > most_climbs) tops.resize(most_climbs);

  std::vector<Mode> modes;
  double highest = minus_infinity;
  for (const std::size_t i : tops) {
    const double a = scan[i == 0 ? i : i - 1].x;
    const double c = scan[std::min(i + 1, scan.size() - 1)].x;
    const auto [x, height] = climber.climb(a, scan[i].x, scan[i].height, c);
    modes.push_back({x, height, 0, 0, rising_towards(segment, i, scan.size())});
    highest = std::max(highest, height);
  }
  std::erase_if(modes, [&](const Mode& m) { return m.height < highest - negligible; });
  for (Mode& m : modes) {
    m.left = climber.width(m.x, m.height, -1);
    m.right = climber.width(m.x, m.height, +1);
  }
  std::sort(modes.begin(), modes.end(), [](const Mode& a, const Mode& b) { return a.x < b.x; });
  merge_neighbours(modes);
  return modes;
}

}  // namespace hearsay::infer::quadrature
