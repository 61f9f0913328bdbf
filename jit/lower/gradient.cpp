#include "jit/lower/gradient.h"

#include <algorithm>

#include "jit/lower/model.h"

namespace hearsay::jit {
namespace {

using ir::Accumulate;
using ir::AdjointBlock;
using ir::IndexId;
using ir::raw;
using llvm::Value;

llvm::FastMathFlags sum_flags() {
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  flags.setAllowReassoc();
  return flags;
}

Value* add_to(Emitter& emit, Value* total, Value* v) {
  const llvm::IRBuilderBase::FastMathFlagGuard guard(emit.builder());
  emit.builder().setFastMathFlags(sum_flags());
  return emit.builder().CreateFAdd(total, v);
}

}  // namespace

AdjointLayout::AdjointLayout(const ir::Module& module, const ir::Gradient& gradient) {
  for (const ir::LetId let : gradient.backwards) {
    offset[let] = size;
    std::size_t n = 1;
    for (const IndexId i : module.lets[raw(let)].binders) n *= static_cast<std::size_t>(module.index(i).extent());
    size += n;
  }
}

GradientLowering::GradientLowering(ModelLowering& model, const ir::Gradient& gradient)
    : model_(model), gradient_(gradient), layout_(model.module(), gradient), reads_(model.module()) {}

void GradientLowering::run() {
  closed();
  const auto& open = model_.analysis().open_terms();
  for (std::size_t k = 0; k < open.size(); ++k) push(k, open[k]);
  backward();
}

bool GradientLowering::moves(const Accumulate& a, IndexId index, const Target& target) {
  if (target.scan && a.target == ir::Opcode::let && ir::LetId{a.id} == *target.scan) return true;
  return std::any_of(a.at.begin(), a.at.end(), [&](ir::ExprId e) {
    const auto& free = reads_(e).free_indices;
    return std::find(free.begin(), free.end(), index) != free.end();
  });
}

std::vector<const Accumulate*> GradientLowering::survivors(std::span<const IndexId> plate, const AdjointBlock& block,
                                                           const Target& target) {
  std::vector<const Accumulate*> all;
  const auto keep = [&](const std::vector<const Accumulate*>& inner, IndexId index) {
    for (const Accumulate* a : inner)
      if (!moves(*a, index, target)) all.push_back(a);
  };
  if (!plate.empty()) {
    keep(survivors(plate.subspan(1), block, target), plate.front());
    return all;
  }
  for (const Accumulate& a : block.here) all.push_back(&a);
  for (const auto& [index, inner] : block.loops) keep(survivors({}, inner, target), index);
  return all;
}

void GradientLowering::store(Emitter& emit, const Accumulate& a, Value* v, const Target& target) {
  auto& b = emit.builder();
  const ir::Module& m = model_.module();
  ir::Inst load;
  load.code = a.target;
  load.payload = a.id;
  load.operands = a.at;
  const auto limits = bounds(m, load);
  const Emitter::Place p = emit.place(a.at, limits);
  if (p.empty) return;
  const bool latent = a.target == ir::Opcode::latent;
  const std::size_t first = latent ? model_.layout().offset[a.id] : layout_.offset.at(ir::LetId{a.id});
  Value* where = b.CreateAdd(p.flat, b.getInt64(first), "", true, true);
  Value* address = b.CreateInBoundsGEP(b.getDoubleTy(), latent ? target.gradient : target.adjoints, where);
  // An element that does not exist stands in a side of a choice that was not taken: what it would get is 0.
  if (p.bad != nullptr) v = b.CreateSelect(p.bad, llvm::ConstantFP::get(b.getDoubleTy(), 0), v);
  b.CreateStore(b.CreateFAdd(b.CreateLoad(b.getDoubleTy(), address), v), address);
}

GradientLowering::Totals GradientLowering::loop(Emitter& emit, IndexId index, bool with_sum,
                                                const std::vector<const Accumulate*>& inner, const Target& target,
                                                const std::function<Totals()>& body) {
  auto& b = emit.builder();
  Value* zero = llvm::ConstantFP::get(b.getDoubleTy(), 0);
  std::vector<const Accumulate*> carried;
  for (const Accumulate* a : inner)
    if (!moves(*a, index, target)) carried.push_back(a);
  const std::size_t skip = with_sum ? 1 : 0;
  const Emitter::Carried end =
      emit.over(index, Emitter::Carried(carried.size() + skip, zero), [&](const Emitter::Carried& before) {
        const Totals now = body();
        Emitter::Carried after;
        if (with_sum) after.push_back(add_to(emit, before[0], now.sum));
        for (const auto& [a, v] : now.of) {
          if (moves(*a, index, target))
            store(emit, *a, v, target);
          else
            after.push_back(add_to(emit, before[after.size()], v));
        }
        return after;
      });
  Totals t;
  if (with_sum) t.sum = end[0];
  for (std::size_t k = 0; k < carried.size(); ++k) t.of.emplace_back(carried[k], end[k + skip]);
  return t;
}

GradientLowering::Totals GradientLowering::nest(Emitter& emit, std::span<const IndexId> plate, const ir::ExprId* body,
                                                const AdjointBlock& block, const Target& target) {
  if (!plate.empty())
    return loop(emit, plate.front(), body != nullptr, survivors(plate.subspan(1), block, target), target,
                [&] { return nest(emit, plate.subspan(1), body, block, target); });
  Totals t;
  auto& b = emit.builder();
  if (body != nullptr) t.sum = emit.value(*body);
  for (const Accumulate& a : block.here) {
    Value* v = emit.value(a.value);
    if (target.seed != nullptr) {
      // A seed of 0 wins over an infinite derivative.
      Value* zero = llvm::ConstantFP::get(b.getDoubleTy(), 0);
      v = b.CreateSelect(b.CreateFCmpOEQ(target.seed, zero), zero, b.CreateFMul(target.seed, v));
    }
    t.of.emplace_back(&a, v);
  }
  for (const auto& [index, inner] : block.loops) {
    const Totals more = loop(emit, index, false, survivors({}, inner, target), target,
                             [&, &inside = inner] { return nest(emit, {}, nullptr, inside, target); });
    t.of.insert(t.of.end(), more.of.begin(), more.of.end());
  }
  return t;
}

Value* GradientLowering::term(Emitter& emit, const ir::Term& term, const AdjointBlock& block, const Target& target,
                              Value* start) {
  for (const IndexId i : term.plate)
    if (model_.module().index(i).extent() == 0) return start;
  const Totals t = nest(emit, term.plate, &term.body, block, target);
  for (const auto& [a, v] : t.of) store(emit, *a, v, target);
  return add_to(emit, start, t.sum);
}

void GradientLowering::closed() {
  auto& context = model_.out().getContext();
  auto* real = llvm::Type::getDoubleTy(context);
  auto* pointer = llvm::PointerType::getUnqual(context);
  constexpr auto first = static_cast<unsigned>(ModelLowering::environment_size);
  const auto declare = [&](const std::string& name, bool exported) {
    auto* f = model_.function(name, real, {pointer, pointer}, exported);
    for (const unsigned k : {first, first + 1}) {
      f->addParamAttr(k, llvm::Attribute::NoAlias);
      f->addParamAttr(k, llvm::Attribute::NoCapture);
    }
    return f;
  };
  auto* all = declare("gradient", true);
  Emitter outer(model_, all);
  auto& b = outer.builder();
  std::vector<Value*> arguments;
  for (unsigned k = 0; k < first + 2; ++k) arguments.push_back(all->getArg(k));
  Value* total = llvm::ConstantFP::get(real, 0);
  const auto& terms = model_.grounding().closed_terms;
  for (std::size_t next = 0; next < terms.size();) {
    auto* part = declare("gradient_terms" + std::to_string(next), false);
    Emitter emit(model_, part);
    const Target target{part->getArg(first), part->getArg(first + 1), nullptr, std::nullopt};
    Value* sum = llvm::ConstantFP::get(real, 0);
    for (std::size_t size = 0; next < terms.size() && size < ModelLowering::chunk; ++next) {
      const Emitter::Scope scope(emit, false);
      const unsigned before = part->getInstructionCount();
      const std::size_t t = raw(terms[next]);
      sum = term(emit, model_.module().terms[t], gradient_.terms[t], target, sum);
      size += part->getInstructionCount() - before;
    }
    emit.builder().CreateRet(sum);
    total = b.CreateFAdd(total, outer.call(part, arguments));
  }
  Value* failed = b.CreateICmpNE(b.CreateLoad(b.getInt64Ty(), outer.environment().work), b.getInt64(0));
  b.CreateRet(b.CreateSelect(failed, llvm::ConstantFP::getQNaN(real), total));
}

void GradientLowering::push(std::size_t k, ir::TermId term_id) {
  const ir::Term& term = model_.module().terms[raw(term_id)];
  auto& context = model_.out().getContext();
  auto* integer = llvm::Type::getInt64Ty(context);
  auto* real = llvm::Type::getDoubleTy(context);
  auto* pointer = llvm::PointerType::getUnqual(context);
  constexpr auto first = static_cast<unsigned>(ModelLowering::environment_size);
  auto* f = model_.function("push" + std::to_string(k), llvm::Type::getVoidTy(context),
                            {pointer, integer, pointer, pointer, pointer}, true);
  for (const unsigned j : {first, first + 2, first + 3, first + 4}) f->addParamAttr(j, llvm::Attribute::NoAlias);
  Emitter emit(model_, f);
  emit.report_errors(false);
  auto& b = emit.builder();
  model_.assignments(emit, f, term, [&](Value* entry) {
    Value* seed = b.CreateLoad(real, b.CreateInBoundsGEP(real, f->getArg(first + 2), entry));
    const Target target{f->getArg(first + 3), f->getArg(first + 4), seed, std::nullopt};
    const Totals t = nest(emit, {}, nullptr, gradient_.terms[raw(term_id)], target);
    for (const auto& [a, v] : t.of) store(emit, *a, v, target);
  });
  b.CreateRetVoid();
}

void GradientLowering::let(Emitter& emit, ir::LetId let, Target target) {
  const ir::Module& m = model_.module();
  const ir::Let& l = m.lets[raw(let)];
  const AdjointBlock& block = gradient_.lets.at(let);
  auto& b = emit.builder();
  std::size_t n = 1;
  for (const IndexId i : l.binders) n *= static_cast<std::size_t>(m.index(i).extent());
  if (n == 0) return;
  if (l.scan) target.scan = let;
  // Row-major, from the last element to the first.
  emit.loop(b.getInt64(0), b.getInt64(n - 1), {}, [&](Value* step, const Emitter::Carried&) {
    Value* flat = b.CreateSub(b.getInt64(n - 1), step, "", true, true);
    Value* rest = flat;
    for (std::size_t k = l.binders.size(); k-- > 0;) {
      const ir::IndexVar& range = m.index(l.binders[k]);
      Value* size = b.getInt64(static_cast<std::uint64_t>(range.extent()));
      Value* position = k == 0 ? rest : b.CreateURem(rest, size);
      if (k != 0) rest = b.CreateUDiv(rest, size);
      emit.bind(l.binders[k], b.CreateAdd(position, b.getInt64(static_cast<std::uint64_t>(range.low)), "", true, true));
    }
    Value* own = b.CreateAdd(flat, b.getInt64(layout_.offset.at(let)), "", true, true);
    target.seed = b.CreateLoad(b.getDoubleTy(), b.CreateInBoundsGEP(b.getDoubleTy(), target.adjoints, own));
    const Totals t = nest(emit, {}, nullptr, block, target);
    for (const auto& [a, v] : t.of) store(emit, *a, v, target);
    return Emitter::Carried{};
  });
}

void GradientLowering::backward() {
  auto& context = model_.out().getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* nothing = llvm::Type::getVoidTy(context);
  constexpr auto first = static_cast<unsigned>(ModelLowering::environment_size);
  auto* all = model_.function("backward", nothing, {pointer, pointer}, true);
  Emitter outer(model_, all);
  std::vector<Value*> arguments;
  for (unsigned k = 0; k < first + 2; ++k) arguments.push_back(all->getArg(k));
  for (const ir::LetId l : gradient_.backwards) {
    auto* f = model_.function("backward" + std::to_string(raw(l)), nothing, {pointer, pointer}, false);
    for (const unsigned k : {first, first + 1}) f->addParamAttr(k, llvm::Attribute::NoAlias);
    Emitter emit(model_, f);
    emit.report_errors(false);
    let(emit, l, {f->getArg(first), f->getArg(first + 1), nullptr, std::nullopt});
    emit.builder().CreateRetVoid();
    outer.call(f, arguments);
  }
  outer.builder().CreateRetVoid();
}

}  // namespace hearsay::jit
