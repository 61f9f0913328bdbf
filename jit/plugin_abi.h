// What the plugin gives to the loader: one exported C function that returns this table. C++ objects cross the boundary,
// so both sides must come from the same build; the stamp says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "jit/compile.h"

namespace hearsay::jit {

namespace detail {

/// FNV-1a.
constexpr std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}
constexpr std::uint64_t mix(std::uint64_t hash, std::size_t number) { return (hash ^ number) * 0x100000001b3U; }

}  // namespace detail

/// What both sides must agree on: the closed sets, whose members cross as numbers, and the sizes of what crosses.
constexpr std::uint64_t interface_fingerprint() {
  std::uint64_t hash = 0xcbf29ce484222325U;
#define HEARSAY_DIAGNOSTIC(code, name, severity, format) hash = detail::mix(hash, #code " " #name);
#include "lang/support/diagnostic.def"
#undef HEARSAY_DIAGNOSTIC
#define HEARSAY_OP(name, typing, arity, symbol, doc) hash = detail::mix(hash, #name " " symbol);
#include "lang/builtins/op.def"
#undef HEARSAY_OP
  for (const std::size_t size :
       {sizeof(ir::Module), sizeof(ir::Inst), sizeof(ir::Term), sizeof(ir::Let), sizeof(ir::Latent), sizeof(ir::Data),
        sizeof(ir::Grounding), sizeof(ir::GroundFactor), sizeof(ir::Gradient), sizeof(Options), sizeof(Diagnostic),
        sizeof(model::ContractionShape), sizeof(model::EnumerationShape)}) {
    hash = detail::mix(hash, size);
  }
  return hash;
}

struct PluginTable {
  const char* stamp;          ///< version, compiler, build type
  std::uint64_t fingerprint;  ///< interface_fingerprint()
  Result<std::shared_ptr<const model::CompiledModel>> (*compile)(std::shared_ptr<const ir::Module>,
                                                                 std::shared_ptr<const ir::Grounding>, const Options&,
                                                                 std::shared_ptr<const ir::Gradient>);
  Result<std::string> (*listing)(const ir::Module&, const ir::Grounding&, const Options&, Listing, const ir::Gradient*);
  Result<std::shared_ptr<model::KernelProvider>> (*kernels)(const Options&);
};

inline constexpr const char* plugin_entry = "hearsay_jit_plugin_table";
using PluginEntry = const PluginTable* (*)();

}  // namespace hearsay::jit
