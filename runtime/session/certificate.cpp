// What charges guarantee for the questions that were asked, and what they really did (theory sections 5 and 8).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lang/evidence/bounds.h"
#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

namespace {

/// Errors of answers from draws are standard errors. So many of them are taken for a bound: a false alarm of 2e-9.
constexpr double kSureErrors = 6;

/// How far a probability may be off. Draws that are all alike say nothing of how rare the others are.
double bound_of(const Estimate& event, const Estimate& complement, bool sampled) {
  const double error = std::max(event.error, complement.error);
  if (!sampled) return error;
  return event.value > 0 && complement.value > 0 ? kSureErrors * error : 1;
}

/// Strings that a certificate compares by itself; `check` may be asked for more.
constexpr double kMostStrings = 65536;

}  // namespace

Certified Session::certify(const std::shared_ptr<const Posterior>& p, evidence::Certificate certificate,
                           const Variant& without) {
  Certified c{std::move(certificate), {}};
  const bool sampled = unwrap(p->prepared(), p->from())->sampled();
  if (const auto list = asked_.find(p); list != asked_.end())
    for (const Asked& a : list->second) {
      const Posterior::Odds before = unwrap(p->odds(a.event, a.condition, without), p->from()),
                            after = unwrap(p->odds(a.event, a.condition), p->from());
      c.certificate.queries.push_back({a.text, before.event.value, after.event.value, before.complement.value,
                                       after.complement.value, bound_of(before.event, before.complement, sampled),
                                       bound_of(after.event, after.complement, sampled)});
    }
  if (c.certificate.charged.value() > 0)
    if (auto change = unwrap(p->change(without), p->from())) {
      c.certificate.realised = change->realised;
      c.over = std::move(change->over);
    }
  unwrap(c.certificate.check(p->from()), p->from());
  return c;
}

/// Claims of total size B move the log-odds of e₁ : e₂ in the teacher and of f(e₁) : f(e₂) here by amounts that differ
/// by at most Σ ln(1 + δ_e (e^B − 1)), and of course by no more than 2B.
MapBound Session::map_bound(const Posterior& p, const std::string& map, evidence::Nats charged) {
  MapBound b;
  b.map = map;
  const auto found = environment_.maps.find(map);
  if (found == environment_.maps.end()) {
    b.unknown = "it is not declared any more";
    return b;
  }
  const ast::MapDecl& decl = *found->second;
  if (decl.rules.size() < 2) {
    b.unknown = "it maps a single event";
    return b;
  }
  const std::int64_t n = std::max<std::int64_t>(1, p.lowerer().evidence_horizon());
  auto known = fidelity_.find(map);
  if (known == fidelity_.end() || known->second.tokens < n) {
    try {
      const auto teacher = prior_of(decl.from.text, decl.from.span), student = prior_of(decl.to.text, decl.to.span);
      (void)shared_tokens(*teacher, *student, decl.name.span);
      const auto tokens = static_cast<double>(std::max(teacher->lowerer().stream.alphabet->labels.size(),
                                                       student->lowerer().stream.alphabet->labels.size()));
      if (std::pow(tokens, static_cast<double>(n)) > kMostStrings) {
        b.unknown =
            fmt::format("the claims are about {} tokens, and {}", n,
                        known == fidelity_.end() ? fmt::format("`check {} up to n tokens` has not been run", map)
                                                 : fmt::format("strings of {} were compared", known->second.tokens));
        return b;
      }
      MapFidelity f = fidelity(decl, n, decl.name.span);
      for (MapFidelity::Rule& r : f.rules) r.weak.clear(), r.strong.clear();
      known = fidelity_.insert_or_assign(map, std::move(f)).first;
    } catch (Failure& f) {
      b.unknown = f.diagnostic.message;
      return b;
    }
  }
  const MapFidelity& f = known->second;
  std::size_t first = 0, second = 1;
  if (f.rules[second].total_variation > f.rules[first].total_variation) std::swap(first, second);
  for (std::size_t r = 2; r < f.rules.size(); ++r) {
    if (f.rules[r].total_variation > f.rules[first].total_variation)
      second = std::exchange(first, r);
    else if (f.rules[r].total_variation > f.rules[second].total_variation)
      second = r;
  }
  b.deltas[0] = f.rules[first].total_variation;
  b.deltas[1] = f.rules[second].total_variation;
  b.bound = std::min(evidence::map_mismatch_bound(b.deltas, charged), charged * 2.0);
  b.first = ast::print(*decl.rules[first].from);
  b.second = ast::print(*decl.rules[second].from);
  b.tokens = f.tokens;
  return b;
}

}  // namespace hearsay
