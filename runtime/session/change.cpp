// What a part of the evidence did to the distribution of the latents, as numbers: by comparison with the posterior that
// lacks it. Tokens of a stream are summed out, which can only make distances smaller than those that are bounded.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/evidence/realised.h"
#include "runtime/session/posterior.h"

namespace hearsay {

namespace {

constexpr double kLargestTable = 4096;
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Scope {
  std::vector<FiniteElement> elements;
  std::vector<std::string> names;
  double size = 1;

  void add(const ir::Module& m, std::uint32_t latent) {
    const ir::Latent& l = m.latents[latent];
    names.push_back(l.name);
    for (std::size_t k = 0; k < static_cast<std::size_t>(l.size()); ++k) {
      elements.push_back({static_cast<ir::LatentId>(latent), k});
      size *= static_cast<double>(l.cardinality);
    }
  }
};

/// All finite latents but streams; if their joint table is too large, the scalar ones.
std::optional<Scope> scope_of(const ir::Module& m) {
  for (const bool plates : {true, false}) {
    Scope s;
    for (std::uint32_t k = 0; k < m.latents.size(); ++k)
      if (m.latents[k].finite && !m.latents[k].stream && m.latents[k].size() > 0 &&
          (plates || m.latents[k].shape.empty()))
        s.add(m, k);
    if (s.size <= kLargestTable) return s;
  }
  return std::nullopt;
}

/// Adds one cell's part to TV, KL(after ‖ before) and KL(before ‖ after); r = before/after there, w = its weight after.
void add_cell(double w, double log_r, std::span<double> out) {
  const double r = std::exp(log_r);
  out[0] += w * std::abs(1 - r) / 2;
  // Adding r − 1, whose mean is 0, makes every term 0 or more: nothing cancels.
  out[1] += w * (r - 1 - log_r);
  out[2] += w * (r * log_r - (r - 1));
}

}  // namespace

Result<std::optional<Posterior::Change>> Posterior::change(const Variant& without) const {
  const ir::Module& m = lowerer_->module();
  auto scope = scope_of(m);
  if (!scope) return std::optional<Change>{};
  pass::Kept kept;
  for (const FiniteElement& e : scope->elements)
    if (!m.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
  auto with = prepared({}, kept), bare = prepared(without, kept);
  if (!with) return fail(std::move(with).error());
  if (!bare) return fail(std::move(bare).error());
  Change c;
  c.over = scope->names;
  if ((*with)->continuous_dimension() == 0) {
    if (scope->elements.empty()) return std::optional<Change>{};
    auto before = (*bare)->joint_at({}, scope->elements), after = (*with)->joint_at({}, scope->elements);
    if (!before) return fail(std::move(before).error());
    if (!after) return fail(std::move(after).error());
    const auto realised = evidence::compare(*before, *after);
    if (!realised) return std::optional<Change>{};
    c.realised = *realised;
    return std::optional<Change>{std::move(c)};
  }
  // Densities can't be compared draw by draw.
  if ((*with)->continuous_dimension() != 1 || (*with)->sampled() || (*bare)->sampled()) return std::optional<Change>{};
  for (const ir::Latent& l : m.latents)
    if (!l.finite && l.size() > 0) c.over.push_back(l.name);
  auto mass = (*with)->log_evidence(), bare_mass = (*bare)->log_evidence();
  if (!mass) return fail(std::move(mass).error());
  if (!bare_mass) return fail(std::move(bare_mass).error());
  const double shift = bare_mass->value - mass->value;
  double low = infinity, high = -infinity;
  std::optional<Diagnostic> failure;
  const PointFunction cells = [&](std::span<const double> x, std::span<const double> joint, std::span<double> out) {
    std::fill(out.begin(), out.end(), 0.0);
    auto here = (*with)->log_density_at(x), there = (*bare)->log_density_at(x);
    auto before = (*bare)->joint_at(x, scope->elements);
    if (!here || !there || !before) {
      if (!failure) failure = !here ? here.error() : !there ? there.error() : before.error();
      return;
    }
    if (*here == -infinity) return;
    for (std::size_t k = 0; k < joint.size(); ++k) {
      if (!(joint[k] > 0 && (*before)[k] > 0)) continue;  // impossible both with and without, or lost to underflow
      const double log_r = *there - *here - shift + std::log((*before)[k] / joint[k]);
      low = std::min(low, log_r);
      high = std::max(high, log_r);
      add_cell(joint[k], log_r, out);
    }
  };
  auto r = (*with)->expectations(scope->elements, 3, cells, {});
  if (failure) return fail(*std::move(failure));
  if (!r) return fail(std::move(r).error());
  c.realised.total_variation = (*r)[0].value;
  c.realised.divergence = evidence::Nats::of((*r)[1].value);
  c.realised.reverse_divergence = evidence::Nats::of((*r)[2].value);
  c.realised.size = evidence::Nats::of(std::max(0.0, high - low));
  c.realised.error = mass->error + bare_mass->error;
  for (const Estimate& e : *r) c.realised.error = std::max(c.realised.error, e.error + mass->error + bare_mass->error);
  return std::optional<Change>{std::move(c)};
}

}  // namespace hearsay
