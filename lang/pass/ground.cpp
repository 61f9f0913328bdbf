// Which elements of finite latents each instance of each term reads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"

namespace hearsay::pass {

using ir::ExprId;

namespace {

constexpr double kLargestTable = 67108864;  // 2^26 entries

class ScopeFinder {
public:
  ScopeFinder(const ir::Module& m, const ir::StateLayout& layout)
      : m_(m), layout_(layout), evaluator_(m), bound_(m.indices.size(), 0) {}

  void bind(ir::IndexId i, std::int64_t v) {
    bound_[ir::raw(i)] = v;
    evaluator_.set_index(i, v);
  }

  void find(ExprId e, std::vector<std::uint32_t>& scope) {
    if (!reads_finite(e)) return;
    const ir::Inst& in = m_.inst(e);
    switch (in.code) {
      case ir::Opcode::latent: {
        for (const ExprId o : in.operands) find(o, scope);
        elements(in, scope);
        return;
      }
      case ir::Opcode::let: {
        const ir::Let& l = m_.lets[in.payload];
        for (const ExprId o : in.operands) find(o, scope);
        std::vector<std::int64_t> at;
        for (const ExprId o : in.operands) {
          if (reads_latent(o)) {
            at.clear();
            break;
          }
          at.push_back(evaluator_.value(o, {}).i);
        }
        std::vector<std::vector<std::int64_t>> all;
        if (at.size() == in.operands.size()) {
          all.push_back(at);
        } else {  // which element is read depends on a latent: all of them may be
          all = every(l.binders);
        }
        for (const auto& values : all) {
          const auto key = std::make_pair(in.payload, values);
          if (!lets_.insert(key).second) continue;
          std::vector<std::int64_t> saved;
          for (std::size_t d = 0; d < l.binders.size(); ++d) {
            saved.push_back(bound_[ir::raw(l.binders[d])]);
            bind(l.binders[d], values[d]);
          }
          find(l.body, scope);
          for (std::size_t d = 0; d < l.binders.size(); ++d) bind(l.binders[d], saved[d]);
        }
        return;
      }
      case ir::Opcode::select:
        if (!reads_latent(in.operands[0])) {
          find(evaluator_.value(in.operands[0], {}).truth() ? in.operands[1] : in.operands[2], scope);
          return;
        }
        break;
      case ir::Opcode::pick:
        if (!reads_latent(in.operands[0])) {
          find(in.operands[static_cast<std::size_t>(evaluator_.value(in.operands[0], {}).i)], scope);
          return;
        }
        break;
      case ir::Opcode::reduce: {
        const auto i = static_cast<ir::IndexId>(in.payload);
        const ir::IndexVar& v = m_.index(i);
        const std::int64_t saved = bound_[ir::raw(i)];
        for (std::int64_t k = v.low; k <= v.high; ++k) {
          bind(i, k);
          find(in.operands[0], scope);
        }
        bind(i, saved);
        return;
      }
      case ir::Opcode::constant:
      case ir::Opcode::index:
      case ir::Opcode::data:
      case ir::Opcode::prim:
        break;
    }
    for (const ExprId o : in.operands) find(o, scope);
  }

  void start() { lets_.clear(); }

  bool reads_finite(ExprId e) { return memo(e) & 1; }
  bool reads_latent(ExprId e) { return memo(e) != 0; }

private:
  int memo(ExprId e) {
    const auto [at, added] = reads_.try_emplace(static_cast<std::uint32_t>(e), 0);
    if (added) {
      const ir::Dependence d = ir::dependence(m_, e);
      at->second = (d.finite.empty() ? 0 : 1) | (d.continuous.empty() ? 0 : 2);
    }
    return at->second;
  }

  std::vector<std::vector<std::int64_t>> every(const std::vector<ir::IndexId>& binders) const {
    std::vector<std::vector<std::int64_t>> all{{}};
    for (const ir::IndexId b : binders) {
      std::vector<std::vector<std::int64_t>> longer;
      for (const auto& prefix : all)
        for (std::int64_t k = m_.index(b).low; k <= m_.index(b).high; ++k) {
          longer.push_back(prefix);
          longer.back().push_back(k);
        }
      all = std::move(longer);
    }
    return all;
  }

  /// The flat positions that a load may read: one, or along every dimension whose index depends on a latent, all.
  void elements(const ir::Inst& in, std::vector<std::uint32_t>& scope) {
    const ir::Latent& l = m_.latents[in.payload];
    if (!l.finite) return;
    std::vector<std::size_t> flats{0};
    for (std::size_t d = 0; d < l.shape.size(); ++d) {
      const auto extent = static_cast<std::size_t>(l.shape[d]);
      std::vector<std::size_t> next;
      if (reads_latent(in.operands[d])) {
        for (const std::size_t f : flats)
          for (std::size_t k = 0; k < extent; ++k) next.push_back(f * extent + k);
      } else {
        const std::int64_t k = evaluator_.value(in.operands[d], {}).i;
        if (k < 1 || k > l.shape[d]) throw std::out_of_range("index of a latent");
        for (const std::size_t f : flats) next.push_back(f * extent + static_cast<std::size_t>(k - 1));
      }
      flats = std::move(next);
    }
    for (const std::size_t f : flats) scope.push_back(static_cast<std::uint32_t>(layout_.offset[in.payload] + f));
  }

  const ir::Module& m_;
  const ir::StateLayout& layout_;
  eval::ReferenceEvaluator evaluator_;
  std::vector<std::int64_t> bound_;
  std::unordered_map<std::uint32_t, int> reads_;
  std::set<std::pair<std::uint32_t, std::vector<std::int64_t>>> lets_;
};

std::string element_name(const ir::Latent& l, std::size_t flat) {
  if (l.shape.empty()) return l.name;
  std::vector<std::size_t> at;
  for (std::size_t d = l.shape.size(); d-- > 0;) {
    at.insert(at.begin(), flat % static_cast<std::size_t>(l.shape[d]) + 1);
    flat /= static_cast<std::size_t>(l.shape[d]);
  }
  return fmt::format("{}[{}]", l.name, fmt::join(at, ", "));
}

}  // namespace

std::vector<std::pair<ir::LatentId, std::size_t>> elements_read(const ir::Module& module,
                                                                std::span<const ExprId> expressions) {
  const ir::StateLayout layout(module);
  ScopeFinder finder(module, layout);
  std::vector<std::uint32_t> flats;
  for (const ExprId e : expressions) {
    finder.start();
    finder.find(e, flats);
  }
  std::set<std::pair<ir::LatentId, std::size_t>> found;
  for (const std::uint32_t f : flats)
    for (std::size_t l = 0; l < module.latents.size(); ++l)
      if (module.latents[l].finite && f >= layout.offset[l] &&
          f < layout.offset[l] + static_cast<std::size_t>(module.latents[l].size()))
        found.emplace(static_cast<ir::LatentId>(l), f - layout.offset[l]);
  return {found.begin(), found.end()};
}

Result<ir::Grounding> ground(const ir::Module& module) {
  const ir::StateLayout layout(module);
  ir::Grounding g;
  g.variables.resize(layout.finite);
  for (std::size_t l = 0; l < module.latents.size(); ++l) {
    const ir::Latent& latent = module.latents[l];
    if (!latent.finite) continue;
    for (std::size_t f = 0; f < static_cast<std::size_t>(latent.size()); ++f)
      g.variables[layout.offset[l] + f] = {element_name(latent, f), static_cast<std::uint32_t>(latent.cardinality)};
  }
  ScopeFinder finder(module, layout);
  for (std::size_t t = 0; t < module.terms.size(); ++t) {
    const ir::Term& term = module.terms[t];
    const auto id = static_cast<ir::TermId>(t);
    if (!finder.reads_finite(term.body)) {
      g.closed_terms.push_back(id);
      continue;
    }
    std::vector<std::int64_t> at;
    bool empty = false;
    for (const ir::IndexId i : term.plate) {
      at.push_back(module.index(i).low);
      empty = empty || module.index(i).extent() == 0;
    }
    for (bool more = !empty; more;) {
      for (std::size_t d = 0; d < at.size(); ++d) finder.bind(term.plate[d], at[d]);
      ir::GroundFactor f;
      f.term = id;
      f.plate = at;
      finder.start();
      try {
        finder.find(term.body, f.scope);
      } catch (const std::out_of_range&) {
        return fail(diagnose<DiagnosticKind::index_out_of_bounds>(module.sites[ir::raw(term.site)].span, "used here",
                                                                  "its size"));
      }
      std::sort(f.scope.begin(), f.scope.end());
      f.scope.erase(std::unique(f.scope.begin(), f.scope.end()), f.scope.end());
      double size = 1;
      for (const std::uint32_t v : f.scope) size *= g.variables[v].cardinality;
      if (size > kLargestTable) {
        std::vector<std::string> names;
        for (std::size_t k = 0; k < std::min<std::size_t>(f.scope.size(), 8); ++k)
          names.push_back(g.variables[f.scope[k]].name);
        return fail(diagnose<DiagnosticKind::table_too_large>(
                        module.sites[ir::raw(term.site)].span, f.scope.size(),
                        fmt::format("{}{}", fmt::join(names, ", "), f.scope.size() > 8 ? ", …" : ""), size)
                        .with_help("state it as several statements that each read fewer latents"));
      }
      f.table_offset = g.table_entries;
      f.table_size = static_cast<std::size_t>(size);
      g.table_entries += f.table_size;
      g.factors.push_back(std::move(f));
      more = false;
      for (std::size_t d = at.size(); d-- > 0;) {
        if (++at[d] <= module.index(term.plate[d]).high) {
          more = true;
          break;
        }
        at[d] = module.index(term.plate[d]).low;
      }
    }
  }
  return g;
}

}  // namespace hearsay::pass
