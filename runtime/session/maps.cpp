// `check f up to n tokens`: is the map faithful (theory section 8)?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lang/evidence/realised.h"
#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

double total_variation(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::abs(p[i] - q[i]);
  return sum / 2;
}

/// Probabilities of all strings that are one token shorter.
std::vector<double> without_last_token(const std::vector<double>& p, std::size_t tokens) {
  std::vector<double> r(p.size() / tokens, 0.0);
  for (std::size_t i = 0; i < p.size(); ++i) r[i / tokens] += p[i];
  return r;
}

}  // namespace

/// The model given that an event of its own holds.
std::shared_ptr<const Posterior> Session::conditioned(const std::string& model, const ast::Expr& event_expr,
                                                      SourceSpan span) {
  auto lowerer = model_lowerer(model, {}, span, *top_);
  lowerer->lower_body();
  const Sym e = lowerer->boolean(lowerer->query(event_expr, top_.get()), event_expr.span);
  ir::Module& m = lowerer->module();
  ir::Term t;
  t.kind = ir::TermKind::evidence;
  t.site = m.add_site({event_expr.span, "given"});
  t.body = m.select(lowerer->expr(e), m.real(0), m.real(-std::numeric_limits<double>::infinity()));
  m.add_term(std::move(t));
  lowerer->finish();
  auto p = std::make_shared<Posterior>(lowerer, settings_, event_expr.span);
  if (auto r = p->settle(shared_ledger_, model, site_ids_); !r) throw Failure{std::move(r).error()};
  return p;
}

void Session::check_map(const ast::CheckStmt& s, SourceSpan span) {
  const auto found = environment_.maps.find(s.map.text);
  if (found == environment_.maps.end()) raise<K::unknown_name>(s.map.span, "map", s.map.text);
  const ast::MapDecl& map = *found->second;
  const std::int64_t n = top_->known_integer(top_->eval(*s.tokens), s.tokens->span, "a number of tokens");
  double within = std::numeric_limits<double>::infinity();
  if (s.within) within = top_->known_real(top_->eval(**s.within), s.within->get()->span, "a bound in nats");
  const auto teacher = prior_of(map.from.text, map.from.span), student = prior_of(map.to.text, map.to.span);
  const StreamInfo& from = teacher->lowerer().stream;
  const StreamInfo& to = student->lowerer().stream;
  if (!from.present || !to.present || from.alphabet->labels != to.alphabet->labels) raise<K::not_a_map_model>(span);

  std::string text =
      fmt::format("check {}: {} -> {}, strings of up to {} tokens", map.name.text, map.from.text, map.to.text, n);
  const std::size_t rules = map.rules.size();
  std::vector<std::vector<double>> weak(rules), strong(rules);
  std::vector<double> weak_mass(rules), strong_mass(rules);
  double worst_overall = 0;
  std::string worst_text;
  const ast::MapDecl::Rule* worst_rule = nullptr;
  for (std::size_t r = 0; r < rules; ++r) {
    const auto& rule = map.rules[r];
    const std::string name = ast::print(*rule.from);
    weak_mass[r] =
        unwrap(teacher->probability(event(*rule.from, *teacher, *top_), std::nullopt), rule.from->span).value;
    strong_mass[r] = unwrap(student->probability(event(*rule.to, *student, *top_), std::nullopt), rule.to->span).value;
    if (!(weak_mass[r] > 0)) raise<K::image_impossible>(rule.from->span, map.name.text);
    if (!(strong_mass[r] > 0)) raise<K::image_impossible>(rule.to->span, map.name.text);
    double error = 0;
    weak[r] = string_probabilities(*conditioned(map.from.text, *rule.from, span), 1, n, error);
    strong[r] = string_probabilities(*conditioned(map.to.text, *rule.to, span), 1, n, error);
    // Strings of every length up to n that the teacher can produce; what the student adds to them shows in the total
    // variation.
    double worst = 0, beyond = 0;
    std::vector<std::string> tokens;
    std::vector<double> a = weak[r], b = strong[r];
    for (std::int64_t length = n; length >= 1; --length) {
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(a[i] > 0)) {
          if (length == n) beyond += b[i];
          continue;
        }
        const double ratio = b[i] > 0 ? std::abs(std::log(a[i] / b[i])) : std::numeric_limits<double>::infinity();
        if (ratio <= worst) continue;
        worst = ratio;
        tokens.clear();
        std::size_t rest = i;
        for (std::int64_t t = 0; t < length; ++t) {
          tokens.insert(tokens.begin(), from.alphabet->labels[rest % from.alphabet->labels.size()]);
          rest /= from.alphabet->labels.size();
        }
      }
      a = without_last_token(a, from.alphabet->labels.size());
      b = without_last_token(b, from.alphabet->labels.size());
    }
    const double tv = total_variation(weak[r], strong[r]);
    text += fmt::format("\n  {}: total variation {:.6g}, largest |log ratio| {:.6g} nats{}", name, tv, worst,
                        tokens.empty() ? "" : fmt::format(" at {}", fmt::join(tokens, " ")));
    if (beyond > 0)
      text +=
          fmt::format("\n    strings that the teacher never produces have probability {:.6g} under the image", beyond);
    if (worst > worst_overall) {
      worst_overall = worst;
      worst_text = fmt::format("at {} the log ratio is {:.6g} nats under `{}`", fmt::join(tokens, " "), worst, name);
      worst_rule = &rule;
    }
  }

  // Homomorphism: disjoint events to disjoint events, a cover to a cover, unions to unions.
  std::vector<ExprId> from_events, to_events;
  for (const auto& rule : map.rules) {
    from_events.push_back(event(*rule.from, *teacher, *top_));
    to_events.push_back(event(*rule.to, *student, *top_));
  }
  const auto both = [&](const Posterior& p, ExprId a, ExprId b) {
    return unwrap(p.probability(p.lowerer().module().prim(Op::logical_and, {a, b}), std::nullopt), span).value;
  };
  const auto any = [&](const Posterior& p, const std::vector<ExprId>& events, std::uint64_t subset) {
    ir::Module& m = p.lowerer().module();
    ExprId e = m.boolean(false);
    for (std::size_t r = 0; r < events.size(); ++r)
      if ((subset >> r) & 1U) e = m.prim(Op::logical_or, {e, events[r]});
    return e;
  };
  bool disjoint = true;
  for (std::size_t a = 0; a < rules; ++a)
    for (std::size_t b = a + 1; b < rules; ++b) {
      if (both(*teacher, from_events[a], from_events[b]) > 0) continue;
      const double overlap = both(*student, to_events[a], to_events[b]);
      if (overlap > 1e-12) {
        disjoint = false;
        text += fmt::format("\n  `{}` and `{}` exclude each other, their images overlap with probability {:.6g}",
                            ast::print(*map.rules[a].from), ast::print(*map.rules[b].from), overlap);
      } else if (overlap >= 0) {
        const double wa = weak_mass[a] / (weak_mass[a] + weak_mass[b]),
                     sa = strong_mass[a] / (strong_mass[a] + strong_mass[b]);
        if (std::abs(wa - sa) > 1e-9)
          text += fmt::format(
              "\n  their union is not mapped faithfully: `{}` has {:.6g} of `{} || {}`, its image {:.6g}",
              ast::print(*map.rules[a].from), wa, ast::print(*map.rules[a].from), ast::print(*map.rules[b].from), sa);
      }
    }
  if (rules < 63) {
    const std::uint64_t all = (std::uint64_t{1} << rules) - 1;
    const double covered = unwrap(teacher->probability(any(*teacher, from_events, all), std::nullopt), span).value;
    const double image = unwrap(student->probability(any(*student, to_events, all), std::nullopt), span).value;
    if (covered > 1 - 1e-12 && image < 1 - 1e-12)
      text += fmt::format("\n  the mapped events cover {}, their images only {:.6g} of {}", map.from.text, image,
                          map.to.text);
  }
  if (disjoint) text += "\n  images of disjoint events are disjoint";

  // Tokens that are drawn one at a time come from the teacher's mixture: does any union of images give them these
  // probabilities?
  if (rules <= 12) {
    double error = 0;
    const auto single = string_probabilities(*teacher, 1, 1, error);
    std::vector<double> mixture(weak[0].size(), 1.0);
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      std::size_t rest = i;
      for (std::int64_t t = 0; t < n; ++t) {
        mixture[i] *= single[rest % single.size()];
        rest /= single.size();
      }
    }
    // What the images leave of the student is one more event; a fair coin may be hidden there.
    std::vector<std::vector<double>> parts;
    std::vector<double> rest_of_student = string_probabilities(*student, 1, n, error);
    double rest_mass = 1;
    for (std::size_t r = 0; r < rules; ++r) {
      rest_mass -= strong_mass[r];
      parts.push_back(strong[r]);
      for (std::size_t i = 0; i < mixture.size(); ++i) {
        parts[r][i] *= strong_mass[r];
        rest_of_student[i] = std::max(0.0, rest_of_student[i] - parts[r][i]);
      }
    }
    if (disjoint && rest_mass > 1e-9) parts.push_back(std::move(rest_of_student));
    double best = 2;
    std::uint64_t best_subset = 0;
    for (std::uint64_t subset = 1; subset < (std::uint64_t{1} << parts.size()) && disjoint; ++subset) {
      std::vector<double> q(mixture.size(), 0.0);
      double mass = 0;
      for (std::size_t r = 0; r < parts.size(); ++r)
        if ((subset >> r) & 1U) {
          mass += r < rules ? strong_mass[r] : rest_mass;
          for (std::size_t i = 0; i < q.size(); ++i) q[i] += parts[r][i];
        }
      for (double& v : q) v /= mass;
      const double tv = total_variation(mixture, q);
      if (tv < best) {
        best = tv;
        best_subset = subset;
      }
    }
    if (best < 2) {
      std::vector<std::string> names;
      for (std::size_t r = 0; r < rules; ++r)
        if ((best_subset >> r) & 1U) names.push_back("`" + ast::print(*map.rules[r].to) + "`");
      if ((best_subset >> rules) & 1U) names.push_back(fmt::format("what the images leave of {}", map.to.text));
      if (best < 1e-9)
        text += fmt::format("\n  tokens drawn one at a time are matched by {}", fmt::join(names, " with "));
      else
        text += fmt::format(
            "\n  no union of the images matches tokens drawn one at a time; the nearest, {}, is {:.6g} away (total "
            "variation)",
            fmt::join(names, " with "), best);
    }
  }
  if (output_.note && errors_ == 0) output_.note(text);
  if (worst_overall > within)
    throw Failure{diagnose<K::unfaithful_map>(span, map.name.text, within, worst_text)
                      .label(worst_rule->to->span, "this image")
                      .with_help("an approximate map misdirects claims by at most what its certificate states; choose "
                                 "nearer images, or a wider bound")};
}

}  // namespace hearsay
