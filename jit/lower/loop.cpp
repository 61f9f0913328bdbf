// Loops, and how they are stopped. Looking at the interrupt flag in every round would keep a loop from being vectorised
// (8 times slower for a dot product); once per tile of rounds costs at most a few per cent.
#include <cmath>
#include <limits>
#include <utility>

#include "jit/lower/emitter.h"
#include "jit/lower/model.h"

namespace hearsay::jit {

using llvm::Value;

namespace {

/// Work (Emitter::work) between two looks at the flag: 10 to 50 microseconds.
constexpr double between_polls = 1U << 15U;

/// Rounds of a loop, as far as they are known when it is written.
double rounds_of(const Value* low, const Value* high) {
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(low);
  const auto* last = llvm::dyn_cast<llvm::ConstantInt>(high);
  if (first == nullptr || last == nullptr) return std::numeric_limits<double>::infinity();
  return static_cast<double>(last->getSExtValue()) - static_cast<double>(first->getSExtValue()) + 1;
}

}  // namespace

void Emitter::leave_if(Value* interrupted) {
  auto& context = builder_.getContext();
  auto* stop = llvm::BasicBlock::Create(context, "stop", function_);
  auto* on = llvm::BasicBlock::Create(context, "on", function_);
  builder_.CreateCondBr(interrupted, stop, on);
  builder_.SetInsertPoint(stop);
  builder_.CreateStore(builder_.getInt64(static_cast<std::uint64_t>(Status::interrupted)), environment_.work);
  auto* result = function_->getReturnType();
  if (result->isVoidTy()) {
    builder_.CreateRetVoid();
  } else {  // nobody reads it: the caller leaves as well
    builder_.CreateRet(llvm::Constant::getNullValue(result));
  }
  builder_.SetInsertPoint(on);
  model_.conduct(function_).polls = true;
}

void Emitter::poll() {
  auto* pointer = builder_.getPtrTy();
  Value* place = builder_.CreateConstInBoundsGEP1_64(builder_.getInt64Ty(), environment_.work, 1);
  auto* address = builder_.CreateLoad(pointer, place);
  address->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(builder_.getContext(), {}));
  auto* flag = builder_.CreateAlignedLoad(builder_.getInt8Ty(), address, llvm::Align(1));
  flag->setAtomic(llvm::AtomicOrdering::Monotonic);  // another thread or a signal handler writes it
  leave_if(builder_.CreateICmpNE(flag, builder_.getInt8(0)));
}

Value* Emitter::call(llvm::Function* callee, llvm::ArrayRef<Value*> arguments) {
  Value* result = builder_.CreateCall(callee, arguments);
  const auto conduct = model_.conduct(callee);
  work_ += conduct.work;
  if (conduct.polls) {
    Value* status = builder_.CreateLoad(builder_.getInt64Ty(), environment_.work);
    leave_if(builder_.CreateICmpEQ(status, builder_.getInt64(static_cast<std::uint64_t>(Status::interrupted))));
  }
  return result;
}

Emitter::Carried Emitter::loop(Value* low, Value* high, Carried carried,
                               const std::function<Carried(Value*, const Carried&)>& body) {
  auto& context = builder_.getContext();
  auto* before = builder_.GetInsertBlock();
  auto* tile = llvm::BasicBlock::Create(context, "tile", function_);
  auto* head = llvm::BasicBlock::Create(context, "loop", function_);
  auto* after = llvm::BasicBlock::Create(context, "done", function_);
  builder_.CreateBr(tile);
  builder_.SetInsertPoint(tile);
  auto* enter = builder_.CreateBr(head);
  builder_.SetInsertPoint(head);
  auto* index = builder_.CreatePHI(builder_.getInt64Ty(), 2);
  std::vector<llvm::PHINode*> phis;
  Carried values;
  for (Value* start : carried) {
    phis.push_back(builder_.CreatePHI(start->getType(), 2));
    values.push_back(phis.back());
  }
  const double outside = std::exchange(work_, 0);
  Carried next;
  {
    Scope scope(*this, false);
    next = body(index, values);
  }
  auto* latch = builder_.GetInsertBlock();
  Value* step = builder_.CreateAdd(index, builder_.getInt64(1), "", false, true);
  const double round = work_ + 1;
  const double whole = round * rounds_of(low, high);
  if (whole <= between_polls) {
    builder_.CreateCondBr(builder_.CreateICmpSLE(step, high), head, after);
    index->addIncoming(low, tile);
    for (std::size_t k = 0; k < phis.size(); ++k) phis[k]->addIncoming(carried[k], tile);
    work_ = outside + whole;
  } else {
    // Only now is it known what a round costs. The loop becomes the inner one of two, around it one over tiles.
    const double rounds = std::max(1.0, std::floor(between_polls / round));
    auto* next_tile = llvm::BasicBlock::Create(context, "next_tile", function_);
    builder_.SetInsertPoint(enter);
    auto* first = builder_.CreatePHI(builder_.getInt64Ty(), 2);
    first->addIncoming(low, before);
    index->addIncoming(first, tile);
    std::vector<llvm::PHINode*> outer;
    for (std::size_t k = 0; k < phis.size(); ++k) {
      outer.push_back(builder_.CreatePHI(phis[k]->getType(), 2));
      outer[k]->addIncoming(carried[k], before);
      phis[k]->addIncoming(outer[k], tile);
    }
    Value* rest = builder_.CreateSub(high, first);
    Value* reach = builder_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, rest,
                                                  builder_.getInt64(static_cast<std::uint64_t>(rounds) - 1));
    Value* last = builder_.CreateAdd(first, reach, "", false, true);
    builder_.SetInsertPoint(latch);
    builder_.CreateCondBr(builder_.CreateICmpSLE(step, last), head, next_tile);
    builder_.SetInsertPoint(next_tile);
    poll();
    auto* polled = builder_.GetInsertBlock();
    builder_.CreateCondBr(builder_.CreateICmpSLE(step, high), tile, after);
    first->addIncoming(step, polled);
    for (std::size_t k = 0; k < phis.size(); ++k) outer[k]->addIncoming(next[k], polled);
    work_ = outside + 1;
  }
  index->addIncoming(step, latch);
  for (std::size_t k = 0; k < phis.size(); ++k) phis[k]->addIncoming(next[k], latch);
  builder_.SetInsertPoint(after);
  return next;
}

}  // namespace hearsay::jit
