// Numbers as text: the shortest that reads back as the same number.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>

namespace hearsay::data {

inline void append_number(std::string& out, std::int64_t x) { fmt::format_to(std::back_inserter(out), "{}", x); }

/// A finite real always shows a point or an exponent, so that it is read back as a real: 1.0, not 1.
inline void append_number(std::string& out, double x) {
  const std::size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}", x);
  if (std::isfinite(x) && out.find_first_of(".e", begin) == std::string::npos) out += ".0";
}

}  // namespace hearsay::data
