// Counter-based random numbers: (seed, chain, iteration, site) names a stream, and a stream is the same in every order
// of use, in any number of threads, and on every machine (as far as its exp, log and pow are: the integers and the
// uniforms are exact).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/rng/philox.h"

namespace hearsay::rng {

/// Cheap to make (no state but its name and a position), so every iteration and statement has its own. 2^66 numbers
/// long. Not for sharing between threads.
class Stream {
public:
  Stream(std::uint64_t seed, std::uint64_t chain, std::uint64_t iteration, std::uint64_t site);

  std::uint64_t next_u64();
  /// In (0, 1), never 0 or 1: the middle of one of 2^53 equal cells, rounded to a double.
  double uniform();
  /// Standard normal, by the ziggurat of Marsaglia and Tsang (2000) with 256 layers, whose layer, sign and abscissa
  /// come from different bits (Doornik 2005).
  double normal();
  /// Mean 1, by inversion.
  double exponential();
  /// Unit rate; shape > 0 (Marsaglia and Tsang 2000; below 1 with a power of a uniform). 0 only by underflow.
  double gamma(double shape);
  /// ln of a gamma: does not underflow for small shapes.
  double log_gamma(double shape);
  /// In [0, 1]; a, b > 0. From two gammas, in logarithms, so that small shapes give 0 or 1 and never 0/0.
  double beta(double a, double b);
  /// Successes in n ≥ 0 trials, 0 ≤ p ≤ 1: by inversion if few are expected, else by transformed rejection
  /// (Hörmann's BTRS, 1993).
  std::int64_t binomial(std::int64_t n, double p);
  /// Mean rate, 0 <= rate: by multiplication of uniforms if few are expected, else by transformed rejection (Hörmann's
  /// PTRS, 1993). As a double, because a large rate leaves the integers; exactly whole up to 2^53. A rate that is
  /// infinite or NaN gives itself.
  double poisson(double rate);
  /// On [-pi, pi], mean direction 0, concentration kappa >= 0 (Best and Fisher 1979).
  double von_mises(double kappa);
  /// An index, with probability in proportion to its weight: finite, 0 or more, with a positive sum. For many draws
  /// from the same weights see AliasTable.
  std::size_t categorical(std::span<const double> weights);

  /// The same numbers as one call after the other.
  void fill_u64(std::span<std::uint64_t> out);
  void fill_uniform(std::span<double> out);
  void fill_normal(std::span<double> out);

private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter block_{};
  std::size_t used_ = 4;
};

/// Draws from fixed weights in constant time (Walker 1977, in Vose's form of 1991). One number of 64 bits a draw: its
/// product with the number n of cells has the cell above the point and, below it, what is held against the cell's
/// threshold (Lemire 2019), so that a probability is wrong by at most n/2^64.
class AliasTable {
public:
  /// Weights are finite, 0 or more, with a positive sum; they need not be normalised.
  explicit AliasTable(std::span<const double> weights);
  [[nodiscard]] std::size_t draw(Stream& stream) const { return at(stream.next_u64()); }
  /// out[i] = first + the i-th draw: the same as one call after the other.
  void fill(Stream& stream, std::int64_t first, std::span<std::int64_t> out) const;

private:
  struct Cell {
    std::uint64_t threshold = 0;  ///< of 2^64; below it the cell itself
    std::uint64_t alias = 0;
  };
  [[nodiscard]] std::size_t at(std::uint64_t bits) const;

  std::vector<Cell> cells_;
};

}  // namespace hearsay::rng
