// The net price of a source's claims (theory section 5): what they can move together, with retractions set off.
#include <map>

#include "lang/eval/evaluator.h"
#include "lang/evidence/ledger.h"
#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"
#include "runtime/session/posterior.h"

namespace hearsay {

namespace {
/// Instances of claims, and numbers in their tables, that are worth the trouble.
constexpr std::size_t kMostInstances = 50000;
constexpr std::size_t kMostEntries = 1000000;
}  // namespace

std::optional<evidence::Nats> Posterior::net_price(const std::string& source) const {
  ir::Module m = lowered();
  std::erase_if(m.terms,
                [&](const ir::Term& t) { return t.kind != ir::TermKind::soft || source_of(t.site) != source; });
  std::size_t instances = 0;
  for (const ir::Term& t : m.terms) {
    if (!ir::dependence(m, t.body).continuous.empty()) return std::nullopt;
    std::size_t n = 1;
    for (const ir::IndexId i : t.plate) n *= static_cast<std::size_t>(m.index(i).extent());
    instances += n;
    if (n > kMostInstances || instances > kMostInstances) return std::nullopt;
  }
  const auto grounding = pass::ground(m);
  if (!grounding || grounding->table_entries > kMostEntries) return std::nullopt;
  std::vector<double> tables(grounding->table_entries);
  eval::ReferenceEvaluator(m).fill_tables(*grounding, {}, tables);
  // Claims about the same variables are added up before the oscillation is taken; that of a sum of sums is no more
  // than the sum of theirs.
  std::map<std::vector<std::uint32_t>, std::vector<std::vector<double>>> by_scope;
  for (const ir::GroundFactor& f : grounding->factors) {
    const auto from = tables.begin() + static_cast<std::ptrdiff_t>(f.table_offset);
    by_scope[f.scope].emplace_back(from, from + static_cast<std::ptrdiff_t>(f.table_size));
  }
  evidence::Nats net;
  for (const auto& [scope, log_weights] : by_scope) net = net + evidence::net_price(log_weights);
  return net;
}

}  // namespace hearsay
