// The identity of the shared object that holds this code.
#pragma once

#include <string>

namespace hearsay::jit {

/// The linker's build id (a hash of the content) of the plugin, in hexadecimal; empty when it has none.
[[nodiscard]] std::string own_build_id();

}  // namespace hearsay::jit
