// Tokens of one world: latents are drawn once, then the stream runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/rng/stream.h"
#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

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

}  // namespace

std::vector<std::int64_t> Session::draw_stream(const Posterior& p, std::int64_t n, rng::Stream& stream,
                                               SourceSpan span) {
  ModelLowerer& model = p.lowerer();
  const StreamInfo& info = model.stream;
  const std::int64_t first = model.evidence_horizon() + 1;
  const auto tokens = static_cast<std::int64_t>(info.alphabet->labels.size());
  // The emission at token t, as one log probability per label.
  const ir::SiteId emit_site = model.module().latents[ir::raw(info.emit)].site;
  const auto emission = [&](std::int64_t t) {
    ir::Module& m = model.module();
    std::vector<ExprId> sum;
    for (const ir::Term& term : m.terms) {
      if (term.kind != ir::TermKind::prior || term.site != emit_site || term.plate.empty()) continue;
      const ExprId at = ir::substitute(m, term.body, {{static_cast<std::uint32_t>(term.plate[0]), m.integer(t)}});
      sum.push_back(at);
    }
    ExprId e = sum.at(0);
    for (std::size_t i = 1; i < sum.size(); ++i) e = m.prim(Op::add, {e, sum[i]});
    return e;
  };
  if (!info.independent || info.latents.size() > 1) {
    // Dependent tokens: one after the other from the predictive given those drawn so far. A string of a few tokens at a
    // time keeps this exact; its cost grows with the square of the length.
    if (n > 2000) raise_not_yet(span, NotYet::long_dependent_stream);
    std::vector<std::int64_t> codes;
    ir::Module& m = model.module();
    std::optional<ExprId> given;
    for (std::int64_t k = 0; k < n; ++k) {
      const ExprId at = m.integer(first + k);
      const ExprId token = m.load_latent(info.emit, std::span(&at, 1));
      std::vector<double> weight;
      for (std::int64_t v = 1; v <= tokens; ++v)
        weight.push_back(unwrap(p.probability(m.prim(Op::eq, {token, m.integer(v)}), given), span).value);
      const auto v = static_cast<std::int64_t>(pick(weight, stream)) + 1;
      codes.push_back(v);
      const ExprId fact = m.prim(Op::eq, {token, m.integer(v)});
      given = given ? m.prim(Op::logical_and, {*given, fact}) : fact;
    }
    return codes;
  }
  const ExprId log_probability = emission(first);
  const ir::Module module = model.module_with_horizon(first);
  std::vector<FiniteElement> read = p.scope(std::span(&log_probability, 1), module);
  std::erase_if(read, [&](const FiniteElement& e) { return e.latent == info.emit; });
  pass::Kept kept;
  for (const FiniteElement& e : read)
    if (!module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
  const auto prepared = unwrap(p.prepared({}, kept, 0), span);
  std::vector<double> continuous;
  if (prepared->continuous_dimension() == 1)
    continuous.push_back(unwrap(prepared->continuous_quantile(stream.uniform()), span).value);
  const std::vector<double> joint = unwrap(prepared->joint_at(continuous, read), span);
  std::size_t state = pick(joint, stream);
  const ir::StateLayout layout(module);
  std::vector<std::int32_t> codes_of(layout.finite, 0);
  for (std::size_t d = read.size(); d-- > 0;) {
    const auto k = static_cast<std::size_t>(module.latents[ir::raw(read[d].latent)].cardinality);
    codes_of[layout.offset[ir::raw(read[d].latent)] + read[d].flat] = static_cast<std::int32_t>(state % k) + 1;
    state /= k;
  }
  eval::ReferenceEvaluator evaluator(module);
  std::vector<double> probability;
  for (std::int64_t v = 1; v <= tokens; ++v) {
    codes_of[layout.offset[ir::raw(info.emit)] + static_cast<std::size_t>(first - 1)] = static_cast<std::int32_t>(v);
    probability.push_back(std::exp(evaluator.value(log_probability, {continuous, codes_of}).as_real()));
  }
  const rng::AliasTable table(probability);
  std::vector<std::int64_t> codes;
  codes.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) codes.push_back(static_cast<std::int64_t>(table.draw(stream)) + 1);
  return codes;
}

}  // namespace hearsay
