// LLVM behind a handle: optimise a module, make object code, link it into this process, and take it out again.
#pragma once

#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/Layer.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jit/engine/object_cache.h"
#include "jit/engine/vector_math.h"
#include "lang/support/diagnostic.h"

namespace hearsay::jit {

struct CodeOptions {
  unsigned level = 2;  ///< 0, 1 or 2
  bool vectorize = true;
};

class Engine;

/// Linked code. Its functions live as long as this object does.
class Code {
public:
  Code(std::shared_ptr<Engine> engine, llvm::orc::JITDylib& library) : engine_(std::move(engine)), library_(library) {}
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  /// The address of a function; links what is not linked yet. Null when there is none of that name or linking failed.
  [[nodiscard]] void* find(const std::string& name) const;
  [[nodiscard]] const std::string& error() const { return error_; }

private:
  std::shared_ptr<Engine> engine_;
  llvm::orc::JITDylib& library_;
  mutable std::string error_;
};

/// One per process, shared by all compiled code; thread-safe. Generated code sees the symbols listed here (kernels of
/// op.def, libm, libmvec, memory functions) and nothing else of the process.
class Engine : public std::enable_shared_from_this<Engine> {
public:
  /// The engine of this process, made on first use.
  [[nodiscard]] static Result<std::shared_ptr<Engine>> shared();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// A code generator for this CPU. Not shared between threads.
  [[nodiscard]] std::unique_ptr<llvm::TargetMachine> target_machine(const CodeOptions& options) const;
  /// Data layout, triple, and what every function carries (unwind tables, vector width).
  void prepare(llvm::Module& module, const llvm::TargetMachine& machine) const;
  void optimize(llvm::Module& module, llvm::TargetMachine& machine, const CodeOptions& options) const;
  [[nodiscard]] Result<std::string> emit(llvm::Module& module, llvm::TargetMachine& machine, const CodeOptions& options,
                                         bool assembly) const;
  [[nodiscard]] Result<std::unique_ptr<Code>> link(std::string_view object);

  /// What object code depends on besides its source: LLVM, CPU, this build of the plugin.
  [[nodiscard]] const std::string& identity() const { return identity_; }
  /// False when this build can't be told from others: then its object code must not be kept.
  [[nodiscard]] bool identified() const { return identified_; }

private:
  Engine() = default;
  [[nodiscard]] std::string start();  // what went wrong, or empty
  [[nodiscard]] std::string define_host_symbols();
  friend class Code;

  const llvm::Target* target_ = nullptr;
  std::string triple_, cpu_, features_, identity_;
  bool avx512_ = false, identified_ = false;
  std::optional<VectorMath> vectors_;
  std::unique_ptr<llvm::orc::ExecutionSession> session_;
  std::unique_ptr<llvm::orc::ObjectLayer> linker_;
  llvm::orc::JITDylib* host_ = nullptr;
  std::atomic<std::uint64_t> libraries_{0};
};

/// Source text of some kind → linked code, through the cache when there is one. `source` identifies what `build` makes.
template <class Build>
[[nodiscard]] Result<std::unique_ptr<Code>> obtain(const std::string& source, const CodeOptions& options,
                                                   bool use_cache, Build&& build) {
  auto engine = Engine::shared();
  if (!engine) return fail(engine.error());
  Engine& e = **engine;
  const auto cache = use_cache && e.identified() ? ObjectCache::from_environment() : std::nullopt;
  std::string key;
  if (cache) {
    key = fingerprint(e.identity() + "\n" + std::to_string(options.level) + (options.vectorize ? "v" : "s") + "\n" +
                      source);
    if (const auto object = cache->load(key)) {
      if (auto code = e.link(*object)) return code;
    }
  }
  llvm::LLVMContext context;
  llvm::Module module("hearsay", context);
  if (auto problem = build(module)) return fail(std::move(*problem));
  const auto machine = e.target_machine(options);
  e.prepare(module, *machine);
  e.optimize(module, *machine, options);
  auto object = e.emit(module, *machine, options, /*assembly=*/false);
  if (!object) return fail(object.error());
  if (cache) cache->store(key, *object);
  return e.link(*object);
}

}  // namespace hearsay::jit
