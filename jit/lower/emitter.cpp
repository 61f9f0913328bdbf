#include "jit/lower/emitter.h"

#include <limits>
#include <ranges>

#include "jit/lower/model.h"

namespace hearsay::jit {
namespace {

using ir::ExprId;
using ir::Inst;
using ir::Opcode;
using llvm::Value;

}  // namespace

Emitter::Emitter(ModelLowering& model, llvm::Function* function)
    : model_(model), function_(function), builder_(&function->getEntryBlock()) {
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  builder_.setFastMathFlags(flags);
  environment_ = {function->getArg(0), function->getArg(1), function->getArg(2), function->getArg(3),
                  function->getArg(4)};
  scopes_.emplace_back();
}

llvm::Type* Emitter::type(ScalarType t) {
  switch (t) {
    case ScalarType::boolean:
      return builder_.getInt1Ty();
    case ScalarType::integer:
      return builder_.getInt64Ty();
    case ScalarType::real:
      break;
  }
  return builder_.getDoubleTy();
}

Value* Emitter::value(ExprId e) {
  const auto id = static_cast<std::uint32_t>(e);
  for (const Values& scope : std::views::reverse(scopes_)) {
    if (const auto at = scope.known.find(id); at != scope.known.end()) return at->second;
    if (scope.opaque) break;
  }
  Value* v = emit(e, model_.module().inst(e));
  work_ += 1;
  scopes_.back().known.emplace(id, v);
  return v;
}

Value* Emitter::emit(ExprId e, const Inst& inst) {
  switch (inst.code) {
    case Opcode::constant:
      return constant(model_.module().constants[inst.payload]);
    case Opcode::index:
      return indices_.at(inst.payload);
    case Opcode::data:
    case Opcode::latent:
    case Opcode::let:
      return read(e, inst);
    case Opcode::prim:
      return prim(inst);
    case Opcode::select:
      return select(inst);
    case Opcode::pick:
      return pick(e, inst);
    case Opcode::reduce:
      break;
  }
  return reduce(inst);
}

Value* Emitter::constant(const Scalar& c) {
  switch (c.type) {
    case ScalarType::boolean:
      return builder_.getInt1(c.i != 0);
    case ScalarType::integer:
      return builder_.getInt64(static_cast<std::uint64_t>(c.i));
    case ScalarType::real:
      break;
  }
  return llvm::ConstantFP::get(builder_.getDoubleTy(), c.r);
}

Value* Emitter::cell(Value* cells, Value* at, ScalarType t) {
  Value* address = builder_.CreateInBoundsGEP(builder_.getInt64Ty(), cells, at);
  if (t == ScalarType::real) return builder_.CreateLoad(builder_.getDoubleTy(), address);
  Value* v = builder_.CreateLoad(builder_.getInt64Ty(), address);
  return t == ScalarType::boolean ? builder_.CreateICmpNE(v, builder_.getInt64(0)) : v;
}

void Emitter::store_cell(Value* cells, Value* at, Value* v) {
  Value* address = builder_.CreateInBoundsGEP(builder_.getInt64Ty(), cells, at);
  if (v->getType()->isIntegerTy(1)) v = builder_.CreateZExt(v, builder_.getInt64Ty());
  builder_.CreateStore(v, address);
}

void Emitter::fail_if(Value* bad) {
  if (!report_) return;
  auto* yes = llvm::BasicBlock::Create(builder_.getContext(), "outside", function_);
  auto* on = llvm::BasicBlock::Create(builder_.getContext(), "inside", function_);
  builder_.CreateCondBr(bad, yes, on);
  builder_.SetInsertPoint(yes);
  builder_.CreateStore(builder_.getInt64(1), environment_.work);
  builder_.CreateBr(on);
  builder_.SetInsertPoint(on);
}

Emitter::Place Emitter::place(std::span<const ExprId> operands, std::span<const Bounds> limits) {
  Place p;
  p.flat = builder_.getInt64(0);
  for (std::size_t d = 0; d < limits.size(); ++d) {
    Value* index = value(operands[d]);
    const auto [low, high] = limits[d];
    p.empty = p.empty || high < low;
    if (!model_.analysis().facts(operands[d]).range.within(low, high)) {
      Value* out =
          builder_.CreateOr(builder_.CreateICmpSLT(index, builder_.getInt64(static_cast<std::uint64_t>(low))),
                            builder_.CreateICmpSGT(index, builder_.getInt64(static_cast<std::uint64_t>(high))));
      p.bad = p.bad == nullptr ? out : builder_.CreateOr(p.bad, out);
    }
    p.at.push_back(index);
  }
  if (p.empty) return p;
  for (std::size_t d = 0; d < limits.size(); ++d) {
    const auto [low, high] = limits[d];
    Value* first = builder_.getInt64(static_cast<std::uint64_t>(low));
    if (p.bad != nullptr) p.at[d] = builder_.CreateSelect(p.bad, first, p.at[d]);
    p.flat = builder_.CreateAdd(
        builder_.CreateMul(p.flat, builder_.getInt64(static_cast<std::uint64_t>(high - low + 1)), "", true, true),
        builder_.CreateSub(p.at[d], first, "", true, true), "", true, true);
  }
  return p;
}

Value* Emitter::read(ExprId e, const Inst& inst) {
  const auto limits = bounds(model_.module(), inst);
  const Place p = place(inst.operands, limits);
  const auto& [flat, bad, at, empty] = p;
  if (empty) {  // nothing can be read: whoever comes here is wrong
    fail_if(builder_.getTrue());
    if (inst.type == ScalarType::real) {
      return llvm::ConstantFP::get(builder_.getDoubleTy(), std::numeric_limits<double>::quiet_NaN());
    }
    const std::int64_t low = model_.analysis().facts(e).range.low;
    return constant(inst.type == ScalarType::boolean
                        ? Scalar::boolean(false)
                        : Scalar::integer(low == std::numeric_limits<std::int64_t>::min() ? 0 : low));
  }
  if (bad != nullptr) fail_if(bad);
  Value* v = nullptr;
  switch (inst.code) {
    case Opcode::data: {
      auto* array = builder_.CreateLoad(builder_.getPtrTy(), builder_.CreateConstInBoundsGEP1_64(
                                                                 builder_.getPtrTy(), environment_.data, inst.payload));
      array->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(builder_.getContext(), {}));
      v = cell(array, flat, inst.type);
      break;
    }
    case Opcode::latent: {
      Value* where = builder_.CreateAdd(flat, builder_.getInt64(model_.layout().offset[inst.payload]), "", true, true);
      if (!model_.module().latents[inst.payload].finite) {
        v = cell(environment_.continuous, where, ScalarType::real);
      } else {
        Value* address = builder_.CreateInBoundsGEP(builder_.getInt32Ty(), environment_.codes, where);
        v = builder_.CreateSExt(builder_.CreateLoad(builder_.getInt32Ty(), address), builder_.getInt64Ty());
      }
      break;
    }
    default:
      v = read_let(inst, flat, at);
      break;
  }
  if (bad != nullptr && inst.type == ScalarType::real) {
    v = builder_.CreateSelect(bad, llvm::ConstantFP::getQNaN(builder_.getDoubleTy()), v);
  }
  return v;
}

Value* Emitter::read_let(const Inst& inst, Value* flat, std::span<Value* const> at) {
  const ir::LetId let{inst.payload};
  if (scan_ == let) {
    Value* v = cell(scan_cells_, flat, inst.type);
    if (inst.type != ScalarType::real) return v;
    Value* computed = builder_.CreateICmpULT(flat, scan_current_);
    return builder_.CreateSelect(computed, v, llvm::ConstantFP::getQNaN(builder_.getDoubleTy()));
  }
  if (model_.analysis().in_memory(let)) {
    return cell(environment_.lets, builder_.CreateAdd(flat, builder_.getInt64(model_.offset(let))), inst.type);
  }
  std::vector<Value*> arguments{environment_.data, environment_.continuous, environment_.codes, environment_.lets,
                                environment_.work};
  if (model_.module().lets[inst.payload].scan) {
    arguments.push_back(flat);
    call(model_.scan(let), arguments);
    return cell(environment_.work, builder_.CreateAdd(flat, builder_.getInt64(model_.offset(let))), inst.type);
  }
  arguments.insert(arguments.end(), at.begin(), at.end());
  return call(model_.element(let), arguments);
}

Value* Emitter::select(const Inst& inst) {
  Value* condition = value(inst.operands[0]);
  const auto simple = [&](ExprId e) {
    const Facts& f = model_.analysis().facts(e);
    return !f.heavy && !f.checked;
  };
  if (simple(inst.operands[1]) && simple(inst.operands[2])) {
    Value* yes = value(inst.operands[1]);
    Value* no = value(inst.operands[2]);
    return builder_.CreateSelect(condition, yes, no);
  }
  auto& context = builder_.getContext();
  auto* yes_block = llvm::BasicBlock::Create(context, "then", function_);
  auto* no_block = llvm::BasicBlock::Create(context, "else", function_);
  auto* join = llvm::BasicBlock::Create(context, "join", function_);
  builder_.CreateCondBr(condition, yes_block, no_block);
  const auto side = [&](llvm::BasicBlock* block, ExprId e) {
    builder_.SetInsertPoint(block);
    Scope scope(*this, false);
    Value* v = value(e);
    builder_.CreateBr(join);
    return std::pair(v, builder_.GetInsertBlock());
  };
  const auto yes = side(yes_block, inst.operands[1]);
  const auto no = side(no_block, inst.operands[2]);
  builder_.SetInsertPoint(join);
  auto* phi = builder_.CreatePHI(type(inst.type), 2);
  phi->addIncoming(yes.first, yes.second);
  phi->addIncoming(no.first, no.second);
  return phi;
}

Value* Emitter::pick(ExprId e, const Inst& inst) {
  const std::size_t n = inst.operands.size() - 1;
  Value* index = value(inst.operands[0]);
  auto& context = builder_.getContext();
  auto* outside = llvm::BasicBlock::Create(context, "outside", function_);
  auto* join = llvm::BasicBlock::Create(context, "picked", function_);
  auto* branch = builder_.CreateSwitch(index, outside, static_cast<unsigned>(n));
  builder_.SetInsertPoint(outside);
  auto* phi = llvm::PHINode::Create(type(inst.type), static_cast<unsigned>(n) + 1, "", join);
  if (model_.analysis().facts(inst.operands[0]).range.within(1, static_cast<std::int64_t>(n))) {
    builder_.CreateUnreachable();
  } else {
    fail_if(builder_.getTrue());
    const std::int64_t low = model_.analysis().facts(e).range.low;
    Value* nothing = inst.type == ScalarType::real ? constant(Scalar::real(std::numeric_limits<double>::quiet_NaN()))
                     : inst.type == ScalarType::boolean
                         ? constant(Scalar::boolean(false))
                         : constant(Scalar::integer(low == std::numeric_limits<std::int64_t>::min() ? 0 : low));
    phi->addIncoming(nothing, builder_.GetInsertBlock());
    builder_.CreateBr(join);
  }
  for (std::size_t k = 1; k <= n; ++k) {
    auto* block = llvm::BasicBlock::Create(context, "pick", function_);
    branch->addCase(builder_.getInt64(k), block);
    builder_.SetInsertPoint(block);
    Scope scope(*this, false);
    Value* v = value(inst.operands[k]);
    phi->addIncoming(v, builder_.GetInsertBlock());
    builder_.CreateBr(join);
  }
  builder_.SetInsertPoint(join);
  return phi;
}

Emitter::Carried Emitter::over(ir::IndexId index, Carried start, const std::function<Carried(const Carried&)>& body) {
  const ir::IndexVar& range = model_.module().index(index);
  if (range.extent() == 0) return start;
  const auto id = static_cast<std::uint32_t>(index);
  // The same index may be bound outside already (expressions are shared): what was computed there means something else.
  const auto outer = indices_.find(id);
  Value* saved = outer == indices_.end() ? nullptr : outer->second;
  Carried result;
  {
    Scope scope(*this, saved != nullptr);
    result = loop(builder_.getInt64(static_cast<std::uint64_t>(range.low)),
                  builder_.getInt64(static_cast<std::uint64_t>(range.high)), std::move(start),
                  [&](Value* i, const Carried& carried) {
                    bind(index, i);
                    return body(carried);
                  });
  }
  if (saved != nullptr) {
    indices_[id] = saved;
  } else {
    indices_.erase(id);
  }
  return result;
}

Value* Emitter::sum_over(std::span<const ir::IndexId> plate, ExprId body, Value* start) {
  if (plate.empty()) {
    Value* v = value(body);
    const llvm::IRBuilderBase::FastMathFlagGuard guard(builder_);
    llvm::FastMathFlags flags;
    flags.setAllowContract();
    flags.setAllowReassoc();
    builder_.setFastMathFlags(flags);
    return builder_.CreateFAdd(start, v);
  }
  return over(plate.front(), {start},
              [&](const Carried& sum) { return Carried{sum_over(plate.subspan(1), body, sum[0])}; })
      .front();
}

Value* Emitter::reduce(const Inst& inst) {
  const ir::IndexId index{inst.payload};
  const ir::IndexVar& range = model_.module().index(index);
  const ExprId body = inst.operands[0];
  const bool real = inst.type == ScalarType::real;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto fold = [&](const Scalar& start, const std::function<Value*(Value*, Value*)>& step) {
    return over(index, {constant(start)}, [&](const Carried& c) { return Carried{step(c[0], value(body))}; }).front();
  };
  const auto extreme = [&](bool largest) {
    using Limits = std::numeric_limits<std::int64_t>;
    const Scalar start =
        real ? Scalar::real(largest ? -infinity : infinity) : Scalar::integer(largest ? Limits::min() : Limits::max());
    return fold(start, [&](Value* a, Value* b) { return extremum(largest, a, b); });
  };
  switch (inst.reduction) {
    case ir::Reduction::sum:
      if (real) return sum_over(std::span(&index, 1), body, constant(Scalar::real(0)));
      return fold(Scalar::integer(0), [&](Value* a, Value* b) { return builder_.CreateAdd(a, b); });
    case ir::Reduction::product:
      if (real) return fold(Scalar::real(1), [&](Value* a, Value* b) { return builder_.CreateFMul(a, b); });
      return fold(Scalar::integer(1), [&](Value* a, Value* b) { return builder_.CreateMul(a, b); });
    case ir::Reduction::minimum:
      return extreme(false);
    case ir::Reduction::maximum:
      return extreme(true);
    case ir::Reduction::all:
      return fold(Scalar::boolean(true), [&](Value* a, Value* b) { return builder_.CreateAnd(a, b); });
    case ir::Reduction::any:
      return fold(Scalar::boolean(false), [&](Value* a, Value* b) { return builder_.CreateOr(a, b); });
    case ir::Reduction::log_sum_exp:
      break;
  }
  return log_sum_exp(inst, range);
}

/// log of a sum of exponentials relative to the largest: exact for -inf ("impossible") and +inf, NaN goes through. Two
/// passes where the body is cheap (they vectorise), else one that moves its reference along.
Value* Emitter::log_sum_exp(const Inst& inst, const ir::IndexVar& range) {
  const ir::IndexId index{inst.payload};
  const ExprId body = inst.operands[0];
  Value* minus_infinity = constant(Scalar::real(-std::numeric_limits<double>::infinity()));
  if (range.extent() == 0) return minus_infinity;
  const auto exp = [&](Value* v) { return intrinsic(llvm::Intrinsic::exp, {v}); };
  const auto log = [&](Value* v) { return intrinsic(llvm::Intrinsic::log, {v}); };
  const auto larger = [&](Value* a, Value* b) { return builder_.CreateSelect(builder_.CreateFCmpOGT(a, b), a, b); };
  const auto reference = [&](Value* m) {  // something finite to subtract
    Value* size = intrinsic(llvm::Intrinsic::fabs, {m});
    Value* finite = builder_.CreateFCmpOLT(size, constant(Scalar::real(std::numeric_limits<double>::infinity())));
    return builder_.CreateSelect(finite, m, constant(Scalar::real(0)));
  };
  if (!model_.analysis().facts(body).heavy) {
    Value* top =
        over(index, {minus_infinity}, [&](const Carried& c) { return Carried{larger(value(body), c[0])}; }).front();
    Value* shift = reference(top);
    Value* sum = over(index, {constant(Scalar::real(0))}, [&](const Carried& c) {
                   Value* term = exp(builder_.CreateFSub(value(body), shift));
                   const llvm::IRBuilderBase::FastMathFlagGuard guard(builder_);
                   llvm::FastMathFlags flags;
                   flags.setAllowReassoc();
                   builder_.setFastMathFlags(flags);
                   return Carried{builder_.CreateFAdd(c[0], term)};
                 }).front();
    return builder_.CreateFAdd(shift, log(sum));
  }
  const Carried end = over(index, {minus_infinity, constant(Scalar::real(0))}, [&](const Carried& c) {
    Value* x = value(body);
    Value* top = larger(x, c[0]);
    Value* shift = reference(top);
    Value* sum = builder_.CreateFAdd(builder_.CreateFMul(c[1], exp(builder_.CreateFSub(c[0], shift))),
                                     exp(builder_.CreateFSub(x, shift)));
    return Carried{top, sum};
  });
  return builder_.CreateFAdd(reference(end[0]), log(end[1]));
}

}  // namespace hearsay::jit
