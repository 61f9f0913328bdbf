// The one symbol that the plugin exports.
#include "jit/plugin/kernels.h"
#include "jit/plugin/native_model.h"
#include "jit/plugin_abi.h"

extern "C" [[gnu::visibility("default")]] const hearsay::jit::PluginTable* hearsay_jit_plugin_table() {
  namespace plugin = hearsay::jit::plugin;
  static const hearsay::jit::PluginTable table{HEARSAY_BUILD_STAMP, hearsay::jit::interface_fingerprint(),
                                               &plugin::compile, &plugin::listing, &plugin::kernels};
  return &table;
}
