// Values and shapes in a user's words, for error messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lang/sema/sym.h"

namespace hearsay {

/// "a scalar", "[2, 3]"
[[nodiscard]] std::string shape_text(const std::vector<std::int64_t>& shape);
/// "int", "real[3]", "labels of Flip", "a posterior"
[[nodiscard]] std::string describe(const Sym& s);

}  // namespace hearsay
