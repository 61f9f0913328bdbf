// Jeffrey statements in their order: weights that give the cells of each the probabilities asked for, under everything
// that was stated before (theory section 4).
#include "lang/evidence/jeffrey.h"

#include <algorithm>
#include <cmath>

#include "lang/evidence/ipfp.h"
#include "runtime/session/posterior.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr std::size_t kMostCells = 100000;

}  // namespace

/// The joint probabilities of all targets' cells (row-major, the last target fastest), given the statement's
/// conditions, under everything stated before.
Result<std::vector<double>> Posterior::cell_probabilities(const JeffreyTask& task) const {
  std::size_t n = 1;
  for (const JeffreyTask::Target& t : task.targets) {
    n *= t.cells.size();
    if (n > kMostCells)
      return fail(diagnose<K::query_too_large>(task.span, task.targets.size(), static_cast<double>(n)));
  }
  std::vector<ExprId> read = task.conditions;
  for (const JeffreyTask::Target& t : task.targets) read.insert(read.end(), t.cells.begin(), t.cells.end());
  // A state lies in one cell of each partition, or shares itself out among the outcomes of what was not drawn.
  const Tally tally = [&](const ValueHere& value, double weight, std::span<double> out) {
    for (const ExprId c : task.conditions)
      if (value(c) == 0) return;
    std::vector<std::pair<std::size_t, double>> places{{0, weight}};
    for (const JeffreyTask::Target& t : task.targets) {
      std::vector<std::pair<std::size_t, double>> finer;
      for (std::size_t c = 0; c < t.cells.size(); ++c) {
        const double share = value(t.cells[c]);
        if (share == 0) continue;
        for (const auto& [place, mass] : places) finer.emplace_back(place * t.cells.size() + c, mass * share);
      }
      places = std::move(finer);
    }
    for (const auto& [place, mass] : places) out[place] += mass;
  };
  Variant before;
  before.before = task.order;
  auto p = expect(read, n, tally, before);
  if (!p) return fail(std::move(p).error());
  std::vector<double> joint;
  double reached = 0;
  for (const Estimate& e : *p) {
    joint.push_back(std::max(0.0, e.value));
    reached += joint.back();
  }
  if (task.conditions.empty()) return joint;
  if (!(reached > 0)) return fail(diagnose<K::impossible_condition>(task.span));
  for (double& x : joint) x /= reached;
  return joint;
}

Result<void> Posterior::solve_jeffrey(evidence::EvidenceLedger& shared, const std::string& identity,
                                      SiteIds& site_ids) {
  for (const JeffreyTask& task : lowerer_->jeffrey) {
    prepared_.clear();
    auto probabilities = cell_probabilities(task);
    if (!probabilities) return fail(std::move(probabilities).error());
    const std::vector<double>& joint = *probabilities;
    double strength = 0;
    std::vector<std::vector<double>> weights;
    if (task.targets.size() == 1) {
      auto w = evidence::jeffrey_partition(joint, task.targets[0].probabilities, task.span);
      if (!w) return fail(std::move(w).error());
      weights.push_back(w->log_weights);
      strength = w->strength.value();
    } else {
      std::vector<std::vector<double>> targets;
      for (const auto& t : task.targets) targets.push_back(t.probabilities);
      auto fitted = evidence::fit_jointly(joint, targets, task.span);
      if (!fitted) return fail(std::move(fitted).error());
      weights = fitted->log_weights;
      strength = fitted->size.value();
    }
    for (std::size_t d = 0; d < weights.size(); ++d)
      lowerer_->module().data[ir::raw(task.targets[d].weights)].reals =
          std::make_shared<const std::vector<double>>(weights[d]);
    evidence::ClaimRun charge;
    charge.site = site_id(identity, task.site, site_ids);
    charge.strengths = evidence::UniformStrength{evidence::Nats::of(strength)};
    if (auto r = charge_source(shared, task.source, charge, task.span); !r) return r;
    rows_.push_back({task.source, task.span, 1, strength, "Jeffrey"});
  }
  prepared_.clear();
  return {};
}

}  // namespace hearsay
