// The draws of one quantity with the chains that they came from.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/draws/draws.h"

namespace hearsay {

/// All draws of the first chain, then those of the second: chains of equal length. Refers to draws owned elsewhere.
struct ChainedDraws {
  std::span<const double> values;
  std::size_t chains = 1;

  [[nodiscard]] std::size_t length() const { return chains == 0 ? 0 : values.size() / chains; }
  [[nodiscard]] std::span<const double> chain(std::size_t c) const { return values.subspan(c * length(), length()); }
};

[[nodiscard]] inline ChainedDraws chained(const Draws& draws, std::size_t name) {
  return {draws.column(name), draws.chains};
}

}  // namespace hearsay
