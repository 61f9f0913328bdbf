// Parameters, latents and tokens of a model, with their priors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/sema/lowering.h"
#include "lang/sema/vector_type.h"
#include "lang/support/suggest.h"
#include "lang/syntax/print.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

void ModelLowerer::bind(const std::vector<std::pair<std::optional<std::string>, Value>>& arguments, SourceSpan span) {
  const auto& parameters = decl_->parameters;
  std::vector<const Value*> given(parameters.size(), nullptr);
  std::size_t positional = 0;
  for (const auto& [name, value] : arguments) {
    std::size_t slot = positional;
    if (name) {
      slot = 0;
      while (slot < parameters.size() && parameters[slot].name.text != *name) ++slot;
      if (slot == parameters.size()) {
        std::vector<std::string> names;
        for (const auto& p : parameters) names.push_back(p.name.text);
        const std::string near = nearest_name(*name, names);
        raise_help<K::unknown_argument>(span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), name_,
                                        *name);
      }
    } else if (++positional > parameters.size()) {
      raise<K::wrong_argument_count>(span, name_, fmt::format("{} arguments", parameters.size()), arguments.size());
    }
    given[slot] = &value;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ast::Parameter& p = parameters[i];
    if (given[i] == nullptr) raise<K::missing_argument>(span, name_, p.name.text);
    Sym s = from_value(*given[i]);
    const auto bad = [&](const std::string& why) { raise<K::bad_model_argument>(span, p.name.text, name_, why); };
    if (!s.known) bad("expected numbers");
    const std::vector<const ast::Expr*> dims = sizes(p.type);
    if (s.shape.size() != dims.size())
      bad(fmt::format("expected {} dimensions, found {}", dims.size(), s.shape.size()));
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (const auto* n = std::get_if<ast::NameRef>(&dims[d]->node);
          n != nullptr && find_local(n->text) == nullptr && !environment_.values.contains(n->text)) {
        define(n->text, known(Scalar::integer(s.shape[d])));
        continue;
      }
      const std::int64_t size = known_integer(eval(*dims[d]), dims[d]->span, "a size");
      if (size != s.shape[d]) bad(fmt::format("dimension {} has {} elements, expected {}", d + 1, s.shape[d], size));
    }
    const std::string& type = p.type.base.text;
    if (const auto alphabet = environment_.alphabets.find(type); alphabet != environment_.alphabets.end()) {
      if (s.labels)
        s = as_label_of(s, alphabet->second, span);
      else
        bad("expected tokens of " + type);
    } else {
      if (type == "int" && s.type != ScalarType::integer) bad("expected whole numbers");
      if (type == "bool" && s.type != ScalarType::boolean) bad("expected true or false");
      if (type != "int" && type != "bool") {
        if (s.type == ScalarType::boolean) bad("expected numbers");
        if (s.type == ScalarType::integer) s = apply(Op::to_real, {s}, span);
      }
      // Vectors under other constraints are judged as a whole, where they are used.
      const bool by_element = type == "simplex" || !vector_constraint(type);
      auto [low, high, low_open] = by_element ? element_range(type) : ElementRange{};
      bool high_open = false;
      if (p.type.bounds && !p.type.bounds->elements) {
        low = known_real(eval(*p.type.bounds->low), p.type.bounds->span, "a bound");
        high = known_real(eval(*p.type.bounds->high), p.type.bounds->span, "a bound");
        low_open = p.type.bounds->low_open;
        high_open = p.type.bounds->high_open;
      }
      for (std::size_t k = 0; k < s.known->size(); ++k) {
        const double v = s.known->at(k).as_real();
        const bool fits = (low_open ? v > low : v >= low) && (high_open ? v < high : v <= high);
        if (fits) continue;
        const std::string must = fmt::format("{}{}, {}{}", low_open ? '(' : '[', low, high, high_open ? ')' : ']');
        const std::string is = to_text(s.known->at(k));
        bad(s.shape.empty() ? fmt::format("{} is not in {}", is, must)
                            : fmt::format("element {} is {}, which is not in {}", k + 1, is, must));
      }
    }
    define(p.name.text, std::move(s));
  }
}

void ModelLowerer::define_latent(const std::string& name, const std::vector<std::int64_t>& shape,
                                 const Support& support, ir::SiteId at, bool token, bool stream_latent) {
  ir::Latent l;
  l.name = name;
  l.site = at;
  l.shape = shape;
  l.finite = support.finite();
  l.token = token;
  l.stream = stream_latent;
  if (l.finite) {
    l.cardinality = support.cardinality();
    if (support.labels) {
      l.labels = support.labels->labels;
    } else {
      for (std::int64_t c = 1; c <= l.cardinality && l.cardinality <= 1024; ++c)
        l.labels.push_back(to_text(decode(support, c)));
    }
  } else {
    l.constraint = support.constraint;
    l.low = support.real_low;
    l.high = support.real_high;
  }
  const ir::LatentId id = module_->add_latent(std::move(l));
  if (token) stream.emit = id;
  if (stream_latent) stream.latents.push_back(id);
  if (!token) latent_names.push_back(name);
  define(name, latent_symbol(id, support, shape));
}

Sym ModelLowerer::latent_symbol(ir::LatentId id, const Support& support, std::vector<std::int64_t> shape) {
  const auto build = [this, id, support](std::span<const ExprId> at) {
    const ExprId load = module_->load_latent(id, at);
    return support.finite() ? expr(decode(support, load)) : load;
  };
  if (shape.empty()) {
    Sym s = scalar(build({}), support.labels);
    return s;
  }
  Sym s;
  s.type = support.kind == Support::Kind::boolean    ? ScalarType::boolean
           : support.kind == Support::Kind::reals    ? ScalarType::real
           : support.kind == Support::Kind::elements ? support.elements.type
                                                     : ScalarType::integer;
  s.labels = support.labels;
  s.shape = std::move(shape);
  s.element = build;
  return s;
}

/// The value of an index that is stored as 1, 2, … and means low, low + 1, ….
ExprId ModelLowerer::counted_from(std::int64_t low, ir::IndexId i) {
  const ExprId v = module_->index_value(i);
  return low == 1 ? v : module_->prim(Op::add, {v, module_->integer(low - 1)});
}

/// The dimensions of a plate or a stream; the names of its indices are defined in the present scope.
ModelLowerer::Plate ModelLowerer::plate(const ast::SampleStmt& s) {
  Plate p;
  for (const ast::PlateDim& d : s.dims) {
    std::int64_t low = 1, high = 0;
    std::string index_name = "i";
    const auto* bare = d.index || !d.high ? nullptr : std::get_if<ast::NameRef>(&d.high->node);
    const bool stream_dim = decl_->emits && s.dims.size() == 1 && bare != nullptr &&
                            find_local(bare->text) == nullptr && !environment_.values.contains(bare->text);
    if (stream_dim) {
      p.is_stream = true;
      high = unbounded_stream;
      index_name = bare->text;
    } else {
      if (d.low) low = known_integer(eval(*d.low), d.low->span, "the start of a plate");
      high = known_integer(eval(*d.high), d.high->span, "the size of a plate");
      if (d.index) index_name = d.index->text;
      // 1..0 is empty, 1..-1 a mistake: what says how many there are is below 0.
      if (low == 1 && high < 0) raise<K::wrong_type>(d.high->span, "a size of 0 or more", std::to_string(high));
      if (low != 1) p.offset_from = d.low->span;
    }
    // Elements are counted from 1 wherever the index runs: `x[i in 3..5]` is an array of three.
    const std::int64_t size = p.is_stream ? high : extent(low, high, d.high->span);
    const ir::IndexId i = module_->add_index(index_name, 1, size);
    if (p.is_stream) stream.indices.push_back(i);
    p.loops.push_back({i});
    p.shape.push_back(size);
    if (!p.is_stream) element_count(p.shape, d.high->span);
    if (d.index || stream_dim) define(index_name, scalar(counted_from(low, i)));
  }
  p.may_read_itself = !s.dims.empty() && (s.dims[0].index || p.is_stream);
  return p;
}

/// The support of a latent that is not defined yet, with a stand-in for it: an indexed plate may read its earlier
/// elements.
Support ModelLowerer::support_before(const ast::SampleStmt& s, const Plate& p) {
  const auto look = [&](ScalarType stand_in_type) {
    if (p.may_read_itself) {
      Sym stand_in;
      stand_in.type = stand_in_type;
      stand_in.shape = p.shape;
      stand_in.element = [this, stand_in_type, &p, &s](std::span<const ExprId>) {
        if (p.offset_from) raise<K::offset_recurrence>(*p.offset_from, s.name.text);
        return stand_in_type == ScalarType::boolean ? module_->boolean(true) : module_->integer(1);
      };
      lenient_names_ = true;
      define(s.name.text, stand_in);
    }
    Support found = support(ordering(s.dist.truncation) ? distribution(*s.dist.distribution) : distribution(s.dist));
    lenient_names_ = false;
    return found;
  };
  const std::size_t guards = guards_.size(), calls = calls_.size();
  try {
    return look(ScalarType::integer);
  } catch (Failure& f) {
    // Perhaps the elements are true or false. What is wrong either way is reported by the second look.
    if (!p.may_read_itself || f.diagnostic.kind == K::offset_recurrence) throw;
    guards_.resize(guards);
    calls_.resize(calls);
    return look(ScalarType::boolean);
  }
}

/// `x[K] ~ D in ordered`: each row of the plate increases. As with Stan's ordered vectors the density stays that of K
/// independent draws, on the part of the space that is left; nothing is divided by the probability of that part.
void ModelLowerer::put_in_order(Support& values, model::Constraint order, const Plate& p, SourceSpan span) {
  using model::Constraint;
  if (p.shape.empty() || p.is_stream)
    raise_help<K::wrong_type>(span, "write `x[K] ~ D in ordered`", "a plate whose elements have an order",
                              "a single draw");
  const bool from_zero = values.real_low == 0;
  if (values.kind != Support::Kind::reals || !values.value_shape.empty() || std::isfinite(values.real_high) ||
      (std::isfinite(values.real_low) && !from_zero))
    raise<K::wrong_type>(span, "a distribution over all reals or all positive ones", "another one");
  values.constraint = from_zero ? Constraint::positive_ordered : order;
  if (values.constraint == Constraint::positive_ordered) values.real_low = 0;
}

void ModelLowerer::sample(const ast::SampleStmt& s, SourceSpan span) {
  if (!loops_.empty() || !conditions_.empty()) raise<K::latent_in_loop>(s.name.span);
  if (find_local(s.name.text) != nullptr) raise<K::duplicate_name>(s.name.span, s.name.text);
  const ir::SiteId at = site(span, s.name.text + " ~");
  const ScopeGuard scope(*this, false);
  const Plate p = plate(s);
  loops_ = p.loops;
  Support values = support_before(s, p);
  std::vector<std::int64_t> shape = p.shape;
  shape.insert(shape.end(), values.value_shape.begin(), values.value_shape.end());
  const auto order = ordering(s.dist.truncation);
  if (order) put_in_order(values, *order, p, s.dist.truncation->span);
  if (values.kind == Support::Kind::labels) {
    auto alphabet = std::make_shared<Alphabet>(*values.labels);
    alphabet->name = s.name.text;
    alphabet->declared = s.name.span;
    values.labels = alphabet;
    alphabets_.push_back(alphabet);
  } else if (values.kind == Support::Kind::whole_type) {
    if (!values.labels) raise_not_yet(span, NotYet::derived_latent);
    values.kind = Support::Kind::labels;
  }
  loops_.clear();
  // The latent belongs to the model's scope, not to this statement's.
  {
    std::map<std::string, Sym> inner = std::move(scopes_.back());
    scopes_.pop_back();
    define_latent(s.name.text, shape, values.moving ? own_scale(values) : values, at, false, p.is_stream);
    inner.erase(s.name.text);
    scopes_.push_back(std::move(inner));
  }
  loops_ = p.loops;
  if (values.moving) {
    Sym unplaced;
    unplaced.shape = p.shape;
    unplaced.element = [span = s.name.span, name = s.name.text](std::span<const ExprId>) -> ExprId {
      raise<K::not_known>(span, fmt::format("the range of `{}`, which depends on its own earlier elements,", name));
    };
    redefine(s.name.text, std::move(unplaced));
  }
  DistInstance d = order ? distribution(*s.dist.distribution) : distribution(s.dist);
  const std::vector<ExprId> index = loop_values();
  const std::vector<std::int64_t> lifted = lifted_shape(d);
  if (!lifted.empty()) {
    if (lifted != p.shape)
      raise_help<K::shape_mismatch>(
          s.dist.distribution->span,
          p.shape.empty() ? fmt::format("write `{}[{}] ~ …` for one draw each", s.name.text, fmt::join(lifted, ", "))
                          : "",
          fmt::format("{}[{}]", s.name.text, fmt::join(p.shape, ", ")), fmt::format("[{}]", fmt::join(lifted, ", ")));
    d = this->at(d, index);
  }
  std::optional<ExprId> stretch;
  if (values.moving) stretch = place_between(d, s.name.text, p);
  const Sym x = p.shape.empty() ? *find_local(s.name.text) : sub(*find_local(s.name.text), index);
  if (const auto valid = validity(d))
    add_term(ir::TermKind::prior, at, module_->select(*valid, module_->real(0), module_->real(std::nan(""))));
  const ExprId density = logp(d, x);
  add_prior(at, stretch ? module_->prim(Op::add, {density, *stretch}) : density, s.name.text, index);
  loops_.clear();
}

/// A latent whose ends depend on other continuous latents is drawn on a scale of its own: its place between two ends,
/// or its distance from the only one.
Support ModelLowerer::own_scale(Support s) {
  s.real_low = 0;
  s.real_high = 1;
  return s;
}

/// Gives such a latent its meaning. Returns the logarithm of the derivative by its own scale.
ExprId ModelLowerer::place_between(const DistInstance& d, const std::string& name, const Plate& p) {
  const Ends between = ends(d);
  const auto id = static_cast<ir::LatentId>(module_->latents.size() - 1);
  if (!between.low || !between.high) module_->latents.back().high = infinity;
  const std::vector<ExprId> here = loop_values();
  const ExprId u = module_->load_latent(id, here);
  ExprId value{};
  ExprId log_derivative = module_->real(0);
  if (between.low && between.high) {
    const ExprId width = module_->prim(Op::sub, {*between.high, *between.low});
    value = module_->prim(Op::add, {*between.low, module_->prim(Op::mul, {width, u})});
    log_derivative = module_->prim(Op::log, {width});
  } else if (between.low) {
    value = module_->prim(Op::add, {*between.low, u});
  } else {
    value = module_->prim(Op::sub, {*between.high, u});
  }
  if (p.shape.empty()) {
    redefine(name, scalar(value));
    return log_derivative;
  }
  std::vector<ir::IndexId> indices;
  for (const Loop& l : p.loops) indices.push_back(l.index);
  redefine(name, array_of(value, std::move(indices)));
  return log_derivative;
}

/// A prior names its latent even where the density is the same for all its values, so that structure shows in the term.
void ModelLowerer::add_prior(ir::SiteId at, ExprId logp, const std::string& latent, std::span<const ExprId> index) {
  for (std::size_t l = 0; l < module_->latents.size(); ++l) {
    const ir::Latent& x = module_->latents[l];
    if (x.name != latent || !x.finite) continue;
    const ir::Dependence d = ir::dependence(*module_, logp);
    if (std::find(d.finite.begin(), d.finite.end(), static_cast<ir::LatentId>(l)) != d.finite.end()) break;
    Sym zeros =
        known(ArrayValue::of(std::vector<double>(static_cast<std::size_t>(x.cardinality), 0.0), {x.cardinality}));
    const ExprId code = module_->load_latent(static_cast<ir::LatentId>(l), index);
    logp = module_->prim(Op::add, {logp, element(zeros, std::span(&code, 1))});
    break;
  }
  add_term(ir::TermKind::prior, at, logp);
}

/// Each side of a choice emits tokens of the alphabet, not necessarily all of them.
void ModelLowerer::check_emission(const DistInstance& d, const Alphabet& alphabet) {
  if (d.condition) {
    check_emission(*d.then_dist, alphabet);
    check_emission(*d.else_dist, alphabet);
    return;
  }
  const Support given = support(d);
  if (given.kind == Support::Kind::labels) {
    for (const std::string& label : given.labels->labels)
      if (alphabet.find(label) == 0) {
        const std::string near = nearest_name(label, alphabet.labels);
        raise_help<K::unknown_label>(d.key_span(label), near.empty() ? "" : fmt::format("did you mean `{}`?", near),
                                     label, fmt::format("{{{}}}", fmt::join(alphabet.labels, ", ")));
      }
  } else if (given.kind == Support::Kind::integers) {
    if (given.low != 1 || given.high != static_cast<std::int64_t>(alphabet.labels.size()))
      raise<K::different_supports>(d.span, fmt::format("{}..{}", given.low, given.high),
                                   fmt::format("the {} tokens of {}", alphabet.labels.size(), alphabet.name));
  } else if (given.kind != Support::Kind::whole_type || (given.labels && given.labels->labels != alphabet.labels)) {
    raise<K::outcome_type>(d.span, "this distribution", "something else", "a token of " + alphabet.name);
  }
}

void ModelLowerer::emit(const ast::EmitStmt& s, SourceSpan span) {
  if (!decl_->emits) raise<K::no_emit>(s.emit_span);
  if (!loops_.empty() || !conditions_.empty()) raise<K::latent_in_loop>(s.emit_span);
  if (stream.present) raise<K::duplicate_name>(s.emit_span, "emit");
  const auto alphabet = environment_.alphabets.find(decl_->emits->text);
  if (alphabet == environment_.alphabets.end())
    raise<K::unknown_name>(decl_->emits->span, "token alphabet", decl_->emits->text);
  const ir::SiteId at = site(span, "emit ~");
  stream.present = true;
  stream.alphabet = alphabet->second;
  stream.independent = !s.index;
  Support whole;
  whole.kind = Support::Kind::labels;
  whole.labels = alphabet->second;
  const ScopeGuard scope(*this, false);
  const std::string index_name = s.index ? s.index->text : "t";
  const ir::IndexId t = module_->add_index(index_name, 1, unbounded_stream);
  stream.indices.push_back(t);
  {
    std::map<std::string, Sym> inner = std::move(scopes_.back());
    scopes_.pop_back();
    define_latent("emit", {unbounded_stream}, whole, at, true, true);
    scopes_.push_back(std::move(inner));
  }
  loops_ = {{t}};
  if (s.index) define(index_name, scalar(module_->index_value(t)));
  const DistInstance d = distribution(s.dist);
  const std::vector<ExprId> index = loop_values();
  const Sym token = sub(*find_local("emit"), index);
  check_emission(d, *alphabet->second);
  if (const auto valid = validity(d)) {
    // Stated once where it does not depend on the position, so that models without evidence on tokens are checked too.
    const ExprId body = module_->select(*valid, module_->real(0), module_->real(std::nan("")));
    const ir::Dependence dep = ir::dependence(*module_, body);
    const bool per_token = std::find(dep.free_indices.begin(), dep.free_indices.end(), t) != dep.free_indices.end();
    if (!per_token) loops_.clear();
    add_term(ir::TermKind::prior, at, body);
    loops_ = {{t}};
  }
  add_prior(at, logp(d, token), "emit", index);
  loops_.clear();
}

}  // namespace hearsay
