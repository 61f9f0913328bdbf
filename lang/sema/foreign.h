// Distributions as other languages spell them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hearsay {

/// What to write for a distribution of R, PyMC, NumPyro, Turing, Stan's `_lpdf` and the like; empty if it is none, or
/// if what it corresponds to is not among `ours`.
[[nodiscard]] std::string foreign_distribution_help(std::string_view name, std::span<const std::string> ours);

}  // namespace hearsay
