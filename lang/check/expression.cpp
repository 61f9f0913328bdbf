// Types of expressions: names, indexing, arrays, what is demanded of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lang/check/scope.h"
#include "lang/sema/describe.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

namespace {

Type range_type() {
  Type t = Type::of(Base::integer);
  t.dims = {std::nullopt};
  return t;
}

}  // namespace

void Checker::report(Diagnostic d) { sink_->report(std::move(d)); }

const Type* Checker::find(const std::string& name) const {
  for (std::size_t i = scopes_.size(); i-- > floor_;)
    if (const auto at = scopes_[i].find(name); at != scopes_[i].end()) return &at->second;
  return nullptr;
}

std::vector<AlphabetPtr> Checker::alphabets() const {
  std::vector<AlphabetPtr> all = alphabets_;
  for (const auto& [n, a] : environment_.alphabets) all.push_back(a);
  for (const auto& [n, a] : environment_.algebras) all.push_back(a.blocks);
  return all;
}

void Checker::unknown(const std::string& name, SourceSpan span, std::string_view kind,
                      const std::vector<std::string>& candidates, std::string help) {
  reads_outside_ = true;
  if (!complete_ || outside_.declared.contains(name) || !reported_.insert(name).second) return;
  if (help.empty()) help = unknown_name_help(environment_, name, candidates);
  report(diagnose<K::unknown_name>(span, kind, name).with_help(std::move(help)));
}

Type Checker::expr(const ast::Expr& e) {
  if (const auto* n = std::get_if<ast::Number>(&e.node)) {
    Type t = Type::of(n->is_integer ? Base::integer : Base::real);
    t.value = n->real;
    return t;
  }
  if (std::holds_alternative<ast::String>(e.node)) return Type::of(Base::text);
  if (std::holds_alternative<ast::Boolean>(e.node)) return Type::of(Base::boolean);
  if (const auto* n = std::get_if<ast::NameRef>(&e.node)) return name(n->text, e.span);
  if (const auto* u = std::get_if<ast::Unary>(&e.node)) return unary(*u);
  if (const auto* b = std::get_if<ast::Binary>(&e.node)) return binary(*b, e.span);
  if (const auto* c = std::get_if<ast::Conditional>(&e.node)) return conditional(*c, e.span);
  if (const auto* ix = std::get_if<ast::Index>(&e.node)) return index(*ix, e.span);
  if (const auto* f = std::get_if<ast::Field>(&e.node)) {
    const Type base = expr(*f->base);
    if (base.known() && base.base != Base::record)
      report(diagnose<K::wrong_type>(f->base->span, "a record with fields", describe(base)));
    return Type::anything();
  }
  if (const auto* c = std::get_if<ast::Call>(&e.node)) return call(e, *c);
  if (const auto* a = std::get_if<ast::Array>(&e.node)) return array(*a);
  if (const auto* c = std::get_if<ast::Comprehension>(&e.node)) return comprehension(c->binders, *c->body);
  if (const auto* m = std::get_if<ast::LabelMap>(&e.node)) return label_map(*m);
  if (const auto* r = std::get_if<ast::Range>(&e.node)) {
    integer(*r->low, "the start of a range", true);
    integer(*r->high, "the end of a range", true);
    return range_type();
  }
  if (questions_)
    if (auto answer = questions_(e, *this)) return *std::move(answer);
  if (std::holds_alternative<ast::Set>(e.node))
    report(
        diagnose<K::wrong_type>(e.span, "a value", "a set").with_help("a set stands behind `in`, as in `x in {a, b}`"));
  return Type::anything();
}

Type Checker::name(const std::string& text, SourceSpan span) {
  if (const Type* local = find(text)) return *local;
  if (in_model_ && floor_ == 0) {
    if (text == "next" && emits_) return Type::of(Base::integer);
    if (text == "emit") {
      if (!emits_) {
        if (complete_ && reported_.insert("emit").second) report(diagnose<K::no_emit>(span));
        return Type::anything();
      }
      Type t = Type::of(Base::label);
      t.labels = emits_;
      t.dims = {std::nullopt};
      t.latent = true;
      return t;
    }
  }
  if (const auto at = environment_.values.find(text); at != environment_.values.end()) return type_of(at->second);
  if (const auto at = outside_.values.find(text); at != outside_.values.end()) {
    reads_outside_ = true;
    return at->second;
  }
  if (text == "pi" || text == "e" || text == "inf") return Type::of(Base::real);
  const std::vector<AlphabetPtr> all = alphabets();
  for (const AlphabetPtr& a : all)
    if (a->find(text) != 0) {
      Type t = Type::of(Base::label);
      t.labels = a;
      t.bare_label = text;
      return t;
    }
  std::vector<std::string> names;
  for (std::size_t i = floor_; i < scopes_.size(); ++i)
    for (const auto& [n, t] : scopes_[i]) names.push_back(n);
  for (const auto& [n, v] : environment_.values) names.push_back(n);
  for (const auto& [n, v] : outside_.values) names.push_back(n);
  for (const AlphabetPtr& a : all) names.insert(names.end(), a->labels.begin(), a->labels.end());
  unknown(text, span, "name", names);
  return Type::anything();
}

Type Checker::index(const ast::Index& ix, SourceSpan span) {
  const Type base = expr(*ix.base);
  if (base.base == Base::text || base.base == Base::record || base.base == Base::object) {
    if (base.base != Base::object || !base.model.empty())
      report(diagnose<K::wrong_type>(ix.base->span, "an array", describe(base)));
    return Type::anything();
  }
  const bool ranked = base.ranked;
  if (ranked && ix.arguments.size() > base.dims.size()) {
    report(diagnose<K::too_many_indices>(span, ix.arguments.size(), base.dims.size()));
    return Type::anything();
  }
  Type r = base;
  r.dims.clear();
  r.value.reset();
  r.keys = ranked && ix.arguments.size() < base.dims.size() ? base.keys : nullptr;
  for (std::size_t d = 0; d < ix.arguments.size(); ++d) {
    const ast::Expr& argument = *ix.arguments[d];
    const Type t = expr(argument);
    r.latent = r.latent || t.latent;
    const bool label = t.base == Base::label;
    if (t.known() && t.base != Base::integer && !label)
      report(diagnose<K::wrong_type>(argument.span, "an index (a whole number, a label or a range)", describe(t)));
    if (t.value && guards_ == 0 && ranked && t.base == Base::integer) {
      const auto& size = base.dims[d];
      const auto v = static_cast<std::int64_t>(*t.value);
      if (size && (v < 1 || v > *size))
        report(diagnose<K::index_out_of_bounds>(argument.span, v, *size).with_help(v == 0 ? "indices start at 1" : ""));
      else if (v < 1)
        report(diagnose<K::wrong_type>(argument.span, "an index of 1 or more", fmt::format("{}", v))
                   .with_help("indices start at 1"));
    }
    if (!t.ranked) r.ranked = false;
    r.dims.insert(r.dims.end(), t.dims.begin(), t.dims.end());
  }
  if (!ranked || !r.ranked) {
    r.ranked = false;
    r.dims.clear();
    return r;
  }
  for (std::size_t d = ix.arguments.size(); d < base.dims.size(); ++d) r.dims.push_back(base.dims[d]);
  return r;
}

Type Checker::array(const ast::Array& a) {
  Type r = Type::anything();
  bool first = true;
  for (const auto& e : a.elements) {
    const Type t = expr(*e);
    if (first) {
      r = t;
      first = false;
      continue;
    }
    if (!may_agree(r, t)) {
      report(diagnose<K::shape_mismatch>(e->span, shape_text(r), shape_text(t)));
      return Type::anything();
    }
    r = either(r, t, e->span);
  }
  r.bare_label.clear();
  r.value.reset();
  if (r.ranked) r.dims.insert(r.dims.begin(), static_cast<std::int64_t>(a.elements.size()));
  if (a.elements.empty()) return Type::anything();
  return r;
}

Type Checker::label_map(const ast::LabelMap& m) {
  auto keys = std::make_shared<Alphabet>();
  Type r = Type::of(Base::real);
  for (const auto& entry : m.entries) {
    if (keys->find(entry.label.text) != 0) {
      report(diagnose<K::duplicate_name>(entry.label.span, entry.label.text));
      continue;
    }
    keys->labels.push_back(entry.label.text);
    const Type t = expr(*entry.value);
    if (number(t, entry.value->span) && t.array())
      report(diagnose<K::wrong_type>(entry.value->span, "a number", describe(t)));
    r.latent = r.latent || t.latent;
  }
  keys->name = fmt::format("{{{}}}", fmt::join(keys->labels, ", "));
  r.dims = {static_cast<std::int64_t>(keys->labels.size())};
  r.keys = keys;
  return r;
}

Type Checker::comprehension(const std::vector<ast::Binder>& binders, const ast::Expr& body) {
  const Scope scope(*this);
  std::vector<std::optional<std::int64_t>> dims;
  for (const ast::Binder& b : binders) {
    const Type low = integer(*b.low, "the start of a range", true), high = integer(*b.high, "the end of a range", true);
    dims.emplace_back();
    if (low.value && high.value)
      dims.back() = std::max<std::int64_t>(0, static_cast<std::int64_t>(*high.value - *low.value) + 1);
  }
  for (const ast::Binder& b : binders) define(b.index.text, Type::of(Base::integer));
  Type r = expr(body);
  r.value.reset();
  r.bare_label.clear();
  if (r.ranked) r.dims.insert(r.dims.begin(), dims.begin(), dims.end());
  return r;
}

Type Checker::event(const ast::Expr& e, bool single) {
  Type t = expr(e);
  if (t.known() && t.base != Base::boolean) {
    report(diagnose<K::not_an_event>(e.span, describe(t)));
    return Type::anything();
  }
  if (single && t.array())
    report(diagnose<K::not_an_event>(e.span, "an array of them")
               .with_help("`all(…)` or `any(…)` make one event of an array"));
  t.base = Base::boolean;
  return t;
}

Type Checker::integer(const ast::Expr& e, std::string_view what, bool data_only) {
  Type t = expr(e);
  if (t.known() && (!t.number() || t.array())) {
    report(diagnose<K::wrong_type>(e.span, fmt::format("a whole number ({})", what), describe(t)));
    return Type::of(Base::integer);
  }
  if (t.value && *t.value != std::floor(*t.value))
    report(diagnose<K::wrong_type>(e.span, fmt::format("a whole number ({})", what), fmt::format("{}", *t.value)));
  if (data_only && t.latent) report(diagnose<K::not_known>(e.span, what));
  return t;
}

Type Checker::about(const ast::Expr& e, const ModelNames& m) {
  const Scope scope(*this);
  scopes_.back() = m.names;
  const auto outer_alphabets = alphabets_;
  alphabets_.insert(alphabets_.end(), m.alphabets.begin(), m.alphabets.end());
  const AlphabetPtr outer_emits = std::exchange(emits_, m.emits);
  const bool outer_in = std::exchange(in_model_, true),
             outer_complete = std::exchange(complete_, complete_ && m.complete);
  Type t = expr(e);
  alphabets_ = outer_alphabets;
  emits_ = outer_emits;
  in_model_ = outer_in;
  complete_ = outer_complete;
  return t;
}

}  // namespace hearsay::check
