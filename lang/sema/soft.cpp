// `soft observe`: what the statement weighs, how strong it says it is, and the factor that comes of it (theory sections
// 2 to 5).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lang/evidence/factors.h"
#include "lang/evidence/nats.h"
#include "lang/evidence/schedule.h"
#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;
using Form = ast::StrengthForm;

namespace {

template <class T>
T unwrap(Result<T> r) {
  if (!r) throw Failure{std::move(r).error()};
  return *std::move(r);
}

/// The signed strength in nats that a strength form means.
double signed_nats(Form form, double value, double extra, SourceSpan span) {
  switch (form) {
    case Form::odds:
      return unwrap(evidence::strength_from_odds(value, span)).value();
    case Form::nats:
      return unwrap(evidence::strength_from_nats(value, span)).value();
    case Form::decibans:
      return unwrap(evidence::strength_from_decibans(value, span)).value();
    case Form::channel:
      return unwrap(evidence::strength_from_channel(value, span)).value();
    case Form::confidence:
      return unwrap(evidence::strength_from_confidence(value, extra, span)).value();
    case Form::by_schedule:
    case Form::likelihoods:
    case Form::jeffrey:
    case Form::weight:
    case Form::weight_within:
    case Form::robust:
      break;
  }
  return 0;
}

/// Forms that weigh a log likelihood and not an event.
bool weighs_likelihood(Form form) {
  return form == Form::weight || form == Form::weight_within || form == Form::robust;
}

bool discrete(const DistInstance& d) {
  if (d.condition) return discrete(*d.then_dist) && discrete(*d.else_dist);
  const ast::TypeExpr& over = d.decl->over;
  return over.base.text == "int" || over.base.text == "bool" || over.base.text == "scalar" ||
         (over.bounds && over.bounds->elements);
}

/// The `[a, b]` of `y in [a, b] ~ D`, or null.
const ast::Array* interval_of(const ast::Expr& subject) {
  const auto* in = std::get_if<ast::Binary>(&subject.node);
  return in != nullptr && in->op == ast::BinaryOp::in ? std::get_if<ast::Array>(&in->right->node) : nullptr;
}

}  // namespace

/// What can be said of the statement as it is written, before anything is evaluated.
void ModelLowerer::check_form(const ast::SoftObserveStmt& s, SourceSpan span) {
  const ast::SourceDecl* source = s.source ? find_source(*s.source) : nullptr;
  const Form form = s.strength.form;
  if (form == Form::by_schedule) {
    if (source == nullptr) throw Failure{diagnose<K::strength_needed>(span), true};  // the grammar has said so already
    if (!source->schedule)
      raise_help<K::strength_needed>(
          span, fmt::format("write `odds 2` or the like, or give `{}` a schedule", s.source->text));
  }
  if (s.share && form != Form::by_schedule)
    raise_help<K::bad_strength>(
        s.share->get()->span, "leave the strength to the source, or the share out",
        "a share is a part of what a schedule allots, but this statement says itself how strong it is");
  if (!s.dist && weighs_likelihood(form))
    raise_help<K::bad_strength>(span, "write `soft observe y ~ D weight w`; for an event use `odds` or `nats`",
                                "a weight belongs to an observation of a distribution");
  if (form == Form::weight && s.source && source_has_budget(*s.source))
    raise_help<K::bad_strength>(
        s.strength.span,
        fmt::format("write `weight w within s nats from {}`, or use a source without a budget", s.source->text),
        "a power weight has no bound, so a source with a budget can't pay for it");
}

/// Opens one loop for each dimension of an array that is observed element by element.
std::vector<ExprId> ModelLowerer::over_elements(const std::vector<std::int64_t>& shape) {
  const std::size_t outer = loops_.size();
  for (const std::int64_t extent : shape) loops_.push_back({module_->add_index("i", 1, extent)});
  return loop_values(outer);
}

/// A latent, a token or an event by itself.
ModelLowerer::Weighed ModelLowerer::weighed_value(const ast::SoftObserveStmt& s) {
  Weighed w;
  Sym x = eval(*s.subject);
  const bool cells = s.strength.form == Form::likelihoods;
  if (!cells) x = boolean(std::move(x), s.subject->span);
  w.inner = x.shape;
  x = sub(x, over_elements(x.shape));
  if (cells)
    w.partition = x;
  else
    w.event = expr(x);
  return w;
}

/// An outcome of a distribution, or an interval of outcomes.
ModelLowerer::Weighed ModelLowerer::weighed_outcome(const ast::SoftObserveStmt& s, SourceSpan span, ir::SiteId at) {
  Weighed w;
  const Form form = s.strength.form;
  const ast::Array* interval = interval_of(*s.subject);
  w.dist = distribution(*s.dist);
  const std::vector<std::int64_t> lifted = lifted_shape(*w.dist);
  w.inner = lifted;
  if (interval == nullptr) {
    w.y = eval(*s.subject);
    if (w.y.other) raise<K::wrong_type>(s.subject->span, "numbers", describe(w.y));
    if (!w.y.shape.empty()) {
      if (!lifted.empty() && lifted != w.y.shape)
        raise<K::shape_mismatch>(span, shape_text(w.y.shape), shape_text(lifted));
      w.inner = w.y.shape;
    }
  }
  const std::vector<ExprId> element = over_elements(w.inner);
  if (!lifted.empty()) w.dist = this->at(*w.dist, element);
  if (const auto valid = validity(*w.dist))
    add_term(ir::TermKind::evidence, at, module_->select(*valid, module_->real(0), module_->real(std::nan(""))));
  if (interval != nullptr) {
    if (interval->elements.size() != 2)
      raise<K::wrong_type>(std::get<ast::Binary>(s.subject->node).right->span, "an interval `[low, high]`",
                           "another list");
    if (weighs_likelihood(form) || form == Form::likelihoods)
      raise<K::bad_strength>(s.strength.span, "an interval is an event: say `odds` or `nats`");
    const Sym low = eval(*interval->elements[0]), high = eval(*interval->elements[1]);
    const SourceSpan written = std::get<ast::Binary>(s.subject->node).right->span;
    if (low.is_known_scalar() && high.is_known_scalar() && low.known->at(0).as_real() > high.known->at(0).as_real())
      raise_help<K::wrong_type>(written, "the lower end stands first", "an interval",
                                fmt::format("[{}, {}]", to_text(*low.known), to_text(*high.known)));
    w.probability = interval_probability(*w.dist, low, high);
    return w;
  }
  if (!w.y.shape.empty()) w.y = sub(w.y, element);
  w.logp = logp(*w.dist, w.y);
  if (form == Form::likelihoods)
    raise<K::bad_strength>(s.strength.span, "likelihoods stand behind a latent or a token");
  if ((!weighs_likelihood(form) || form == Form::robust) && !discrete(*w.dist))
    raise_help<K::bad_strength>(s.subject->span, "observe an interval, `y in [a, b] ~ D odds 2`, or use `weight`",
                                "one outcome of a continuous distribution is no event: its probability is 0");
  if (!weighs_likelihood(form)) w.probability = module_->prim(Op::exp, {*w.logp});
  return w;
}

/// Jeffrey's rule for an event or a partition, or for the event that a fresh draw has this outcome.
void ModelLowerer::jeffrey_observe(const ast::SoftObserveStmt& s, SourceSpan span, ir::SiteId at) {
  JeffreyTask task;
  task.site = at;
  task.order = order_;
  task.span = span;
  task.conditions = conditions_;
  if (s.source) task.source = s.source->text;
  if (s.dist) {
    const std::size_t outer = loops_.size();
    const Weighed w = weighed_outcome(s, span, at);
    if (loops_.size() != outer) {
      loops_.resize(outer);
      raise_help<K::not_an_event>(s.subject->span, "write `for i in 1..N { soft observe y[i] ~ D to q; }`",
                                  "an array of them");
    }
    task.targets.push_back(jeffrey_outcome(*w.probability, *s.strength.value, at));
  } else {
    task.targets.push_back(jeffrey_target(*s.subject, *s.strength.value, at));
  }
  jeffrey.push_back(std::move(task));
}

/// The factor of an event: its strength where it holds; in its probability p, log(1 + (e^s - 1) p).
ExprId ModelLowerer::event_factor(const ast::SoftObserveStmt& s, const Weighed& w, Claim& claim,
                                  std::span<const ExprId> row) {
  const Form form = s.strength.form;
  if (form != Form::by_schedule) {
    const std::vector<double> value = one_or_per_instance(eval(*s.strength.value), s.strength.value->span, "a number");
    std::vector<double> extra(1, 0.5);
    if (s.strength.extra) extra = one_or_per_instance(eval(*s.strength.extra), s.strength.extra->span, "a number");
    const std::size_t different = value.empty() || extra.empty() ? 0 : std::max(value.size(), extra.size());
    double last_value = 0, last_extra = 0, last = 0;
    for (std::size_t i = 0; i < different; ++i) {
      const double v = value.size() == 1 ? value[0] : value[i], x = extra.size() == 1 ? extra[0] : extra[i];
      if (i == 0 || v != last_value || x != last_extra) last = signed_nats(form, v, x, s.strength.span);
      last_value = v;
      last_extra = x;
      claim.given.push_back(last);
      claim.charge.push_back(std::abs(last));
    }
    if (different == 1) claim.given.resize(claim.instances, claim.given[0]);
  }
  // What the schedule says is filled in when the claim is charged.
  claim.strengths = instance_data(fmt::format("strength{}", claims.size()), claim.given, 0);
  const ExprId strength = module_->load_data(claim.strengths, row);
  return w.event ? module_->select(*w.event, strength, module_->real(0))
                 : module_->prim(Op::soft_event, {strength, *w.probability});
}

std::optional<ModelLowerer::Cells> ModelLowerer::cells_of(const Sym& x) {
  constexpr double most = 4096;
  if (!x.is_scalar()) return std::nullopt;
  Cells cells;
  if (x.labels) {
    cells.labels = x.labels;
    for (std::size_t k = 0; k < x.labels->labels.size(); ++k) cells.values.push_back(static_cast<std::int64_t>(k) + 1);
    return cells;
  }
  auto named = std::make_shared<Alphabet>();
  if (x.type == ScalarType::boolean) {
    named->labels = {"false", "true"};
    cells.values = {0, 1};
  } else if (x.type == ScalarType::integer) {
    const ExprId e = expr(x);
    if (const ir::Inst& in = module_->inst(e); in.code == ir::Opcode::data) {  // one of a list
      const ir::Data& list = module_->data[in.payload];
      if (static_cast<double>(list.size()) > most) return std::nullopt;
      for (std::int64_t i = 0; i < list.size(); ++i) cells.values.push_back(list.at(static_cast<std::size_t>(i)).i);
      std::ranges::sort(cells.values);
      cells.values.erase(std::unique(cells.values.begin(), cells.values.end()), cells.values.end());
    } else {
      const Interval r = range(e);
      if (!(r.high - r.low < most)) return std::nullopt;
      for (double v = r.low; v <= r.high; ++v) cells.values.push_back(static_cast<std::int64_t>(v));
    }
    for (const std::int64_t v : cells.values) named->labels.push_back(std::to_string(v));
  } else {
    return std::nullopt;
  }
  cells.labels = std::move(named);
  return cells;
}

ExprId ModelLowerer::cell_of(const Sym& x, const Cells& cells) {
  const ExprId e = expr(x);
  if (x.labels) return e;
  if (x.type == ScalarType::boolean) return module_->select(e, module_->integer(2), module_->integer(1));
  const auto n = static_cast<std::int64_t>(cells.values.size());
  if (cells.values.back() - cells.values.front() == n - 1)
    return cells.values.front() == 1 ? e : module_->prim(Op::sub, {e, module_->integer(cells.values.front() - 1)});
  ExprId place = module_->integer(n);
  for (std::int64_t k = n - 1; k >= 1; --k)
    place = module_->select(module_->prim(Op::eq, {e, module_->integer(cells.values[static_cast<std::size_t>(k - 1)])}),
                            module_->integer(k), place);
  return place;
}

/// Log-weights per cell: the cells are the values of a finite latent or token.
ExprId ModelLowerer::partition_factor(const ast::SoftObserveStmt& s, const Sym& x, Claim& claim,
                                      std::span<const ExprId> row) {
  const auto of_x = cells_of(x);
  if (!of_x)
    raise_help<K::bad_strength>(s.subject->span,
                                "likelihoods by label need something with labels, as `x ~ categorical({a: 1, b: 1})`, "
                                "or with few whole numbers",
                                "this has no labels");
  const SourceSpan where = s.strength.value->span;
  const Sym weights = eval(*s.strength.value);
  if (!weights.keys || weights.shape.size() != 1)
    raise<K::wrong_type>(where, "likelihoods by label, `{a: 4, b: 2}`", describe(weights));
  const AlphabetPtr cells = of_x->labels;
  claim.cells = cells->labels.size();
  for (const std::string& key : weights.keys->labels)
    if (cells->find(key) == 0) {
      const std::string near = nearest_name(key, cells->labels);
      raise_help<K::unknown_label>(where, near.empty() ? "" : fmt::format("did you mean `{}`?", near), key,
                                   fmt::format("{{{}}}", fmt::join(cells->labels, ", ")));
    }
  std::vector<std::vector<double>> columns;
  for (const std::string& label : cells->labels) {
    const std::int64_t from = weights.keys->find(label);
    if (from == 0)
      raise<K::bad_strength>(where, fmt::format("`{}` has no likelihood here; say one for each of {{{}}}", label,
                                                fmt::join(cells->labels, ", ")));
    const ExprId k = module_->integer(from);
    columns.push_back(per_instance(sub(weights, std::span(&k, 1)), where, "a likelihood"));
  }
  // Only ratios matter, also where a condition on latents decides whether the claim counts: there it multiplies by 1
  // where the condition fails, so the least likely label must stay at 1 for the charge to be all that it can do.
  const bool gated =
      std::ranges::any_of(conditions_, [&](ExprId c) { return ir::dependence(*module_, c).on_latents(); });
  for (std::size_t i = 0; i < claim.instances; ++i) {
    std::vector<double> l;
    for (const auto& c : columns) l.push_back(c[i]);
    auto v = unwrap(evidence::likelihood_vector(l, s.strength.span));
    if (gated) {
      const double least = *std::ranges::min_element(v.log_weights);
      for (double& log_weight : v.log_weights) log_weight -= least;
    }
    claim.given.insert(claim.given.end(), v.log_weights.begin(), v.log_weights.end());
    claim.charge.push_back(v.strength.value());
  }
  claim.strengths =
      instance_data(fmt::format("likelihood{}", claims.size()), claim.given, static_cast<std::int64_t>(claim.cells));
  std::vector<ExprId> cell(row.begin(), row.end());
  cell.push_back(cell_of(x, *of_x));
  return module_->load_data(claim.strengths, cell);
}

/// `weight w`: the likelihood to the power w. No bound, so nothing is charged for.
ExprId ModelLowerer::power_factor(ExprId log_likelihood, ExprId weight) {
  // w = 0 leaves the observation out even where it is impossible.
  return module_->select(module_->prim(Op::eq, {weight, module_->real(0)}), module_->real(0),
                         module_->prim(Op::mul, {weight, log_likelihood}));
}

/// `weight w within b`: (b / 2) tanh(w (log p - r) / (b / 2)), between -b / 2 and b / 2.
ExprId ModelLowerer::bounded_factor(const ast::SoftObserveStmt& s, ExprId log_likelihood, ExprId weight, Claim& claim,
                                    std::span<const ExprId> row) {
  const std::vector<double> bound = per_instance(eval(*s.strength.extra), s.strength.extra->span, "a bound in nats");
  for (const double b : bound) claim.charge.push_back(unwrap(evidence::checked_bound(b, s.strength.span)).value());
  claim.given = claim.charge;
  claim.strengths = instance_data(fmt::format("within{}", claims.size()), claim.given, 0);
  const ExprId b = module_->load_data(claim.strengths, row);
  ExprId reference{};
  const std::string name = fmt::format("reference{}", claims.size());
  if (s.strength.reference) {
    const SourceSpan where = s.strength.reference->span;
    const std::vector<double> r = per_instance(eval(*s.strength.reference), where, "a reference");
    for (const double v : r)
      if (!std::isfinite(v)) raise<K::bad_strength>(where, "the reference must be finite");
    reference = module_->load_data(instance_data(name, r, 0), row);
  } else {
    ReferenceTask task;
    task.reference = instance_data(name, std::vector<double>(claim.instances, 0.0), 0);
    for (const Loop& l : loops_) task.plate.push_back(l.index);
    task.logp = log_likelihood;
    references.push_back(task);
    reference = module_->load_data(task.reference, row);
  }
  const ExprId half = module_->prim(Op::div, {b, module_->real(2)});
  const ExprId scaled = module_->prim(
      Op::div, {module_->prim(Op::mul, {weight, module_->prim(Op::sub, {log_likelihood, reference})}), half});
  const ExprId none = module_->prim(Op::logical_or, {module_->prim(Op::eq, {weight, module_->real(0)}),
                                                     module_->prim(Op::eq, {b, module_->real(0)})});
  return module_->select(none, module_->real(0), module_->prim(Op::mul, {half, module_->prim(Op::tanh, {scaled})}));
}

/// `robust β weight w`: density power, -w (Σ_v p(v)^(β+1) / (β+1) - p(y)^β / β).
ExprId ModelLowerer::robust_factor(const ast::SoftObserveStmt& s, const Weighed& w, const std::vector<double>& weights,
                                   Claim& claim, std::span<const ExprId> row) {
  const std::vector<double> beta = per_instance(eval(*s.strength.value), s.strength.value->span, "a number");
  for (std::size_t i = 0; i < beta.size(); ++i) {
    unwrap(evidence::checked_beta(beta[i], s.strength.span));
    claim.charge.push_back(evidence::robust_charge(beta[i], weights[i]).value());
  }
  claim.given = claim.charge;
  claim.strengths = instance_data(fmt::format("robust{}", claims.size()), claim.given, 0);
  const ExprId b = module_->load_data(instance_data(fmt::format("beta{}", claims.size()), beta, 0), row);
  const ExprId one_more = module_->prim(Op::add, {b, module_->real(1)});
  Support support_of = any_support(*w.dist);
  if (support_of.kind == Support::Kind::whole_type && w.y.labels) {
    support_of.kind = Support::Kind::labels;
    support_of.labels = w.y.labels;
  }
  if (!support_of.finite())
    raise<K::bad_strength>(s.strength.span, "`robust` needs a distribution over finitely many values");
  const ir::IndexId v = module_->add_index("v", 1, support_of.cardinality());
  Sym outcome = decode(support_of, module_->index_value(v));
  if (support_of.kind == Support::Kind::labels && w.y.labels) {
    // Run over the outcome's own labels, which may be in another order.
    outcome = scalar(module_->index_value(v), w.y.labels);
    module_->indices[ir::raw(v)].high = static_cast<std::int64_t>(w.y.labels->labels.size());
  }
  const ExprId log_p = logp(*w.dist, outcome);
  const ExprId each = module_->prim(Op::exp, {module_->prim(Op::mul, {one_more, log_p})});
  const ExprId sum = module_->reduce(ir::Reduction::sum, v, each);
  const ExprId p_beta = module_->prim(Op::exp, {module_->prim(Op::mul, {b, *w.logp})});
  const ExprId loss =
      module_->prim(Op::sub, {module_->prim(Op::div, {sum, one_more}), module_->prim(Op::div, {p_beta, b})});
  // The weight again from the charge w/β, which a source may have scaled.
  const ExprId paid = module_->prim(Op::mul, {module_->load_data(claim.strengths, row), b});
  // w/β bounds what this moves only where p is a distribution (theory section 4), which a declared one need not be.
  const ExprId total = module_->reduce(ir::Reduction::sum, v, module_->prim(Op::exp, {log_p}));
  const ExprId off = module_->prim(Op::abs, {module_->prim(Op::sub, {total, module_->real(1)})});
  const ExprId sums_to_one = module_->prim(Op::le, {off, module_->real(kSimplexTolerance)});
  return module_->select(sums_to_one, module_->prim(Op::neg, {module_->prim(Op::mul, {paid, loss})}),
                         module_->real(std::nan("")));
}

/// The factor of a weighted log likelihood.
ExprId ModelLowerer::likelihood_factor(const ast::SoftObserveStmt& s, const Weighed& w, Claim& claim,
                                       std::span<const ExprId> row) {
  const bool robust = s.strength.form == Form::robust;
  const std::vector<double> weights =
      per_instance(eval(robust ? *s.strength.extra : *s.strength.value), s.strength.span, "a weight");
  for (const double v : weights) unwrap(evidence::checked_weight(v, s.strength.span));
  if (robust) return robust_factor(s, w, weights, claim, row);
  const ExprId weight = module_->load_data(instance_data(fmt::format("weight{}", claims.size()), weights, 0), row);
  return s.strength.form == Form::weight ? power_factor(*w.logp, weight)
                                         : bounded_factor(s, *w.logp, weight, claim, row);
}

void ModelLowerer::soft_observe(const ast::SoftObserveStmt& s, SourceSpan span) {
  const ir::SiteId at = site(span, "soft observe");
  check_form(s, span);
  const Form form = s.strength.form;
  if (form == Form::jeffrey) return jeffrey_observe(s, span, at);

  const std::size_t outer = loops_.size();
  const Weighed w = s.dist ? weighed_outcome(s, span, at) : weighed_value(s);
  Claim claim;
  claim.site = at;
  claim.order = order_;
  claim.span = span;
  claim.form = form;
  if (s.source) {
    claim.source = s.source->text;
    claim.source_span = s.source->span;
  }
  claim.instances = instance_count();
  claim.active = active_instances();
  if (s.share) {
    claim.share = one_or_per_instance(eval(**s.share), s.share->get()->span, "a share");
    for (const double c : claim.share) unwrap(evidence::checked_share(c, s.share->get()->span));
  }
  const std::vector<ExprId> row = positions();
  const ExprId body = w.partition               ? partition_factor(s, *w.partition, claim, row)
                      : weighs_likelihood(form) ? likelihood_factor(s, w, claim, row)
                                                : event_factor(s, w, claim, row);
  if (form == Form::weight) {
    add_term(ir::TermKind::soft, at, body);
    unaccounted.push_back({at, span, "weight (unbounded)"});
    loops_.resize(outer);
    return;
  }
  add_term(ir::TermKind::soft, at, body, static_cast<ir::SourceId>(claims.size()));
  loops_.resize(outer);
  charge_order(static_cast<std::uint32_t>(claims.size()), w.inner);
  claims.push_back(std::move(claim));
}

}  // namespace hearsay
