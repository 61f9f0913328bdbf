// Soft observations: the event or likelihood they weigh, how strong they say they are, and the order in which they are
// claimed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lang/eval/evaluator.h"
#include "lang/evidence/factors.h"
#include "lang/evidence/nats.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/support/suggest.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;
using Form = ast::StrengthForm;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
T unwrap(Result<T> r) {
  if (!r) throw Failure{std::move(r).error()};
  return *std::move(r);
}

/// The signed strength in nats that a strength form means.
double signed_nats(Form form, double value, double extra, SourceSpan span) {
  using evidence::Nats;
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

}  // namespace

/// Runs through the values of the present loops in row-major order.
std::vector<double> ModelLowerer::per_instance(const Sym& s, SourceSpan span, std::string_view what) {
  if (!s.is_scalar() || s.labels || s.type == ScalarType::boolean)
    raise<K::wrong_type>(span, std::string(what), "something else");
  const std::size_t n = instance_count();
  const ExprId e = real_expr(s);
  if (const Scalar* c = module_->constant(e)) return std::vector<double>(n, c->r);
  const ir::Dependence dep = ir::dependence(*module_, e);
  if (dep.on_latents()) raise<K::strength_not_data>(span);
  // The common case is one array read by the one loop index: no evaluation needed.
  eval::ReferenceEvaluator evaluator(*module_);
  std::vector<double> values;
  values.reserve(n);
  std::vector<std::int64_t> at;
  for (const Loop& l : loops_) at.push_back(module_->index(l.index).low);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < loops_.size(); ++d) evaluator.set_index(loops_[d].index, at[d]);
    values.push_back(evaluator.value(e, {}).as_real());
    for (std::size_t d = loops_.size(); d-- > 0;) {
      if (++at[d] <= module_->index(loops_[d].index).high) break;
      at[d] = module_->index(loops_[d].index).low;
    }
  }
  return values;
}

/// Which instances are reached, where conditions are decided by data; conditions on latents count as reached.
std::vector<bool> ModelLowerer::active_instances() {
  std::vector<ExprId> decidable;
  for (const ExprId c : conditions_)
    if (!ir::dependence(*module_, c).on_latents()) decidable.push_back(c);
  if (decidable.empty()) return {};
  const std::size_t n = instance_count();
  eval::ReferenceEvaluator evaluator(*module_);
  std::vector<bool> active;
  active.reserve(n);
  std::vector<std::int64_t> at;
  for (const Loop& l : loops_) at.push_back(module_->index(l.index).low);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < loops_.size(); ++d) evaluator.set_index(loops_[d].index, at[d]);
    active.push_back(
        std::all_of(decidable.begin(), decidable.end(), [&](ExprId c) { return evaluator.value(c, {}).truth(); }));
    for (std::size_t d = loops_.size(); d-- > 0;) {
      if (++at[d] <= module_->index(loops_[d].index).high) break;
      at[d] = module_->index(loops_[d].index).low;
    }
  }
  return active;
}

/// A data array with one row per instance of the present loops (and `cells` numbers a row when that is not 0).
ir::DataId ModelLowerer::instance_data(const std::string& name, std::vector<double> values, std::int64_t cells) {
  ir::Data d;
  d.name = name;
  d.type = ScalarType::real;
  for (const Loop& l : loops_) d.shape.push_back(module_->index(l.index).extent());
  if (cells > 0) d.shape.push_back(cells);
  d.reals = std::make_shared<const std::vector<double>>(std::move(values));
  return module_->add_data(std::move(d));
}

namespace {

/// 1-based positions of the loop indices in an array that has one row per instance.
ExprId position(ir::Module& m, ir::IndexId index) {
  const std::int64_t low = m.index(index).low;
  const ExprId v = m.index_value(index);
  return low == 1 ? v : m.prim(Op::sub, {v, m.integer(low - 1)});
}

}  // namespace

const ast::SourceDecl* ModelLowerer::find_source(const ast::Name& source) {
  if (const auto at = local_sources.find(source.text); at != local_sources.end()) return at->second.get();
  if (const auto at = environment_.sources.find(source.text); at != environment_.sources.end()) return at->second.get();
  std::vector<std::string> names;
  for (const auto& [n, s] : local_sources) names.push_back(n);
  for (const auto& [n, s] : environment_.sources) names.push_back(n);
  const std::string near = nearest_name(source.text, names);
  raise_help<K::unknown_name>(source.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), "source",
                              source.text);
}

bool ModelLowerer::source_has_budget(const ast::Name& source) { return find_source(source)->budget.has_value(); }

void ModelLowerer::charge_order(std::uint32_t claim, const std::vector<std::int64_t>& inner) {
  OrderNode* node = order_path_.back();
  for (const std::int64_t extent : inner) {
    node->children.push_back({});
    node->children.back().extent = extent;
    node = &node->children.back();
  }
  node->children.push_back({});
  node->children.back().claim = claim;
}

void ModelLowerer::soft_observe(const ast::SoftObserveStmt& s, SourceSpan span) {
  const ir::SiteId at = site(span, "soft observe");
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
  if (form == Form::jeffrey) {
    if (s.dist) raise<K::not_supported_yet>(span, "`to` on the outcome of a distribution");
    JeffreyTask task;
    task.site = at;
    task.order = order_;
    task.span = span;
    if (s.source) task.source = s.source->text;
    task.targets.push_back(jeffrey_target(*s.subject, *s.strength.value, at));
    jeffrey.push_back(std::move(task));
    return;
  }

  // What is weighed: an event (by its truth or by its probability), the cells of a partition, or a log likelihood.
  const std::size_t outer = loops_.size();
  const auto over = [&](const std::vector<std::int64_t>& shape) {
    for (const std::int64_t extent : shape) loops_.push_back({module_->add_index("i", 1, extent)});
    return std::vector<std::int64_t>(shape);
  };
  std::vector<std::int64_t> inner;
  Claim claim;
  claim.site = at;
  claim.order = order_;
  claim.span = span;
  claim.form = form;
  if (s.source) {
    claim.source = s.source->text;
    claim.source_span = s.source->span;
  }

  std::optional<ExprId> event, probability, logp_y;
  std::optional<Sym> partition;
  std::optional<DistInstance> dist;
  Sym y;
  if (!s.dist) {
    if (form == Form::likelihoods) {
      partition = eval(*s.subject);
      if (!partition->shape.empty()) {
        inner = over(partition->shape);
        partition = sub(*partition, loop_values(outer));
      }
    } else if (form == Form::weight || form == Form::weight_within || form == Form::robust) {
      raise_help<K::bad_strength>(span, "write `soft observe y ~ D weight w`; for an event use `odds` or `nats`",
                                  "a weight belongs to an observation of a distribution");
    } else {
      Sym e = boolean(eval(*s.subject), s.subject->span);
      if (!e.shape.empty()) {
        inner = over(e.shape);
        e = sub(e, loop_values(outer));
      }
      event = expr(e);
    }
  } else {
    // `y in [a, b] ~ D` is an interval, `y ~ D` one outcome.
    const auto* in = std::get_if<ast::Binary>(&s.subject->node);
    const auto* interval =
        in != nullptr && in->op == ast::BinaryOp::in ? std::get_if<ast::Array>(&in->right->node) : nullptr;
    dist = distribution(*s.dist);
    std::vector<std::int64_t> shape = lifted_shape(*dist);
    if (interval == nullptr) {
      y = eval(*s.subject);
      if (y.other) raise<K::wrong_type>(s.subject->span, "numbers", "something else");
      if (!y.shape.empty()) {
        if (!shape.empty() && shape != y.shape)
          raise<K::shape_mismatch>(span, fmt::format("[{}]", fmt::join(y.shape, ", ")),
                                   fmt::format("[{}]", fmt::join(shape, ", ")));
        shape = y.shape;
      }
    }
    const bool lifted = !lifted_shape(*dist).empty();
    inner = over(shape);
    if (lifted) dist = this->at(*dist, loop_values(outer));
    if (const auto valid = validity(*dist))
      add_term(ir::TermKind::evidence, at, module_->select(*valid, module_->real(0), module_->real(std::nan(""))));
    if (interval != nullptr) {
      if (interval->elements.size() != 2)
        raise<K::wrong_type>(in->right->span, "an interval `[low, high]`", "another list");
      if (form == Form::weight || form == Form::weight_within || form == Form::robust || form == Form::likelihoods)
        raise<K::bad_strength>(s.strength.span, "an interval is an event: say `odds` or `nats`");
      probability = interval_probability(*dist, eval(*interval->elements[0]), eval(*interval->elements[1]));
    } else {
      const Sym value = y.shape.empty() ? y : sub(y, loop_values(outer));
      y = value;
      logp_y = logp(*dist, value);
      const bool discrete = dist->condition || dist->decl->over.base.text == "int" ||
                            dist->decl->over.base.text == "bool" || dist->decl->over.base.text == "scalar" ||
                            (dist->decl->over.bounds && dist->decl->over.bounds->elements);
      const bool as_event = form != Form::weight && form != Form::weight_within && form != Form::robust;
      if (form == Form::likelihoods)
        raise<K::bad_strength>(s.strength.span, "likelihoods stand behind a latent or a token");
      if ((as_event || form == Form::robust) && !discrete)
        raise_help<K::bad_strength>(s.subject->span, "observe an interval, `y in [a, b] ~ D odds 2`, or use `weight`",
                                    "one outcome of a continuous distribution is no event: its probability is 0");
      if (as_event) probability = module_->prim(Op::exp, {*logp_y});
    }
  }

  claim.instances = instance_count();
  claim.active = active_instances();
  if (s.share) {
    claim.share = per_instance(eval(**s.share), s.share->get()->span, "a share");
    for (const double c : claim.share)
      if (!(c >= 0 && c <= 1)) raise<K::bad_share>(s.share->get()->span, c);
  }

  std::vector<ExprId> row;
  for (std::size_t i = 0; i < loops_.size(); ++i) row.push_back(position(*module_, loops_[i].index));
  ExprId body{};
  const auto number = static_cast<std::uint32_t>(claims.size());

  if (event || probability) {
    if (form != Form::by_schedule) {
      const std::vector<double> value = per_instance(eval(*s.strength.value), s.strength.value->span, "a number");
      std::vector<double> extra(1, 0.5);
      if (s.strength.extra) extra = per_instance(eval(*s.strength.extra), s.strength.extra->span, "a number");
      claim.given.reserve(value.size());
      double last_value = 0, last_extra = 0, last = 0;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const double x = extra.size() == 1 ? extra[0] : extra[i];
        if (i == 0 || value[i] != last_value || x != last_extra) last = signed_nats(form, value[i], x, s.strength.span);
        last_value = value[i];
        last_extra = x;
        claim.given.push_back(last);
        claim.charge.push_back(std::abs(last));
      }
    }
    std::vector<double> initial = claim.given.empty() ? std::vector<double>(claim.instances, 0.0) : claim.given;
    claim.strengths = instance_data(fmt::format("strength{}", number), std::move(initial), 0);
    const ExprId strength = module_->load_data(claim.strengths, row);
    body = event ? module_->select(*event, strength, module_->real(0))
                 : module_->prim(Op::soft_event, {strength, *probability});
  } else if (partition) {
    // Log-weights per cell: the cells are the values of a finite latent or token.
    if (!partition->labels && partition->type != ScalarType::boolean)
      raise_help<K::bad_strength>(s.subject->span,
                                  "likelihoods by label need something with labels, as `x ~ categorical({a: 1, b: 1})`",
                                  "this has no labels");
    const Sym weights = eval(*s.strength.value);
    if (!weights.keys || weights.shape.size() != 1)
      raise<K::wrong_type>(s.strength.value->span, "likelihoods by label, `{a: 4, b: 2}`", "something else");
    auto truth = std::make_shared<Alphabet>();
    truth->labels = {"false", "true"};
    const AlphabetPtr cells = partition->labels ? partition->labels : truth;
    claim.cells = cells->labels.size();
    for (const std::string& key : weights.keys->labels)
      if (cells->find(key) == 0) {
        const std::string near = nearest_name(key, cells->labels);
        raise_help<K::unknown_label>(s.strength.value->span,
                                     near.empty() ? "" : fmt::format("did you mean `{}`?", near), key,
                                     fmt::format("{{{}}}", fmt::join(cells->labels, ", ")));
      }
    std::vector<std::vector<double>> columns;
    for (const std::string& label : cells->labels) {
      const std::int64_t from = weights.keys->find(label);
      if (from == 0)
        raise<K::bad_strength>(s.strength.value->span,
                               fmt::format("`{}` has no likelihood here; say one for each of {{{}}}", label,
                                           fmt::join(cells->labels, ", ")));
      const ExprId k = module_->integer(from);
      columns.push_back(per_instance(sub(weights, std::span(&k, 1)), s.strength.value->span, "a likelihood"));
    }
    for (std::size_t i = 0; i < claim.instances; ++i) {
      std::vector<double> l;
      for (const auto& c : columns) l.push_back(c[i]);
      const auto w = unwrap(evidence::likelihood_vector(l, s.strength.span));
      claim.given.insert(claim.given.end(), w.log_weights.begin(), w.log_weights.end());
      claim.charge.push_back(w.strength.value());
    }
    claim.strengths =
        instance_data(fmt::format("likelihood{}", number), claim.given, static_cast<std::int64_t>(claim.cells));
    std::vector<ExprId> cell = row;
    cell.push_back(partition->labels ? expr(*partition)
                                     : module_->select(expr(*partition), module_->integer(2), module_->integer(1)));
    body = module_->load_data(claim.strengths, cell);
  } else {
    const std::vector<double> weight =
        per_instance(eval(form == Form::robust ? *s.strength.extra : *s.strength.value), s.strength.span, "a weight");
    for (const double w : weight) unwrap(evidence::checked_weight(w, s.strength.span));
    const ExprId w = module_->load_data(instance_data(fmt::format("weight{}", number), weight, 0), row);
    if (form == Form::weight) {
      if (s.source && source_has_budget(*s.source))
        raise_help<K::bad_strength>(
            s.strength.span,
            fmt::format("write `weight w within s nats from {}`, or use a source without a budget", s.source->text),
            "a power weight has no bound, so a source with a budget can't pay for it");
      body = module_->prim(Op::mul, {w, *logp_y});
      // w = 0 leaves the observation out even where it is impossible.
      body = module_->select(module_->prim(Op::eq, {w, module_->real(0)}), module_->real(0), body);
      add_term(ir::TermKind::soft, at, body);
      unaccounted.push_back({at, span, "weight (unbounded)"});
      loops_.resize(outer);
      return;
    }
    if (form == Form::weight_within) {
      const std::vector<double> bound =
          per_instance(eval(*s.strength.extra), s.strength.extra->span, "a bound in nats");
      for (const double b : bound) claim.charge.push_back(unwrap(evidence::checked_bound(b, s.strength.span)).value());
      claim.given = claim.charge;
      claim.strengths = instance_data(fmt::format("within{}", number), claim.given, 0);
      const ExprId b = module_->load_data(claim.strengths, row);
      ExprId reference{};
      if (s.strength.reference) {
        const std::vector<double> r =
            per_instance(eval(*s.strength.reference), s.strength.reference->span, "a reference");
        for (const double v : r)
          if (!std::isfinite(v)) raise<K::bad_strength>(s.strength.reference->span, "the reference must be finite");
        reference = module_->load_data(instance_data(fmt::format("reference{}", number), r, 0), row);
      } else {
        ReferenceTask task;
        task.reference =
            instance_data(fmt::format("reference{}", number), std::vector<double>(claim.instances, 0.0), 0);
        for (const Loop& l : loops_) task.plate.push_back(l.index);
        task.logp = *logp_y;
        references.push_back(task);
        reference = module_->load_data(task.reference, row);
      }
      const ExprId half = module_->prim(Op::div, {b, module_->real(2)});
      const ExprId scaled =
          module_->prim(Op::div, {module_->prim(Op::mul, {w, module_->prim(Op::sub, {*logp_y, reference})}), half});
      body = module_->prim(Op::mul, {half, module_->prim(Op::tanh, {scaled})});
      const ExprId none = module_->prim(
          Op::logical_or, {module_->prim(Op::eq, {w, module_->real(0)}), module_->prim(Op::eq, {b, module_->real(0)})});
      body = module_->select(none, module_->real(0), body);
    } else {  // robust
      const std::vector<double> beta = per_instance(eval(*s.strength.value), s.strength.value->span, "a number");
      for (std::size_t i = 0; i < beta.size(); ++i) {
        unwrap(evidence::checked_beta(beta[i], s.strength.span));
        claim.charge.push_back(evidence::robust_charge(beta[i], weight[i]).value());
      }
      claim.given = claim.charge;
      claim.strengths = instance_data(fmt::format("robust{}", number), claim.given, 0);
      const ExprId bt = module_->load_data(instance_data(fmt::format("beta{}", number), beta, 0), row);
      const ExprId one_more = module_->prim(Op::add, {bt, module_->real(1)});
      Support sp = support(*dist);
      if (sp.kind == Support::Kind::whole_type && y.labels) {
        sp.kind = Support::Kind::labels;
        sp.labels = y.labels;
      }
      if (!sp.finite())
        raise<K::bad_strength>(s.strength.span, "`robust` needs a distribution over finitely many values");
      const ir::IndexId v = module_->add_index("v", 1, sp.cardinality());
      Sym outcome = decode(sp, module_->index_value(v));
      if (sp.kind == Support::Kind::labels && y.labels) {
        // Run over the outcome's own labels, which may be in another order.
        outcome = scalar(module_->index_value(v), y.labels);
        module_->indices[ir::raw(v)].high = static_cast<std::int64_t>(y.labels->labels.size());
      }
      const ExprId each = module_->prim(Op::exp, {module_->prim(Op::mul, {one_more, logp(*dist, outcome)})});
      const ExprId sum = module_->reduce(ir::Reduction::sum, v, each);
      const ExprId p_beta = module_->prim(Op::exp, {module_->prim(Op::mul, {bt, *logp_y})});
      const ExprId loss =
          module_->prim(Op::sub, {module_->prim(Op::div, {sum, one_more}), module_->prim(Op::div, {p_beta, bt})});
      body = module_->prim(Op::neg, {module_->prim(Op::mul, {w, loss})});
    }
  }
  add_term(ir::TermKind::soft, at, body, static_cast<ir::SourceId>(number));
  loops_.resize(outer);
  charge_order(number, inner);
  claims.push_back(std::move(claim));
}

/// Execution order as runs: a nest of loops around one claim is one run; several claims in one loop alternate.
void ModelLowerer::flatten(const OrderNode& node, std::size_t prefix, std::vector<ClaimRun>& out) const {
  const auto lone_claim = [](const OrderNode& n, std::size_t& count, std::uint32_t& claim) {
    const OrderNode* at = &n;
    count = 1;
    while (at->extent > 0) {
      count *= static_cast<std::size_t>(at->extent);
      if (at->children.size() != 1) return false;
      at = &at->children[0];
    }
    claim = at->claim;
    return true;
  };
  const auto add = [&](std::uint32_t claim, std::size_t first, std::size_t count) {
    const Claim& c = claims[claim];
    if (c.active.empty()) {
      out.push_back({claim, first, count});
      return;
    }
    for (std::size_t i = first; i < first + count; ++i) {
      if (!c.active[i]) continue;
      if (!out.empty() && out.back().claim == claim && out.back().first + out.back().count == i)
        ++out.back().count;
      else
        out.push_back({claim, i, 1});
    }
  };
  for (const OrderNode& child : node.children) {
    if (child.extent == 0) {
      add(child.claim, prefix, 1);
      continue;
    }
    std::size_t count = 1;
    std::uint32_t claim = 0;
    if (lone_claim(child, count, claim)) {
      add(claim, prefix * count, count);
      continue;
    }
    for (std::int64_t i = 0; i < child.extent; ++i)
      flatten(child, prefix * static_cast<std::size_t>(child.extent) + static_cast<std::size_t>(i), out);
  }
}

}  // namespace hearsay
