#include "lang/model/enumeration.h"

#include <algorithm>
#include <bit>

namespace hearsay::model {

std::uint32_t EnumerationShape::vector_width() const { return std::min(8U, std::bit_ceil(lanes)); }

double EnumerationShape::states() const {
  double n = lanes;
  for (const std::uint32_t extent : extents) n *= extent;
  return n;
}

std::size_t EnumerationShape::sums() const {
  std::size_t n = 1;
  for (std::size_t d = fixed; d < kept; ++d) n *= extents[d];
  return n;
}

std::size_t EnumerationShape::scratch_size() const {
  // A block for each loop, and for each table over several loops the part that is left when all but the last have
  // values.
  std::size_t n = extents.size() * lanes;
  for (const EnumerationTable& t : tables) {
    if (t.loops.size() >= 2) n += extents[t.loops.back()] * (t.lanes ? std::size_t{lanes} : 1);
  }
  return n;
}

}  // namespace hearsay::model
