#include "jit/lower/weight_code.h"

#include "jit/lower/counted_loop.h"

namespace hearsay::jit {

using llvm::Value;

namespace {

/// Sums of products that are in flight at once: enough to hide the latency of an addition.
constexpr std::uint32_t most_sums = 8;
/// Shorter products of scalars are written out.
constexpr std::size_t most_unrolled = 16;
/// A block is left alone until its largest element is below 2^-64.
constexpr std::int64_t tolerated = -64;
/// Subnormal numbers would need more than the largest power of two; nearly 1 is near enough.
constexpr std::int64_t largest_shift = 1000;
/// Binary places beyond which a summand is dropped: far more than a double has.
constexpr std::int64_t visible = 200;

constexpr std::int64_t bias = 1023;
constexpr std::int64_t mantissa_bits = 52;
constexpr std::int64_t exponent_mask = std::int64_t{0x7ff} << mantissa_bits;

}  // namespace

WeightCode::WeightCode(llvm::Module& out, llvm::IRBuilder<>& builder, std::uint32_t lanes, std::uint32_t width)
    : out_(out), b_(builder), lanes_(lanes), width_(width) {
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  b_.setFastMathFlags(flags);
  sum_type_ = llvm::StructType::get(out.getContext(), {b_.getDoubleTy(), b_.getInt64Ty()});
  vector_type_ = llvm::FixedVectorType::get(b_.getDoubleTy(), width);
}

Value* WeightCode::real(double v) { return llvm::ConstantFP::get(b_.getDoubleTy(), v); }
Value* WeightCode::integer(std::int64_t v) { return b_.getInt64(static_cast<std::uint64_t>(v)); }

Value* WeightCode::vector(Value* base, Value* offset, std::size_t further) {
  Value* place = b_.CreateInBoundsGEP(b_.getDoubleTy(), base, offset);
  place = b_.CreateConstInBoundsGEP1_64(b_.getDoubleTy(), place, further);
  return b_.CreateAlignedLoad(vector_type_, place, llvm::Align(8));
}

void WeightCode::store(Value* v, Value* base, Value* offset) {
  b_.CreateAlignedStore(v, b_.CreateInBoundsGEP(b_.getDoubleTy(), base, offset), llvm::Align(8));
}

Value* WeightCode::shared(const std::string& name, llvm::Type* result, const Arguments& arguments,
                          const std::function<void(const Arguments&)>& body) {
  llvm::Function* f = out_.getFunction(name);
  if (f == nullptr) {
    std::vector<llvm::Type*> types;
    for (const Value* v : arguments) types.push_back(v->getType());
    f = llvm::Function::Create(llvm::FunctionType::get(result, types, false), llvm::Function::InternalLinkage, name,
                               out_);
    f->addFnAttr(llvm::Attribute::NoInline);
    Arguments parameters;
    for (llvm::Argument& a : f->args()) parameters.push_back(&a);
    const llvm::IRBuilderBase::InsertPointGuard guard(b_);
    b_.SetInsertPoint(llvm::BasicBlock::Create(out_.getContext(), "entry", f));
    body(parameters);
  }
  return b_.CreateCall(f, arguments);
}

void WeightCode::multiply(Value* a, Value* b, Value* out, std::size_t n, bool whole) {
  if (whole) {
    shared("multiply", b_.getVoidTy(), {a, b, out, b_.getInt64(n)}, [&](const Arguments& p) {
      counted_loop(b_, p[3], width_, {}, [&](Value* j, const Carried&) {
        store(b_.CreateFMul(vector(p[0], j), vector(p[1], j)), p[2], j);
        return Carried{};
      });
      b_.CreateRetVoid();
    });
    return;
  }
  const auto one = [&](Value* j) {
    auto* real_type = b_.getDoubleTy();
    Value* x = b_.CreateLoad(real_type, b_.CreateInBoundsGEP(real_type, a, j));
    Value* y = b_.CreateLoad(real_type, b_.CreateInBoundsGEP(real_type, b, j));
    b_.CreateStore(b_.CreateFMul(x, y), b_.CreateInBoundsGEP(real_type, out, j));
  };
  if (n <= most_unrolled) {
    for (std::size_t j = 0; j < n; ++j) one(b_.getInt64(j));
  } else {
    counted_loop(b_, b_.getInt64(n), 1, {}, [&](Value* j, const Carried&) { return one(j), Carried{}; });
  }
}

Value* WeightCode::multiply_block(Value* a, Value* b, Value* out) {
  return shared("multiply_block", b_.getDoubleTy(), {a, b, out}, [&](const Arguments& p) {
    const Carried top = counted_loop(b_, b_.getInt64(lanes_), width_, {llvm::Constant::getNullValue(vector_type_)},
                                     [&](Value* j, const Carried& t) {
                                       Value* v = b_.CreateFMul(vector(p[0], j), vector(p[1], j));
                                       store(v, p[2], j);
                                       return Carried{b_.CreateSelect(b_.CreateFCmpOGT(v, t[0]), v, t[0])};
                                     });
    // No weight is NaN.
    auto* largest = b_.CreateFPMaxReduce(top[0]);
    llvm::FastMathFlags flags;
    flags.setNoNaNs();
    flags.setNoSignedZeros();
    llvm::cast<llvm::Instruction>(largest)->setFastMathFlags(flags);
    b_.CreateRet(largest);
  });
}

Value* WeightCode::exponent_field(Value* x) {
  Value* bits = b_.CreateBitCast(x, b_.getInt64Ty());
  return b_.CreateAnd(b_.CreateLShr(bits, integer(mantissa_bits)), integer(0x7ff));
}

Value* WeightCode::power_of_two(Value* exponent) {
  Value* bits = b_.CreateShl(b_.CreateAdd(exponent, integer(bias)), integer(mantissa_bits));
  return b_.CreateBitCast(bits, b_.getDoubleTy());
}

Value* WeightCode::recentre(Value* block, Value* top, Value* exponent) {
  return shared("recentre", b_.getInt64Ty(), {block, top, exponent}, [&](const Arguments& p) {
    Value* size = b_.CreateSub(exponent_field(p[1]), integer(bias));
    auto* f = b_.GetInsertBlock()->getParent();
    auto* far = llvm::BasicBlock::Create(out_.getContext(), "far", f);
    auto* near = llvm::BasicBlock::Create(out_.getContext(), "near", f);
    b_.CreateCondBr(b_.CreateICmpSGE(size, integer(tolerated)), near, far);
    b_.SetInsertPoint(near);
    b_.CreateRet(p[2]);
    b_.SetInsertPoint(far);
    Value* shift = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateNeg(size), integer(largest_shift));
    Value* factor = b_.CreateVectorSplat(width_, power_of_two(shift));
    counted_loop(b_, b_.getInt64(lanes_), width_, {}, [&](Value* j, const Carried&) {
      store(b_.CreateFMul(vector(p[0], j), factor), p[0], j);
      return Carried{};
    });
    b_.CreateRet(b_.CreateSub(p[2], shift));
  });
}

Value* WeightCode::sum(Value* block) { return dots(block, {nullptr})[0]; }

std::vector<Value*> WeightCode::dots(Value* block, const std::vector<Value*>& rows) {
  auto unroll = std::uint32_t{8};
  while (unroll > 1 && (lanes_ % (unroll * width_) != 0 || unroll * rows.size() > most_sums)) unroll /= 2;
  const Carried zeros(unroll * rows.size(), llvm::Constant::getNullValue(vector_type_));
  const Carried sums =
      counted_loop(b_, b_.getInt64(lanes_), std::uint64_t{unroll} * width_, zeros, [&](Value* j, const Carried& s) {
        Carried next;
        for (std::uint32_t u = 0; u < unroll; ++u) {
          Value* v = vector(block, j, std::size_t{u} * width_);
          for (std::size_t k = 0; k < rows.size(); ++k) {
            Value* product = rows[k] == nullptr ? v : b_.CreateFMul(v, vector(rows[k], j, std::size_t{u} * width_));
            next.push_back(b_.CreateFAdd(s[next.size()], product));
          }
        }
        return next;
      });
  std::vector<Value*> result;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Value* total = sums[k];
    for (std::uint32_t u = 1; u < unroll; ++u) total = b_.CreateFAdd(total, sums[u * rows.size() + k]);
    auto* reduced = b_.CreateFAddReduce(real(0), total);
    llvm::FastMathFlags flags;
    flags.setAllowReassoc();  // as a tree, the same whenever this code runs
    flags.setNoSignedZeros();
    llvm::cast<llvm::Instruction>(reduced)->setFastMathFlags(flags);
    result.push_back(reduced);
  }
  return result;
}

std::pair<Value*, Value*> WeightCode::normalise(Value* x, Value* exponent) {
  constexpr std::int64_t lift = 200;
  Value* subnormal = b_.CreateFCmpOLT(x, real(0x1p-1022));
  x = b_.CreateSelect(subnormal, b_.CreateFMul(x, real(0x1p200)), x);
  Value* size = b_.CreateSub(exponent_field(x), integer(bias - 1));
  Value* bits = b_.CreateAnd(b_.CreateBitCast(x, b_.getInt64Ty()), integer(~exponent_mask));
  Value* mantissa = b_.CreateBitCast(b_.CreateOr(bits, integer((bias - 1) << mantissa_bits)), b_.getDoubleTy());
  Value* lifted = b_.CreateSelect(subnormal, integer(-lift), integer(0));
  return {mantissa, b_.CreateAdd(b_.CreateAdd(exponent, size), lifted)};
}

void WeightCode::add(Value* sum, Value* x, Value* exponent) {
  shared("add", b_.getVoidTy(), {sum, x, exponent}, [&](const Arguments& p) {
    auto& context = out_.getContext();
    auto* f = b_.GetInsertBlock()->getParent();
    auto* nothing = llvm::BasicBlock::Create(context, "nothing", f);
    auto* something = llvm::BasicBlock::Create(context, "something", f);
    auto* first = llvm::BasicBlock::Create(context, "first", f);
    auto* more = llvm::BasicBlock::Create(context, "more", f);
    const auto put = [&](Value* m, Value* e) {
      b_.CreateStore(m, b_.CreateStructGEP(sum_type_, p[0], 0));
      b_.CreateStore(e, b_.CreateStructGEP(sum_type_, p[0], 1));
      b_.CreateRetVoid();
    };
    b_.CreateCondBr(b_.CreateFCmpOGT(p[1], real(0)), something, nothing);
    b_.SetInsertPoint(nothing);
    b_.CreateRetVoid();
    b_.SetInsertPoint(something);
    const auto [m, e] = normalise(p[1], p[2]);
    Value* old_m = b_.CreateLoad(b_.getDoubleTy(), b_.CreateStructGEP(sum_type_, p[0], 0));
    Value* old_e = b_.CreateLoad(b_.getInt64Ty(), b_.CreateStructGEP(sum_type_, p[0], 1));
    b_.CreateCondBr(b_.CreateFCmpOGT(old_m, real(0)), more, first);
    b_.SetInsertPoint(first);
    put(m, e);
    b_.SetInsertPoint(more);
    Value* larger = b_.CreateICmpSGT(e, old_e);
    Value* top_m = b_.CreateSelect(larger, m, old_m);
    Value* top_e = b_.CreateSelect(larger, e, old_e);
    Value* low_m = b_.CreateSelect(larger, old_m, m);
    Value* apart = b_.CreateSub(top_e, b_.CreateSelect(larger, old_e, e));
    Value* seen = b_.CreateICmpSLE(apart, integer(visible));
    Value* down = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, apart, integer(visible));
    Value* part = b_.CreateFMul(low_m, power_of_two(b_.CreateNeg(down)));
    put(b_.CreateFAdd(top_m, b_.CreateSelect(seen, part, real(0))), top_e);
  });
}

}  // namespace hearsay::jit
