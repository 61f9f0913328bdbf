#include "runtime/session/sampled.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/draws/diagnostics.h"
#include "runtime/draws/psis.h"
#include "runtime/infer/nuts/sampler.h"

namespace hearsay {

using K = DiagnosticKind;

void Sampled::state(std::size_t row, std::vector<double>& continuous) const {
  continuous.resize(draws.names.size());
  for (std::size_t k = 0; k < continuous.size(); ++k) continuous[k] = draws.column(k)[row];
}

std::vector<std::string> element_names(const ir::Module& module) {
  std::vector<std::string> names;
  for (const ir::Latent& l : module.latents) {
    if (l.finite) continue;
    std::vector<std::int64_t> at(l.shape.size(), 1);
    for (std::int64_t n = l.size(); n > 0; --n) {
      names.push_back(at.empty() ? l.name : fmt::format("{}[{}]", l.name, fmt::join(at, ", ")));
      for (std::size_t d = at.size(); d-- > 0;) {
        if (++at[d] <= l.shape[d]) break;
        at[d] = 1;
      }
    }
  }
  return names;
}

std::vector<model::ParameterBlock> parameter_blocks(const ir::Module& module) {
  std::vector<model::ParameterBlock> blocks;
  for (const ir::Latent& l : module.latents) {
    if (l.finite) continue;
    model::ParameterBlock b;
    b.name = l.name;
    b.constraint = l.constraint;
    b.low = l.low;
    b.high = l.high;
    // The last dimensions are one value, those before them make copies.
    const std::size_t rank = model::rank(l.constraint);
    if (rank > 0) b.rows = b.columns = static_cast<std::size_t>(l.shape.back());
    b.copies = static_cast<std::size_t>(l.size());
    for (std::size_t d = 0; d < rank; ++d) b.copies /= std::max<std::size_t>(1, b.rows);
    blocks.push_back(std::move(b));
  }
  return blocks;
}

namespace {

/// Coordinates beyond this have been carried off: what a posterior knows about anything is not that wide.
constexpr double kAbsurd = 1e30;

/// Where no evidence holds a latent back its draws go as far as they are let, and steps grow with them.
std::optional<Finding> examine_size(const Draws& raw, const std::vector<std::string>& names,
                                    const Transitions& transitions) {
  std::size_t worst = 0;
  double most = 0;
  for (std::size_t k = 0; k < raw.names.size(); ++k)
    for (const double u : raw.column(k))
      if (std::abs(u) > most) most = std::abs(u), worst = k;
  double step = 0;
  for (const auto& chain : transitions.chains)
    for (const Transition& t : chain) step = std::max(step, t.step_size);
  if (!(most > kAbsurd || step > kAbsurd)) return std::nullopt;
  Finding f;
  f.kind = FindingKind::not_finite;
  f.value = most;
  f.threshold = kAbsurd;
  f.count = 1;
  f.worst = worst < names.size() ? names[worst] : "";
  f.what = fmt::format("the posterior may be improper: draws{} go as far as {:.1e}, with steps of {:.1e}",
                       f.worst.empty() ? "" : " of " + f.worst, most, step);
  f.next = "give every latent a prior that is a distribution, or evidence that bounds it";
  return f;
}

/// Without the elements that are 0 or 1 by construction, as those above the diagonal of a Cholesky factor: two
/// arbitrary points of the unconstrained scale agree in them. Nothing where there are none: draws are not copied then.
std::optional<Draws> without_constants(const Draws& draws, const model::ParameterTransform& transform) {
  std::vector<double> u(transform.unconstrained_size()), one(draws.names.size()), other(draws.names.size());
  for (std::size_t k = 0; k < u.size(); ++k) u[k] = 0.3 + 0.1 * std::sin(static_cast<double>(k));
  transform.constrain(u, one);
  for (double& v : u) v -= 0.7;
  transform.constrain(u, other);
  if (std::ranges::equal(one, other, std::not_equal_to())) return std::nullopt;
  Draws rest;
  rest.chains = draws.chains;
  rest.draws_per_chain = draws.draws_per_chain;
  for (std::size_t k = 0; k < one.size(); ++k) {
    if (one[k] == other[k]) continue;
    rest.names.push_back(draws.names[k]);
    const auto column = draws.column(k);
    rest.values.insert(rest.values.end(), column.begin(), column.end());
  }
  return rest;
}

}  // namespace

Result<std::shared_ptr<const Sampled>> sample(const infer::PosteriorDensity& density, const ir::Module& module,
                                              const Settings& settings, SourceSpan from) {
  nuts::Settings wanted = settings.nuts;
  wanted.seed = settings.seed;
  const auto failed = [&](const nuts::Error& e) {
    Diagnostic d = e.kind == nuts::ErrorKind::density_failed ? diagnose<K::sampling_failed>(from, e.message)
                                                             : diagnose<K::sampling_not_started>(from, e.message);
    d.help = e.help;
    return fail(std::move(d));
  };
  auto sampler = nuts::Sampler::create(density, wanted);
  if (!sampler) return failed(sampler.error());
  nuts::Hooks hooks;
  hooks.interrupt = settings.interrupt;
  hooks.progress = settings.progress;
  const nuts::RunStatus status = sampler->run(hooks);
  if (status == nuts::RunStatus::failed && sampler->error()) return failed(*sampler->error());

  if (status == nuts::RunStatus::interrupted) return fail(diagnose<K::interrupted>(from));
  auto made = std::make_shared<Sampled>();
  std::vector<std::string> coordinates;
  for (std::size_t k = 0; k < density.dim(); ++k) coordinates.push_back(fmt::format("u.{}", k + 1));
  const Draws raw = sampler->draws(std::move(coordinates));
  made->transitions = sampler->transitions();
  made->draws.names = element_names(module);
  made->draws.chains = raw.chains;
  made->draws.draws_per_chain = raw.draws_per_chain;
  made->draws.values.resize(made->draws.names.size() * raw.rows());
  std::vector<double> u(density.dim()), x(made->draws.names.size());
  for (std::size_t row = 0; row < raw.rows(); ++row) {
    for (std::size_t k = 0; k < u.size(); ++k) u[k] = raw.column(k)[row];
    density.transform().constrain(u, x);
    for (std::size_t k = 0; k < x.size(); ++k) made->draws.values[k * raw.rows() + row] = x[k];
  }
  const auto varying = without_constants(made->draws, density.transform());
  made->findings = examine(varying ? *varying : made->draws, made->transitions, {}, settings.interrupt);
  if (settings.interrupt != nullptr && settings.interrupt->load()) return fail(diagnose<K::interrupted>(from));
  if (auto runaway = examine_size(raw, made->draws.names, made->transitions))
    made->findings.insert(made->findings.begin(), *std::move(runaway));
  return made;
}

SeriesMean series_mean(const std::vector<double>& values, std::size_t chains) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return {*low, 0};
  if (const auto m = mean(ChainedDraws{values, chains})) return {m->value, m->mcse};
  // Not enough draws, or not finite: the plain average, and no claim about its error.
  double sum = 0;
  for (const double v : values) sum += v;
  return {sum / static_cast<double>(values.size()), std::numeric_limits<double>::infinity()};
}

double tail_shape(std::vector<double> values) {
  constexpr double none = -std::numeric_limits<double>::infinity();
  if (values.size() < 100 || !std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) return none;
  std::ranges::sort(values);
  // As long a tail as importance sampling smooths (equation 8 of the paper that psis.h names).
  const auto n = static_cast<double>(values.size());
  const auto length = static_cast<std::size_t>(std::min(n / 5, 3 * std::sqrt(n)));
  double most = none;
  for (int side = 0; side < 2; ++side) {
    const double threshold = values[values.size() - length - 1];
    std::vector<double> beyond;
    for (std::size_t k = values.size() - length; k < values.size(); ++k)
      if (values[k] > threshold) beyond.push_back(values[k] - threshold);
    // Values that repeat are no tail.
    if (beyond.size() == length && beyond.front() < beyond.back()) most = std::max(most, fit_pareto(beyond).shape);
    for (double& v : values) v = -v;
    std::ranges::reverse(values);
  }
  return most;
}

double least_effective(const Draws& draws) {
  double least = static_cast<double>(draws.rows());
  for (std::size_t k = 0; k < draws.names.size(); ++k)
    if (const auto ess = ess_bulk(ChainedDraws{draws.column(k), draws.chains})) least = std::min(least, *ess);
  return std::max(1.0, least);
}

/// None of n draws shows what has probability 3/n with probability e^-3.
double unanimity_error(double effective) { return std::min(1.0, 3 / effective); }

}  // namespace hearsay
