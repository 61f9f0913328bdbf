#include "runtime/infer/nuts/vector_ops.h"

#include <cstring>

#include "lang/model/multiversion.h"

namespace hearsay::nuts {
namespace {

constexpr std::size_t kWidth = 4;
static_assert(padded(1) == kWidth && padded(kWidth) == kWidth);
typedef double Lanes __attribute__((vector_size(kWidth * sizeof(double))));

// Written as macros of one line each because a vector passed between functions compiled for different instruction sets
// would depend on the calling convention.
#define HEARSAY_LOAD(v, p) \
  Lanes v;                 \
  std::memcpy(&(v), (p), sizeof(v))
#define HEARSAY_STORE(v, p) std::memcpy((p), &(v), sizeof(v))
#define HEARSAY_SUM(v) (((v)[0] + (v)[2]) + ((v)[1] + (v)[3]))

}  // namespace

HEARSAY_MULTIVERSION void kick_and_drift(std::size_t n, double step, const double* scale, const double* q,
                                         const double* p, const double* g, double* q_out, double* p_out) noexcept {
  const double half = 0.5 * step;
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(s, scale + j);
    HEARSAY_LOAD(x, q + j);
    HEARSAY_LOAD(m, p + j);
    HEARSAY_LOAD(d, g + j);
    m += half * (s * d);
    x += step * (s * m);
    HEARSAY_STORE(m, p_out + j);
    HEARSAY_STORE(x, q_out + j);
  }
}

HEARSAY_MULTIVERSION double kick(std::size_t n, double step, const double* scale, const double* g, double* p) noexcept {
  const double half = 0.5 * step;
  Lanes total = {};
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(s, scale + j);
    HEARSAY_LOAD(m, p + j);
    HEARSAY_LOAD(d, g + j);
    m += half * (s * d);
    total += m * m;
    HEARSAY_STORE(m, p + j);
  }
  return HEARSAY_SUM(total);
}

HEARSAY_MULTIVERSION void add_scaled(std::size_t n, double c, const double* x, const double* y, double* out) noexcept {
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(a, x + j);
    HEARSAY_LOAD(b, y + j);
    a += c * b;
    HEARSAY_STORE(a, out + j);
  }
}

HEARSAY_MULTIVERSION double add_and_dot(std::size_t n, const double* a, const double* b, double* out) noexcept {
  Lanes total = {};
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    HEARSAY_LOAD(y, b + j);
    total += x * y;
    x += y;
    HEARSAY_STORE(x, out + j);
  }
  return HEARSAY_SUM(total);
}

HEARSAY_MULTIVERSION double square(std::size_t n, const double* a) noexcept {
  Lanes total = {};
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(x, a + j);
    total += x * x;
  }
  return HEARSAY_SUM(total);
}

HEARSAY_MULTIVERSION Turn join(std::size_t n, const Piece& first, const Piece& second, double* sum_out) noexcept {
  const double *const first_begin = first.begin, *const first_end = first.end, *const first_sum = first.sum;
  const double *const second_begin = second.begin, *const second_end = second.end, *const second_sum = second.sum;
  Lanes whole_b = {}, whole_e = {}, first_b = {}, first_e = {}, second_b = {}, second_e = {};
  for (std::size_t j = 0; j < n; j += kWidth) {
    HEARSAY_LOAD(a, first_begin + j);
    HEARSAY_LOAD(b, first_end + j);
    HEARSAY_LOAD(c, second_begin + j);
    HEARSAY_LOAD(d, second_end + j);
    HEARSAY_LOAD(r, first_sum + j);
    HEARSAY_LOAD(s, second_sum + j);
    const Lanes into = r + c;
    const Lanes from = b + s;
    r += s;
    whole_b += a * r;
    whole_e += d * r;
    first_b += a * into;
    first_e += c * into;
    second_b += b * from;
    second_e += d * from;
    HEARSAY_STORE(r, sum_out + j);
  }
  return {HEARSAY_SUM(whole_b), HEARSAY_SUM(whole_e),  HEARSAY_SUM(first_b),
          HEARSAY_SUM(first_e), HEARSAY_SUM(second_b), HEARSAY_SUM(second_e)};
}

}  // namespace hearsay::nuts
