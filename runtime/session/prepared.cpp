#include "runtime/session/prepared.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "runtime/infer/quadrature/peaks.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

/// Entries of a table that a question may ask for.
constexpr double kLargestQuestion = 16777216;
/// Components of a mixture are looked for one by one where they are few and cheap: values of all finite latents
/// together, and entries of all tables.
constexpr std::size_t kMostComponents = 12;
constexpr std::size_t kSmallTables = 256;
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

std::string Prepared::engine() const {
  if (sampled_) return "nuts";
  return layout_.continuous == 0 ? (settings_.enumerate ? "enumerate" : "exact") : "quadrature";
}
std::string Prepared::backend() const { return native_ ? "native code" : "reference evaluator"; }

Diagnostic Prepared::impossible() const {
  Diagnostic d = diagnose<K::impossible_evidence>(from_);
  std::size_t shown = 0;
  for (const ir::Term& t : module_->terms)
    if (t.kind == ir::TermKind::evidence && shown < 3) {
      const SourceSpan span = module_->sites[ir::raw(t.site)].span;
      if (std::any_of(d.labels.begin(), d.labels.end(), [&](const DiagnosticLabel& l) { return l.span == span; }))
        continue;
      d.labels.push_back({span, "hard evidence here"});
      ++shown;
    }
  d.help = "a claim that may be wrong is said by `soft observe`, which nothing can make impossible";
  return d;
}

/// A table or sum that is not a number: finds the statement.
Diagnostic Prepared::undefined() const {
  for (const ir::GroundFactor& f : grounding_->factors)
    for (std::size_t i = 0; i < f.table_size; ++i) {
      const double v = tables_[f.table_offset + i];
      if (std::isnan(v) || v == infinity)
        return diagnose<K::undefined_density>(module_->sites[ir::raw(module_->terms[ir::raw(f.term)].site)].span);
    }
  for (const ir::TermId t : grounding_->closed_terms)
    if (module_->terms[ir::raw(t)].kind == ir::TermKind::prior)
      return diagnose<K::undefined_density>(module_->sites[ir::raw(module_->terms[ir::raw(t)].site)].span);
  return diagnose<K::undefined_density>(from_);
}

Result<double> Prepared::log_mass(std::span<const double> continuous) {
  const double closed = evaluator_->closed_terms(continuous);
  if (evaluator_->interrupted()) return fail(diagnose<K::interrupted>(from_));
  if (std::isnan(closed) || closed == infinity) return fail(undefined());
  if (closed == -infinity || graph_.factors.empty()) return closed;
  if (!continuous.empty()) evaluator_->fill_tables(continuous, tables_);
  if (evaluator_->interrupted()) return fail(diagnose<K::interrupted>(from_));
  for (const double v : tables_)
    if (std::isnan(v) || v == infinity) return fail(undefined());
  if (settings_.enumerate) {
    auto all = enumerate_states({});
    if (!all) return fail(std::move(all).error());
    return closed + all->log_partition;
  }
  auto finite = tree_->set_tables(tables_);
  if (!finite) return fail(std::move(finite).error());
  return closed + *finite;
}

/// Runs through the joint (`using enumerate`), once, whatever is asked: the total, and the table over `variables`.
Result<exact::Enumeration> Prepared::enumerate_states(const std::vector<model::VariableId>& variables) const {
  model::FactorGraph g = graph_;
  for (std::size_t f = 0; f < g.factors.size(); ++f) {
    const ir::GroundFactor& gf = grounding_->factors[f];
    g.factors[f].log_table.assign(tables_.begin() + static_cast<std::ptrdiff_t>(gf.table_offset),
                                  tables_.begin() + static_cast<std::ptrdiff_t>(gf.table_offset + gf.table_size));
  }
  exact::EnumerationOptions options;
  options.interrupt = settings_.interrupt;
  options.from = from_;
  options.keep = variables;
  options.kernels = kernels_.get();
  return exact::enumerate(g, options);
}

Result<void> Prepared::settle() {
  if (sampled_) {
    auto d = draw();
    if (!d) return fail(std::move(d).error());
    return {};
  }
  if (layout_.continuous > 0) return integrate();
  if (!log_mass_) {
    auto m = log_mass({});
    if (!m) return fail(std::move(m).error());
    log_mass_ = *m;
  }
  if (*log_mass_ == -infinity) return fail(impossible());
  return {};
}

/// Comparisons of the continuous latent with constants: the density may jump there.
std::vector<double> Prepared::density_breakpoints() const {
  std::vector<double> points;
  for (const ir::Inst& in : module_->insts) {
    if (in.code != ir::Opcode::prim) continue;
    const auto op = static_cast<Op>(in.payload);
    if (op != Op::lt && op != Op::le) continue;
    for (std::size_t side = 0; side < 2; ++side) {
      const ir::Inst& x = module_->inst(in.operands[side]);
      const Scalar* c = module_->constant(in.operands[1 - side]);
      if (c != nullptr && x.code == ir::Opcode::latent && !module_->latents[x.payload].finite)
        points.push_back(c->as_real());
    }
  }
  return points;
}

const ir::Latent& Prepared::continuous_latent() const {
  return *std::find_if(module_->latents.begin(), module_->latents.end(),
                       [](const ir::Latent& l) { return !l.finite && l.size() > 0; });
}

/// Whether the prior gives all values of the order of x together less than the smallest number: what overflows there,
/// as exp(x) does beyond 709, is no fault of the model.
bool Prepared::out_of_reach(double x) {
  if (!prior_) {
    prior_.emplace(Prior{eval::ReferenceEvaluator(*module_), {}});
    for (std::uint32_t t = 0; t < module_->terms.size(); ++t)
      if (module_->terms[t].kind == ir::TermKind::prior && module_->terms[t].site == continuous_latent().site)
        prior_->terms.push_back(ir::TermId{t});
  }
  const double log_density = prior_->evaluator.sum(prior_->terms, {std::span(&x, 1), {}});
  return log_density + std::log(std::abs(x)) < std::log(std::numeric_limits<double>::min());
}

/// A component that belongs to one value of a finite latent may be a spike that the mixture hides: it is looked for
/// alone, by ruling out the latent's other values in one of the tables that read it.
std::vector<double> Prepared::component_peaks(const infer::Support1d& support,
                                              const infer::QuadratureOptions& options) {
  std::vector<double> all;
  std::size_t values = 0;
  for (const model::Variable& v : graph_.variables) values += static_cast<std::size_t>(v.cardinality);
  if (!tree_ || settings_.enumerate || values > kMostComponents || tables_.size() > kSmallTables) return all;
  std::vector<bool> searched(graph_.variables.size(), false);
  for (std::size_t f = 0; f < graph_.factors.size(); ++f) {
    const std::vector<model::VariableId>& scope = graph_.factors[f].scope;
    const ir::GroundFactor& factor = grounding_->factors[f];
    std::size_t stride = 1, card = 1;
    for (std::size_t d = scope.size(); d-- > 0; stride *= card) {
      const auto variable = static_cast<std::size_t>(scope[d]);
      card = static_cast<std::size_t>(graph_.variables[variable].cardinality);
      if (searched[variable]) continue;
      searched[variable] = true;
      for (std::size_t only = 0; only < card; ++only) {
        const auto component = [&](double x) {
          const double closed = evaluator_->closed_terms(std::span(&x, 1));
          evaluator_->fill_tables(std::span(&x, 1), tables_);
          for (std::size_t i = 0; i < factor.table_size; ++i)
            if ((i / stride) % card != only) tables_[factor.table_offset + i] = -infinity;
          const auto finite = tree_->set_tables(tables_);
          const double height = finite ? closed + *finite : std::nan("");
          return std::isnan(height) && out_of_reach(x) ? -infinity : height;
        };
        const std::vector<double> peaks = infer::find_peaks(component, support, options);
        all.insert(all.end(), peaks.begin(), peaks.end());
      }
    }
  }
  return all;
}

Result<void> Prepared::integrate() {
  if (quadrature_) return {};
  const ir::Latent& latent = continuous_latent();
  infer::Support1d support{latent.low, latent.high, density_breakpoints()};
  infer::QuadratureOptions options;
  options.relative_tolerance = settings_.tolerance;
  options.log_density_error = series_error_;
  options.interrupt = settings_.interrupt;
  options.name = latent.name;
  options.where = from_;
  const auto density = [this, name = latent.name](double x) {
    auto m = log_mass(std::span(&x, 1));
    if (m) return *m;
    if (m.error().kind == K::undefined_density && out_of_reach(x)) return -infinity;
    if (!failure_) {
      failure_ = std::move(m).error();
      if (failure_->kind == K::undefined_density && failure_->help.empty())
        failure_->help = fmt::format(
            "it happens at {} = {:g}: a range for the latent, as in `{} ~ D in (low, high)`, "
            "leaves such values out",
            name, x, name);
    }
    return std::nan("");
  };
  const std::vector<double> peaks = component_peaks(support, options);
  options.landmarks.insert(options.landmarks.end(), peaks.begin(), peaks.end());
  auto q = infer::QuadraturePosterior1d::build(density, std::move(support), std::move(options));
  if (!q) {
    if (failure_) return fail(*std::exchange(failure_, std::nullopt));
    Diagnostic d = std::move(q).error();
    // Without hard evidence nothing can be impossible: the search missed where the mass is.
    const bool observed =
        std::ranges::any_of(module_->terms, [](const ir::Term& t) { return t.kind == ir::TermKind::evidence; });
    if (d.kind == K::no_mass_found && observed) return fail(impossible());
    if (d.kind == K::no_mass_found)
      d.help = "the values that are possible are too few to be found: measure the latent in other units";
    return fail(std::move(d));
  }
  quadrature_ = *std::move(q);
  return {};
}

Result<Estimate> Prepared::log_evidence() {
  if (sampled_) return fail(diagnose<K::not_from_draws>(from_, "the evidence"));
  if (auto r = settle(); !r) return fail(std::move(r).error());
  if (!quadrature_) return Estimate{*log_mass_, series_error_};
  const infer::BoundedValue v = quadrature_->log_evidence();
  return Estimate{v.value, v.error, v.converged};
}

Result<std::vector<model::VariableId>> Prepared::variables(const std::vector<FiniteElement>& scope) const {
  std::vector<model::VariableId> r;
  double size = 1;
  for (const FiniteElement& e : scope) {
    const std::size_t flat = layout_.offset[ir::raw(e.latent)] + e.flat;
    if (flat >= graph_variable_.size() || graph_variable_[flat] < 0)
      return fail(diagnose<K::internal_error>(from_, "an element that is asked for is in no factor"));
    r.push_back(static_cast<model::VariableId>(graph_variable_[flat]));
    size *= graph_.variables[static_cast<std::size_t>(graph_variable_[flat])].cardinality;
  }
  if (size > kLargestQuestion) return fail(diagnose<K::query_too_large>({}, scope.size(), size));
  return r;
}

Result<std::vector<double>> Prepared::joint_at(std::span<const double> continuous,
                                               const std::vector<FiniteElement>& scope) {
  if (scope.empty()) return std::vector<double>{1.0};
  auto v = variables(scope);
  if (!v) return fail(std::move(v).error());
  if (!continuous.empty()) {
    auto m = log_mass(continuous);
    if (!m) return fail(std::move(m).error());
  } else if (auto r = settle(); !r) {
    return fail(std::move(r).error());
  }
  if (!settings_.enumerate) return tree_->joint(*v);
  auto all = enumerate_states(*v);
  if (!all) return fail(std::move(all).error());
  return std::move(all->joint);
}

Result<std::vector<Estimate>> Prepared::marginal(const FiniteElement& element) {
  const ir::Latent& latent = module_->latents[ir::raw(element.latent)];
  if (layout_.continuous == 0) {
    if (auto r = settle(); !r) return fail(std::move(r).error());
    auto v = variables({element});
    if (!v) return fail(std::move(v).error());
    if (settings_.enumerate) {
      auto all = enumerate_states(*v);
      if (!all) return fail(std::move(all).error());
      std::vector<Estimate> r;
      for (const double x : all->joint) r.push_back({x, 0});
      return r;
    }
    auto p = tree_->marginal((*v)[0]);
    if (!p) return fail(std::move(p).error());
    std::vector<Estimate> r;
    for (const double x : *p) r.push_back({x, 0});
    return r;
  }
  return expectations({element}, static_cast<std::size_t>(latent.cardinality),
                      [](std::span<const double>, std::span<const double> joint, std::span<double> out) {
                        std::copy(joint.begin(), joint.end(), out.begin());
                      },
                      {});
}

Result<std::vector<Estimate>> Prepared::expectations(const std::vector<FiniteElement>& scope, std::size_t count,
                                                     const PointFunction& f, const std::vector<double>& breakpoints) {
  if (auto r = settle(); !r) return fail(std::move(r).error());
  std::vector<Estimate> result(count);
  if (sampled_) {
    auto values = series(scope, count, f);
    if (!values) return fail(std::move(values).error());
    for (std::size_t k = 0; k < count; ++k) {
      const SeriesMean m = series_mean((*values)[k], draws_->draws.chains);
      result[k] = {m.value, m.mcse};
      result[k].tail_shape = tail_shape((*values)[k]);
    }
    return result;
  }
  if (!quadrature_) {
    auto joint = joint_at({}, scope);
    if (!joint) return fail(std::move(joint).error());
    std::vector<double> out(count);
    f({}, *joint, out);
    // What the series left out (nats) moves a probability by at most as much, relatively.
    for (std::size_t k = 0; k < count; ++k) result[k] = {out[k], std::abs(out[k]) * 2 * series_error_};
    return result;
  }
  std::optional<Diagnostic> failure;
  const infer::Integrands1d integrands = [&](double x, std::span<double> out) {
    const std::array<double, 1> at{x};
    auto joint = joint_at(at, scope);
    if (!joint) {
      if (!failure) failure = std::move(joint).error();
      std::fill(out.begin(), out.end(), std::nan(""));
      return;
    }
    f(at, *joint, out);
  };
  auto r = quadrature_->expectation(integrands, count, breakpoints);
  if (!r) {
    Diagnostic d = failure ? *std::move(failure) : std::move(r).error();
    d.primary = {};  // it is the question's, which may not be the first one asked
    return fail(std::move(d));
  }
  for (std::size_t k = 0; k < count; ++k) result[k] = {(*r)[k].value, (*r)[k].error, (*r)[k].converged};
  return result;
}

Result<std::shared_ptr<const Sampled>> Prepared::draw() {
  if (draws_) return draws_;
  infer::PosteriorDensity::Parts parts{compiled_,
                                       model::ParameterTransform(parameter_blocks(*module_)),
                                       std::make_shared<const model::FactorGraph>(graph_),
                                       kernels_,
                                       {}};
  parts.options.interrupt = settings_.interrupt;
  parts.options.from = from_;
  auto made = sample(infer::PosteriorDensity(std::move(parts)), *module_, settings_, from_);
  if (made) draws_ = *made;
  return made;
}

Result<std::vector<std::vector<double>>> Prepared::series(const std::vector<FiniteElement>& scope, std::size_t count,
                                                          const PointFunction& f) {
  if (auto r = settle(); !r) return fail(std::move(r).error());
  std::vector<std::vector<double>> values(count, std::vector<double>(draws_->draws.rows()));
  std::vector<double> state, out(count);
  for (std::size_t row = 0; row < draws_->draws.rows(); ++row) {
    draws_->state(row, state);
    auto joint = joint_at(state, scope);
    if (!joint) return fail(std::move(joint).error());
    f(state, *joint, out);
    for (std::size_t k = 0; k < count; ++k) values[k][row] = out[k];
  }
  return values;
}

Result<std::vector<Prepared::Atom>> Prepared::atoms() {
  if (auto r = settle(); !r) return fail(std::move(r).error());
  if (sampled_) {
    std::vector<Atom> r(draws_->draws.rows());
    for (std::size_t row = 0; row < r.size(); ++row) {
      draws_->state(row, r[row].continuous);
      r[row].weight = 1 / static_cast<double>(r.size());
    }
    return r;
  }
  if (!quadrature_) return std::vector<Atom>{Atom{}};
  std::vector<Atom> r;
  for (const infer::Atom& a : quadrature_->atoms()) r.push_back({{a.x}, std::exp(a.log_weight)});
  return r;
}

Result<std::vector<double>> Prepared::sign_changes(const std::function<double(double)>& f) {
  if (auto r = settle(); !r) return fail(std::move(r).error());
  if (!quadrature_) return std::vector<double>{};
  return quadrature_->find_breakpoints(f, -infinity, infinity);
}

Result<Estimate> Prepared::continuous_quantile(double p) {
  if (auto r = settle(); !r) return fail(std::move(r).error());
  auto q = quadrature_->quantile(p);
  if (!q) return fail(std::move(q).error());
  return Estimate{q->value, q->error, q->converged};
}

}  // namespace hearsay
