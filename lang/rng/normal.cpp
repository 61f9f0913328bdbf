// The ziggurat: 256 regions of equal area that cover the half normal curve, 255 of them rectangles, the last a
// rectangle with the tail.
#include <array>
#include <cmath>

#include "lang/rng/stream.h"

namespace hearsay::rng {
namespace {

constexpr std::size_t layers = 256;
// Where the tail begins, and the area of each region under exp(−x²/2) (Marsaglia and Tsang 2000, to double precision).
constexpr double tail_start = 3.6541528853610088;
constexpr double area = 0.00492867323399;

struct Ziggurat {
  std::array<double, layers + 1> x{};  ///< right edges, from the widest region (0) to 0
  std::array<double, layers + 1> y{};  ///< exp(−x²/2) there
};

Ziggurat build() {
  Ziggurat z;
  const auto curve = [](double x) { return std::exp(-0.5 * x * x); };
  z.x[0] = area / curve(tail_start);  // the width of a rectangle with the area of the base and the tail
  z.x[1] = tail_start;
  for (std::size_t i = 2; i < layers; ++i) {
    z.x[i] = std::sqrt(-2 * std::log(area / z.x[i - 1] + curve(z.x[i - 1])));
  }
  z.x[layers] = 0;
  for (std::size_t i = 0; i <= layers; ++i) z.y[i] = curve(z.x[i]);
  return z;
}

// |x| beyond tail_start (Marsaglia 1964).
double tail(Stream& stream) {
  for (;;) {
    const double x = stream.exponential() / tail_start;
    const double y = stream.exponential();
    if (2 * y > x * x) return tail_start + x;
  }
}

}  // namespace

double Stream::normal() {
  static const Ziggurat z = build();
  for (;;) {
    const std::uint64_t bits = next_u64();
    const std::size_t layer = bits & 0xFFU;
    const double sign = (bits & 0x100U) != 0 ? -1 : 1;
    const double x = (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53 * z.x[layer];
    if (x < z.x[layer + 1]) return sign * x;
    if (layer == 0) return sign * tail(*this);
    const double y = z.y[layer] + uniform() * (z.y[layer + 1] - z.y[layer]);
    if (y < std::exp(-0.5 * x * x)) return sign * x;
  }
}

}  // namespace hearsay::rng
