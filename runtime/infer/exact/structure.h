// The structure of a factor graph without its numbers: who shares a table with whom. Plans are made from this alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/model/factor_graph.h"
#include "lang/support/diagnostic.h"

namespace hearsay::exact {

/// Scopes in one array. Variables with one value are left out of `variables`: they index nothing.
struct Structure {
  std::vector<std::uint32_t> cardinalities;  ///< [variables of the graph]
  std::vector<std::size_t> scope_begin;      ///< [factors + 1], into `variables`
  std::vector<std::uint32_t> variables;      ///< each scope in the order of its table, last fastest
  std::vector<std::size_t> table_begin;      ///< [factors + 1]: where each table begins when all are laid out in a row

  [[nodiscard]] std::size_t factors() const { return scope_begin.size() - 1; }
  [[nodiscard]] std::span<const std::uint32_t> scope(std::size_t factor) const {
    return std::span(variables).subspan(scope_begin[factor], scope_begin[factor + 1] - scope_begin[factor]);
  }
};

/// Reads scopes and cardinalities; the tables of `graph` are not looked at and may be empty.
/// Errors: E0504 when a scope names no variable or one twice, a cardinality is 0, or a table would not fit into memory.
[[nodiscard]] Result<Structure> structure_of(const model::FactorGraph& graph, SourceSpan from = {});

/// All tables of `graph` in a row, as plans expect them. Errors: E0504 when a table has not the size of its scope.
[[nodiscard]] Result<std::vector<double>> concatenated_tables(const model::FactorGraph& graph, SourceSpan from = {});

/// "`a`, `b`, `c` and 12 more", for messages.
[[nodiscard]] std::string name_list(const model::FactorGraph& graph, std::span<const std::uint32_t> variables);

}  // namespace hearsay::exact
