// Loads the plugin on first use. LLVM costs tens of milliseconds before main, which `check` and `--help` must not pay.
#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "jit/compile.h"
#include "jit/plugin_abi.h"

namespace hearsay::jit {
namespace {

/// Where the plugin may be: beside the program (or the library that holds this code), in ../lib/hearsay, in the build
/// tree.
std::vector<std::filesystem::path> candidates() {
  constexpr auto file = "libhearsay_jit.so";
  std::vector<std::filesystem::path> paths;
  const auto around = [&](const std::filesystem::path& binary) {
    const std::filesystem::path folder = binary.parent_path();
    paths.push_back(folder / file);
    paths.push_back(folder / "hearsay" / file);
    paths.push_back(folder / ".." / "lib" / "hearsay" / file);
  };
  std::error_code error;
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&candidates), &self) != 0 && self.dli_fname != nullptr) {
    const auto path = std::filesystem::canonical(self.dli_fname, error);
    if (!error) around(path);
  }
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) around(program);
  paths.emplace_back(HEARSAY_JIT_BUILD_PATH);
  return paths;
}

Result<const PluginTable*> load() {
  std::string problem = "libhearsay_jit.so was not found";
  std::error_code error;
  for (const auto& path : candidates()) {
    if (!std::filesystem::exists(path, error)) continue;
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      problem = dlerror();
      continue;
    }
    const auto entry = reinterpret_cast<PluginEntry>(dlsym(handle, plugin_entry));
    const PluginTable* table = entry == nullptr ? nullptr : entry();
    // A plugin once loaded stays: compiled models point into it.
    if (table != nullptr && std::string_view(table->stamp) == HEARSAY_BUILD_STAMP &&
        table->fingerprint == interface_fingerprint()) {
      return table;
    }
    problem = path.string() + " belongs to another build";
  }
  return fail(diagnose<DiagnosticKind::jit_unavailable>({}, problem));
}

const Result<const PluginTable*>& plugin() {
  static const Result<const PluginTable*> loaded = load();
  return loaded;
}

}  // namespace

Result<std::shared_ptr<const model::CompiledModel>> compile(std::shared_ptr<const ir::Module> module,
                                                            std::shared_ptr<const ir::Grounding> grounding,
                                                            const Options& options,
                                                            std::shared_ptr<const ir::Gradient> gradient) {
  const auto& table = plugin();
  if (!table) return fail(table.error());
  return (*table)->compile(std::move(module), std::move(grounding), options, std::move(gradient));
}

Result<std::string> listing(const ir::Module& module, const ir::Grounding& grounding, const Options& options,
                            Listing what, const ir::Gradient* gradient) {
  const auto& table = plugin();
  if (!table) return fail(table.error());
  return (*table)->listing(module, grounding, options, what, gradient);
}

Result<std::shared_ptr<model::KernelProvider>> kernels(const Options& options) {
  const auto& table = plugin();
  if (!table) return fail(table.error());
  return (*table)->kernels(options);
}

}  // namespace hearsay::jit
