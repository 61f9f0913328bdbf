// `hearsay explain`: which engine and why, what is summed out and how, what data are computed once, who is charged
// what.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lang/evidence/schedule.h"
#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"
#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

namespace {

std::string counted(std::size_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

/// Latents that some term reads.
std::set<std::size_t> read_by_terms(const ir::Module& m) {
  std::set<std::size_t> read;
  ir::DependenceMap dependence(m);
  for (const ir::Term& t : m.terms) {
    const ir::Dependence& d = dependence(t.body);
    for (const ir::LatentId l : d.finite) read.insert(ir::raw(l));
  }
  return read;
}

std::string named(const ir::Latent& l) {
  std::string text = l.name;
  for (std::size_t d = 0; d < l.shape.size(); ++d) text += fmt::format("{}1..{}", d == 0 ? "[" : ", ", l.shape[d]);
  return l.shape.empty() ? text : text + "]";
}

/// Instances of the terms of each statement.
std::map<std::size_t, double> rows_by_site(const ir::Module& m) {
  std::map<std::size_t, double> rows;
  for (const ir::Term& t : m.terms) {
    if (t.kind == ir::TermKind::prior) continue;
    double n = 1;
    for (const ir::IndexId i : t.plate) n *= static_cast<double>(m.index(i).extent());
    rows[ir::raw(t.site)] += n;
  }
  return rows;
}

/// The module as it stands after each of the passes that take something away.
struct Stages {
  ir::Module lowered, marginalised, hoisted;
};

Stages stages_of(const Posterior& p) {
  Stages s{p.lowered(), {}, {}};
  s.marginalised = s.lowered;
  pass::Pipeline pipeline = p.settings().passes;
  pipeline.observer = [&](const std::string& name, const ir::Module& m) {
    if (name == "specialise" || name == "marginalise") s.marginalised = m;
    s.hoisted = m;
  };
  ir::Module m = s.lowered;
  pass::run(m, {}, pipeline);
  s.hoisted = std::move(m);
  return s;
}

std::string engine_text(const Prepared& prepared, Backend backend) {
  std::vector<std::string> continuous;
  for (const ir::Latent& l : prepared.module().latents)
    if (!l.finite && l.size() > 0) continuous.push_back(named(l));
  const std::string why = continuous.empty()
                              ? "every latent is finite"
                              : fmt::format("{} {} left when the finite latents are summed out",
                                            fmt::join(continuous, ", "), continuous.size() == 1 ? "is" : "are");
  std::string text = fmt::format("\n  engine {}: {}", prepared.engine(), why);
  text += fmt::format("\n  tables by {}: ", prepared.backend());
  if (backend == Backend::automatic)
    text += fmt::format("about {:.2g} operations for the evaluator, {}", prepared.evaluator_operations(),
                        prepared.backend() == "native code" ? "which is more than compiling costs"
                                                            : "which is less than compiling would cost");
  else
    text += "as was asked for";
  return text;
}

std::string summed_text(const Stages& s, const Prepared& prepared) {
  const std::set<std::size_t> before = read_by_terms(s.lowered), after = read_by_terms(s.marginalised);
  std::vector<std::string> by_element, kept;
  for (const std::size_t l : before) {
    const ir::Latent& latent = s.lowered.latents[l];
    if (latent.size() == 0) continue;
    (after.contains(l) ? kept : by_element).push_back(named(latent));
  }
  std::string text;
  if (!by_element.empty()) text += fmt::format("\n  summed out element by element: {}", fmt::join(by_element, ", "));
  if (!kept.empty()) {
    text += fmt::format("\n  summed out by variable elimination: {} ({} in {})", fmt::join(kept, ", "),
                        counted(prepared.grounding().variables.size(), "variable"),
                        counted(prepared.grounding().factors.size(), "factor"));
    text += fmt::format("\n    {:.3g} products an elimination, {:.3g} of them in its largest table",
                        prepared.elimination_cost(), prepared.largest_table());
  }
  return text;
}

}  // namespace

std::string Session::budget_text(const Posterior& p) {
  std::string text;
  for (const evidence::SourceRow& row : p.ledger().sources()) {
    std::size_t by_inference = 0;
    for (const JeffreyTask& t : p.lowerer().jeffrey)
      if ((t.source.empty() ? kNoSource : t.source) == row.name) ++by_inference;
    const auto shared =
        p.lowerer().local_sources.contains(row.name) ? std::nullopt : shared_ledger_.find_source(row.name);
    const auto& terms = p.ledger().terms(row.source);
    text += fmt::format("\n  source {}: {}{}, {:.6g} nats charged", row.name, counted(row.claims, "claim"),
                        terms.schedule ? fmt::format(", schedule {}", evidence::name(*terms.schedule)) : "",
                        row.spent.value());
    if (!row.budget) {
      text += "; no budget, so nothing was proved";
      continue;
    }
    text += fmt::format(" of a budget of {:.6g}", row.budget->value());
    if (shared) text += fmt::format(" ({:.6g} by all posteriors that share it)", shared_ledger_.spent(*shared).value());
    if (by_inference == 0)
      text += ": proved before inference";
    else
      text += fmt::format(
          ": {} set a probability, so their strength was found by inference and the budget enforced as "
          "each was settled{}",
          counted(by_inference, "claim"), row.claims > by_inference ? "; the others were proved before" : "");
  }
  for (const Unaccounted& u : p.lowerer().unaccounted)
    text += fmt::format("\n  unaccounted: {} at line {}; no budget covers it", u.what, line_of(u.span));
  return text;
}

std::string Session::explanation(const std::string& model, const Posterior& p) {
  const auto prepared = unwrap(p.prepared(), p.from());
  const Stages stages = stages_of(p);
  std::string text = fmt::format("infer {} at line {}", model, line_of(p.from()));
  text += engine_text(*prepared, p.settings().backend);
  text += summed_text(stages, *prepared);
  const auto before = rows_by_site(stages.marginalised), after = rows_by_site(stages.hoisted);
  for (const auto& [site, rows] : before) {
    const auto left = after.find(site);
    const double now = left == after.end() ? 0 : left->second;
    if (now >= rows) continue;
    const SourceSpan span = stages.lowered.sites[site].span;
    text += fmt::format("\n  computed once from data: line {}: {:.6g} rows become {:.6g} (sufficient statistics)",
                        line_of(span), rows, now);
  }
  if (prepared->series_error() > 0)
    text += fmt::format("\n    what their power series leave out is below {:.1e} nats", prepared->series_error());
  return text + budget_text(p);
}

}  // namespace hearsay
