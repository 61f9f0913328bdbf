#include "runtime/infer/quadrature/tail.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace hearsay::infer::quadrature {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unit_roundoff = std::numeric_limits<double>::epsilon() / 2;

// ln |quantity · density · dx/dv| and its sign, for each quantity, where x can really be represented.
struct Sample {
  double v = 0;
  double log_density = 0;
  std::vector<double> log_size;
  std::vector<int> sign;
};

class Sampler {
public:
  Sampler(Density& density, double reference, const Quantities& quantities, const Chart& chart)
      : density_(density), reference_(reference), quantities_(quantities), chart_(chart) {}

  [[nodiscard]] Sample at(double v) const {
    Sample s;
    const double x = chart_.x(v);
    s.v = chart_.v(x);
    s.log_density = density_(x);
    const double base = s.log_density - reference_ + s.v;
    s.log_size.assign(quantities_.count + 1, base);
    s.sign.assign(quantities_.count + 1, 1);
    if (quantities_.count > 0 && base > -infinity) {
      std::vector<double> h(quantities_.count);
      (*quantities_.evaluate)(x, h);
      for (std::size_t k = 0; k < h.size(); ++k) {
        if (!std::isfinite(h[k])) {
          throw not_finite(density_.options(), chart_, h[k], x);
        }
        s.log_size[k + 1] += std::log(std::fabs(h[k]));
        s.sign[k + 1] = h[k] < 0 ? -1 : 1;
      }
    }
    return s;
  }

private:
  Density& density_;
  double reference_;
  const Quantities& quantities_;
  const Chart& chart_;
};

// An octave of the distance, the outer sample first.
struct Octave {
  Sample outer;
  Sample inner;

  [[nodiscard]] bool vanishes(std::size_t k) const {
    return outer.log_size[k] == -infinity && inner.log_size[k] == -infinity;
  }
  [[nodiscard]] bool same_sign(std::size_t k) const {
    return outer.log_size[k] > -infinity && inner.log_size[k] > -infinity && outer.sign[k] == inner.sign[k];
  }
  // How fast the integrand decays outwards, per unit of v.
  [[nodiscard]] double rate(std::size_t k) const {
    return (inner.log_size[k] - outer.log_size[k]) / std::fabs(outer.v - inner.v);
  }
  // What rounding of the log density can do to that rate.
  [[nodiscard]] double rate_noise(double log_density_error) const {
    const double g = std::fmax(std::fabs(outer.log_density), std::fabs(inner.log_density));
    return 2 * (unit_roundoff * (g + std::fabs(outer.v) + 8) + log_density_error) / std::fabs(outer.v - inner.v);
  }
};

// At none of three places does the integrand decay by more than noise.
bool never_decays(const Octave& half, const Octave& late, const Octave& last, std::size_t k, double log_density_error) {
  constexpr double slack = 1e-6;
  for (const Octave* o : {&half, &late, &last}) {
    if (!o->same_sign(k) || o->rate(k) > slack + o->rate_noise(log_density_error)) return false;
  }
  return true;
}

// At the limit. `half` and `late` are half and a quarter as far from it as the region where the rate can be compared.
// If the rate settles geometrically (a Taylor series in the distance), little drift remains; if not (logarithms), as
// much as was seen.
TailSum settled(const Octave& half, const Octave& late, const Octave& last, std::size_t k, double log_density_error) {
  const double noise = last.rate_noise(log_density_error);
  const double rate = last.rate(k);
  const double early_drift = std::fabs(half.rate(k) - late.rate(k));
  const double late_drift = std::fabs(late.rate(k) - rate);
  const double drift = late_drift < 0.25 * early_drift ? 2 * late_drift * (late_drift / early_drift)
                                                       : 2 * std::fabs(half.rate(k) - rate);
  const double slowest = rate - drift - noise;
  if (!(slowest > 0)) return {0, infinity, k == 0 || never_decays(half, late, last, k, log_density_error)};
  const double value = std::exp(last.outer.log_size[k]) / rate;
  return {last.outer.sign[k] * value, value * (drift + noise) / slowest, false};
}

// At the limit, where the rate cannot be compared with rates further in (a breakpoint is near): the quantity stays what
// it is, to within what it changed in the last octave.
TailSum constant(const TailSum& mass, const Octave& last, std::size_t k) {
  const auto quantity = [k](const Sample& s) { return s.sign[k] * std::exp(s.log_size[k] - s.log_size[0]); };
  const double here = quantity(last.outer);
  const double change = std::fabs(here - quantity(last.inner));
  return {here * mass.value, std::fabs(here) * mass.error + change * (std::fabs(mass.value) + mass.error),
          mass.unbounded};
}

}  // namespace

std::vector<TailSum> tail_sums(Density& density, double reference, const Quantities& quantities, const Tail& tail) {
  const Sampler sampler(density, reference, quantities, tail.chart);
  const auto octave = [&](double v) {
    return Octave{sampler.at(v), sampler.at(v - tail.direction() * std::numbers::ln2)};
  };
  const Octave last = octave(tail.cut);
  std::vector<TailSum> sums(quantities.count + 1);
  if (!tail.at_limit()) {
    constexpr double slow = 0.01;
    for (std::size_t k = 0; k < sums.size(); ++k) {
      if (last.vanishes(k)) continue;
      const double size = std::exp(std::fmax(last.outer.log_size[k], last.inner.log_size[k]));
      const bool decays = last.same_sign(k) && last.rate(k) > slow;
      sums[k] = decays ? TailSum{0, std::exp(last.outer.log_size[k]) / last.rate(k), false}
                       : TailSum{0, size > 0 ? infinity : 0.0, size > 0};
    }
    return sums;
  }
  const double error = density.options().log_density_error;
  const double length = tail.limit - tail.begin;
  constexpr double shortest = 4 * std::numbers::ln2;
  std::vector<bool> known(sums.size(), false);
  for (double back = 0.5 * length; std::fabs(back) > shortest; back *= 0.5) {
    const Octave half = octave(tail.limit - back);
    const Octave late = octave(tail.limit - 0.5 * back);
    bool all = true;
    for (std::size_t k = 0; k < sums.size(); ++k) {
      if (known[k] || last.vanishes(k)) continue;
      known[k] = half.same_sign(k) && late.same_sign(k) && last.same_sign(k);
      if (known[k]) sums[k] = settled(half, late, last, k, error);
      all = all && known[k];
    }
    if (all) break;
  }
  if (!known[0] && !last.vanishes(0)) sums[0] = {0, infinity, true};
  for (std::size_t k = 0; k < sums.size(); ++k) {
    if (k > 0 && !known[k] && !last.vanishes(k)) sums[k] = constant(sums[0], last, k);
    if (tail.split) sums[k].error += std::fabs(sums[k].value);
  }
  return sums;
}

bool quantity_has_pole(Density& density, double reference, const Quantities& quantities, const Tail& end) {
  const Sampler sampler(density, reference, quantities, end.chart);
  const auto octave = [&](double share) {
    const double v = (1 - share) * end.begin + share * end.limit;
    return Octave{sampler.at(v), sampler.at(v - end.direction() * std::numbers::ln2)};
  };
  const Octave half = octave(0.5);
  const Octave late = octave(0.75);
  const Octave last = octave(1);
  for (std::size_t k = 1; k <= quantities.count; ++k) {
    if (never_decays(half, late, last, k, density.options().log_density_error)) return true;
  }
  return false;
}

}  // namespace hearsay::infer::quadrature
