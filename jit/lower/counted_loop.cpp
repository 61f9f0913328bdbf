#include "jit/lower/counted_loop.h"

namespace hearsay::jit {

using llvm::Value;

Carried counted_loop(llvm::IRBuilder<>& builder, Value* count, std::uint64_t step, const Carried& start,
                     const std::function<Carried(Value* index, const Carried&)>& body) {
  auto& context = builder.getContext();
  auto* before = builder.GetInsertBlock();
  auto* head = llvm::BasicBlock::Create(context, "loop", before->getParent());
  auto* after = llvm::BasicBlock::Create(context, "done", before->getParent());
  builder.CreateBr(head);
  builder.SetInsertPoint(head);
  auto* index = builder.CreatePHI(builder.getInt64Ty(), 2);
  index->addIncoming(builder.getInt64(0), before);
  std::vector<llvm::PHINode*> phis;
  Carried values;
  for (Value* v : start) {
    phis.push_back(builder.CreatePHI(v->getType(), 2));
    phis.back()->addIncoming(v, before);
    values.push_back(phis.back());
  }
  const Carried next = body(index, values);
  auto* latch = builder.GetInsertBlock();
  Value* following = builder.CreateAdd(index, builder.getInt64(step), "", true, true);
  builder.CreateCondBr(builder.CreateICmpULT(following, count), head, after);
  index->addIncoming(following, latch);
  for (std::size_t k = 0; k < phis.size(); ++k) phis[k]->addIncoming(next[k], latch);
  builder.SetInsertPoint(after);
  return next;
}

void poll_flag(llvm::IRBuilder<>& builder, Value* flag) {
  auto* function = builder.GetInsertBlock()->getParent();
  auto* seen = builder.CreateAlignedLoad(builder.getInt8Ty(), flag, llvm::Align(1));
  seen->setAtomic(llvm::AtomicOrdering::Monotonic);  // another thread or a signal handler writes it
  auto* stop = llvm::BasicBlock::Create(builder.getContext(), "stop", function);
  auto* on = llvm::BasicBlock::Create(builder.getContext(), "on", function);
  builder.CreateCondBr(builder.CreateICmpNE(seen, builder.getInt8(0)), stop, on);
  builder.SetInsertPoint(stop);
  builder.CreateRet(builder.getFalse());
  builder.SetInsertPoint(on);
}

}  // namespace hearsay::jit
