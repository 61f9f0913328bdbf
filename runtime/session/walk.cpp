#include "runtime/session/walk.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Entries of a step's table.
constexpr std::size_t kLargestTable = 65536;
/// Tokens of a stream whose steps have no table: each is looked at by itself beforehand.
constexpr std::int64_t kMostIrregular = 2000;

/// `index + shift`, also where lowering has clamped it to the stream.
struct Affine {
  std::int64_t shift = 0;
  std::int64_t holds_from = 1;  ///< the clamp at 1 is idle from this place on
};

std::optional<Affine> affine(const ir::Module& m, ExprId e, ir::IndexId index) {
  const ir::Inst& in = m.inst(e);
  if (in.code == ir::Opcode::index && in.payload == ir::raw(index)) return Affine{};
  if (in.code != ir::Opcode::prim) return std::nullopt;
  const auto op = static_cast<Op>(in.payload);
  if (op != Op::add && op != Op::sub && op != Op::min && op != Op::max) return std::nullopt;
  const Scalar* c = m.constant(in.operands[1]);
  const auto inner = affine(m, in.operands[0], index);
  if (c == nullptr || c->type != ScalarType::integer || !inner) return std::nullopt;
  Affine r = *inner;
  if (op == Op::add) r.shift += c->i;
  if (op == Op::sub) r.shift -= c->i;
  if (op == Op::min && c->i < m.index(index).high + r.shift) return std::nullopt;
  if (op == Op::max) r.holds_from = std::max(r.holds_from, c->i - r.shift);
  return r;
}

}  // namespace

/// Whether a term depends on its place only through the elements that it reads relative to it, from some place on.
class StreamWalk::Regularity {
public:
  Regularity(const ir::Module& m, const ir::StateLayout& layout, ir::IndexId index, Step& step)
      : m_(m), layout_(layout), index_(index), step_(step) {}

  bool holds(ExprId e) {
    if (!seen_.insert(static_cast<std::uint32_t>(e)).second) return true;
    const ir::Dependence d = ir::dependence(m_, e);
    const bool moves = std::find(d.free_indices.begin(), d.free_indices.end(), index_) != d.free_indices.end();
    const bool streams =
        std::any_of(d.finite.begin(), d.finite.end(), [&](ir::LatentId l) { return m_.latents[ir::raw(l)].stream; });
    if (!moves && !streams) return true;
    const ir::Inst& in = m_.inst(e);
    switch (in.code) {
      case ir::Opcode::latent:
        if (m_.latents[in.payload].stream) return element(in);
        break;
      case ir::Opcode::prim:
        if (const auto op = static_cast<Op>(in.payload); op == Op::eq || op == Op::lt || op == Op::le)
          if (decided(in)) return true;
        break;
      case ir::Opcode::data:
      case ir::Opcode::select:
      case ir::Opcode::pick:
        break;
      case ir::Opcode::constant:
        return true;
      case ir::Opcode::index:
      case ir::Opcode::let:
      case ir::Opcode::reduce:
        return false;
    }
    return std::all_of(in.operands.begin(), in.operands.end(), [&](ExprId o) { return holds(o); });
  }

private:
  /// A comparison of the place with a constant comes out the same from some place on.
  bool decided(const ir::Inst& in) {
    for (std::size_t side = 0; side < 2; ++side) {
      const auto place = affine(m_, in.operands[side], index_);
      const Scalar* c = m_.constant(in.operands[1 - side]);
      if (!place || c == nullptr || c->type != ScalarType::integer) continue;
      from(std::max(place->holds_from, c->i - place->shift + 1));
      return true;
    }
    return false;
  }

  bool element(const ir::Inst& in) {
    const std::size_t offset = layout_.offset[in.payload];
    if (const Scalar* c = m_.constant(in.operands[0])) {
      from(c->i + 1);  // a fixed element does not change any more
      return true;
    }
    const auto place = affine(m_, in.operands[0], index_);
    if (!place || place->shift > 0) return false;
    from(std::max(place->holds_from, 1 - place->shift));
    const Lag lag{offset, -place->shift, m_.latents[in.payload].cardinality};
    const bool own = lag.lag == 0 && offset == step_.offset;
    if (!own && std::find(step_.lags.begin(), step_.lags.end(), lag) == step_.lags.end()) step_.lags.push_back(lag);
    return true;
  }

  void from(std::int64_t t) { step_.regular_from = std::max(step_.regular_from, t); }

  const ir::Module& m_;
  const ir::StateLayout& layout_;
  ir::IndexId index_;
  Step& step_;
  std::set<std::uint32_t> seen_;
};

StreamWalk::StreamWalk(ir::Module module, const StreamInfo& info, std::int64_t first, std::int64_t last,
                       SourceSpan span)
    : module_(std::move(module)), layout_(module_), first_(first), last_(last), span_(span), evaluator_(module_) {
  const auto runs_over = [&](const ir::Term& t) {
    return std::any_of(t.plate.begin(), t.plate.end(), [&](ir::IndexId i) {
      return std::find(info.indices.begin(), info.indices.end(), i) != info.indices.end();
    });
  };
  for (const ir::Term& t : module_.terms)
    if (t.kind != ir::TermKind::prior && runs_over(t))
      raise<K::internal_error>(span, "evidence runs over a whole stream");
  std::vector<ir::LatentId> streams = info.latents;
  std::sort(streams.begin(), streams.end());
  for (const ir::LatentId l : streams) {
    const ir::Latent& latent = module_.latents[ir::raw(l)];
    Step step;
    step.latent = l;
    step.offset = layout_.offset[ir::raw(l)];
    step.cardinality = latent.cardinality;
    step.tabulated = true;
    for (std::size_t t = 0; t < module_.terms.size(); ++t) {
      const ir::Term& term = module_.terms[t];
      if (term.kind != ir::TermKind::prior || term.site != latent.site || !runs_over(term)) continue;
      step.terms.push_back(static_cast<ir::TermId>(t));
      step.tabulated = step.tabulated && term.plate.size() == 1 &&
                       Regularity(module_, layout_, term.plate[0], step).holds(term.body);
    }
    double entries = 1;
    for (const Lag& lag : step.lags) entries *= static_cast<double>(lag.cardinality);
    step.tabulated = step.tabulated && entries <= static_cast<double>(kLargestTable);
    if (step.tabulated) step.table.resize(static_cast<std::size_t>(entries));
    if (l == info.emit) emit_ = steps_.size();
    steps_.push_back(std::move(step));
  }
  find_reads(first, last, span);
}

/// Looks at the steps from `first` on until they look at nothing but each other.
void StreamWalk::find_reads(std::int64_t first, std::int64_t last, SourceSpan span) {
  std::int64_t until = first;
  for (const Step& s : steps_) {
    std::int64_t furthest = 0;
    for (const Lag& lag : s.lags) furthest = std::max(furthest, lag.lag);
    until = std::max(until, s.tabulated ? std::max(s.regular_from, first) + furthest : last);
  }
  until = std::min(until, last);
  if (until - first >= kMostIrregular) raise_not_yet(span, NotYet::irregular_stream);
  std::vector<ExprId> bodies;
  for (const Step& s : steps_)
    for (const ir::TermId id : s.terms)
      for (std::int64_t t = first; t <= until; ++t) {
        const ir::Term& term = module_.terms[ir::raw(id)];
        bodies.push_back(
            ir::substitute(module_, term.body, {{static_cast<std::uint32_t>(term.plate[0]), module_.integer(t)}}));
      }
  for (const auto& [latent, flat] : pass::elements_read(module_, bodies)) {
    const bool drawn = module_.latents[ir::raw(latent)].stream && static_cast<std::int64_t>(flat) >= first - 1;
    if (!drawn) reads_.push_back({latent, flat});
  }
}

rng::AliasTable StreamWalk::distribution(const Step& step, std::int64_t t, const model::StateView& state,
                                         std::vector<std::int32_t>& codes) {
  std::vector<double> weights;
  double total = 0;
  std::int32_t& own = codes[step.offset + static_cast<std::size_t>(t - 1)];
  for (std::int64_t v = 1; v <= step.cardinality; ++v) {
    own = static_cast<std::int32_t>(v);
    double log_p = 0;
    for (const ir::TermId id : step.terms) log_p += evaluator_.term(id, std::span(&t, 1), state);
    weights.push_back(std::exp(log_p));
    total += weights.back();
  }
  if (!(total > 0) || !std::isfinite(total)) raise<K::undefined_density>(span_);
  return rng::AliasTable(weights);
}

std::vector<std::int64_t> StreamWalk::run(std::span<const double> continuous, std::span<const std::int32_t> known,
                                          rng::Stream& stream) {
  std::vector<std::int32_t> codes(layout_.finite, 0);
  for (std::size_t k = 0; k < reads_.size(); ++k)
    codes[layout_.offset[ir::raw(reads_[k].latent)] + reads_[k].flat] = known[k];
  const model::StateView state{continuous, codes};
  for (Step& s : steps_)  // another world, other tables
    for (auto& entry : s.table) entry.reset();
  std::vector<std::int64_t> tokens;
  tokens.reserve(static_cast<std::size_t>(last_ - first_ + 1));
  for (std::int64_t t = first_; t <= last_; ++t) {
    for (Step& s : steps_) {
      std::size_t drawn = 0;
      if (s.tabulated && t >= s.regular_from) {
        std::size_t key = 0;
        for (const Lag& lag : s.lags) {
          const std::int32_t code = codes[lag.offset + static_cast<std::size_t>(t - 1 - lag.lag)];
          key = key * static_cast<std::size_t>(lag.cardinality) + static_cast<std::size_t>(code - 1);
        }
        auto& entry = s.table[key];
        if (!entry) entry = std::make_unique<const rng::AliasTable>(distribution(s, t, state, codes));
        drawn = entry->draw(stream);
      } else {
        drawn = distribution(s, t, state, codes).draw(stream);
      }
      codes[s.offset + static_cast<std::size_t>(t - 1)] = static_cast<std::int32_t>(drawn) + 1;
    }
    tokens.push_back(codes[steps_[emit_].offset + static_cast<std::size_t>(t - 1)]);
  }
  return tokens;
}

}  // namespace hearsay
