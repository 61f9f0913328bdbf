// Ledger with certificate, and summary.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

Sym text_value(std::string what, std::string text, const nlohmann::ordered_json& json) {
  auto t = std::make_shared<TextObject>();
  t->what = std::move(what);
  t->text = std::move(text);
  t->json = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  Value v;
  v.data = std::shared_ptr<const Object>(t);
  return Lowerer::from_value(v);
}

}  // namespace

/// What was charged, and the certificate: what that bounds, and what really happened (theory section 5).
Sym Session::ledger(const std::shared_ptr<const Posterior>& p) {
  nlohmann::ordered_json json;
  std::string text = "ledger (nats)";
  for (const evidence::SourceRow& row : p->ledger().sources()) {
    text += fmt::format("\n  source {}: {} claim{}, charged {:.6g}", row.name, row.claims, row.claims == 1 ? "" : "s",
                        row.spent.value());
    if (row.budget) text += fmt::format(" of a budget of {:.6g}, left {:.6g}", row.budget->value(), row.left->value());
    nlohmann::ordered_json s{{"source", row.name}, {"claims", row.claims}, {"charged", row.spent.value()}};
    if (row.budget) {
      s["budget"] = row.budget->value();
      s["left"] = row.left->value();
    }
    json["sources"].push_back(s);
  }
  for (const ClaimRow& row : p->rows()) {
    const LineColumn at = sources_.locate(row.span.file, row.span.begin);
    const std::string statement = slice(row.span);
    text += fmt::format("\n    line {}: {} x {}, {:.6g}{}", at.line, row.claims,
                        statement.size() > 60 ? statement.substr(0, 57) + "..." : statement, row.charged,
                        row.source.empty() ? ", no source" : " from " + row.source);
    json["claims"].push_back({{"line", at.line},
                              {"count", row.claims},
                              {"statement", statement},
                              {"charged", row.charged},
                              {"source", row.source}});
  }
  for (const Unaccounted& u : p->lowerer().unaccounted) {
    const LineColumn at = sources_.locate(u.span.file, u.span.begin);
    text += fmt::format("\n  unaccounted: {} at line {}", u.what, at.line);
    json["unaccounted"].push_back({{"what", u.what}, {"line", at.line}});
  }

  evidence::Certificate c = p->ledger().certificate();
  const bool accounted = p->lowerer().unaccounted.empty();
  Variant without;
  without.without_soft = true;
  const auto list = asked_.find(p);
  if (list != asked_.end())
    for (const Asked& a : list->second)
      c.queries.push_back({a.text, unwrap(p->probability(a.event, a.condition, without), p->from()).value, a.after});
  // The realised change of the distribution over everything, where it is finite and small.
  const auto with = unwrap(p->prepared(), p->from()), bare = unwrap(p->prepared(without), p->from());
  const double evidence_shift =
      unwrap(with->log_evidence(), p->from()).value - unwrap(bare->log_evidence(), p->from()).value;
  text += fmt::format("\ncertificate: charged {:.6g}; no log-odds has moved by more, given any hard evidence",
                      c.charged.value());
  text += fmt::format("\n  total variation at most {:.6g}, KL at most {:.6g}", c.total_variation_limit(),
                      c.divergence_limit().value());
  json["charged"] = c.charged.value();
  json["total_variation_bound"] = c.total_variation_limit();
  json["kl_bound"] = c.divergence_limit().value();
  json["log_evidence_shift"] = evidence_shift;
  if (!accounted) text += "\n  not counting what is unaccounted above, which has no bound";
  for (const evidence::CertifiedQuery& q : c.queries) {
    const auto range = c.range(q);
    text += fmt::format("\n  P({}): {:.6g} without, {:.6g} with (shift {:.6g}); must lie in [{:.6g}, {:.6g}]", q.text,
                        q.before, q.after, c.shift(q).value(), range.low, range.high);
    json["queries"].push_back({{"event", q.text},
                               {"without", q.before},
                               {"with", q.after},
                               {"shift", c.shift(q).value()},
                               {"low", range.low},
                               {"high", range.high}});
  }
  if (accounted)
    if (auto ok = c.check(p->from()); !ok) throw Failure{std::move(ok).error()};
  return text_value("ledger", text, json);
}

/// One row per scalar latent, and per element of small plates.
Sym Session::summary(const Posterior& p) {
  ModelLowerer& model = p.lowerer();
  ir::Module& m = model.module();
  nlohmann::ordered_json json;
  const auto prepared = unwrap(p.prepared(), p.from());
  engine_ = prepared->engine();
  std::string text = fmt::format("summary ({})", prepared->engine());
  std::vector<std::string> names;
  std::vector<double> means, sds;
  for (const std::string& name : model.latent_names) {
    const Sym* s = model.find_local(name);
    if (s == nullptr || !s->shape.empty()) continue;
    const ir::ExprId e = model.expr(*s);
    const ir::Inst in = m.inst(e);
    text += "\n  " + name + ":";
    if (s->labels && in.code == ir::Opcode::latent) {
      const auto marginal = unwrap(prepared->marginal({static_cast<ir::LatentId>(in.payload), 0}), p.from());
      nlohmann::ordered_json row;
      for (std::size_t k = 0; k < marginal.size(); ++k) {
        text += fmt::format(" {} {:.6g}", s->labels->labels[k], marginal[k].value);
        row[s->labels->labels[k]] = marginal[k].value;
      }
      json[name] = row;
      continue;
    }
    const ir::ExprId x = m.to_real(e);
    const auto mean = unwrap(p.expect(std::span(&x, 1)), p.from())[0];
    const ir::ExprId d = m.prim(Op::sub, {x, m.real(mean.value)});
    const ir::ExprId square = m.prim(Op::mul, {d, d});
    const double sd = std::sqrt(std::max(0.0, unwrap(p.expect(std::span(&square, 1)), p.from())[0].value));
    text += fmt::format(" mean {:.6g}, sd {:.6g}", mean.value, sd);
    nlohmann::ordered_json row{{"mean", mean.value}, {"sd", sd}};
    if (s->type != ScalarType::boolean) {
      for (const double level : {0.05, 0.5, 0.95}) {
        const auto q = unwrap(p.quantile(x, level, std::nullopt), p.from());
        text += fmt::format(", {}% {:.6g}", std::lround(level * 100), q.value);
        row[fmt::format("q{}", std::lround(level * 100))] = q.value;
      }
    }
    json[name] = row;
  }
  return text_value("summary", text, json);
}

}  // namespace hearsay
