#include "lang/eval/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "lang/eval/neumaier.h"

namespace hearsay::eval {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double log_sum_exp(std::span<const double> values) {
  double largest = -kInf;
  for (const double v : values) {
    if (std::isnan(v)) return v;
    largest = std::max(largest, v);
  }
  if (std::isinf(largest)) return largest;
  Neumaier sum;
  for (const double v : values) sum.add(std::exp(v - largest));
  return largest + std::log(sum.total());
}

// The value of a reduction over nothing.
Scalar neutral(ir::Reduction reduction, ScalarType type) {
  using Integers = std::numeric_limits<std::int64_t>;
  const bool real = type == ScalarType::real;
  switch (reduction) {
    case ir::Reduction::sum:
      return real ? Scalar::real(0) : Scalar::integer(0);
    case ir::Reduction::product:
      return real ? Scalar::real(1) : Scalar::integer(1);
    case ir::Reduction::minimum:
      return real ? Scalar::real(kInf) : Scalar::integer(Integers::max());
    case ir::Reduction::maximum:
      return real ? Scalar::real(-kInf) : Scalar::integer(Integers::min());
    case ir::Reduction::all:
      return Scalar::boolean(true);
    case ir::Reduction::any:
      return Scalar::boolean(false);
    case ir::Reduction::log_sum_exp:
      return Scalar::real(-kInf);
  }
  return Scalar::real(kNaN);
}

Op combining(ir::Reduction reduction) {
  switch (reduction) {
    case ir::Reduction::product:
      return Op::mul;
    case ir::Reduction::minimum:
      return Op::min;
    case ir::Reduction::maximum:
      return Op::max;
    case ir::Reduction::all:
      return Op::logical_and;
    case ir::Reduction::any:
      return Op::logical_or;
    case ir::Reduction::sum:
    case ir::Reduction::log_sum_exp:
      break;
  }
  return Op::add;
}

}  // namespace

// Binds indices for a scope and puts the old values back.
class ReferenceEvaluator::Binding {
public:
  Binding(ReferenceEvaluator& owner, std::span<const ir::IndexId> indices) : owner_(owner), indices_(indices) {
    old_.reserve(indices.size());
    for (const ir::IndexId i : indices) old_.push_back(owner.bound_[raw(i)]);
  }
  ~Binding() {
    for (std::size_t k = 0; k < indices_.size(); ++k) owner_.bind(indices_[k], old_[k]);
  }
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

private:
  ReferenceEvaluator& owner_;
  std::span<const ir::IndexId> indices_;
  std::vector<std::int64_t> old_;
};

ReferenceEvaluator::ReferenceEvaluator(const ir::Module& module) : module_(module), layout_(module), reads_(module) {
  learn_module();
}

void ReferenceEvaluator::learn_module() {
  for (std::size_t e = uses_.size(); e < module_.insts.size(); ++e) {
    uses_.push_back(0);
    for (const ir::ExprId operand : module_.insts[e].operands) ++uses_[raw(operand)];
  }
  values_.resize(module_.insts.size());
  expr_reads_.resize(module_.insts.size(), nullptr);
  bound_.resize(module_.indices.size(), 0);
  bound_at_.resize(module_.indices.size(), 0);
  lets_.resize(module_.lets.size());
  if (layout_.offset.size() != module_.latents.size()) layout_ = ir::StateLayout(module_);
}

void ReferenceEvaluator::begin(const model::StateView& state) {
  learn_module();
  state_ = state;
  continuous_at_ = finite_at_ = ++clock_;
}

void ReferenceEvaluator::set_index(ir::IndexId index, std::int64_t value) {
  learn_module();
  bind(index, value);
}

void ReferenceEvaluator::bind(ir::IndexId index, std::int64_t value) {
  bound_[raw(index)] = value;
  bound_at_[raw(index)] = ++clock_;
}

ReferenceEvaluator::Moment ReferenceEvaluator::last_change(const ir::Dependence& reads) const {
  Moment last = 1;
  if (!reads.continuous.empty()) last = std::max(last, continuous_at_);
  if (!reads.finite.empty()) last = std::max(last, finite_at_);
  for (const ir::IndexId i : reads.free_indices) last = std::max(last, bound_at_[raw(i)]);
  return last;
}

Scalar ReferenceEvaluator::value(ir::ExprId e, const model::StateView& state) {
  begin(state);
  return eval(e);
}

double ReferenceEvaluator::term(ir::TermId t, std::span<const std::int64_t> plate, const model::StateView& state) {
  begin(state);
  return instance(t, plate);
}

double ReferenceEvaluator::term(ir::TermId t, const model::StateView& state) {
  begin(state);
  return plate_sum(t);
}

double ReferenceEvaluator::log_density(const model::StateView& state) {
  begin(state);
  Neumaier total;
  for (std::uint32_t t = 0; t < module_.terms.size(); ++t) total.add(plate_sum(ir::TermId{t}));
  return total.total();
}

double ReferenceEvaluator::sum(std::span<const ir::TermId> terms, const model::StateView& state) {
  begin(state);
  Neumaier total;
  for (const ir::TermId t : terms) total.add(plate_sum(t));
  return total.total();
}

double ReferenceEvaluator::instance(ir::TermId t, std::span<const std::int64_t> plate) {
  const ir::Term& term = module_.terms[raw(t)];
  const Binding restore(*this, term.plate);
  for (std::size_t k = 0; k < plate.size(); ++k) bind(term.plate[k], plate[k]);
  return eval(term.body).as_real();
}

double ReferenceEvaluator::plate_sum(ir::TermId t) {
  const ir::Term& term = module_.terms[raw(t)];
  for (const ir::IndexId i : term.plate) {
    if (module_.index(i).extent() == 0) return 0;
  }
  const Binding restore(*this, term.plate);
  for (const ir::IndexId i : term.plate) bind(i, module_.index(i).low);
  Neumaier total;
  while (true) {
    total.add(eval(term.body).as_real());
    // the next instance: the innermost index that has not reached its end moves on, those inside it start again
    std::size_t k = term.plate.size();
    while (k > 0 && bound_[raw(term.plate[k - 1])] == module_.index(term.plate[k - 1]).high) {
      --k;
      bind(term.plate[k], module_.index(term.plate[k]).low);
    }
    if (k == 0) return total.total();
    bind(term.plate[k - 1], bound_[raw(term.plate[k - 1])] + 1);
  }
}

void ReferenceEvaluator::fill_tables(const ir::Grounding& grounding, std::span<const double> continuous,
                                     std::span<double> tables) {
  learn_module();
  std::vector<std::int32_t> finite(layout_.finite, 0);
  begin({continuous, finite});
  for (const ir::GroundFactor& factor : grounding.factors) {
    for (const std::uint32_t v : factor.scope) finite[v] = 1;
    for (std::size_t row = 0; row < factor.table_size; ++row) {
      finite_at_ = ++clock_;
      double& entry = tables[factor.table_offset + row];
      try {
        entry = instance(factor.term, factor.plate);
      } catch (const std::logic_error&) {
        entry = kNaN;
      }
      for (std::size_t k = factor.scope.size(); k-- > 0;) {
        const std::uint32_t v = factor.scope[k];
        if (static_cast<std::uint32_t>(finite[v]) < grounding.variables[v].cardinality) {
          ++finite[v];
          break;
        }
        finite[v] = 1;
      }
    }
    for (const std::uint32_t v : factor.scope) finite[v] = 0;
  }
}

Scalar ReferenceEvaluator::eval(ir::ExprId e) {
  const ir::Inst& inst = module_.inst(e);
  if (uses_[raw(e)] < 2 || inst.operands.empty()) return compute(inst);
  const ir::Dependence*& reads = expr_reads_[raw(e)];
  if (reads == nullptr) reads = &reads_(e);
  CachedValue& cached = values_[raw(e)];
  if (cached.at < last_change(*reads)) {
    const Scalar value = compute(inst);
    cached.value = value;
    cached.at = clock_;  // bindings that were made on the way are undone: what `e` reads is as it was
  }
  return cached.value;
}

Scalar ReferenceEvaluator::compute(const ir::Inst& inst) {
  switch (inst.code) {
    case ir::Opcode::constant:
      return module_.constants[inst.payload];
    case ir::Opcode::index:
      return Scalar::integer(bound_[inst.payload]);
    case ir::Opcode::data: {
      const ir::Data& data = module_.data[inst.payload];
      return data.at(flat_position(inst, data.shape, {}, data.name));
    }
    case ir::Opcode::latent:
      return load_latent(inst);
    case ir::Opcode::let:
      return load_let(inst);
    case ir::Opcode::prim: {
      std::array<Scalar, 3> operands;
      const auto op = Op{static_cast<std::uint16_t>(inst.payload)};
      if (op == Op::logical_and || op == Op::logical_or) return connective(inst, op);
      for (std::size_t k = 0; k < inst.operands.size(); ++k) operands[k] = eval(inst.operands[k]);
      if (inst.type == ScalarType::boolean)
        for (std::size_t k = 0; k < inst.operands.size(); ++k)
          compared_nan_ = compared_nan_ || (operands[k].type == ScalarType::real && std::isnan(operands[k].r));
      return hearsay::apply(op, std::span(operands.data(), inst.operands.size()));
    }
    case ir::Opcode::select:
      return eval(inst.operands[eval(inst.operands[0]).truth() ? 1 : 2]);
    case ir::Opcode::pick: {
      const std::int64_t k = eval(inst.operands[0]).i;
      if (k < 1 || k >= static_cast<std::int64_t>(inst.operands.size())) {
        throw std::out_of_range(fmt::format("choice {} of {}", k, inst.operands.size() - 1));
      }
      return eval(inst.operands[static_cast<std::size_t>(k)]);
    }
    case ir::Opcode::reduce:
      return reduce(inst);
  }
  return Scalar::real(kNaN);
}

// `and`, `or`: a side that has no truth value matters only where the other does not decide.
Scalar ReferenceEvaluator::connective(const ir::Inst& inst, Op op) {
  const bool deciding = op == Op::logical_or;
  const bool before = std::exchange(compared_nan_, false);
  bool undefined = false, decided = false;
  std::array<Scalar, 2> operands;
  for (std::size_t k = 0; k < 2; ++k) {
    compared_nan_ = false;
    operands[k] = eval(inst.operands[k]);
    undefined = undefined || compared_nan_;
    decided = decided || (!compared_nan_ && operands[k].truth() == deciding);
  }
  compared_nan_ = before || (undefined && !decided);
  return hearsay::apply(op, operands);
}

// Row-major position of the element that the operands choose. Dimensions run from 1, or over the ranges of `binders`.
std::size_t ReferenceEvaluator::flat_position(const ir::Inst& inst, std::span<const std::int64_t> shape,
                                              std::span<const ir::IndexId> binders, const std::string& name) {
  std::size_t flat = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t low = binders.empty() ? 1 : module_.index(binders[d]).low;
    const std::int64_t at = eval(inst.operands[d]).i;
    if (at < low || at - low >= shape[d]) {
      throw std::out_of_range(
          fmt::format("index {} of dimension {} of `{}` is outside {}..{}", at, d + 1, name, low, low + shape[d] - 1));
    }
    flat = flat * static_cast<std::size_t>(shape[d]) + static_cast<std::size_t>(at - low);
  }
  return flat;
}

Scalar ReferenceEvaluator::load_latent(const ir::Inst& inst) {
  const ir::Latent& latent = module_.latents[inst.payload];
  const std::size_t at = layout_.offset[inst.payload] + flat_position(inst, latent.shape, {}, latent.name);
  if (latent.finite) {
    if (at >= state_.finite.size() || state_.finite[at] == 0) throw UnassignedLatent("no value for " + latent.name);
    return Scalar::integer(state_.finite[at]);
  }
  if (at >= state_.continuous.size()) throw UnassignedLatent("no value for " + latent.name);
  return Scalar::real(state_.continuous[at]);
}

Scalar ReferenceEvaluator::load_let(const ir::Inst& inst) {
  const ir::Let& let = module_.lets[inst.payload];
  LetCache& cache = lets_[inst.payload];
  if (cache.elements.empty()) {
    cache.reads = &reads_.of(ir::LetId{inst.payload});
    std::size_t size = 1;
    for (const ir::IndexId i : let.binders) {
      cache.shape.push_back(module_.index(i).extent());
      size *= static_cast<std::size_t>(cache.shape.back());
    }
    cache.elements.resize(std::max<std::size_t>(size, 1));
  }
  const std::size_t flat = flat_position(inst, cache.shape, let.binders, let.name);
  const CachedValue& element = let_element(inst.payload, flat);
  if (element.failure) std::rethrow_exception(element.failure);
  return element.value;
}

const ReferenceEvaluator::CachedValue& ReferenceEvaluator::let_element(std::uint32_t let, std::size_t flat) {
  LetCache& cache = lets_[let];
  const Moment changed = last_change(*cache.reads);
  if (cache.elements[flat].at >= changed) return cache.elements[flat];
  if (module_.lets[let].scan) {
    if (cache.current && flat >= *cache.current) {
      throw std::out_of_range(
          fmt::format("element {} of `{}` reads element {}", *cache.current + 1, module_.lets[let].name, flat + 1));
    }
    // Earlier elements first, in order, so that a long chain needs no deep recursion. One that fails (it reads
    // something that has no value here) is no fault unless it is asked for.
    if (cache.scanned_at < changed) {
      cache.scanned = 0;
      cache.scanned_at = clock_;
    }
    while (cache.scanned < flat) {
      if (cache.elements[cache.scanned].at < changed) compute_element(let, cache.scanned);
      ++cache.scanned;
    }
  }
  compute_element(let, flat);
  return cache.elements[flat];
}

void ReferenceEvaluator::compute_element(std::uint32_t let, std::size_t flat) {
  const ir::Let& definition = module_.lets[let];
  LetCache& cache = lets_[let];
  const auto outer = std::exchange(cache.current, flat);
  CachedValue& element = cache.elements[flat];
  {
    const Binding restore(*this, definition.binders);
    std::size_t rest = flat;
    for (std::size_t d = definition.binders.size(); d-- > 0;) {
      const auto extent = static_cast<std::size_t>(cache.shape[d]);
      bind(definition.binders[d], module_.index(definition.binders[d]).low + static_cast<std::int64_t>(rest % extent));
      rest /= extent;
    }
    element.failure = nullptr;
    try {
      element.value = eval(definition.body);
    } catch (const std::logic_error&) {
      element.failure = std::current_exception();
    }
  }
  element.at = clock_;
  cache.current = outer;
}

Scalar ReferenceEvaluator::reduce(const ir::Inst& inst) {
  const ir::IndexId bound{inst.payload};
  const ir::IndexVar range = module_.index(bound);
  const Binding restore(*this, std::span(&bound, 1));
  const bool real_sum = inst.reduction == ir::Reduction::sum && inst.type == ScalarType::real;
  Scalar result = neutral(inst.reduction, inst.type);
  Neumaier sum;
  std::vector<double> exponents;
  for (std::int64_t k = range.low, left = range.extent(); left > 0; ++k, --left) {
    bind(bound, k);
    const Scalar value = eval(inst.operands[0]);
    if (real_sum) {
      sum.add(value.r);
    } else if (inst.reduction == ir::Reduction::log_sum_exp) {
      exponents.push_back(value.r);
    } else {
      result = hearsay::apply(combining(inst.reduction), std::array{result, value});
    }
  }
  if (real_sum) return Scalar::real(sum.total());
  if (inst.reduction == ir::Reduction::log_sum_exp) return Scalar::real(log_sum_exp(exponents));
  return result;
}

}  // namespace hearsay::eval
