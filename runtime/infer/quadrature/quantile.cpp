#include "runtime/infer/quadrature/quantile.h"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace hearsay::infer::quadrature {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// A panel or a tail as a piece of the distribution function.
struct Piece {
  double lowest = 0;
  double highest = 0;
  double mass = 0;
  double error = 0;
  const Panel* panel = nullptr;  // null: a tail, within which nothing is known
};

std::vector<Piece> pieces_of(const Cover& cover, const std::vector<TailSum>& tails) {
  std::vector<Piece> pieces;
  for (const Panel& p : cover.panels) {
    const Integral& mass = p.integrals.front();
    pieces.push_back({p.lowest(), p.highest(), mass.value, mass.truncation + mass.rounding, &p});
  }
  for (std::size_t i = 0; i < tails.size(); ++i) {
    const Tail& t = cover.tails[i];
    const double end = t.direction() < 0 ? t.chart.anchor : t.chart.side * infinity;
    const double cut = t.chart.x(t.cut);
    pieces.push_back({std::fmin(cut, end), std::fmax(cut, end), tails[i].value, tails[i].error, nullptr});
  }
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.lowest < b.lowest; });
  return pieces;
}

class Inverse {
public:
  Inverse(const Integrator& integrator, std::vector<Piece> pieces, bool from_below)
      : integrator_(integrator), pieces_(std::move(pieces)), from_below_(from_below) {
    if (!from_below_) std::reverse(pieces_.begin(), pieces_.end());
    for (const Piece& p : pieces_) mass_ += p.mass;
    for (const Piece& p : pieces_) mass_error_ += p.error;
  }

  [[nodiscard]] double mass() const { return mass_; }

  // How far the mass up to the point that has `share` of it may be wrong.
  [[nodiscard]] double error_at(double share) const {
    double error = share * mass_error_;
    double sum = 0;
    for (const Piece& p : pieces_) {
      error += p.error;
      sum += p.mass;
      if (sum >= share * mass_) break;
    }
    return error;
  }

  // The point with mass `target` before it. Where a range of points has it (a gap), the end of the range that is
  // nearer to the start or the further one; in a tail, the edge of the tail on that side.
  [[nodiscard]] double point(double target, bool near_end) const {
    double before = 0;
    for (const Piece& p : pieces_) {
      const bool here = near_end ? before + p.mass >= target : before + p.mass > target;
      if (here) {
        if (p.panel == nullptr || near_end ? target <= before : target < before) return edge(p, near_end);
        return p.panel == nullptr ? edge(p, near_end) : inside(*p.panel, target - before);
      }
      before += p.mass;
    }
    return edge(pieces_.back(), false);
  }

private:
  [[nodiscard]] double edge(const Piece& p, bool near_end) const {
    return near_end == from_below_ ? p.lowest : p.highest;
  }

  [[nodiscard]] double inside(const Panel& p, double target) const {
    // Where in the panel's coordinate the mass is counted from.
    const bool ascending = (p.chart.side >= 0) == from_below_;
    const double start = ascending ? p.from : p.to;
    const auto shortfall = [&](double v) {
      if (v == start) return -target;
      return integrator_.panel(p.chart, start, v).integrals.front().value - target;
    };
    const double at_from = shortfall(p.from);
    const double at_to = shortfall(p.to);
    if (at_from == 0 || at_to == 0 || (at_from < 0) == (at_to < 0)) {
      // The target is within rounding of the whole panel.
      return p.chart.x(std::fabs(at_from) < std::fabs(at_to) ? p.from : p.to);
    }
    std::uintmax_t steps = 200;
    const auto [a, b] = boost::math::tools::toms748_solve(shortfall, p.from, p.to, at_from, at_to,
                                                          boost::math::tools::eps_tolerance<double>(50), steps);
    return p.chart.x(0.5 * (a + b));
  }

  const Integrator& integrator_;
  std::vector<Piece> pieces_;
  bool from_below_;
  double mass_ = 0;
  double mass_error_ = 0;
};

}  // namespace

BoundedValue find_quantile(Density& density, double reference, Cover cover, double p, double tolerance) {
  const bool from_below = p <= 0.5;
  const double share = from_below ? p : 1 - p;
  const Integrator plain(density, reference, {});
  const auto inverse = [&] {
    std::vector<TailSum> tails;
    for (const Tail& t : cover.tails) tails.push_back(tail_sums(density, reference, {}, t).front());
    return Inverse(plain, pieces_of(cover, tails), from_below);
  };

  // A first guess; then the panels are refined for the event that lies beyond it, and asked again.
  const Inverse rough = inverse();
  const double guess = rough.point(share * rough.mass(), true);
  if (std::isfinite(guess)) {
    const Integrands1d beyond = [&](double x, std::span<double> out) {
      out[0] = (from_below ? x < guess : x > guess) ? 1 : 0;
    };
    const Integrator refined(density, reference, {&beyond, 1});
    static_cast<void>(refined.integrate(cover, std::span(&guess, 1), tolerance));
  }

  const Inverse exact = inverse();
  const double target = share * exact.mass();
  const double slack = exact.error_at(share);
  const double nearest = exact.point(std::fmax(0, target - slack), true);
  const double furthest = exact.point(target + slack, false);
  const double x = exact.point(target, true);
  const double rounding = 4 * std::numeric_limits<double>::epsilon() * std::fabs(x);
  const double error = std::fmax(std::fabs(x - nearest), std::fabs(furthest - x)) + rounding;
  return {x, std::isnan(error) ? infinity : error, slack <= 4 * tolerance * target && !density.exhausted()};
}

}  // namespace hearsay::infer::quadrature
