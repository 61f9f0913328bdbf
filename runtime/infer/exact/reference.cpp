#include "runtime/infer/exact/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearsay::exact {

namespace {

std::vector<std::uint32_t> state_at(const model::FactorGraph& graph, std::size_t index) {
  std::vector<std::uint32_t> state(graph.variables.size());
  for (std::size_t v = state.size(); v-- > 0;) {
    const std::uint32_t c = graph.variables[v].cardinality;
    state[v] = static_cast<std::uint32_t>(index % c);
    index /= c;
  }
  return state;
}

std::size_t index_in(const model::FactorGraph& graph, const std::vector<model::VariableId>& scope,
                     const std::vector<std::uint32_t>& state) {
  std::size_t index = 0;
  for (const auto v : scope) index = index * graph.cardinality(v) + state[static_cast<std::size_t>(v)];
  return index;
}

}  // namespace

ReferenceAnswer enumerate_reference(const model::FactorGraph& graph) {
  ReferenceAnswer answer;
  std::size_t states = 1;
  for (const auto& v : graph.variables) states *= v.cardinality;
  std::vector<long double> log_weights;
  for (std::size_t i = 0; i < states; ++i) {
    const auto state = state_at(graph, i);
    long double weight = 0;
    for (const auto& f : graph.factors) weight += f.log_table[index_in(graph, f.scope, state)];
    log_weights.push_back(weight);
  }
  const long double top = *std::max_element(log_weights.begin(), log_weights.end());
  if (std::isinf(top)) {
    answer.log_partition = -std::numeric_limits<double>::infinity();
    return answer;
  }
  long double total = 0;
  for (const auto w : log_weights) total += std::exp(w - top);
  answer.log_partition = static_cast<double>(top + std::log(total));
  for (const auto w : log_weights) answer.probabilities.push_back(std::exp(w - top) / total);
  for (std::size_t v = 0; v < graph.variables.size(); ++v) {
    answer.marginals.push_back(reference_joint(graph, answer, {static_cast<model::VariableId>(v)}));
  }
  return answer;
}

std::vector<double> reference_joint(const model::FactorGraph& graph, const ReferenceAnswer& answer,
                                    const std::vector<model::VariableId>& keep) {
  std::size_t size = 1;
  for (const auto v : keep) size *= graph.cardinality(v);
  std::vector<long double> sums(size, 0);
  for (std::size_t i = 0; i < answer.probabilities.size(); ++i) {
    sums[index_in(graph, keep, state_at(graph, i))] += answer.probabilities[i];
  }
  return {sums.begin(), sums.end()};
}

}  // namespace hearsay::exact
