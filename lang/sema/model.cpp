// Statements of a model: latents, tokens, lets, hard evidence, structure. Soft evidence is in claims.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

ModelLowerer::ModelLowerer(const Environment& environment, std::string model_name, const ModelSource& source)
    : Lowerer(environment, std::make_shared<ir::Module>()),
      name_(std::move(model_name)),
      decl_(source.decl),
      model_data_(source.data) {
  simplex_tolerance_ = source.simplex_tolerance;
  for (const auto& [n, v] : model_data_) define(n, from_value(v));
}

void ModelLowerer::local_alphabets(std::vector<AlphabetPtr>& out) const {
  out.insert(out.end(), alphabets_.begin(), alphabets_.end());
}

ir::SiteId ModelLowerer::site(SourceSpan span, std::string what) { return module_->add_site({span, std::move(what)}); }

void ModelLowerer::add_term(ir::TermKind kind, ir::SiteId at, ExprId body, ir::SourceId source) {
  for (std::size_t i = conditions_.size(); i-- > 0;) body = module_->select(conditions_[i], body, module_->real(0));
  ir::Term t;
  t.kind = kind;
  t.site = at;
  t.order = order_;
  t.source = source;
  for (const Loop& l : loops_) t.plate.push_back(l.index);
  t.body = module_->to_real(body);
  module_->add_term(std::move(t));
}

std::vector<ExprId> ModelLowerer::loop_values(std::size_t from) {
  std::vector<ExprId> r;
  for (std::size_t i = from; i < loops_.size(); ++i) r.push_back(module_->index_value(loops_[i].index));
  return r;
}

std::size_t ModelLowerer::instance_count() const {
  std::size_t n = 1;
  for (const Loop& l : loops_) n *= static_cast<std::size_t>(module_->index(l.index).extent());
  return n;
}

/// Over what an observation of a value of this shape runs: what is left of it when the shape of one outcome is taken
/// off, or, where one outcome is observed under many distributions, these.
std::vector<std::int64_t> ModelLowerer::plate_of_outcomes(const DistInstance& d, std::span<const std::int64_t> y,
                                                          const std::vector<std::int64_t>& lifted, SourceSpan span) {
  const std::vector<std::int64_t> one = outcome_shape(d);
  const auto clash = [&](const std::vector<std::int64_t>& wanted) {
    raise<K::shape_mismatch>(span, fmt::format("[{}]", fmt::join(y, ", ")),
                             fmt::format("[{}]", fmt::join(wanted, ", ")));
  };
  const bool fits = y.size() >= one.size() && std::equal(one.rbegin(), one.rend(), y.rbegin());
  std::vector<std::int64_t> wanted = lifted;
  wanted.insert(wanted.end(), one.begin(), one.end());
  if (!fits) clash(wanted);
  std::vector<std::int64_t> plate(y.begin(), y.end() - static_cast<std::ptrdiff_t>(one.size()));
  if (plate.empty()) return lifted;
  if (!lifted.empty() && lifted != plate) clash(wanted);
  return plate;
}

void ModelLowerer::observe(const ast::ObserveStmt& s, SourceSpan span) {
  const ir::SiteId at = site(span, "observe");
  if (!s.dist) {
    Sym event = boolean(eval(*s.subject), s.subject->span);
    const std::size_t outer = loops_.size();
    for (const std::int64_t extent : event.shape) loops_.push_back({module_->add_index("i", 1, extent)});
    const ExprId e = expr(event.shape.empty() ? event : sub(event, loop_values(outer)));
    add_term(ir::TermKind::evidence, at, module_->select(e, module_->real(0), module_->real(-infinity)));
    loops_.resize(outer);
    return;
  }
  Sym y = eval(*s.subject);
  if (y.other) raise<K::wrong_type>(s.subject->span, "numbers", "something else");
  DistInstance d = distribution(*s.dist);
  if (y.known && y.type == ScalarType::real)
    for (std::size_t i = 0; i < y.known->size(); ++i)
      if (std::isnan(y.known->at(i).r))
        raise<K::wrong_type>(s.subject->span, "numbers", fmt::format("NaN at element {}", i + 1));
  const std::vector<std::int64_t> lifted = lifted_shape(d);
  const std::vector<std::int64_t> shape = plate_of_outcomes(d, y.shape, lifted, span);
  const std::size_t outer = loops_.size();
  for (const std::int64_t extent : shape) loops_.push_back({module_->add_index("i", 1, extent)});
  const std::vector<ExprId> index = loop_values(outer);
  if (!lifted.empty()) d = this->at(d, index);
  const Sym value = y.shape.size() < index.size() ? y : sub(y, index);
  if (const auto valid = validity(d))
    add_term(ir::TermKind::evidence, at, module_->select(*valid, module_->real(0), module_->real(std::nan(""))));
  add_term(ir::TermKind::evidence, at, logp(d, value));
  loops_.resize(outer);
}

namespace {

bool has_jeffrey(const ast::Block& b);
bool has_jeffrey(const ast::Stmt& s) {
  if (const auto* soft = std::get_if<ast::SoftObserveStmt>(&s.node))
    return soft->strength.form == ast::StrengthForm::jeffrey;
  if (std::holds_alternative<ast::JointlyStmt>(s.node)) return true;
  if (const auto* f = std::get_if<ast::ForStmt>(&s.node)) return has_jeffrey(f->body);
  if (const auto* i = std::get_if<ast::IfStmt>(&s.node)) return has_jeffrey(i->then_body) || has_jeffrey(i->else_body);
  return false;
}
bool has_jeffrey(const ast::Block& b) {
  return std::any_of(b.begin(), b.end(), [](const ast::StmtPtr& s) { return has_jeffrey(*s); });
}

}  // namespace

void ModelLowerer::unroll(const ast::ForStmt& s, std::int64_t low, std::int64_t size, bool in_given) {
  for (std::int64_t i = 0; i < size; ++i) {
    stop_if_interrupted();
    const ScopeGuard inner(*this, false);
    define(s.index.text, known(Scalar::integer(low + i)));
    block(s.body, in_given);
  }
}

/// Whether a loop inside has bounds that differ with the indices around it, as `for k in 1..n[i]` has: there is no
/// rolled form of these. Bounds that read what the block itself defines are left to their own loop.
bool ModelLowerer::inner_bounds_vary(const ast::Block& b) {
  return std::any_of(b.begin(), b.end(), [&](const ast::StmtPtr& s) {
    if (const auto* i = std::get_if<ast::IfStmt>(&s->node))
      return inner_bounds_vary(i->then_body) || inner_bounds_vary(i->else_body);
    const auto* f = std::get_if<ast::ForStmt>(&s->node);
    if (f == nullptr) return false;
    const ScopeGuard scope(*this, false);
    try {
      const Sym low = eval(*f->low), high = eval(*f->high);
      const auto from = materialise(low), to = materialise(high);
      if (!from || !to) return !ir::dependence(*module_, expr(from ? high : low)).on_latents();
      if (to->at(0).as_real() < from->at(0).as_real()) return false;
      const auto first = known_integer(low, f->low->span, "the start of a loop");
      const auto last = known_integer(high, f->high->span, "the end of a loop");
      define(f->index.text, scalar(module_->index_value(module_->add_index(f->index.text, first, last))));
      return inner_bounds_vary(f->body);
    } catch (const Failure&) {
      return false;
    }
  });
}

void ModelLowerer::loop(const ast::ForStmt& s, bool in_given) {
  const Sym low_value = eval(*s.low), high_value = eval(*s.high);
  const std::int64_t low = known_integer(low_value, s.low->span, "the start of a loop");
  const std::int64_t high = known_integer(high_value, s.high->span, "the end of a loop");
  const std::int64_t size = extent(low, high, s.high->span);
  if (size == 0) return;
  const ScopeGuard scope(*this, false);
  OrderNode* parent = order_path_.back();
  if (has_jeffrey(s.body)) {
    // Each instance depends on the answer to those before it: no rolled form.
    unroll(s, low, size, in_given);
    return;
  }
  const ir::IndexId index = module_->add_index(s.index.text, low, high);
  define(s.index.text, scalar(module_->index_value(index)));
  if (inner_bounds_vary(s.body)) {
    unroll(s, low, size, in_given);
    return;
  }
  loops_.push_back({index});
  parent->children.push_back({});
  parent->children.back().extent = size;
  order_path_.push_back(&parent->children.back());
  block(s.body, in_given);
  order_path_.pop_back();
  loops_.pop_back();
}

void ModelLowerer::block(const ast::Block& b, bool in_given) {
  for (const auto& s : b) {
    if (sink_ == nullptr) {
      statement(*s, in_given);
      continue;
    }
    // Report and go on; what the statement would have defined is known to be missing.
    const std::size_t scopes = scopes_.size(), loops = loops_.size(), conditions = conditions_.size(),
                      guards = guards_.size(), path = order_path_.size(), calls = calls_.size(), floor = scope_floor_;
    try {
      statement(*s, in_given);
    } catch (Failure& f) {
      if (!f.silent) sink_->report(std::move(f.diagnostic));
      scopes_.resize(scopes);
      loops_.resize(loops);
      conditions_.resize(conditions);
      guards_.resize(guards);
      order_path_.resize(path);
      calls_.resize(calls);
      scope_floor_ = floor;
      lenient_names_ = false;
      if (const auto* x = std::get_if<ast::SampleStmt>(&s->node)) poison(x->name.text);
      if (const auto* l = std::get_if<ast::LetStmt>(&s->node)) poison(l->name.text);
      if (const auto* g = std::get_if<ast::GenerateStmt>(&s->node)) poison(g->name.text);
      if (const auto* e = std::get_if<ast::EventDecl>(&s->node)) poison(e->name.text);
      if (std::holds_alternative<ast::EmitStmt>(s->node)) poison("emit");
    }
  }
}

void ModelLowerer::statement(const ast::Stmt& stmt, bool in_given) {
  here_ = stmt.span;
  ++order_;
  if (const auto* s = std::get_if<ast::SampleStmt>(&stmt.node)) {
    sample(*s, stmt.span);
  } else if (const auto* e = std::get_if<ast::EmitStmt>(&stmt.node)) {
    emit(*e, stmt.span);
  } else if (const auto* l = std::get_if<ast::LetStmt>(&stmt.node)) {
    let(*l);
  } else if (const auto* o = std::get_if<ast::ObserveStmt>(&stmt.node)) {
    observe(*o, stmt.span);
  } else if (const auto* so = std::get_if<ast::SoftObserveStmt>(&stmt.node)) {
    mapped_.clear();
    soft_observe(*so, stmt.span);
    if (!mapped_.empty()) maps_used[so->source ? so->source->text : ""].merge(mapped_);
  } else if (const auto* j = std::get_if<ast::JointlyStmt>(&stmt.node)) {
    mapped_.clear();
    jointly(*j, stmt.span);
    if (!mapped_.empty()) maps_used[j->source ? j->source->text : ""].merge(mapped_);
  } else if (const auto* f = std::get_if<ast::FactorStmt>(&stmt.node)) {
    const Sym w = eval(*f->value);
    if (!w.is_scalar() || w.labels || w.type == ScalarType::boolean)
      raise<K::wrong_type>(f->value->span, "a log-weight (one number)", "something else");
    const ir::SiteId at = site(stmt.span, "factor");
    add_term(ir::TermKind::factor, at, real_expr(w));
    unaccounted.push_back({at, stmt.span, "factor"});
  } else if (const auto* f2 = std::get_if<ast::ForStmt>(&stmt.node)) {
    loop(*f2, in_given);
  } else if (const auto* i = std::get_if<ast::IfStmt>(&stmt.node)) {
    const Sym c = boolean(eval(*i->condition), i->condition->span);
    if (!c.shape.empty()) raise<K::not_an_event>(i->condition->span, "an array");
    if (c.is_known_scalar()) {
      const ScopeGuard scope(*this, false);
      block(c.known->at(0).truth() ? i->then_body : i->else_body, in_given);
      return;
    }
    const ExprId reached = expr(c);
    const auto side = [&](const ast::Block& b, bool truth) {
      const ScopeGuard scope(*this, false);
      guards_.emplace_back(reached, truth);
      conditions_.push_back(truth ? reached : module_->prim(Op::logical_not, {reached}));
      block(b, in_given);
      conditions_.pop_back();
      guards_.pop_back();
    };
    side(i->then_body, true);
    side(i->else_body, false);
  } else if (const auto* g = std::get_if<ast::GenerateStmt>(&stmt.node)) {
    Sym value = g->binders.empty() ? eval(*g->value)
                                   : from_binders(
                                         g->binders, [&] { return eval(*g->value); }, stmt.span);
    if (find_local(g->name.text) != nullptr) raise<K::duplicate_name>(g->name.span, g->name.text);
    define(g->name.text, std::move(value));
  } else if (const auto* ev = std::get_if<ast::EventDecl>(&stmt.node)) {
    if (find_local(ev->name.text) != nullptr) raise<K::duplicate_name>(ev->name.span, ev->name.text);
    define(ev->name.text, boolean(eval(*ev->value), ev->value->span));
  } else if (const auto* src = std::get_if<ast::SourceDecl>(&stmt.node)) {
    // A second budget under a name that claims are charged to already would let them out of the first.
    const auto before = local_sources.find(src->name.text);
    const bool again = before != local_sources.end() && before->second.get() != src;
    if (again || (before == local_sources.end() && charged_sources_.contains(src->name.text)))
      raise_help<K::duplicate_source>(src->name.span, "give this one another name, or leave it out", src->name.text);
    // The tree that holds it outlives this posterior through the model declaration or the script.
    local_sources[src->name.text] = std::shared_ptr<const ast::SourceDecl>(decl_, src);
  } else if (std::holds_alternative<ast::ExprStmt>(stmt.node)) {
    raise_help<K::not_in_model>(stmt.span, "evidence is stated by `observe …;` or `soft observe …;`",
                                "an expression by itself");
  } else if (std::holds_alternative<ast::PrintStmt>(stmt.node)) {
    raise<K::not_in_model>(stmt.span, "`print`");
  } else {
    raise<K::not_in_model>(stmt.span, "this statement");
  }
}

void ModelLowerer::lower_body(DiagnosticSink* sink) {
  sink_ = sink;
  order_path_ = {&order_root_};
  block(decl_->body, false);
  sink_ = nullptr;
  if (decl_->emits && !stream.present && !poisoned_.contains("emit"))
    raise<K::missing_emission>(decl_->name.span, name_, decl_->emits->text);
}

void ModelLowerer::lower_given(const ast::Block& b, const Lowerer* outer, DiagnosticSink* sink) {
  outer_ = outer;
  sink_ = sink;
  order_path_ = {&order_root_};
  const ScopeGuard scope(*this, false);
  block(b, true);
  outer_ = nullptr;
  sink_ = nullptr;
}

Sym ModelLowerer::query(const ast::Expr& e, const Lowerer* outer) {
  outer_ = outer;
  const ScopeGuard scope(*this, false);
  Sym s = eval(e);
  outer_ = nullptr;
  check_obligations();
  return up_to_evidence(std::move(s));
}

Sym ModelLowerer::up_to_evidence(Sym s) const {
  std::replace(s.shape.begin(), s.shape.end(), unbounded_stream, evidence_horizon_);
  return s;
}

std::optional<Sym> ModelLowerer::special_name(const std::string& name, SourceSpan span) {
  if (outer_ != nullptr)
    if (const Sym* s = outer_->find_local(name)) {
      if (s->known || s->other) return *s;
      raise<K::not_known>(span, fmt::format("`{}`", name));
    }
  if (name == "next" && stream.present) return known(Scalar::integer(evidence_horizon_ + 1));
  if (name == "emit" && !stream.present) {
    if (poisoned_.contains("emit")) throw Failure{diagnose<K::no_emit>(span), true};
    raise<K::no_emit>(span);
  }
  return std::nullopt;
}

std::optional<Sym> ModelLowerer::special_call(const ast::Expr& e, const ast::Call& call) {
  const auto map = environment_.maps.find(call.callee.text);
  if (map == environment_.maps.end() || find_local(call.callee.text) != nullptr) return std::nullopt;
  if (map->second->to.text != name_)
    raise<K::wrong_map_target>(call.callee.span, call.callee.text, map->second->to.text, name_);
  if (call.arguments.size() != 1)
    raise<K::wrong_argument_count>(e.span, call.callee.text, "one event", call.arguments.size());
  // The image of a mapped event; of a union of mapped events, the union of the images.
  const std::function<Sym(const ast::Expr&)> image = [&](const ast::Expr& event) -> Sym {
    const std::string text = ast::print(event);
    for (const auto& rule : map->second->rules)
      if (ast::print(*rule.from) == text) {
        mapped_.insert(call.callee.text);
        return boolean(eval(*rule.to), rule.to->span);
      }
    if (const auto* b = std::get_if<ast::Binary>(&event.node); b != nullptr && b->op == ast::BinaryOp::logical_or)
      return apply(Op::logical_or, {image(*b->left), image(*b->right)}, event.span);
    std::vector<std::string> events;
    for (const auto& rule : map->second->rules) events.push_back("`" + ast::print(*rule.from) + "`");
    raise_help<K::not_mapped>(event.span, fmt::format("it maps {}, and unions of these", fmt::join(events, ", ")),
                              call.callee.text);
  };
  return image(*call.arguments[0].value);
}

// ---------------------------------------------------------------- horizon

/// The last token that expressions read, apart from what runs over the whole stream.
std::int64_t ModelLowerer::horizon_of(std::span<const ExprId> roots) {
  std::int64_t horizon = 0;
  std::unordered_set<std::uint32_t> seen;
  std::vector<ExprId> todo(roots.begin(), roots.end());
  while (!todo.empty()) {
    const ExprId e = todo.back();
    todo.pop_back();
    if (!seen.insert(static_cast<std::uint32_t>(e)).second) continue;
    const ir::Inst in = module_->inst(e);
    for (const ExprId o : in.operands) todo.push_back(o);
    if (in.code == ir::Opcode::let) todo.push_back(module_->lets[in.payload].body);
    if (in.code != ir::Opcode::latent || !module_->latents[in.payload].stream) continue;
    const ir::Dependence d = ir::dependence(*module_, in.operands[0]);
    const bool over_stream = std::any_of(d.free_indices.begin(), d.free_indices.end(), [&](ir::IndexId i) {
      return std::find(stream.indices.begin(), stream.indices.end(), i) != stream.indices.end();
    });
    if (over_stream) continue;
    const Interval r = range(in.operands[0]);
    if (r.high >= static_cast<double>(unbounded_stream)) raise<K::emit_without_index>(here_);
    horizon = std::max(horizon, static_cast<std::int64_t>(r.high));
  }
  return horizon;
}

ir::Module ModelLowerer::module_with_horizon(std::int64_t horizon) const {
  ir::Module m = *module_;
  for (const ir::IndexId i : stream.indices) m.indices[ir::raw(i)].high = horizon;
  for (const ir::LatentId l : stream.latents) m.latents[ir::raw(l)].shape = {horizon};
  return m;
}

void ModelLowerer::finish() {
  std::vector<ExprId> roots;
  for (const ir::Term& t : module_->terms) roots.push_back(t.body);
  for (const JeffreyTask& j : jeffrey)
    for (const auto& target : j.targets) roots.insert(roots.end(), target.cells.begin(), target.cells.end());
  evidence_horizon_ = horizon_of(roots);
  // Bounds are checked with the stream cut to what is used; one more token, so that the step to it is checked too.
  std::vector<std::int64_t> high;
  for (const ir::IndexId i : stream.indices) {
    high.push_back(module_->index(i).high);
    module_->indices[ir::raw(i)].high = std::min<std::int64_t>(evidence_horizon_ + 1, 1000);
  }
  check_obligations();
  for (std::size_t i = 0; i < high.size(); ++i) module_->indices[ir::raw(stream.indices[i])].high = high[i];
  runs.clear();
  flatten(order_root_, 0, runs);
}

}  // namespace hearsay
