// Tokens of one world: latents are drawn once, then the stream runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/rng/stream.h"
#include "lang/support/large.h"
#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"
#include "runtime/session/walk.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

std::size_t pick(const std::vector<double>& weights, rng::Stream& stream) {
  double total = 0;
  for (const double w : weights) total += w;
  double u = stream.uniform() * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) last = i;
    if (u < weights[i]) return i;
    u -= weights[i];
  }
  return last;
}

/// The continuous latents, and the codes of the elements in question, of one draw from a posterior.
struct World {
  std::vector<double> continuous;
  std::vector<std::int32_t> codes;
};

/// Hands out worlds. Where the posterior is a set of draws they are these draws, in random order, each once before any
/// comes again.
class Worlds {
public:
  Worlds(const Posterior& p, std::vector<FiniteElement> elements, const ir::Module& module, std::int64_t horizon,
         SourceSpan span)
      : elements_(std::move(elements)), module_(module), span_(span) {
    pass::Kept kept;
    for (const FiniteElement& e : elements_)
      if (!module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
    prepared_ = unwrap(p.prepared({}, kept, horizon), span);
    if (prepared_->continuous_dimension() == 0) joint_ = unwrap(prepared_->joint_at({}, elements_), span);
  }

  [[nodiscard]] World next(rng::Stream& stream) {
    World w;
    if (prepared_->sampled()) {
      const auto drawn = unwrap(prepared_->draw(), span_);
      if (rows_.empty())
        for (std::size_t row = 0; row < drawn->draws.rows(); ++row) rows_.push_back(row);
      if (left_ == 0) left_ = rows_.size();
      const auto at = static_cast<std::size_t>(stream.uniform() * static_cast<double>(left_));
      std::swap(rows_[std::min(at, left_ - 1)], rows_[left_ - 1]);
      drawn->state(rows_[--left_], w.continuous);
    } else if (prepared_->continuous_dimension() == 1) {
      w.continuous.push_back(unwrap(prepared_->continuous_quantile(stream.uniform()), span_).value);
    }
    if (prepared_->continuous_dimension() > 0) joint_ = unwrap(prepared_->joint_at(w.continuous, elements_), span_);
    std::size_t state = pick(joint_, stream);
    w.codes.resize(elements_.size());
    for (std::size_t d = elements_.size(); d-- > 0;) {
      const auto k = static_cast<std::size_t>(module_.latents[ir::raw(elements_[d].latent)].cardinality);
      w.codes[d] = static_cast<std::int32_t>(state % k) + 1;
      state /= k;
    }
    return w;
  }

private:
  std::vector<FiniteElement> elements_;
  const ir::Module& module_;
  SourceSpan span_;
  std::shared_ptr<Prepared> prepared_;
  std::vector<double> joint_;
  std::vector<std::size_t> rows_;
  std::size_t left_ = 0;
};

World draw_world(const Posterior& p, const std::vector<FiniteElement>& elements, const ir::Module& module,
                 rng::Stream& stream, SourceSpan span) {
  return Worlds(p, elements, module, 0, span).next(stream);
}

/// Worlds that are thrown away, because a condition does not hold there, for each one that is kept.
constexpr std::int64_t kMostRejected = 100000;

}  // namespace

std::vector<std::int64_t> Session::draw_stream(const Posterior& p, std::int64_t n, rng::Stream& stream,
                                               SourceSpan span) {
  if (n == 0) return {};
  ModelLowerer& model = p.lowerer();
  const StreamInfo& info = model.stream;
  const std::int64_t first = model.evidence_horizon() + 1;
  if (!info.independent || info.latents.size() > 1) {
    const std::int64_t last = first + n - 1;
    StreamWalk walk(model.module_with_horizon(last), info, first, last, span);
    const World w = draw_world(p, walk.reads(), model.module_with_horizon(first), stream, span);
    return walk.run(w.continuous, w.codes, stream);
  }
  // Tokens that are independent given the latents: one distribution for all of them.
  ir::Module& m = model.module();
  const ir::SiteId emit_site = m.latents[ir::raw(info.emit)].site;
  std::optional<ExprId> log_probability;
  for (std::size_t t = 0; t < m.terms.size(); ++t) {
    const ir::Term term = m.terms[t];
    if (term.kind != ir::TermKind::prior || term.site != emit_site || term.plate.empty()) continue;
    const ExprId at = ir::substitute(m, term.body, {{static_cast<std::uint32_t>(term.plate[0]), m.integer(first)}});
    log_probability = log_probability ? m.prim(Op::add, {*log_probability, at}) : at;
  }
  const ir::Module module = model.module_with_horizon(first);
  std::vector<FiniteElement> read = p.scope(std::span(&*log_probability, 1), module);
  std::erase_if(read, [&](const FiniteElement& e) { return e.latent == info.emit; });
  const World w = draw_world(p, read, module, stream, span);
  const ir::StateLayout layout(module);
  std::vector<std::int32_t> codes(layout.finite, 0);
  for (std::size_t k = 0; k < read.size(); ++k)
    codes[layout.offset[ir::raw(read[k].latent)] + read[k].flat] = w.codes[k];
  eval::ReferenceEvaluator evaluator(module);
  std::vector<double> probability;
  for (std::size_t v = 1; v <= info.alphabet->labels.size(); ++v) {
    codes[layout.offset[ir::raw(info.emit)] + static_cast<std::size_t>(first - 1)] = static_cast<std::int32_t>(v);
    probability.push_back(std::exp(evaluator.value(*log_probability, {w.continuous, codes}).as_real()));
  }
  const rng::AliasTable table(probability);
  return filled<std::int64_t>(static_cast<std::size_t>(n),
                              [&](std::size_t, std::span<std::int64_t> some) { table.fill(stream, 1, some); });
}

/// [n, dimensions of x]: each draw is of one world, so that elements of an array go together.
Sym Session::draw_quantity(const Posterior& p, const Sym& x, std::optional<ExprId> condition, std::int64_t n,
                           rng::Stream& stream, SourceSpan span) {
  ModelLowerer& model = p.lowerer();
  const std::size_t size = Lowerer::element_count(x.shape, span);
  std::vector<ExprId> wanted;
  std::vector<std::int64_t> place;
  for (std::size_t flat = 0; flat < size; ++flat) wanted.push_back(element_at(model, x, flat, place));
  std::vector<ExprId> read = wanted;
  if (condition) read.push_back(*condition);
  const std::int64_t horizon = model.horizon_of(read);
  const ir::Module module = model.module_with_horizon(horizon);
  const std::vector<FiniteElement> elements = p.scope(read, module);
  Worlds worlds(p, elements, module, horizon, span);
  const ir::StateLayout layout(module);
  eval::ReferenceEvaluator evaluator(module);
  std::vector<std::int32_t> codes(layout.finite, 0);
  std::vector<double> drawn;
  std::int64_t rejected = 0;
  for (std::int64_t i = 0; i < n;) {
    const World w = worlds.next(stream);
    for (std::size_t k = 0; k < elements.size(); ++k)
      codes[layout.offset[ir::raw(elements[k].latent)] + elements[k].flat] = w.codes[k];
    const model::StateView state{w.continuous, codes};
    if (condition && !evaluator.value(*condition, state).truth()) {
      if (++rejected > kMostRejected * (i + 1)) raise<K::impossible_condition>(span);
      continue;
    }
    for (const ExprId e : wanted) drawn.push_back(evaluator.value(e, state).as_real());
    ++i;
  }
  std::vector<std::int64_t> shape{n};
  shape.insert(shape.end(), x.shape.begin(), x.shape.end());
  if (x.type == ScalarType::real) return Lowerer::known(ArrayValue::of(std::move(drawn), std::move(shape)));
  std::vector<std::int64_t> values;
  for (const double v : drawn) values.push_back(static_cast<std::int64_t>(v));
  ArrayValue a = ArrayValue::of(x.type, std::move(values), std::move(shape));
  a.labels = x.labels;
  return Lowerer::known(std::move(a));
}

}  // namespace hearsay
