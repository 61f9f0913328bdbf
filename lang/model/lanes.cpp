#include "lang/model/lanes.h"

#include <cstring>
#include <limits>

// The loops are written once, over vectors of Width doubles, and compiled for several instruction sets, each with the
// width that it has: GCC takes wider vectors apart into single numbers, which is ten times slower. Whatever the width,
// eight (or sixteen) partial sums are kept, and added up in one order.
namespace hearsay::model::lanes {

namespace {

constexpr std::size_t kBlock = 8;

template <std::size_t Width>
struct Loops {
  typedef double Vector __attribute__((vector_size(Width * sizeof(double))));
  static constexpr std::size_t kVectors = kBlock / Width;

  // Macros, because a vector that is passed between functions compiled for different instruction sets would depend on
  // the calling convention. `k` counts the vectors of a block.
#define HEARSAY_INLINE [[gnu::always_inline]] static inline
#ifdef __clang__
#define HEARSAY_BLOCK for (std::size_t k = 0; k < kVectors; ++k)
#else
#define HEARSAY_BLOCK _Pragma("GCC unroll 8") for (std::size_t k = 0; k < kVectors; ++k)
#endif
// NOLINTBEGIN(bugprone-macro-parentheses): v is a name.
#define HEARSAY_LOAD(v, p) \
  Vector v;                \
  std::memcpy(&v, (p) + k * Width, sizeof v)
#define HEARSAY_STORE(v, p) std::memcpy((p) + k * Width, &v, sizeof v)
  // NOLINTEND(bugprone-macro-parentheses)

  HEARSAY_INLINE void add_scaled(std::size_t n, double c, const double* a, double* out) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(o, out + j);
        o += x * c;
        HEARSAY_STORE(o, out + j);
      }
    }
    for (; j < n; ++j) out[j] += a[j] * c;
  }

  HEARSAY_INLINE void add_scaled_product(std::size_t n, double c, const double* a, const double* b,
                                         double* out) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        HEARSAY_LOAD(o, out + j);
        o += x * c * y;
        HEARSAY_STORE(o, out + j);
      }
    }
    for (; j < n; ++j) out[j] += a[j] * c * b[j];
  }

  HEARSAY_INLINE void add_scaled_product3(std::size_t n, double c, const double* a, const double* b, const double* d,
                                          double* out) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        HEARSAY_LOAD(z, d + j);
        HEARSAY_LOAD(o, out + j);
        o += x * c * y * z;
        HEARSAY_STORE(o, out + j);
      }
    }
    for (; j < n; ++j) out[j] += a[j] * c * b[j] * d[j];
  }

  HEARSAY_INLINE void multiply(std::size_t n, const double* a, const double* b, double* out) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        x *= y;
        HEARSAY_STORE(x, out + j);
      }
    }
    for (; j < n; ++j) out[j] = a[j] * b[j];
  }

  HEARSAY_INLINE void add(std::size_t n, const double* a, const double* b, double* out) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        x += y;
        HEARSAY_STORE(x, out + j);
      }
    }
    for (; j < n; ++j) out[j] = a[j] + b[j];
  }

  HEARSAY_INLINE void scale(std::size_t n, double c, double* a) noexcept {
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        x *= c;
        HEARSAY_STORE(x, a + j);
      }
    }
    for (; j < n; ++j) a[j] *= c;
  }

  // Two blocks of partial sums keep two additions in flight.
  HEARSAY_INLINE double sum(std::size_t n, const double* a) noexcept {
    Vector s[kVectors] = {};
    Vector t[kVectors] = {};
    std::size_t j = 0;
    for (; j + 2 * kBlock <= n; j += 2 * kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, a + j + kBlock);
        s[k] += x;
        t[k] += y;
      }
    }
    double total = 0;
    for (; j < n; ++j) total += a[j];
    HEARSAY_BLOCK {
      s[k] += t[k];
      for (std::size_t l = 0; l < Width; ++l) total += s[k][l];
    }
    return total;
  }

  HEARSAY_INLINE double dot(std::size_t n, const double* a, const double* b) noexcept {
    Vector s[kVectors] = {};
    Vector t[kVectors] = {};
    std::size_t j = 0;
    for (; j + 2 * kBlock <= n; j += 2 * kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        HEARSAY_LOAD(u, a + j + kBlock);
        HEARSAY_LOAD(v, b + j + kBlock);
        s[k] += x * y;
        t[k] += u * v;
      }
    }
    double total = 0;
    for (; j < n; ++j) total += a[j] * b[j];
    HEARSAY_BLOCK {
      s[k] += t[k];
      for (std::size_t l = 0; l < Width; ++l) total += s[k][l];
    }
    return total;
  }

  HEARSAY_INLINE double dot3(std::size_t n, const double* a, const double* b, const double* d) noexcept {
    Vector s[kVectors] = {};
    std::size_t j = 0;
    for (; j + kBlock <= n; j += kBlock) {
      HEARSAY_BLOCK {
        HEARSAY_LOAD(x, a + j);
        HEARSAY_LOAD(y, b + j);
        HEARSAY_LOAD(z, d + j);
        s[k] += x * y * z;
      }
    }
    double total = 0;
    for (; j < n; ++j) total += a[j] * b[j] * d[j];
    HEARSAY_BLOCK {
      for (std::size_t l = 0; l < Width; ++l) total += s[k][l];
    }
    return total;
  }

  HEARSAY_INLINE double largest(std::size_t n, const double* a) noexcept {
    double result = -std::numeric_limits<double>::infinity();
    std::size_t j = 0;
    if (n >= kBlock) {
      Vector m[kVectors];
      std::memcpy(m, a, sizeof m);
      for (j = kBlock; j + kBlock <= n; j += kBlock) {
        HEARSAY_BLOCK {
          HEARSAY_LOAD(x, a + j);
          m[k] = x > m[k] ? x : m[k];
        }
      }
      HEARSAY_BLOCK {
        for (std::size_t l = 0; l < Width; ++l) result = m[k][l] > result ? m[k][l] : result;
      }
    }
    for (; j < n; ++j) result = a[j] > result ? a[j] : result;
    return result;
  }
#undef HEARSAY_INLINE
#undef HEARSAY_BLOCK
#undef HEARSAY_LOAD
#undef HEARSAY_STORE
};

#if defined(__x86_64__) && defined(__GNUC__)
// 0 until it is known: the loops for any processor are right for all.
const int kWidest = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")
                        ? 8
                    : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 4
                                                                                      : 0;

#define HEARSAY_LANES(result, name, loop, parameters, arguments)                                                      \
  namespace {                                                                                                         \
  [[gnu::target("avx512f,avx512vl,avx512dq,fma")]] result loop##_of_8 parameters { return Loops<8>::loop arguments; } \
  [[gnu::target("avx2,fma")]] result loop##_of_4 parameters { return Loops<4>::loop arguments; }                      \
  }                                                                                                                   \
  result name parameters noexcept {                                                                                   \
    if (kWidest == 8) return loop##_of_8 arguments;                                                                   \
    if (kWidest == 4) return loop##_of_4 arguments;                                                                   \
    return Loops<2>::loop arguments;                                                                                  \
  }
#else
#define HEARSAY_LANES(result, name, loop, parameters, arguments) \
  result name parameters noexcept { return Loops<2>::loop arguments; }
#endif

}  // namespace

HEARSAY_LANES(void, add_scaled, add_scaled, (std::size_t n, double c, const double* a, double* out), (n, c, a, out))
HEARSAY_LANES(void, add_scaled_product, add_scaled_product,
              (std::size_t n, double c, const double* a, const double* b, double* out), (n, c, a, b, out))
HEARSAY_LANES(void, add_scaled_product, add_scaled_product3,
              (std::size_t n, double c, const double* a, const double* b, const double* d, double* out),
              (n, c, a, b, d, out))
HEARSAY_LANES(void, multiply, multiply, (std::size_t n, const double* a, const double* b, double* out), (n, a, b, out))
HEARSAY_LANES(void, add, add, (std::size_t n, const double* a, const double* b, double* out), (n, a, b, out))
HEARSAY_LANES(void, scale, scale, (std::size_t n, double c, double* a), (n, c, a))
HEARSAY_LANES(double, sum, sum, (std::size_t n, const double* a), (n, a))
HEARSAY_LANES(double, dot, dot, (std::size_t n, const double* a, const double* b), (n, a, b))
HEARSAY_LANES(double, dot, dot3, (std::size_t n, const double* a, const double* b, const double* d), (n, a, b, d))
HEARSAY_LANES(double, largest, largest, (std::size_t n, const double* a), (n, a))

}  // namespace hearsay::model::lanes
