// The numeric kernels behind op.def: plain C functions on doubles, called by the reference evaluator and by native code
// alike. None throws or touches errno; outside the domain the answer is NaN, at a limit it is the limit.
#pragma once

extern "C" {
double hs_pow(double a, double b) noexcept;
double hs_floor(double a) noexcept;
double hs_ceil(double a) noexcept;
double hs_round(double a) noexcept;
double hs_trunc(double a) noexcept;
double hs_fmod(double a, double b) noexcept;
double hs_fma(double a, double b, double c) noexcept;

double hs_exp(double a) noexcept;
double hs_expm1(double a) noexcept;
double hs_log(double a) noexcept;
double hs_log1p(double a) noexcept;
double hs_exp2(double a) noexcept;
double hs_log2(double a) noexcept;
double hs_log10(double a) noexcept;
double hs_sqrt(double a) noexcept;
double hs_cbrt(double a) noexcept;
double hs_hypot(double a, double b) noexcept;
double hs_log1p_exp(double a) noexcept;
/// a <= 0; -inf at 0.
double hs_log1m_exp(double a) noexcept;
double hs_log_add_exp(double a, double b) noexcept;
/// a >= b; -inf where they are equal.
double hs_log_diff_exp(double a, double b) noexcept;
/// 0 when a is 0, whatever b is, unless b is NaN.
double hs_xlogy(double a, double b) noexcept;
double hs_xlog1py(double a, double b) noexcept;
double hs_logit(double a) noexcept;
double hs_inv_logit(double a) noexcept;
double hs_log_inv_logit(double a) noexcept;
/// a >= b; -inf where they are equal.
double hs_log_inv_logit_diff(double a, double b) noexcept;

double hs_sin(double a) noexcept;
double hs_cos(double a) noexcept;
double hs_tan(double a) noexcept;
double hs_asin(double a) noexcept;
double hs_acos(double a) noexcept;
double hs_atan(double a) noexcept;
double hs_atan2(double a, double b) noexcept;
double hs_sinh(double a) noexcept;
double hs_cosh(double a) noexcept;
double hs_tanh(double a) noexcept;
double hs_asinh(double a) noexcept;
double hs_acosh(double a) noexcept;
double hs_atanh(double a) noexcept;

/// log |gamma(a)|; +inf at the poles 0, -1, -2, …
double hs_lgamma(double a) noexcept;
/// NaN at the negative poles, infinite with the sign of a at 0.
double hs_tgamma(double a) noexcept;
/// n whole, 0 <= n <= 1e6; x > (n - 1) / 2.
double hs_lmgamma(double n, double x) noexcept;
double hs_mdigamma(double n, double x) noexcept;
/// +inf at the poles.
double hs_trigamma(double a) noexcept;
/// NaN at the poles, where the two sides have different limits.
double hs_digamma(double a) noexcept;
/// a, b >= 0, not (0, inf); +inf when one of them is 0.
double hs_lbeta(double a, double b) noexcept;
/// log of gamma(n+1) / (gamma(k+1) gamma(n-k+1)), n > -1; -inf where the coefficient is 0 (a whole k outside 0..n).
double hs_lchoose(double n, double k) noexcept;
/// a, b > 0 and 0 <= x <= 1.
double hs_inc_beta(double a, double b, double x) noexcept;
double hs_inc_betac(double a, double b, double x) noexcept;
/// a > 0, x >= 0.
double hs_inc_gamma(double a, double x) noexcept;
/// 1 - inc_gamma, small values included.
double hs_gamma_q(double a, double x) noexcept;
double hs_erf(double a) noexcept;
double hs_erfc(double a) noexcept;
/// 0 <= p <= 2; +inf and -inf at the ends.
double hs_inv_erfc(double p) noexcept;
/// +inf below -26.6.
double hs_erfcx(double a) noexcept;
double hs_Phi(double a) noexcept;
double hs_log_Phi(double a) noexcept;
/// 0 <= p <= 1; -inf and +inf at the ends.
double hs_inv_Phi(double p) noexcept;
double hs_owens_t(double h, double a) noexcept;

/// Orders up to 1e5 in size; a negative x needs a whole order.
double hs_bessel_first_kind(double v, double x) noexcept;
/// x >= 0; -inf at 0.
double hs_bessel_second_kind(double v, double x) noexcept;
double hs_modified_bessel_first_kind(double v, double x) noexcept;
/// x >= 0; +inf at 0.
double hs_modified_bessel_second_kind(double v, double x) noexcept;
/// v >= 0 of any size, x >= 0.
double hs_log_modified_bessel_first_kind(double v, double x) noexcept;
/// a >= -1/e.
double hs_lambert_w0(double a) noexcept;
/// -1/e <= a <= 0; -inf at 0.
double hs_lambert_wm1(double a) noexcept;

/// log(1 + (exp(s) - 1) p), s in nats, p a probability. Exact at p = 0 (0), p = 1 (s) and s = 0 (0), also for infinite
/// s
/// (-inf: log(1 - p)). A p that leaves [0, 1] by at most 1e-12, as sums of probabilities do, counts as the nearer end.
double hs_soft_event(double s, double p) noexcept;
}
