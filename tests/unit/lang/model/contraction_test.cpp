// The generic kernel against loops written out, and canonical shapes against the shapes they came from.
#include "lang/model/contraction.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <random>

namespace hearsay::model {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// Index by index, one product at a time.
std::vector<double> by_hand(const ContractionShape& s, Semiring semiring,
                            const std::vector<std::vector<double>>& inputs) {
  std::vector<long double> out(s.output_size(), 0);
  std::vector<double> top(s.output_size(), kNever);
  for (const bool second : {false, true}) {
    for (std::size_t i = 0; i < s.iterations(); ++i) {
      std::vector<std::size_t> index(s.loops());
      std::size_t rest = i;
      for (std::size_t l = s.loops(); l-- > 0;) {
        index[l] = rest % s.extents[l];
        rest /= s.extents[l];
      }
      std::size_t at = 0;
      for (std::size_t l = 0; l < s.kept; ++l) at = at * s.extents[l] + index[l];
      long double product = semiring == Semiring::linear ? 1 : 0;
      for (std::size_t k = 0; k < s.inputs; ++k) {
        std::size_t from = 0;
        for (std::size_t l = 0; l < s.loops(); ++l) from += index[l] * static_cast<std::size_t>(s.stride(k, l));
        const double x = inputs[k][from];
        product = semiring == Semiring::linear ? product * x : product + x;
      }
      if (semiring == Semiring::linear) {
        if (second) out[at] += product;
      } else if (!second) {
        top[at] = std::max(top[at], static_cast<double>(product));
      } else if (top[at] != kNever) {
        out[at] += std::exp(product - top[at]);
      }
    }
  }
  std::vector<double> result;
  for (std::size_t i = 0; i < out.size(); ++i) {
    result.push_back(semiring == Semiring::linear ? static_cast<double>(out[i])
                                                  : static_cast<double>(top[i] + std::log(out[i])));
  }
  return result;
}

struct Problem {
  ContractionShape shape;
  std::vector<std::vector<double>> inputs;
};

// Inputs over random subsets of the loops, each stored densely in an order of its own.
Problem random_problem(std::mt19937_64& g, Semiring semiring) {
  Problem p;
  const std::size_t loops = g() % 6;
  for (std::size_t l = 0; l < loops; ++l)
    p.shape.extents.push_back(static_cast<std::uint32_t>(1 + g() % (l % 2 == 0 ? 4 : 19)));
  p.shape.kept = static_cast<std::uint32_t>(loops == 0 ? 0 : g() % (loops + 1));
  p.shape.inputs = static_cast<std::uint32_t>(1 + g() % 5);
  for (std::size_t k = 0; k < p.shape.inputs; ++k) {
    std::vector<std::size_t> order;
    for (std::size_t l = 0; l < loops; ++l) {
      if (g() % 3 != 0) order.push_back(l);
    }
    if (g() % 2 == 0) std::shuffle(order.begin(), order.end(), g);
    std::vector<std::int64_t> strides(loops, 0);
    std::int64_t size = 1;
    for (std::size_t i = order.size(); i-- > 0;) {
      strides[order[i]] = size;
      size *= p.shape.extents[order[i]];
    }
    p.shape.strides.insert(p.shape.strides.end(), strides.begin(), strides.end());
    std::vector<double> table;
    for (std::int64_t i = 0; i < size; ++i) {
      const double u = static_cast<double>(g() >> 11) * 0x1p-53;
      const bool zero = g() % 5 == 0;
      table.push_back(semiring == Semiring::linear ? (zero ? 0 : u) : (zero ? kNever : 2000 * u - 1000));
    }
    p.inputs.push_back(std::move(table));
  }
  return p;
}

std::vector<double> run(const ContractionShape& s, Semiring semiring, const std::vector<std::vector<double>>& inputs) {
  std::vector<const double*> pointers;
  for (const auto& t : inputs) pointers.push_back(t.data());
  std::vector<double> out(s.output_size(), -1);
  const std::atomic<bool> go_on = false;
  CHECK(contract_generic(s, semiring, pointers.data(), out.data(), &go_on));
  return out;
}

std::size_t differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::size_t n = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const bool same = a[i] == b[i] || std::fabs(a[i] - b[i]) <= 1e-12 * std::max(std::fabs(a[i]), std::fabs(b[i]));
    n += same ? 0 : 1;
  }
  return n;
}

TEST_CASE("the generic kernel does what the definition says, in both semirings, canonical or not") {
  std::mt19937_64 g(31);
  for (const auto semiring : {Semiring::linear, Semiring::log}) {
    for (int i = 0; i < 1000; ++i) {
      CAPTURE(i);
      const Problem p = random_problem(g, semiring);
      const auto want = by_hand(p.shape, semiring, p.inputs);
      CHECK(differences(run(p.shape, semiring, p.inputs), want) == 0);
      ContractionShape canonical = p.shape;
      canonicalise(canonical);
      CHECK(canonical.output_size() == p.shape.output_size());
      CHECK(canonical.iterations() == p.shape.iterations());
      CHECK(canonical.loops() <= p.shape.loops());
      CHECK(differences(run(canonical, semiring, p.inputs), want) == 0);
      ContractionShape again = canonical;
      canonicalise(again);
      CHECK(again == canonical);
      CHECK(hash_value(again) == hash_value(canonical));
    }
  }
}

TEST_CASE("loops of one, and loops that all operands walk together, disappear") {
  // out[a, b, c] = sum over d, e of x[a, b, c, d, e] with b of one value: a row sum.
  ContractionShape s{{2, 1, 3, 5, 7}, 3, 1, {105, 105, 35, 7, 1}};
  canonicalise(s);
  CHECK(s == ContractionShape{{6, 35}, 1, 1, {35, 1}});
  // A transposed operand keeps its loops apart.
  ContractionShape t{{2, 3}, 2, 2, {3, 1, 1, 2}};
  const ContractionShape before = t;
  canonicalise(t);
  CHECK(t == before);
}

TEST_CASE("zeros are exact in both semirings") {
  const ContractionShape s{{2}, 0, 2, {1, 1}};
  CHECK(run(s, Semiring::linear, {{0, 1}, {1, 0}})[0] == 0);
  CHECK(run(s, Semiring::log, {{kNever, 0}, {0, kNever}})[0] == kNever);
  CHECK(run(s, Semiring::log, {{kNever, -900}, {0, 0}})[0] == -900);
}

}  // namespace
}  // namespace hearsay::model
