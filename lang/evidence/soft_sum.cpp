#include "lang/evidence/soft_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lang/evidence/factors.h"

namespace hearsay::evidence {
namespace {

constexpr std::size_t block_size = 256;
constexpr std::size_t lanes = 8;
constexpr double truncation_target = 2e-15;  // of the charge

// The loops over strengths are compiled for several widths of vectors and chosen when the program starts. Nothing is
// contracted or reassociated, so all of them give the same bits. Vectors never cross a function's boundary: that would
// fix their width.
#if defined(__x86_64__) && defined(__ELF__)
#define HEARSAY_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HEARSAY_WIDE
#endif

// Eight lanes as two vectors of four: what AVX2 has in one register each, and every compiler can split for less.
// (Vectors of eight are taken to pieces one by one where there is no AVX-512.)
typedef double Four __attribute__((vector_size(4 * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef std::int64_t Bits __attribute__((vector_size(4 * sizeof(double))));

struct Extent {
  double largest;  // magnitude
  double charge;
};

// `size` is a multiple of `lanes` in these.

HEARSAY_WIDE void extent_of(const double* s, std::size_t size, Extent& result) {
  constexpr std::int64_t magnitude = std::numeric_limits<std::int64_t>::max();  // all bits but the sign
  const Bits mask = {magnitude, magnitude, magnitude, magnitude};
  Four charge_a{};
  Four charge_b{};
  Four largest_a{};
  Four largest_b{};
  for (std::size_t i = 0; i < size; i += lanes) {
    const Four a = (Four)((Bits) * reinterpret_cast<const Four*>(s + i) & mask);
    const Four b = (Four)((Bits) * reinterpret_cast<const Four*>(s + i + 4) & mask);
    charge_a += a;
    charge_b += b;
    largest_a = a > largest_a ? a : largest_a;
    largest_b = b > largest_b ? b : largest_b;
  }
  result = {0, 0};
  for (const Four& largest : {largest_a, largest_b})
    for (std::size_t l = 0; l < 4; ++l) result.largest = largest[l] > result.largest ? largest[l] : result.largest;
  for (const Four& charge : {charge_a, charge_b})
    for (std::size_t l = 0; l < 4; ++l) result.charge += charge[l];
}

// sums[j] = Σ s^(j+1) for j < powers; sums[powers] may be written too. `scratch` has `size` places.
HEARSAY_WIDE void power_sums_of(const double* s, std::size_t size, std::size_t powers, double* scratch, double* sums) {
  Four first_a{};
  Four first_b{};
  for (std::size_t i = 0; i < size; i += lanes) {
    first_a += *reinterpret_cast<const Four*>(s + i);
    first_b += *reinterpret_cast<const Four*>(s + i + 4);
  }
  sums[0] = 0;
  for (const Four& first : {first_a, first_b})
    for (std::size_t l = 0; l < 4; ++l) sums[0] += first[l];
  const double* from = s;
  for (std::size_t j = 1; j < powers; j += 2) {  // two powers in one pass
    Four odd_a{};
    Four odd_b{};
    Four even_a{};
    Four even_b{};
    for (std::size_t i = 0; i < size; i += lanes) {
      const Four va = *reinterpret_cast<const Four*>(s + i);
      const Four vb = *reinterpret_cast<const Four*>(s + i + 4);
      const Four xa = *reinterpret_cast<const Four*>(from + i) * va;
      const Four xb = *reinterpret_cast<const Four*>(from + i + 4) * vb;
      const Four ya = xa * va;
      const Four yb = xb * vb;
      odd_a += xa;
      odd_b += xb;
      even_a += ya;
      even_b += yb;
      *reinterpret_cast<Four*>(scratch + i) = ya;
      *reinterpret_cast<Four*>(scratch + i + 4) = yb;
    }
    from = scratch;
    sums[j] = 0;
    sums[j + 1] = 0;
    for (const Four& odd : {odd_a, odd_b})
      for (std::size_t l = 0; l < 4; ++l) sums[j] += odd[l];
    for (const Four& even : {even_a, even_b})
      for (std::size_t l = 0; l < 4; ++l) sums[j + 1] += even[l];
  }
}

// A NaN if one of them is not finite, else 0.
HEARSAY_WIDE double finiteness(const double* s, std::size_t size) {
  Four zero_a{};
  Four zero_b{};
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    zero_a += *reinterpret_cast<const Four*>(s + i) * 0.0;
    zero_b += *reinterpret_cast<const Four*>(s + i + 4) * 0.0;
  }
  double result = 0;
  for (std::size_t l = 0; l < 4; ++l) result += zero_a[l] + zero_b[l];
  for (; i < size; ++i) result += s[i] * 0.0;
  return result;
}

std::size_t whole_lanes(std::size_t size) { return (size + lanes - 1) / lanes * lanes; }

// Relative to |s|, for |s| ≤ t: (t/ρ)^J / ((J+1) sin ρ (1 − t/ρ)), with the best of some ρ: each is a proof.
double truncation_bound(double t, std::size_t powers) {
  const double j = static_cast<double>(powers);
  double best = std::numeric_limits<double>::infinity();
  for (double rho = 1.6; rho < 3.14; rho += 0.02) {
    const double x = t / rho;
    best = std::min(best, std::pow(x, j) / ((j + 1) * std::sin(rho) * (1 - x)));
  }
  return best;
}

struct Reach {
  double strength;  // the largest |s| for which this many powers are enough
  double bound;     // the truncation bound there
};

// One entry for each number of powers 1, 2, …: found once, by bisection.
const std::array<Reach, SoftSum::max_power>& reaches() {
  static const auto table = [] {
    std::array<Reach, SoftSum::max_power> result{};
    for (std::size_t j = 0; j < result.size(); ++j) {
      double low = 0;
      double high = SoftSum::series_limit;
      if (truncation_bound(high, j + 1) <= truncation_target) low = high;
      for (int step = 0; step < 100 && low < high; ++step) {
        const double middle = low + (high - low) / 2;
        (truncation_bound(middle, j + 1) <= truncation_target ? low : high) = middle;
      }
      result[j] = {low, low > 0 ? truncation_bound(low, j + 1) : 0};
    }
    return result;
  }();
  return table;
}

std::size_t powers_needed(double largest) {
  const auto& table = reaches();
  std::size_t j = 0;
  while (j + 1 < table.size() && table[j].strength < largest) ++j;
  return j + 1;
}

// (k−1)!·S(j,k)/j!: the magnitude of the coefficient of p^k in κ_j(p)/j!, signs (−1)^(k−1). The recurrence of the
// cumulants, κ_{j+1} = (p − p²) dκ_j/dp, written for these: all terms positive, so nothing cancels.
using Coefficients = std::array<std::array<double, SoftSum::max_power>, SoftSum::max_power>;
const Coefficients& cumulant_coefficients() {
  static const auto table = [] {
    Coefficients c{};
    c[0][0] = 1;
    for (std::size_t j = 1; j < c.size(); ++j) {
      for (std::size_t k = 0; k <= j; ++k) {
        const double here = static_cast<double>(k + 1) * c[j - 1][k];
        const double before = k > 0 ? static_cast<double>(k) * c[j - 1][k - 1] : 0;
        c[j][k] = (here + before) / static_cast<double>(j + 1);
      }
    }
    return c;
  }();
  return table;
}

}  // namespace

bool SoftSum::all_finite(std::span<const double> strengths) {
  return !std::isnan(finiteness(strengths.data(), strengths.size()));
}

// `padded` strengths, the last of them zeros, which add nothing.
void SoftSum::add_small(const double* small, std::size_t padded, double largest, double charge) {
  if (charge == 0) return;
  const std::size_t powers = powers_needed(largest);
  moments_.charge.add(charge);
  moments_.truncation += reaches()[powers - 1].bound * charge;
  moments_.powers = std::max(moments_.powers, powers);
  alignas(64) std::array<double, block_size> scratch;
  std::array<double, max_power + 1> sums;
  power_sums_of(small, padded, powers, scratch.data(), sums.data());
  for (std::size_t j = 0; j < powers; ++j) moments_.sums[j].add(sums[j]);
}

void SoftSum::keep(double strength, double count) {
  // Bags have few distinct large strengths (fixed odds and their inverses): look among the latest, else start another
  // group.
  constexpr std::size_t looked_at = 16;
  const std::size_t from = large_.size() > looked_at ? large_.size() - looked_at : 0;
  for (std::size_t i = large_.size(); i-- > from;) {
    if (large_[i].strength == strength) {
      large_[i].count += count;
      return;
    }
  }
  large_.push_back({strength, count});
}

void SoftSum::add_block(const double* from, std::size_t size) {
  alignas(64) std::array<double, block_size> buffer;
  std::size_t padded = whole_lanes(size);
  if (padded != size) {
    std::copy_n(from, size, buffer.begin());
    std::fill(buffer.data() + size, buffer.data() + padded, 0.0);
    from = buffer.data();
  }
  Extent e;
  extent_of(from, padded, e);
  if (e.largest > series_limit) {
    std::size_t small = 0;
    double large_charge = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double s = from[i];  // may be the buffer itself, of which only what was read is overwritten
      if (std::fabs(s) > series_limit) {
        keep(s, 1);
        large_charge += std::fabs(s);
      } else {
        buffer[small++] = s;
      }
    }
    large_charge_.add(large_charge);
    padded = whole_lanes(small);
    std::fill(buffer.data() + small, buffer.data() + padded, 0.0);
    from = buffer.data();
    extent_of(from, padded, e);
  }
  add_small(from, padded, e.largest, e.charge);
}

void SoftSum::add_finite(std::span<const double> strengths) {
  for (std::size_t done = 0; done < strengths.size(); done += block_size) {
    add_block(strengths.data() + done, std::min(block_size, strengths.size() - done));
  }
  count_ += strengths.size();
}

void SoftSum::expand() {
  const Coefficients& c = cumulant_coefficients();
  for (std::size_t k = 0; k < moments_.powers; ++k) {
    double sum = 0;
    for (std::size_t j = moments_.powers; j-- > k;) sum += c[j][k] * moments_.sums[j].value();
    coefficients_[k] = k % 2 == 0 ? sum : -sum;
  }
}

bool SoftSum::add(std::span<const double> strengths) {
  if (!all_finite(strengths)) return false;
  add_finite(strengths);
  expand();
  return true;
}

bool SoftSum::add_repeated(double strength, std::uint64_t count) {
  if (!std::isfinite(strength)) return false;
  count_ += count;
  if (count == 0 || strength == 0) return true;
  const double n = static_cast<double>(count);
  const double magnitude = std::fabs(strength);
  if (magnitude > series_limit) {
    keep(strength, n);
    large_charge_.add(magnitude * n);
    return true;
  }
  const std::size_t powers = powers_needed(magnitude);
  moments_.charge.add(magnitude * n);
  moments_.truncation += reaches()[powers - 1].bound * magnitude * n;
  moments_.powers = std::max(moments_.powers, powers);
  double power = n;
  for (std::size_t j = 0; j < powers; ++j) {
    power *= strength;
    moments_.sums[j].add(power);
  }
  expand();
  return true;
}

double SoftSum::value(double p) const noexcept {
  double series = 0;
  for (std::size_t k = moments_.powers; k-- > 0;) series = series * p + coefficients_[k];
  series *= p;
  if (large_.empty()) return series;
  CompensatedSum sum;
  for (const Repeated& r : large_) sum.add(r.count * soft_event(r.strength, p));
  return series + sum.value();
}

double SoftSum::slope(double p) const noexcept {
  double series = 0;
  for (std::size_t k = moments_.powers; k-- > 0;) series = series * p + static_cast<double>(k + 1) * coefficients_[k];
  CompensatedSum sum;
  for (const Repeated& r : large_) sum.add(r.count * soft_event_slope(r.strength, p));
  return series + sum.value();
}

double SoftSum::error_bound() const noexcept {
  // Rounding, in units of u = 2^−53 of the charge. A power sum P_j is wrong by at most (block_size/lanes + 3 + j) u
  // Σ|s|^j, its coefficients and their sum by 3j, Horner's rule by 2J; and Σ_jk |coefficient| |s|^j = −ln(2 − e^|s|)
  // ≤ 2.1 |s| up to the limit. Strengths kept exactly: a few ulp each, summed with compensation.
  constexpr double u = std::numeric_limits<double>::epsilon() / 2;
  constexpr std::size_t additions = block_size / lanes;
  constexpr double series_roundings = 2.1 * (static_cast<double>(additions) + 4 + 6 * static_cast<double>(max_power));
  constexpr double exact_roundings = 16;
  return moments_.truncation +
         u * (series_roundings * moments_.charge.value() + exact_roundings * large_charge_.value());
}

}  // namespace hearsay::evidence
