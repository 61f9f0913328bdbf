// The planner: one class, because every step of it reads or writes the same table of blocks; hence its length.
#include "runtime/infer/exact/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "runtime/infer/exact/order.h"
#include "runtime/infer/exact/structure.h"

namespace hearsay::exact {

namespace {

using model::ContractionShape;

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::size_t kPollEvery = 1024;

// A dense block of the arena, row-major over its scope (last variable fastest).
struct Block {
  std::size_t offset = 0;
  std::size_t size = 1;
  std::size_t scope_begin = 0;
  std::uint32_t scope_size = 0;
};

// Canonical shapes, each stored once.
class ShapeTable {
public:
  std::uint32_t intern(const ContractionShape& shape) {
    if (!shapes_.empty() && shapes_[last_] == shape) return last_;
    const auto [it, fresh] = index_.try_emplace(shape, static_cast<std::uint32_t>(shapes_.size()));
    if (fresh) shapes_.push_back(shape);
    last_ = it->second;
    return last_;
  }
  [[nodiscard]] std::size_t size() const { return shapes_.size(); }
  [[nodiscard]] const ContractionShape& operator[](std::size_t i) const { return shapes_[i]; }
  std::vector<ContractionShape> take() { return std::move(shapes_); }

private:
  std::vector<ContractionShape> shapes_;
  std::unordered_map<ContractionShape, std::uint32_t> index_;
  std::uint32_t last_ = 0;
};

// d out / d in_j: kept are the loops that in_j walks, in the order of its storage; the others are summed.
ContractionShape adjoint_of(const ContractionShape& s, std::uint32_t j) {
  const std::size_t loops = s.loops();
  std::vector<std::int64_t> output_stride(loops, 0);
  std::int64_t stride = 1;
  for (std::size_t l = s.kept; l-- > 0;) {
    output_stride[l] = stride;
    stride *= s.extents[l];
  }
  std::vector<std::size_t> order;
  for (std::size_t l = 0; l < loops; ++l) {
    if (s.stride(j, l) != 0) order.push_back(l);
  }
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return s.stride(j, a) > s.stride(j, b); });
  ContractionShape out;
  out.kept = static_cast<std::uint32_t>(order.size());
  for (std::size_t l = 0; l < loops; ++l) {
    if (s.stride(j, l) == 0) order.push_back(l);
  }
  out.inputs = s.inputs;
  for (const auto l : order) out.extents.push_back(s.extents[l]);
  for (std::uint32_t k = 0; k < s.inputs; ++k) {
    if (k == j) continue;
    for (const auto l : order) out.strides.push_back(s.stride(k, l));
  }
  for (const auto l : order) out.strides.push_back(output_stride[l]);
  model::canonicalise(out);
  return out;
}

class Planner {
public:
  Planner(const model::FactorGraph& graph, const PlanOptions& options, Structure structure)
      : graph_(graph), options_(options), structure_(std::move(structure)) {}

  Result<EliminationPlan> run() {
    const std::size_t n = structure_.cardinalities.size();
    if (auto ok = read_keep(); !ok) return fail(std::move(ok.error()));
    EliminationOrder order = find_order(structure_, plan_.keep, options_.max_table, options_.interrupt);
    if (order.interrupted) return fail(diagnose<DiagnosticKind::interrupted>(options_.from));
    if (!order.blocked.empty()) return fail(too_large(order.blocked));

    // Kept variables come last, as if eliminated after all others.
    position_.assign(n, kNone);
    std::uint32_t next = 0;
    for (const auto v : order.variables) position_[v] = next++;
    for (const auto v : plan_.keep) position_[v] = next++;
    plan_.marginals.resize(n);
    newest_.assign(n, kNone);
    loop_of_.assign(n, 0);
    place_factors();
    for (std::size_t i = 0; i < order.variables.size(); ++i) {
      if (i % kPollEvery == 0 && options_.interrupt != nullptr && options_.interrupt->load(std::memory_order_relaxed)) {
        return fail(diagnose<DiagnosticKind::interrupted>(options_.from));
      }
      eliminate(order.variables[i]);
    }
    join_kept();
    count_free_states();
    if (plan_.arena_size / 4 > options_.max_table) {
      return fail(diagnose<DiagnosticKind::clique_too_large>(options_.from, fmt::format("{}", plan_.arena_size),
                                                             "all cliques together", options_.max_table * 4));
    }
    add_adjoint_shapes();
    plan_.from = options_.from;
    plan_.shapes = shapes_.take();
    plan_.cardinalities = std::move(structure_.cardinalities);
    plan_.table_begin = std::move(structure_.table_begin);
    return std::move(plan_);
  }

private:
  Result<void> read_keep() {
    std::vector<bool> seen(structure_.cardinalities.size(), false);
    double size = 1;
    for (const auto id : options_.keep) {
      const auto v = static_cast<std::uint32_t>(id);
      if (v >= seen.size() || seen[v]) {
        return fail(diagnose<DiagnosticKind::malformed_factor_graph>(
            options_.from, "what is asked for names a variable twice, or one that does not exist"));
      }
      seen[v] = true;
      plan_.keep.push_back(v);
      size *= structure_.cardinalities[v];
    }
    if (size > static_cast<double>(options_.max_table)) return fail(too_large(plan_.keep));
    return {};
  }

  Diagnostic too_large(std::span<const std::uint32_t> clique) const {
    double size = 1;
    for (const auto v : clique) size *= structure_.cardinalities[v];
    const auto entries = size < 1e15 ? fmt::format("{:.0f}", size) : fmt::format("{:.1e}", size);
    return diagnose<DiagnosticKind::clique_too_large>(options_.from, entries, name_list(graph_, clique),
                                                      options_.max_table)
        .with_help(
            "make these variables depend on each other through fewer common neighbours, or give them fewer values");
  }

  // ---- blocks

  [[nodiscard]] std::span<const std::uint32_t> scope(const Block& b) const {
    return std::span(scopes_).subspan(b.scope_begin, b.scope_size);
  }

  // Files a block under the first of its variables to go; a block that has none left but kept ones waits for the end.
  void file(std::uint32_t block) {
    std::uint32_t first = kNone;
    for (const auto v : scope(blocks_[block])) {
      if (first == kNone || position_[v] < position_[first]) first = v;
    }
    if (first == kNone) {
      plan_.roots.push_back(blocks_[block].offset);
    } else {
      older_.resize(blocks_.size(), kNone);
      older_[block] = newest_[first];
      newest_[first] = block;
    }
  }

  void place_factors() {
    scopes_ = structure_.variables;
    for (std::size_t f = 0; f < structure_.factors(); ++f) {
      Block b;
      b.offset = structure_.table_begin[f];
      b.size = structure_.table_begin[f + 1] - b.offset;
      b.scope_begin = structure_.scope_begin[f];
      b.scope_size = static_cast<std::uint32_t>(structure_.scope_begin[f + 1] - b.scope_begin);
      blocks_.push_back(b);
      file(static_cast<std::uint32_t>(f));
    }
    plan_.one = structure_.table_begin.back();
    plan_.arena_size = plan_.one + 1;
  }

  // Blocks filed under `v`, in the order in which they were made.
  std::vector<std::uint32_t>& filed_under(std::uint32_t v) {
    work_.clear();
    for (std::uint32_t b = newest_[v]; b != kNone; b = older_[b]) work_.push_back(b);
    std::reverse(work_.begin(), work_.end());
    return work_;
  }

  std::vector<std::uint32_t> union_scope(std::span<const std::uint32_t> blocks) const {
    std::vector<std::uint32_t> all;
    for (const auto b : blocks) all.insert(all.end(), scope(blocks_[b]).begin(), scope(blocks_[b]).end());
    std::sort(all.begin(), all.end(), [&](auto x, auto y) { return position_[x] < position_[y]; });
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  // ---- steps

  // Multiplies `inputs` and sums over `summed` (if it is a variable), into a new block over `kept`.
  std::uint32_t emit(std::span<const std::uint32_t> inputs, std::span<const std::uint32_t> kept, std::uint32_t summed) {
    auto& s = scratch_;
    s.extents.clear();
    for (const auto v : kept) {
      loop_of_[v] = static_cast<std::uint32_t>(s.extents.size());
      s.extents.push_back(structure_.cardinalities[v]);
    }
    s.kept = static_cast<std::uint32_t>(s.extents.size());
    if (summed != kNone) {
      loop_of_[summed] = s.kept;
      s.extents.push_back(structure_.cardinalities[summed]);
    }
    s.inputs = static_cast<std::uint32_t>(std::max<std::size_t>(inputs.size(), 1));
    s.strides.assign(s.inputs * s.loops(), 0);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      std::int64_t stride = 1;
      const auto vars = scope(blocks_[inputs[k]]);
      for (std::size_t i = vars.size(); i-- > 0;) {
        s.strides[k * s.loops() + loop_of_[vars[i]]] = stride;
        stride *= structure_.cardinalities[vars[i]];
      }
    }
    plan_.cost += static_cast<double>(s.iterations());
    Block out;
    out.offset = plan_.arena_size;
    out.size = s.output_size();
    out.scope_begin = scopes_.size();
    out.scope_size = s.kept;
    scopes_.insert(scopes_.end(), kept.begin(), kept.end());
    plan_.arena_size += out.size;
    model::canonicalise(s);
    const std::uint32_t shape = shapes_.intern(s);

    operands_.clear();
    std::uint32_t needed = 0;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      operands_.push_back(static_cast<std::ptrdiff_t>(blocks_[inputs[k]].offset));
      if (blocks_[inputs[k]].offset > plan_.one) needed |= 1U << k;
    }
    if (inputs.empty()) operands_.push_back(static_cast<std::ptrdiff_t>(plan_.one));
    operands_.push_back(static_cast<std::ptrdiff_t>(out.offset));
    if (summed != kNone) needed |= 1U << read_marginal(summed, inputs);
    append(shape, needed);
    blocks_.push_back(out);
    return static_cast<std::uint32_t>(blocks_.size() - 1);
  }

  // Chooses the input from which the marginal of `v` will be read: a message if any (its adjoint is needed anyway), and
  // the smallest. Returns which.
  std::uint32_t read_marginal(std::uint32_t v, std::span<const std::uint32_t> inputs) {
    std::uint32_t best = kNone;
    const auto rank = [&](std::uint32_t k) {
      const Block& b = blocks_[inputs[k]];
      return std::pair(b.offset < plan_.one, b.size);
    };
    for (std::uint32_t k = 0; k < inputs.size(); ++k) {
      const auto vars = scope(blocks_[inputs[k]]);
      if (std::find(vars.begin(), vars.end(), v) == vars.end()) continue;
      if (best == kNone || rank(k) < rank(best)) best = k;
    }
    set_marginal(v, blocks_[inputs[best]]);
    return best;
  }

  void set_marginal(std::uint32_t v, const Block& b) {
    std::size_t outer = 1;
    std::size_t inner = 1;
    bool after = false;
    for (const auto u : scope(b)) {
      if (u == v) {
        after = true;
      } else {
        (after ? inner : outer) *= structure_.cardinalities[u];
      }
    }
    plan_.marginals[v] = {b.offset, static_cast<std::uint32_t>(outer), static_cast<std::uint32_t>(inner)};
  }

  // Adds the step in operands_, to the last run where it continues that.
  void append(std::uint32_t shape, std::uint32_t needed) {
    const std::size_t width = operands_.size();
    if (!plan_.runs.empty()) {
      Run& r = plan_.runs.back();
      if (r.shape == shape && r.needed == needed && r.inputs + 1 == width) {
        std::ptrdiff_t* first = plan_.offsets.data() + r.operands;
        std::ptrdiff_t* stride = first + width;
        bool continues = true;
        if (r.count == 1) {
          for (std::size_t k = 0; k < width; ++k) stride[k] = operands_[k] - first[k];
        } else {
          const auto e = static_cast<std::ptrdiff_t>(r.count);
          for (std::size_t k = 0; k < width; ++k) continues = continues && operands_[k] == first[k] + e * stride[k];
        }
        if (continues) {
          ++r.count;
          return;
        }
      }
    }
    Run r;
    r.shape = shape;
    r.inputs = static_cast<std::uint32_t>(width - 1);
    r.needed = needed;
    r.count = 1;
    r.operands = plan_.offsets.size();
    plan_.runs.push_back(r);
    plan_.offsets.insert(plan_.offsets.end(), operands_.begin(), operands_.end());
    plan_.offsets.resize(plan_.offsets.size() + width, 0);
  }

  // Multiplies blocks together until at most kMaxStepInputs are left: first those over the same variables, one chain
  // each; then the smallest with the one that gives the smallest product.
  void combine(std::vector<std::uint32_t>& blocks) {
    if (blocks.size() <= kMaxStepInputs) return;
    struct Keyed {
      std::vector<std::uint32_t> scope;  // as a set
      std::uint32_t block;
    };
    std::vector<Keyed> keyed;
    keyed.reserve(blocks.size());
    for (const auto b : blocks) {
      keyed.push_back({{scope(blocks_[b]).begin(), scope(blocks_[b]).end()}, b});
      std::sort(keyed.back().scope.begin(), keyed.back().scope.end());
    }
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.scope < b.scope; });
    std::vector<std::uint32_t> left;
    for (std::size_t i = 0; i < keyed.size();) {
      std::size_t end = i + 1;
      while (end < keyed.size() && keyed[i].scope == keyed[end].scope) ++end;
      std::uint32_t product = keyed[i].block;
      for (std::size_t j = i + 1; j < end;) {
        std::vector<std::uint32_t> inputs{product};
        while (j < end && inputs.size() < kMaxStepInputs) inputs.push_back(keyed[j++].block);
        product = emit(inputs, union_scope(inputs), kNone);
      }
      left.push_back(product);
      i = end;
    }
    while (left.size() > kMaxStepInputs) {
      const auto smallest =
          std::min_element(left.begin(), left.end(), [&](auto a, auto b) { return blocks_[a].size < blocks_[b].size; });
      std::array<std::uint32_t, 2> pair{*smallest, kNone};
      left.erase(smallest);
      double best = 0;
      std::size_t chosen = 0;
      for (std::size_t i = 0; i < left.size(); ++i) {
        pair[1] = left[i];
        double size = 1;
        for (const auto v : union_scope(pair)) size *= structure_.cardinalities[v];
        if (i == 0 || size < best) {
          best = size;
          chosen = i;
        }
      }
      pair[1] = left[chosen];
      left[chosen] = emit(pair, union_scope(pair), kNone);
    }
    blocks = std::move(left);
  }

  void eliminate(std::uint32_t v) {
    std::vector<std::uint32_t>& inputs = filed_under(v);
    combine(inputs);
    std::vector<std::uint32_t> kept = union_scope(inputs);
    kept.erase(kept.begin());  // `v` itself: all that were to go before it are gone
    file(emit(inputs, kept, v));
  }

  void join_kept() {
    if (plan_.keep.empty()) return;
    std::vector<std::uint32_t> inputs;
    for (const auto v : plan_.keep) {
      const auto& filed = filed_under(v);
      inputs.insert(inputs.end(), filed.begin(), filed.end());
    }
    combine(inputs);
    std::vector<std::uint32_t> kept;
    for (const auto v : plan_.keep) {
      if (structure_.cardinalities[v] > 1) kept.push_back(v);
    }
    const Block joint = blocks_[emit(inputs, kept, kNone)];
    plan_.joint_offset = joint.offset;
    plan_.joint_size = joint.size;
    for (const auto v : kept) set_marginal(v, joint);
  }

  void count_free_states() {
    std::vector<bool> named(structure_.cardinalities.size(), false);
    for (const auto v : structure_.variables) named[v] = true;
    for (const auto v : plan_.keep) named[v] = true;
    for (std::size_t v = 0; v < named.size(); ++v) {
      if (!named[v]) plan_.log_free_states += std::log(static_cast<double>(structure_.cardinalities[v]));
    }
  }

  void add_adjoint_shapes() {
    const std::size_t upward = shapes_.size();
    std::vector<std::uint32_t> needed(upward, 0);
    for (const auto& r : plan_.runs) needed[r.shape] |= (1U << r.inputs) - 1;
    plan_.adjoint_shapes.assign(upward * kMaxStepInputs, kNoShape);
    for (std::size_t s = 0; s < upward; ++s) {
      for (std::uint32_t j = 0; j < kMaxStepInputs; ++j) {
        if ((needed[s] >> j & 1U) != 0)
          plan_.adjoint_shapes[s * kMaxStepInputs + j] = shapes_.intern(adjoint_of(shapes_[s], j));
      }
    }
  }

  const model::FactorGraph& graph_;
  const PlanOptions& options_;
  Structure structure_;
  EliminationPlan plan_;
  ShapeTable shapes_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> scopes_;    // of all blocks
  std::vector<std::uint32_t> position_;  // [variables] in the order of elimination
  std::vector<std::uint32_t> newest_;    // [variables] the last block filed under it
  std::vector<std::uint32_t> older_;     // [blocks] the one filed before it under the same variable
  std::vector<std::uint32_t> loop_of_;   // [variables] scratch of emit
  std::vector<std::uint32_t> work_;
  std::vector<std::ptrdiff_t> operands_;
  ContractionShape scratch_;
};

}  // namespace

std::size_t EliminationPlan::steps() const {
  std::size_t n = 0;
  for (const auto& r : runs) n += r.count;
  return n;
}

Result<EliminationPlan> plan_elimination(const model::FactorGraph& graph, const PlanOptions& options) {
  auto structure = structure_of(graph, options.from);
  if (!structure) return fail(std::move(structure.error()));
  return Planner(graph, options, std::move(*structure)).run();
}

}  // namespace hearsay::exact
