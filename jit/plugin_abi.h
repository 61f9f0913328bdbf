// What the plugin gives to the loader: one exported C function that returns this table. C++ objects cross the boundary,
// so both sides must come from the same build; the stamp says so.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "jit/compile.h"

namespace hearsay::jit {

struct PluginTable {
  const char* stamp;        ///< version, compiler, build type
  std::size_t module_size;  ///< sizeof(ir::Module): a second look at the same question
  Result<std::shared_ptr<const model::CompiledModel>> (*compile)(std::shared_ptr<const ir::Module>,
                                                                 std::shared_ptr<const ir::Grounding>, const Options&);
  Result<std::string> (*listing)(const ir::Module&, const ir::Grounding&, const Options&, Listing);
  Result<std::shared_ptr<model::KernelProvider>> (*kernels)(const Options&);
};

inline constexpr const char* plugin_entry = "hearsay_jit_plugin_table";
using PluginEntry = const PluginTable* (*)();

}  // namespace hearsay::jit
