// Densities of distributions: validity of parameters, log densities, probabilities of intervals, draws.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

ExprId Lowerer::interval_probability(const DistInstance& d, const Sym& low, const Sym& high) {
  if (d.condition) {
    const ExprId c = expr(*d.condition);
    return module_->select(c, interval_probability(*d.then_dist, low, high),
                           interval_probability(*d.else_dist, low, high));
  }
  if (d.cut) return restricted_interval(d, low, high);
  const ast::DistDecl::Member* cdf = d.decl->member("cdf");
  if (cdf == nullptr) raise<K::no_cdf>(d.span, d.decl->name.text, "for the probability of an interval");
  const ast::DistDecl::Member* ccdf = d.decl->member("ccdf");
  // Ends that depend on latents may cross: there the interval is empty.
  const ExprId low_end = real_expr(low), high_end = real_expr(high);
  const bool in_order = range(low_end).high <= range(high_end).low;
  ExprId result{};
  const Support s = own_support(d);
  in_dist_scope(d, [&] {
    const bool whole = s.kind == Support::Kind::integers;
    // The ends of the support as they are here: they may depend on latents, or differ from element to element.
    const auto end = [&](bool first) {
      const auto& bounds = d.decl->over.bounds;
      if (!bounds) {
        const bool open = s.unbounded && whole;
        return module_->real(open    ? (first ? -infinity : infinity)
                             : whole ? static_cast<double>(first ? s.low : s.high)
                                     : (first ? s.real_low : s.real_high));
      }
      const Sym written = eval(first ? *bounds->low : *bounds->high);
      const ExprId e = real_expr(written);
      if (!whole) return e;
      // The first and the last whole number inside.
      const bool without = first ? bounds->low_open : bounds->high_open;
      const bool up = first != without;
      const ExprId number = written.type == ScalarType::integer ? e : module_->prim(up ? Op::ceil : Op::floor, {e});
      if (!without) return number;
      return module_->prim(first ? Op::add : Op::sub, {number, module_->real(1)});
    };
    const ExprId support_low = end(true), support_high = end(false);
    const Interval low_r = range(support_low), high_r = range(support_high);
    // P(X <= x), or by `upper` P(X > x). Beyond the support it is 0 or 1 whatever the formula says there.
    const auto at = [&](const Sym& x, bool upper) {
      const double before = upper ? 1 : 0, after = upper ? 0 : 1;
      const ExprId e = real_expr(x);
      const Interval r = range(e);
      if (whole ? r.high < low_r.low : r.high <= low_r.low) return module_->real(before);
      if (r.low >= high_r.high) return module_->real(after);
      const ast::DistDecl::Member& formula = upper ? *ccdf : *cdf;
      define(formula.arguments.at(0).text, x);
      ExprId v = real_expr(eval(*formula.value));
      if (whole ? !(r.low >= low_r.high) : !(r.low > low_r.high))
        v = module_->select(module_->prim(whole ? Op::lt : Op::le, {e, support_low}), module_->real(before), v);
      if (!(r.high <= high_r.low))
        v = module_->select(module_->prim(Op::le, {support_high, e}), module_->real(after), v);
      return v;
    };
    const Sym below = whole ? apply(Op::sub, {apply(Op::ceil, {low}, d.span), known(Scalar::real(1))}, d.span) : low;
    const ExprId from = at(below, false), to = at(high, false);
    result = module_->prim(Op::sub, {to, from});
    if (ccdf == nullptr) return;
    // An interval in the upper tail: the difference of two numbers near 1 would keep few digits of it.
    const ExprId beyond = at(high, true);
    const Scalar* nothing = module_->constant(beyond);
    const ExprId upper =
        nothing != nullptr && nothing->r == 0 ? at(below, true) : module_->prim(Op::sub, {at(below, true), beyond});
    const Scalar* start = module_->constant(from);
    if (start != nullptr && start->r <= 0.5) return;
    result = module_->select(module_->prim(Op::lt, {module_->real(0.5), from}), upper, result);
  });
  return in_order ? result : module_->select(module_->prim(Op::le, {low_end, high_end}), result, module_->real(0));
}

Scalar Lowerer::sample(const DistInstance& d, const Randomness& random) {
  if (d.condition) {
    const auto c = materialise(*d.condition);
    if (!c) raise<K::not_known>(d.span, "the choice of a distribution that is drawn from");
    return sample(c->at(0).truth() ? *d.then_dist : *d.else_dist, random);
  }
  Support s = any_support(d);
  if (s.kind == Support::Kind::whole_type) {  // point(v): v itself
    const auto v = materialise(d.arguments.at(0));
    if (!v) raise<K::not_known>(d.span, "what is drawn from");
    return v->at(0);
  }
  if (s.finite()) {
    std::vector<double> log_weight;
    double most = -infinity;
    for (std::int64_t c = 1; c <= s.cardinality(); ++c) {
      Sym x = known(decode(s, c));
      x.labels = s.labels;
      x.known->labels = s.labels;
      const auto l = materialise(scalar(logp(d, x)));
      if (!l) raise<K::not_known>(d.span, "what is drawn from");
      log_weight.push_back(l->at(0).r);
      most = std::max(most, l->at(0).r);
    }
    double total = 0;
    for (double& l : log_weight) total += (l = std::exp(l - most));
    double u = random("uniform", 0) * total;
    std::int64_t last = 1;
    for (std::int64_t c = 1; c <= s.cardinality(); ++c) {
      const double w = log_weight[static_cast<std::size_t>(c - 1)];
      if (w > 0) last = c;
      if (u < w) return decode(s, c);
      u -= w;
    }
    return decode(s, last);
  }
  const ast::DistDecl::Member* sampler = d.decl->member("sample");
  if (sampler == nullptr) raise<K::bad_member>(d.span, d.decl->name.text, "has no `sample = …;`");
  for (int attempt = 0; attempt < 100000; ++attempt) {
    Scalar drawn;
    in_dist_scope(d, [&] {
      const Asker outer = std::exchange(asker_, [&](const ast::Expr& e, Lowerer&) -> std::optional<Sym> {
        const auto* call = std::get_if<ast::Call>(&e.node);
        if (call == nullptr) return std::nullopt;
        const std::string& f = call->callee.text;
        if (f == "std_uniform") return known(Scalar::real(random("uniform", 0)));
        if (f == "std_normal") return known(Scalar::real(random("normal", 0)));
        if (f == "std_exponential") return known(Scalar::real(random("exponential", 0)));
        if (call->arguments.size() == 1 && (f == "std_gamma" || f == "std_poisson" || f == "std_von_mises")) {
          const ast::Expr& argument = *call->arguments[0].value;
          return known(Scalar::real(random(f.substr(4), known_real(eval(argument), argument.span, "an argument"))));
        }
        return std::nullopt;
      });
      const Sym v = eval(*sampler->value);
      asker_ = outer;
      const auto m = materialise(v);
      if (!m) raise<K::not_known>(d.span, "what is drawn from");
      drawn = m->at(0);
      if (s.kind == Support::Kind::integers && drawn.type == ScalarType::real)
        drawn = hearsay::apply(Op::to_int, std::span(&drawn, 1));
    });
    if (!d.cut) return drawn;
    const bool inside = s.kind == Support::Kind::integers
                            ? drawn.i >= s.low && drawn.i <= s.high
                            : drawn.as_real() >= s.real_low && drawn.as_real() <= s.real_high;
    if (inside) return drawn;
  }
  raise<K::invalid_parameter>(d.span, "range", "in", "of more probability than one draw in 100000 hits",
                              fmt::format("({}, {})", s.real_low, s.real_high));
}

}  // namespace hearsay
