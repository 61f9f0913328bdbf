#include "tests/reference/enumeration.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearsay::reference {

namespace {

using Real = long double;
constexpr Real infinity = std::numeric_limits<Real>::infinity();

Real oscillation(const std::vector<Real>& v) {
  const auto [low, high] = std::ranges::minmax_element(v);
  return *high - *low;
}

}  // namespace

Real allotment(const Source& source, std::size_t i, std::size_t count) {
  const Real b = source.budget.value_or(0), x = source.parameter;
  switch (source.schedule) {
    case Source::Schedule::none:
      return 0;
    case Source::Schedule::spread:
      return b / static_cast<Real>(count);
    case Source::Schedule::geometric:
      return b * (1 - x) * std::pow(x, static_cast<Real>(i - 1));
    case Source::Schedule::power:
      return b * std::pow(static_cast<Real>(i), -x) / std::riemann_zetal(x);
    case Source::Schedule::until_spent:
      return static_cast<Real>(i) * std::abs(std::log(x)) <= b ? std::abs(std::log(x)) : 0;
    case Source::Schedule::fixed:
      return std::abs(std::log(x));
  }
  return 0;
}

Enumeration::Enumeration(const RandomModel& model) : model_(model) {
  State state(model.nodes.size(), 0);
  for (bool more = true; more;) {
    Real w = 1;
    for (std::size_t v = 0; v < model.nodes.size() && w > 0; ++v)
      w *= model.nodes[v].given.probability(state, state[v]);
    if (w > 0) {
      states_.push_back(state);
      prior_.push_back(w);
    }
    std::size_t v = 0;
    while (v < state.size() && ++state[v] == model.cardinality(v)) state[v++] = 0;
    more = v < state.size();
  }
  current_ = prior_;
  for (std::size_t s = 0; s < model.evidence.size() && !impossible_; ++s) {
    add(model.evidence[s], s);
    for (std::size_t i = 0; i < current_.size(); ++i) current_[i] *= std::exp(log_factors_[s][i]);
    Real sum = 0;
    for (const Real w : current_) sum += w;
    if (!(sum > 0)) impossible_ = true;
  }
}

/// What the source's schedule makes of a strength that the statement itself says: `spread` scales all of them together.
Real Enumeration::scale(const Statement& s) const {
  if (!s.source || model_.sources[*s.source].schedule != Source::Schedule::spread) return 1;
  Real sum = 0;
  for (const Statement& other : model_.evidence) {
    if (other.source != s.source) continue;
    switch (other.kind) {
      case Statement::Kind::odds:
      case Statement::Kind::odds_outcome:
        sum += std::abs(std::log(static_cast<Real>(other.number)));
        break;
      case Statement::Kind::likelihoods: {
        const auto [low, high] = std::ranges::minmax_element(other.numbers);
        sum += std::log(static_cast<Real>(*high) / *low);
        break;
      }
      case Statement::Kind::within:
        sum += other.bound;
        break;
      case Statement::Kind::robust:
        sum += static_cast<Real>(other.number) / other.bound;
        break;
      case Statement::Kind::hard:
      case Statement::Kind::scheduled:
      case Statement::Kind::jeffrey:
      case Statement::Kind::targets:
      case Statement::Kind::hard_outcome:
      case Statement::Kind::weight:
        break;
    }
  }
  return sum > 0 ? *model_.sources[*s.source].budget / sum : 1;
}

void Enumeration::add(const Statement& s, std::size_t number) {
  using Kind = Statement::Kind;
  std::optional<Real> charge;
  std::function<Real(const State&)> log_factor;
  const auto drawn = [&](const State& x) -> Real { return s.outcome.given.probability(x, s.outcome.value); };
  const Real scaled = scale(s);
  const auto cell = [&](const State& x) { return static_cast<std::size_t>(x[s.event.variable]); };

  std::vector<Real> cells;  // log-weights over the values of one variable, or of one event: {false, true}
  switch (s.kind) {
    case Kind::hard:
      log_factor = [&](const State& x) { return s.event.holds(x) ? 0 : -infinity; };
      break;
    case Kind::hard_outcome:
      log_factor = [&](const State& x) { return std::log(drawn(x)); };
      break;
    case Kind::scheduled: {
      std::size_t i = 1, count = 0;
      for (std::size_t k = 0; k < model_.evidence.size(); ++k) {
        const Statement& other = model_.evidence[k];
        if (other.kind != Kind::scheduled || other.source != s.source) continue;
        ++count;
        if (k < number) ++i;
      }
      charge = allotment(model_.sources[*s.source], i, count) * s.share;
      log_factor = [&, strength = *charge](const State& x) { return s.event.holds(x) ? strength : 0; };
      break;
    }
    case Kind::odds: {
      const Real strength = std::log(static_cast<Real>(s.number)) * scaled;
      charge = std::abs(strength);
      log_factor = [&, strength](const State& x) { return s.event.holds(x) ? strength : 0; };
      break;
    }
    case Kind::odds_outcome: {
      const Real strength = std::log(static_cast<Real>(s.number)) * scaled;
      charge = std::abs(strength);
      log_factor = [&, strength](const State& x) { return std::log(1 + (std::exp(strength) - 1) * drawn(x)); };
      break;
    }
    case Kind::likelihoods:
      for (const double l : s.numbers) cells.push_back(std::log(static_cast<Real>(l)) * scaled);
      // Only ratios matter. Where the statement does not hold it multiplies by 1, and where it holds by 1 at least.
      if (!s.only_if.empty()) {
        const Real least = *std::ranges::min_element(cells);
        for (Real& c : cells) c -= least;
      }
      break;
    case Kind::targets:
    case Kind::jeffrey: {
      const std::size_t n = s.kind == Kind::targets ? s.numbers.size() : 2;
      std::vector<Real> now(n, 0);
      Real sum = 0;
      for (std::size_t i = 0; i < states_.size(); ++i) {
        if (!s.only_if.empty() && !s.only_if[0].holds(states_[i])) continue;  // asked for given the condition
        now[s.kind == Kind::targets ? cell(states_[i]) : (s.event.holds(states_[i]) ? 1 : 0)] += current_[i];
        sum += current_[i];
      }
      for (std::size_t k = 0; k < n; ++k) {
        const Real target = s.kind == Kind::targets ? s.numbers[k]
                            : k == 1                ? s.number
                                                    : 1 - static_cast<Real>(s.number);
        if (!(now[k] > 0)) impossible_ = true;
        cells.push_back(std::log(target) - std::log(now[k] / sum));
      }
      break;
    }
    case Kind::weight:
      log_factor = [&](const State& x) { return s.number == 0 ? 0 : s.number * std::log(drawn(x)); };
      break;
    case Kind::within: {
      Real predictive = 0;
      for (std::size_t i = 0; i < states_.size(); ++i) predictive += prior_[i] * drawn(states_[i]);
      if (!(predictive > 0)) impossible_ = true;
      const Real bound = s.bound * scaled;
      charge = bound;
      log_factor = [&, bound, r = std::log(predictive)](const State& x) {
        return s.number == 0 || bound == 0 ? 0 : bound / 2 * std::tanh(2 / bound * s.number * (std::log(drawn(x)) - r));
      };
      break;
    }
    case Kind::robust: {
      const Real beta = s.bound, w = s.number * scaled;
      charge = w / beta;
      log_factor = [&, beta, w](const State& x) {
        Real sum = 0;
        for (int v = 0; v < s.outcome.given.cardinality; ++v)
          sum += std::pow(static_cast<Real>(s.outcome.given.probability(x, v)), 1 + beta);
        return -w * (-std::pow(drawn(x), beta) / beta + sum / (1 + beta));
      };
      break;
    }
  }
  if (!cells.empty()) {
    if (!impossible_) charge = oscillation(cells);
    log_factor = [&](const State& x) { return cells[s.kind == Kind::jeffrey ? (s.event.holds(x) ? 1 : 0) : cell(x)]; };
  }
  std::vector<Real> values;
  for (const State& x : states_)
    values.push_back(s.only_if.empty() || s.only_if[0].holds(x) ? log_factor(x) : static_cast<Real>(0));
  log_factors_.push_back(std::move(values));
  charges_.push_back(charge);
}

std::vector<Real> Enumeration::weights(const Counts& counts) const {
  if (!counts) return current_;
  std::vector<Real> w = prior_;
  for (std::size_t s = 0; s < log_factors_.size(); ++s)
    if (counts(s))
      for (std::size_t i = 0; i < w.size(); ++i) w[i] *= std::exp(log_factors_[s][i]);
  return w;
}

Real Enumeration::total(const Counts& counts) const {
  Real sum = 0;
  for (const Real w : weights(counts)) sum += w;
  return sum;
}

Real Enumeration::mass(const Event& e, const std::vector<Real>& weights) const {
  Real sum = 0;
  for (std::size_t i = 0; i < states_.size(); ++i)
    if (e.holds(states_[i])) sum += weights[i];
  return sum;
}

Real Enumeration::probability(const Event& e, const Counts& counts) const {
  const std::vector<Real> w = weights(counts);
  Real all = 0;
  for (const Real x : w) all += x;
  return mass(e, w) / all;
}

bool Enumeration::evidence_defined() const {
  return std::ranges::none_of(model_.evidence, [](const Statement& s) {
    return s.kind == Statement::Kind::jeffrey || s.kind == Statement::Kind::targets;
  });
}

}  // namespace hearsay::reference
