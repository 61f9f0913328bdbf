#include "runtime/session/posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_set>

#include "lang/eval/evaluator.h"
#include "lang/evidence/jeffrey.h"
#include "lang/ir/substitute.h"
#include "runtime/draws/diagnostics.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

bool drops(const Variant& v, const ir::Term& t, const std::optional<std::string>& source) {
  if (t.order >= v.before) return true;
  if (v.prior_only && t.kind != ir::TermKind::prior) return true;
  if (t.kind != ir::TermKind::soft) return false;
  if (v.without_soft) return true;
  return source && (v.without_charged || v.without_source == *source);
}

}  // namespace

Posterior::Posterior(std::shared_ptr<ModelLowerer> lowerer, const Settings& settings, SourceSpan from)
    : lowerer_(std::move(lowerer)), settings_(settings), from_(from) {
  for (const Claim& c : lowerer_->claims) site_source_[static_cast<std::uint32_t>(c.site)] = c.source;
  for (const JeffreyTask& j : lowerer_->jeffrey) site_source_[static_cast<std::uint32_t>(j.site)] = j.source;
}

std::optional<std::string> Posterior::source_of(ir::SiteId site) const {
  const auto at = site_source_.find(static_cast<std::uint32_t>(site));
  return at == site_source_.end() ? std::nullopt : std::optional(at->second);
}

ir::Module Posterior::filtered(const Variant& variant, std::int64_t horizon) const {
  ir::Module m = lowerer_->module_with_horizon(horizon);
  std::erase_if(m.terms, [&](const ir::Term& t) { return drops(variant, t, source_of(t.site)); });
  return m;
}

Result<std::shared_ptr<Prepared>> Posterior::prepared(const Variant& variant, const pass::Kept& kept,
                                                      std::int64_t horizon) const {
  horizon = std::max(horizon, lowerer_->evidence_horizon());
  std::string key = fmt::format("{}|{}|{}{}|{}|{}|{}", variant.without_soft, variant.without_charged,
                                variant.without_source ? "without " : "", variant.without_source.value_or(""),
                                variant.prior_only, variant.before, horizon);
  for (const auto& [latent, elements] : kept) {
    key += fmt::format("|{}:", ir::raw(latent));
    for (const std::size_t e : elements) key += fmt::format("{},", e);
  }
  if (const auto at = prepared_.find(key); at != prepared_.end()) return at->second;
  auto made = Prepared::make(filtered(variant, horizon), kept, settings_, from_);
  if (!made) return made;
  if ((*made)->sampled() && (!kept.empty() || horizon != lowerer_->evidence_horizon())) {
    auto d = draws(variant);
    if (!d) return fail(std::move(d).error());
    (*made)->use(*std::move(d));
  }
  prepared_[key] = *made;
  return made;
}

std::vector<FiniteElement> Posterior::scope(std::span<const ExprId> quantities, const ir::Module& module) const {
  std::vector<FiniteElement> r;
  for (const auto& [latent, flat] : pass::elements_read(module, quantities)) r.push_back({latent, flat});
  return r;
}

/// Where quantities jump as a continuous latent moves: comparisons of it with something that is known.
std::vector<double> Posterior::breakpoints(std::span<const ExprId> quantities, const ir::Module& module,
                                           Prepared& prepared) const {
  std::vector<double> points;
  if (prepared.continuous_dimension() == 0 || prepared.sampled()) return points;
  const ir::StateLayout layout(module);
  eval::ReferenceEvaluator evaluator(module);
  std::unordered_set<std::uint32_t> seen;
  std::vector<ExprId> todo(quantities.begin(), quantities.end());
  while (!todo.empty()) {
    const ExprId e = todo.back();
    todo.pop_back();
    if (!seen.insert(static_cast<std::uint32_t>(e)).second) continue;
    const ir::Inst& in = module.inst(e);
    for (const ExprId o : in.operands) todo.push_back(o);
    if (in.code != ir::Opcode::prim) continue;
    const auto op = static_cast<Op>(in.payload);
    if (op != Op::lt && op != Op::le && op != Op::eq) continue;
    const ir::Dependence d = ir::dependence(module, e);
    if (d.continuous.empty() || !d.free_indices.empty()) continue;
    // Over all values of the finite latents that the two sides read, if they are few.
    const auto elements = pass::elements_read(module, in.operands);
    double assignments = 1;
    for (const auto& [latent, flat] : elements)
      assignments *= static_cast<double>(module.latents[ir::raw(latent)].cardinality);
    if (assignments > 4096) continue;
    std::vector<std::int32_t> codes(layout.finite, 0);
    for (std::size_t a = 0; a < static_cast<std::size_t>(assignments); ++a) {
      std::size_t rest = a;
      for (const auto& [latent, flat] : elements) {
        const auto k = static_cast<std::size_t>(module.latents[ir::raw(latent)].cardinality);
        codes[layout.offset[ir::raw(latent)] + flat] = static_cast<std::int32_t>(rest % k) + 1;
        rest /= k;
      }
      const auto difference = [&](double x) {
        const model::StateView state{std::span(&x, 1), codes};
        return evaluator.value(in.operands[0], state).as_real() - evaluator.value(in.operands[1], state).as_real();
      };
      if (auto roots = prepared.sign_changes(difference)) points.insert(points.end(), roots->begin(), roots->end());
    }
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

/// A question made ready: what it reads, and its values at a point.
struct Posterior::Question {
  ir::Module module;
  std::vector<FiniteElement> elements;
  std::shared_ptr<Prepared> prepared;
  std::unique_ptr<eval::ReferenceEvaluator> evaluator;
  std::vector<std::int32_t> codes;
  PointFunction values;
  bool undefined = false;  ///< some value was not a number
};

Result<std::unique_ptr<Posterior::Question>> Posterior::question(std::span<const ExprId> read, const Tally& tally,
                                                                 const Variant& variant) const {
  auto q = std::make_unique<Question>();
  const std::int64_t own = lowerer_->horizon_of(read);
  q->module = lowerer_->module_with_horizon(own);
  q->elements = scope(read, q->module);
  pass::Kept kept;
  for (const FiniteElement& e : q->elements)
    if (!q->module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
  auto p = prepared(variant, kept, own);
  if (!p) return fail(std::move(p).error());
  q->prepared = *std::move(p);

  const ir::StateLayout layout(q->module);
  q->evaluator = std::make_unique<eval::ReferenceEvaluator>(q->module);
  q->codes.assign(layout.finite, 0);
  std::vector<std::size_t> position;
  std::vector<std::int32_t> cardinality;
  for (const FiniteElement& e : q->elements) {
    position.push_back(layout.offset[ir::raw(e.latent)] + e.flat);
    cardinality.push_back(static_cast<std::int32_t>(q->module.latents[ir::raw(e.latent)].cardinality));
  }
  q->values = [self = q.get(), position, cardinality, tally](std::span<const double> continuous,
                                                             std::span<const double> joint, std::span<double> out) {
    std::fill(out.begin(), out.end(), 0.0);
    for (const std::size_t at : position) self->codes[at] = 1;
    for (const double weight : joint) {
      if (weight > 0) {
        const model::StateView state{continuous, self->codes};
        tally(
            [&](ExprId e) {
              const double v = self->evaluator->value(e, state).as_real();
              if (std::isnan(v) || self->evaluator->compared_nan()) self->undefined = true;
              return v;
            },
            weight, out);
      }
      for (std::size_t d = position.size(); d-- > 0;) {
        if (++self->codes[position[d]] <= cardinality[d]) break;
        self->codes[position[d]] = 1;
      }
    }
  };
  return q;
}

Posterior::Tally Posterior::weighted_sums(std::span<const ExprId> quantities) {
  return [wanted = std::vector<ExprId>(quantities.begin(), quantities.end())](const ValueHere& value, double weight,
                                                                              std::span<double> out) {
    for (std::size_t k = 0; k < wanted.size(); ++k) out[k] += weight * value(wanted[k]);
  };
}

Result<std::vector<Estimate>> Posterior::expect(std::span<const ExprId> read, std::size_t count, const Tally& tally,
                                                const Variant& variant) const {
  try {
    auto q = question(read, tally, variant);
    if (!q) return fail(std::move(q).error());
    auto r = (*q)->prepared->expectations((*q)->elements, count, (*q)->values,
                                          breakpoints(read, (*q)->module, *(*q)->prepared));
    if (r && (*q)->undefined) return fail(diagnose<K::undefined_density>({}));
    return r;
  } catch (Failure& failure) {
    return fail(std::move(failure.diagnostic));
  }
}

Result<std::vector<Estimate>> Posterior::expect(std::span<const ExprId> quantities, const Variant& variant) const {
  return expect(quantities, quantities.size(), weighted_sums(quantities), variant);
}

Result<std::vector<std::vector<double>>> Posterior::series(std::span<const ExprId> quantities,
                                                           const Variant& variant) const {
  try {
    auto q = question(quantities, weighted_sums(quantities), variant);
    if (!q) return fail(std::move(q).error());
    auto r = (*q)->prepared->series((*q)->elements, quantities.size(), (*q)->values);
    if (r && (*q)->undefined) return fail(diagnose<K::undefined_density>({}));
    return r;
  } catch (Failure& failure) {
    return fail(std::move(failure.diagnostic));
  }
}

Result<std::shared_ptr<const Sampled>> Posterior::draws(const Variant& variant) const {
  auto p = prepared(variant);
  if (!p) return fail(std::move(p).error());
  if (!(*p)->sampled()) return std::shared_ptr<const Sampled>();
  return (*p)->draw();
}

Result<void> Posterior::settle_inference() const {
  auto d = draws();
  if (!d) return fail(std::move(d).error());
  if (*d != nullptr) return {};
  auto e = log_evidence();
  if (!e) return fail(std::move(e).error());
  return {};
}

Result<Estimate> Posterior::probability(ExprId event, std::optional<ExprId> condition, const Variant& variant) const {
  ir::Module& m = lowerer_->module();
  const auto indicator = [&](ExprId e) { return m.select(e, m.real(1), m.real(0)); };
  if (!condition) {
    const ExprId q = indicator(event);
    auto r = expect(std::span(&q, 1), variant);
    if (!r) return fail(std::move(r).error());
    return unanimous({std::clamp((*r)[0].value, 0.0, 1.0), (*r)[0].error, (*r)[0].converged}, event, 1, variant);
  }
  auto e = conditional_mean(indicator(event), *condition, variant);
  if (!e) return e;
  e->value = std::clamp(e->value, 0.0, 1.0);
  if (e->value != 0 && e->value != 1) return e;
  const ExprId given = indicator(*condition);
  auto share = expect(std::span(&given, 1), variant);
  if (!share) return fail(std::move(share).error());
  return unanimous(*e, event, (*share)[0].value, variant);
}

Result<Estimate> Posterior::conditional_mean(ExprId quantity, ExprId condition, const Variant& variant) const {
  ir::Module& m = lowerer_->module();
  const auto within = [&](ExprId e) { return m.select(condition, e, m.real(0)); };
  const std::array<ExprId, 2> both{within(quantity), within(m.real(1))};
  auto found = expect(both, variant);
  if (!found) return fail(std::move(found).error());
  const Estimate joint = (*found)[0], given = (*found)[1];
  if (!(given.value > 0)) return fail(diagnose<K::impossible_condition>({}));
  Estimate e{joint.value / given.value, 0, joint.converged && given.converged, joint.tail_shape};
  if (joint.error == 0 && given.error == 0) return e;
  // For the true mean t and share g: g (t - v) = E[quantity - v, condition], which is nearly 0 and known as well as
  // draws or quadrature know it.
  const ExprId rest = within(m.prim(Op::sub, {quantity, m.real(e.value)}));
  auto left = expect(std::span(&rest, 1), variant);
  if (!left) return fail(std::move(left).error());
  const double share = given.value - given.error;
  e.error =
      share > 0 ? (std::abs((*left)[0].value) + (*left)[0].error) / share : std::numeric_limits<double>::infinity();
  e.converged = e.converged && (*left)[0].converged;
  return e;
}

/// Draws that all agree do not make sure of what they agree on.
Result<Estimate> Posterior::unanimous(Estimate e, ExprId event, double share, const Variant& variant) const {
  if ((e.value != 0 && e.value != 1) || !ir::dependence(lowerer_->module(), event).on_latents()) return e;
  auto drawn = draws(variant);
  if (!drawn) return fail(std::move(drawn).error());
  if (*drawn != nullptr) e.error = std::max(e.error, unanimity_error(share * least_effective((*drawn)->draws)));
  return e;
}

Result<Posterior::Odds> Posterior::odds(ExprId event, std::optional<ExprId> condition, const Variant& variant) const {
  ir::Module& m = lowerer_->module();
  const ExprId none = m.boolean(true);
  const auto indicator = [&](ExprId e) {
    return m.select(m.prim(Op::logical_and, {e, condition.value_or(none)}), m.real(1), m.real(0));
  };
  const std::array<ExprId, 2> q{indicator(event), indicator(m.prim(Op::logical_not, {event}))};
  auto r = expect(q, variant);
  if (!r) return fail(std::move(r).error());
  const Estimate yes = (*r)[0], no = (*r)[1];
  const double given = yes.value + no.value;
  if (!(given > 0)) return fail(diagnose<K::impossible_condition>({}));
  const auto share = [&](const Estimate& e) {
    const double p = std::clamp(e.value / given, 0.0, 1.0);
    // Without a condition the two add up to 1, so how far they miss it is known.
    const double of_given = p * (condition ? yes.error + no.error : std::abs(given - 1));
    return Estimate{p, (e.error + of_given) / given, yes.converged && no.converged};
  };
  return Odds{share(yes), share(no)};
}

Result<Estimate> Posterior::log_evidence(const Variant& variant) const {
  auto p = prepared(variant);
  if (!p) return fail(std::move(p).error());
  return (*p)->log_evidence();
}

Result<Posterior::Distribution> Posterior::distribution(ExprId quantity, std::optional<ExprId> condition) const {
  try {
    auto d = by_atoms(quantity, condition);
    if (!d || !d->finite) return d;
    auto p = prepared();
    if (!p) return fail(std::move(p).error());
    if ((*p)->continuous_dimension() == 0) return d;
    if (auto r = refine(*d, quantity, condition); !r) return fail(std::move(r).error());
    return d;
  } catch (Failure& failure) {
    return fail(std::move(failure.diagnostic));
  }
}

Result<Posterior::Distribution> Posterior::by_atoms(ExprId quantity, std::optional<ExprId> condition) const {
  try {
    std::vector<ExprId> read{quantity};
    if (condition) read.push_back(*condition);
    const std::int64_t own = lowerer_->horizon_of(read);
    const ir::Module module = lowerer_->module_with_horizon(own);
    const std::vector<FiniteElement> elements = scope(read, module);
    pass::Kept kept;
    for (const FiniteElement& e : elements)
      if (!module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
    auto p = prepared({}, kept, own);
    if (!p) return fail(std::move(p).error());
    auto atoms = (*p)->atoms();
    if (!atoms) return fail(std::move(atoms).error());
    const ir::StateLayout layout(module);
    eval::ReferenceEvaluator evaluator(module);
    std::vector<std::int32_t> codes(layout.finite, 0);
    std::map<double, double> mass;
    double total = 0;
    for (const Prepared::Atom& atom : *atoms) {
      auto table = (*p)->joint_at(atom.continuous, elements);
      if (!table) return fail(std::move(table).error());
      for (const FiniteElement& e : elements) codes[layout.offset[ir::raw(e.latent)] + e.flat] = 1;
      for (const double weight : *table) {
        if (weight > 0) {
          const model::StateView state{atom.continuous, codes};
          if (!condition || evaluator.value(*condition, state).truth()) {
            const double v = evaluator.value(quantity, state).as_real();
            if (std::isnan(v)) return fail(diagnose<K::undefined_density>({}));
            mass[v] += weight * atom.weight;
            total += weight * atom.weight;
          }
        }
        for (std::size_t d = elements.size(); d-- > 0;) {
          std::int32_t& code = codes[layout.offset[ir::raw(elements[d].latent)] + elements[d].flat];
          if (++code <= module.latents[ir::raw(elements[d].latent)].cardinality) break;
          code = 1;
        }
      }
    }
    if (!(total > 0)) return fail(diagnose<K::impossible_condition>({}));
    Distribution d;
    d.finite = (*p)->continuous_dimension() == 0 || ir::dependence(module, quantity).continuous.empty();
    for (const auto& [v, w] : mass) {
      d.value.push_back(v);
      d.probability.push_back(w / total);
      d.error.push_back(std::abs(w / total) * 2 * (*p)->series_error());
    }
    return d;
  } catch (Failure& failure) {
    return fail(std::move(failure.diagnostic));
  }
}

/// Atoms say which values there are, or most of them. Their probabilities are integrals of their own, which know where
/// a condition or a finite latent jumps. Errors as in `conditional_mean`.
Result<void> Posterior::refine(Distribution& d, ExprId quantity, std::optional<ExprId> condition) const {
  std::vector<ExprId> read{quantity};
  if (condition) read.push_back(*condition);
  const auto given = [&](const ValueHere& value) { return !condition || value(*condition) != 0; };
  std::set<double> values(d.value.begin(), d.value.end());
  std::vector<Estimate> found;
  do {
    d.value.assign(values.begin(), values.end());
    auto masses = expect(read, d.value.size() + 1,
                         [&](const ValueHere& value, double weight, std::span<double> out) {
                           if (!given(value)) return;
                           const double v = value(quantity);
                           values.insert(v);
                           const auto at = std::lower_bound(d.value.begin(), d.value.end(), v);
                           if (at != d.value.end() && *at == v)
                             out[static_cast<std::size_t>(at - d.value.begin())] += weight;
                           out.back() += weight;
                         },
                         {});
    if (!masses) return fail(std::move(masses).error());
    found = *std::move(masses);
  } while (values.size() > d.value.size());
  const std::size_t n = d.value.size();
  const Estimate share = found.back();
  if (!(share.value > 0)) return fail(diagnose<K::impossible_condition>({}));
  d.probability.clear();
  for (std::size_t k = 0; k < n; ++k) d.probability.push_back(std::clamp(found[k].value / share.value, 0.0, 1.0));
  auto rest = expect(read, n,
                     [&](const ValueHere& value, double weight, std::span<double> out) {
                       if (!given(value)) return;
                       const double v = value(quantity);
                       for (std::size_t k = 0; k < n; ++k)
                         out[k] += weight * ((d.value[k] == v ? 1 : 0) - d.probability[k]);
                     },
                     {});
  if (!rest) return fail(std::move(rest).error());
  const double least = share.value - share.error;
  d.error.clear();
  for (std::size_t k = 0; k < n; ++k) {
    const Estimate& left = (*rest)[k];
    d.error.push_back(least > 0 ? (std::abs(left.value) + left.error) / least
                                : std::numeric_limits<double>::infinity());
    d.converged = d.converged && found[k].converged && left.converged;
  }
  return {};
}

Result<Estimate> Posterior::quantile(ExprId quantity, double p, std::optional<ExprId> condition) const {
  auto sampled = draws();
  if (!sampled) return fail(std::move(sampled).error());
  if (*sampled != nullptr) return quantile_of_draws(quantity, p, condition, **sampled);
  auto d = distribution(quantity, condition);
  if (!d) return fail(std::move(d).error());
  if (d->finite) {
    double cumulative = 0, error = 0;
    std::size_t i = 0;
    for (;; ++i) {
      cumulative += d->probability[i];
      error += d->error[i];
      if (cumulative >= p * (1 - 1e-15) || i + 1 == d->value.size()) break;
    }
    // Where p is as good as the height of a step, it may be the next one.
    double width = 0;
    if (error > 0 && cumulative - p <= error && i + 1 < d->value.size()) width = d->value[i + 1] - d->value[i];
    if (error > 0 && p - (cumulative - d->probability[i]) <= error && i > 0)
      width = std::max(width, d->value[i] - d->value[i - 1]);
    return Estimate{d->value[i], width, d->converged};
  }
  auto p0 = prepared();
  if (!p0) return fail(std::move(p0).error());
  const ir::Inst& read = lowerer_->module().inst(quantity);
  if (!condition && read.code == ir::Opcode::latent) return (*p0)->continuous_quantile(p);
  // The atoms bracket it; the exact distribution function, asked by quadrature, narrows the bracket.
  ir::Module& m = lowerer_->module();
  double cumulative = 0;
  std::size_t at = 0;
  while (at + 1 < d->value.size() && (cumulative += d->probability[at]) < p) ++at;
  const std::size_t before = at >= 3 ? at - 3 : 0, after = std::min(at + 3, d->value.size() - 1);
  double low = d->value[before], high = d->value[after];
  const auto cdf = [&](double v) { return probability(m.prim(Op::le, {m.to_real(quantity), m.real(v)}), condition); };
  double error = 0;
  bool converged = true;
  for (int i = 0; i < 200 && high - low > 1e-13 * std::max({std::abs(low), std::abs(high), 1e-300}); ++i) {
    const double middle = low + (high - low) / 2;
    auto c = cdf(middle);
    if (!c) return fail(std::move(c).error());
    error = c->error;
    converged = c->converged;
    (c->value < p ? low : high) = middle;
  }
  const double v = low + (high - low) / 2;
  // The slope of the distribution function turns its error into the quantile's.
  const double h = std::max(1e-6 * (d->value.back() - d->value.front()), 1e-300);
  auto left = cdf(v - h), right = cdf(v + h);
  if (!left || !right) return Estimate{v, high - low, converged};
  const double slope = (right->value - left->value) / (2 * h);
  return Estimate{v, slope > 0 ? error / slope + (high - low) : high - low, converged};
}

/// From draws: an order statistic where no finite latent is read, else the point at which the average conditional
/// distribution function reaches p, whose Monte Carlo error the local density turns into the quantile's.
Result<Estimate> Posterior::quantile_of_draws(ExprId quantity, double p, std::optional<ExprId> condition,
                                              const Sampled& sampled) const {
  ir::Module& m = lowerer_->module();
  if (!condition && ir::dependence(m, quantity).finite.empty()) {
    auto values = series(std::span(&quantity, 1));
    if (!values) return fail(std::move(values).error());
    const auto q = quantiles(ChainedDraws{(*values)[0], sampled.draws.chains}, std::span(&p, 1));
    if (q) return Estimate{(*q)[0].value, (*q)[0].mcse};
  }
  auto d = by_atoms(quantity, condition);
  if (!d) return fail(std::move(d).error());
  double cumulative = 0;
  std::size_t at = 0;
  while (at + 1 < d->value.size() && (cumulative += d->probability[at]) < p) ++at;
  const double v = d->value[at];
  auto below = probability(m.prim(Op::le, {m.to_real(quantity), m.real(v)}), condition);
  if (!below) return fail(std::move(below).error());
  // How far one must go for the distribution function to move by its own error.
  double reach = 0;
  std::size_t low = at, high = at;
  while (reach < 2 * below->error && (low > 0 || high + 1 < d->value.size())) {
    if (low > 0) reach += d->probability[--low];
    if (high + 1 < d->value.size()) reach += d->probability[++high];
  }
  return Estimate{v, (d->value[high] - d->value[low]) / 2};
}

}  // namespace hearsay
