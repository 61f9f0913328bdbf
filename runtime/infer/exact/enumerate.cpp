#include "runtime/infer/exact/enumerate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "runtime/infer/exact/block_model.h"
#include "runtime/infer/exact/block_visitor.h"
#include "runtime/infer/exact/exact_sum.h"
#include "runtime/infer/exact/native_enumeration.h"
#include "runtime/infer/exact/pieces.h"
#include "runtime/infer/exact/structure.h"
#include "runtime/infer/exact/underflow_guard.h"

namespace hearsay::exact {

namespace {

// Lanes of a block: a few blocks fit into the first-level cache.
constexpr std::size_t kBlockSize = 512;

Result<void> check(const model::FactorGraph& graph, const EnumerationOptions& options) {
  auto structure = structure_of(graph, options.from);
  if (!structure) return fail(std::move(structure.error()));
  auto tables = concatenated_tables(graph, options.from);
  if (!tables) return fail(std::move(tables.error()));
  for (std::size_t f = 0; f < graph.factors.size(); ++f) {
    for (const double x : graph.factors[f].log_table) {
      if (!usable_log_weight(x)) {
        return fail(diagnose<DiagnosticKind::bad_log_weight>(options.from, fmt::format("factor {}", f + 1), x));
      }
    }
  }
  for (std::size_t k = 0; k < options.keep.size(); ++k) {
    const bool known = static_cast<std::size_t>(options.keep[k]) < graph.variables.size();
    const auto end = options.keep.begin() + static_cast<std::ptrdiff_t>(k);
    if (!known || std::find(options.keep.begin(), end, options.keep[k]) != end) {
      return fail(diagnose<DiagnosticKind::malformed_factor_graph>(
          options.from, "a joint table is asked for over a variable that is not there, or over one twice"));
    }
  }
  double states = 1;
  for (const auto& v : graph.variables) states *= v.cardinality;
  if (states > options.max_states) {
    return fail(diagnose<DiagnosticKind::too_many_states>(options.from, fmt::format("{:.4g}", states),
                                                          fmt::format("{:.4g}", options.max_states)));
  }
  return {};
}

// A sum for each state of the kept loops, out of one for each piece.
template <class Sum>
void merge_groups(std::vector<Sum>& sums, const BlockModel& m) {
  std::size_t entries = 1;
  for (std::size_t d = 0; d < m.kept; ++d) entries *= m.loop_extents[d];
  const std::size_t group = sums.size() / entries;
  for (std::size_t e = 0; e < entries; ++e) {
    sums[e] = sums[e * group];
    for (std::size_t i = 1; i < group; ++i) sums[e].add(sums[e * group + i]);
  }
  sums.resize(entries);
}

template <class Algebra>
struct Walk {
  using Sum = typename Algebra::Sum;
  std::vector<Sum> joint;                      // over the kept loops
  typename BlockVisitor<Algebra>::Answer all;  // if marginals are asked for
  bool inexact = false;

  [[nodiscard]] Sum total() const {
    Sum sum;
    for (const Sum& s : joint) sum.add(s);
    return sum;
  }
};

template <class Algebra>
Walk<Algebra> walk(const BlockModel& m, const EnumerationOptions& options) {
  using Answer = typename BlockVisitor<Algebra>::Answer;
  const Pieces pieces(m.loop_extents, m.kept);
  Walk<Algebra> result;
  result.joint.resize(pieces.count());
  std::vector<Answer> answers(options.marginals ? pieces.count() : 0);
  std::atomic<bool> inexact{false};
  share_out(pieces.count(), options.threads, [&](const auto& next) {
    const UnderflowGuard guard;
    BlockVisitor<Algebra> visitor(m, options.marginals, options.interrupt);
    std::vector<std::uint32_t> fixed(pieces.depth());
    for (auto i = next(); i; i = next()) {
      pieces.values(*i, fixed);
      Answer answer = visitor.run(fixed);
      result.joint[*i] = answer.total;
      if (options.marginals) answers[*i] = std::move(answer);
    }
    if (guard.underflowed() || visitor.lost_lanes()) inexact = true;
  });
  result.inexact = inexact && !Algebra::kLogs;
  merge_groups(result.joint, m);
  if (!options.marginals) return result;
  result.all = std::move(answers[0]);
  for (std::size_t i = 1; i < answers.size(); ++i) {
    for (std::size_t d = 0; d < result.all.loop_sums.size(); ++d) {
      for (std::size_t x = 0; x < result.all.loop_sums[d].size(); ++x) {
        result.all.loop_sums[d][x].add(answers[i].loop_sums[d][x]);
      }
    }
    for (std::size_t j = 0; j < result.all.lane_sums.size(); ++j) result.all.lane_sums[j].add(answers[i].lane_sums[j]);
  }
  return result;
}

// The same by a native kernel; nothing when there is none.
std::optional<Walk<LinearAlgebra>> native_walk(const BlockModel& m, const EnumerationOptions& options) {
  if (options.kernels == nullptr || options.marginals) return std::nullopt;
  auto native = NativeEnumeration::find(m, *options.kernels);
  if (!native) return std::nullopt;
  Walk<LinearAlgebra> result;
  auto sums = native->run(options.threads, options.interrupt);
  result.inexact = sums.underflowed;
  for (const model::WeightSum& s : sums.weights) result.joint.push_back({s.mantissa, s.exponent});
  merge_groups(result.joint, m);
  return result;
}

template <class Sum>
std::vector<double> shares(const std::vector<Sum>& sums) {
  std::vector<double> p;
  double top = -std::numeric_limits<double>::infinity();
  for (const auto& s : sums) {
    p.push_back(s.log());
    top = std::max(top, p.back());
  }
  double total = 0;
  for (double& x : p) total += x = std::exp(x - top);
  for (double& x : p) x /= total;
  return p;
}

template <class Algebra>
Enumeration read_out(const model::FactorGraph& graph, const BlockModel& m, const Walk<Algebra>& w, bool marginals) {
  using Sum = typename Algebra::Sum;
  Enumeration result;
  result.in_logs = Algebra::kLogs;
  result.log_partition = w.total().log() + m.log_offset;
  if (result.log_partition == -std::numeric_limits<double>::infinity()) return result;
  result.joint = shares(w.joint);
  if (!marginals) return result;
  for (const auto& v : graph.variables) result.marginals.emplace_back(v.cardinality, 1.0);
  for (std::size_t d = 0; d < m.loop_variables.size(); ++d) {
    result.marginals[m.loop_variables[d]] = shares(w.all.loop_sums[d]);
  }
  std::size_t inner = m.lanes;
  for (const auto v : m.lane_variables) {
    const std::size_t c = graph.variables[v].cardinality;
    inner /= c;
    std::vector<Sum> sums(c);
    for (std::size_t j = 0; j < m.lanes; ++j) sums[j / inner % c].add(w.all.lane_sums[j]);
    result.marginals[v] = shares(sums);
  }
  return result;
}

}  // namespace

Result<Enumeration> enumerate(const model::FactorGraph& graph, const EnumerationOptions& options) {
  if (auto ok = check(graph, options); !ok) return fail(std::move(ok.error()));
  const auto interrupted = [&] { return options.interrupt != nullptr && options.interrupt->load(); };
  const BlockModel logs = make_block_model(graph, kBlockSize, options.keep);
  bool exact_tables = false;
  BlockModel weights = logs;
  {
    const UnderflowGuard guard;
    to_weights(weights);
    exact_tables = !guard.underflowed();
  }
  if (exact_tables) {
    auto native = native_walk(weights, options);
    const auto w = native ? *std::move(native) : walk<LinearAlgebra>(weights, options);
    if (interrupted()) return fail(diagnose<DiagnosticKind::interrupted>(options.from));
    if (!w.inexact) {
      Enumeration result = read_out(graph, weights, w, options.marginals);
      result.native = native.has_value();
      return result;
    }
  }
  const auto w = walk<LogAlgebra>(logs, options);
  if (interrupted()) return fail(diagnose<DiagnosticKind::interrupted>(options.from));
  return read_out(graph, logs, w, options.marginals);
}

}  // namespace hearsay::exact
