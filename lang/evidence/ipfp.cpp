#include "lang/evidence/ipfp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lang/evidence/compensated_sum.h"
#include "lang/evidence/factors.h"
#include "lang/evidence/jeffrey.h"
#include "lang/evidence/joint_dual.h"

namespace hearsay::evidence {
namespace {

constexpr double converged_at = 1e-14;
constexpr double good_enough = 1e-12;
constexpr std::size_t most_sweeps = 100'000;
constexpr std::size_t patience = 500;           // sweeps, before Newton's method is tried
constexpr std::size_t most_work = 400'000'000;  // sweeps × targets × cells: about a second

std::vector<Axis> axes_of(std::span<const std::vector<double>> targets) {
  std::vector<Axis> axes(targets.size());
  std::size_t stride = 1;
  for (std::size_t t = targets.size(); t-- > 0;) {
    axes[t] = {targets[t].size(), stride};
    stride *= targets[t].size();
  }
  return axes;
}

std::vector<double> marginal(std::span<const double> joint, const Axis& axis) {
  std::vector<double> result(axis.cells, 0.0);
  for (std::size_t i = 0; i < joint.size(); ++i) result[axis.cell(i)] += joint[i];
  return result;
}

struct Attempt {
  bool met = false;
  JointFit fit;
};

// Sweeps over the targets in `use`. Stops without success as soon as the dual Σ_t target·w − ln Z, a lower bound on the
// divergence of every table that meets them, exceeds what any table can have: then there is none.
Attempt sweep(std::span<const double> joint, std::span<const std::vector<double>> targets, std::span<const Axis> axes,
              const std::vector<bool>& use) {
  Attempt attempt;
  JointFit& fit = attempt.fit;
  fit.fitted.assign(joint.begin(), joint.end());
  for (const std::vector<double>& t : targets) fit.log_weights.emplace_back(t.size(), 0.0);

  const double highest_dual = largest_divergence(joint);
  double dual = 0;

  const std::size_t work_per_sweep = std::max<std::size_t>(1, joint.size() * targets.size());
  const std::size_t limit = std::clamp<std::size_t>(most_work / work_per_sweep, 10, most_sweeps);
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_at = 0;
  while (fit.iterations < limit) {
    ++fit.iterations;
    double gap = 0;  // before the corrections of this sweep: 0 only if all marginals fit at once
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (!use[t]) continue;
      const std::vector<double> current = marginal(fit.fitted, axes[t]);
      std::vector<double> ratio(current.size(), 1.0);
      for (std::size_t c = 0; c < current.size(); ++c) {
        gap = std::max(gap, std::fabs(current[c] - targets[t][c]));
        if (targets[t][c] == 0) continue;  // then the cell is impossible: checked before
        ratio[c] = targets[t][c] / current[c];
        fit.log_weights[t][c] += std::log(ratio[c]);
        dual += targets[t][c] * std::log(ratio[c]);
      }
      for (std::size_t i = 0; i < fit.fitted.size(); ++i) fit.fitted[i] *= ratio[axes[t].cell(i)];
    }
    fit.residual = gap;
    if (gap < best) {
      best = gap;
      best_at = fit.iterations;
    }
    const bool stalled = best <= good_enough && fit.iterations > best_at + 8;  // rounding is all that is left
    if (gap <= converged_at || stalled) break;
    if (!(dual <= highest_dual)) return attempt;
    if (fit.iterations != patience) continue;
    if (auto newton = fit_by_newton(joint, targets, axes, use, fit.log_weights, 0.5 * good_enough)) {
      if (newton->impossible) return attempt;
      fit.log_weights = std::move(newton->log_weights);
      fit.fitted = std::move(newton->fitted);
      best = newton->gap;
      break;
    }
  }
  attempt.met = best <= good_enough;
  fit.residual = 0;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (!use[t]) continue;
    const std::vector<double> current = marginal(fit.fitted, axes[t]);
    for (std::size_t c = 0; c < current.size(); ++c) {
      fit.residual = std::max(fit.residual, std::fabs(current[c] - targets[t][c]));
    }
  }
  return attempt;
}

std::vector<double> normalised(std::span<const double> weights) {
  CompensatedSum sum;
  for (const double w : weights) sum.add(w);
  std::vector<double> result(weights.begin(), weights.end());
  for (double& w : result) w /= sum.value();
  return result;
}

// The numbers of a set of targets that cannot be met together while each smaller set of them can.
std::string smallest_conflict(std::span<const double> joint, std::span<const std::vector<double>> targets,
                              std::span<const Axis> axes) {
  std::vector<bool> use(targets.size(), true);
  for (std::size_t t = 0; t < targets.size(); ++t) {
    use[t] = false;
    if (sweep(joint, targets, axes, use).met) use[t] = true;  // needed for the conflict
  }
  std::string names;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (use[t]) names += (names.empty() ? "" : ", ") + std::to_string(t + 1);
  }
  return names;
}

}  // namespace

Result<JointFit> fit_jointly(std::span<const double> given_joint, std::span<const std::vector<double>> given_targets,
                             SourceSpan where) {
  const std::vector<Axis> axes = axes_of(given_targets);
  const std::size_t cells = given_targets.empty() ? 1 : axes.front().cells * axes.front().stride;
  CompensatedSum mass;
  for (const double p : given_joint) mass.add(p >= 0 ? p : std::numeric_limits<double>::quiet_NaN());
  if (given_joint.size() != cells || !(std::fabs(mass.value() - 1) <= 1e-9)) {
    return fail(
        diagnose<DiagnosticKind::bad_target>(where, "a joint table over the targets that sums to 1", mass.value()));
  }
  // Sums that miss 1 by a rounding each would be a contradiction by as much.
  const std::vector<double> joint = normalised(given_joint);
  std::vector<std::vector<double>> targets;
  for (std::size_t t = 0; t < given_targets.size(); ++t) {
    // One target alone is Jeffrey's rule, with the same refusals.
    const auto alone = jeffrey_partition(marginal(joint, axes[t]), given_targets[t], where);
    if (!alone) {
      Diagnostic d = alone.error();
      d.message = fmt::format("target {}: {}", t + 1, d.message);
      return fail(std::move(d));
    }
    targets.push_back(normalised(given_targets[t]));
  }

  Attempt attempt = sweep(joint, targets, axes, std::vector<bool>(targets.size(), true));
  if (!attempt.met) {
    return fail(diagnose<DiagnosticKind::contradictory_targets>(where, smallest_conflict(joint, targets, axes))
                    .with_help("no finite strengths meet them together: change one of these targets, or write single "
                               "statements, of which the last one wins"));
  }
  JointFit fit = std::move(attempt.fit);
  std::vector<double> changes;
  CompensatedSum divergence;
  for (std::size_t i = 0; i < joint.size(); ++i) {
    if (joint[i] == 0) continue;
    double change = 0;
    for (std::size_t t = 0; t < targets.size(); ++t) change += fit.log_weights[t][axes[t].cell(i)];
    changes.push_back(change);
    divergence.add(fit.fitted[i] * change);
  }
  fit.size = oscillation(changes);
  fit.divergence = Nats::of(std::max(0.0, divergence.value()));
  return fit;
}

}  // namespace hearsay::evidence
