// Statements of a model that define something, and structure. Evidence is in evidence.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/check/scope.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

ModelNames Checker::model(const ast::ModelDecl& m) {
  const Scope scope(*this);
  model_ = &m;
  in_model_ = true;
  if (const auto source = environment_.models.find(m.name.text); source != environment_.models.end())
    for (const auto& [n, v] : source->second.data) define(n, type_of(v));
  if (m.emits) {
    if (const auto at = environment_.alphabets.find(m.emits->text); at != environment_.alphabets.end()) {
      emits_ = at->second;
    } else {
      std::vector<std::string> names;
      for (const auto& [n, a] : environment_.alphabets) names.push_back(n);
      unknown(m.emits->text, m.emits->span, "token alphabet", names);
      complete_ = false;
    }
  }
  for (const ast::Parameter& p : m.parameters) {
    new_name(p.name);
    define(p.name.text, declared_type(p.type, true));
  }
  block(m.body);
  if (emits_ && !emitted_) report(diagnose<K::missing_emission>(m.name.span, m.name.text, m.emits->text));
  ModelNames names;
  names.names = std::move(scopes_.back());
  names.alphabets = alphabets_;
  names.emits = emits_;
  names.complete = complete_;
  names.reads_outside = reads_outside_;
  for (const auto& [n, s] : sources_) names.sources.insert(n);
  return names;
}

void Checker::given(const ast::Block& b, const ModelNames& m) {
  const Scope scope(*this);
  scopes_.back() = m.names;
  const auto alphabets = std::exchange(alphabets_, m.alphabets);
  const auto sources = sources_;
  for (const std::string& s : m.sources) sources_[s] = nullptr;
  const AlphabetPtr emits = std::exchange(emits_, m.emits);
  const bool emitted = std::exchange(emitted_, true), in_model = std::exchange(in_model_, true),
             complete = std::exchange(complete_, complete_ && m.complete);
  const unsigned guards = std::exchange(guards_, 0), loops = std::exchange(loops_, 0),
                 conditions = std::exchange(latent_conditions_, 0);
  {
    const Scope inner(*this);
    block(b);
  }
  alphabets_ = alphabets;
  sources_ = sources;
  emits_ = emits;
  emitted_ = emitted;
  in_model_ = in_model;
  complete_ = complete;
  guards_ = guards;
  loops_ = loops;
  latent_conditions_ = conditions;
}

void Checker::block(const ast::Block& b) {
  for (const auto& s : b) statement(*s);
}

void Checker::new_name(const ast::Name& n) {
  if (find(n.text) != nullptr) report(diagnose<K::duplicate_name>(n.span, n.text));
}

void Checker::own_labels(Type& t, const ast::Name& n) {
  if (t.base != Base::label || !t.labels || environment_.alphabets.contains(t.labels->name)) return;
  auto alphabet = std::make_shared<Alphabet>(*t.labels);
  alphabet->name = n.text;
  alphabet->declared = n.span;
  t.labels = alphabet;
  alphabets_.push_back(alphabet);
}

void Checker::statement(const ast::Stmt& s) {
  if (const auto* x = std::get_if<ast::SampleStmt>(&s.node)) return sample(*x);
  if (const auto* e = std::get_if<ast::EmitStmt>(&s.node)) return emit(*e);
  if (const auto* l = std::get_if<ast::LetStmt>(&s.node)) return let(*l);
  if (const auto* o = std::get_if<ast::ObserveStmt>(&s.node)) return observe(*o, s.span);
  if (const auto* so = std::get_if<ast::SoftObserveStmt>(&s.node)) return soft_observe(*so, s.span);
  if (const auto* j = std::get_if<ast::JointlyStmt>(&s.node)) return jointly(*j);
  if (const auto* f = std::get_if<ast::ForStmt>(&s.node)) return loop(*f);
  if (const auto* i = std::get_if<ast::IfStmt>(&s.node)) return choice(*i);
  if (const auto* f = std::get_if<ast::FactorStmt>(&s.node)) {
    const Type t = expr(*f->value);
    if (t.known() && (!t.number() || t.array()))
      report(diagnose<K::wrong_type>(f->value->span, "a log-weight (one number)", describe(t)));
  } else if (const auto* g = std::get_if<ast::GenerateStmt>(&s.node)) {
    Type t = g->binders.empty() ? expr(*g->value) : comprehension(g->binders, *g->value);
    new_name(g->name);
    t.bare_label.clear();
    define(g->name.text, std::move(t));
  } else if (const auto* ev = std::get_if<ast::EventDecl>(&s.node)) {
    Type t = event(*ev->value);
    new_name(ev->name);
    define(ev->name.text, std::move(t));
  } else if (const auto* src = std::get_if<ast::SourceDecl>(&s.node)) {
    if (!sources_.emplace(src->name.text, src).second)
      report(diagnose<K::duplicate_source>(src->name.span, src->name.text)
                 .with_help("give this one another name, or leave it out"));
  } else if (std::holds_alternative<ast::PrintStmt>(s.node)) {
    report(diagnose<K::not_in_model>(s.span, "`print`"));
  } else if (std::holds_alternative<ast::ExprStmt>(s.node)) {
    report(diagnose<K::not_in_model>(s.span, "an expression by itself")
               .with_help("evidence is stated by `observe …;` or `soft observe …;`"));
  } else {
    report(diagnose<K::not_in_model>(s.span, "this statement"));
  }
}

void Checker::sample(const ast::SampleStmt& s) {
  if (loops_ > 0 || latent_conditions_ > 0) report(diagnose<K::latent_in_loop>(s.name.span));
  new_name(s.name);
  Type drawn;
  {
    const Scope scope(*this);
    std::vector<std::optional<std::int64_t>> dims;
    bool may_read_itself = false;
    for (const ast::PlateDim& d : s.dims) {
      const auto* bare = d.index || !d.high ? nullptr : std::get_if<ast::NameRef>(&d.high->node);
      const bool stream = model_ != nullptr && model_->emits && s.dims.size() == 1 && bare != nullptr &&
                          find(bare->text) == nullptr && !environment_.values.contains(bare->text) &&
                          !outside_.values.contains(bare->text) && !outside_.declared.contains(bare->text);
      std::string index = stream ? bare->text : d.index ? d.index->text : "";
      may_read_itself = may_read_itself || !index.empty();
      dims.emplace_back();
      if (!stream) {
        const Type low = d.low ? integer(*d.low, "the start of a plate", true) : Type{};
        const Type high = integer(*d.high, "the size of a plate", true);
        const double from = d.low ? low.value.value_or(0) : 1;
        if (high.value && (!d.low || low.value)) {
          dims.back() = std::max<std::int64_t>(0, static_cast<std::int64_t>(*high.value - from) + 1);
          if (!d.low && *high.value < 0)
            report(diagnose<K::wrong_type>(d.high->span, "a size of 0 or more", fmt::format("{}", *high.value)));
        }
      }
      if (!index.empty()) define(index, Type::of(Base::integer));
    }
    if (may_read_itself) {
      Type self = Type::anything();
      self.ranked = true;
      self.dims = dims;
      self.latent = true;
      {
        const Muted quiet(*this);
        define(s.name.text, self);
        drawn = dist(s.dist);
      }
      drawn.latent = true;
      drawn.ranked = true;
      drawn.dims = dims;
      own_labels(drawn, s.name);
      define(s.name.text, drawn);
    }
    const Type given = dist(s.dist);
    if (!may_read_itself) {
      drawn = given;
      own_labels(drawn, s.name);
    }
    Type shape;
    shape.dims = dims;
    if (given.ranked && !given.dims.empty() && given.known() && !may_agree(shape, given))
      report(diagnose<K::shape_mismatch>(s.dist.distribution->span,
                                         fmt::format("{}{}", s.name.text, dims.empty() ? "[]" : shape_text(shape)),
                                         shape_text(given)));
    drawn.dims = dims;
    drawn.dims.resize(dims.size() + given.outcome_rank);
    drawn.outcome_rank = 0;
    drawn.ranked = true;
    drawn.latent = true;
    drawn.value.reset();
    drawn.bare_label.clear();
  }
  define(s.name.text, drawn);
}

void Checker::emit(const ast::EmitStmt& s) {
  if (model_ == nullptr || !model_->emits) {
    report(diagnose<K::no_emit>(s.emit_span).with_help("declare the alphabet: `model M emits Word { … }`"));
    return;
  }
  if (loops_ > 0 || latent_conditions_ > 0) report(diagnose<K::latent_in_loop>(s.emit_span));
  if (emitted_) report(diagnose<K::duplicate_name>(s.emit_span, "emit"));
  emitted_ = true;
  const Scope scope(*this);
  if (s.index) define(s.index->text, Type::of(Base::integer));
  in_emission_ = true;
  const Type t = dist(s.dist);
  in_emission_ = false;
  if (!emits_ || !t.known()) return;
  if (t.base == Base::boolean || t.base == Base::real) {
    report(diagnose<K::outcome_type>(s.dist.distribution->span, "this distribution",
                                     t.base == Base::boolean ? "true or false" : "real numbers",
                                     "a token of " + emits_->name));
    return;
  }
  if (t.base != Base::label || !t.labels) return;
  const auto* call = std::get_if<ast::Call>(&s.dist.distribution->node);
  const auto* weights = call != nullptr && call->arguments.size() == 1
                            ? std::get_if<ast::LabelMap>(&call->arguments[0].value->node)
                            : nullptr;
  const auto where = [&](const std::string& label) {
    if (weights != nullptr)
      for (const auto& entry : weights->entries)
        if (entry.label.text == label) return entry.label.span;
    return s.dist.distribution->span;
  };
  for (const std::string& label : t.labels->labels)
    if (t.bare_label.empty() && emits_->find(label) == 0 && t.labels->name != emits_->name) {
      const std::string near = nearest_name(label, emits_->labels);
      report(diagnose<K::unknown_label>(where(label), label, fmt::format("{{{}}}", fmt::join(emits_->labels, ", ")))
                 .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
      return;
    }
}

void Checker::let(const ast::LetStmt& s) {
  new_name(s.name);
  Type t;
  if (s.binders.empty()) {
    t = expr(*s.value);
  } else {
    const Scope scope(*this);
    Type self = Type::anything();
    self.latent = true;
    {
      const Muted quiet(*this);
      define(s.name.text, self);
      self = comprehension(s.binders, *s.value);
    }
    const bool ranked = self.ranked && self.known();
    if (!ranked) self = Type::anything();
    define(s.name.text, self);
    t = comprehension(s.binders, *s.value);
  }
  if (s.type) declared_type(*s.type, false);
  t.bare_label.clear();
  define(s.name.text, std::move(t));
}

void Checker::loop(const ast::ForStmt& s) {
  integer(*s.low, "the start of a loop", true);
  integer(*s.high, "the end of a loop", true);
  const Scope scope(*this);
  define(s.index.text, Type::of(Base::integer));
  ++loops_;
  ++guards_;  // a loop may be empty
  block(s.body);
  --guards_;
  --loops_;
}

void Checker::choice(const ast::IfStmt& s) {
  const Type c = event(*s.condition, true);
  ++guards_;
  if (c.latent) ++latent_conditions_;
  for (const ast::Block* side : {&s.then_body, &s.else_body}) {
    const Scope scope(*this);
    block(*side);
  }
  if (c.latent) --latent_conditions_;
  --guards_;
}

}  // namespace hearsay::check
