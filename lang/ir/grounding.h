// The result of grounding (lang/pass/ground.h): which elements of finite latents each instance of each term reads. The
// result is the structure of a factor graph whose tables the reference evaluator or native code fills.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lang/ir/ir.h"
#include "lang/ir/layout.h"
#include "lang/model/factor_graph.h"

namespace hearsay::ir {

/// One table to fill: the term at these plate indices, for all assignments of `scope` (row-major, last fastest).
struct GroundFactor {
  TermId term{};
  std::vector<std::int64_t> plate;   ///< values of the term's plate indices
  std::vector<std::uint32_t> scope;  ///< flat positions in StateView::finite, ascending
  std::size_t table_offset = 0;      ///< into one array of doubles
  std::size_t table_size = 1;
};

struct Grounding {
  std::vector<TermId> closed_terms;  ///< terms that read no finite latent: their sum is one number
  std::vector<GroundFactor> factors;
  std::vector<model::Variable> variables;  ///< by flat position in StateView::finite
  std::size_t table_entries = 0;
};

}  // namespace hearsay::ir
