#include "runtime/infer/nuts/settings.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

std::optional<Error> check(const Settings& s, std::size_t dim) {
  const auto bad = [](std::string message, std::string help = {}) {
    return Error{ErrorKind::bad_setting, std::move(message), std::move(help), 0, 0};
  };
  if (dim == 0) return bad("there is nothing to sample: the density has no dimensions");
  if (s.chains == 0) return bad("chains must be 1 or more");
  if (s.draws == 0) return bad("draws must be 1 or more");
  if (s.thin == 0) return bad("thin must be 1 or more", "1 keeps every draw");
  constexpr std::size_t many = std::numeric_limits<std::size_t>::max() / 64;
  if (s.draws > many / dim / s.chains || s.thin > many / s.draws) return bad("more draws than memory can hold");
  if (s.max_depth == 0 || s.max_depth > max_tree_depth)
    return bad(fmt::format("max_depth must lie between 1 and {}, but it is {}", max_tree_depth, s.max_depth));
  const double target = s.adaptation.target_accept;
  if (!(target > 0 && target < 1))
    return bad(fmt::format("target_accept must lie between 0 and 1, but it is {:.6g}", target), "0.8 is usual");
  if (s.starts.empty()) return std::nullopt;
  if (s.starts.size() != s.chains)
    return bad(fmt::format("{} starts are given for {} chains", s.starts.size(), s.chains));
  for (std::size_t c = 0; c < s.starts.size(); ++c) {
    if (s.starts[c].size() != dim)
      return bad(
          fmt::format("the start of chain {} has {} coordinates, the density has {}", c + 1, s.starts[c].size(), dim));
    for (const double v : s.starts[c])
      if (!std::isfinite(v)) return bad(fmt::format("the start of chain {} is not finite", c + 1));
  }
  return std::nullopt;
}

}  // namespace hearsay::nuts
