#include "lang/model/contraction.h"

#include <array>
#include <cmath>
#include <limits>

#include "lang/model/lanes.h"

namespace hearsay::model {

namespace {

using Pointers = std::array<const double*, kMaxContractionInputs>;

// The innermost loop is not interrupted.
constexpr std::uint64_t kLongestLoop = std::uint64_t{1} << 20;

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

// True when every operand walks loops `outer` and `outer + 1` as one loop. The output does, by its definition.
bool walks_as_one(const ContractionShape& s, std::size_t outer) {
  const auto inner = outer + 1;
  if ((outer < s.kept) != (inner < s.kept)) return false;
  if (std::uint64_t{s.extents[outer]} * s.extents[inner] > kLongestLoop) return false;
  for (std::size_t k = 0; k < s.inputs; ++k) {
    if (s.stride(k, outer) != s.stride(k, inner) * std::int64_t{s.extents[inner]}) return false;
  }
  return true;
}

// Runs `body` once for every index of loops [first, last), with `at` moved along; `at` is as it was afterwards. False
// as soon as `body` gives false; then `at` is anywhere.
template <class Body>
bool for_each_index(const ContractionShape& s, std::size_t first, std::size_t last, Pointers& at, Body&& body) {
  std::array<std::uint32_t, kMaxContractionLoops> index;
  for (std::size_t l = first; l < last; ++l) index[l] = 0;
  for (;;) {
    if (!body()) return false;
    std::size_t l = last;
    for (;;) {
      if (l == first) return true;
      --l;
      if (++index[l] < s.extents[l]) {
        for (std::size_t k = 0; k < s.inputs; ++k) at[k] += s.stride(k, l);
        break;
      }
      for (std::size_t k = 0; k < s.inputs; ++k) at[k] -= s.stride(k, l) * (std::int64_t{s.extents[l]} - 1);
      index[l] = 0;
    }
  }
}

// The innermost loop of a linear contraction: operands that stay are one coefficient, the others are walked.
struct Row {
  double coefficient = 1;
  std::size_t count = 0;  // operands that move
  bool dense = true;      // all of them by 1
  Pointers at{};
  std::array<std::int64_t, kMaxContractionInputs> stride{};

  Row(const ContractionShape& s, std::size_t loop, const Pointers& inputs) {
    for (std::size_t k = 0; k < s.inputs; ++k) {
      const std::int64_t step = s.stride(k, loop);
      if (step == 0) {
        coefficient *= *inputs[k];
      } else {
        at[count] = inputs[k];
        stride[count++] = step;
        dense = dense && step == 1;
      }
    }
  }
  [[nodiscard]] double product(std::uint32_t j) const {
    double p = coefficient;
    for (std::size_t k = 0; k < count; ++k) p *= at[k][stride[k] * std::int64_t{j}];
    return p;
  }
};

// Rows shorter than this are not worth a call to the vector loops.
constexpr std::uint32_t kShortRow = 8;

void add_row(const Row& row, std::uint32_t n, double* out) {
  if (row.coefficient == 0) return;
  if (row.dense && n >= kShortRow && row.count >= 1 && row.count <= 3) {
    switch (row.count) {
      case 1:
        return lanes::add_scaled(n, row.coefficient, row.at[0], out);
      case 2:
        return lanes::add_scaled_product(n, row.coefficient, row.at[0], row.at[1], out);
      default:
        return lanes::add_scaled_product(n, row.coefficient, row.at[0], row.at[1], row.at[2], out);
    }
  }
  for (std::uint32_t j = 0; j < n; ++j) out[j] += row.product(j);
}

double sum_row(const Row& row, std::uint32_t n) {
  if (row.coefficient == 0) return 0;
  if (row.dense && n >= kShortRow && row.count >= 1 && row.count <= 3) {
    switch (row.count) {
      case 1:
        return row.coefficient * lanes::sum(n, row.at[0]);
      case 2:
        return row.coefficient * lanes::dot(n, row.at[0], row.at[1]);
      default:
        return row.coefficient * lanes::dot(n, row.at[0], row.at[1], row.at[2]);
    }
  }
  double total = 0;
  for (std::uint32_t j = 0; j < n; ++j) total += row.product(j);
  return total;
}

bool contract_linear(const ContractionShape& s, Pointers& at, double* output, const std::atomic<bool>& interrupt) {
  const std::size_t loops = s.loops();
  const std::uint32_t kept_extent = s.kept > 0 ? s.extents[s.kept - 1] : 1;
  const std::uint32_t summed_extent = loops > s.kept ? s.extents[loops - 1] : 1;
  const auto go_on = [&] { return !interrupt.load(std::memory_order_relaxed); };
  if (s.kept > 0 && (kept_extent >= 4 || kept_extent >= summed_extent)) {
    return for_each_index(s, 0, s.kept - 1, at, [&] {
      for (std::uint32_t j = 0; j < kept_extent; ++j) output[j] = 0;
      const bool complete = for_each_index(s, s.kept, loops, at, [&] {
        add_row(Row(s, s.kept - 1, at), kept_extent, output);
        return go_on();
      });
      output += kept_extent;
      return complete;
    });
  }
  if (loops > s.kept) {
    return for_each_index(s, 0, s.kept, at, [&] {
      double total = 0;
      const bool complete = for_each_index(s, s.kept, loops - 1, at, [&] {
        total += sum_row(Row(s, loops - 1, at), summed_extent);
        return go_on();
      });
      *output++ = total;
      return complete;
    });
  }
  double product = 1;
  for (std::size_t k = 0; k < s.inputs; ++k) product *= *at[k];
  *output = product;
  return true;
}

bool contract_log(const ContractionShape& s, Pointers& at, double* output, const std::atomic<bool>& interrupt) {
  return for_each_index(s, 0, s.kept, at, [&] {
    // Streaming log-sum-exp: `total` is the sum relative to the largest term so far.
    double largest = kImpossible;
    double total = 0;
    const bool complete = for_each_index(s, s.kept, s.loops(), at, [&] {
      double term = 0;
      for (std::size_t k = 0; k < s.inputs; ++k) term += *at[k];
      if (term != kImpossible && term <= largest) {
        total += std::exp(term - largest);
      } else if (term != kImpossible) {
        total = total * std::exp(largest - term) + 1;
        largest = term;
      }
      return !interrupt.load(std::memory_order_relaxed);
    });
    *output++ = largest == kImpossible ? kImpossible : largest + std::log(total);
    return complete;
  });
}

}  // namespace

std::size_t ContractionShape::output_size() const {
  std::size_t size = 1;
  for (std::size_t l = 0; l < kept; ++l) size *= extents[l];
  return size;
}

std::size_t ContractionShape::iterations() const {
  std::size_t size = 1;
  for (const auto extent : extents) size *= extent;
  return size;
}

void canonicalise(ContractionShape& s) {
  const std::size_t before = s.loops();
  std::size_t write = 0;
  std::uint32_t kept = 0;
  std::vector<std::size_t> source(before);
  for (std::size_t l = 0; l < before; ++l) {
    if (s.extents[l] == 1) continue;
    source[write++] = l;
    if (l < s.kept) ++kept;
  }
  ContractionShape slim;
  slim.kept = kept;
  slim.inputs = s.inputs;
  for (std::size_t l = 0; l < write; ++l) slim.extents.push_back(s.extents[source[l]]);
  for (std::size_t k = 0; k < s.inputs; ++k) {
    for (std::size_t l = 0; l < write; ++l) slim.strides.push_back(s.stride(k, source[l]));
  }
  for (std::size_t l = 0; l + 1 < slim.loops();) {
    if (!walks_as_one(slim, l)) {
      ++l;
      continue;
    }
    const std::size_t loops = slim.loops();
    slim.extents[l] *= slim.extents[l + 1];
    if (l < slim.kept) --slim.kept;
    for (std::size_t k = slim.inputs; k-- > 0;) {
      slim.strides[k * loops + l] = slim.strides[k * loops + l + 1];
      slim.strides.erase(slim.strides.begin() + static_cast<std::ptrdiff_t>(k * loops + l + 1));
    }
    slim.extents.erase(slim.extents.begin() + static_cast<std::ptrdiff_t>(l + 1));
  }
  s = std::move(slim);
}

std::size_t hash_value(const ContractionShape& s) {
  std::uint64_t h = 0x9e3779b97f4a7c15ULL;
  const auto mix = [&h](std::uint64_t x) {
    h = (h ^ x) * 0xff51afd7ed558ccdULL;
    h ^= h >> 32;
  };
  mix(s.kept);
  mix(s.inputs);
  for (const auto e : s.extents) mix(e);
  for (const auto d : s.strides) mix(static_cast<std::uint64_t>(d));
  return static_cast<std::size_t>(h);
}

bool contract_generic(const ContractionShape& s, Semiring semiring, const double* const* inputs, double* output,
                      const std::atomic<bool>* interrupt) {
  Pointers at{};
  for (std::size_t k = 0; k < s.inputs; ++k) at[k] = inputs[k];
  return semiring == Semiring::linear ? contract_linear(s, at, output, *interrupt)
                                      : contract_log(s, at, output, *interrupt);
}

}  // namespace hearsay::model
