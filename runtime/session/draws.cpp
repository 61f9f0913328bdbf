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

World draw_world(const Posterior& p, const std::vector<FiniteElement>& elements, const ir::Module& module,
                 rng::Stream& stream, SourceSpan span) {
  pass::Kept kept;
  for (const FiniteElement& e : elements)
    if (!module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
  const auto prepared = unwrap(p.prepared({}, kept, 0), span);
  World w;
  if (prepared->sampled()) {
    const auto drawn = unwrap(prepared->draw(), span);
    drawn->state(static_cast<std::size_t>(stream.uniform() * static_cast<double>(drawn->draws.rows())), w.continuous);
  } else if (prepared->continuous_dimension() == 1) {
    w.continuous.push_back(unwrap(prepared->continuous_quantile(stream.uniform()), span).value);
  }
  const std::vector<double> joint = unwrap(prepared->joint_at(w.continuous, elements), span);
  std::size_t state = pick(joint, stream);
  w.codes.resize(elements.size());
  for (std::size_t d = elements.size(); d-- > 0;) {
    const auto k = static_cast<std::size_t>(module.latents[ir::raw(elements[d].latent)].cardinality);
    w.codes[d] = static_cast<std::int32_t>(state % k) + 1;
    state /= k;
  }
  return w;
}

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

}  // namespace hearsay
