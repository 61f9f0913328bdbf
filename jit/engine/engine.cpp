#include "jit/engine/engine.h"

#include <fmt/format.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/ExecutionEngine/JITLink/EHFrameSupport.h>
#include <llvm/ExecutionEngine/Orc/ExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include <cmath>
#include <cstring>

#include "jit/engine/build_id.h"
#include "lang/builtins/ops.h"

namespace hearsay::jit {
namespace {

using llvm::orc::ExecutorAddr;
using llvm::orc::ExecutorSymbolDef;

struct HostFunction {
  const char* name;
  void* address;
};

template <class R, class... A>
void* address(R (*f)(A...)) {
  return reinterpret_cast<void*>(f);
}

/// What LLVM may call of its own accord, and the libm names that lowering uses because LLVM has vector versions of
/// them.
std::vector<HostFunction> runtime_functions() {
  using F1 = double (*)(double);
  using F2 = double (*)(double, double);
  return {
      {"exp", address(static_cast<F1>(std::exp))},
      {"exp2", address(static_cast<F1>(std::exp2))},
      {"expm1", address(static_cast<F1>(std::expm1))},
      {"log", address(static_cast<F1>(std::log))},
      {"log2", address(static_cast<F1>(std::log2))},
      {"log10", address(static_cast<F1>(std::log10))},
      {"log1p", address(static_cast<F1>(std::log1p))},
      {"pow", address(static_cast<F2>(std::pow))},
      {"sqrt", address(static_cast<F1>(std::sqrt))},
      {"cbrt", address(static_cast<F1>(std::cbrt))},
      {"sin", address(static_cast<F1>(std::sin))},
      {"cos", address(static_cast<F1>(std::cos))},
      {"tan", address(static_cast<F1>(std::tan))},
      {"atan", address(static_cast<F1>(std::atan))},
      {"tanh", address(static_cast<F1>(std::tanh))},
      {"erf", address(static_cast<F1>(std::erf))},
      {"floor", address(static_cast<F1>(std::floor))},
      {"ceil", address(static_cast<F1>(std::ceil))},
      {"round", address(static_cast<F1>(std::round))},
      {"trunc", address(static_cast<F1>(std::trunc))},
      {"fmin", address(static_cast<F2>(std::fmin))},
      {"fmax", address(static_cast<F2>(std::fmax))},
      {"fmod", address(static_cast<F2>(std::fmod))},
      {"fma", address(static_cast<double (*)(double, double, double)>(std::fma))},
      {"ldexp", address(static_cast<double (*)(double, int)>(std::ldexp))},
      {"sincos", reinterpret_cast<void*>(&::sincos)},  // LLVM's own merging of sin and cos of one argument
      {"memset", address(&std::memset)},
      {"memcpy", address(&std::memcpy)},
      {"memmove", address(&std::memmove)},
      {"memcmp", address(&std::memcmp)},
  };
}

llvm::OptimizationLevel pipeline_level(unsigned level) {
  return level == 0   ? llvm::OptimizationLevel::O0
         : level == 1 ? llvm::OptimizationLevel::O1
                      : llvm::OptimizationLevel::O2;
}

llvm::TargetLibraryInfoImpl library_info(const llvm::Module& module, const std::optional<VectorMath>& vectors,
                                         const CodeOptions& options) {
  llvm::TargetLibraryInfoImpl info{llvm::Triple(module.getTargetTriple())};
  if (options.vectorize && vectors) {
    const auto table = vectors->descriptions();
    info.addVectorizableFunctions(llvm::ArrayRef(table.data(), table.size()));
  }
  return info;
}

}  // namespace

Code::~Code() {
  // Nothing runs in this library any more: whoever holds its functions holds this object.
  if (auto error = engine_->session_->removeJITDylib(library_)) llvm::consumeError(std::move(error));
}

void* Code::find(const std::string& name) const {
  auto found = engine_->session_->lookup({&library_}, name);
  if (found) return found->getAddress().toPtr<void*>();
  error_ = llvm::toString(found.takeError());
  return nullptr;
}

Result<std::shared_ptr<Engine>> Engine::shared() {
  // Creating a session takes milliseconds and holds no state of a model; so there is one, and code holds on to it.
  static const Result<std::shared_ptr<Engine>> engine = []() -> Result<std::shared_ptr<Engine>> {
    std::shared_ptr<Engine> made(new Engine);
    if (const std::string problem = made->start(); !problem.empty()) {
      return fail(diagnose<DiagnosticKind::jit_unavailable>({}, problem));
    }
    return made;
  }();
  return engine;
}

Engine::~Engine() {
  if (session_ == nullptr) return;
  if (auto error = session_->endSession()) llvm::consumeError(std::move(error));
}

std::string Engine::start() {
  if (llvm::InitializeNativeTarget() || llvm::InitializeNativeTargetAsmPrinter())
    return "no code generator for this CPU";
  triple_ = llvm::sys::getProcessTriple();
  cpu_ = llvm::sys::getHostCPUName().str();
  std::string error;
  target_ = llvm::TargetRegistry::lookupTarget(triple_, error);
  if (target_ == nullptr) return error;
  const auto host_features = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> features;
  for (const auto& feature : host_features) features.push_back((feature.second ? "+" : "-") + feature.first().str());
  std::sort(features.begin(), features.end());
  for (const auto& feature : features) features_ += (features_.empty() ? "" : ",") + feature;
  const auto has = [&](llvm::StringRef name) { return host_features.lookup(name); };
  avx512_ = has("avx512f") && has("avx512dq") && has("avx512vl");
  vectors_.emplace(has("avx2"), avx512_);
  const std::string build = own_build_id();
  identified_ = !build.empty();
  identity_ = fmt::format("LLVM {}\n{}\n{}\n{}\n{}\n", LLVM_VERSION_STRING, triple_, cpu_, features_, build);
  for (const auto& f : vectors_->functions()) identity_ += f.name + " ";

  auto control = llvm::orc::SelfExecutorProcessControl::Create();
  if (!control) return llvm::toString(control.takeError());
  session_ = std::make_unique<llvm::orc::ExecutionSession>(std::move(*control));
  // Failures come back from lookup as values; nothing is printed.
  session_->setErrorReporter([](llvm::Error e) { llvm::consumeError(std::move(e)); });
  auto linker = std::make_unique<llvm::orc::ObjectLinkingLayer>(*session_);
  linker->addPlugin(std::make_shared<llvm::orc::EHFrameRegistrationPlugin>(
      *session_, std::make_unique<llvm::jitlink::InProcessEHFrameRegistrar>()));
  linker_ = std::move(linker);
  return define_host_symbols();
}

std::string Engine::define_host_symbols() {
  host_ = &session_->createBareJITDylib("host");
  llvm::orc::SymbolMap symbols;
  const auto define = [&](std::string_view name, void* where) {
    symbols[session_->intern(llvm::StringRef(name.data(), name.size()))] = ExecutorSymbolDef(
        ExecutorAddr::fromPtr(where), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable);
  };
  for (const auto& [name, where] : all_kernels()) define(name, where);
  for (const auto& f : runtime_functions()) define(f.name, f.address);
  for (const auto& f : vectors_->functions()) define(f.name, f.address);
  if (auto error = host_->define(llvm::orc::absoluteSymbols(std::move(symbols))))
    return llvm::toString(std::move(error));
  return {};
}

std::unique_ptr<llvm::TargetMachine> Engine::target_machine(const CodeOptions& options) const {
  llvm::TargetOptions target_options;
  const auto level = options.level == 0   ? llvm::CodeGenOptLevel::None
                     : options.level == 1 ? llvm::CodeGenOptLevel::Less
                                          : llvm::CodeGenOptLevel::Default;
  return std::unique_ptr<llvm::TargetMachine>(target_->createTargetMachine(
      triple_, cpu_, features_, target_options, llvm::Reloc::PIC_, llvm::CodeModel::Small, level, /*JIT=*/true));
}

void Engine::prepare(llvm::Module& module, const llvm::TargetMachine& machine) const {
  module.setTargetTriple(triple_);
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.setUWTableKind(llvm::UWTableKind::Async);  // exceptions and profilers may walk through
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (avx512_) function.addFnAttr("prefer-vector-width", "512");
  }
}

void Engine::optimize(llvm::Module& module, llvm::TargetMachine& machine, const CodeOptions& options) const {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = options.vectorize;
  tuning.SLPVectorization = options.vectorize;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library_info(module, vectors_, options)); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const auto level = pipeline_level(options.level);
  llvm::ModulePassManager passes =
      options.level == 0 ? builder.buildO0DefaultPipeline(level) : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

Result<std::string> Engine::emit(llvm::Module& module, llvm::TargetMachine& machine, const CodeOptions& options,
                                 bool assembly) const {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(library_info(module, vectors_, options)));
  const auto type = assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, out, nullptr, type, /*DisableVerify=*/true)) {
    return fail(diagnose<DiagnosticKind::jit_failed>({}, "LLVM can't write this kind of file for this CPU"));
  }
  passes.run(module);
  return std::string(bytes.data(), bytes.size());
}

Result<std::unique_ptr<Code>> Engine::link(std::string_view object) {
  llvm::orc::JITDylib& library = session_->createBareJITDylib("model" + std::to_string(libraries_.fetch_add(1)));
  library.addToLinkOrder(*host_);
  auto code = std::make_unique<Code>(shared_from_this(), library);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object.data(), object.size()));
  if (auto error = linker_->add(library, std::move(buffer))) {
    return fail(diagnose<DiagnosticKind::jit_failed>({}, llvm::toString(std::move(error))));
  }
  return code;
}

}  // namespace hearsay::jit
