// The loops of a Hamiltonian trajectory, each once over the vectors that it reads.
//
// All arrays have padded(dim) elements, those beyond dim are 0, and stay 0. The order of additions depends on the
// length alone, so results are the same in every run on one kind of processor.
#pragma once

#include <cstddef>

namespace hearsay::nuts {

/// The number of elements rounded up to whole vectors.
[[nodiscard]] constexpr std::size_t padded(std::size_t dim) { return (dim + 3) / 4 * 4; }

/// p_out = p + step/2 scale g;  q_out = q + step scale p_out
void kick_and_drift(std::size_t n, double step, const double* scale, const double* q, const double* p, const double* g,
                    double* q_out, double* p_out) noexcept;
/// p += step/2 scale g; the new p.p
[[nodiscard]] double kick(std::size_t n, double step, const double* scale, const double* g, double* p) noexcept;
/// out = x + c y
void add_scaled(std::size_t n, double c, const double* x, const double* y, double* out) noexcept;
/// out = a + b; a.b
[[nodiscard]] double add_and_dot(std::size_t n, const double* a, const double* b, double* out) noexcept;
[[nodiscard]] double square(std::size_t n, const double* a) noexcept;

/// Two adjacent pieces of a trajectory, in the order in which they were built: momenta at their ends, and sums of all
/// their momenta.
struct Piece {
  const double* begin;
  const double* end;
  const double* sum;
};

/// Momentum at an end times the way from one end to the other, for three stretches: both pieces; the first with the
/// first point of the second; the last point of the first with the second. Not positive means a U-turn.
struct Turn {
  double whole_begin, whole_end;
  double first_begin, first_end;
  double second_begin, second_end;
};

/// sum_out = first.sum + second.sum (sum_out may be either of them), and the six products.
[[nodiscard]] Turn join(std::size_t n, const Piece& first, const Piece& second, double* sum_out) noexcept;

}  // namespace hearsay::nuts
