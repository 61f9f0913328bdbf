// Loops over contiguous doubles, written with explicit vectors of eight and compiled for several instruction sets; the
// fitting one is chosen when the program is loaded. The order of additions depends on `n` alone. Arrays do not overlap.
#pragma once

#include <cstddef>

namespace hearsay::model::lanes {

/// out[j] += c * a[j]
void add_scaled(std::size_t n, double c, const double* a, double* out) noexcept;
/// out[j] += c * a[j] * b[j]
void add_scaled_product(std::size_t n, double c, const double* a, const double* b, double* out) noexcept;
/// out[j] += c * a[j] * b[j] * d[j]
void add_scaled_product(std::size_t n, double c, const double* a, const double* b, const double* d,
                        double* out) noexcept;
/// out[j] = a[j] * b[j]
void multiply(std::size_t n, const double* a, const double* b, double* out) noexcept;
/// out[j] = a[j] + b[j]
void add(std::size_t n, const double* a, const double* b, double* out) noexcept;
/// a[j] *= c
void scale(std::size_t n, double c, double* a) noexcept;

[[nodiscard]] double sum(std::size_t n, const double* a) noexcept;
[[nodiscard]] double dot(std::size_t n, const double* a, const double* b) noexcept;
[[nodiscard]] double dot(std::size_t n, const double* a, const double* b, const double* d) noexcept;
/// The largest element; -inf for none. No element may be NaN.
[[nodiscard]] double largest(std::size_t n, const double* a) noexcept;

}  // namespace hearsay::model::lanes
