#include "lang/check/script.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/vector_type.h"
#include "lang/support/not_yet.h"
#include "lang/support/suggest.h"

namespace hearsay::check {

using K = DiagnosticKind;
using Base = Type::Base;

namespace {

const ModelNames& nothing_known() {
  static const ModelNames names = [] {
    ModelNames n;
    n.complete = false;
    return n;
  }();
  return names;
}

Type posterior_of(const std::string& model) {
  Type t = Type::of(Base::object);
  t.model = model;
  return t;
}

template <class Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [n, v] : map) names.push_back(n);
  return names;
}

}  // namespace

namespace {

bool inside(SourceSpan part, SourceSpan whole) {
  return part.file == whole.file && part.begin >= whole.begin && part.begin < whole.end;
}

}  // namespace

void ScriptChecker::announce(const ast::Script& script) {
  for (const SourceSpan u : unread_)
    complete_ = complete_ && std::any_of(script.statements.begin(), script.statements.end(), [&](const auto& s) {
                  return std::holds_alternative<ast::ModelDecl>(s->node) && inside(u, s->span);
                });
  const auto add = [&](const ast::Name& n) { outside_.declared.insert(n.text); };
  for (const auto& s : script.statements) {
    if (const auto* t = std::get_if<ast::TokensDecl>(&s->node)) {
      add(t->name);
      for (const ast::Name& n : t->tokens) add(n);
    } else if (const auto* a = std::get_if<ast::AlgebraDecl>(&s->node)) {
      add(a->name);
      for (const auto& over : a->overs)
        for (const auto& b : over.blocks) add(b.name);
    } else if (const auto* m = std::get_if<ast::ModelDecl>(&s->node)) {
      add(m->name);
    } else if (const auto* f = std::get_if<ast::FnDecl>(&s->node)) {
      add(f->name);
    } else if (const auto* d = std::get_if<ast::DistDecl>(&s->node)) {
      add(d->name);
    } else if (const auto* p = std::get_if<ast::MapDecl>(&s->node)) {
      add(p->name);
    } else if (const auto* src = std::get_if<ast::SourceDecl>(&s->node)) {
      add(src->name);
    } else if (const auto* l = std::get_if<ast::LetStmt>(&s->node)) {
      add(l->name);
      // `teach … from W` keeps what it read under a name of its own.
      if (const auto* teach = std::get_if<ast::Teach>(&l->value->node))
        outside_.declared.insert(teach->teacher.text + "_labels");
    }
  }
}

bool ScriptChecker::stands_alone(const std::string& model) const {
  const auto at = models_.find(model);
  return at != models_.end() && at->second.complete && !at->second.reads_outside;
}

void ScriptChecker::statement(const ast::Stmt& s, DiagnosticSink& sink) {
  Checker at(environment_, outside_, sink);
  const bool whole = std::none_of(unread_.begin(), unread_.end(), [&](SourceSpan u) { return inside(u, s.span); });
  if (!complete_ || !whole) at.incomplete();
  if (const auto* m = std::get_if<ast::ModelDecl>(&s.node)) {
    const std::size_t before = sink.error_count();
    models_.erase(m->name.text);
    at.set_questions([this](const ast::Expr& e, Checker& c) { return question(e, c); });
    ModelNames names = at.model(*m);
    names.complete = names.complete && sink.error_count() == before;
    models_.insert_or_assign(m->name.text, std::move(names));
    return;
  }
  if (const auto* f = std::get_if<ast::FnDecl>(&s.node)) return at.function(*f);
  if (const auto* d = std::get_if<ast::DistDecl>(&s.node)) return at.distribution(*d);
  at.set_questions([this](const ast::Expr& e, Checker& c) { return question(e, c); });
  if (const auto* m = std::get_if<ast::MapDecl>(&s.node)) return map(*m, at);
  if (std::holds_alternative<ast::TokensDecl>(s.node) || std::holds_alternative<ast::AlgebraDecl>(s.node) ||
      std::holds_alternative<ast::ImportStmt>(s.node))
    return;
  const auto all = [&](const std::vector<ast::ExprPtr>& values) {
    for (const auto& e : values) at.expr(*e);
  };
  if (const auto* src = std::get_if<ast::SourceDecl>(&s.node)) {
    if (src->budget) at.number(at.expr(**src->budget), src->budget->get()->span);
    if (src->schedule)
      for (const ast::Argument& a : src->schedule->arguments) at.number(at.expr(*a.value), a.value->span);
  } else if (const auto* l = std::get_if<ast::LetStmt>(&s.node)) {
    Type t = l->binders.empty() ? at.expr(*l->value) : at.comprehension(l->binders, *l->value);
    t.bare_label.clear();
    outside_.values.insert_or_assign(l->name.text, std::move(t));
  } else if (const auto* p = std::get_if<ast::PrintStmt>(&s.node)) {
    all(p->values);
  } else if (const auto* e = std::get_if<ast::ExprStmt>(&s.node)) {
    at.expr(*e->value);
  } else if (const auto* x = std::get_if<ast::ExpectStmt>(&s.node)) {
    at.event(*x->condition);
  } else if (const auto* c = std::get_if<ast::CheckStmt>(&s.node)) {
    if (!environment_.maps.contains(c->map.text))
      at.unknown(c->map.text, c->map.span, "map", names_of(environment_.maps));
    at.integer(*c->tokens, "a number of tokens", false);
    if (c->within) at.number(at.expr(**c->within), c->within->get()->span);
  } else if (const auto* ex = std::get_if<ast::ExportStmt>(&s.node)) {
    at.expr(*ex->value);
    const Type path = at.expr(*ex->path);
    if (path.known() && path.base != Base::text)
      sink.report(diagnose<K::wrong_type>(ex->path->span, "a file name", describe(path)));
  } else if (std::holds_alternative<ast::PlotStmt>(s.node)) {
    sink.report(not_yet(s.span, NotYet::plot));
  } else if (std::holds_alternative<ast::ReportStmt>(s.node)) {
    sink.report(not_yet(s.span, NotYet::report));
  } else if (std::holds_alternative<ast::CalibrateStmt>(s.node)) {
    sink.report(not_yet(s.span, NotYet::calibrate));
  } else {
    sink.report(diagnose<K::only_in_model>(s.span));
  }
}

const ModelNames& ScriptChecker::model(const ast::Name& name, Checker& at) {
  if (const auto known = models_.find(name.text); known != models_.end()) return known->second;
  if (!environment_.models.contains(name.text))
    at.unknown(name.text, name.span, "model", names_of(environment_.models));
  return nothing_known();
}

const ModelNames& ScriptChecker::posterior(const ast::Expr& e, Checker& at) {
  if (const auto* n = std::get_if<ast::NameRef>(&e.node); n != nullptr && environment_.models.contains(n->text))
    return model({n->text, e.span}, at);
  if (const auto* c = std::get_if<ast::Call>(&e.node); c != nullptr && environment_.models.contains(c->callee.text)) {
    arguments(c->callee.text, c->arguments, e.span, at);
    return model(c->callee, at);
  }
  const Type t = at.expr(e);
  if (t.base == Base::object) {
    const auto known = models_.find(t.model);
    return known != models_.end() ? known->second : nothing_known();
  }
  if (t.known())
    at.report(
        diagnose<K::not_a_posterior>(e.span, t.base == Base::label || t.base == Base::text ? describe(t) : "numbers"));
  return nothing_known();
}

/// Arguments of a model against its parameters. What is missing may come from a data file, so it is not reported.
void ScriptChecker::arguments(const std::string& name, const std::vector<ast::Argument>& given, SourceSpan span,
                              Checker& at) {
  const auto known = environment_.models.find(name);
  if (known == environment_.models.end()) {
    for (const ast::Argument& a : given) at.expr(*a.value);
    return;
  }
  const auto& parameters = known->second.decl->parameters;
  std::size_t positional = 0;
  for (const ast::Argument& a : given) {
    const Type t = at.expr(*a.value);
    std::size_t slot = positional;
    if (a.name) {
      slot = 0;
      while (slot < parameters.size() && parameters[slot].name.text != a.name->text) ++slot;
      if (slot == parameters.size()) {
        std::vector<std::string> names;
        for (const auto& p : parameters) names.push_back(p.name.text);
        const std::string near = nearest_name(a.name->text, names);
        at.report(diagnose<K::unknown_argument>(a.name->span, name, a.name->text)
                      .with_help(near.empty() ? "" : fmt::format("did you mean `{}`?", near)));
        continue;
      }
    } else if (++positional > parameters.size()) {
      at.report(
          diagnose<K::wrong_argument_count>(span, name, fmt::format("{} arguments", parameters.size()), given.size()));
      return;
    }
    const ast::TypeExpr& type = parameters[slot].type;
    const auto bad = [&](const std::string& why) {
      at.report(diagnose<K::bad_model_argument>(a.value->span, parameters[slot].name.text, name, why));
    };
    if (!t.known()) continue;
    const std::size_t rank = sizes(type).size();
    if (t.ranked && t.dims.size() != rank)
      bad(fmt::format("expected {} dimensions, found {}", rank, t.dims.size()));
    else if (type.base.text == "bool" && t.base != Base::boolean)
      bad(fmt::format("expected true or false, found {}", describe(t)));
    else if (type.base.text == "int" && t.base != Base::integer)
      bad(fmt::format("expected whole numbers, found {}", describe(t)));
    else if (!environment_.alphabets.contains(type.base.text) && type.base.text != "bool" && !t.number())
      bad(fmt::format("expected numbers, found {}", describe(t)));
  }
}

Type ScriptChecker::infer(const ast::Infer& i, Checker& at) {
  const ModelNames& names = model(i.model, at);
  arguments(i.model.text, i.arguments, i.model.span, at);
  at.given(i.given, names);
  return posterior_of(i.model.text);
}

Type ScriptChecker::teach(const ast::Teach& t, Checker& at) {
  const ModelNames& student = model(t.student, at);
  const ModelNames& teacher = model(t.teacher, at);
  arguments(t.student.text, t.student_arguments, t.student.span, at);
  arguments(t.teacher.text, t.teacher_arguments, t.teacher.span, at);
  for (const auto& [names, who] : {std::pair{&student, &t.student}, {&teacher, &t.teacher}})
    if (names->complete && !names->emits) at.report(diagnose<K::no_emit>(who->span));
  if (t.via && !environment_.maps.contains(t.via->text))
    at.unknown(t.via->text, t.via->span, "map", names_of(environment_.maps));
  if (t.through && !environment_.algebras.contains(t.through->text))
    at.unknown(t.through->text, t.through->span, "algebra", names_of(environment_.algebras));
  for (const auto* e : {&t.budget, &t.labels, &t.odds, &t.forever_within})
    if (*e) at.number(at.expr(***e), (*e)->get()->span);
  at.given(t.given, student);
  return posterior_of(t.student.text);
}

void ScriptChecker::map(const ast::MapDecl& m, Checker& at) {
  const ModelNames& from = model(m.from, at);
  const ModelNames& to = model(m.to, at);
  const auto event = [&](const ast::Expr& e, const ModelNames& names) {
    const Type t = at.about(e, names);
    if (t.known() && t.base != Base::boolean) at.report(diagnose<K::not_an_event>(e.span, describe(t)));
  };
  for (const auto& rule : m.rules) {
    event(*rule.from, from);
    event(*rule.to, to);
  }
}

void ScriptChecker::others(const ast::Call& call, std::size_t from, Checker& at) {
  for (std::size_t i = from; i < call.arguments.size(); ++i) {
    const ast::Argument& a = call.arguments[i];
    if (a.name && a.name->text == "each") continue;  // a word, not a value
    at.expr(*a.value);
  }
}

std::optional<Type> ScriptChecker::question(const ast::Expr& e, Checker& at) {
  if (const auto* i = std::get_if<ast::Infer>(&e.node)) return infer(*i, at);
  if (const auto* t = std::get_if<ast::Teach>(&e.node)) return teach(*t, at);
  const auto* call = std::get_if<ast::Call>(&e.node);
  return call == nullptr ? std::nullopt : ask(e, *call, at);
}

std::optional<Type> ScriptChecker::ask(const ast::Expr& e, const ast::Call& call, Checker& at) {
  const std::string& f = call.callee.text;
  const auto one_of = [&](std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), f) != list.end();
  };
  const bool moment = one_of({"E", "sd", "variance", "quantile"});
  if (f == "P" || moment || one_of({"marginal", "draws", "shift"})) {
    const std::size_t wanted = f == "quantile" ? 2 : 1;
    const bool counted = f != "draws";
    if (!call.has_bar || call.given.empty() || (counted && call.arguments.size() != wanted) || call.arguments.empty()) {
      at.report(diagnose<K::wrong_argument_count>(
                    e.span, f, f == "P" ? "one event, a bar and a posterior" : "a quantity, a bar and a posterior",
                    call.arguments.size())
                    .with_help(f == "P"          ? "write `P(EVENT | posterior)`"
                               : f == "quantile" ? "write `quantile(x, 0.9 | posterior)`"
                                                 : fmt::format("write `{}(x | posterior)`", f)));
      return Type::anything();
    }
    const ModelNames& names = posterior(*call.given[0], at);
    const ast::Expr& quantity = *call.arguments[0].value;
    Type x = at.about(quantity, names);
    const auto is_event = [&](const Type& t, const ast::Expr& written) {
      if (t.known() && t.base != Base::boolean)
        at.report(diagnose<K::not_an_event>(written.span, describe(t)));
      else if (t.known() && t.array())
        at.report(diagnose<K::not_an_event>(written.span, "an array of them")
                      .with_help("`all(…)` or `any(…)` make one event of an array"));
    };
    if (f == "P" || f == "shift") is_event(x, quantity);
    for (std::size_t i = 1; i < call.given.size(); ++i) is_event(at.about(*call.given[i], names), *call.given[i]);
    others(call, 1, at);
    if (moment && x.base == Base::label)
      at.report(diagnose<K::label_arithmetic>(quantity.span, "averaged")
                    .with_help("`marginal(x | post)` gives the probabilities of labels"));
    if (f == "P" || f == "shift") return Type::of(Base::real);
    x.latent = false;
    x.value.reset();
    x.bare_label.clear();
    if (moment) {
      x.base = Base::real;
      x.labels = nullptr;
      return x;
    }
    return Type::anything();
  }
  if (one_of({"evidence", "ledger", "summary", "predictive", "charged", "predict", "draw"})) {
    const bool bar = call.has_bar && !call.given.empty();
    if (!bar && call.arguments.empty()) {
      at.report(diagnose<K::missing_argument>(e.span, f, "posterior"));
      return Type::anything();
    }
    posterior(bar ? *call.given[0] : *call.arguments[0].value, at);
    if (f != "charged" && !bar) others(call, 1, at);
    return f == "evidence" || f == "charged" ? Type::of(Base::real) : Type::anything();
  }
  if (f == "mimicry" || f == "misfit") {
    for (std::size_t i = 0; i < call.arguments.size() && i < 2; ++i) posterior(*call.arguments[i].value, at);
    others(call, 2, at);
    return Type::of(Base::real);
  }
  if (one_of({"influence", "pgr"})) {
    if (f == "influence" && !call.arguments.empty()) posterior(*call.arguments[0].value, at);
    return Type::anything();
  }
  if (one_of({"read_csv", "read_json", "read_bif"})) {
    others(call, 0, at);
    return Type::of(f == "read_bif" ? Base::object : Base::record);
  }
  return std::nullopt;
}

}  // namespace hearsay::check
