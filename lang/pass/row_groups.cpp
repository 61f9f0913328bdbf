#include "lang/pass/row_groups.h"

#include <algorithm>
#include <cstring>

namespace hearsay::pass {
namespace {

/// Up to so many groups have a stage of their own while strengths stream by; more are sorted first.
constexpr std::size_t kFewGroups = 4096;

}  // namespace

std::optional<RowGroups> RowGroups::make(std::span<const Column> columns, std::size_t rows) {
  RowGroups g;
  if (columns.size() == 1 && columns[0].type != ScalarType::real && g.by_code(columns[0], rows)) return g;
  g.group_of_.assign(rows, 0);
  g.representatives_ = {0};
  for (const Column& c : columns)
    if (!g.refine(c)) return std::nullopt;
  return g;
}

/// False when the codes lie too far apart.
bool RowGroups::by_code(const Column& column, std::size_t rows) {
  const std::span<const std::int64_t> codes = std::span(*column.codes).subspan(column.offset, rows);
  // Codes mostly lie within reach of the first ones: one pass counts them, and finds out if they do not.
  const std::size_t reach = kFewGroups;
  const std::int64_t base =
      *std::min_element(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(std::min(rows, reach)));
  const std::uint64_t from = static_cast<std::uint64_t>(base) - reach;
  std::vector<std::uint64_t> counts(3 * reach, 0);
  std::vector<std::uint32_t> first(counts.size(), 0);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::uint64_t slot = static_cast<std::uint64_t>(codes[i]) - from;
    if (slot >= counts.size()) return false;
    if (counts[slot]++ == 0) first[slot] = static_cast<std::uint32_t>(i);
  }
  const auto some = [](std::uint64_t n) { return n > 0; };
  const auto low = std::find_if(counts.begin(), counts.end(), some);
  const auto high = std::find_if(counts.rbegin(), counts.rend(), some).base();
  const auto range = static_cast<std::size_t>(high - low);
  if (range > std::min(kFewGroups, rows / 2)) return false;
  const auto skipped = static_cast<std::size_t>(low - counts.begin());
  codes_ = codes;
  lowest_ = static_cast<std::int64_t>(from + skipped);
  code_counts_.assign(low, high);
  for (std::size_t k = 0; k < range; ++k)
    if (code_counts_[k] > 0) representatives_.push_back(first[skipped + k]);
  return true;
}

/// Splits the groups by one more column; false when there are too many.
bool RowGroups::refine(const Column& column) {
  const std::size_t most = group_of_.size() / 2;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers;
  std::vector<std::uint32_t> representatives;
  std::uint64_t last_key = 0;
  std::uint32_t last_number = 0;
  for (std::size_t i = 0; i < group_of_.size(); ++i) {
    std::uint64_t bits = 0;
    if (column.type == ScalarType::real) {
      const double v = (*column.reals)[column.offset + i];
      std::memcpy(&bits, &v, sizeof bits);
    } else {
      bits = static_cast<std::uint64_t>((*column.codes)[column.offset + i]);
    }
    // Small codes and group numbers fit side by side; others are told apart by a table of their own.
    if (bits >= (1ULL << 32)) bits = (1ULL << 32) + wide(bits);
    const std::uint64_t key = (static_cast<std::uint64_t>(group_of_[i]) << 33) | bits;
    if (i == 0 || key != last_key) {
      const auto [at, added] = numbers.try_emplace(key, static_cast<std::uint32_t>(representatives.size()));
      if (added) {
        representatives.push_back(static_cast<std::uint32_t>(i));
        if (representatives.size() > most) return false;
      }
      last_key = key;
      last_number = at->second;
    }
    group_of_[i] = last_number;
  }
  wide_.clear();
  representatives_ = std::move(representatives);
  return true;
}

std::vector<double> RowGroups::counts() const {
  std::vector<double> counts;
  if (!codes_.empty()) {
    for (const std::uint64_t n : code_counts_)
      if (n > 0) counts.push_back(static_cast<double>(n));
    return counts;
  }
  counts.assign(representatives_.size(), 0.0);
  for (const std::uint32_t g : group_of_) counts[g] += 1;
  return counts;
}

std::optional<std::vector<RowGroups::Claims>> RowGroups::claims(std::span<const double> strengths) const {
  std::vector<Claims> result;
  result.reserve(representatives_.size());
  const std::size_t groups = codes_.empty() ? representatives_.size() : code_counts_.size();
  if (groups <= kFewGroups) {
    evidence::TokenSums sums(groups);
    const bool finite = codes_.empty() ? sums.add(group_of_, strengths) : sums.add(codes_, lowest_, strengths);
    if (!finite) return std::nullopt;
    for (std::size_t g = 0; g < groups; ++g)
      if (sums[g].count() > 0) result.push_back({sums[g], sums.repeated(g)});
    return result;
  }
  // One pass of counting sort.
  std::vector<std::size_t> start(groups + 1, 0);
  for (const std::uint32_t g : group_of_) ++start[g + 1];
  for (std::size_t g = 0; g < groups; ++g) start[g + 1] += start[g];
  std::vector<double> sorted(group_of_.size());
  std::vector<std::size_t> next(start.begin(), start.end() - 1);
  for (std::size_t i = 0; i < group_of_.size(); ++i) sorted[next[group_of_[i]]++] = strengths[i];
  for (std::size_t g = 0; g < groups; ++g) {
    const std::span<const double> mine(sorted.data() + start[g], start[g + 1] - start[g]);
    Claims claims;
    if (!claims.sum.add(mine)) return std::nullopt;
    if (std::all_of(mine.begin(), mine.end(), [&](double v) { return v == mine[0]; }))
      claims.repeated = {mine[0], static_cast<double>(mine.size())};
    result.push_back(std::move(claims));
  }
  return result;
}

}  // namespace hearsay::pass
