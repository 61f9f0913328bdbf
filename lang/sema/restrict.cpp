// Distributions restricted to an interval or a set, and renormalised: `D in (a, b)`, `D in {a, b}`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool between(double v, double low, bool low_open, double high, bool high_open) {
  return (low_open ? v > low : v >= low) && (high_open ? v < high : v <= high);
}

bool same_value(const Sym& a, const Sym& b) {
  if (!a.label_name.empty() || !b.label_name.empty()) return a.label_name == b.label_name;
  return a.known->at(0).as_real() == b.known->at(0).as_real();
}

/// The listed values that `keep` accepts, as a support of its own.
Support listed(const std::vector<Scalar>& all, ScalarType type, const std::function<bool(double)>& keep,
               SourceSpan span) {
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
  for (const Scalar& v : all)
    if (keep(v.as_real())) type == ScalarType::real ? reals.push_back(v.as_real()) : integers.push_back(v.i);
  const auto n = static_cast<std::int64_t>(std::max(reals.size(), integers.size()));
  if (n == 0) raise<K::invalid_parameter>(span, "range", "in", "not empty", "empty");
  Support s;
  s.kind = Support::Kind::elements;
  s.elements =
      type == ScalarType::real ? ArrayValue::of(std::move(reals), {n}) : ArrayValue::of(type, std::move(integers), {n});
  return s;
}

}  // namespace

/// A choice is restricted on each of its sides: given which side it is, that is what restricting it means. A side with
/// a restriction of its own keeps it.
void Lowerer::restrict_to(DistInstance& d, const ast::Bounds& bounds) {
  if (d.cut) return;
  if (d.condition) {
    const auto side = [&](const std::shared_ptr<const DistInstance>& from) {
      DistInstance copy = *from;
      restrict_to(copy, bounds);
      return std::make_shared<const DistInstance>(std::move(copy));
    };
    d.then_dist = side(d.then_dist);
    d.else_dist = side(d.else_dist);
    return;
  }
  DistInstance::Cut cut;
  cut.span = bounds.span;
  if (!bounds.elements) {
    cut.low = eval(*bounds.low);
    cut.high = eval(*bounds.high);
    for (const auto& [end, at] : {std::pair{&cut.low, bounds.low.get()}, {&cut.high, bounds.high.get()}})
      if (end->other || end->labels || end->type == ScalarType::boolean)
        raise_help<K::wrong_type>(at->span, "a set of labels is written `in {a, b}`", "a number", describe(*end));
    cut.low_open = bounds.low_open;
    cut.high_open = bounds.high_open;
    d.cut = std::move(cut);
    return;
  }
  cut.is_set = true;
  const auto add = [&](Sym s, SourceSpan span) {
    if (!s.is_scalar()) raise<K::wrong_type>(span, "a value of the distribution", describe(s));
    auto v = materialise(s);
    if (!v) raise<K::not_known>(span, "a value that a distribution is restricted to");
    const std::string label = s.label_name;
    s = known(*std::move(v));
    s.label_name = label.empty() && s.labels ? s.labels->labels[static_cast<std::size_t>(s.known->at(0).i - 1)] : label;
    const bool again = std::any_of(cut.set.begin(), cut.set.end(), [&](const Sym& o) { return same_value(o, s); });
    if (!again) cut.set.push_back(std::move(s));
  };
  if (const auto* set = std::get_if<ast::Set>(&bounds.elements->node)) {
    for (const auto& e : set->elements) {
      // The labels of a latent are declared by its distribution, so they have no meaning as names yet.
      const auto* name = std::get_if<ast::NameRef>(&e->node);
      if (const std::int64_t code = name != nullptr && d.keys ? d.keys->find(name->text) : 0; code != 0) {
        Sym s = known(Scalar::integer(code));
        s.labels = s.known->labels = d.keys;
        s.label_name = name->text;
        add(std::move(s), e->span);
      } else if (name != nullptr && d.keys && find_local(name->text) == nullptr &&
                 !environment_.values.contains(name->text)) {
        const std::string near = nearest_name(name->text, d.keys->labels);
        raise_help<K::unknown_label>(e->span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), name->text,
                                     fmt::format("{{{}}}", fmt::join(d.keys->labels, ", ")));
      } else {
        add(eval(*e), e->span);
      }
    }
  } else {
    const Sym all = eval(*bounds.elements);
    if (all.other || all.shape.size() != 1)
      raise_help<K::wrong_type>(bounds.elements->span, "write a set `{a, b}` or an interval `[low, high]`", "a set",
                                describe(all));
    for (std::int64_t i = 1; i <= all.shape[0]; ++i) {
      const ExprId at = module_->integer(i);
      add(sub(all, std::span(&at, 1)), bounds.elements->span);
    }
  }
  if (cut.set.empty()) raise<K::invalid_parameter>(cut.span, "range", "in", "not empty", "empty");
  d.cut = std::move(cut);
}

void Lowerer::restrict_support(Support& s, const DistInstance::Cut& cut) {
  if (!s.value_shape.empty())
    raise_help<K::wrong_type>(cut.span, "say the range where the distribution is declared, behind `over`",
                              "a distribution over single values", "one over vectors");
  double low = -infinity, high = infinity;
  if (!cut.is_set) {
    const auto end = [&](const Sym& v, bool smallest) {
      const auto m = materialise(v);
      // It may differ from draw to draw, or from element to element.
      if (!m && v.is_scalar() && s.kind == Support::Kind::reals && ir::dependence(*module_, expr(v)).finite.empty()) {
        s.moving = true;
        const Interval hull = range(expr(v));
        return smallest ? hull.low : hull.high;
      }
      if (!m) raise<K::not_known>(cut.span, "the range of a restricted distribution");
      double r = smallest ? infinity : -infinity;
      for (std::size_t i = 0; i < m->size(); ++i)
        r = smallest ? std::min(r, m->at(i).as_real()) : std::max(r, m->at(i).as_real());
      return r;
    };
    low = end(cut.low, true);
    high = end(cut.high, false);
  }
  const auto keep = [&](double v) {
    if (!cut.is_set) return between(v, low, cut.low_open, high, cut.high_open);
    return std::any_of(cut.set.begin(), cut.set.end(), [&](const Sym& o) { return o.known->at(0).as_real() == v; });
  };
  switch (s.kind) {
    case Support::Kind::reals:
      if (cut.is_set)
        raise_help<K::wrong_type>(cut.span, "one value of a continuous distribution has probability 0", "an interval",
                                  "a set");
      s.real_low = std::max(s.real_low, low);
      s.real_high = std::min(s.real_high, high);
      if (!(s.real_low < s.real_high))
        raise<K::invalid_parameter>(cut.span, "range", "in", "not empty",
                                    fmt::format("({}, {})", s.real_low, s.real_high));
      return;
    case Support::Kind::integers: {
      if (cut.is_set) {
        std::vector<Scalar> all;
        for (const Sym& o : cut.set) {
          const Scalar v = o.known->at(0);
          if (o.labels || v.type == ScalarType::boolean || v.as_real() != std::floor(v.as_real()))
            raise<K::wrong_type>(cut.span, "whole numbers", to_text(*o.known));
          all.push_back(Scalar::integer(static_cast<std::int64_t>(v.as_real())));
        }
        const auto inside = [&](double v) {
          return v >= static_cast<double>(s.low) && v <= static_cast<double>(s.high);
        };
        s = listed(all, ScalarType::integer, inside, cut.span);
        return;
      }
      const double l = std::ceil(low) + (cut.low_open && low == std::ceil(low) ? 1 : 0);
      const double h = std::floor(high) - (cut.high_open && high == std::floor(high) ? 1 : 0);
      if (l > static_cast<double>(s.low)) s.low = static_cast<std::int64_t>(l);
      if (h < static_cast<double>(s.high)) s.high = static_cast<std::int64_t>(h);
      if (s.low > s.high) raise<K::invalid_parameter>(cut.span, "range", "in", "not empty", "empty");
      using Integers = std::numeric_limits<std::int64_t>;
      s.unbounded = s.unbounded && (s.low == Integers::min() || s.high == Integers::max());
      return;
    }
    case Support::Kind::elements: {
      std::vector<Scalar> all;
      for (std::size_t i = 0; i < s.elements.size(); ++i) all.push_back(s.elements.at(i));
      s = listed(all, s.elements.type, keep, cut.span);
      return;
    }
    case Support::Kind::labels:
    case Support::Kind::boolean:
    case Support::Kind::whole_type:
      // All labels stay; those outside the set have probability 0.
      if (!cut.is_set)
        raise_help<K::wrong_type>(cut.span, "write the values that remain: `in {a, b}`", "a set", "an interval");
      for (const Sym& o : cut.set)
        if (s.kind == Support::Kind::labels ? s.labels->find(o.label_name) == 0
                                            : s.kind == Support::Kind::boolean && o.type != ScalarType::boolean)
          raise<K::unknown_label>(cut.span, o.label_name.empty() ? to_text(*o.known) : o.label_name,
                                  s.kind == Support::Kind::labels
                                      ? fmt::format("{{{}}}", fmt::join(s.labels->labels, ", "))
                                      : "{false, true}");
      return;
  }
}

namespace {

/// The ends of a restriction that leaves infinitely many values, both included: whole numbers are those of the support.
std::pair<Sym, Sym> ends_of(const Support& s, const DistInstance::Cut& cut) {
  if (s.kind != Support::Kind::integers) return {cut.low, cut.high};
  using Integers = std::numeric_limits<std::int64_t>;
  const auto end = [](std::int64_t v, std::int64_t none, double infinite) {
    return Lowerer::known(Scalar::real(v == none ? infinite : static_cast<double>(v)));
  };
  return {end(s.low, Integers::min(), -infinity), end(s.high, Integers::max(), infinity)};
}

}  // namespace

/// log p(x) - log P(inside), and -inf outside (nats).
ExprId Lowerer::restricted_logp(const DistInstance& d, const Sym& outcome, ExprId whole_logp) {
  const DistInstance::Cut& cut = *d.cut;
  DistInstance whole = d;
  whole.cut.reset();
  const Support s = any_support(d);
  const bool by_value = cut.is_set && s.kind != Support::Kind::elements;  // labels and truths
  ExprId log_mass{};
  if (d.decl->member("improper") != nullptr) {
    log_mass = module_->real(0);  // there is no mass to divide by: density 1 on what is left
  } else if (by_value) {
    log_mass = module_->real(-infinity);
    for (const Sym& o : cut.set) log_mass = module_->prim(Op::log_add_exp, {log_mass, logp(whole, o)});
  } else if (s.finite()) {
    const ir::IndexId k = module_->add_index("k", 1, s.cardinality());
    log_mass = module_->reduce(ir::Reduction::log_sum_exp, k, logp(whole, decode(s, module_->index_value(k))));
  } else {
    const auto [first, last] = ends_of(s, cut);
    log_mass = module_->prim(Op::log, {interval_probability(whole, first, last)});
  }
  const ExprId inside_logp = module_->prim(Op::sub, {whole_logp, log_mass});

  std::optional<ExprId> inside;  // nothing where it is proved
  if (cut.is_set) {
    if (by_value || !code_of_element(outcome, known(s.elements))) {
      Sym any = known(Scalar::boolean(false));
      for (const Sym& o : cut.set) any = apply(Op::logical_or, {any, equal(outcome, o, cut.span)}, cut.span);
      inside = expr(any);
    }
  } else {
    const bool reals = s.kind == Support::Kind::reals;
    const ExprId xe = module_->to_real(expr(outcome)), low = real_expr(cut.low), high = real_expr(cut.high);
    const Interval r = range(xe), l = range(low), h = range(high);
    // The ends of an interval of reals have probability 0, open or not.
    const bool low_open = cut.low_open && !reals, high_open = cut.high_open && !reals;
    if (low_open ? !(r.low > l.high) : !(r.low >= l.high))
      inside = module_->prim(low_open ? Op::lt : Op::le, {low, xe});
    if (high_open ? !(r.high < h.low) : !(r.high <= h.low)) {
      const ExprId below = module_->prim(high_open ? Op::lt : Op::le, {xe, high});
      inside = inside ? module_->prim(Op::logical_and, {*inside, below}) : below;
    }
  }
  return inside ? module_->select(*inside, inside_logp, module_->real(-infinity)) : inside_logp;
}

/// P(low <= X <= high) of a restricted distribution.
ExprId Lowerer::restricted_interval(const DistInstance& d, const Sym& low, const Sym& high) {
  const Support s = any_support(d);
  const ExprId le = real_expr(low), he = real_expr(high);
  if (s.finite()) {
    const ir::IndexId k = module_->add_index("k", 1, s.cardinality());
    const Sym x = decode(s, module_->index_value(k));
    if (x.labels || x.type == ScalarType::boolean) raise<K::no_cdf>(d.span, d.decl->name.text, "for an interval");
    const ExprId xe = module_->to_real(expr(x));
    const ExprId inside =
        module_->prim(Op::logical_and, {module_->prim(Op::le, {le, xe}), module_->prim(Op::le, {xe, he})});
    const ExprId p = module_->prim(Op::exp, {logp(d, x)});
    return module_->reduce(ir::Reduction::sum, k, module_->select(inside, p, module_->real(0)));
  }
  DistInstance whole = d;
  whole.cut.reset();
  const auto [first, last] = ends_of(s, *d.cut);
  const Sym from = apply(Op::max, {low, first}, d.span), to = apply(Op::min, {high, last}, d.span);
  const ExprId p =
      module_->prim(Op::div, {interval_probability(whole, from, to), interval_probability(whole, first, last)});
  return module_->select(module_->prim(Op::le, {real_expr(from), real_expr(to)}), p, module_->real(0));
}

}  // namespace hearsay
