// infer, teach, draw: posteriors are made here.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lang/evidence/schedule.h"
#include "lang/parse/parse.h"
#include "lang/rng/stream.h"
#include "lang/support/large.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"
#include "runtime/session/session.h"
#include "runtime/session/sources.h"
#include "runtime/session/top.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

constexpr std::int64_t kMostTokens = 1000000000;

}  // namespace

std::shared_ptr<ModelLowerer> Session::model_lowerer(const std::string& name,
                                                     const std::vector<ast::Argument>& arguments, SourceSpan span,
                                                     Lowerer& at) {
  const auto model = environment_.models.find(name);
  if (model == environment_.models.end()) {
    std::vector<std::string> names;
    for (const auto& [n, m] : environment_.models) names.push_back(n);
    const std::string near = nearest_name(name, names);
    raise_help<K::unknown_name>(span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), "model", name);
  }
  if (top_->is_poisoned(name)) throw Failure{diagnose<K::unknown_name>(span, "model", name), true};
  std::vector<std::pair<std::optional<std::string>, Value>> values;
  for (const ast::Argument& a : arguments) {
    const Sym s = at.eval(*a.value);
    Value v;
    if (s.other)
      v = *s.other;
    else if (s.known)
      v.data = *s.known;
    else
      raise<K::not_known>(a.value->span, "a model's argument");
    values.emplace_back(a.name ? std::optional(a.name->text) : std::nullopt, std::move(v));
  }
  // What was defined before the script ran fills the parameters of its name that the script leaves open.
  const auto& parameters = model->second.decl->parameters;
  const auto positional = std::ranges::count_if(arguments, [](const ast::Argument& a) { return !a.name; });
  for (std::size_t k = static_cast<std::size_t>(positional); k < parameters.size(); ++k) {
    const std::string& wanted = parameters[k].name.text;
    const bool given =
        std::ranges::any_of(arguments, [&](const ast::Argument& a) { return a.name && a.name->text == wanted; });
    if (!given && defined_.contains(wanted)) values.emplace_back(wanted, environment_.values.at(wanted));
  }
  auto lowerer = std::make_shared<ModelLowerer>(environment_, name, model->second);
  lowerer->set_asker([this](const ast::Expr& e, Lowerer& l) { return ask(e, l); });
  lowerer->bind(values, span);
  return lowerer;
}

void Session::engine(const ast::Expr& e, Settings& settings) {
  const auto* call = std::get_if<ast::Call>(&e.node);
  const auto* name = std::get_if<ast::NameRef>(&e.node);
  const std::string engine = call != nullptr ? call->callee.text : name != nullptr ? name->text : "";
  if (engine == "exact" || engine == "quadrature")
    return;  // what finite models and those with one continuous latent get anyway
  if (engine == "enumerate") {
    settings.enumerate = true;
    return;
  }
  if (engine == "nuts") {
    settings.engine = Engine::nuts;
    if (call != nullptr) nuts_options(*call, settings.nuts);
    return;
  }
  if (engine == "smc") raise_not_yet(e.span, NotYet::engine_smc);
  if (engine == "laplace") raise_not_yet(e.span, NotYet::engine_laplace);
  if (engine == "optimize") raise_not_yet(e.span, NotYet::engine_optimize);
  raise_help<K::unknown_name>(e.span, "there are exact, enumerate, quadrature and nuts", "engine", engine);
}

/// `nuts(chains: 4, warmup: 1000, draws: 1000, thin: 1, target_accept: 0.8, max_depth: 10, dense: true)`
void Session::nuts_options(const ast::Call& call, nuts::Settings& nuts) {
  for (const ast::Argument& a : call.arguments) {
    if (!a.name)
      raise_help<K::wrong_argument_count>(a.value->span, "write `nuts(chains: 4, draws: 1000)`", "nuts",
                                          "arguments by name", call.arguments.size());
    const std::string& name = a.name->text;
    const Sym value = top_->eval(*a.value);
    const auto count = [&](std::int64_t least) {
      const std::int64_t n = top_->known_integer(value, a.value->span, name);
      if (n < least || n > 100000000)
        raise<K::wrong_type>(a.value->span, fmt::format("`{}` to be at least {}", name, least), fmt::format("{}", n));
      return static_cast<std::size_t>(n);
    };
    if (name == "chains") {
      nuts.chains = count(1);
    } else if (name == "warmup") {
      nuts.warmup = count(0);
    } else if (name == "draws") {
      nuts.draws = count(4);
    } else if (name == "thin") {
      nuts.thin = count(1);
    } else if (name == "max_depth") {
      nuts.max_depth = static_cast<std::uint32_t>(count(1));
    } else if (name == "target_accept") {
      const double target = top_->known_real(value, a.value->span, name);
      if (!(target > 0 && target < 1))
        raise<K::wrong_type>(a.value->span, "`target_accept` to be between 0 and 1", fmt::format("{}", target));
      nuts.adaptation.target_accept = target;
    } else if (name == "dense") {
      if (!value.is_known_scalar() || value.type != ScalarType::boolean)
        raise<K::wrong_type>(a.value->span, "`dense` to be true or false", "something else");
      nuts.adaptation.metric = value.known->at(0).truth() ? nuts::MetricKind::dense : nuts::MetricKind::diagonal;
    } else {
      raise_help<K::unknown_argument>(
          a.name->span, "there are chains, warmup, draws, thin, target_accept, max_depth and dense", "nuts", name);
    }
  }
}

/// What the diagnostics have to say against the draws, once for each posterior.
void Session::report_doubts(const Posterior& p, SourceSpan span) {
  const auto drawn = unwrap(p.draws(), span);
  if (drawn == nullptr) return;
  for (const Finding& f : drawn->findings) {
    Diagnostic d = diagnose<K::draws_in_doubt>(span, f.what);
    d.help = f.next;
    report(std::move(d));
  }
}

Sym Session::infer(const ast::Infer& i, SourceSpan span, Lowerer& at) {
  Settings settings = settings_;
  if (i.engine) engine(**i.engine, settings);
  auto lowerer = model_lowerer(i.model.text, i.arguments, i.model.span, at);
  lowerer->lower_body();
  DiagnosticSink sink;
  lowerer->lower_given(i.given, &at, &sink);
  std::vector<Diagnostic> found = sink.take();
  if (!found.empty()) {
    for (std::size_t k = 0; k + 1 < found.size(); ++k) report(std::move(found[k]));
    throw Failure{std::move(found.back())};
  }
  lowerer->finish();
  auto p = std::make_shared<Posterior>(lowerer, settings, span);
  unwrap(p->settle(shared_ledger_, claimant(), site_ids_), span);
  if (explain_ && output_.note) {
    output_.note(explanation(slice(i.model.span), *p));
  } else {
    // Answers are wanted sooner or later: what is impossible is said here, where the evidence stands.
    unwrap(p->settle_inference(), span);
    report_doubts(*p, span);
  }
  Value v;
  v.data = std::shared_ptr<const Object>(p);
  return Lowerer::from_value(v);
}

// ---------------------------------------------------------------- teach

/// What `teach` is short for.
std::string Session::expansion(const ast::Teach& t, std::uint64_t labels, std::int64_t read, const std::string& source,
                               Origins& origins) const {
  const auto called = [](const ast::Name& model, const std::vector<ast::Argument>& arguments) {
    std::vector<std::string> parts;
    for (const ast::Argument& a : arguments)
      parts.push_back((a.name ? a.name->text + ": " : "") + ast::print(*a.value));
    return parts.empty() ? model.text : fmt::format("{}({})", model.text, fmt::join(parts, ", "));
  };
  std::string text = "infer " + called(t.student, t.student_arguments) + " given {\n";
  text += "  source " + source;
  std::string terms;
  if (t.budget) terms += "budget: " + ast::print(**t.budget) + " nats";
  if (t.schedule) {
    if (!terms.empty()) terms += ", ";
    terms += "schedule: " + t.schedule->kind.text;
    if (!t.schedule->arguments.empty()) {
      terms += "(";
      for (std::size_t k = 0; k < t.schedule->arguments.size(); ++k) {
        if (k > 0) terms += ", ";
        const ast::Argument& a = t.schedule->arguments[k];
        terms += (a.name ? a.name->text + ": " : "") + ast::print(*a.value);
      }
      terms += ")";
    }
  }
  text += "(" + terms + ");\n";
  const auto from = [&](SourceSpan span) { origins.emplace_back(static_cast<std::uint32_t>(text.size()), span); };
  for (const auto& s : t.given) {
    from(s->span);
    text += "  " + ast::print(*s) + "\n";
  }
  if (t.via) {
    from(t.via->span);
    const auto map = environment_.maps.find(t.via->text);
    std::string targets;
    if (map != environment_.maps.end())
      for (const auto& rule : map->second->rules)
        targets += fmt::format(" {}({}) to P({} | {});", t.via->text, ast::print(*rule.from), ast::print(*rule.from),
                               called(t.teacher, t.teacher_arguments));
    // Beliefs about several events are one statement: one after the other, each would disturb those before it.
    const bool several = map != environment_.maps.end() && map->second->rules.size() > 1;
    if (several)
      text += fmt::format("  soft observe jointly {{{} }} from {};\n", targets, source);
    else if (!targets.empty())
      text += fmt::format("  soft observe{} from {};\n", targets.substr(0, targets.size() - 1), source);
  }
  if (labels > 0) {
    from((t.labels ? *t.labels : *t.forever_within)->span);
    const std::string label = source + "_labels[i]";
    const std::string token = read > 0 ? fmt::format("emit[i + {}]", read) : "emit[i]";
    const std::string event =
        t.through ? fmt::format("block({}, {}) == {}", token, t.through->text, label) : token + " == " + label;
    std::string strength = " from " + source;
    if (t.odds) strength = " odds " + ast::print(**t.odds) + strength;
    if (t.share) strength += " share " + ast::print(**t.share);
    text += fmt::format("  for i in 1..{} {{\n    soft observe {}{};\n  }}\n", labels, event, strength);
  }
  text += "}";
  if (t.engine) text += " using " + ast::print(**t.engine);
  return text;
}

std::int64_t Session::tokens_read(const ast::Teach& t, Lowerer& at) {
  const std::uint64_t draws = draws_;  // what is drawn behind `given` is drawn again when it counts
  std::int64_t read = 0;
  try {
    auto student = model_lowerer(t.student.text, t.student_arguments, t.student.span, at);
    student->lower_body();
    DiagnosticSink ignored;
    student->lower_given(t.given, &at, &ignored);
    student->finish();
    read = student->evidence_horizon();
  } catch (const Failure&) {
    // The inference itself says what is wrong.
  }
  draws_ = draws;
  return read;
}

SourceSpan Session::in_script(SourceSpan span) const {
  for (auto found = expansions_.find(span.file); found != expansions_.end(); found = expansions_.find(span.file)) {
    const Origins& origins = found->second;
    auto after = std::ranges::upper_bound(origins, span.begin, {}, &Origins::value_type::first);
    span = std::prev(after)->second;
  }
  return span;
}

std::uint32_t Session::line_of(SourceSpan span) const {
  const SourceSpan at = in_script(span);
  return sources_.locate(at.file, at.begin).line;
}

Sym Session::teach(const ast::Teach& t, SourceSpan span, Lowerer& at) {
  const std::string source = t.teacher.text;
  for (const ast::Name* model : {&t.student, &t.teacher})
    if (!environment_.models.contains(model->text)) {
      std::vector<std::string> names;
      for (const auto& [n, m] : environment_.models) names.push_back(n);
      const std::string near = nearest_name(model->text, names);
      raise_help<K::unknown_name>(model->span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), "model",
                                  model->text);
    }
  check_lesson(t, span);
  std::uint64_t labels = 0;
  std::string tail;
  if (t.labels) {
    const std::int64_t n = at.known_integer(at.eval(**t.labels), t.labels->get()->span, "a number of labels");
    if (n < 0 || n > kMostTokens)
      raise<K::wrong_type>(t.labels->get()->span, "a number of labels of 0 or more", fmt::format("{}", n));
    labels = static_cast<std::uint64_t>(n);
  }
  if (t.forever_within) {
    // The stream is read until what the schedule still has to give is below the bound: the limit, finitely computed.
    const ast::Expr& within = **t.forever_within;
    const double bound = at.known_real(at.eval(within), within.span, "a bound in nats");
    if (!(bound > 0))
      raise<K::bad_strength>(within.span, fmt::format("a bound in nats above 0 is needed, not {}", bound));
    if (!t.schedule || !t.budget)
      raise_help<K::strength_needed>(
          span, "say `budget B nats; schedule geometric(0.99);` so that the stream's total strength is finite");
    const evidence::Schedule schedule = unwrap(schedule_of(*t.schedule, at), span);
    const double budget = at.known_real(at.eval(**t.budget), t.budget->get()->span, "a budget");
    const auto checked = unwrap(evidence::checked_budget(budget, t.budget->get()->span), span);
    const auto allotter = unwrap(evidence::Allotter::make(schedule, checked, t.schedule->kind.span), span);
    const auto n = allotter.ordinals_until_tail_below(evidence::Nats::of(bound));
    if (!n || *n > static_cast<std::uint64_t>(kMostTokens))
      raise<K::bad_strength>(
          within.span, fmt::format("this schedule would need more than {} labels to come within {} nats of its limit",
                                   kMostTokens, bound));
    labels = *n;
    tail = fmt::format("{}: {} labels read; every log-odds is within {:.3g} nats of its limit over the endless stream",
                       source, labels, allotter.tail(labels).value());
  } else if (!t.labels && !t.via) {
    raise_help<K::strength_needed>(span, "say `labels 1000;`, `forever within 0.01 nats;` or `via f;`");
  }
  if (labels > 0) {
    const auto teacher = t.teacher_arguments.empty()
                             ? prior_of(t.teacher.text, t.teacher.span)
                             : settled_prior(t.teacher.text, t.teacher_arguments, t.teacher.span, at);
    const std::vector<double> probability = token_probabilities(*teacher);
    rng::Stream stream(settings_.seed, 0, draws_++, 0);
    const rng::AliasTable table(probability);
    std::vector<std::int64_t> codes =
        filled<std::int64_t>(labels, [&](std::size_t, std::span<std::int64_t> some) { table.fill(stream, 1, some); });
    ArrayValue drawn = ArrayValue::of(ScalarType::integer, std::move(codes), {static_cast<std::int64_t>(labels)});
    drawn.labels = teacher->lowerer().stream.alphabet;
    if (t.through) {
      const Algebra& algebra = environment_.algebras.at(t.through->text);
      const Algebra::Over* over = algebra.over(*drawn.labels);
      if (over == nullptr)
        raise<K::bad_partition>(t.through->span, fmt::format("algebra `{}` says nothing about the alphabet {}",
                                                             t.through->text, drawn.labels->name));
      std::vector<std::int64_t> blocks;
      for (const std::int64_t c : *drawn.integers) blocks.push_back(over->block_of[static_cast<std::size_t>(c - 1)]);
      drawn = ArrayValue::of(ScalarType::integer, std::move(blocks), drawn.shape);
      drawn.labels = algebra.blocks;
    }
    Value v;
    v.data = std::move(drawn);
    environment_.values[source + "_labels"] = std::move(v);
    accuracy_[source + "_labels"] = {0, "draws", true};
  }
  // A token that something else has read already is no fresh one for the teacher to speak of.
  const std::int64_t read = labels > 0 ? tokens_read(t, at) : 0;
  constexpr std::string_view before = "let taught = ";
  Origins origins{{0, span}};
  const std::string text = expansion(t, labels, read, source, origins);
  for (std::size_t k = 1; k < origins.size(); ++k) origins[k].first += static_cast<std::uint32_t>(before.size());
  if (explain_ && output_.note)
    output_.note(fmt::format("teach {} from {} is short for\n{}", t.student.text, t.teacher.text, text));
  if (!tail.empty() && output_.note) output_.note(tail);
  const FileId file = sources_.add(fmt::format("{} (what teach at {} is short for)", sources_.name(span.file),
                                               sources_.locate(span.file, span.begin).line),
                                   std::string(before) + text + ";");
  expansions_[file] = std::move(origins);
  DiagnosticSink sink;
  const auto script = std::make_shared<const ast::Script>(parse_script(sources_, file, sink));
  scripts_.push_back(script);
  if (sink.has_errors() || script->statements.empty())
    raise<K::internal_error>(span, "the expansion of `teach` does not parse");
  const auto& let = std::get<ast::LetStmt>(script->statements[0]->node);
  ast::Infer* expanded = std::get_if<ast::Infer>(&let.value->node);
  if (expanded == nullptr) raise<K::internal_error>(span, "the expansion of `teach` is no inference");
  return infer(*expanded, let.value->span, at);
}

// ---------------------------------------------------------------- drawing

std::vector<double> Session::token_probabilities(const Posterior& p) {
  double error = 0;
  return string_probabilities(p, p.lowerer().evidence_horizon() + 1, 1, error);
}

/// `draw(M, n)`: tokens of one world; `each: fresh`: every token from a world of its own. `predict(post, n)`: the
/// tokens that come next.
Sym Session::draw(const ast::Call& call, SourceSpan span, Lowerer& at) {
  const std::string& f = call.callee.text;
  std::vector<const ast::Expr*> arguments;
  bool fresh = false;
  for (const ast::Argument& a : call.arguments) {
    if (!a.name) {
      arguments.push_back(a.value.get());
      continue;
    }
    const auto* how = std::get_if<ast::NameRef>(&a.value->node);
    if (a.name->text != "each" || how == nullptr || (how->text != "fresh" && how->text != "same"))
      raise_help<K::unknown_argument>(
          a.name->span, "write `each: fresh` for a new draw of the latents with every token", f, a.name->text);
    fresh = how->text == "fresh";
  }
  if (arguments.size() != 2)
    raise<K::wrong_argument_count>(span, f, "a model or posterior, and a number of tokens", arguments.size());
  const auto p = posterior(*arguments[0], at);
  const std::int64_t n = at.known_integer(at.eval(*arguments[1]), arguments[1]->span, "a number of tokens");
  if (n < 0 || n > kMostTokens)
    raise<K::wrong_type>(arguments[1]->span, "a number of tokens of 0 or more", fmt::format("{}", n));
  const StreamInfo& info = p->lowerer().stream;
  if (!info.present) raise<K::no_emit>(arguments[0]->span);
  rng::Stream stream(settings_.seed, 0, draws_++, 0);
  std::vector<std::int64_t> codes;
  if (fresh) {
    const rng::AliasTable table(token_probabilities(*p));
    codes = filled<std::int64_t>(static_cast<std::size_t>(n),
                                 [&](std::size_t, std::span<std::int64_t> some) { table.fill(stream, 1, some); });
  } else {
    codes = draw_stream(*p, n, stream, span);
  }
  ArrayValue a = ArrayValue::of(ScalarType::integer, std::move(codes), {n});
  a.labels = info.alphabet;
  engine_ = "draws";
  drawn_ = true;
  return Lowerer::known(std::move(a));
}

}  // namespace hearsay
