// Statements of a script, one after the other.
#include "runtime/session/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lang/parse/parse.h"
#include "lang/sema/declare.h"
#include "lang/syntax/print.h"
#include "runtime/data/json.h"
#include "runtime/session/data.h"
#include "runtime/session/sources.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"
#include "stdlib/embedded.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

/// What a statement gives a meaning to, once in a text; null for sources, whose ledger says so itself.
const ast::Name* defined_name(const ast::Stmt& s) {
  return std::visit(
      [](const auto& node) -> const ast::Name* {
        using T = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<T, ast::LetStmt> || std::is_same_v<T, ast::FnDecl> ||
                      std::is_same_v<T, ast::DistDecl> || std::is_same_v<T, ast::ModelDecl> ||
                      std::is_same_v<T, ast::MapDecl> || std::is_same_v<T, ast::TokensDecl> ||
                      std::is_same_v<T, ast::AlgebraDecl>)
          return &node.name;
        else
          return nullptr;
      },
      s.node);
}

/// A file by whatever path it is reached.
std::string file_key(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, failed);
  return (failed ? path.lexically_normal() : whole).string();
}

}  // namespace

Session::Session(Settings settings, SessionOutput output)
    : settings_(std::move(settings)), output_(std::move(output)), top_(std::make_unique<Top>(environment_)) {
  environment_.interrupt = settings_.interrupt;
  top_->set_asker([this](const ast::Expr& e, Lowerer& at) { return ask(e, at); });
  top_->on_read = [this](const std::string& name) {
    const auto at = accuracy_.find(name);
    if (at == accuracy_.end()) return;
    if (engine_.empty() || at->second.error > error_) engine_ = at->second.engine;
    error_ = std::max(error_, at->second.error);
    drawn_ = drawn_ || at->second.drawn;
  };
  for (const stdlib::File& f : stdlib::files()) {
    const FileId id = sources_.add("stdlib/" + std::string(f.name), std::string(f.text));
    DiagnosticSink sink;
    const auto script = std::make_shared<const ast::Script>(parse_script(sources_, id, sink));
    scripts_.push_back(script);
    for (Diagnostic& d : sink.take()) report(std::move(d));
    if (auto r = declare_all(script, environment_); !r) report(std::move(r).error());
  }
}

Session::~Session() = default;

void Session::report(Diagnostic d) {
  // A mistake in a declaration would be found again at each of its uses.
  const std::string key = fmt::format("{} {} {}-{} {}", code(d.kind), static_cast<std::uint32_t>(d.primary.file),
                                      d.primary.begin, d.primary.end, d.message);
  if (sources_.contains(d.primary.file) && !reported_.insert(key).second) return;
  if (severity(d.kind) == Severity::error) ++errors_;
  if (output_.diagnostic) output_.diagnostic(d);
}

void Session::define(const std::string& name, Value value) {
  environment_.values[name] = std::move(value);
  defined_.insert(name);
}

std::size_t Session::run_file(const std::string& path) {
  auto text = read_text(path);
  if (!text) {
    report(std::move(text).error());
    return 1;
  }
  const std::string outer = std::exchange(folder_, std::filesystem::path(path).parent_path().string());
  imported_[file_key(path)] = true;  // a file that imports itself, or is imported by what it imports
  begin_run();
  const std::size_t n = load(sources_.add(path, *std::move(text)), true);
  folder_ = outer;
  return n;
}

std::size_t Session::run_text(const std::string& name, std::string text) {
  begin_run();
  return load(sources_.add(name, std::move(text)), true);
}

std::size_t Session::check_text(const std::string& name, std::string text) {
  return load(sources_.add(name, std::move(text)), false);
}

std::size_t Session::check_file(const std::string& path) {
  auto text = read_text(path);
  if (!text) {
    report(std::move(text).error());
    return 1;
  }
  const std::string outer = std::exchange(folder_, std::filesystem::path(path).parent_path().string());
  imported_[file_key(path)] = true;
  const std::size_t n = load(sources_.add(path, *std::move(text)), false);
  folder_ = outer;
  return n;
}

std::size_t Session::load(FileId file, bool run) {
  const std::size_t before = errors_;
  DiagnosticSink sink;
  const auto script = std::make_shared<const ast::Script>(parse_script(sources_, file, sink));
  scripts_.push_back(script);
  std::vector<SourceSpan> unreadable;
  for (Diagnostic& d : sink.take()) {
    unreadable.push_back(d.primary);
    // A statement that lacks no more than its end or its strength was read all the same.
    if (d.kind != K::missing_semicolon && d.kind != K::missing_strength && d.kind != K::not_a_distribution)
      checker_.distrust(d.primary);
    report(std::move(d));
  }
  // After a syntax error nothing is run; what was understood is still checked, so that one run shows every mistake it
  // can.
  const bool only_check = !run || errors_ > before;
  checker_.announce(*script);
  if (only_check) proofs_ = shared_ledger_;
  const auto readable = [&](const ast::Stmt& s) {
    return std::ranges::none_of(unreadable, [&](const SourceSpan& at) {
      return at.file == s.span.file && at.begin >= s.span.begin && at.begin <= s.span.end;
    });
  };
  std::map<std::pair<std::size_t, std::string>, SourceSpan> defined;  // here: what an earlier input defined may change
  for (const auto& s : script->statements) {
    if (const ast::Name* name = defined_name(*s)) {
      const auto [first, fresh] = defined.try_emplace({s->node.index(), name->text}, name->span);
      if (!fresh) {
        report(diagnose<K::duplicate_name>(name->span, name->text).label(first->second, "defined here first"));
        continue;
      }
    }
    // The name of a file that is not spelt out is no name.
    if (std::holds_alternative<ast::ImportStmt>(s->node) && !readable(*s)) continue;
    try {
      if (only_check) {
        const std::size_t found = errors_;
        check_statement(script, *s);
        if (errors_ == found) prove_budgets(*s);
      } else {
        statement(script, *s);
      }
    } catch (Failure& f) {
      top_->reset();
      if (!f.silent) report(std::move(f.diagnostic));
      if (const auto* l = std::get_if<ast::LetStmt>(&s->node)) {
        environment_.values.erase(l->name.text);
        top_->poison(l->name.text);
      }
    }
    if (settings_.interrupt != nullptr && settings_.interrupt->load()) break;
  }
  return errors_ - before;
}

std::string Session::slice(SourceSpan span) const {
  std::string out;
  bool space = false;
  for (const char c : sources_.text(span)) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

void Session::import(const ast::ImportStmt& s, bool run) {
  const std::filesystem::path path = std::filesystem::path(s.path).is_absolute()
                                         ? std::filesystem::path(s.path)
                                         : std::filesystem::path(folder_) / s.path;
  if (std::exchange(imported_[file_key(path)], true)) return;
  auto text = read_text(path.string(), s.path_span);
  if (!text) throw Failure{std::move(text).error()};
  const std::string outer = std::exchange(folder_, path.parent_path().string());
  load(sources_.add(path.string(), *std::move(text)), run);
  folder_ = outer;
}

void Session::statement(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& s) {
  if (const auto* i = std::get_if<ast::ImportStmt>(&s.node)) return import(*i, true);
  auto declared = declare(script, s, environment_);
  if (!declared) throw Failure{std::move(declared).error()};
  if (*declared) {
    if (!std::holds_alternative<ast::SourceDecl>(s.node)) fidelity_.clear();
    if (const auto* m = std::get_if<ast::ModelDecl>(&s.node)) {
      priors_.erase(m->name.text);
      // Without parameters it can be lowered, which sees more than the check of what awaits its data.
      if (m->parameters.empty())
        check_model(*m);
      else
        check_declaration(s);
    }
    if (std::holds_alternative<ast::FnDecl>(s.node) || std::holds_alternative<ast::DistDecl>(s.node))
      check_declaration(s);
    if (const auto* src = std::get_if<ast::SourceDecl>(&s.node)) declare_source(*src, shared_ledger_);
    return;
  }
  const auto* l = std::get_if<ast::LetStmt>(&s.node);
  statement_ = l != nullptr ? "let " + l->name.text : slice(s.span);
  inferences_ = 0;
  target_.clear();
  if (l != nullptr) {
    make_value(*l, s.span);
  } else if (const auto* p = std::get_if<ast::PrintStmt>(&s.node)) {
    for (const auto& e : p->values) print(*e);
  } else if (const auto* e = std::get_if<ast::ExprStmt>(&s.node)) {
    print(*e->value);
  } else if (const auto* x = std::get_if<ast::ExpectStmt>(&s.node)) {
    expect(*x->condition);
  } else if (const auto* c = std::get_if<ast::CheckStmt>(&s.node)) {
    check_map(*c, s.span);
  } else if (const auto* ex = std::get_if<ast::ExportStmt>(&s.node)) {
    export_to(*ex, s.span);
  } else if (std::holds_alternative<ast::PlotStmt>(s.node)) {
    raise_not_yet(s.span, NotYet::plot);
  } else if (std::holds_alternative<ast::ReportStmt>(s.node)) {
    raise_not_yet(s.span, NotYet::report);
  } else if (std::holds_alternative<ast::CalibrateStmt>(s.node)) {
    raise_not_yet(s.span, NotYet::calibrate);
  } else {
    raise<K::only_in_model>(s.span);
  }
  withdraw_stale();
}

void Session::make_value(const ast::LetStmt& l, SourceSpan span) {
  target_ = l.name.text;
  begin_question();
  Sym value = l.binders.empty() ? top_->eval(*l.value) : top_->comprehension(l.binders, *l.value, span);
  target_.clear();
  end_question(l.value->span);
  Value v;
  if (value.other)
    v = *value.other;
  else
    v.data = *value.known;
  defined_.erase(l.name.text);
  // What is asked of a posterior is as accurate as the inference, whatever its data are.
  const bool posterior = v.object<Posterior>() != nullptr;
  environment_.values[l.name.text] = std::move(v);
  accuracy_[l.name.text] = {error_, engine_, drawn_ && !posterior};
}

/// Budgets of what is stated outside of models, where the counts are known without running: the claims of an inference
/// are counted and charged, but nothing is inferred. Whatever cannot be told without running is left to the run.
void Session::prove_budgets(const ast::Stmt& s) {
  const auto report_evidence = [&](Diagnostic d) {
    if (std::string_view(code(d.kind)).starts_with("E04")) report(std::move(d));
  };
  checking_ = true;
  try {
    const auto* l = std::get_if<ast::LetStmt>(&s.node);
    const auto* i = l != nullptr ? std::get_if<ast::Infer>(&l->value->node) : nullptr;
    if (const auto* source = std::get_if<ast::SourceDecl>(&s.node)) {
      declare_source(*source, proofs_);
    } else if (i != nullptr) {
      auto lowerer = model_lowerer(i->model.text, i->arguments, i->model.span, *top_);
      lowerer->lower_body();
      lowerer->lower_given(i->given, top_.get(), nullptr);
      lowerer->finish();
      Posterior p(lowerer, settings_, l->value->span);
      statement_ = "let " + l->name.text;
      inferences_ = 0;
      if (auto r = p.prove(proofs_, claimant(), site_ids_); !r) report_evidence(std::move(r).error());
    }
  } catch (Failure& f) {
    top_->reset();
    if (!f.silent) report_evidence(std::move(f.diagnostic));
  }
  checking_ = false;
}

/// A source whose declaration is run again keeps what was charged to it; two declarations in one script are a mistake.
void Session::declare_source(const ast::SourceDecl& s, evidence::EvidenceLedger& books) {
  const auto before = declared_.find(s.name.text);
  const auto known = books.find_source(s.name.text);
  try {
    evidence::SourceTerms terms = unwrap(source_terms(s, *top_), s.name.span);
    if (known && before != declared_.end() && before->second != run_)
      unwrap(books.redeclare_source(*known, std::move(terms)), s.name.span);
    else
      unwrap(books.declare_source(std::move(terms)), s.name.span);
  } catch (const Failure&) {
    if (!known) environment_.sources.erase(s.name.text);  // no books are kept for it: nothing can be charged to it
    throw;
  }
  declared_[s.name.text] = run_;
}

std::string Session::claimant() { return fmt::format("{}#{}", statement_, ++inferences_); }

void Session::withdraw_stale() {
  for (std::size_t k = inferences_ + 1;; ++k) {
    const auto sites = sites_of(site_ids_, fmt::format("{}#{}", statement_, k));
    if (sites.empty()) return;
    shared_ledger_.withdraw(sites);
  }
}

void Session::begin_run() {
  ++run_;
  errors_before_ = errors_;
  failed_before_ = failed_expectations_;
}

void Session::begin_question() {
  error_ = 0;
  converged_ = true;
  engine_.clear();
  drawn_ = false;
}

void Session::end_question(SourceSpan span) {
  if (!converged_)
    report(diagnose<K::accuracy_not_reached>(span, error_, settings_.tolerance)
               .with_help("its bound holds; `hearsay help W0536` says what usually stands in the way"));
  converged_ = true;
}

namespace {

/// Where a value is not a number: `[2, 3]`, `.y[1]`, "" for the whole; nothing if all of it is.
std::optional<std::string> nan_in(const ArrayValue& a) {
  if (a.type != ScalarType::real) return std::nullopt;
  for (std::size_t flat = 0; flat < a.size(); ++flat) {
    if (!std::isnan(a.at(flat).r)) continue;
    return a.shape.empty() ? "" : fmt::format("[{}]", fmt::join(subscripts(flat, a.shape), ", "));
  }
  return std::nullopt;
}

std::optional<std::string> nan_in(const Value& v) {
  if (const ArrayValue* a = v.array()) return nan_in(*a);
  if (const Record* r = v.record())
    for (const auto& [name, field] : *r)
      if (const auto at = nan_in(field)) return "." + name + *at;
  return std::nullopt;
}

/// A comparison that holds although a side of it is not a number.
bool may_hide_nan(const ast::Expr& e) {
  const auto* b = std::get_if<ast::Binary>(&e.node);
  return b != nullptr && b->op == ast::BinaryOp::not_equal;
}

}  // namespace

/// No script gives NaN as an answer: it would be taken for a number further on.
void Session::refuse_nan(const Sym& s, SourceSpan span) const {
  const auto at = s.other ? nan_in(*s.other) : s.known ? nan_in(*s.known) : std::nullopt;
  if (!at) return;
  raise_help<K::not_a_number>(span, "an operation in it has no value, as 0/0 and log(-1) have none",
                              at->empty() ? "this" : fmt::format("`{}{}`", slice(span), *at));
}

void Session::print(const ast::Expr& e) {
  begin_question();
  const Sym s = top_->eval(e);
  if (errors_ > errors_before_ || explain_) return;  // the answers of a script with errors are not answers
  end_question(e.span);
  refuse_nan(s, e.span);
  Printed p;
  p.expression = slice(e.span);
  if (s.other) {
    p.value = *s.other;
    if (const auto* text = s.other->string()) p.text = *text;
    if (const auto t = s.other->object<TextObject>())
      p.text = t->text;
    else if (const auto o = s.other->object<Object>())
      p.text = "a " + o->kind();
    if (const Record* r = s.other->record()) p.text = to_text(*r);
  } else {
    p.value.data = *s.known;
    p.value.error = error_;
    p.text = to_text(*s.known);
    const bool number = s.known->type == ScalarType::real;
    p.drawn = drawn_;
    p.exact = !engine_.empty() && number && error_ == 0 && !drawn_;
    if (p.exact)
      p.accuracy = "exact";
    else if (number && drawn_ && error_ == 0)
      p.accuracy = "drawn";
    else if (number && !engine_.empty())
      p.accuracy = fmt::format("± {:.1e}, {}{}", error_, engine_, drawn_ ? ", drawn" : "");
  }
  if (output_.print) output_.print(p);
}

void Session::expect(const ast::Expr& e) {
  begin_question();
  const Sym s = top_->eval(e);
  if (errors_ - errors_before_ > failed_expectations_ - failed_before_) return;
  end_question(e.span);
  if (!s.known || s.type != ScalarType::boolean) raise<K::not_an_event>(e.span, "not true or false");
  ++expectations_;
  bool all = true;
  for (std::size_t i = 0; i < s.known->size(); ++i) all = all && s.known->at(i).truth();
  if (all && !may_hide_nan(e)) return;
  Diagnostic d = diagnose<K::expectation_failed>(e.span);
  // The two sides of a comparison, so that the message says by how much.
  if (const auto* b = std::get_if<ast::Binary>(&e.node)) {
    const bool comparison = b->op >= ast::BinaryOp::equal && b->op <= ast::BinaryOp::greater_equal;
    if (comparison) {
      inferences_ = 0;  // the same inferences once more
      const Sym left = top_->eval(*b->left), right = top_->eval(*b->right);
      refuse_nan(left, b->left->span);
      refuse_nan(right, b->right->span);
      if (left.known && right.known)
        d.labels = {{b->left->span, "this is " + to_text(*left.known)},
                    {b->right->span, "this is " + to_text(*right.known)}};
    }
  }
  if (all) return;
  ++failed_expectations_;
  report(std::move(d));
}

void Session::export_to(const ast::ExportStmt& s, SourceSpan span) {
  const Sym path = top_->eval(*s.path);
  if (!path.other || path.other->string() == nullptr)
    raise<K::wrong_type>(s.path->span, "a file name", "something else");
  const Sym value = top_->eval(*s.value);
  refuse_nan(value, s.value->span);
  const std::filesystem::path given(*path.other->string());
  const std::string target = given.is_absolute() ? given.string() : (std::filesystem::path(folder_) / given).string();
  unwrap(export_value(value, target, s.value->span, [&](const Posterior& p) { return summary(p); }), span);
}

Result<std::shared_ptr<ModelLowerer>> Session::lower_model(const std::string& name) {
  const auto at = environment_.models.find(name);
  if (at == environment_.models.end()) return fail(diagnose<K::unknown_name>({}, "model", name));
  try {
    auto lowerer = std::make_shared<ModelLowerer>(environment_, name, at->second);
    std::vector<std::pair<std::optional<std::string>, Value>> arguments;
    for (const ast::Parameter& p : at->second.decl->parameters)
      if (const auto v = environment_.values.find(p.name.text); v != environment_.values.end())
        arguments.emplace_back(p.name.text, v->second);
    lowerer->bind(arguments, at->second.decl->name.span);
    lowerer->lower_body();
    lowerer->finish();
    lowerer->leave_unscheduled();
    return lowerer;
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

}  // namespace hearsay
