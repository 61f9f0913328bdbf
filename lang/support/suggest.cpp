#include "lang/support/suggest.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "lang/support/utf8.h"

namespace hearsay {
namespace {

// A name longer than this is no slip of the pen; the bound keeps the quadratic distance cheap on absurd input.
constexpr std::size_t longest_name = 200;

std::u32string decoded(std::string_view text) {
  std::u32string result;
  while (!text.empty()) {
    const Utf8Unit unit = utf8_front(text);
    result.push_back(unit.code_point);
    text.remove_prefix(unit.length);
  }
  return result;
}

std::u32string folded(std::u32string text) {
  for (char32_t& c : text)
    if (c >= U'A' && c <= U'Z') c += U'a' - U'A';
  return text;
}

/// Insertions, deletions, substitutions and swaps of neighbours (none of them edited twice) that lead from a to b.
std::size_t distance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) current[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, current);
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
  }
  return current[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  if (name.empty() || name.size() > longest_name) return {};
  const std::u32string written = decoded(name);
  const std::u32string written_folded = folded(written);
  const std::size_t allowed = std::max<std::size_t>(1, written.size() / 3);

  const std::string* nearest = nullptr;
  std::pair<std::size_t, std::size_t> smallest;  // without regard to case, then with
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > longest_name || candidate == name) continue;
    const std::u32string other = decoded(candidate);
    const std::size_t apart = distance(written_folded, folded(other));
    // A distance that rewrites every letter (`x` for `y`) says nothing.
    if (apart > allowed || apart >= std::max(written.size(), other.size())) continue;
    const std::pair key(apart, distance(written, other));
    if (nearest && key >= smallest) continue;
    nearest = &candidate;
    smallest = key;
  }
  return nearest ? *nearest : std::string();
}

}  // namespace hearsay
