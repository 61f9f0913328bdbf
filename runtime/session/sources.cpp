#include "runtime/session/sources.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "lang/support/suggest.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

/// The strength that `odds: 2`, `nats: 0.7` or a bare number of odds names.
evidence::Nats strength_argument(const ast::Schedule& s, Lowerer& lowerer) {
  if (s.arguments.size() != 1)
    raise_help<K::wrong_argument_count>(s.kind.span, fmt::format("write `{}(odds: 2)`", s.kind.text), s.kind.text,
                                        "the odds of one claim", s.arguments.size());
  const ast::Argument& a = s.arguments[0];
  const double v = lowerer.known_real(lowerer.eval(*a.value), a.value->span, "a strength");
  const std::string form = a.name ? a.name->text : "odds";
  auto r =
      form == "nats" ? evidence::strength_from_nats(v, a.value->span) : evidence::strength_from_odds(v, a.value->span);
  if (form != "nats" && form != "odds") raise<K::unknown_argument>(a.name->span, s.kind.text, form);
  if (!r) throw Failure{std::move(r).error()};
  return *r;
}

double number_argument(const ast::Schedule& s, Lowerer& lowerer, std::string_view what) {
  if (s.arguments.size() != 1)
    raise<K::wrong_argument_count>(s.kind.span, s.kind.text, std::string(what), s.arguments.size());
  const ast::Expr& e = *s.arguments[0].value;
  return lowerer.known_real(lowerer.eval(e), e.span, what);
}

evidence::Schedule schedule(const ast::Schedule& s, Lowerer& lowerer) {
  const std::string& k = s.kind.text;
  if (k == "spread") {
    if (s.arguments.empty()) return evidence::Spread{};
    const double n = number_argument(s, lowerer, "the number of claims");
    constexpr double most = 1e18;
    if (!(n >= 1 && n <= most && n == std::floor(n)))
      raise<K::bad_strength>(
          s.kind.span, fmt::format("`spread` needs a whole number of claims between 1 and {:g}, not {}", most, n));
    return evidence::Spread{static_cast<std::uint64_t>(n)};
  }
  if (k == "geometric") return evidence::Geometric{number_argument(s, lowerer, "its ratio")};
  if (k == "power") return evidence::Power{number_argument(s, lowerer, "its exponent")};
  if (k == "until_spent") return evidence::UntilSpent{strength_argument(s, lowerer)};
  if (k == "fixed") return evidence::Fixed{strength_argument(s, lowerer)};
  const std::vector<std::string> names{"spread", "geometric", "power", "until_spent", "fixed"};
  const std::string near = nearest_name(k, names);
  raise_help<K::unknown_name>(
      s.kind.span,
      near.empty() ? fmt::format("there are {}", fmt::join(names, ", ")) : fmt::format("did you mean `{}`?", near),
      "schedule", k);
}

}  // namespace

Result<evidence::Schedule> schedule_of(const ast::Schedule& s, Lowerer& lowerer) {
  try {
    return schedule(s, lowerer);
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

Result<evidence::SourceTerms> source_terms(const ast::SourceDecl& decl, Lowerer& lowerer) {
  try {
    evidence::SourceTerms t;
    t.name = decl.name.text;
    t.declared = decl.name.span;
    if (decl.budget) {
      const double b = lowerer.known_real(lowerer.eval(**decl.budget), decl.budget->get()->span, "a budget");
      auto checked = evidence::checked_budget(b, decl.budget->get()->span);
      if (!checked) return fail(std::move(checked).error());
      t.budget = *checked;
    }
    if (decl.schedule) {
      t.schedule = schedule(*decl.schedule, lowerer);
      if (auto ok = evidence::validate(*t.schedule, t.budget, decl.schedule->kind.span); !ok)
        return fail(std::move(ok).error());
    }
    return t;
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

}  // namespace hearsay
