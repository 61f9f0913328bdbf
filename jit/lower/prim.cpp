// Primitives (op.def) as instructions, LLVM intrinsics, libm calls that have vector versions, or calls of the hs_
// kernels.
#include "jit/lower/emitter.h"
#include "jit/lower/model.h"

namespace hearsay::jit {

using llvm::Value;

Value* Emitter::intrinsic(llvm::Intrinsic::ID id, llvm::ArrayRef<Value*> arguments) {
  return builder_.CreateIntrinsic(id, {arguments[0]->getType()}, arguments);
}

/// A function of its arguments alone, defined for all of them: may be moved, merged, and called where it was not asked
/// for.
Value* Emitter::call_pure(llvm::StringRef symbol, llvm::ArrayRef<Value*> arguments) {
  auto* real = builder_.getDoubleTy();
  const std::vector<llvm::Type*> parameters(arguments.size(), real);
  auto callee = model_.out().getOrInsertFunction(symbol, llvm::FunctionType::get(real, parameters, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->setDoesNotAccessMemory();
  function->setDoesNotThrow();
  function->setWillReturn();
  function->addFnAttr(llvm::Attribute::Speculatable);
  work_ += 50;  // additions take less time
  return builder_.CreateCall(callee, arguments);
}

Value* Emitter::extremum(bool largest, Value* a, Value* b) {
  if (a->getType()->isDoubleTy()) {
    // NaN in either operand gives NaN.
    return intrinsic(largest ? llvm::Intrinsic::maximum : llvm::Intrinsic::minimum, {a, b});
  }
  return intrinsic(largest ? llvm::Intrinsic::smax : llvm::Intrinsic::smin, {a, b});
}

Value* Emitter::prim(const ir::Inst& inst) {
  const Op op{static_cast<Op>(inst.payload)};
  std::vector<Value*> v;
  for (const ir::ExprId operand : inst.operands) v.push_back(value(operand));
  const bool real = v[0]->getType()->isDoubleTy();
  const bool boolean = v[0]->getType()->isIntegerTy(1);
  auto& b = builder_;
  Value* zero = b.getInt64(0);
  // Division that is defined everywhere: by 0 gives 0, and by -1 (which can overflow) is a negation.
  const auto divide = [&](bool remainder) {
    Value* no_divisor = b.CreateICmpEQ(v[1], zero);
    Value* minus_one = b.CreateICmpEQ(v[1], b.getInt64(~std::uint64_t{0}));
    Value* safe = b.CreateSelect(b.CreateOr(no_divisor, minus_one), b.getInt64(1), v[1]);
    Value* normal = remainder ? b.CreateSRem(v[0], safe) : b.CreateSDiv(v[0], safe);
    Value* by_minus_one = remainder ? zero : b.CreateNeg(v[0]);
    return b.CreateSelect(no_divisor, zero, b.CreateSelect(minus_one, by_minus_one, normal));
  };
  switch (op) {
    case Op::add:
      return real ? b.CreateFAdd(v[0], v[1]) : b.CreateAdd(v[0], v[1]);
    case Op::sub:
      return real ? b.CreateFSub(v[0], v[1]) : b.CreateSub(v[0], v[1]);
    case Op::mul:
      return real ? b.CreateFMul(v[0], v[1]) : b.CreateMul(v[0], v[1]);
    case Op::neg:
      return real ? b.CreateFNeg(v[0]) : b.CreateNeg(v[0]);
    case Op::div:
      return b.CreateFDiv(v[0], v[1]);
    case Op::int_div:
      return divide(false);
    case Op::modulo:
      return divide(true);
    case Op::min:
      return extremum(false, v[0], v[1]);
    case Op::max:
      return extremum(true, v[0], v[1]);
    case Op::abs:
      if (real) return intrinsic(llvm::Intrinsic::fabs, {v[0]});
      return intrinsic(llvm::Intrinsic::abs, {v[0], b.getFalse()});
    case Op::floor:
      return intrinsic(llvm::Intrinsic::floor, {v[0]});
    case Op::ceil:
      return intrinsic(llvm::Intrinsic::ceil, {v[0]});
    case Op::round:
      return intrinsic(llvm::Intrinsic::round, {v[0]});
    case Op::to_real:
      return real ? v[0] : boolean ? b.CreateUIToFP(v[0], b.getDoubleTy()) : b.CreateSIToFP(v[0], b.getDoubleTy());
    case Op::to_int:
      if (boolean) return b.CreateZExt(v[0], b.getInt64Ty());
      if (!real) return v[0];
      return b.CreateIntrinsic(llvm::Intrinsic::fptosi_sat, {b.getInt64Ty(), b.getDoubleTy()}, {v[0]});
    case Op::eq:
      return real ? b.CreateFCmpOEQ(v[0], v[1]) : b.CreateICmpEQ(v[0], v[1]);
    case Op::ne:
      return real ? b.CreateFCmpUNE(v[0], v[1]) : b.CreateICmpNE(v[0], v[1]);
    case Op::lt:
      return real ? b.CreateFCmpOLT(v[0], v[1]) : boolean ? b.CreateICmpULT(v[0], v[1]) : b.CreateICmpSLT(v[0], v[1]);
    case Op::le:
      return real ? b.CreateFCmpOLE(v[0], v[1]) : boolean ? b.CreateICmpULE(v[0], v[1]) : b.CreateICmpSLE(v[0], v[1]);
    case Op::logical_and:
      return b.CreateAnd(v[0], v[1]);
    case Op::logical_or:
      return b.CreateOr(v[0], v[1]);
    case Op::logical_not:
      return b.CreateNot(v[0]);
    case Op::exp:
      return intrinsic(llvm::Intrinsic::exp, {v[0]});
    case Op::log:
      return intrinsic(llvm::Intrinsic::log, {v[0]});
    case Op::sqrt:
      return intrinsic(llvm::Intrinsic::sqrt, {v[0]});
    case Op::sin:
      return intrinsic(llvm::Intrinsic::sin, {v[0]});
    case Op::cos:
      return intrinsic(llvm::Intrinsic::cos, {v[0]});
    case Op::pow:
      return intrinsic(llvm::Intrinsic::pow, {v[0], v[1]});
    case Op::expm1:
      return call_pure("expm1", v);
    case Op::log1p:
      return call_pure("log1p", v);
    case Op::tan:
      return call_pure("tan", v);
    case Op::atan:
      return call_pure("atan", v);
    case Op::tanh:
      return call_pure("tanh", v);
    case Op::erf:
      return call_pure("erf", v);
    default:
      break;
  }
  if (Value* inlined = composite(op, v)) return inlined;
  const std::string_view symbol = info(op).symbol;
  return call_pure(llvm::StringRef(symbol.data(), symbol.size()), v);
}

}  // namespace hearsay::jit
