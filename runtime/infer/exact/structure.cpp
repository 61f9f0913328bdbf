#include "runtime/infer/exact/structure.h"

#include <algorithm>

namespace hearsay::exact {

namespace {

// Above this a table is certainly a mistake, and products of cardinalities still can't overflow.
constexpr std::size_t kLargestTable = std::size_t{1} << 40;
constexpr std::size_t kNamesShown = 8;

}  // namespace

Result<Structure> structure_of(const model::FactorGraph& graph, SourceSpan from) {
  const auto malformed = [&](std::string what) {
    return fail(diagnose<DiagnosticKind::malformed_factor_graph>(from, what));
  };
  Structure s;
  s.cardinalities.reserve(graph.variables.size());
  for (const auto& v : graph.variables) {
    if (v.cardinality == 0) return malformed(fmt::format("`{}` has no values", v.name));
    s.cardinalities.push_back(v.cardinality);
  }
  s.scope_begin.reserve(graph.factors.size() + 1);
  s.table_begin.reserve(graph.factors.size() + 1);
  s.scope_begin.push_back(0);
  s.table_begin.push_back(0);
  std::vector<std::size_t> seen_by(graph.variables.size(),
                                   0);  // number of the factor, from 1, that last named a variable
  for (std::size_t f = 0; f < graph.factors.size(); ++f) {
    std::size_t size = 1;
    for (const auto id : graph.factors[f].scope) {
      const auto v = static_cast<std::uint32_t>(id);
      if (v >= s.cardinalities.size())
        return malformed(fmt::format("factor {} is over a variable that does not exist", f + 1));
      if (seen_by[v] == f + 1) {
        return malformed(fmt::format("factor {} names `{}` twice", f + 1, graph.variables[v].name));
      }
      seen_by[v] = f + 1;
      size *= s.cardinalities[v];
      if (size > kLargestTable) return malformed(fmt::format("the table of factor {} is too large", f + 1));
      if (s.cardinalities[v] > 1) s.variables.push_back(v);
    }
    s.scope_begin.push_back(s.variables.size());
    s.table_begin.push_back(s.table_begin.back() + size);
    if (s.table_begin.back() > kLargestTable) return malformed("its tables are too large together");
  }
  return s;
}

Result<std::vector<double>> concatenated_tables(const model::FactorGraph& graph, SourceSpan from) {
  std::size_t total = 0;
  for (const auto& f : graph.factors) total += f.log_table.size();
  std::vector<double> tables;
  tables.reserve(total);
  for (std::size_t i = 0; i < graph.factors.size(); ++i) {
    const auto& f = graph.factors[i];
    std::size_t size = 1;
    for (const auto id : f.scope)
      size *= static_cast<std::size_t>(id) < graph.variables.size() ? graph.cardinality(id) : 0;
    if (f.log_table.size() != size) {
      return fail(diagnose<DiagnosticKind::malformed_factor_graph>(
          from, fmt::format("the table of factor {} has {} entries instead of {}", i + 1, f.log_table.size(), size)));
    }
    tables.insert(tables.end(), f.log_table.begin(), f.log_table.end());
  }
  return tables;
}

std::string name_list(const model::FactorGraph& graph, std::span<const std::uint32_t> variables) {
  std::string text;
  const std::size_t shown = variables.size() <= kNamesShown + 1 ? variables.size() : kNamesShown;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == variables.size() ? " and " : ", ";
    text += fmt::format("`{}`", graph.variables[variables[i]].name);
  }
  if (shown < variables.size()) text += fmt::format(" and {} more", variables.size() - shown);
  return text;
}

}  // namespace hearsay::exact
