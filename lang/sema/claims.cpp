// Claims: their instances over the loops that they stand in, who pays, and the order in which they are made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

/// Runs through the values of the present loops in row-major order.
std::vector<double> ModelLowerer::per_instance(const Sym& s, SourceSpan span, std::string_view what) {
  if (!s.is_scalar() || s.labels || s.type == ScalarType::boolean)
    raise<K::wrong_type>(span, std::string(what), "something else");
  const std::size_t n = instance_count();
  const ExprId e = real_expr(s);
  if (const Scalar* c = module_->constant(e)) return std::vector<double>(n, c->r);
  const ir::Dependence dep = ir::dependence(*module_, e);
  if (dep.on_latents()) raise<K::strength_not_data>(span);
  // The common case is one array read by the one loop index: no evaluation needed.
  eval::ReferenceEvaluator evaluator(*module_);
  std::vector<double> values;
  values.reserve(n);
  std::vector<std::int64_t> at;
  for (const Loop& l : loops_) at.push_back(module_->index(l.index).low);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < loops_.size(); ++d) evaluator.set_index(loops_[d].index, at[d]);
    values.push_back(evaluator.value(e, {}).as_real());
    for (std::size_t d = loops_.size(); d-- > 0;) {
      if (++at[d] <= module_->index(loops_[d].index).high) break;
      at[d] = module_->index(loops_[d].index).low;
    }
  }
  return values;
}

/// Which instances are reached, where conditions are decided by data; conditions on latents count as reached.
std::vector<bool> ModelLowerer::active_instances() {
  std::vector<ExprId> decidable;
  for (const ExprId c : conditions_)
    if (!ir::dependence(*module_, c).on_latents()) decidable.push_back(c);
  if (decidable.empty()) return {};
  const std::size_t n = instance_count();
  eval::ReferenceEvaluator evaluator(*module_);
  std::vector<bool> active;
  active.reserve(n);
  std::vector<std::int64_t> at;
  for (const Loop& l : loops_) at.push_back(module_->index(l.index).low);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < loops_.size(); ++d) evaluator.set_index(loops_[d].index, at[d]);
    active.push_back(
        std::all_of(decidable.begin(), decidable.end(), [&](ExprId c) { return evaluator.value(c, {}).truth(); }));
    for (std::size_t d = loops_.size(); d-- > 0;) {
      if (++at[d] <= module_->index(loops_[d].index).high) break;
      at[d] = module_->index(loops_[d].index).low;
    }
  }
  return active;
}

/// A data array with one row per instance of the present loops (and `cells` numbers a row when that is not 0).
ir::DataId ModelLowerer::instance_data(const std::string& name, std::vector<double> values, std::int64_t cells) {
  ir::Data d;
  d.name = name;
  d.type = ScalarType::real;
  for (const Loop& l : loops_) d.shape.push_back(module_->index(l.index).extent());
  if (cells > 0) d.shape.push_back(cells);
  d.reals = std::make_shared<const std::vector<double>>(std::move(values));
  return module_->add_data(std::move(d));
}

std::vector<ExprId> ModelLowerer::positions() {
  std::vector<ExprId> row;
  for (const Loop& l : loops_) {
    const std::int64_t low = module_->index(l.index).low;
    const ExprId v = module_->index_value(l.index);
    row.push_back(low == 1 ? v : module_->prim(Op::sub, {v, module_->integer(low - 1)}));
  }
  return row;
}

const ast::SourceDecl* ModelLowerer::find_source(const ast::Name& source) {
  if (const auto at = local_sources.find(source.text); at != local_sources.end()) return at->second.get();
  if (const auto at = environment_.sources.find(source.text); at != environment_.sources.end()) return at->second.get();
  std::vector<std::string> names;
  for (const auto& [n, s] : local_sources) names.push_back(n);
  for (const auto& [n, s] : environment_.sources) names.push_back(n);
  const std::string near = nearest_name(source.text, names);
  raise_help<K::unknown_name>(source.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), "source",
                              source.text);
}

bool ModelLowerer::source_has_budget(const ast::Name& source) { return find_source(source)->budget.has_value(); }

void ModelLowerer::charge_order(std::uint32_t claim, const std::vector<std::int64_t>& inner) {
  OrderNode* node = order_path_.back();
  for (const std::int64_t extent : inner) {
    node->children.push_back({});
    node->children.back().extent = extent;
    node = &node->children.back();
  }
  node->children.push_back({});
  node->children.back().claim = claim;
}

/// Execution order as runs: a nest of loops around one claim is one run; several claims in one loop alternate.
void ModelLowerer::flatten(const OrderNode& node, std::size_t prefix, std::vector<ClaimRun>& out) const {
  const auto lone_claim = [](const OrderNode& n, std::size_t& count, std::uint32_t& claim) {
    const OrderNode* at = &n;
    count = 1;
    while (at->extent > 0) {
      count *= static_cast<std::size_t>(at->extent);
      if (at->children.size() != 1) return false;
      at = &at->children[0];
    }
    claim = at->claim;
    return true;
  };
  const auto add = [&](std::uint32_t claim, std::size_t first, std::size_t count) {
    const Claim& c = claims[claim];
    if (c.active.empty()) {
      out.push_back({claim, first, count});
      return;
    }
    for (std::size_t i = first; i < first + count; ++i) {
      if (!c.active[i]) continue;
      if (!out.empty() && out.back().claim == claim && out.back().first + out.back().count == i)
        ++out.back().count;
      else
        out.push_back({claim, i, 1});
    }
  };
  for (const OrderNode& child : node.children) {
    if (child.extent == 0) {
      add(child.claim, prefix, 1);
      continue;
    }
    std::size_t count = 1;
    std::uint32_t claim = 0;
    if (lone_claim(child, count, claim)) {
      add(claim, prefix * count, count);
      continue;
    }
    for (std::int64_t i = 0; i < child.extent; ++i)
      flatten(child, prefix * static_cast<std::size_t>(child.extent) + static_cast<std::size_t>(i), out);
  }
}

}  // namespace hearsay
