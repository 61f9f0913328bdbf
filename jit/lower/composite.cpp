// Primitives that are put together from vectorisable calls (exp, log, log1p, expm1) without a branch, so that a loop
// with them vectorises. Each does the arithmetic of its kernel in lang/builtins/kernels.cpp, operation by operation:
// scalar code gives the same bits; in vectors, up to 4 ulp of libmvec come in with each call.
#include <limits>
#include <numbers>

#include "jit/lower/emitter.h"

namespace hearsay::jit {

using llvm::Value;

namespace {

/// libmvec's exp has a slow path where its result is subnormal or 0. Beside anything that is not tiny, the exponential
/// of this is as good as 0.
constexpr double as_good_as_impossible = -700;

}  // namespace

/// Null for what is no such primitive.
Value* Emitter::composite(Op op, llvm::ArrayRef<Value*> v) {
  auto& b = builder_;
  // No contraction: the kernels are compiled without.
  const llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.setFastMathFlags({});
  const auto real = [&](double x) { return llvm::ConstantFP::get(b.getDoubleTy(), x); };
  const auto exp = [&](Value* x) { return intrinsic(llvm::Intrinsic::exp, {x}); };
  const auto log = [&](Value* x) { return intrinsic(llvm::Intrinsic::log, {x}); };
  const auto size = [&](Value* x) { return intrinsic(llvm::Intrinsic::fabs, {x}); };
  const auto log1p = [&](Value* x) { return call_pure("log1p", {x}); };
  const auto expm1 = [&](Value* x) { return call_pure("expm1", {x}); };
  const auto either = [&](Value* condition, Value* yes, Value* no) { return b.CreateSelect(condition, yes, no); };
  const auto is_nan = [&](Value* x) { return b.CreateFCmpUNO(x, x); };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  // exp(-|x|), to be added to 1 where x > 0.
  const auto decay = [&](Value* x) {
    Value* small = b.CreateFCmpOGT(x, real(-as_good_as_impossible));
    return exp(either(small, real(as_good_as_impossible), b.CreateFNeg(size(x))));
  };
  const auto softplus = [&](Value* x) {
    return b.CreateFAdd(either(b.CreateFCmpOGT(x, real(0)), x, real(0)), log1p(decay(x)));
  };
  switch (op) {
    case Op::log1p_exp:
      return softplus(v[0]);
    case Op::log_inv_logit:
      return b.CreateFNeg(softplus(b.CreateFNeg(v[0])));
    case Op::inv_logit: {
      Value* e = decay(v[0]);
      return b.CreateFDiv(either(b.CreateFCmpOGE(v[0], real(0)), real(1), e), b.CreateFAdd(real(1), e));
    }
    case Op::log1m_exp: {
      Value* near = log(b.CreateFNeg(expm1(v[0])));
      Value* far = log1p(b.CreateFNeg(exp(v[0])));
      return either(b.CreateFCmpOGT(v[0], real(-std::numbers::ln2)), near, far);
    }
    case Op::log_add_exp: {
      Value* swap = b.CreateFCmpOLT(v[0], v[1]);
      Value* high = either(swap, v[1], v[0]);
      Value* low = either(swap, v[0], v[1]);
      Value* apart = b.CreateFSub(low, high);
      Value* unseen =
          b.CreateAnd(b.CreateFCmpOLT(apart, real(as_good_as_impossible)), b.CreateFCmpOGT(size(high), real(1e-200)));
      Value* sum = b.CreateFAdd(high, log1p(exp(either(unseen, real(as_good_as_impossible), apart))));
      sum = either(b.CreateFCmpOEQ(size(high), real(infinity)), high, sum);
      return either(b.CreateFCmpUNO(v[0], v[1]), llvm::ConstantFP::getQNaN(b.getDoubleTy()), sum);
    }
    case Op::xlogy:
    case Op::xlog1py: {
      Value* product = b.CreateFMul(v[0], op == Op::xlogy ? log(v[1]) : log1p(v[1]));
      Value* nothing = b.CreateAnd(b.CreateFCmpOEQ(v[0], real(0)), b.CreateFCmpORD(v[1], v[1]));
      return either(nothing, real(0), product);
    }
    case Op::logit: {
      Value* middle = b.CreateAnd(b.CreateFCmpOGT(v[0], real(0.25)), b.CreateFCmpOLT(v[0], real(0.75)));
      Value* d = b.CreateFSub(v[0], real(0.5));
      Value* ratio = b.CreateFDiv(b.CreateFMul(real(2), d), b.CreateFSub(real(0.5), d));
      Value* l = log1p(either(middle, ratio, b.CreateFNeg(v[0])));
      return either(middle, l, b.CreateFSub(log(v[0]), l));
    }
    case Op::soft_event: {
      Value* s = v[0];
      Value* p = v[1];
      Value* large = b.CreateFCmpOGT(s, real(700));
      Value* change = b.CreateFMul(expm1(either(large, real(700), s)), p);
      Value* e = exp(either(large, b.CreateFMul(real(0.5), s), s));
      Value* product = b.CreateFMul(b.CreateFMul(e, p), e);
      Value* near = log1p(either(large, b.CreateFSub(product, p), change));
      Value* rest = b.CreateFAdd(b.CreateFSub(real(1), p), b.CreateFMul(p, e));
      Value* far = log(either(large, p, rest));
      Value* finite = b.CreateFCmpOLT(size(product), real(infinity));
      Value* of_large = either(finite, near, b.CreateFAdd(s, far));
      Value* up = either(large, of_large, near);
      up = either(b.CreateFCmpOLT(up, s), up, s);
      Value* down = either(b.CreateFCmpOLT(change, real(-0.5)), far, near);
      down = either(b.CreateFCmpOLT(s, down), down, s);
      Value* result = either(b.CreateFCmpOGT(s, real(0)), up, down);
      result = either(b.CreateFCmpOEQ(s, real(infinity)), s, result);
      result = either(b.CreateFCmpOGE(p, real(1)), s, result);
      Value* none = b.CreateOr(b.CreateFCmpOLE(p, real(0)), b.CreateFCmpOEQ(s, real(0)));
      result = either(none, real(0), result);
      constexpr double slack = 1e-12;
      Value* outside = b.CreateOr(b.CreateFCmpULT(p, real(-slack)), b.CreateFCmpUGT(p, real(1 + slack)));
      return either(b.CreateOr(outside, is_nan(s)), llvm::ConstantFP::getQNaN(b.getDoubleTy()), result);
    }
    default:
      return nullptr;
  }
}

}  // namespace hearsay::jit
