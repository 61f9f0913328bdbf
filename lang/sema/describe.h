// Values and shapes in a user's words, for error messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lang/sema/environment.h"
#include "lang/sema/sym.h"

namespace hearsay {

/// "a scalar", "[2, 3]"
[[nodiscard]] std::string shape_text(const std::vector<std::int64_t>& shape);
/// "int", "real[3]", "labels of Flip", "a posterior"
[[nodiscard]] std::string describe(const Sym& s);
/// What to write for a name that has no value: how the thing of this name is used, or the nearest of `candidates`.
[[nodiscard]] std::string unknown_name_help(const Environment& environment, const std::string& name,
                                            std::span<const std::string> candidates);

}  // namespace hearsay
