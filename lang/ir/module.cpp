// Building expressions: hash-consing and the conversions that typing rules ask for.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "lang/ir/ir.h"

namespace hearsay::ir {
namespace {

std::size_t mix(std::size_t seed, std::uint64_t value) {
  // splitmix64's finaliser: cheap, and every bit of the input reaches every bit of the result
  std::uint64_t x = seed + 0x9e3779b97f4a7c15ULL + value;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

template <class Id, class T>
Id append(std::vector<T>& store, T value) {
  store.push_back(std::move(value));
  return Id{static_cast<std::uint32_t>(store.size() - 1)};
}

}  // namespace

std::int64_t Data::size() const { return product(shape); }
std::int64_t Latent::size() const { return product(shape); }

Scalar Data::at(std::size_t flat) const {
  if (type == ScalarType::real) return Scalar::real((*reals)[flat]);
  return {type, (*integers)[flat], 0};
}

std::size_t Module::InstHash::operator()(const Inst& i) const {
  std::size_t h = mix(static_cast<std::size_t>(i.code) << 16U | static_cast<std::size_t>(i.type) << 8U |
                          static_cast<std::size_t>(i.reduction),
                      i.payload);
  for (const ExprId e : i.operands) h = mix(h, raw(e));
  return h;
}

std::size_t Module::ConstantHash::operator()(const ConstantKey& key) const {
  return mix(static_cast<std::size_t>(key.first), key.second);
}

const Scalar* Module::constant(ExprId e) const {
  const Inst& i = inst(e);
  return i.code == Opcode::constant ? &constants[i.payload] : nullptr;
}

ExprId Module::intern(Inst inst) {
  const auto next = ExprId{static_cast<std::uint32_t>(insts.size())};
  const auto [place, inserted] = interned_.try_emplace(inst, next);
  if (inserted) insts.push_back(std::move(inst));
  return place->second;
}

ExprId Module::constant(Scalar value) {
  if (value.type == ScalarType::real) {
    value = Scalar::real(std::isnan(value.r) ? std::numeric_limits<double>::quiet_NaN() : value.r);
  } else {
    value = {value.type, value.i, 0};
  }
  const std::uint64_t bits =
      value.type == ScalarType::real ? std::bit_cast<std::uint64_t>(value.r) : std::bit_cast<std::uint64_t>(value.i);
  const auto next = static_cast<std::uint32_t>(constants.size());
  const auto [place, inserted] = interned_constants_.try_emplace({value.type, bits}, next);
  if (inserted) constants.push_back(value);
  return intern({Opcode::constant, value.type, {}, place->second, {}});
}

IndexId Module::add_index(std::string name, std::int64_t low, std::int64_t high) {
  return append<IndexId>(indices, IndexVar{std::move(name), low, high});
}

ExprId Module::index_value(IndexId i) {
  return intern({Opcode::index, ScalarType::integer, {}, static_cast<std::uint32_t>(i), {}});
}

ExprId Module::load_data(DataId d, std::span<const ExprId> at) {
  assert(at.size() == data[raw(d)].shape.size());
  return intern({Opcode::data, data[raw(d)].type, {}, static_cast<std::uint32_t>(d), {at.begin(), at.end()}});
}

ExprId Module::load_latent(LatentId l, std::span<const ExprId> at) {
  const Latent& latent = latents[raw(l)];
  assert(at.size() == latent.shape.size());
  const ScalarType type = latent.finite ? ScalarType::integer : ScalarType::real;
  return intern({Opcode::latent, type, {}, static_cast<std::uint32_t>(l), {at.begin(), at.end()}});
}

ExprId Module::load_let(LetId l, std::span<const ExprId> at, ScalarType type) {
  assert(at.size() == lets[raw(l)].binders.size());
  return intern({Opcode::let, type, {}, static_cast<std::uint32_t>(l), {at.begin(), at.end()}});
}

ExprId Module::to_type(ExprId e, ScalarType wanted) {
  if (type(e) == wanted) return e;
  assert(wanted != ScalarType::boolean && !(type(e) == ScalarType::real && wanted == ScalarType::integer) &&
         "only widening conversions are implicit");
  const Op op = wanted == ScalarType::real ? Op::to_real : Op::to_int;
  return intern({Opcode::prim, wanted, {}, static_cast<std::uint32_t>(op), {e}});
}

ExprId Module::to_real(ExprId e) { return to_type(e, ScalarType::real); }

// Brings all operands to the widest of their types: boolean, then integer, then real.
void Module::unify(std::vector<ExprId>& operands) {
  ScalarType widest = ScalarType::boolean;
  for (const ExprId e : operands) widest = std::max(widest, type(e));
  for (ExprId& e : operands) e = to_type(e, widest);
}

ExprId Module::prim(Op op, std::span<const ExprId> given) {
  std::vector<ExprId> operands(given.begin(), given.end());
  switch (info(op).typing) {
    case Typing::arithmetic:
      unify(operands);
      if (type(operands[0]) == ScalarType::boolean) {
        for (ExprId& e : operands) e = to_type(e, ScalarType::integer);
      }
      break;
    case Typing::compare:
      unify(operands);
      break;
    case Typing::real_only:
      for (ExprId& e : operands) e = to_real(e);
      break;
    case Typing::integers:
      for (ExprId& e : operands) e = to_type(e, ScalarType::integer);
      break;
    case Typing::to_real:
    case Typing::to_integer:
      // converting what has the type already is nothing
      if (type(operands[0]) == (op == Op::to_real ? ScalarType::real : ScalarType::integer)) return operands[0];
      break;
    case Typing::logic:
      break;
  }
  std::vector<ScalarType> types;
  types.reserve(operands.size());
  for (const ExprId e : operands) types.push_back(type(e));
  const auto result = result_type(op, types);
  assert(result && "operands do not fit the operation");
  return intern({Opcode::prim, *result, {}, static_cast<std::uint32_t>(op), std::move(operands)});
}

ExprId Module::select(ExprId condition, ExprId then_value, ExprId else_value) {
  assert(type(condition) == ScalarType::boolean);
  std::vector<ExprId> values{then_value, else_value};
  unify(values);
  return intern({Opcode::select, type(values[0]), {}, 0, {condition, values[0], values[1]}});
}

ExprId Module::pick(ExprId index, std::span<const ExprId> elements) {
  assert(type(index) == ScalarType::integer && !elements.empty());
  std::vector<ExprId> values(elements.begin(), elements.end());
  unify(values);
  const ScalarType common = type(values[0]);
  values.insert(values.begin(), index);
  return intern({Opcode::pick, common, {}, 0, std::move(values)});
}

ExprId Module::reduce(Reduction reduction, IndexId bound, ExprId body) {
  switch (reduction) {
    case Reduction::sum:
    case Reduction::product:
    case Reduction::minimum:
    case Reduction::maximum:
      if (type(body) == ScalarType::boolean) body = to_type(body, ScalarType::integer);
      break;
    case Reduction::all:
    case Reduction::any:
      assert(type(body) == ScalarType::boolean);
      break;
    case Reduction::log_sum_exp:
      body = to_real(body);
      break;
  }
  return intern({Opcode::reduce, type(body), reduction, static_cast<std::uint32_t>(bound), {body}});
}

DataId Module::add_data(Data d) { return append<DataId>(data, std::move(d)); }
LatentId Module::add_latent(Latent l) { return append<LatentId>(latents, std::move(l)); }
LetId Module::add_let(Let l) { return append<LetId>(lets, std::move(l)); }
TermId Module::add_term(Term t) { return append<TermId>(terms, std::move(t)); }
SiteId Module::add_site(Site s) { return append<SiteId>(sites, std::move(s)); }

}  // namespace hearsay::ir
