#include "runtime/infer/exact/enumerate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>
#include <thread>

#include "runtime/infer/exact/block_model.h"
#include "runtime/infer/exact/block_visitor.h"
#include "runtime/infer/exact/exact_sum.h"
#include "runtime/infer/exact/structure.h"
#include "runtime/infer/exact/underflow_guard.h"

namespace hearsay::exact {

namespace {

// Lanes of a block: a few blocks fit into the first-level cache.
constexpr std::size_t kBlockSize = 1024;
// Pieces of work, whatever the number of threads, so that the order of summation never changes.
constexpr std::size_t kPieces = 64;

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
  double states = 1;
  for (const auto& v : graph.variables) states *= v.cardinality;
  if (states > options.max_states) {
    return fail(diagnose<DiagnosticKind::too_many_states>(options.from, fmt::format("{:.4g}", states),
                                                          fmt::format("{:.4g}", options.max_states)));
  }
  return {};
}

// The first loops, as many as make kPieces pieces.
std::vector<std::vector<std::uint32_t>> pieces_of(const BlockModel& m) {
  std::vector<std::vector<std::uint32_t>> pieces(1);
  for (std::size_t d = 0; d < m.loop_extents.size() && pieces.size() < kPieces; ++d) {
    std::vector<std::vector<std::uint32_t>> finer;
    for (const auto& p : pieces) {
      for (std::uint32_t x = 0; x < m.loop_extents[d]; ++x) {
        finer.push_back(p);
        finer.back().push_back(x);
      }
    }
    pieces = std::move(finer);
  }
  return pieces;
}

template <class Algebra>
struct Walk {
  typename BlockVisitor<Algebra>::Answer answer;
  bool inexact = false;
};

template <class Algebra>
Walk<Algebra> walk(const BlockModel& m, const EnumerationOptions& options) {
  using Answer = typename BlockVisitor<Algebra>::Answer;
  const auto pieces = pieces_of(m);
  std::vector<Answer> answers(pieces.size());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> inexact{false};
  const auto work = [&] {
    const UnderflowGuard guard;
    BlockVisitor<Algebra> visitor(m, options.marginals, options.interrupt);
    for (std::size_t i = next++; i < pieces.size(); i = next++) answers[i] = visitor.run(pieces[i]);
    if (guard.underflowed() || visitor.lost_lanes()) inexact = true;
  };
  const unsigned cores = std::max(1U, options.threads != 0 ? options.threads : std::thread::hardware_concurrency());
  const std::size_t wanted = std::min<std::size_t>(cores, pieces.size());
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < wanted; ++t) {
    try {
      others.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: the ones there are do all the work
    }
  }
  work();
  for (auto& t : others) t.join();

  Walk<Algebra> result;
  result.inexact = inexact && !Algebra::kLogs;
  result.answer = std::move(answers[0]);
  for (std::size_t i = 1; i < answers.size(); ++i) {
    result.answer.total.add(answers[i].total);
    for (std::size_t d = 0; d < result.answer.loop_sums.size(); ++d) {
      for (std::size_t x = 0; x < result.answer.loop_sums[d].size(); ++x) {
        result.answer.loop_sums[d][x].add(answers[i].loop_sums[d][x]);
      }
    }
    for (std::size_t j = 0; j < result.answer.lane_sums.size(); ++j) {
      result.answer.lane_sums[j].add(answers[i].lane_sums[j]);
    }
  }
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
  const double log_total = w.answer.total.log();
  result.log_partition = log_total + m.log_offset;
  if (!marginals || result.log_partition == -std::numeric_limits<double>::infinity()) return result;
  for (const auto& v : graph.variables) result.marginals.emplace_back(v.cardinality, 1.0);
  for (std::size_t d = 0; d < m.loop_variables.size(); ++d) {
    result.marginals[m.loop_variables[d]] = shares(w.answer.loop_sums[d]);
  }
  std::size_t inner = m.lanes;
  for (const auto v : m.lane_variables) {
    const std::size_t c = graph.variables[v].cardinality;
    inner /= c;
    std::vector<Sum> sums(c);
    for (std::size_t j = 0; j < m.lanes; ++j) sums[j / inner % c].add(w.answer.lane_sums[j]);
    result.marginals[v] = shares(sums);
  }
  return result;
}

}  // namespace

Result<Enumeration> enumerate(const model::FactorGraph& graph, const EnumerationOptions& options) {
  if (auto ok = check(graph, options); !ok) return fail(std::move(ok.error()));
  const auto interrupted = [&] { return options.interrupt != nullptr && options.interrupt->load(); };
  const BlockModel logs = make_block_model(graph, kBlockSize);
  bool exact_tables = false;
  BlockModel weights = logs;
  {
    const UnderflowGuard guard;
    to_weights(weights);
    exact_tables = !guard.underflowed();
  }
  if (exact_tables) {
    const auto w = walk<LinearAlgebra>(weights, options);
    if (interrupted()) return fail(diagnose<DiagnosticKind::interrupted>(options.from));
    if (!w.inexact) return read_out(graph, weights, w, options.marginals);
  }
  const auto w = walk<LogAlgebra>(logs, options);
  if (interrupted()) return fail(diagnose<DiagnosticKind::interrupted>(options.from));
  return read_out(graph, logs, w, options.marginals);
}

}  // namespace hearsay::exact
