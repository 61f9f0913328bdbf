#include "runtime/infer/quadrature/integrator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hearsay::infer::quadrature {
namespace {

constexpr double unit_roundoff = std::numeric_limits<double>::epsilon() / 2;
constexpr double overflow = 600;  // nats above the reference
constexpr double tail_growth = 1.5;
constexpr double share_of_tails = 0.1;  // of the tolerance
constexpr int most_stalls = 2;
constexpr std::size_t recount_every = 64;

// The largest error of a panel relative to what is tolerated in all, and whose it is.
struct Excess {
  double ratio = 0;
  std::size_t quantity = 0;
};

Excess excess(const Panel& panel, const Integrals& totals, double tolerance) {
  Excess worst;
  for (std::size_t k = 0; k < totals.size(); ++k) {
    const double allowed = tolerance * totals[k].magnitude;
    if (!(allowed > 0)) continue;  // underflow: nothing to be accurate about
    const double ratio = panel.integrals[k].truncation / allowed;
    if (ratio > worst.ratio) worst = {ratio, k};
  }
  return worst;
}

bool splittable(const Panel& panel) {
  const double middle = 0.5 * (panel.from + panel.to);
  const double finest = 64 * unit_roundoff * std::fmax(std::fabs(panel.from), std::fabs(panel.to));
  return panel.to - panel.from > finest && panel.chart.x(middle) != panel.chart.x(panel.from) &&
         panel.chart.x(middle) != panel.chart.x(panel.to);
}

// Splitting a panel on which only rounding errors are left makes two that add up to the same error.
bool stalled(const Panel& parent, const Panel& a, const Panel& b, std::size_t k) {
  constexpr double like_rounding = 1e-7;
  const Integral& whole = parent.integrals[k];
  return whole.truncation < like_rounding * whole.magnitude &&
         a.integrals[k].truncation + b.integrals[k].truncation > 0.5 * whole.truncation;
}

bool within(const Integrals& open, const Integrals& totals, double tolerance) {
  for (std::size_t k = 0; k < totals.size(); ++k) {
    const double allowed = tolerance * totals[k].magnitude;
    if (allowed > 0 && open[k].truncation > allowed) return false;
  }
  return true;
}

}  // namespace

Panel Integrator::panel(const Chart& chart, double from, double to) const {
  const Rule& rule = kronrod_rule();
  Panel p;
  p.chart = chart;
  p.from = std::fmin(from, to);
  p.to = std::fmax(from, to);
  const double centre = 0.5 * (p.from + p.to);
  const double half = 0.5 * (p.to - p.from);
  for (std::size_t i = 0; i < rule_size; ++i) {
    const double v = centre + half * rule.node[i];
    p.x[i] = chart.x(v);
    p.log_density[i] = density_(p.x[i]);
    const double exponent = p.log_density[i] - reference_ + chart.log_stretch(v);
    if (exponent > overflow) throw HigherMass{p.x[i]};
    p.weight[i] = half * std::exp(exponent);
  }
  measure(p);
  return p;
}

void Integrator::measure(Panel& p) const {
  const Rule& rule = kronrod_rule();
  const QuadratureOptions& options = density_.options();
  const std::size_t count = quantities_.count + 1;
  std::vector<double> h(quantities_.count);
  struct Checks {
    double gauss = 0;
    double left = 0;
    double right = 0;
  };
  std::vector<Checks> checks(count);
  p.integrals.assign(count, {});
  const double furthest = p.chart.side == 0 ? 0 : std::fmax(std::fabs(p.from), std::fabs(p.to));
  for (std::size_t i = 0; i < rule_size; ++i) {
    if (p.weight[i] == 0) continue;  // a quantity may be meaningless where the density is 0
    if (!h.empty()) (*quantities_.evaluate)(p.x[i], h);
    const double relative = unit_roundoff * (std::fabs(p.log_density[i]) + furthest + 8) + options.log_density_error;
    for (std::size_t k = 0; k < count; ++k) {
      const double term = p.weight[i] * (k == 0 ? 1 : h[k - 1]);
      if (!std::isfinite(term)) {
        throw not_finite(density_.options(), p.chart, h[k - 1], p.x[i]);
      }
      Integral& sum = p.integrals[k];
      sum.value += rule.kronrod[i] * term;
      sum.magnitude += rule.kronrod[i] * std::fabs(term);
      sum.rounding += rule.kronrod[i] * std::fabs(term) * relative;
      sum.square += rule.kronrod[i] * term * (k == 0 ? relative * relative : h[k - 1]);
      checks[k].gauss += rule.gauss[i] * term;
      checks[k].left += rule.left[i] * term;
      checks[k].right += rule.right[i] * term;
    }
  }
  for (std::size_t k = 0; k < count; ++k) {
    const auto& [by_gauss, left, right] = checks[k];
    p.integrals[k].truncation = std::fabs(p.integrals[k].value - by_gauss) + std::fabs(left) + std::fabs(right);
  }
}

void Integrator::split_at(Cover& cover, double x) const {
  for (Tail& tail : cover.tails) {
    const double v = tail.chart.v(x);
    if (std::isnan(v)) continue;  // on the other side of the anchor
    const int outwards = tail.direction();
    if (outwards * (v - tail.cut) > 0) {
      if (outwards * (v - tail.limit) < 0) {
        extend(cover, tail, v);
        extend_by_step(cover, tail);  // whether the next quantity begins here is seen beyond, not at, the breakpoint
      } else if (std::isfinite(v)) {
        tail.split = true;
      }
      return;
    }
  }
  for (std::size_t i = 0; i < cover.panels.size(); ++i) {
    const Panel& p = cover.panels[i];
    if (!(x > p.lowest() && x < p.highest())) continue;
    const double v = p.chart.v(x);
    if (v > p.from && v < p.to) {
      Panel left = panel(p.chart, p.from, v);
      Panel right = panel(p.chart, v, p.to);
      cover.panels[i] = std::move(left);
      cover.panels.push_back(std::move(right));
    }
    return;
  }
}

void Integrator::extend(Cover& cover, Tail& tail, double to) const {
  cover.panels.push_back(panel(tail.chart, tail.cut, to));
  tail.cut = to;
}

void Integrator::extend_by_step(Cover& cover, Tail& tail) const {
  const double next = tail.cut + tail.direction() * tail.step;
  extend(cover, tail, tail.direction() > 0 ? std::fmin(next, tail.limit) : std::fmax(next, tail.limit));
  tail.step *= tail_growth;
}

bool Integrator::extend_tails(Cover& cover, double tolerance) const {
  const std::size_t before = cover.panels.size();
  for (Tail& tail : cover.tails) {
    if (tail.cut == tail.begin) extend_by_step(cover, tail);  // its rate is measured on a panel
  }
  Integrals totals = total(cover.panels);
  for (Tail& tail : cover.tails) {
    while (!tail.at_limit() && !density_.exhausted()) {
      const std::vector<TailSum> left = tail_sums(density_, reference_, quantities_, tail);
      bool negligible = true;
      for (std::size_t k = 0; k < left.size(); ++k) {
        if (left[k].unbounded || left[k].error > share_of_tails * tolerance * totals[k].magnitude) negligible = false;
      }
      if (negligible) break;
      extend_by_step(cover, tail);
      for (std::size_t k = 0; k < totals.size(); ++k) totals[k] += cover.panels.back().integrals[k];
    }
  }
  return cover.panels.size() > before;
}

Integrals Integrator::total(const std::vector<Panel>& panels) const {
  Integrals totals(quantities_.count + 1);
  for (const Panel& p : panels) {
    for (std::size_t k = 0; k < totals.size(); ++k) totals[k] += p.integrals[k];
  }
  return totals;
}

void Integrator::refine(std::vector<Panel>& panels, double tolerance) const {
  Integrals totals = total(panels);
  using Entry = std::pair<double, std::size_t>;  // excess, index into `panels`
  std::vector<Entry> heap;
  Integrals open = totals;  // of the panels in the heap; a panel that leaves it unsplit cannot be improved
  for (std::size_t i = 0; i < panels.size(); ++i) heap.emplace_back(excess(panels[i], totals, tolerance).ratio, i);
  std::make_heap(heap.begin(), heap.end());

  for (std::size_t steps = 1; !heap.empty() && !within(open, totals, tolerance) && !density_.exhausted(); ++steps) {
    std::pop_heap(heap.begin(), heap.end());
    const std::size_t i = heap.back().second;
    heap.pop_back();
    const Excess worst = excess(panels[i], totals, tolerance);
    for (std::size_t k = 0; k < open.size(); ++k) open[k].truncation -= panels[i].integrals[k].truncation;
    if (worst.ratio == 0 || panels[i].stalls >= most_stalls || !splittable(panels[i])) continue;
    const double middle = 0.5 * (panels[i].from + panels[i].to);
    Panel left = panel(panels[i].chart, panels[i].from, middle);
    Panel right = panel(panels[i].chart, middle, panels[i].to);
    left.stalls = right.stalls = panels[i].stalls + (stalled(panels[i], left, right, worst.quantity) ? 1 : 0);
    for (std::size_t k = 0; k < totals.size(); ++k) {
      totals[k].magnitude +=
          left.integrals[k].magnitude + right.integrals[k].magnitude - panels[i].integrals[k].magnitude;
      open[k].truncation += left.integrals[k].truncation + right.integrals[k].truncation;
    }
    panels[i] = std::move(left);
    panels.push_back(std::move(right));
    for (const std::size_t child : {i, panels.size() - 1}) {
      heap.emplace_back(excess(panels[child], totals, tolerance).ratio, child);
      std::push_heap(heap.begin(), heap.end());
    }
    if (steps % recount_every == 0) {  // what was added and subtracted has its own rounding errors
      totals = total(panels);
      open.assign(open.size(), {});
      for (const Entry& entry : heap) {
        for (std::size_t k = 0; k < open.size(); ++k) open[k] += panels[entry.second].integrals[k];
      }
    }
  }
}

void Integrator::add_tails(const std::vector<Tail>& tails, Integrals& totals) const {
  const QuadratureOptions& options = density_.options();
  for (const Tail& tail : tails) {
    const std::vector<TailSum> sums = tail_sums(density_, reference_, quantities_, tail);
    const double end =
        tail.direction() < 0 ? tail.chart.anchor : tail.chart.side * std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < sums.size(); ++k) {
      if (sums[k].unbounded && tail.at_limit()) {
        if (k == 0) throw improper(options, end);
        throw diverges(options, end);
      }
      totals[k].value += sums[k].value;
      totals[k].magnitude += std::fabs(sums[k].value);
      totals[k].tail += sums[k].error;
    }
  }
}

void Integrator::refuse_poles(const Cover& cover) const {
  if (quantities_.count == 0) return;
  for (const Tail& end : cover.regular_ends) {
    if (quantity_has_pole(density_, reference_, quantities_, end)) {
      throw diverges(density_.options(), end.chart.anchor);
    }
  }
}

Integrals Integrator::integrate(Cover& cover, std::span<const double> breakpoints, double tolerance) const {
  refuse_poles(cover);
  for (Panel& p : cover.panels) measure(p);
  for (const double x : breakpoints) split_at(cover, x);
  extend_tails(cover, tolerance);
  do {
    refine(cover.panels, tolerance);
  } while (extend_tails(cover, tolerance));  // magnitudes are known better now
  Integrals totals = total(cover.panels);
  add_tails(cover.tails, totals);
  return totals;
}

}  // namespace hearsay::infer::quadrature
