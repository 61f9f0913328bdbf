#include "lang/builtins/ops.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "lang/builtins/kernels.h"

namespace hearsay {
namespace {

constexpr std::array kOps = {
#define HEARSAY_OP(name, typing, arity, symbol, doc) OpInfo{#name, Typing::typing, arity, symbol, doc},
#include "lang/builtins/op.def"
#undef HEARSAY_OP
};

constexpr std::array kAllOps = {
#define HEARSAY_OP(name, ...) Op::name,
#include "lang/builtins/op.def"
#undef HEARSAY_OP
};

// A kernel of any arity: exactly one of the pointers is set.
struct Kernel {
  std::string_view symbol;
  double (*unary)(double) noexcept = nullptr;
  double (*binary)(double, double) noexcept = nullptr;
  double (*ternary)(double, double, double) noexcept = nullptr;

  constexpr Kernel(std::string_view s, double (*f)(double) noexcept) : symbol(s), unary(f) {}
  constexpr Kernel(std::string_view s, double (*f)(double, double) noexcept) : symbol(s), binary(f) {}
  constexpr Kernel(std::string_view s, double (*f)(double, double, double) noexcept) : symbol(s), ternary(f) {}

  [[nodiscard]] void* address() const {
    if (unary != nullptr) return reinterpret_cast<void*>(unary);
    if (binary != nullptr) return reinterpret_cast<void*>(binary);
    return reinterpret_cast<void*>(ternary);
  }
  [[nodiscard]] double operator()(std::span<const Scalar> a) const {
    if (unary != nullptr) return unary(a[0].as_real());
    if (binary != nullptr) return binary(a[0].as_real(), a[1].as_real());
    return ternary(a[0].as_real(), a[1].as_real(), a[2].as_real());
  }
};

#define HEARSAY_KERNEL(name) \
  Kernel { #name, &(name) }
constexpr std::array kKernels = {
    HEARSAY_KERNEL(hs_pow),
    HEARSAY_KERNEL(hs_floor),
    HEARSAY_KERNEL(hs_ceil),
    HEARSAY_KERNEL(hs_round),
    HEARSAY_KERNEL(hs_trunc),
    HEARSAY_KERNEL(hs_fmod),
    HEARSAY_KERNEL(hs_fma),
    HEARSAY_KERNEL(hs_exp),
    HEARSAY_KERNEL(hs_expm1),
    HEARSAY_KERNEL(hs_log),
    HEARSAY_KERNEL(hs_log1p),
    HEARSAY_KERNEL(hs_exp2),
    HEARSAY_KERNEL(hs_log2),
    HEARSAY_KERNEL(hs_log10),
    HEARSAY_KERNEL(hs_sqrt),
    HEARSAY_KERNEL(hs_cbrt),
    HEARSAY_KERNEL(hs_hypot),
    HEARSAY_KERNEL(hs_log1p_exp),
    HEARSAY_KERNEL(hs_log1m_exp),
    HEARSAY_KERNEL(hs_log_add_exp),
    HEARSAY_KERNEL(hs_log_diff_exp),
    HEARSAY_KERNEL(hs_xlogy),
    HEARSAY_KERNEL(hs_xlog1py),
    HEARSAY_KERNEL(hs_logit),
    HEARSAY_KERNEL(hs_inv_logit),
    HEARSAY_KERNEL(hs_log_inv_logit),
    HEARSAY_KERNEL(hs_log_inv_logit_diff),
    HEARSAY_KERNEL(hs_sin),
    HEARSAY_KERNEL(hs_cos),
    HEARSAY_KERNEL(hs_tan),
    HEARSAY_KERNEL(hs_asin),
    HEARSAY_KERNEL(hs_acos),
    HEARSAY_KERNEL(hs_atan),
    HEARSAY_KERNEL(hs_atan2),
    HEARSAY_KERNEL(hs_sinh),
    HEARSAY_KERNEL(hs_cosh),
    HEARSAY_KERNEL(hs_tanh),
    HEARSAY_KERNEL(hs_asinh),
    HEARSAY_KERNEL(hs_acosh),
    HEARSAY_KERNEL(hs_atanh),
    HEARSAY_KERNEL(hs_lgamma),
    HEARSAY_KERNEL(hs_tgamma),
    HEARSAY_KERNEL(hs_lmgamma),
    HEARSAY_KERNEL(hs_mdigamma),
    HEARSAY_KERNEL(hs_trigamma),
    HEARSAY_KERNEL(hs_digamma),
    HEARSAY_KERNEL(hs_lbeta),
    HEARSAY_KERNEL(hs_lchoose),
    HEARSAY_KERNEL(hs_inc_beta),
    HEARSAY_KERNEL(hs_inc_betac),
    HEARSAY_KERNEL(hs_inc_gamma),
    HEARSAY_KERNEL(hs_gamma_q),
    HEARSAY_KERNEL(hs_erf),
    HEARSAY_KERNEL(hs_erfc),
    HEARSAY_KERNEL(hs_inv_erfc),
    HEARSAY_KERNEL(hs_erfcx),
    HEARSAY_KERNEL(hs_Phi),
    HEARSAY_KERNEL(hs_log_Phi),
    HEARSAY_KERNEL(hs_inv_Phi),
    HEARSAY_KERNEL(hs_owens_t),
    HEARSAY_KERNEL(hs_bessel_first_kind),
    HEARSAY_KERNEL(hs_bessel_second_kind),
    HEARSAY_KERNEL(hs_modified_bessel_first_kind),
    HEARSAY_KERNEL(hs_modified_bessel_second_kind),
    HEARSAY_KERNEL(hs_log_modified_bessel_first_kind),
    HEARSAY_KERNEL(hs_lambert_w0),
    HEARSAY_KERNEL(hs_lambert_wm1),
    HEARSAY_KERNEL(hs_soft_event),
};
#undef HEARSAY_KERNEL

constexpr std::size_t kNoKernel = kKernels.size();

// Position in kKernels by operation; a symbol of op.def without a kernel does not compile.
constexpr auto kKernelOf = [] {
  std::array<std::size_t, kOps.size()> table{};
  for (std::size_t i = 0; i < kOps.size(); ++i) {
    table[i] = kNoKernel;
    for (std::size_t k = 0; k < kKernels.size(); ++k) {
      if (kKernels[k].symbol == kOps[i].symbol) table[i] = k;
    }
    if (table[i] == kNoKernel && !kOps[i].symbol.empty()) throw "op.def names a kernel that does not exist";
  }
  return table;
}();

std::int64_t wrap(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }
std::uint64_t bits(std::int64_t i) { return static_cast<std::uint64_t>(i); }

std::int64_t int_quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return wrap(0 - bits(a));  // the smallest integer has no opposite: wraps
  return a / b;
}

std::int64_t int_remainder(std::int64_t a, std::int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

// NaN if either is; the zero with a sign counts as smaller (IEEE 754-2019 minimum and maximum).
double real_min(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
double real_max(double a, double b) { return -real_min(-a, -b); }

// Saturates at the ends of the integers; NaN gives 0.
std::int64_t truncate(double r) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (std::isnan(r)) return 0;
  if (r >= kTwo63) return std::numeric_limits<std::int64_t>::max();
  if (r < -kTwo63) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(r);
}

Scalar apply_integers(Op op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case Op::add:
      return Scalar::integer(wrap(bits(a) + bits(b)));
    case Op::sub:
      return Scalar::integer(wrap(bits(a) - bits(b)));
    case Op::mul:
      return Scalar::integer(wrap(bits(a) * bits(b)));
    case Op::neg:
      return Scalar::integer(wrap(0 - bits(a)));
    case Op::int_div:
      return Scalar::integer(int_quotient(a, b));
    case Op::modulo:
      return Scalar::integer(int_remainder(a, b));
    case Op::min:
      return Scalar::integer(std::min(a, b));
    case Op::max:
      return Scalar::integer(std::max(a, b));
    case Op::abs:
      return Scalar::integer(a < 0 ? wrap(0 - bits(a)) : a);
    default:
      break;
  }
  assert(false && "not an operation on integers");
  return Scalar::integer(0);
}

Scalar apply_reals(Op op, double a, double b) {
  switch (op) {
    case Op::add:
      return Scalar::real(a + b);
    case Op::sub:
      return Scalar::real(a - b);
    case Op::mul:
      return Scalar::real(a * b);
    case Op::neg:
      return Scalar::real(-a);
    case Op::div:
      return Scalar::real(a / b);
    case Op::min:
      return Scalar::real(real_min(a, b));
    case Op::max:
      return Scalar::real(real_max(a, b));
    case Op::abs:
      return Scalar::real(std::abs(a));
    default:
      break;
  }
  assert(false && "not an operation on reals");
  return Scalar::real(std::numeric_limits<double>::quiet_NaN());
}

template <class T>
bool compare(Op op, T a, T b) {
  switch (op) {
    case Op::eq:
      return a == b;
    case Op::ne:
      return a != b;
    case Op::lt:
      return a < b;
    case Op::le:
      return a <= b;
    default:
      break;
  }
  assert(false && "not a comparison");
  return false;
}

bool logic(Op op, std::span<const Scalar> a) {
  switch (op) {
    case Op::logical_and:
      return a[0].truth() && a[1].truth();
    case Op::logical_or:
      return a[0].truth() || a[1].truth();
    case Op::logical_not:
      return !a[0].truth();
    default:
      break;
  }
  assert(false && "not a logical operation");
  return false;
}

}  // namespace

const OpInfo& info(Op op) { return kOps[static_cast<std::size_t>(op)]; }

std::optional<Op> find_op(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, Op> map;
    for (const Op op : kAllOps) map.emplace(info(op).name, op);
    return map;
  }();
  const auto found = by_name.find(name);
  if (found == by_name.end()) return std::nullopt;
  return found->second;
}

std::span<const Op> all_ops() { return kAllOps; }

std::optional<ScalarType> result_type(Op op, std::span<const ScalarType> operands) {
  if (operands.size() != info(op).arity) return std::nullopt;
  const ScalarType first = operands[0];
  const bool same = std::ranges::all_of(operands, [first](ScalarType t) { return t == first; });
  if (!same) return std::nullopt;
  const auto only = [first](ScalarType wanted, ScalarType result) {
    return first == wanted ? std::optional(result) : std::nullopt;
  };
  switch (info(op).typing) {
    case Typing::arithmetic:
      return first == ScalarType::boolean ? std::nullopt : std::optional(first);
    case Typing::real_only:
      return only(ScalarType::real, ScalarType::real);
    case Typing::integers:
      return only(ScalarType::integer, ScalarType::integer);
    case Typing::compare:
      return ScalarType::boolean;
    case Typing::logic:
      return only(ScalarType::boolean, ScalarType::boolean);
    case Typing::to_real:
      return first == ScalarType::real ? std::nullopt : std::optional(ScalarType::real);
    case Typing::to_integer:
      return first == ScalarType::integer ? std::nullopt : std::optional(ScalarType::integer);
  }
  return std::nullopt;
}

Scalar apply(Op op, std::span<const Scalar> a) {
  assert(a.size() == info(op).arity);
  if (const std::size_t k = kKernelOf[static_cast<std::size_t>(op)]; k != kNoKernel) {
    return Scalar::real(kKernels[k](a));
  }
  const Scalar& first = a[0];
  const Scalar& last = a[a.size() - 1];
  switch (info(op).typing) {
    case Typing::arithmetic:
      return first.type == ScalarType::real ? apply_reals(op, first.r, last.as_real())
                                            : apply_integers(op, first.i, last.i);
    case Typing::real_only:
      return apply_reals(op, first.as_real(), last.as_real());
    case Typing::integers:
      return apply_integers(op, first.i, last.i);
    case Typing::compare:
      return Scalar::boolean(first.type == ScalarType::real ? compare(op, first.r, last.as_real())
                                                            : compare(op, first.i, last.i));
    case Typing::logic:
      return Scalar::boolean(logic(op, a));
    case Typing::to_real:
      return Scalar::real(first.as_real());
    case Typing::to_integer:
      return Scalar::integer(first.type == ScalarType::real ? truncate(first.r) : first.i);
  }
  return Scalar::real(std::numeric_limits<double>::quiet_NaN());
}

void* kernel_address(std::string_view symbol) {
  const auto* const found = std::ranges::find(kKernels, symbol, &Kernel::symbol);
  return found == kKernels.end() ? nullptr : found->address();
}

std::vector<std::pair<std::string_view, void*>> all_kernels() {
  std::vector<std::pair<std::string_view, void*>> kernels;
  kernels.reserve(kKernels.size());
  for (const Kernel& k : kKernels) kernels.emplace_back(k.symbol, k.address());
  return kernels;
}

}  // namespace hearsay
