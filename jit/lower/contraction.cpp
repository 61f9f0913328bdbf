#include "jit/lower/contraction.h"

#include <fmt/format.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>

#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "jit/lower/counted_loop.h"

namespace hearsay::jit {
namespace {

using llvm::Value;
using model::ContractionShape;

/// Extents and strides are constants of the code, so LLVM unrolls what is short and vectorises what is contiguous.
class Nest {
public:
  Nest(const ContractionShape& shape, llvm::Module& out, const std::string& name)
      : shape_(shape), builder_(out.getContext()) {
    auto* pointer = builder_.getPtrTy();
    function_ =
        llvm::Function::Create(llvm::FunctionType::get(builder_.getInt1Ty(), {pointer, pointer, pointer}, false),
                               llvm::Function::ExternalLinkage, name, out);
    function_->addRetAttr(llvm::Attribute::ZExt);
    for (unsigned k = 0; k < 2; ++k) {
      function_->addParamAttr(k, llvm::Attribute::NoAlias);
      function_->addParamAttr(k, llvm::Attribute::NoCapture);
    }
    builder_.SetInsertPoint(llvm::BasicBlock::Create(out.getContext(), "entry", function_));
    output_ = function_->getArg(1);
    // The output overlaps no input: said once more for the pointers behind `inputs`.
    auto& context = out.getContext();
    llvm::MDBuilder metadata(context);
    auto* domain = metadata.createAnonymousAliasScopeDomain("contraction");
    auto* scope = metadata.createAnonymousAliasScope(domain, "inputs");
    input_scope_ = llvm::MDNode::get(context, {scope});
    for (std::uint32_t k = 0; k < shape.inputs; ++k) {
      inputs_.push_back(
          builder_.CreateLoad(pointer, builder_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(0), k)));
    }
    index_.assign(shape.loops(), builder_.getInt64(0));
    for (std::size_t l = 0; l < shape.loops(); ++l) open_.insert(l);
  }

  void linear();
  void log();

private:
  Value* real(double v) { return llvm::ConstantFP::get(builder_.getDoubleTy(), v); }
  Value* integer(std::uint64_t v) { return builder_.getInt64(v); }

  void allow(bool reassociate) {
    llvm::FastMathFlags flags;
    flags.setAllowContract();
    flags.setAllowReassoc(reassociate);
    builder_.setFastMathFlags(flags);
  }

  /// Loops over `which`, outermost first, carrying values through.
  Carried loops(std::span<const std::size_t> which, const Carried& start,
                const std::function<Carried(const Carried&)>& body);

  Value* input(std::size_t k) {
    Value* at = integer(0);
    for (std::size_t l = 0; l < shape_.loops(); ++l) {
      const auto stride = static_cast<std::uint64_t>(shape_.stride(k, l));
      if (stride != 0)
        at = builder_.CreateAdd(at, builder_.CreateMul(index_[l], integer(stride), "", true, true), "", true, true);
    }
    auto* load =
        builder_.CreateLoad(builder_.getDoubleTy(), builder_.CreateInBoundsGEP(builder_.getDoubleTy(), inputs_[k], at));
    load->setMetadata(llvm::LLVMContext::MD_alias_scope, input_scope_);
    return load;
  }
  Value* output_address() {
    Value* at = integer(0);
    for (std::size_t l = 0; l < shape_.kept; ++l) {
      at = builder_.CreateAdd(builder_.CreateMul(at, integer(shape_.extents[l]), "", true, true), index_[l], "", true,
                              true);
    }
    return builder_.CreateInBoundsGEP(builder_.getDoubleTy(), output_, at);
  }
  void store(Value* v) {
    auto* written = builder_.CreateStore(v, output_address());
    written->setMetadata(llvm::LLVMContext::MD_noalias, input_scope_);
  }
  Value* product() {
    Value* p = input(0);
    for (std::uint32_t k = 1; k < shape_.inputs; ++k) p = builder_.CreateFMul(p, input(k));
    return p;
  }
  Value* total() {
    Value* p = input(0);
    for (std::uint32_t k = 1; k < shape_.inputs; ++k) p = builder_.CreateFAdd(p, input(k));
    return p;
  }
  Value* unary(llvm::Intrinsic::ID id, Value* v) { return builder_.CreateIntrinsic(id, {v->getType()}, {v}); }

  /// Every input stands still or moves by one element.
  [[nodiscard]] bool contiguous(std::size_t loop) const {
    for (std::size_t k = 0; k < shape_.inputs; ++k) {
      if (shape_.stride(k, loop) > 1) return false;
    }
    return true;
  }

  const ContractionShape& shape_;
  llvm::IRBuilder<> builder_;
  llvm::Function* function_ = nullptr;
  Value* output_ = nullptr;
  llvm::MDNode* input_scope_ = nullptr;
  std::vector<Value*> inputs_;
  std::vector<Value*> index_;
  std::set<std::size_t> open_;  ///< loops that are still to be written inside the present place
};

/// Loops whose rounds are worth less than this are not interrupted.
constexpr std::size_t between_polls = 4096;

Carried Nest::loops(std::span<const std::size_t> which, const Carried& start,
                    const std::function<Carried(const Carried&)>& body) {
  if (which.empty()) return body(start);
  return counted_loop(builder_, integer(shape_.extents[which[0]]), 1, start, [&](Value* index, const Carried& values) {
    index_[which[0]] = index;
    std::size_t inside = 1;
    for (const std::size_t l : open_) inside *= shape_.extents[l];
    open_.erase(which[0]);
    inside /= shape_.extents[which[0]];
    if (inside >= between_polls) poll_flag(builder_, function_->getArg(2));
    const Carried next = loops(which.subspan(1), values, body);
    open_.insert(which[0]);
    return next;
  });
}

void Nest::linear() {
  std::vector<std::size_t> kept(shape_.kept), summed(shape_.loops() - shape_.kept);
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  std::iota(summed.begin(), summed.end(), std::size_t{shape_.kept});
  // The contiguous loop belongs inside: the last kept one (the output is contiguous there) when the inputs are so too.
  const bool rows = !kept.empty() && !summed.empty() && contiguous(kept.back()) &&
                    (!contiguous(summed.back()) || shape_.extents[kept.back()] >= shape_.extents[summed.back()]);
  const std::span<const std::size_t> outer = std::span(kept).first(rows ? kept.size() - 1 : kept.size());
  const std::span<const std::size_t> row = std::span(kept).last(rows ? 1 : 0);
  loops(outer, {}, [&](const Carried&) {
    if (rows) {
      allow(false);
      loops(row, {}, [&](const Carried&) { return store(real(0)), Carried{}; });
      loops(summed, {}, [&](const Carried&) {
        loops(row, {}, [&](const Carried&) {
          auto* so_far = builder_.CreateLoad(builder_.getDoubleTy(), output_address());
          so_far->setMetadata(llvm::LLVMContext::MD_noalias, input_scope_);
          store(builder_.CreateFAdd(so_far, product()));
          return Carried{};
        });
        return Carried{};
      });
      return Carried{};
    }
    const Carried sum = loops(summed, {real(0)}, [&](const Carried& c) {
      allow(false);
      Value* p = product();
      allow(true);
      return Carried{builder_.CreateFAdd(c[0], p)};
    });
    store(sum[0]);
    return Carried{};
  });
  builder_.CreateRet(builder_.getTrue());
}

void Nest::log() {
  std::vector<std::size_t> kept(shape_.kept), summed(shape_.loops() - shape_.kept);
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  std::iota(summed.begin(), summed.end(), std::size_t{shape_.kept});
  constexpr double infinity = std::numeric_limits<double>::infinity();
  loops(kept, {}, [&](const Carried&) {
    allow(false);
    const Carried top = loops(summed, {real(-infinity)}, [&](const Carried& c) {
      Value* t = total();
      return Carried{builder_.CreateSelect(builder_.CreateFCmpOGT(t, c[0]), t, c[0])};
    });
    // An impossible row (-inf everywhere) must not become NaN: then 0 is subtracted and the sum is an exact zero.
    Value* finite = builder_.CreateFCmpOLT(unary(llvm::Intrinsic::fabs, top[0]), real(infinity));
    Value* shift = builder_.CreateSelect(finite, top[0], real(0));
    const Carried sum = loops(summed, {real(0)}, [&](const Carried& c) {
      allow(false);
      Value* e = unary(llvm::Intrinsic::exp, builder_.CreateFSub(total(), shift));
      allow(true);
      return Carried{builder_.CreateFAdd(c[0], e)};
    });
    allow(false);
    store(builder_.CreateFAdd(shift, unary(llvm::Intrinsic::log, sum[0])));
    return Carried{};
  });
  builder_.CreateRet(builder_.getTrue());
}

}  // namespace

void lower_contraction(const ContractionShape& shape, model::Semiring semiring, llvm::Module& out,
                       const std::string& name) {
  Nest nest(shape, out, name);
  if (semiring == model::Semiring::linear) {
    nest.linear();
  } else {
    nest.log();
  }
}

std::string contraction_source(const ContractionShape& shape, model::Semiring semiring) {
  return fmt::format("contraction 2\n{}\n{}\n{}\n{}\n{}\n", semiring == model::Semiring::linear ? "linear" : "log",
                     fmt::join(shape.extents, ","), shape.kept, shape.inputs, fmt::join(shape.strides, ","));
}

}  // namespace hearsay::jit
