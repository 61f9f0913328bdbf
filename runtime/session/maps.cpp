// `check f up to n tokens`: is the map faithful, and does it keep the structure of the events (theory section 8)?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Overlaps and differences below this are rounding.
constexpr double kNothing = 1e-12;
/// Unions of events are tried for up to this many events.
constexpr std::size_t kMostRules = 12;

std::string quoted(const ast::Expr& e) { return "`" + ast::print(e) + "`"; }

/// The events of a subset of rules, joined by `||`.
std::string union_text(const ast::MapDecl& map, std::uint64_t subset) {
  std::vector<std::string> parts;
  for (std::size_t r = 0; r < map.rules.size(); ++r)
    if ((subset >> r) & 1U) parts.push_back(ast::print(*map.rules[r].from));
  return fmt::format("`{}`", fmt::join(parts, " || "));
}

std::string strings_text(const ast::MapDecl& map, const MapFidelity& f) {
  std::string text;
  for (std::size_t r = 0; r < map.rules.size(); ++r) {
    const MapFidelity::Rule& rule = f.rules[r];
    text +=
        fmt::format("\n  {}: total variation {:.6g}, largest |log ratio| {:.6g} nats{}", ast::print(*map.rules[r].from),
                    rule.total_variation, rule.worst, rule.worst_string.empty() ? "" : " at " + rule.worst_string);
    if (rule.differs_from > 0)
      text += fmt::format("\n    the two sides differ already on strings of {} token{}", rule.differs_from,
                          rule.differs_from == 1 ? "" : "s");
    if (rule.beyond > 0)
      text += fmt::format("\n    strings that the teacher never produces have probability {:.6g} under the image",
                          rule.beyond);
  }
  return text;
}

/// With disjoint events on both sides: the largest union whose conditional strings differ, and by how much.
std::string coarsest_text(const ast::MapDecl& map, const MapFidelity& f) {
  if (f.rules.empty() || f.rules.size() > kMostRules) return "";
  std::uint64_t coarsest = 0;
  double apart = 0;
  for (std::uint64_t subset = 1; subset < (std::uint64_t{1} << f.rules.size()); ++subset) {
    if (std::popcount(subset) < 2 || std::popcount(subset) < std::popcount(coarsest)) continue;
    std::vector<double> a(f.rules[0].weak.size(), 0.0), b = a;
    double weak = 0, strong = 0;
    for (std::size_t r = 0; r < f.rules.size(); ++r) {
      if (!((subset >> r) & 1U)) continue;
      weak += f.rules[r].weak_mass;
      strong += f.rules[r].strong_mass;
      for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] += f.rules[r].weak_mass * f.rules[r].weak[i];
        b[i] += f.rules[r].strong_mass * f.rules[r].strong[i];
      }
    }
    for (double& x : a) x /= weak;
    for (double& x : b) x /= strong;
    const double tv = total_variation(a, b);
    if (tv <= kAlike || (std::popcount(subset) == std::popcount(coarsest) && tv <= apart)) continue;
    coarsest = subset;
    apart = tv;
  }
  if (coarsest == 0) return "";
  return fmt::format("\n  the coarsest event that is not mapped faithfully is {}: total variation {:.6g}",
                     union_text(map, coarsest), apart);
}

/// Tokens that are drawn one at a time come from the teacher's mixture: does any union of images (or what they leave of
/// the student) give them these probabilities?
std::string mixture_text(const ast::MapDecl& map, const MapFidelity& f, const std::vector<double>& single,
                         std::vector<double> rest_of_student) {
  std::vector<double> mixture(rest_of_student.size(), 1.0);
  for (std::size_t i = 0; i < mixture.size(); ++i) {
    std::size_t rest = i;
    for (std::int64_t t = 0; t < f.tokens; ++t) {
      mixture[i] *= single[rest % single.size()];
      rest /= single.size();
    }
  }
  const std::size_t rules = f.rules.size();
  std::vector<std::vector<double>> parts;
  double rest_mass = 1;
  for (const MapFidelity::Rule& r : f.rules) {
    rest_mass -= r.strong_mass;
    parts.push_back(r.strong);
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      parts.back()[i] *= r.strong_mass;
      rest_of_student[i] = std::max(0.0, rest_of_student[i] - parts.back()[i]);
    }
  }
  if (rest_mass > kAlike) parts.push_back(std::move(rest_of_student));
  double best = 2;
  std::uint64_t best_subset = 0;
  for (std::uint64_t subset = 1; subset < (std::uint64_t{1} << parts.size()); ++subset) {
    std::vector<double> q(mixture.size(), 0.0);
    double mass = 0;
    for (std::size_t r = 0; r < parts.size(); ++r)
      if ((subset >> r) & 1U) {
        mass += r < rules ? f.rules[r].strong_mass : rest_mass;
        for (std::size_t i = 0; i < q.size(); ++i) q[i] += parts[r][i];
      }
    for (double& v : q) v /= mass;
    const double tv = total_variation(mixture, q);
    if (tv < best) {
      best = tv;
      best_subset = subset;
    }
  }
  std::vector<std::string> names;
  for (std::size_t r = 0; r < rules; ++r)
    if ((best_subset >> r) & 1U) names.push_back(quoted(*map.rules[r].to));
  if ((best_subset >> rules) & 1U) names.push_back(fmt::format("what the images leave of {}", map.to.text));
  if (best < kAlike) return fmt::format("\n  tokens drawn one at a time are matched by {}", fmt::join(names, " with "));
  return fmt::format(
      "\n  no union of the images matches tokens drawn one at a time; the nearest, {}, is {:.6g} away (total "
      "variation)",
      fmt::join(names, " with "), best);
}

}  // namespace

/// Disjoint events to disjoint events, a cover to a cover, unions to unions. Sets `disjoint`.
std::string Session::homomorphism(const ast::MapDecl& map, const MapFidelity& f, bool& disjoint, SourceSpan span) {
  const auto teacher = prior_of(map.from.text, map.from.span), student = prior_of(map.to.text, map.to.span);
  std::vector<ExprId> from_events, to_events;
  for (const auto& rule : map.rules) {
    from_events.push_back(event(*rule.from, *teacher, *top_));
    to_events.push_back(event(*rule.to, *student, *top_));
  }
  const auto both = [&](const Posterior& p, ExprId a, ExprId b) {
    return unwrap(p.probability(p.lowerer().module().prim(Op::logical_and, {a, b}), std::nullopt), span).value;
  };
  const auto any = [&](const Posterior& p, const std::vector<ExprId>& events) {
    ir::Module& m = p.lowerer().module();
    ExprId e = m.boolean(false);
    for (const ExprId one : events) e = m.prim(Op::logical_or, {e, one});
    return unwrap(p.probability(e, std::nullopt), span).value;
  };
  std::string text;
  disjoint = true;
  bool separate = true;
  for (std::size_t a = 0; a < map.rules.size(); ++a)
    for (std::size_t b = a + 1; b < map.rules.size(); ++b) {
      if (both(*teacher, from_events[a], from_events[b]) > 0) {
        separate = false;
        continue;
      }
      const double overlap = both(*student, to_events[a], to_events[b]);
      const MapFidelity::Rule &ra = f.rules[a], &rb = f.rules[b];
      if (overlap > kNothing) {
        disjoint = false;
        text += fmt::format("\n  {} and {} exclude each other, their images overlap with probability {:.6g}",
                            quoted(*map.rules[a].from), quoted(*map.rules[b].from), overlap);
        continue;
      }
      const double wa = ra.weak_mass / (ra.weak_mass + rb.weak_mass),
                   sa = ra.strong_mass / (ra.strong_mass + rb.strong_mass);
      if (std::abs(wa - sa) > kAlike)
        text += fmt::format("\n  their union is not mapped faithfully: {} has {:.6g} of `{} || {}`, its image {:.6g}",
                            quoted(*map.rules[a].from), wa, ast::print(*map.rules[a].from),
                            ast::print(*map.rules[b].from), sa);
    }
  if (disjoint && separate) text += coarsest_text(map, f);
  const double covered = any(*teacher, from_events), image = any(*student, to_events);
  if (covered > 1 - kNothing && image < 1 - kNothing)
    text += fmt::format("\n  the mapped events cover {}, their images only {:.6g} of {}", map.from.text, image,
                        map.to.text);
  if (disjoint) text += "\n  images of disjoint events are disjoint";
  return text;
}

void Session::check_map(const ast::CheckStmt& s, SourceSpan span) {
  const auto found = environment_.maps.find(s.map.text);
  if (found == environment_.maps.end()) raise<K::unknown_name>(s.map.span, "map", s.map.text);
  const ast::MapDecl& map = *found->second;
  const std::int64_t n = top_->known_integer(top_->eval(*s.tokens), s.tokens->span, "a number of tokens");
  double within = std::numeric_limits<double>::infinity();
  if (s.within) within = top_->known_real(top_->eval(**s.within), s.within->get()->span, "a bound in nats");
  MapFidelity f = fidelity(map, n, span);
  std::string text = fmt::format("check {}: {} -> {}, strings of up to {} {}", map.name.text, map.from.text,
                                 map.to.text, n, f.algebra.empty() ? "tokens" : "blocks of " + f.algebra);
  text += strings_text(map, f);
  bool disjoint = true;
  text += homomorphism(map, f, disjoint, span);
  if (disjoint && map.rules.size() <= kMostRules) {
    const auto teacher = prior_of(map.from.text, map.from.span), student = prior_of(map.to.text, map.to.span);
    const SharedTokens shared = shared_tokens(*teacher, *student, span);
    double error = 0;
    text += mixture_text(map, f, shared_strings(*teacher, shared, shared.left, 1, 1, error),
                         shared_strings(*student, shared, shared.right, 1, n, error));
  }
  if (output_.note && errors_ == errors_before_) output_.note(text);
  if (f.rules.empty()) return;
  const auto worst =
      std::max_element(f.rules.begin(), f.rules.end(), [](const auto& a, const auto& b) { return a.worst < b.worst; });
  const auto& rule = map.rules[static_cast<std::size_t>(worst - f.rules.begin())];
  const std::string where = worst->worst_string;
  const double ratio = worst->worst;
  // What certificates need of it; the strings themselves may be many.
  for (MapFidelity::Rule& r : f.rules) r.weak.clear(), r.strong.clear();
  fidelity_[map.name.text] = std::move(f);
  if (ratio > std::max(within, kAlike))
    throw Failure{diagnose<K::unfaithful_map>(
                      span, map.name.text, within,
                      fmt::format("at {} the log ratio is {:.6g} nats under {}", where, ratio, quoted(*rule.from)))
                      .label(rule.to->span, "this image")
                      .with_help("an approximate map misdirects claims by at most what its certificate states; choose "
                                 "nearer images, or a wider bound")};
}

}  // namespace hearsay
