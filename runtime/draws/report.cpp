#include "runtime/draws/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/draws/diagnostics.h"

namespace hearsay {
namespace {

/// The quantities on the wrong side of a threshold, and the worst of them.
struct Offenders {
  std::size_t count = 0;
  std::size_t quantities = 0;
  double worst = 0;
  std::string name;

  void add(bool offends, bool worse, double value, const std::string& quantity) {
    ++quantities;
    if (!offends) return;
    if (count++ > 0 && !worse) return;
    worst = value;
    name = quantity;
  }
  [[nodiscard]] std::string share() const {
    return quantities == 1 ? "" : fmt::format(" for {} of {} quantities", count, quantities);
  }
};

class Examination {
public:
  Examination(const Draws& draws, const Transitions& transitions, const ReportThresholds& thresholds,
              const std::atomic<bool>* interrupt)
      : draws_(draws), transitions_(transitions), thresholds_(thresholds), interrupt_(interrupt) {}

  std::vector<Finding> findings() && {
    look_at_transitions();
    look_at_draws();
    std::sort(out_.begin(), out_.end(), [](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
    return std::move(out_);
  }

private:
  // Draws that are wrong before draws that are few, and what explains the others first.
  static int rank(const Finding& f) {
    switch (f.kind) {
      case FindingKind::not_finite:
        return 0;
      case FindingKind::divergences:
        return 1;
      case FindingKind::rhat:
        return 2;
      case FindingKind::energy_fraction:
        return 3;
      case FindingKind::bulk_ess:
        return 4;
      case FindingKind::tail_ess:
        return 5;
      case FindingKind::tree_depth:
        return 6;
      case FindingKind::constant:
        return 7;
      case FindingKind::too_short:
        return 8;
    }
    return 9;
  }

  void look_at_transitions() {
    std::size_t total = 0, divergent = 0, deep = 0, stiff = 0;
    std::optional<double> least;
    for (const auto& chain : transitions_.chains) {
      std::vector<double> energies;
      for (const Transition& t : chain) {
        ++total;
        divergent += t.divergent ? 1 : 0;
        deep += !t.divergent && t.depth >= transitions_.max_depth ? 1 : 0;
        energies.push_back(t.energy);
      }
      const auto fraction = energy_fraction(energies);
      if (!fraction || *fraction >= thresholds_.energy_fraction) continue;
      ++stiff;
      least = std::min(least.value_or(*fraction), *fraction);
    }
    const auto percent = [&](std::size_t n) { return 100 * static_cast<double>(n) / static_cast<double>(total); };
    if (divergent > 0)
      out_.push_back({FindingKind::divergences, static_cast<double>(divergent), 0, divergent, "",
                      fmt::format("{} of {} transitions ({:.3g} %) diverged: parts of the posterior may be missing",
                                  divergent, total, percent(divergent)),
                      "raise target_accept to 0.95 or 0.99; if divergences remain, write hierarchical effects "
                      "non-centred (x = mu + tau * z with z ~ normal(0, 1)) or give scales priors away from 0"});
    if (deep > 0)
      out_.push_back(
          {FindingKind::tree_depth, static_cast<double>(deep), 0, deep, "",
           fmt::format("{} of {} transitions ({:.3g} %) stopped at the depth limit of {}: slow, but not wrong", deep,
                       total, percent(deep), transitions_.max_depth),
           "rescale or decorrelate what the model estimates, use the dense metric, or raise max_depth"});
    if (least)
      out_.push_back(
          {FindingKind::energy_fraction, *least, thresholds_.energy_fraction, stiff, "",
           fmt::format("the energy moves too little in {} of {} chains (E-BFMI {:.2g}, want {:.2g} or more): "
                       "tails may be missing",
                       stiff, transitions_.chains.size(), *least, thresholds_.energy_fraction),
           "reparametrise heavy tails and funnels (non-centred effects, a scale mixture for student_t)"});
  }

  void look_at_draws() {
    const auto least = thresholds_.ess_per_chain * static_cast<double>(draws_.chains);
    Offenders rhats, bulks, tails, infinite, constant, unknown;
    for (std::size_t i = 0; i < draws_.names.size(); ++i) {
      if (interrupt_ != nullptr && interrupt_->load(std::memory_order_relaxed)) return;
      const std::string& name = draws_.names[i];
      const ChainedDraws x = chained(draws_, i);
      const bool finite = std::all_of(x.values.begin(), x.values.end(), [](double v) { return std::isfinite(v); });
      infinite.add(!finite, false, 0, name);
      if (!finite || x.values.empty()) continue;
      const auto [low, high] = std::minmax_element(x.values.begin(), x.values.end());
      constant.add(*low == *high, false, 0, name);
      if (*low == *high) continue;
      const auto r = rhat(x);
      if (!r) {
        unknown.add(true, false, 0, name);
        continue;
      }
      rhats.add(*r > thresholds_.rhat, *r > rhats.worst, *r, name);
      const auto bulk = ess_bulk(x);
      const auto tail = ess_tail(x);
      // A rank or an indicator that never changes within the halves has no size: as bad as can be.
      bulks.add(bulk.value_or(0) < least, bulk.value_or(0) < bulks.worst, bulk.value_or(0), name);
      tails.add(tail.value_or(0) < least, tail.value_or(0) < tails.worst, tail.value_or(0), name);
    }
    report_draws(least, rhats, bulks, tails);
    if (infinite.count > 0)
      out_.push_back({FindingKind::not_finite, static_cast<double>(infinite.count), 0, infinite.count, infinite.name,
                      fmt::format("`{}` has draws that are not finite{}", infinite.name, infinite.share()),
                      "look for an overflow, a logarithm of 0 or a division by 0 where it is defined"});
    if (constant.count > 0)
      out_.push_back({FindingKind::constant, static_cast<double>(constant.count), 0, constant.count, constant.name,
                      fmt::format("`{}` is the same in every draw{}", constant.name, constant.share()),
                      "nothing, if the model makes it a constant; otherwise the chains are stuck: start elsewhere"});
    if (unknown.count > 0)
      out_.push_back(
          {FindingKind::too_short, static_cast<double>(draws_.draws_per_chain), 12, unknown.count, unknown.name,
           fmt::format("{} draws a chain are too few to tell whether the chains agree", draws_.draws_per_chain),
           "draw at least 100 from each chain"});
  }

  void report_draws(double least, const Offenders& rhats, const Offenders& bulks, const Offenders& tails) {
    if (rhats.count > 0)
      out_.push_back({FindingKind::rhat, rhats.worst, thresholds_.rhat, rhats.count, rhats.name,
                      fmt::format("the chains do not agree (R-hat above {:.4g}){}, worst `{}` with {:.3f}",
                                  thresholds_.rhat, rhats.share(), rhats.name, rhats.worst),
                      "run longer; if it stays, plot the chains: they may sit in different modes, or the model may "
                      "leave a direction undetermined (label switching, a missing prior)"});
    const auto few = [&](FindingKind kind, const Offenders& o, const char* where, const char* next) {
      if (o.count == 0) return;
      out_.push_back({kind, o.worst, least, o.count, o.name,
                      fmt::format("too few effective draws {}{}: `{}` has {:.0f}, want {:.0f}", where, o.share(),
                                  o.name, o.worst, least),
                      next});
    };
    few(FindingKind::bulk_ess, bulks, "for means and medians",
        "draw more, or reparametrise what is strongly correlated");
    few(FindingKind::tail_ess, tails, "for variances and the 5 and 95 % quantiles",
        "draw more before quoting intervals of these quantities");
  }

  const Draws& draws_;
  const Transitions& transitions_;
  const ReportThresholds& thresholds_;
  const std::atomic<bool>* interrupt_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> examine(const Draws& draws, const Transitions& transitions, const ReportThresholds& thresholds,
                             const std::atomic<bool>* interrupt) {
  return Examination(draws, transitions, thresholds, interrupt).findings();
}

std::string to_text(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) out += fmt::format("warning: {}\n  help: {}\n", f.what, f.next);
  return out;
}

}  // namespace hearsay
