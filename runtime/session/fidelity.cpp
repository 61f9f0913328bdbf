// How alike the two sides of an event map predict, as numbers (theory section 8); and what two models can both say.
#include "runtime/session/fidelity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/session/session.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Probabilities of all strings that are one token shorter.
std::vector<double> without_last_token(const std::vector<double>& p, std::size_t tokens) {
  std::vector<double> r(p.size() / tokens, 0.0);
  for (std::size_t i = 0; i < p.size(); ++i) r[i / tokens] += p[i];
  return r;
}

/// Probabilities of strings of blocks from those of strings of tokens.
std::vector<double> coarsened(const std::vector<double>& p, std::int64_t length, const Algebra::Over& over,
                              std::size_t blocks) {
  const std::size_t tokens = over.block_of.size();
  std::vector<double> r(static_cast<std::size_t>(std::pow(static_cast<double>(blocks), static_cast<double>(length))),
                        0.0);
  for (std::size_t i = 0; i < p.size(); ++i) {
    std::size_t rest = i, at = 0, unit = 1;
    for (std::int64_t t = 0; t < length; ++t) {
      at += unit * static_cast<std::size_t>(over.block_of[rest % tokens] - 1);
      unit *= blocks;
      rest /= tokens;
    }
    r[at] += p[i];
  }
  return r;
}

std::string spelled(std::size_t string, std::int64_t length, const Alphabet& alphabet) {
  std::vector<std::string> tokens;
  for (std::int64_t t = 0; t < length; ++t) {
    tokens.insert(tokens.begin(), alphabet.labels[string % alphabet.labels.size()]);
    string /= alphabet.labels.size();
  }
  return fmt::format("{}", fmt::join(tokens, " "));
}

/// Strings of every length that the teacher can produce; what the student adds to them shows in the total variation.
void compare(MapFidelity::Rule& r, std::int64_t longest, const Alphabet& alphabet) {
  std::vector<double> a = r.weak, b = r.strong;
  for (std::int64_t length = longest; length >= 1; --length) {
    double apart = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(a[i] > 0)) {
        if (length == longest) r.beyond += b[i];
        continue;
      }
      const double ratio = b[i] > 0 ? std::abs(std::log(a[i] / b[i])) : infinity;
      apart = std::max(apart, ratio);
      if (ratio <= r.worst) continue;
      r.worst = ratio;
      r.worst_string = spelled(i, length, alphabet);
    }
    if (apart > kAlike || total_variation(a, b) > kAlike) r.differs_from = length;
    a = without_last_token(a, alphabet.labels.size());
    b = without_last_token(b, alphabet.labels.size());
  }
  r.total_variation = total_variation(r.weak, r.strong);
}

}  // namespace

double total_variation(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::abs(p[i] - q[i]);
  return sum / 2;
}

SharedTokens Session::shared_tokens(const Posterior& a, const Posterior& b, SourceSpan span) const {
  const StreamInfo &from = a.lowerer().stream, &to = b.lowerer().stream;
  if (!from.present || !to.present) raise<K::not_a_map_model>(span);
  SharedTokens shared;
  shared.alphabet = from.alphabet;
  if (from.alphabet->labels == to.alphabet->labels) return shared;
  std::vector<std::string> names;
  for (const auto& [name, algebra] : environment_.algebras) {
    const Algebra::Over *left = algebra.over(*from.alphabet), *right = algebra.over(*to.alphabet);
    if (left == nullptr || right == nullptr) continue;
    names.push_back(name);
    shared = {algebra.blocks, name, left, right};
  }
  if (names.size() > 1)
    raise_help<K::not_a_map_model>(
        span, fmt::format("{} cut up both alphabets: which is meant is not clear", fmt::join(names, " and ")));
  if (names.empty())
    raise_help<K::not_a_map_model>(
        span, fmt::format("declare an algebra over {} and over {}", from.alphabet->name, to.alphabet->name));
  return shared;
}

std::vector<double> Session::shared_strings(const Posterior& p, const SharedTokens& shared, const Algebra::Over* over,
                                            std::int64_t first, std::int64_t length, double& error) {
  std::vector<double> strings = string_probabilities(p, first, length, error);
  return over == nullptr ? strings : coarsened(strings, length, *over, shared.alphabet->labels.size());
}

MapFidelity Session::fidelity(const ast::MapDecl& map, std::int64_t n, SourceSpan span) {
  const auto teacher = prior_of(map.from.text, map.from.span), student = prior_of(map.to.text, map.to.span);
  const SharedTokens shared = shared_tokens(*teacher, *student, span);
  MapFidelity f;
  f.tokens = n;
  f.algebra = shared.algebra;
  for (const auto& rule : map.rules) {
    MapFidelity::Rule r;
    r.weak_mass = unwrap(teacher->probability(event(*rule.from, *teacher, *top_), std::nullopt), rule.from->span).value;
    r.strong_mass = unwrap(student->probability(event(*rule.to, *student, *top_), std::nullopt), rule.to->span).value;
    if (!(r.weak_mass > 0)) raise<K::image_impossible>(rule.from->span, map.name.text);
    if (!(r.strong_mass > 0)) raise<K::image_impossible>(rule.to->span, map.name.text);
    double error = 0;
    r.weak = shared_strings(*conditioned(map.from.text, *rule.from, span), shared, shared.left, 1, n, error);
    r.strong = shared_strings(*conditioned(map.to.text, *rule.to, span), shared, shared.right, 1, n, error);
    compare(r, n, *shared.alphabet);
    f.rules.push_back(std::move(r));
  }
  return f;
}

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
  if (auto r = p->settle(shared_ledger_, prior_identity(model, {}), site_ids_); !r) throw Failure{std::move(r).error()};
  return p;
}

}  // namespace hearsay
