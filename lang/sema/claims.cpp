// Claims: their instances over the loops that they stand in, who pays, and the order in which they are made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/eval/rows.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

std::vector<double> ModelLowerer::one_or_per_instance(const Sym& s, SourceSpan span, std::string_view what) {
  if (!s.is_scalar() || s.labels || s.type == ScalarType::boolean)
    raise<K::wrong_type>(span, std::string(what), "something else");
  const ExprId e = real_expr(s);
  if (const Scalar* c = module_->constant(e)) return {c->r};
  if (ir::dependence(*module_, e).on_latents()) raise<K::strength_not_data>(span);
  std::vector<ir::IndexId> indices;
  for (const Loop& l : loops_) indices.push_back(l.index);
  return eval::rows(*module_, e, indices).reals;
}

/// Runs through the values of the present loops in row-major order.
std::vector<double> ModelLowerer::per_instance(const Sym& s, SourceSpan span, std::string_view what) {
  std::vector<double> values = one_or_per_instance(s, span, what);
  if (values.size() == 1) values.resize(instance_count(), values[0]);
  return values;
}

/// Which instances are reached, where conditions are decided by data; conditions on latents count as reached.
std::vector<bool> ModelLowerer::active_instances() {
  std::optional<ExprId> all;
  for (const ExprId c : conditions_)
    if (!ir::dependence(*module_, c).on_latents()) all = all ? module_->select(*all, c, module_->boolean(false)) : c;
  if (!all) return {};
  std::vector<ir::IndexId> indices;
  for (const Loop& l : loops_) indices.push_back(l.index);
  const std::vector<std::int64_t> reached = eval::rows(*module_, *all, indices).integers;
  return {reached.begin(), reached.end()};
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
  charged_sources_.insert(source.text);
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

void ModelLowerer::leave_unscheduled() {
  for (const Claim& c : claims)
    if (c.given.empty())
      module_->data[ir::raw(c.strengths)].reals =
          std::make_shared<const std::vector<double>>(c.instances * c.cells, 0.0);
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
