#include "lang/model/lanes.h"

#include <cstring>
#include <limits>

#include "lang/model/multiversion.h"

namespace hearsay::model::lanes {

namespace {

constexpr std::size_t kWidth = 8;
typedef double Lanes __attribute__((vector_size(kWidth * sizeof(double))));

// Written as macros of one line each because a vector passed between functions compiled for different instruction sets
// would depend on the calling convention.
#define HEARSAY_LOAD(v, p) \
  Lanes v;                 \
  std::memcpy(&v, p, sizeof v)
#define HEARSAY_STORE(v, p) std::memcpy(p, &v, sizeof v)

}  // namespace

HEARSAY_MULTIVERSION void add_scaled(std::size_t n, double c, const double* a, double* out) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(o, out + j);
    o += x * c;
    HEARSAY_STORE(o, out + j);
  }
  for (; j < n; ++j) out[j] += a[j] * c;
}

HEARSAY_MULTIVERSION void add_scaled_product(std::size_t n, double c, const double* a, const double* b,
                                             double* out) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    HEARSAY_LOAD(o, out + j);
    o += x * c * y;
    HEARSAY_STORE(o, out + j);
  }
  for (; j < n; ++j) out[j] += a[j] * c * b[j];
}

HEARSAY_MULTIVERSION void add_scaled_product(std::size_t n, double c, const double* a, const double* b, const double* d,
                                             double* out) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    HEARSAY_LOAD(z, d + j);
    HEARSAY_LOAD(o, out + j);
    o += x * c * y * z;
    HEARSAY_STORE(o, out + j);
  }
  for (; j < n; ++j) out[j] += a[j] * c * b[j] * d[j];
}

HEARSAY_MULTIVERSION void multiply(std::size_t n, const double* a, const double* b, double* out) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    x *= y;
    HEARSAY_STORE(x, out + j);
  }
  for (; j < n; ++j) out[j] = a[j] * b[j];
}

HEARSAY_MULTIVERSION void add(std::size_t n, const double* a, const double* b, double* out) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    x += y;
    HEARSAY_STORE(x, out + j);
  }
  for (; j < n; ++j) out[j] = a[j] + b[j];
}

HEARSAY_MULTIVERSION void scale(std::size_t n, double c, double* a) noexcept {
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    x *= c;
    HEARSAY_STORE(x, a + j);
  }
  for (; j < n; ++j) a[j] *= c;
}

// Two vectors of partial sums keep two additions in flight.
HEARSAY_MULTIVERSION double sum(std::size_t n, const double* a) noexcept {
  Lanes s{};
  Lanes t{};
  std::size_t j = 0;
  for (; j + 2 * kWidth <= n; j += 2 * kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, a + j + kWidth);
    s += x;
    t += y;
  }
  s += t;
  double total = 0;
  for (; j < n; ++j) total += a[j];
  for (std::size_t k = 0; k < kWidth; ++k) total += s[k];
  return total;
}

HEARSAY_MULTIVERSION double dot(std::size_t n, const double* a, const double* b) noexcept {
  Lanes s{};
  Lanes t{};
  std::size_t j = 0;
  for (; j + 2 * kWidth <= n; j += 2 * kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    HEARSAY_LOAD(u, a + j + kWidth);
    HEARSAY_LOAD(v, b + j + kWidth);
    s += x * y;
    t += u * v;
  }
  s += t;
  double total = 0;
  for (; j < n; ++j) total += a[j] * b[j];
  for (std::size_t k = 0; k < kWidth; ++k) total += s[k];
  return total;
}

HEARSAY_MULTIVERSION double dot(std::size_t n, const double* a, const double* b, const double* d) noexcept {
  Lanes s{};
  std::size_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    HEARSAY_LOAD(z, d + j);
    s += x * y * z;
  }
  double total = 0;
  for (; j < n; ++j) total += a[j] * b[j] * d[j];
  for (std::size_t k = 0; k < kWidth; ++k) total += s[k];
  return total;
}

HEARSAY_MULTIVERSION double largest(std::size_t n, const double* a) noexcept {
  double result = -std::numeric_limits<double>::infinity();
  std::size_t j = 0;
  if (n >= kWidth) {
    HEARSAY_LOAD(m, a);
    for (j = kWidth; j + kWidth <= n; j += kWidth) {
      HEARSAY_LOAD(x, a + j);
      m = x > m ? x : m;
    }
    for (std::size_t k = 0; k < kWidth; ++k) result = m[k] > result ? m[k] : result;
  }
  for (; j < n; ++j) result = a[j] > result ? a[j] : result;
  return result;
}

}  // namespace hearsay::model::lanes
