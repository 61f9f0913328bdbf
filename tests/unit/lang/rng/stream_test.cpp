// Philox's published answers, and that streams are what their names say and nothing else.
#include "lang/rng/stream.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <thread>
#include <vector>

#include "goodness.h"

using namespace hearsay::rng;
using namespace hearsay::rng::testing;

TEST_CASE("known answers of Philox4x64-10") {
  // Random123 1.14, tests/kat_vectors, lines "philox4x64 10"; the third is the digits of π.
  struct Known {
    PhiloxCounter counter;
    PhiloxKey key;
    PhiloxCounter answer;
  };
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  const std::vector<Known> known = {
      {{0, 0, 0, 0}, {0, 0}, {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
      {{ones, ones, ones, ones},
       {ones, ones},
       {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
      {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
       {0x452821e638d01377, 0xbe5466cf34e90c6c},
       {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
  };
  for (const auto& [counter, key, answer] : known) CHECK(philox(counter, key) == answer);
}

TEST_CASE("a stream is Philox with its name in key and counter") {
  Stream zero(0, 0, 0, 0);
  for (const std::uint64_t x : {0x16554d9eca36314cU, 0xdb20fe9d672d0fdcU, 0xd7e772cee186176bU, 0x7e68b68aec7ba23bU}) {
    CHECK(zero.next_u64() == x);
  }
  CHECK(zero.next_u64() == philox({1, 0, 0, 0}, {0, 0})[0]);
  Stream named(11, 12, 13, 14);
  CHECK(named.next_u64() == philox({0, 13, 14, 0}, {11, 12})[0]);
}

TEST_CASE("the same name gives the same numbers, however streams are interleaved and in any thread") {
  const auto numbers = [](std::uint64_t chain) {
    Stream s(5, chain, 6, 7);
    std::vector<double> out;
    for (int i = 0; i < 100; ++i) {
      out.push_back(s.normal());
      out.push_back(s.gamma(0.7));
      out.push_back(static_cast<double>(s.binomial(1000, 0.3)));
    }
    return out;
  };
  std::array<std::vector<double>, 8> by_thread;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < by_thread.size(); ++i) {
    threads.emplace_back([&, i] { by_thread[i] = numbers(i); });
  }
  for (std::thread& t : threads) t.join();
  for (std::size_t i = 0; i < by_thread.size(); ++i) CHECK(by_thread[i] == numbers(i));

  Stream a(1, 0, 0, 0);
  Stream b(2, 0, 0, 0);
  Stream a_alone(1, 0, 0, 0);
  for (int i = 0; i < 50; ++i) {
    static_cast<void>(b.uniform());
    CHECK(a.next_u64() == a_alone.next_u64());
  }
}

TEST_CASE("filling is drawing one after the other") {
  std::vector<double> filled(101);
  Stream a(3, 1, 4, 1);
  Stream b(3, 1, 4, 1);
  a.fill_normal(filled);
  for (const double x : filled) CHECK(x == b.normal());
  a.fill_uniform(filled);
  for (const double x : filled) CHECK(x == b.uniform());
}

TEST_CASE("streams with neighbouring names start with different numbers") {
  std::set<std::uint64_t> first;
  std::size_t count = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t chain = 0; chain < 10; ++chain) {
      for (std::uint64_t iteration = 0; iteration < 10; ++iteration) {
        for (std::uint64_t site = 0; site < 10; ++site, ++count) {
          first.insert(Stream(seed, chain, iteration, site).next_u64());
        }
      }
    }
  }
  CHECK(first.size() == count);  // a coincidence has probability 3e-12
}

namespace {

// Pairs (first of one stream, first of another) on a 16 × 16 grid.
template <class Pair>
double dependence(Pair&& pair) {
  constexpr std::size_t cells = 16;
  std::vector<double> counts(cells * cells, 0.0);
  for (std::uint64_t i = 0; i < draws; ++i) {
    const auto [x, y] = pair(i);
    counts[static_cast<std::size_t>(x * cells) * cells + static_cast<std::size_t>(y * cells)] += 1;
  }
  return chi_square_ratio(counts, std::vector<double>(cells * cells, 1.0 / (cells * cells)));
}

std::pair<double, double> firsts(Stream a, Stream b) { return {a.uniform(), b.uniform()}; }

}  // namespace

TEST_CASE("neighbouring streams are independent") {
  // False alarm 1e-8 each; a dependence that moves each cell by a relative 4 % is found with 99 %.
  CHECK(dependence([](std::uint64_t i) { return firsts({1, 0, i, 0}, {2, 0, i, 0}); }) < 1);
  CHECK(dependence([](std::uint64_t i) { return firsts({1, 0, i, 0}, {1, 1, i, 0}); }) < 1);
  CHECK(dependence([](std::uint64_t i) { return firsts({1, 0, i, 0}, {1, 0, i + 1, 0}); }) < 1);
  CHECK(dependence([](std::uint64_t i) { return firsts({1, 0, i, 0}, {1, 0, i, 1}); }) < 1);
  CHECK(dependence([](std::uint64_t i) { return firsts({1, 0, i, 5}, {1, 0, 5, i}); }) < 1);
  // mutant: streams named by the sum of their parts
  const auto summed = [](std::uint64_t a, std::uint64_t b) { return Stream(a + b, 0, 0, 0); };
  CHECK(dependence([&](std::uint64_t i) { return firsts(summed(i, 1), summed(i + 1, 0)); }) > 1);
}
