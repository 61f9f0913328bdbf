// `ledger(post)`: what was charged, what is left, and the certificates (theory section 5).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using Json = nlohmann::ordered_json;

namespace {

/// JSON has no infinity.
Json number(double v) {
  if (std::isinf(v)) return v > 0 ? "Inf" : "-Inf";
  return v;
}

std::string shortened(const std::string& statement) {
  return statement.size() > 60 ? statement.substr(0, 57) + "..." : statement;
}

std::string realised_text(const Certified& c) {
  const evidence::RealisedChange& r = *c.certificate.realised;
  // Probabilities that vanished to underflow hide how far exactly the odds went.
  const bool hidden = r.vanished && r.size.value() > c.certificate.charged.value();
  std::string text =
      fmt::format("\n  realised over {}: total variation {:.6g}, KL {:.6g}, largest shift of a log-odds {}{:.6g}",
                  fmt::join(c.over, ", "), r.total_variation, r.divergence.value(), hidden ? "more than " : "",
                  hidden ? r.least_size.value() : r.size.value());
  if (r.error > 0) text += fmt::format(" (each ± {:.1e})", r.error);
  return text;
}

/// How far a shift may be off that was estimated from draws (nats); the errors of the query are six standard errors.
double shift_error(const evidence::CertifiedQuery& q) {
  const auto part = [](double p, std::optional<double> complement, double error) {
    return error / (p * complement.value_or(1 - p));
  };
  return part(q.before, q.not_before, q.before_error) + part(q.after, q.not_after, q.after_error);
}

std::string certificate_text(const Certified& c, const std::string& of, bool sampled) {
  const evidence::Certificate& k = c.certificate;
  std::string text = fmt::format(
      "\ncertificate{}: charged {:.6g}; no log-odds has moved by more, given any other evidence"
      "\n  total variation at most {:.6g}, KL at most {:.6g}",
      of, k.charged.value(), k.total_variation_limit(), k.divergence_limit().value());
  if (k.realised) text += realised_text(c);
  for (const evidence::CertifiedQuery& q : k.queries) {
    const auto range = k.range(q);
    const double error = sampled ? shift_error(q) : 0;
    text +=
        fmt::format("\n  P({}): {:.6g} without, {:.6g} with (shift {:+.6g}{}); must lie in [{:.6g}, {:.6g}]", q.text,
                    q.before, q.after, k.shift(q).value(),
                    error > 0 && std::isfinite(error) ? fmt::format(" ± {:.1g}", error) : "", range.low, range.high);
  }
  if (sampled && !k.queries.empty())
    text += "\n  these probabilities and intervals are estimates from draws; ± is six standard errors";
  return text;
}

Json certificate_json(const Certified& c, bool sampled) {
  const evidence::Certificate& k = c.certificate;
  Json j{{"source", k.source}, {"charged", k.charged.value()}};
  if (k.budget) j["budget"] = k.budget->value();
  j["total_variation_bound"] = k.total_variation_limit();
  j["kl_bound"] = k.divergence_limit().value();
  if (k.realised)
    j["realised"] = {{"over", c.over},
                     {"total_variation", k.realised->total_variation},
                     {"kl", number(k.realised->divergence.value())},
                     {"reverse_kl", number(k.realised->reverse_divergence.value())},
                     {"largest_shift", number(k.realised->size.value())},
                     {"error_bound", k.realised->error}};
  for (const evidence::CertifiedQuery& q : k.queries) {
    const auto range = k.range(q);
    j["queries"].push_back({{"event", q.text},
                            {"without", q.before},
                            {"with", q.after},
                            {"shift", number(k.shift(q).value())},
                            {"low", range.low},
                            {"high", range.high}});
    if (sampled) j["queries"].back()["shift_error"] = number(shift_error(q));
  }
  return j;
}

void add_map(const MapBound& b, std::string& text, Json& json) {
  text += fmt::format("\n  through the map {}: ", b.map);
  Json j{{"map", b.map}};
  if (b.bound) {
    text += fmt::format(
        "the log-odds of `{}` against `{}` moved by within {:.6g} of what the same claims do to them in the teacher "
        "(total variations {:.6g} and {:.6g} over strings of {})",
        b.first, b.second, b.bound->value(), b.deltas[0], b.deltas[1], b.tokens);
    j.update({{"difference_bound", b.bound->value()},
              {"events", {b.first, b.second}},
              {"total_variations", {b.deltas[0], b.deltas[1]}},
              {"tokens", b.tokens}});
  } else {
    text += "how far it misdirects claims is not known: " + b.unknown;
    j["unknown"] = b.unknown;
  }
  json["maps"].push_back(std::move(j));
}

}  // namespace

Sym Session::text_object(std::string what, std::string text, std::string json, std::vector<data::Column> columns) {
  auto t = std::make_shared<TextObject>();
  t->what = std::move(what);
  t->text = std::move(text);
  t->json = std::move(json);
  t->columns = std::move(columns);
  Value v;
  v.data = std::shared_ptr<const Object>(t);
  return Lowerer::from_value(v);
}

/// Targets of Jeffrey's rule that later statements have disturbed (theory section 3).
std::string Session::disturbed(const Posterior& p, nlohmann::ordered_json& json) {
  std::string text;
  ir::Module& m = p.lowerer().module();
  for (const JeffreyTask& task : p.lowerer().jeffrey)
    for (const JeffreyTask::Target& t : task.targets) {
      std::vector<ir::ExprId> cells;
      if (m.type(t.cells[0]) == ScalarType::boolean) {
        for (const ir::ExprId c : t.cells) cells.push_back(m.select(c, m.real(1), m.real(0)));
      } else {
        // An outcome that was not drawn: its probability given the latents and what was said of it.
        const ir::ExprId one = m.integer(1), two = m.integer(2);
        const ir::ExprId gain =
            m.prim(Op::sub, {m.load_data(t.weights, std::span(&one, 1)), m.load_data(t.weights, std::span(&two, 1))});
        cells.push_back(m.prim(Op::inv_logit, {m.prim(Op::add, {gain, m.prim(Op::logit, {t.cells[0]})})}));
        cells.push_back(m.prim(Op::sub, {m.real(1), cells[0]}));
      }
      // What is asked for under an `if` is the probability given that it holds.
      std::optional<ir::ExprId> given;
      for (const ir::ExprId c : task.conditions) given = given ? m.prim(Op::logical_and, {*given, c}) : c;
      std::vector<Estimate> now;
      if (given)
        for (const ir::ExprId c : cells) now.push_back(unwrap(p.conditional_mean(c, *given), p.from()));
      else
        now = unwrap(p.expect(cells), p.from());
      std::vector<double> values;
      bool moved = false;
      for (std::size_t k = 0; k < now.size(); ++k) {
        values.push_back(now[k].value);
        // Four standard errors, where the answer is drawn.
        moved = moved || std::abs(now[k].value - t.probabilities[k]) > 1e-9 + 4 * now[k].error;
      }
      const std::uint32_t line = line_of(t.span);
      json["targets"].push_back({{"line", line}, {"target", t.probabilities}, {"now", values}});
      if (moved)
        text += fmt::format("\n    line {}: asked for {:.6g}, disturbed by what was stated afterwards: now {:.6g}",
                            line, fmt::join(t.probabilities, ", "), fmt::join(values, ", "));
    }
  return text;
}

Sym Session::ledger(const std::shared_ptr<const Posterior>& p) {
  Json json;
  std::string text = "ledger (nats)";
  for (const evidence::SourceRow& row : p->ledger().sources()) {
    text += fmt::format("\n  source {}: {} claim{}, charged {:.6g}", row.name, row.claims, row.claims == 1 ? "" : "s",
                        row.spent.value());
    Json s{{"source", row.name}, {"claims", row.claims}, {"charged", row.spent.value()}};
    // A source that several posteriors charge has one budget for all of them.
    const auto shared =
        p->lowerer().local_sources.contains(row.name) ? std::nullopt : shared_ledger_.find_source(row.name);
    std::optional<evidence::Nats> budget = row.budget, left = row.left;
    if (shared) {
      const evidence::Nats all = shared_ledger_.spent(*shared);
      budget = shared_ledger_.terms(*shared).budget;
      left = shared_ledger_.left(*shared);
      text += fmt::format(" here, {:.6g} in all", all.value());
      s["charged_in_all"] = all.value();
    }
    if (budget) {
      text += fmt::format(" of a budget of {:.6g}, left {:.6g}", budget->value(), left->value());
      s["budget"] = budget->value();
      s["left"] = left->value();
    }
    if (const auto net = p->net_price(row.name == kNoSource ? "" : row.name); net && row.claims > 0) {
      // The gross charge was added up in another order.
      if (net->value() < row.spent.value() * (1 - 1e-9)) text += fmt::format(", net {:.6g}", net->value());
      s["net"] = net->value();
    }
    s["shared"] = shared.has_value();
    json["sources"].push_back(s);
  }
  for (const ClaimRow& row : p->rows()) {
    const std::uint32_t line = line_of(row.span);
    const std::string statement = slice(row.span);
    text += fmt::format("\n    line {}: {} x {}, {:.6g}{}", line, row.claims, shortened(statement), row.charged,
                        row.source.empty() ? ", no source" : " from " + row.source);
    json["claims"].push_back({{"line", line},
                              {"count", row.claims},
                              {"statement", statement},
                              {"charged", row.charged},
                              {"source", row.source}});
  }
  text += disturbed(*p, json);
  for (const Unaccounted& u : p->lowerer().unaccounted) {
    const std::uint32_t line = line_of(u.span);
    text += fmt::format("\n  unaccounted: {} at line {}", u.what, line);
    json["unaccounted"].push_back({{"what", u.what}, {"line", line}});
  }
  if (!p->lowerer().unaccounted.empty())
    text += "\n  what is unaccounted has no bound; the certificates compare posteriors that both have it";

  Variant all;
  all.without_charged = true;
  const Certified total = certify(p, p->ledger().certificate(), all);
  const auto with = unwrap(p->prepared(), p->from()), bare = unwrap(p->prepared(all), p->from());
  json.update(certificate_json(total, with->sampled()));
  json.erase("source");
  if (!with->sampled() && !bare->sampled())
    json["log_evidence_shift"] =
        unwrap(with->log_evidence(), p->from()).value - unwrap(bare->log_evidence(), p->from()).value;
  std::size_t sources = 0;
  for (const evidence::SourceRow& row : p->ledger().sources()) {
    if (row.claims == 0) continue;
    ++sources;
    Variant without;
    without.without_source = row.name == kNoSource ? "" : row.name;
    const Certified c = certify(p, p->ledger().certificate(row.source), without);
    text += certificate_text(c, row.name == kNoSource ? " without a source" : " of " + row.name, with->sampled());
    Json j = certificate_json(c, with->sampled());
    const auto maps = p->lowerer().maps_used.find(*without.without_source);
    if (maps != p->lowerer().maps_used.end())
      for (const std::string& map : maps->second) add_map(map_bound(*p, map, row.spent), text, j);
    json["certificates"].push_back(std::move(j));
  }
  if (sources == 0) text += "\ncertificate: nothing was charged";
  if (sources > 1) text += certificate_text(total, " of all sources together", with->sampled());
  return text_object("ledger", std::move(text), json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace hearsay
