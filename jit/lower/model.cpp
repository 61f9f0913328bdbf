#include "jit/lower/model.h"

#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include "jit/lower/gradient.h"

namespace hearsay::jit {
namespace {

using ir::raw;
using llvm::Value;

/// Beyond this, compiling takes minutes; the reference evaluator answers sooner.
constexpr std::size_t most_expressions = 200'000;
/// Recursion of lowering and of LLVM's passes follows the nesting of operands.
constexpr std::uint32_t deepest = 4'000;

std::size_t cells_of(const ir::Module& module, ir::LetId let) {
  std::size_t n = 1;
  for (const ir::IndexId i : module.lets[raw(let)].binders) n *= static_cast<std::size_t>(module.index(i).extent());
  return n;
}

}  // namespace

ScratchLayout::ScratchLayout(const ir::Module& module, const Analysis& analysis) {
  for (const ir::LetId let : analysis.lets()) {
    if (analysis.in_memory(let)) {
      let_offset[let] = lets;
      lets += cells_of(module, let);
    } else if (module.lets[raw(let)].scan) {
      let_offset[let] = work;
      work += cells_of(module, let);
    }
  }
}

ModelLowering::ModelLowering(const ir::Module& module, const ir::Grounding& grounding, const ir::Gradient* gradient,
                             const Analysis& analysis, llvm::Module& out)
    : module_(module),
      grounding_(grounding),
      gradient_(gradient),
      analysis_(analysis),
      out_(out),
      layout_(module),
      scratch_(module, analysis) {}

llvm::Function* ModelLowering::function(const std::string& name, llvm::Type* result, std::vector<llvm::Type*> more,
                                        bool exported) {
  auto& context = out_.getContext();
  std::vector<llvm::Type*> parameters(environment_size, llvm::PointerType::getUnqual(context));
  parameters.insert(parameters.end(), more.begin(), more.end());
  auto* f =
      llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                             exported ? llvm::Function::ExternalLinkage : llvm::Function::InternalLinkage, name, out_);
  const char* names[] = {"data", "continuous", "codes", "lets", "work"};
  for (unsigned k = 0; k < environment_size; ++k) {
    f->getArg(k)->setName(names[k]);
    f->addParamAttr(k, llvm::Attribute::NoAlias);
    f->addParamAttr(k, llvm::Attribute::NoCapture);
  }
  llvm::BasicBlock::Create(context, "entry", f);
  return f;
}

llvm::Function* ModelLowering::element(ir::LetId let) {
  if (const auto at = elements_.find(let); at != elements_.end()) return at->second;
  const ir::Let& l = module_.lets[raw(let)];
  auto& context = out_.getContext();
  const ScalarType t = module_.type(l.body);
  auto* result = t == ScalarType::real      ? llvm::Type::getDoubleTy(context)
                 : t == ScalarType::integer ? static_cast<llvm::Type*>(llvm::Type::getInt64Ty(context))
                                            : llvm::Type::getInt1Ty(context);
  auto* f = function("let" + std::to_string(raw(let)), result,
                     std::vector<llvm::Type*>(l.binders.size(), llvm::Type::getInt64Ty(context)), false);
  elements_[let] = f;
  Emitter emit(*this, f);
  for (std::size_t k = 0; k < l.binders.size(); ++k) {
    emit.bind(l.binders[k], f->getArg(static_cast<unsigned>(environment_size + k)));
  }
  emit.builder().CreateRet(emit.value(l.body));
  conduct(f).work = emit.work();
  return f;
}

llvm::Function* ModelLowering::scan(ir::LetId let) {
  if (const auto at = scans_.find(let); at != scans_.end()) return at->second;
  const ir::Let& l = module_.lets[raw(let)];
  auto& context = out_.getContext();
  auto* integer = llvm::Type::getInt64Ty(context);
  auto* f = function("scan" + std::to_string(raw(let)), llvm::Type::getVoidTy(context), {integer}, false);
  scans_[let] = f;
  Emitter emit(*this, f);
  auto& b = emit.builder();
  const bool memory = analysis_.in_memory(let);
  emit.report_errors(false);  // an element that fails is no fault unless it is read: then it is NaN
  Value* cells =
      b.CreateInBoundsGEP(integer, memory ? emit.environment().lets : emit.environment().work, b.getInt64(offset(let)));
  emit.loop(b.getInt64(0), f->getArg(environment_size), {}, [&](Value* flat, const Emitter::Carried&) {
    emit.inside_scan(let, cells, flat);
    Value* rest = flat;
    for (std::size_t k = l.binders.size(); k-- > 0;) {
      const ir::IndexVar& range = module_.index(l.binders[k]);
      Value* size = b.getInt64(static_cast<std::uint64_t>(range.extent()));
      Value* position = k == 0 ? rest : b.CreateURem(rest, size);
      if (k != 0) rest = b.CreateUDiv(rest, size);
      emit.bind(l.binders[k], b.CreateAdd(position, b.getInt64(static_cast<std::uint64_t>(range.low))));
    }
    emit.store_cell(cells, flat, emit.value(l.body));
    return Emitter::Carried{};
  });
  b.CreateRetVoid();
  return f;
}

void ModelLowering::store_map(Emitter& emit, ir::LetId let) {
  const ir::Let& l = module_.lets[raw(let)];
  auto& b = emit.builder();
  const std::function<void(std::size_t, Value*)> nest = [&](std::size_t k, Value* flat) {
    if (k == l.binders.size()) {
      emit.store_cell(emit.environment().lets, b.CreateAdd(flat, b.getInt64(offset(let))), emit.value(l.body));
      return;
    }
    const ir::IndexVar& range = module_.index(l.binders[k]);
    Value* low = b.getInt64(static_cast<std::uint64_t>(range.low));
    emit.loop(low, b.getInt64(static_cast<std::uint64_t>(range.high)), {}, [&](Value* index, const Emitter::Carried&) {
      emit.bind(l.binders[k], index);
      Value* row = b.CreateMul(flat, b.getInt64(static_cast<std::uint64_t>(range.extent())), "", true, true);
      nest(k + 1, b.CreateAdd(row, b.CreateSub(index, low, "", true, true), "", true, true));
      return Emitter::Carried{};
    });
  };
  nest(0, b.getInt64(0));
}

void ModelLowering::prepare() {
  auto& context = out_.getContext();
  auto* all = function("prepare", llvm::Type::getVoidTy(context), {}, true);
  Emitter outer(*this, all);
  auto& b = outer.builder();
  const std::vector<Value*> environment{all->getArg(0), all->getArg(1), all->getArg(2), all->getArg(3), all->getArg(4)};
  for (const ir::LetId let : analysis_.lets()) {
    const std::size_t n = cells_of(module_, let);
    if (!analysis_.in_memory(let) || n == 0) continue;
    if (module_.lets[raw(let)].scan) {
      auto arguments = environment;
      arguments.push_back(b.getInt64(n - 1));
      outer.call(scan(let), arguments);
      continue;
    }
    auto* one = function("map" + std::to_string(raw(let)), llvm::Type::getVoidTy(context), {}, false);
    Emitter emit(*this, one);
    emit.report_errors(false);
    store_map(emit, let);
    emit.builder().CreateRetVoid();
    outer.call(one, environment);
  }
  b.CreateRetVoid();
}

void ModelLowering::closed() {
  auto& context = out_.getContext();
  auto* real = llvm::Type::getDoubleTy(context);
  auto* all = function("closed", real, {}, true);
  Emitter outer(*this, all);
  auto& b = outer.builder();
  const std::vector<Value*> environment{all->getArg(0), all->getArg(1), all->getArg(2), all->getArg(3), all->getArg(4)};
  Value* total = llvm::ConstantFP::get(real, 0);
  const auto& terms = grounding_.closed_terms;
  for (std::size_t next = 0; next < terms.size();) {
    auto* part = function("terms" + std::to_string(next), real, {}, false);
    Emitter emit(*this, part);
    Value* sum = llvm::ConstantFP::get(real, 0);
    for (std::size_t size = 0; next < terms.size() && size < chunk; ++next) {
      const ir::Term& term = module_.terms[raw(terms[next])];
      const Emitter::Scope scope(emit, false);
      const unsigned before = part->getInstructionCount();
      sum = emit.sum_over(term.plate, term.body, sum);
      size += part->getInstructionCount() - before;
    }
    emit.builder().CreateRet(sum);
    total = b.CreateFAdd(total, outer.call(part, environment));
  }
  Value* failed = b.CreateICmpNE(b.CreateLoad(b.getInt64Ty(), outer.environment().work), b.getInt64(0));
  b.CreateRet(b.CreateSelect(failed, llvm::ConstantFP::getQNaN(real), total));
}

/// The loops of fill<k> and push<k>: over ground factors, and for each over the assignments of its scope. `body` gets
/// the position of the entry among all tables. Leaves the builder after the loops.
void ModelLowering::assignments(Emitter& emit, llvm::Function* f, const ir::Term& term,
                                const std::function<void(Value* entry)>& body) {
  auto& context = out_.getContext();
  auto* integer = llvm::Type::getInt64Ty(context);
  auto* code = llvm::Type::getInt32Ty(context);
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto& b = emit.builder();
  Value* count = f->getArg(environment_size + 1);
  Value* codes = emit.environment().codes;
  const auto block = [&](const char* name) { return llvm::BasicBlock::Create(context, name, f); };
  const auto word = [&](Value* at, Value* offset) {
    return b.CreateLoad(integer, b.CreateInBoundsGEP(integer, at, offset));
  };
  const auto code_address = [&](Value* positions, Value* j) {
    return b.CreateInBoundsGEP(code, codes, word(positions, j));
  };
  const std::size_t plate = term.plate.size();

  // for each instance
  auto* entry = b.GetInsertBlock();
  auto* instance = block("instance");
  auto* end = block("end");
  b.CreateCondBr(b.CreateICmpSGT(count, b.getInt64(0)), instance, end);
  b.SetInsertPoint(instance);
  auto* i = b.CreatePHI(integer, 2);
  auto* description = b.CreatePHI(pointer, 2);
  i->addIncoming(b.getInt64(0), entry);
  description->addIncoming(f->getArg(environment_size), entry);
  Value* offset = word(description, b.getInt64(0));
  Value* n = word(description, b.getInt64(1));
  for (std::size_t d = 0; d < plate; ++d) emit.bind(term.plate[d], word(description, b.getInt64(2 + d)));
  Value* positions = b.CreateInBoundsGEP(integer, description, b.getInt64(2 + plate));
  Value* cardinalities = b.CreateInBoundsGEP(integer, positions, n);

  // for each assignment (codes are all 1 at the first): body, then count on, last variable fastest
  auto* head = b.GetInsertBlock();
  auto* assignment = block("assignment");
  auto* digit = block("digit");
  auto* carry = block("carry");
  auto* advance = block("advance");
  auto* next = block("next");
  b.CreateBr(assignment);
  b.SetInsertPoint(assignment);
  auto* row = b.CreatePHI(integer, 2);
  row->addIncoming(b.getInt64(0), head);
  {
    const Emitter::Scope scope(emit, false);
    emit.poll();
    body(b.CreateAdd(offset, row));
  }
  auto* computed = b.GetInsertBlock();
  b.CreateBr(digit);
  b.SetInsertPoint(digit);
  auto* left = b.CreatePHI(integer, 2);  // digits that may still be advanced
  left->addIncoming(n, computed);
  auto* some = block("some");
  b.CreateCondBr(b.CreateICmpSGT(left, b.getInt64(0)), some, next);
  b.SetInsertPoint(some);
  Value* j = b.CreateSub(left, b.getInt64(1));
  Value* address = code_address(positions, j);
  Value* now = b.CreateLoad(code, address);
  Value* limit = b.CreateTrunc(word(cardinalities, j), code);
  b.CreateCondBr(b.CreateICmpSLT(now, limit), advance, carry);
  b.SetInsertPoint(carry);
  b.CreateStore(b.getInt32(1), address);
  left->addIncoming(j, carry);
  b.CreateBr(digit);
  b.SetInsertPoint(advance);
  b.CreateStore(b.CreateAdd(now, b.getInt32(1)), address);
  Value* row_next = b.CreateAdd(row, b.getInt64(1));
  row->addIncoming(row_next, advance);
  b.CreateBr(assignment);

  b.SetInsertPoint(next);
  Value* words = b.CreateAdd(b.getInt64(2 + plate), b.CreateMul(n, b.getInt64(2)));
  description->addIncoming(b.CreateInBoundsGEP(integer, description, words), next);
  Value* i_next = b.CreateAdd(i, b.getInt64(1));
  i->addIncoming(i_next, next);
  b.CreateCondBr(b.CreateICmpSLT(i_next, count), instance, end);
  b.SetInsertPoint(end);
}

void ModelLowering::fill(std::size_t k, ir::TermId term_id) {
  const ir::Term& term = module_.terms[raw(term_id)];
  auto& context = out_.getContext();
  auto* integer = llvm::Type::getInt64Ty(context);
  auto* real = llvm::Type::getDoubleTy(context);
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* f = function("fill" + std::to_string(k), llvm::Type::getVoidTy(context), {pointer, integer, pointer}, true);
  Value* tables = f->getArg(environment_size + 2);
  f->addParamAttr(environment_size, llvm::Attribute::NoAlias);
  f->addParamAttr(environment_size + 2, llvm::Attribute::NoAlias);
  Emitter emit(*this, f);
  auto& b = emit.builder();
  assignments(emit, f, term, [&](Value* entry) {
    Value* v = emit.value(term.body);
    if (analysis_.facts(term.body).checked) {  // an entry that can't be computed is NaN; the others stand
      Value* flag = emit.environment().work;
      Value* failed = b.CreateICmpNE(b.CreateLoad(integer, flag), b.getInt64(0));
      v = b.CreateSelect(failed, llvm::ConstantFP::getQNaN(real), v);
      b.CreateStore(b.getInt64(0), flag);
    }
    b.CreateStore(v, b.CreateInBoundsGEP(real, tables, entry));
  });
  b.CreateRetVoid();
}

std::optional<Diagnostic> ModelLowering::run() {
  if (analysis_.size() > most_expressions) {
    return diagnose<DiagnosticKind::jit_too_large>(
        {}, fmt::format("it has {} expressions, and the limit is {}", analysis_.size(), most_expressions));
  }
  if (analysis_.depth() > deepest) {
    return diagnose<DiagnosticKind::jit_too_large>(
        {}, fmt::format("an expression is nested {} deep, and the limit is {}", analysis_.depth(), deepest));
  }
  prepare();
  closed();
  for (std::size_t k = 0; k < analysis_.open_terms().size(); ++k) fill(k, analysis_.open_terms()[k]);
  if (gradient_ != nullptr) GradientLowering(*this, *gradient_).run();
  std::string problem;
  llvm::raw_string_ostream text(problem);
  if (llvm::verifyModule(out_, &text)) return diagnose<DiagnosticKind::jit_failed>({}, problem);
  return std::nullopt;
}

}  // namespace hearsay::jit
