// Every primitive against an independent evaluation in long double (64 bits of mantissa) at ordinary and extreme
// points.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/lambert_w.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "lang/builtins/ops.h"

using hearsay::Op;
using hearsay::Scalar;
using hearsay::ScalarType;

namespace {

using Real = long double;
using Args = std::vector<double>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

// log(1 + x) for x > -1 that may come from a cancelling sum
Real soft(Real s, Real p) {
  const Real change = std::expm1(s) * p;
  return change < -0.5L ? std::log((1 - p) + p * std::exp(s)) : std::log1p(change);
}

struct Check {
  double ulps;  // allowed relative error in units of 2^-53 (and absolutely, where the answer is near 0: see `slack`)
  std::vector<Args> points;
  std::function<Real(const Args&)> exact;
  double slack = 0;  // absolute error that is allowed beside it
};

std::vector<Args> grid(std::initializer_list<double> xs) {
  std::vector<Args> points;
  for (const double x : xs) points.push_back({x});
  return points;
}

std::vector<Args> grid(std::initializer_list<double> xs, std::initializer_list<double> ys) {
  std::vector<Args> points;
  for (const double x : xs) {
    for (const double y : ys) points.push_back({x, y});
  }
  return points;
}

const auto kAnyReal = {-1e300, -745.0, -37.5, -3.25, -1.0, -0.1, -1e-9, -kTiny, 0.0,  kTiny,
                       1e-300, 1e-9,   0.1,   0.5,   1.0,  2.5,  37.0,  709.0,  1e300};
const auto kModest = {-700.0, -50.0, -3.25, -1.0, -1e-3, -1e-10, 0.0, 1e-10, 1e-3, 0.7, 1.0, 3.25, 40.0, 700.0};
const auto kProbability = {0.0, 1e-300, 1e-16, 1e-5, 0.25, 0.3, 0.5, 0.5000001, 0.7, 0.75, 0.9, 1 - 1e-12, 1.0};
const auto kPositive = {1e-300, 1e-12, 0.1, 0.5, 1.0, 1.5, 2.0, 3.7, 9.99, 10.0, 42.0, 1e4, 1e10, 1e15};

// lgamma(a) + lgamma(b) - lgamma(a + b), computed with 80 decimal digits.
constexpr std::array kLogBeta = std::to_array<std::array<double, 3>>({{1e-300, 1e-300, 691.46867507877365049},
                                                                      {1e-300, 1e-12, 690.77552789821370518},
                                                                      {1e-300, 0.1, 690.77552789821370518},
                                                                      {1e-300, 0.5, 690.77552789821370518},
                                                                      {1e-300, 1, 690.77552789821370518},
                                                                      {1e-300, 1.5, 690.77552789821370518},
                                                                      {1e-300, 2, 690.77552789821370518},
                                                                      {1e-300, 3.7, 690.77552789821370518},
                                                                      {1e-300, 9.99, 690.77552789821370518},
                                                                      {1e-300, 10, 690.77552789821370518},
                                                                      {1e-300, 42, 690.77552789821370518},
                                                                      {1e-300, 1e4, 690.77552789821370518},
                                                                      {1e-300, 1e10, 690.77552789821370518},
                                                                      {1e-300, 1e15, 690.77552789821370518},
                                                                      {1e-12, 1e-12, 28.324168296488493538},
                                                                      {1e-12, 0.1, 27.631021115938394768},
                                                                      {1e-12, 0.5, 27.631021115929934523},
                                                                      {1e-12, 1, 27.631021115928548228},
                                                                      {1e-12, 1.5, 27.631021115927934523},
                                                                      {1e-12, 2, 27.631021115927548228},
                                                                      {1e-12, 3.7, 27.631021115926803859},
                                                                      {1e-12, 9.99, 27.631021115925720312},
                                                                      {1e-12, 10, 27.63102111592571926},
                                                                      {1e-12, 42, 27.631021115924245295},
                                                                      {1e-12, 1e4, 27.631021115918760722},
                                                                      {1e-12, 1e10, 27.631021115904945162},
                                                                      {1e-12, 1e15, 27.631021115893432236},
                                                                      {0.1, 0.1, 2.9813614810376273379},
                                                                      {0.1, 0.5, 2.426843736589671098},
                                                                      {0.1, 1, 2.3025850929940456285},
                                                                      {0.1, 1.5, 2.2445221797957164625},
                                                                      {0.1, 2, 2.2072749131897207634},
                                                                      {0.1, 3.7, 2.1344627692306887307},
                                                                      {0.1, 9.99, 2.0271180655760259666},
                                                                      {0.1, 10, 2.0270133931824375421},
                                                                      {0.1, 42, 1.8800205104834578701},
                                                                      {0.1, 1e4, 1.3316831145965869022},
                                                                      {0.1, 1e10, -0.049872441255339909831},
                                                                      {0.1, 1e15, -1.2011649877568627707},
                                                                      {0.5, 0.5, 1.1447298858494001741},
                                                                      {0.5, 1, 0.69314718055994530942},
                                                                      {0.5, 1.5, 0.45158270528945486473},
                                                                      {0.5, 2, 0.28768207245178092744},
                                                                      {0.5, 3.7, -0.04811836737050182569},
                                                                      {0.5, 9.99, -0.56592004929705050924},
                                                                      {0.5, 10, -0.56643279639759393488},
                                                                      {0.5, 42, -1.2934937460281268034},
                                                                      {0.5, 1e4, -4.0327927430633964893},
                                                                      {0.5, 1e10, -10.940560522033028333},
                                                                      {0.5, 1e15, -16.697023254530642418},
                                                                      {1, 1, 0.0},
                                                                      {1, 1.5, -0.40546510810816438198},
                                                                      {1, 2, -0.69314718055994530942},
                                                                      {1, 3.7, -1.3083328196501788084},
                                                                      {1, 9.99, -2.3015845926604621719},
                                                                      {1, 10, -2.302585092994045684},
                                                                      {1, 42, -3.7376696182833683059},
                                                                      {1, 1e4, -9.2103403719761827361},
                                                                      {1, 1e10, -23.02585092994045684},
                                                                      {1, 1e15, -34.53877639491068526},
                                                                      {1.5, 1.5, -0.93471165583043575411},
                                                                      {1.5, 2, -1.3217558399823194472},
                                                                      {1.5, 3.7, -2.1763500732197697993},
                                                                      {1.5, 9.99, -3.609489652265201646},
                                                                      {1.5, 10, -3.6109552341210169314},
                                                                      {1.5, 42, -5.7361450025184432583},
                                                                      {1.5, 1e4, -13.9363302943495662},
                                                                      {1.5, 1e10, -34.659558632583430483},
                                                                      {1.5, 1e15, -51.928946830001273488},
                                                                      {2, 2, -1.7917594692280550008},
                                                                      {2, 3.7, -2.855895328366191749},
                                                                      {2, 9.99, -4.6985703610759921857},
                                                                      {2, 10, -4.7004803657924162281},
                                                                      {2, 42, -7.4988697339769307294},
                                                                      {2, 1e4, -18.42078073895269878},
                                                                      {2, 1e10, -46.05170185998091368},
                                                                      {2, 1e15, -69.077552789821371521},
                                                                      {3.7, 3.7, -4.4842603229541520522},
                                                                      {3.7, 9.99, -7.5414568618063770307},
                                                                      {3.7, 10, -7.544745366287776997},
                                                                      {3.7, 42, -12.517320947571202978},
                                                                      {3.7, 1e4, -32.650686496374804762},
                                                                      {3.7, 1e10, -83.76757611461380627},
                                                                      {3.7, 1e15, -126.36540033450415846},
                                                                      {9.99, 9.99, -13.721853536324812777},
                                                                      {9.99, 10, -13.729038816824689642},
                                                                      {9.99, 42, -25.556650584425936231},
                                                                      {9.99, 1e4, -79.236474186867232577},
                                                                      {9.99, 1e10, -217.24893558024548038},
                                                                      {9.99, 1e15, -332.26306097080760466},
                                                                      {10, 10, -13.736229227036554814},
                                                                      {10, 42, -25.573553322954184995},
                                                                      {10, 1e4, -79.306074815354974666},
                                                                      {10, 1e10, -217.45668182382309879},
                                                                      {10, 1e15, -332.58593646902542799},
                                                                      {42, 42, -58.824709732503587485},
                                                                      {42, 1e4, -272.88606498303149091},
                                                                      {42, 1e10, -853.05152736213748394},
                                                                      {42, 1e15, -1336.5943968047879387},
                                                                      {1e4, 1e4, -13866.28325676140964},
                                                                      {1e4, 1e10, -148158.79680246052471},
                                                                      {1e4, 1e15, -263288.04645271447033},
                                                                      {1e10, 1e10, -13862943621.44631953},
                                                                      {1e10, 1e15, -125129304660.1296003},
                                                                      {1e15, 1e15, -1386294361119906.6227}});

std::vector<Args> log_beta_points() {
  std::vector<Args> points;
  for (const auto& [a, b, value] : kLogBeta) {
    points.push_back({a, b});
    points.push_back({b, a});
  }
  return points;
}

Real log_beta(const Args& x) {
  const double low = std::min(x[0], x[1]);
  const double high = std::max(x[0], x[1]);
  const auto* const row = std::ranges::find_if(kLogBeta, [=](const auto& r) { return r[0] == low && r[1] == high; });
  return (*row)[2];
}

const std::map<Op, Check>& kernels() {
  static const std::map<Op, Check> table = {
      {Op::div, {1, grid({-7.0, 0.3, 1e200}, {3.0, -0.1, 1e-100}), [](const Args& x) { return Real(x[0]) / x[1]; }}},
      {Op::pow,
       {2, grid({1e-10, 0.5, 1.0, 1.7, 90.0}, {-3.0, -0.5, 0.0, 1.0, 2.5}),
        [](const Args& x) { return std::pow(Real(x[0]), Real(x[1])); }}},
      {Op::floor, {0, grid(kAnyReal), [](const Args& x) { return std::floor(Real(x[0])); }}},
      {Op::ceil, {0, grid(kAnyReal), [](const Args& x) { return std::ceil(Real(x[0])); }}},
      {Op::round,
       {0, grid({-2.5, -0.5, -0.49999999999999994, 0.49999999999999994, 0.5, 1.5, 1e17}),
        [](const Args& x) { return std::round(Real(x[0])); }}},
      {Op::exp, {2, grid(kModest), [](const Args& x) { return std::exp(Real(x[0])); }}},
      {Op::expm1, {2, grid(kModest), [](const Args& x) { return std::expm1(Real(x[0])); }}},
      {Op::log,
       {2, grid({kTiny, 1e-300, 0.1, 0.999999, 1.0, 1.000001, 5.0, 1e300}),
        [](const Args& x) { return std::log(Real(x[0])); }}},
      {Op::log1p,
       {2, grid({-0.999999, -0.5, -1e-12, 0.0, 1e-12, 0.5, 1e300}),
        [](const Args& x) { return std::log1p(Real(x[0])); }}},
      {Op::sqrt, {1, grid({0.0, kTiny, 2.0, 1e300}), [](const Args& x) { return std::sqrt(Real(x[0])); }}},
      {Op::log1p_exp,
       {3, grid(kAnyReal),
        [](const Args& x) {
          const Real a = x[0];
          return a > 0 ? a + std::log1p(std::exp(-a)) : std::log1p(std::exp(a));
        }}},
      {Op::log1m_exp,
       {3, grid({-1e300, -700.0, -40.0, -2.0, -0.7, -0.6, -0.1, -1e-12, -1e-300}),
        [](const Args& x) {
          return std::log(-std::expm1(Real(x[0]))) < -1 ? std::log(-std::expm1(Real(x[0])))
                                                        : std::log1p(-std::exp(Real(x[0])));
        }}},
      {Op::log_add_exp,
       {4, grid(kModest, kModest),
        [](const Args& x) {
          const Real m = std::max(x[0], x[1]);
          return m + std::log1p(std::exp(std::min(Real(x[0]), Real(x[1])) - m));
        },
        2e-16}},
      {Op::xlogy,
       {3, grid({0.0, 0.5, 3.0}, {1e-300, 0.4, 1.0, 7.0}),
        [](const Args& x) { return Real(x[0]) * std::log(Real(x[1])); }}},
      {Op::xlog1py,
       {3, grid({0.0, 0.5, 3.0}, {-0.9, -1e-12, 0.0, 1e-12, 7.0}),
        [](const Args& x) { return Real(x[0]) * std::log1p(Real(x[1])); }}},
      {Op::logit,
       {4, grid({1e-300, 1e-16, 1e-5, 0.2, 0.25, 0.3, 0.4999999, 0.5, 0.5000001, 0.7, 0.75, 0.9, 1 - 1e-12}),
        [](const Args& x) {
          const Real d = Real(x[0]) - 0.5L;
          return std::abs(d) < 0.3L ? std::log1p(2 * d / (0.5L - d)) : std::log(Real(x[0])) - std::log1p(-Real(x[0]));
        }}},
      {Op::inv_logit, {3, grid(kModest), [](const Args& x) { return 1 / (1 + std::exp(-Real(x[0]))); }}},
      {Op::log_inv_logit,
       {3, grid(kAnyReal),
        [](const Args& x) {
          const Real a = x[0];
          return a < 0 ? a - std::log1p(std::exp(a)) : -std::log1p(std::exp(-a));
        }}},
      {Op::sin, {2, grid(kModest), [](const Args& x) { return std::sin(Real(x[0])); }}},
      {Op::cos, {2, grid(kModest), [](const Args& x) { return std::cos(Real(x[0])); }}},
      {Op::tan, {2, grid(kModest), [](const Args& x) { return std::tan(Real(x[0])); }}},
      {Op::atan, {2, grid(kAnyReal), [](const Args& x) { return std::atan(Real(x[0])); }}},
      {Op::tanh, {4, grid(kAnyReal), [](const Args& x) { return std::tanh(Real(x[0])); }}},
      {Op::lgamma, {6, grid(kPositive), [](const Args& x) { return std::lgamma(Real(x[0])); }}},
      {Op::digamma,
       {8, grid({1e-300, 1e-5, 0.5, 1.0, 1.4, 1.5, 3.0, 20.0, 1e8, -0.5, -7.3}),
        [](const Args& x) { return boost::math::digamma(Real(x[0])); }, 4e-16}},
      {Op::lbeta, {8, log_beta_points(), log_beta, 2e-15}},
      {Op::lchoose,
       {16,
        {{5, 0}, {5, 5}, {5, 2}, {52, 5}, {1000, 500}, {4.5, 1.5}, {2.5, 3.2}},
        [](const Args& x) {
          return std::lgamma(Real(x[0]) + 1) - std::lgamma(Real(x[1]) + 1) - std::lgamma(Real(x[0]) - x[1] + 1);
        },
        2e-15}},
      {Op::inc_beta,
       {64,
        {{1, 1, 0.3},
         {2, 3, 0.5},
         {0.5, 0.5, 0.1},
         {8, 4, 0.999},
         {1e-3, 2, 1e-10},
         {50, 80, 0.4},
         {1e4, 1e4, 0.5},
         {3, 7, 0},
         {3, 7, 1}},
        [](const Args& x) { return boost::math::ibeta(Real(x[0]), Real(x[1]), Real(x[2])); }}},
      {Op::inc_betac,
       {64,
        {{1, 1, 0.3},
         {2, 3, 0.5},
         {0.5, 0.5, 0.1},
         {8, 4, 0.999}, {0.5, 5e8, 2e-7},
         {1e-3, 2, 1e-10},
         {50, 80, 0.4},
         {1e4, 1e4, 0.5},
         {3, 7, 0},
         {3, 7, 1}},
        [](const Args& x) { return boost::math::ibetac(Real(x[0]), Real(x[1]), Real(x[2])); }}},
      // at a = x = 1e5 a change of x by one unit in the last place changes the answer by 250 of its own
      {Op::inc_gamma,
       {128,
        {{1, 0.3}, {0.5, 2}, {3, 0}, {10, 9.5}, {1e-3, 1e-9}, {200, 180}, {1e5, 1e5}, {2, 700}},
        [](const Args& x) { return boost::math::gamma_p(Real(x[0]), Real(x[1])); }}},
      {Op::erf, {2, grid(kAnyReal), [](const Args& x) { return std::erf(Real(x[0])); }}},
      {Op::Phi,
       {16, grid({-38.0, -37.123, -20.4, -8.1, -5.0, -1.5, -1.0, -0.3, 0.0, 1e-9, 0.7, 3.0, 8.5, 40.0}),
        [](const Args& x) { return 0.5L * std::erfc(-Real(x[0]) / std::numbers::sqrt2_v<Real>); }, kTiny}},
      {Op::inv_Phi,
       {8, grid({1e-300, 1e-20, 1e-5, 0.02425, 0.1, 0.3, 0.499999, 0.5, 0.500001, 0.9, 0.999, 1 - 1e-15}),
        [](const Args& x) { return -std::numbers::sqrt2_v<Real> * boost::math::erfc_inv(2 * Real(x[0])); }}},
      {Op::trunc, {0, grid(kAnyReal), [](const Args& x) { return std::trunc(Real(x[0])); }}},
      {Op::fmod,
       {0, grid({-7.5, -0.3, 0.0, 5.25, 1e20}, {3.0, -0.7, 1e-3}),
        [](const Args& x) { return std::fmod(Real(x[0]), Real(x[1])); }}},
      // b = 1 - 2^-30, c = -1: the product alone would lose half of the answer
      {Op::fma,
       {1, {{1 + 0x1p-30, 1 - 0x1p-30, -1}, {2, 3, 4}, {1e300, 10, -1e300}, {0.1, 0.1, 0.1}},
        [](const Args& x) { return std::fma(Real(x[0]), Real(x[1]), Real(x[2])); }}},
      {Op::exp2, {2, grid(kModest), [](const Args& x) { return std::exp2(Real(x[0])); }}},
      {Op::log2, {2, grid({kTiny, 0.1, 0.999999, 1.0, 8.0, 1e300}), [](const Args& x) { return std::log2(Real(x[0])); }}},
      {Op::log10,
       {3, grid({kTiny, 0.1, 0.999999, 1.0, 1000.0, 1e300}), [](const Args& x) { return std::log10(Real(x[0])); }}},
      {Op::cbrt, {2, grid(kAnyReal), [](const Args& x) { return std::cbrt(Real(x[0])); }}},
      {Op::hypot,
       {2, grid({-3.0, 0.0, 1e-300, 1e300}, {4.0, 1e-300, 1.2e300}),
        [](const Args& x) { return std::hypot(Real(x[0]), Real(x[1])); }}},
      {Op::log_diff_exp,
       {4,
        {{3, 2}, {0, -1e-10}, {1e-10, 0}, {700, 690}, {-1000, -1000.5}, {50, -50}, {1, 0.9999}},
        [](const Args& x) {
          const Real d = Real(x[1]) - x[0];
          return x[0] + (d > -0.7L ? std::log(-std::expm1(d)) : std::log1p(-std::exp(d)));
        },
        2e-16}},
      {Op::log_inv_logit_diff,
       {4,
        {{1, 0}, {1e-10, -1e-10}, {800, 790}, {-790, -800}, {40, -40}, {3, -800}, {800, 3}},
        [](const Args& x) {
          // inv_logit(a) - inv_logit(b) = sinh((a - b) / 2) / (2 cosh(a / 2) cosh(b / 2))
          const Real a = x[0], b = x[1];
          return std::log(std::sinh((a - b) / 2)) - std::log(2 * std::cosh(a / 2)) - std::log(std::cosh(b / 2));
        },
        2e-16}},
      {Op::asin, {2, grid({-1.0, -0.9, -1e-9, 0.0, 0.3, 1.0}), [](const Args& x) { return std::asin(Real(x[0])); }}},
      {Op::acos, {2, grid({-1.0, -0.9, -1e-9, 0.0, 0.3, 1.0}), [](const Args& x) { return std::acos(Real(x[0])); }}},
      {Op::atan2,
       {2, grid({-2.0, 0.0, 1e-300, 1e300}, {-1.0, 1e-10, 3.0}),
        [](const Args& x) { return std::atan2(Real(x[0]), Real(x[1])); }}},
      {Op::sinh, {3, grid(kModest), [](const Args& x) { return std::sinh(Real(x[0])); }}},
      {Op::cosh, {2, grid(kModest), [](const Args& x) { return std::cosh(Real(x[0])); }}},
      {Op::asinh, {3, grid(kAnyReal), [](const Args& x) { return std::asinh(Real(x[0])); }}},
      {Op::acosh, {3, grid({1.0, 1.0000001, 2.0, 1e300}), [](const Args& x) { return std::acosh(Real(x[0])); }}},
      {Op::atanh,
       {3, grid({-0.999999, -0.3, 0.0, 1e-10, 0.7}), [](const Args& x) { return std::atanh(Real(x[0])); }}},
      {Op::tgamma,
       {10, grid({1e-300, 0.1, 1.0, 1.5, 5.0, 42.0, 170.5, -0.5, -7.3}),
        [](const Args& x) { return std::tgamma(Real(x[0])); }}},
      {Op::lmgamma,
       {8,
        {{0, 3}, {1, 2.5}, {3, 1.5}, {5, 2.01}, {20, 12}, {4, 1e8}},
        [](const Args& x) {
          Real sum = 0.25L * x[0] * (x[0] - 1) * std::log(std::numbers::pi_v<Real>);
          for (int j = 0; j < x[0]; ++j) sum += std::lgamma(Real(x[1]) - 0.5L * j);
          return sum;
        },
        1e-15}},
      {Op::mdigamma,
       {8,
        {{0, 3}, {1, 2.5}, {3, 1.5}, {5, 2.01}, {20, 12}, {4, 1e8}},
        [](const Args& x) {
          Real sum = 0;
          for (int j = 0; j < x[0]; ++j) sum += boost::math::digamma(Real(x[1]) - 0.5L * j);
          return sum;
        },
        1e-15}},
      {Op::trigamma,
       {8, grid({1e-100, 1e-5, 0.5, 1.0, 3.0, 20.0, 1e8, -0.5, -7.3}),
        [](const Args& x) { return boost::math::trigamma(Real(x[0])); }}},
      {Op::gamma_q,
       {128,
        {{1, 0.3}, {0.5, 2}, {3, 0}, {10, 9.5}, {1e-3, 1e-9}, {200, 280}, {1e5, 1e5}, {2, 600}, {1e-25, 3}},
        [](const Args& x) { return boost::math::gamma_q(Real(x[0]), Real(x[1])); }}},
      {Op::erfc, {4, grid({-30.0, -1.0, 0.0, 1e-10, 0.5, 1.0, 5.0, 26.0}), [](const Args& x) { return std::erfc(Real(x[0])); }}},
      {Op::inv_erfc,
       {8, grid({1e-300, 1e-20, 1e-5, 0.3, 0.999999, 1.000001, 1.5, 1.999}),
        [](const Args& x) { return boost::math::erfc_inv(Real(x[0])); }}},
      {Op::erfcx,
       {8, grid({-26.0, -5.0, -0.3, 0.0, 1e-10, 0.5, 1.0, 5.0, 20.0, 24.99, 25.0, 25.01, 60.0, 100.0}),
        [](const Args& x) { return std::exp(Real(x[0]) * x[0]) * std::erfc(Real(x[0])); }}},
      {Op::log_Phi,
       {8, grid({-140.0, -37.5, -10.0, -1.000001, -1.0, -0.3, 0.0, 0.7, 1.0, 1.000001, 5.0, 30.0}),
        [](const Args& x) {
          const Real t = Real(x[0]) / std::numbers::sqrt2_v<Real>;
          return t < 0 ? std::log(0.5L * std::erfc(-t)) : std::log1p(-0.5L * std::erfc(t));
        }}},
      {Op::owens_t,
       {64, grid({-4.0, -0.3, 0.0, 1e-8, 1.0, 3.0, 9.0}, {-50.0, -0.4, 0.0, 0.9, 1.0, 7.0}),
        [](const Args& x) { return boost::math::owens_t(Real(x[0]), Real(x[1])); }, 1e-17}},
      {Op::bessel_first_kind,
       {64,
        {{0, 0}, {0, 1}, {1, 3.5}, {2, -7}, {10, 2}, {50, 60}, {2.5, 4}, {-3, 2}, {0, 1e4}},
        [](const Args& x) { return boost::math::cyl_bessel_j(Real(x[0]), Real(x[1])); }, 1e-15}},
      {Op::bessel_second_kind,
       {64,
        {{0, 1}, {1, 3.5}, {10, 2}, {50, 60}, {2.5, 4}, {0, 1e4}},
        [](const Args& x) { return boost::math::cyl_neumann(Real(x[0]), Real(x[1])); }, 1e-15}},
      {Op::modified_bessel_first_kind,
       {64,
        {{0, 0}, {0, 1}, {1, 3.5}, {2, -7}, {10, 2}, {50, 60}, {2.5, 4}, {0, 700}},
        [](const Args& x) { return boost::math::cyl_bessel_i(Real(x[0]), Real(x[1])); }}},
      {Op::modified_bessel_second_kind,
       {64,
        {{0, 1}, {1, 3.5}, {10, 2}, {50, 60}, {2.5, 4}, {0, 600}},
        [](const Args& x) { return boost::math::cyl_bessel_k(Real(x[0]), Real(x[1])); }}},
      // below 500 the answer is what is left of v log x and log gamma(v + 1), of size 3000
      {Op::log_modified_bessel_first_kind,
       {8,
        {{0, 0},     {0, 1e-10}, {0, 1},     {0, 30},     {0, 499},  {0, 501},   {0, 9000},   {2.5, 30},  {10, 700},
         {30, 1e-3}, {100, 480}, {499, 3},   {499, 30},   {400, 299}, {400, 301}, {300, 5000}, {1000, 100}, {2000, 3000}},
        [](const Args& x) { return std::log(boost::math::cyl_bessel_i(Real(x[0]), Real(x[1]))); }, 1e-12}},
      {Op::lambert_w0,
       {16, grid({-0.36, -0.3, -1e-9, 0.0, 1e-9, 0.5, 2.718281828, 1e10, 1e300}),
        [](const Args& x) { return boost::math::lambert_w0(Real(x[0])); }}},
      {Op::lambert_wm1,
       {16, grid({-0.36, -0.3, -0.1, -1e-9, -1e-300}), [](const Args& x) { return boost::math::lambert_wm1(Real(x[0])); }}},
      {Op::soft_event,
       {6,
        grid({-700.0, -40.0, -3.0, -0.7, -1e-3, -1e-12, 0.0, 1e-12, 1e-3, 0.7, 3.0, 40.0, 699.0, 700.5, 745.0, 1200.0},
             kProbability),
        [](const Args& x) { return soft(x[0], x[1]); }}},
  };
  return table;
}

std::string fmt_point(const Args& point) {
  std::string text;
  for (const double x : point) text += std::to_string(x) + " ";
  return text;
}

Scalar call(Op op, const Args& args) {
  std::vector<Scalar> scalars;
  for (const double a : args) scalars.push_back(Scalar::real(a));
  return hearsay::apply(op, scalars);
}

double real(Op op, const Args& args) { return call(op, args).as_real(); }

}  // namespace

TEST_CASE("real kernels agree with long double") {
  for (const auto& [op, check] : kernels()) {
    for (const Args& point : check.points) {
      REQUIRE(point.size() == hearsay::info(op).arity);
      const Real exact = check.exact(point);
      const double got = real(op, point);
      CAPTURE(hearsay::info(op).name);
      CAPTURE(fmt_point(point));
      CAPTURE(static_cast<double>(exact));
      CAPTURE(got);
      if (std::abs(exact) > std::numeric_limits<double>::max()) {
        CHECK(got == (exact > 0 ? kInf : -kInf));
        continue;
      }
      const Real allowed = std::abs(exact) * check.ulps * 0x1p-53L + static_cast<Real>(check.slack) + kTiny;
      CHECK(std::abs(static_cast<Real>(got) - exact) <= allowed);
    }
  }
}

// Operations that are exact by definition: their tests stand below, by name.
TEST_CASE("no operation is without a test") {
  const std::vector<Op> exact = {Op::add, Op::sub, Op::mul, Op::neg,         Op::int_div,    Op::modulo,
                                 Op::min, Op::max, Op::abs, Op::to_real,     Op::to_int,     Op::eq,
                                 Op::ne,  Op::lt,  Op::le,  Op::logical_and, Op::logical_or, Op::logical_not};
  for (const Op op : hearsay::all_ops()) {
    CAPTURE(hearsay::info(op).name);
    CHECK((kernels().contains(op) || std::ranges::count(exact, op) == 1));
  }
}

TEST_CASE("arithmetic on integers wraps around and never traps") {
  using Integers = std::numeric_limits<std::int64_t>;
  const auto integer = [](Op op, std::int64_t a, std::int64_t b) {
    return hearsay::apply(op, std::array{Scalar::integer(a), Scalar::integer(b)}).i;
  };
  CHECK(integer(Op::add, 2, 3) == 5);
  CHECK(integer(Op::add, Integers::max(), 1) == Integers::min());
  CHECK(integer(Op::sub, Integers::min(), 1) == Integers::max());
  CHECK(integer(Op::mul, -4, 6) == -24);
  CHECK(integer(Op::mul, Integers::max(), 2) == -2);
  CHECK(integer(Op::int_div, 7, -2) == -3);
  CHECK(integer(Op::modulo, 7, -2) == 1);
  CHECK(integer(Op::modulo, -7, 2) == -1);
  CHECK(integer(Op::int_div, 7, 0) == 0);
  CHECK(integer(Op::modulo, 7, 0) == 0);
  CHECK(integer(Op::int_div, Integers::min(), -1) == Integers::min());
  CHECK(integer(Op::modulo, Integers::min(), -1) == 0);
  CHECK(integer(Op::min, -3, 2) == -3);
  CHECK(integer(Op::max, -3, 2) == 2);
  CHECK(hearsay::apply(Op::neg, std::array{Scalar::integer(4)}) == Scalar::integer(-4));
  CHECK(hearsay::apply(Op::abs, std::array{Scalar::integer(-4)}) == Scalar::integer(4));
  CHECK(hearsay::apply(Op::abs, std::array{Scalar::integer(Integers::min())}).i == Integers::min());
}

TEST_CASE("open-coded operations on reals") {
  CHECK(real(Op::add, {0.1, 0.2}) == 0.1 + 0.2);
  CHECK(real(Op::sub, {1, 3}) == -2);
  CHECK(real(Op::mul, {-1.5, 2}) == -3);
  CHECK(real(Op::neg, {2.5}) == -2.5);
  CHECK(std::signbit(real(Op::neg, {0})));
  CHECK(real(Op::abs, {-2.5}) == 2.5);
  CHECK(real(Op::min, {2, -kInf}) == -kInf);
  CHECK(real(Op::max, {2, -kInf}) == 2);
  CHECK(std::signbit(real(Op::min, {0.0, -0.0})));
  CHECK_FALSE(std::signbit(real(Op::max, {-0.0, 0.0})));
  CHECK(std::isnan(real(Op::min, {NAN, 1})));
  CHECK(std::isnan(real(Op::max, {1, NAN})));
  CHECK(real(Op::div, {1, 0}) == kInf);
}

TEST_CASE("conversions") {
  using Integers = std::numeric_limits<std::int64_t>;
  const auto to_int = [](double r) { return call(Op::to_int, {r}); };
  CHECK(to_int(2.9) == Scalar::integer(2));
  CHECK(to_int(-2.9) == Scalar::integer(-2));
  CHECK(to_int(1e300) == Scalar::integer(Integers::max()));
  CHECK(to_int(-kInf) == Scalar::integer(Integers::min()));
  CHECK(to_int(NAN) == Scalar::integer(0));
  CHECK(hearsay::apply(Op::to_int, std::array{Scalar::boolean(true)}) == Scalar::integer(1));
  CHECK(hearsay::apply(Op::to_real, std::array{Scalar::integer(-3)}) == Scalar::real(-3));
  CHECK(hearsay::apply(Op::to_real, std::array{Scalar::boolean(true)}) == Scalar::real(1));
}

TEST_CASE("comparison and logic") {
  CHECK(call(Op::lt, {1, 2}) == Scalar::boolean(true));
  CHECK(call(Op::le, {2, 2}) == Scalar::boolean(true));
  CHECK(call(Op::eq, {0.0, -0.0}) == Scalar::boolean(true));
  CHECK(call(Op::eq, {NAN, NAN}) == Scalar::boolean(false));
  CHECK(call(Op::ne, {NAN, NAN}) == Scalar::boolean(true));
  CHECK(hearsay::apply(Op::lt, std::array{Scalar::integer(3), Scalar::integer(2)}) == Scalar::boolean(false));
  CHECK(hearsay::apply(Op::eq, std::array{Scalar::boolean(true), Scalar::boolean(true)}).truth());
  for (const bool a : {false, true}) {
    CHECK(hearsay::apply(Op::logical_not, std::array{Scalar::boolean(a)}).truth() == !a);
    for (const bool b : {false, true}) {
      const std::array pair{Scalar::boolean(a), Scalar::boolean(b)};
      CHECK(hearsay::apply(Op::logical_and, pair).truth() == (a && b));
      CHECK(hearsay::apply(Op::logical_or, pair).truth() == (a || b));
    }
  }
}

TEST_CASE("limits are exact") {
  CHECK(real(Op::log, {0}) == -kInf);
  CHECK(real(Op::xlogy, {0, 0}) == 0);
  CHECK(real(Op::xlogy, {2, 0}) == -kInf);
  CHECK(std::isnan(real(Op::xlogy, {0, NAN})));
  CHECK(real(Op::xlog1py, {0, -1}) == 0);
  CHECK(real(Op::xlog1py, {2, -1}) == -kInf);
  CHECK(real(Op::log1m_exp, {0}) == -kInf);
  CHECK(real(Op::log1m_exp, {-kInf}) == 0);
  CHECK(real(Op::log1p_exp, {kInf}) == kInf);
  CHECK(real(Op::log1p_exp, {-kInf}) == 0);
  CHECK(real(Op::log_add_exp, {-kInf, -kInf}) == -kInf);
  CHECK(real(Op::log_add_exp, {-kInf, 3}) == 3);
  CHECK(real(Op::log_add_exp, {kInf, 3}) == kInf);
  CHECK(real(Op::log_add_exp, {-kInf, kInf}) == kInf);
  CHECK(std::isnan(real(Op::log_add_exp, {kInf, NAN})));
  CHECK(real(Op::logit, {0}) == -kInf);
  CHECK(real(Op::logit, {1}) == kInf);
  CHECK(real(Op::inv_logit, {-kInf}) == 0);
  CHECK(real(Op::inv_logit, {kInf}) == 1);
  CHECK(real(Op::log_inv_logit, {-kInf}) == -kInf);
  for (const double pole : {0.0, -1.0, -2.0, -1000.0}) CHECK(real(Op::lgamma, {pole}) == kInf);
  CHECK(real(Op::digamma, {kInf}) == kInf);
  CHECK(real(Op::lbeta, {0, 2}) == kInf);
  CHECK(real(Op::lbeta, {2, kInf}) == -kInf);
  CHECK(real(Op::lchoose, {7, 0}) == 0);
  CHECK(real(Op::lchoose, {7, 7}) == 0);
  CHECK(real(Op::lchoose, {1e6, 3}) == doctest::Approx(std::log(166666166667e6)).epsilon(1e-15));
  CHECK(real(Op::lchoose, {1e15, 1}) == doctest::Approx(std::log(1e15)).epsilon(1e-15));
  CHECK(real(Op::lchoose, {7, 8}) == -kInf);
  CHECK(real(Op::lchoose, {7, -1}) == -kInf);
  CHECK(real(Op::inc_beta, {2, 3, 0}) == 0);
  CHECK(real(Op::inc_beta, {2, 3, 1}) == 1);
  CHECK(real(Op::inc_beta, {kInf, 3, 0.999}) == 0);
  CHECK(real(Op::inc_beta, {2, kInf, 0.001}) == 1);
  CHECK(real(Op::inc_betac, {2, 3, 0}) == 1);
  CHECK(real(Op::inc_betac, {2, 3, 1}) == 0);
  CHECK(real(Op::inc_betac, {kInf, 3, 0.999}) == 1);
  CHECK(real(Op::inc_betac, {2, kInf, 0.001}) == 0);
  CHECK(real(Op::inc_gamma, {2, kInf}) == 1);
  CHECK(real(Op::inc_gamma, {2, 0}) == 0);
  CHECK(real(Op::gamma_q, {2, kInf}) == 0);
  CHECK(real(Op::gamma_q, {2, 0}) == 1);
  CHECK(real(Op::log_Phi, {-kInf}) == -kInf);
  CHECK(real(Op::log_Phi, {kInf}) == 0);
  CHECK(real(Op::log_Phi, {-1e10}) == doctest::Approx(-5e19));
  CHECK(real(Op::erfcx, {kInf}) == 0);
  CHECK(real(Op::erfcx, {-30}) == kInf);
  CHECK(real(Op::inv_erfc, {0}) == kInf);
  CHECK(real(Op::inv_erfc, {2}) == -kInf);
  CHECK(real(Op::log_diff_exp, {3, 3}) == -kInf);
  CHECK(real(Op::log_diff_exp, {-kInf, -kInf}) == -kInf);
  CHECK(real(Op::log_diff_exp, {3, -kInf}) == 3);
  CHECK(real(Op::log_inv_logit_diff, {2, 2}) == -kInf);
  CHECK(real(Op::log_inv_logit_diff, {kInf, -kInf}) == 0);
  CHECK(real(Op::trigamma, {0}) == kInf);
  CHECK(real(Op::trigamma, {kInf}) == 0);
  CHECK(real(Op::owens_t, {0, kInf}) == 0.25);
  CHECK(real(Op::owens_t, {kInf, 1}) == 0);
  CHECK(real(Op::log_modified_bessel_first_kind, {0, kInf}) == kInf);
  CHECK(real(Op::log_modified_bessel_first_kind, {2, 0}) == -kInf);
  CHECK(real(Op::modified_bessel_second_kind, {1, 0}) == kInf);
  CHECK(real(Op::bessel_second_kind, {1, 0}) == -kInf);
  CHECK(real(Op::lambert_w0, {kInf}) == kInf);
  CHECK(real(Op::lambert_wm1, {0}) == -kInf);
  CHECK(real(Op::Phi, {-kInf}) == 0);
  CHECK(real(Op::Phi, {kInf}) == 1);
  CHECK(real(Op::Phi, {0}) == 0.5);
  CHECK(real(Op::inv_Phi, {0}) == -kInf);
  CHECK(real(Op::inv_Phi, {1}) == kInf);
  CHECK(real(Op::inv_Phi, {0.5}) == 0);
}

TEST_CASE("the factor of virtual evidence is exact where it is simple") {
  for (const double s :
       {-kInf, -700.0, -1.0986122886681098, -1e-12, 0.0, 1e-300, 0.1, 0.6931471805599453, 37.0, 700.0, 1e6, kInf}) {
    CAPTURE(s);
    CHECK(real(Op::soft_event, {s, 0}) == 0);
    CHECK(real(Op::soft_event, {s, 1}) == s);
  }
  for (const double p : {0.0, 1e-300, 0.3, 1.0}) CHECK(real(Op::soft_event, {0, p}) == 0);
  CHECK(real(Op::soft_event, {kInf, 1e-300}) == kInf);
  CHECK(real(Op::soft_event, {-kInf, 0.25}) == doctest::Approx(std::log(0.75)).epsilon(1e-15));
  CHECK(real(Op::soft_event, {std::log(2), 0.5}) == doctest::Approx(std::log(1.5)).epsilon(1e-15));
  // always between 0 and s: the bound that a charge relies on
  for (const double s : {-750.0, -5.0, -0.3, 0.4, 6.0, 699.9, 700.1, 750.0, 1500.0}) {
    for (double p = 0; p <= 1; p += 0.03125) {
      const double f = real(Op::soft_event, {s, p});
      CHECK(f >= std::min(s, 0.0));
      CHECK(f <= std::max(s, 0.0));
    }
  }
  // rounding of a sum of probabilities is forgiven, anything more is not
  CHECK(real(Op::soft_event, {-50, 1 + 4e-16}) == -50);
  CHECK(real(Op::soft_event, {2, -1e-17}) == 0);
  CHECK(std::isnan(real(Op::soft_event, {2, 1.001})));
  CHECK(std::isnan(real(Op::soft_event, {2, -0.001})));
}

// Next to the branch point the answer is sensitive, so what it solves is checked instead.
TEST_CASE("both branches of Lambert's function next to -1/e") {
  for (const double a : {-0.3678, -0.367879, -0.36787944117}) {
    for (const Op op : {Op::lambert_w0, Op::lambert_wm1}) {
      const double w = real(op, {a});
      CHECK((w > -1) == (op == Op::lambert_w0));
      CHECK(w * std::exp(w) == doctest::Approx(a).epsilon(1e-15));
    }
  }
  CHECK(real(Op::lambert_w0, {-0.36787944117144233}) == -1);
  CHECK(real(Op::lambert_wm1, {-0.36787944117144233}) == -1);
}

TEST_CASE("outside the domain is NaN, and NaN stays NaN") {
  for (const auto& [op, args] : std::vector<std::pair<Op, Args>>{{Op::log, {-1}},
                                                                 {Op::log1p, {-1.5}},
                                                                 {Op::sqrt, {-1}},
                                                                 {Op::log1m_exp, {1}},
                                                                 {Op::logit, {1.5}},
                                                                 {Op::logit, {-0.1}},
                                                                 {Op::digamma, {-2}},
                                                                 {Op::digamma, {0}},
                                                                 {Op::lbeta, {-1, 2}},
                                                                 {Op::lchoose, {-2, 1}},
                                                                 {Op::lchoose, {3, 7.5}},
                                                                 {Op::inc_beta, {0, 1, 0.5}},
                                                                 {Op::inc_beta, {1, 1, 1.5}},
                                                                 {Op::inc_beta, {1, -1, 0.5}},
                                                                 {Op::inc_gamma, {0, 1}},
                                                                 {Op::inc_gamma, {1, -1}},
                                                                 {Op::inc_betac, {0, 1, 0.5}},
                                                                 {Op::gamma_q, {0, 1}},
                                                                 {Op::gamma_q, {1, -1}},
                                                                 {Op::log_diff_exp, {1, 2}},
                                                                 {Op::log_inv_logit_diff, {1, 2}},
                                                                 {Op::asin, {1.1}},
                                                                 {Op::acos, {-1.1}},
                                                                 {Op::acosh, {0.9}},
                                                                 {Op::atanh, {1.1}},
                                                                 {Op::fmod, {1, 0}},
                                                                 {Op::tgamma, {-2}},
                                                                 {Op::inv_erfc, {2.1}},
                                                                 {Op::lmgamma, {3, 1}},
                                                                 {Op::lmgamma, {2.5, 3}},
                                                                 {Op::mdigamma, {3, 1}},
                                                                 {Op::bessel_first_kind, {0.5, -1}},
                                                                 {Op::bessel_second_kind, {1, -1}},
                                                                 {Op::modified_bessel_first_kind, {0.5, -1}},
                                                                 {Op::modified_bessel_second_kind, {1, -1}},
                                                                 {Op::log_modified_bessel_first_kind, {-1, 1}},
                                                                 {Op::lambert_w0, {-0.4}},
                                                                 {Op::lambert_wm1, {-0.4}},
                                                                 {Op::lambert_wm1, {0.1}},
                                                                 {Op::inv_Phi, {1.5}},
                                                                 {Op::inv_Phi, {-0.5}},
                                                                 {Op::sin, {kInf}}}) {
    CAPTURE(hearsay::info(op).name);
    CHECK(std::isnan(real(op, args)));
  }
  for (const auto& [op, check] : kernels()) {
    CAPTURE(hearsay::info(op).name);
    for (std::size_t k = 0; k < hearsay::info(op).arity; ++k) {
      Args args(hearsay::info(op).arity, 0.5);
      args[k] = NAN;
      CHECK(std::isnan(real(op, args)));
    }
  }
}

TEST_CASE("extreme arguments neither throw nor trap nor hang") {
  const std::array extremes = {-kInf,  -1e308, -1e15, -1.5, -1.0, -kTiny, -0.0,  0.0,  kTiny,
                               1e-300, 0.5,    1.0,   2.5,  1e5,  1e15,   1e308, kInf, static_cast<double>(NAN)};
  for (const auto& [op, check] : kernels()) {
    const std::size_t arity = hearsay::info(op).arity;
    std::size_t total = 1;
    for (std::size_t k = 0; k < arity; ++k) total *= extremes.size();
    for (std::size_t code = 0; code < total; ++code) {
      Args args;
      for (std::size_t k = 0, rest = code; k < arity; ++k, rest /= extremes.size())
        args.push_back(extremes[rest % extremes.size()]);
      CHECK(call(op, args).type == ScalarType::real);
    }
  }
}

TEST_CASE("probabilities stay probabilities") {
  const std::array sizes = {kTiny, 1e-10, 0.3, 1.0, 17.0, 1e6, 1e15, 1e308};
  for (const double a : sizes) {
    for (const double b : sizes) {
      const double g = real(Op::inc_gamma, {a, b});
      CAPTURE(a);
      CAPTURE(b);
      CHECK(g >= 0);
      CHECK(g <= 1);
      for (const double x : {kTiny, 1e-10, 0.3, 0.999}) {
        const double i = real(Op::inc_beta, {a, b, x});
        CAPTURE(x);
        CHECK(i >= 0);
        CHECK(i <= 1);
        CHECK(i + real(Op::inc_betac, {a, b, x}) == doctest::Approx(1));
      }
    }
  }
}
