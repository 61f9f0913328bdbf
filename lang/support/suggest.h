// "Did you mean": the candidate nearest to a misspelt name.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hearsay {

/// The candidate with the smallest Damerau-Levenshtein distance to `name` (in code points; upper and lower case count
/// as alike, then as different to break ties; then the first one), if near enough to be a likely slip: at most a third
/// of the name's length, at least 1. Else empty. Optimal string alignment: no letter is edited twice.
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace hearsay
