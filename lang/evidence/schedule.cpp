#include "lang/evidence/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/evidence/compensated_sum.h"
#include "lang/evidence/hurwitz.h"

namespace hearsay::evidence {
namespace {

template <class... F>
struct Match : F... {
  using F::operator()...;
};
template <class... F>
Match(F...) -> Match<F...>;

// One accurate power an anchor, one multiplication an ordinal: an error of 2 ulp that does not grow along the block.
constexpr std::uint64_t anchor_distance = 256;

// Terms of (1 + k/i)^−p around the middle i of a block, for power schedules.
constexpr std::size_t series_terms = 8;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t largest_exact = std::uint64_t{1} << 53;

// A budget of 3·ln 2 must pay for three claims of ln 2 although rounding may make the sum an ulp too large.
constexpr double rounding_allowance = 8 * std::numeric_limits<double>::epsilon();

double as_double(std::uint64_t n) { return static_cast<double>(n); }

std::uint64_t affordable(double strength, double budget) {
  if (strength == 0) return largest_exact;
  const double n = std::floor(budget / strength * (1 + rounding_allowance));
  return n >= as_double(largest_exact) ? largest_exact : static_cast<std::uint64_t>(n);
}

Result<void> validate_strength(Nats strength, SourceSpan where) {
  if (!strength.is_finite() || strength < Nats::of(0)) {
    return fail(
        diagnose<DiagnosticKind::bad_schedule>(where, "a schedule's strength", "finite and 0 or more", strength.value())
            .with_help("the event says in which direction; the schedule only how strongly"));
  }
  return {};
}

Result<void> validate_parameters(const Schedule& schedule, SourceSpan where) {
  return std::visit(
      Match{
          [&](const Spread& s) -> Result<void> {
            if (s.count && *s.count == 0) {
              return fail(
                  diagnose<DiagnosticKind::bad_schedule>(where, "the number of claims of `spread`", "1 or more", 0.0)
                      .with_help("there is nothing to spread the budget over: leave the schedule out"));
            }
            return {};
          },
          [&](const SpreadInProportion& s) -> Result<void> {
            if (!s.strengths) {
              return fail(
                  diagnose<DiagnosticKind::spread_without_count>(where).with_help("give one strength for each claim"));
            }
            for (const double x : *s.strengths) {
              if (Result<void> ok = validate_strength(Nats::of(x), where); !ok) return ok;
            }
            return {};
          },
          [&](const Geometric& g) -> Result<void> {
            if (!(g.ratio > 0 && g.ratio < 1)) {
              return fail(
                  diagnose<DiagnosticKind::bad_schedule>(where, "the ratio of `geometric`", "between 0 and 1", g.ratio)
                      .with_help(
                          "`geometric(0.99)` spends one hundredth of what is left on each claim; for equal parts "
                          "write `spread`"));
            }
            return {};
          },
          [&](const Power& p) -> Result<void> {
            if (!(p.exponent > 1) || !std::isfinite(p.exponent)) {
              return fail(
                  diagnose<DiagnosticKind::bad_schedule>(where, "the exponent of `power`", "above 1", p.exponent)
                      .with_help("with an exponent of 1 or less the strengths sum to infinity, and no budget can hold "
                                 "them: write `power(1.5)`, say"));
            }
            return {};
          },
          [&](const UntilSpent& u) { return validate_strength(u.strength, where); },
          [&](const Fixed& f) { return validate_strength(f.strength, where); }},
      schedule);
}

}  // namespace

const char* name(const Schedule& schedule) {
  return std::visit(Match{[](const Spread&) { return "spread"; }, [](const SpreadInProportion&) { return "spread"; },
                          [](const Geometric&) { return "geometric"; }, [](const Power&) { return "power"; },
                          [](const UntilSpent&) { return "until spent"; }, [](const Fixed&) { return "fixed"; }},
                    schedule);
}

Result<void> validate(const Schedule& schedule, std::optional<Nats> budget, SourceSpan where) {
  if (budget) {
    if (Result<Nats> b = checked_budget(budget->value(), where); !b) return fail(std::move(b).error());
  }
  if (Result<void> ok = validate_parameters(schedule, where); !ok) return ok;
  const bool is_fixed = std::holds_alternative<Fixed>(schedule);
  if (is_fixed && budget) {
    return fail(diagnose<DiagnosticKind::fixed_with_budget>(where).with_help(
        "write `until spent(odds: …)`, which stops when the budget is gone, or leave the budget out"));
  }
  if (!is_fixed && !budget) {
    return fail(diagnose<DiagnosticKind::schedule_without_budget>(where, name(schedule))
                    .with_help("add `budget: … nats`, or write `fixed(odds: …)`"));
  }
  return {};
}

Result<double> checked_share(double share, SourceSpan where) {
  if (!(share >= 0 && share <= 1)) {
    return fail(diagnose<DiagnosticKind::bad_share>(where, share)
                    .with_help("a share is the part of its allotment that a claim uses: 0 for none, 1 for all of it"));
  }
  return share;
}

Result<Allotter> Allotter::make(const Schedule& schedule, std::optional<Nats> budget, SourceSpan where) {
  if (Result<void> ok = validate(schedule, budget, where); !ok) return fail(std::move(ok).error());
  if (const auto* spread = std::get_if<Spread>(&schedule); spread && !spread->count) {
    return fail(diagnose<DiagnosticKind::spread_without_count>(where).with_help(
        "`spread` divides by the number of claims, which is not known here; write `geometric(0.99)`, which needs "
        "none"));
  }
  Allotter a;
  a.schedule_ = schedule;
  a.budget_ = budget ? budget->value() : 0;
  std::visit(Match{[&](const Spread& s) {
                     a.count_ = *s.count;
                     a.scale_ = a.budget_ / as_double(a.count_);
                   },
                   [&](const SpreadInProportion& s) {
                     a.count_ = s.strengths->size();
                     // Scaled by the largest first, so that strengths near the largest double do not overflow their
                     // sum.
                     double largest = 0;
                     for (const double x : *s.strengths) largest = std::max(largest, x);
                     a.prefix_.reserve(s.strengths->size() + 1);
                     a.prefix_.push_back(0);
                     CompensatedSum sum;
                     for (const double x : *s.strengths) {
                       sum.add(largest > 0 ? x / largest : 0);
                       a.prefix_.push_back(sum.value());
                     }
                     a.scale_ = sum.value() > 0 ? a.budget_ / sum.value() : 0;
                     if (largest > 0) {
                       for (double& x : a.prefix_) x *= a.scale_;
                       a.scale_ /= largest;
                     }
                   },
                   [&](const Geometric& g) {
                     a.scale_ = a.budget_ * (1 - g.ratio);
                     for (std::uint64_t k = 0; k < anchor_distance; ++k) {
                       a.ratio_powers_.push_back(std::pow(g.ratio, as_double(k)));
                     }
                   },
                   [&](const Power& p) {
                     a.scale_ = a.budget_ / riemann_zeta(p.exponent);
                     double binomial = 1;
                     for (std::size_t j = 0; j < series_terms; ++j) {
                       a.binomials_.push_back(binomial);
                       binomial *= -(p.exponent + as_double(j)) / as_double(j + 1);
                     }
                     // |k/i|^J · binomial(−p, J) is the first term left out; k is at most half a block.
                     a.series_from_ = as_double(anchor_distance / 2) *
                                      std::max(8.0, std::pow(std::fabs(binomial) / 1e-17, 1.0 / series_terms));
                   },
                   [&](const UntilSpent& u) {
                     a.scale_ = u.strength.value();
                     a.count_ = affordable(a.scale_, a.budget_);
                   },
                   [&](const Fixed& f) { a.scale_ = f.strength.value(); }},
             schedule);
  return a;
}

void Allotter::fill_geometric(std::uint64_t first, std::span<double> out) const {
  const double ratio = std::get<Geometric>(schedule_).ratio;
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t block = std::min<std::size_t>(anchor_distance, out.size() - done);
    const double anchor = scale_ * std::pow(ratio, as_double(first - 1 + done));
    double* const to = out.data() + done;
    if (anchor == 0) {  // below the smallest double, and so is all that follows
      std::fill(to, out.data() + out.size(), 0.0);
      return;
    }
    for (std::size_t k = 0; k < block; ++k) to[k] = anchor * ratio_powers_[k];
    done += block;
  }
}

void Allotter::fill_power(std::uint64_t first, std::span<double> out) const {
  const double p = std::get<Power>(schedule_).exponent;
  std::size_t done = 0;
  for (; done < out.size() && as_double(first + done) < series_from_; ++done) {
    out[done] = scale_ * std::pow(as_double(first + done), -p);
  }
  while (done < out.size()) {
    const std::size_t block = std::min<std::size_t>(anchor_distance, out.size() - done);
    const std::size_t half = block / 2;
    const double middle = as_double(first + done + half);
    const double anchor = scale_ * std::pow(middle, -p);
    const double step = 1 / middle;
    for (std::size_t k = 0; k < block; ++k) {
      const double x = (static_cast<double>(k) - static_cast<double>(half)) * step;
      double series = binomials_[series_terms - 1];
      for (std::size_t j = series_terms - 1; j-- > 0;) series = series * x + binomials_[j];
      out[done + k] = anchor * series;
    }
    done += block;
  }
}

void Allotter::fill(std::uint64_t first, std::span<double> out) const {
  const auto fill_to_end = [&] {
    const std::uint64_t left = first > count_ ? 0 : count_ - first + 1;
    const auto paid = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(left, out.size()));
    std::fill(out.begin(), out.begin() + paid, scale_);
    std::fill(out.begin() + paid, out.end(), 0.0);
  };
  std::visit(Match{[&](const Spread&) { fill_to_end(); },
                   [&](const SpreadInProportion& s) {
                     for (std::size_t k = 0; k < out.size(); ++k) {
                       const std::uint64_t at = first - 1 + k;
                       out[k] = at < count_ ? (*s.strengths)[static_cast<std::size_t>(at)] * scale_ : 0;
                     }
                   },
                   [&](const Geometric&) { fill_geometric(first, out); }, [&](const Power&) { fill_power(first, out); },
                   [&](const UntilSpent&) { fill_to_end(); },
                   [&](const Fixed&) { std::fill(out.begin(), out.end(), scale_); }},
             schedule_);
}

Nats Allotter::strength(std::uint64_t ordinal) const {
  double s = 0;
  fill(ordinal, {&s, 1});
  return Nats::of(s);
}

Nats Allotter::sum(std::uint64_t first, std::uint64_t count) const {
  if (count == 0) return {};
  const std::uint64_t before = first - 1;
  const auto within_end = [&](std::uint64_t n) { return std::min(n, count_); };
  return Nats::of(std::visit(
      Match{[&](const Spread&) { return scale_ * as_double(within_end(before + count) - within_end(before)); },
            [&](const SpreadInProportion&) {
              return prefix_[static_cast<std::size_t>(within_end(before + count))] -
                     prefix_[static_cast<std::size_t>(within_end(before))];
            },
            [&](const Geometric& g) {
              const double start = budget_ * std::pow(g.ratio, as_double(before));
              return -start * std::expm1(as_double(count) * std::log(g.ratio));
            },
            [&](const Power& p) { return scale_ * power_sum(p.exponent, as_double(first), as_double(count)); },
            [&](const UntilSpent&) { return scale_ * as_double(within_end(before + count) - within_end(before)); },
            [&](const Fixed&) { return scale_ * as_double(count); }},
      schedule_));
}

Nats Allotter::largest(std::uint64_t first, std::uint64_t count) const {
  if (count == 0) return {};
  if (const auto* s = std::get_if<SpreadInProportion>(&schedule_)) {
    double largest = 0;
    const std::uint64_t end = std::min(first - 1 + count, count_);
    for (std::uint64_t at = first - 1; at < end; ++at) {
      largest = std::max(largest, (*s->strengths)[static_cast<std::size_t>(at)]);
    }
    return Nats::of(largest * scale_);
  }
  return strength(first);  // no other schedule ever rises
}

Nats Allotter::total() const {
  return Nats::of(std::visit(
      Match{[&](const Spread&) { return budget_; }, [&](const SpreadInProportion&) { return prefix_.back(); },
            [&](const Geometric&) { return budget_; }, [&](const Power&) { return budget_; },
            [&](const UntilSpent&) { return scale_ * as_double(scale_ == 0 ? 0 : count_); },
            [&](const Fixed&) { return scale_ == 0 ? 0 : infinity; }},
      schedule_));
}

Nats Allotter::tail(std::uint64_t n) const {
  const double left = n >= count_ ? 0 : as_double(count_ - n);
  return Nats::of(std::visit(
      Match{[&](const Spread&) { return scale_ * left; },
            [&](const SpreadInProportion&) {
              return prefix_.back() - prefix_[static_cast<std::size_t>(std::min(n, count_))];
            },
            [&](const Geometric& g) { return budget_ * std::pow(g.ratio, as_double(n)); },
            [&](const Power& p) { return n == 0 ? budget_ : scale_ * hurwitz_zeta(p.exponent, as_double(n) + 1); },
            [&](const UntilSpent&) { return scale_ == 0 ? 0 : scale_ * left; },
            [&](const Fixed&) { return scale_ == 0 ? 0 : infinity; }},
      schedule_));
}

std::optional<std::uint64_t> Allotter::ordinals_until_tail_below(Nats eps) const {
  if (tail(0) <= eps) return 0;
  if (!(tail(largest_exact) <= eps)) return std::nullopt;  // also for a NaN
  std::uint64_t above = 0;                                 // tail(above) > eps ≥ tail(below)
  std::uint64_t below = 1;
  while (tail(below) > eps) {
    above = below;
    below *= 2;
  }
  while (below - above > 1) {
    const std::uint64_t middle = above + (below - above) / 2;
    (tail(middle) > eps ? above : below) = middle;
  }
  return below;
}

std::optional<std::uint64_t> Allotter::last_ordinal() const {
  return std::visit(Match{[&](const Spread&) { return std::optional(count_); },
                          [&](const SpreadInProportion&) { return std::optional(count_); },
                          [&](const Geometric&) { return std::optional<std::uint64_t>(); },
                          [&](const Power&) { return std::optional<std::uint64_t>(); },
                          [&](const UntilSpent&) { return std::optional(count_); },
                          [&](const Fixed&) { return std::optional<std::uint64_t>(); }},
                    schedule_);
}

}  // namespace hearsay::evidence
