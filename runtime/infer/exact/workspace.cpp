#include "runtime/infer/exact/workspace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "lang/model/lanes.h"
#include "runtime/infer/exact/exact_sum.h"
#include "runtime/infer/exact/underflow_guard.h"

namespace hearsay::exact {

namespace {

using model::Semiring;

constexpr double kImpossible = -std::numeric_limits<double>::infinity();
constexpr std::size_t kWorkBetweenPolls = std::size_t{1} << 18;

// Brings the largest weight of a block near 1 by a power of two, which rounds nothing. Returns the exponent taken out;
// blocks already within 2^±kFree are left alone.
constexpr int kFree = 8;
constexpr int kLargestShift = 1000;
constexpr int kAllZero = std::numeric_limits<int>::min();
int rescale(std::size_t n, double* block) {
  const double top = model::lanes::largest(n, block);
  if (!(top > 0)) return kAllZero;
  const int exponent = std::ilogb(top);
  if (exponent >= -kFree && exponent <= kFree) return 0;
  // A block of subnormal numbers needs more than the largest power of two; nearly 1 is near enough.
  model::lanes::scale(n, std::ldexp(1.0, std::min(-exponent, kLargestShift)), block);
  return std::max(exponent, -kLargestShift);
}

// The same for log-weights: the largest becomes 0. Returns what was taken out; -inf, and nothing done, if nothing is
// possible.
double shift(std::size_t n, double* block) {
  const double top = model::lanes::largest(n, block);
  if (top == kImpossible) return kImpossible;
  for (std::size_t i = 0; i < n; ++i) block[i] -= top;
  return top;
}

double log_sum_exp(std::span<const double> x) {
  const double top = model::lanes::largest(x.size(), x.data());
  if (top == kImpossible) return kImpossible;
  double total = 0;
  for (const double v : x) total += std::exp(v - top);
  return top + std::log(total);
}

// Log-weights to probabilities; at least one is possible.
void normalise_logs(std::span<double> x) {
  const double total = log_sum_exp(x);
  for (double& v : x) v = std::exp(v - total);
}

void normalise(std::span<double> x) {
  double total = 0;
  for (const double v : x) total += v;
  for (double& v : x) v /= total;
}

}  // namespace

Workspace::Workspace(const EliminationPlan& plan, model::KernelProvider* kernels, const std::atomic<bool>* interrupt)
    : plan_(plan), provider_(kernels), interrupt_(interrupt), values_(plan.arena_size) {
  for (const auto& s : plan.shapes) {
    output_size_.push_back(s.output_size());
    work_.push_back(s.iterations());
  }
}

bool Workspace::contract(std::size_t shape, const Pointers& in, double* out) {
  static const std::atomic<bool> never = false;
  const std::atomic<bool>* flag = interrupt_ != nullptr ? interrupt_ : &never;
  auto& known = kernels_[static_cast<std::size_t>(semiring_)];
  if (known.empty()) {
    for (const auto& s : plan_.shapes) known.push_back(provider_ == nullptr ? nullptr : provider_->find(s, semiring_));
  }
  if (known[shape] != nullptr) return known[shape](in.data(), out, flag);
  return model::contract_generic(plan_.shapes[shape], semiring_, in.data(), out, flag);
}

bool Workspace::interrupted(std::size_t work) {
  work_since_poll_ += work + 1;
  if (work_since_poll_ < kWorkBetweenPolls) return false;
  work_since_poll_ = 0;
  return interrupt_ != nullptr && interrupt_->load(std::memory_order_relaxed);
}

Result<void> Workspace::check(std::span<const double> log_tables) const {
  if (log_tables.size() != plan_.table_begin.back()) {
    return fail(diagnose<DiagnosticKind::malformed_factor_graph>(
        plan_.from, fmt::format("its tables have {} entries, but the plan is for {}", log_tables.size(),
                                plan_.table_begin.back())));
  }
  for (std::size_t i = 0; i < log_tables.size(); ++i) {
    const double x = log_tables[i];
    if (usable_log_weight(x)) continue;
    const auto next = std::upper_bound(plan_.table_begin.begin(), plan_.table_begin.end(), i);
    return fail(diagnose<DiagnosticKind::bad_log_weight>(
        plan_.from, fmt::format("factor {}", next - plan_.table_begin.begin()), x));
  }
  return {};
}

Result<double> Workspace::log_partition(std::span<const double> log_tables) {
  if (auto ok = check(log_tables); !ok) return fail(std::move(ok.error()));
  logs_.assign(log_tables.begin(), log_tables.end());
  semiring_ = Semiring::linear;
  Result<double> z = 0.0;
  bool underflowed = false;
  {
    const UnderflowGuard guard;
    z = upward();
    underflowed = guard.underflowed();
  }
  if (z && underflowed) {
    semiring_ = Semiring::log;
    z = upward();
  }
  impossible_ = z && *z == kImpossible;
  return z;
}

Result<double> Workspace::upward() {
  const bool logs = semiring_ == Semiring::log;
  ExactSum log_scale;          // what was taken out of the blocks, in nats
  std::int64_t exponents = 0;  // and in powers of two
  log_scale.add(plan_.log_free_states);
  for (std::size_t f = 0; f + 1 < plan_.table_begin.size(); ++f) {
    const std::size_t begin = plan_.table_begin[f];
    const std::size_t end = plan_.table_begin[f + 1];
    const double top = model::lanes::largest(end - begin, logs_.data() + begin);
    if (top == kImpossible) return kImpossible;
    for (std::size_t i = begin; i < end; ++i) values_[i] = logs ? logs_[i] - top : std::exp(logs_[i] - top);
    log_scale.add(top);
    if (interrupted(end - begin)) return fail(diagnose<DiagnosticKind::interrupted>(plan_.from));
  }
  values_[plan_.one] = logs ? 0 : 1;

  Pointers in{};
  for (const Run& r : plan_.runs) {
    const auto* first = plan_.offsets.data() + r.operands;
    const auto* stride = first + r.inputs + 1;
    for (std::size_t e = 0; e < r.count; ++e) {
      const auto i = static_cast<std::ptrdiff_t>(e);
      for (std::size_t k = 0; k < r.inputs; ++k) in[k] = values_.data() + (first[k] + i * stride[k]);
      double* out = values_.data() + (first[r.inputs] + i * stride[r.inputs]);
      if (!contract(r.shape, in, out)) return fail(diagnose<DiagnosticKind::interrupted>(plan_.from));
      const std::size_t size = output_size_[r.shape];
      if (logs) {
        const double top = shift(size, out);
        if (top == kImpossible) return kImpossible;
        log_scale.add(top);
      } else {
        const int exponent = rescale(size, out);
        if (exponent == kAllZero) return kImpossible;
        exponents += exponent;
      }
      if (interrupted(work_[r.shape])) return fail(diagnose<DiagnosticKind::interrupted>(plan_.from));
    }
  }

  const auto kept = std::span(values_).subspan(plan_.joint_offset, plan_.joint_size);
  if (logs) {
    for (const auto root : plan_.roots) log_scale.add(values_[root]);
    if (!kept.empty()) log_scale.add(log_sum_exp(kept));
    return log_scale.value();
  }
  double product = kept.empty() ? 1 : model::lanes::sum(kept.size(), kept.data());
  for (const auto root : plan_.roots) {
    int exponent = 0;
    product = std::frexp(product * values_[root], &exponent);
    exponents += exponent;
  }
  if (product == 0) return kImpossible;
  log_scale.add(std::log(product));
  log_scale.add(static_cast<double>(exponents) * std::numbers::ln2);
  return log_scale.value();
}

Result<std::vector<double>> Workspace::joint() const {
  if (impossible_) return fail(diagnose<DiagnosticKind::impossible_evidence>(plan_.from));
  const auto block = std::span(values_).subspan(plan_.joint_offset, plan_.joint_size);
  std::vector<double> table(block.begin(), block.end());
  if (semiring_ == Semiring::log) {
    normalise_logs(table);
  } else {
    normalise(table);
  }
  return table;
}

Result<void> Workspace::propagate(bool factors) {
  if (impossible_) return fail(diagnose<DiagnosticKind::impossible_evidence>(plan_.from));
  if (adjoints_.empty()) {
    adjoints_.resize(plan_.arena_size);
    marginal_begin_.assign(1, 0);
    for (const auto c : plan_.cardinalities) marginal_begin_.push_back(marginal_begin_.back() + c);
    marginals_.resize(marginal_begin_.back());
  }
  Result<void> done;
  if (semiring_ == Semiring::linear) {
    bool underflowed = false;
    {
      const UnderflowGuard guard;
      done = downward(factors);
      if (done) read_marginals();
      underflowed = guard.underflowed();
    }
    if (!done || !underflowed) return done;
    semiring_ = Semiring::log;
    if (auto z = upward(); !z) return fail(std::move(z.error()));
  }
  done = downward(factors);
  if (done) read_marginals();
  return done;
}

Result<void> Workspace::downward(bool factors) {
  const bool logs = semiring_ == Semiring::log;
  const double one = logs ? 0.0 : 1.0;
  for (const auto root : plan_.roots) adjoints_[root] = one;
  for (std::size_t i = 0; i < plan_.joint_size; ++i) adjoints_[plan_.joint_offset + i] = one;
  Pointers in{};
  for (std::size_t n = plan_.runs.size(); n-- > 0;) {
    const Run& r = plan_.runs[n];
    const auto* first = plan_.offsets.data() + r.operands;
    const auto* stride = first + r.inputs + 1;
    for (std::size_t e = r.count; e-- > 0;) {
      const auto i = static_cast<std::ptrdiff_t>(e);
      for (std::uint32_t j = 0; j < r.inputs; ++j) {
        const std::ptrdiff_t target = first[j] + i * stride[j];
        if ((r.needed >> j & 1U) == 0 && !(factors && target < static_cast<std::ptrdiff_t>(plan_.one))) continue;
        std::size_t filled = 0;
        for (std::uint32_t k = 0; k < r.inputs; ++k) {
          if (k != j) in[filled++] = values_.data() + (first[k] + i * stride[k]);
        }
        in[filled] = adjoints_.data() + (first[r.inputs] + i * stride[r.inputs]);
        const std::size_t shape = plan_.adjoint_shapes[r.shape * kMaxStepInputs + j];
        double* out = adjoints_.data() + target;
        if (!contract(shape, in, out)) return fail(diagnose<DiagnosticKind::interrupted>(plan_.from));
        if (logs) {
          shift(output_size_[shape], out);
        } else {
          rescale(output_size_[shape], out);
        }
        if (interrupted(work_[shape])) return fail(diagnose<DiagnosticKind::interrupted>(plan_.from));
      }
    }
  }
  return {};
}

void Workspace::read_marginals() {
  std::vector<double> weights;
  for (std::size_t v = 0; v < plan_.cardinalities.size(); ++v) {
    const MarginalSource& source = plan_.marginals[v];
    const std::size_t c = plan_.cardinalities[v];
    const auto out = std::span(marginals_).subspan(marginal_begin_[v], c);
    if (source.outer == 0) {  // nothing is said about it
      std::fill(out.begin(), out.end(), 1.0 / static_cast<double>(c));
      continue;
    }
    for (std::size_t x = 0; x < c; ++x) {
      double total = 0;
      weights.clear();
      for (std::size_t o = 0; o < source.outer; ++o) {
        const std::size_t begin = source.offset + (o * c + x) * source.inner;
        if (semiring_ == Semiring::linear) {
          total += model::lanes::dot(source.inner, values_.data() + begin, adjoints_.data() + begin);
        } else {
          for (std::size_t i = 0; i < source.inner; ++i) weights.push_back(values_[begin + i] + adjoints_[begin + i]);
        }
      }
      out[x] = semiring_ == Semiring::linear ? total : log_sum_exp(weights);
    }
    if (semiring_ == Semiring::linear) {
      normalise(out);
    } else {
      normalise_logs(out);
    }
  }
}

std::span<const double> Workspace::marginal(std::uint32_t variable) const {
  return std::span(marginals_).subspan(marginal_begin_[variable], plan_.cardinalities[variable]);
}

std::vector<double> Workspace::factor_marginal(std::size_t factor) const {
  const std::size_t begin = plan_.table_begin[factor];
  std::vector<double> table(plan_.table_begin[factor + 1] - begin);
  const bool root = table.size() == 1;  // never a step's input
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double v = values_[begin + i];
    const double a = root ? 1 : adjoints_[begin + i];
    table[i] = semiring_ == Semiring::linear ? v * a : v + a;
  }
  if (semiring_ == Semiring::linear) {
    normalise(table);
  } else {
    normalise_logs(table);
  }
  return table;
}

}  // namespace hearsay::exact
