// One generator, in one file: every kind of expression may hold every other.
#include "tests/reference/random_ir.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/lambert_w.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "lang/ir/substitute.h"

namespace hearsay::reference {
namespace {

using ir::ExprId;
using ir::IndexId;

using Real = long double;
using Arguments = std::span<const double>;

// A primitive of reals: where its arguments may lie, and what it means, written out anew.
struct SpecialFunction {
  Op op;
  std::vector<std::pair<double, double>> domain;
  std::function<Real(Arguments)> meaning;
};

Real log_gamma(Real x) { return std::lgamma(x); }

const std::vector<SpecialFunction>& special_functions() {
  static const std::vector<SpecialFunction> table = {
      {Op::div, {{-3, 3}, {0.5, 3}}, [](Arguments x) { return Real(x[0]) / x[1]; }},
      {Op::pow, {{0.1, 3}, {-2, 2}}, [](Arguments x) { return std::exp(x[1] * std::log(Real(x[0]))); }},
      {Op::floor, {{-5, 5}}, [](Arguments x) { return std::floor(Real(x[0])); }},
      {Op::ceil, {{-5, 5}}, [](Arguments x) { return std::ceil(Real(x[0])); }},
      {Op::round, {{-5, 5}}, [](Arguments x) { return std::round(Real(x[0])); }},
      {Op::exp, {{-3, 2}}, [](Arguments x) { return std::exp(Real(x[0])); }},
      {Op::expm1, {{-3, 2}}, [](Arguments x) { return std::exp(Real(x[0])) - 1; }},
      {Op::log, {{0.01, 10}}, [](Arguments x) { return std::log(Real(x[0])); }},
      {Op::log1p, {{-0.9, 5}}, [](Arguments x) { return std::log(1 + Real(x[0])); }},
      {Op::sqrt, {{0, 9}}, [](Arguments x) { return std::sqrt(Real(x[0])); }},
      {Op::log1p_exp, {{-20, 20}}, [](Arguments x) { return std::log(1 + std::exp(Real(x[0]))); }},
      {Op::log1m_exp, {{-5, -0.01}}, [](Arguments x) { return std::log(1 - std::exp(Real(x[0]))); }},
      {Op::log_add_exp,
       {{-5, 5}, {-5, 5}},
       [](Arguments x) { return std::log(std::exp(Real(x[0])) + std::exp(Real(x[1]))); }},
      {Op::xlogy, {{0, 3}, {0.01, 5}}, [](Arguments x) { return x[0] * std::log(Real(x[1])); }},
      {Op::xlog1py, {{0, 3}, {-0.9, 5}}, [](Arguments x) { return x[0] * std::log(1 + Real(x[1])); }},
      {Op::logit, {{0.01, 0.99}}, [](Arguments x) { return std::log(x[0] / (1 - Real(x[0]))); }},
      {Op::inv_logit, {{-10, 10}}, [](Arguments x) { return 1 / (1 + std::exp(-Real(x[0]))); }},
      {Op::log_inv_logit, {{-10, 10}}, [](Arguments x) { return -std::log(1 + std::exp(-Real(x[0]))); }},
      {Op::sin, {{-5, 5}}, [](Arguments x) { return std::sin(Real(x[0])); }},
      {Op::cos, {{-5, 5}}, [](Arguments x) { return std::cos(Real(x[0])); }},
      {Op::tan, {{-1.2, 1.2}}, [](Arguments x) { return std::sin(Real(x[0])) / std::cos(Real(x[0])); }},
      {Op::atan, {{-5, 5}}, [](Arguments x) { return std::atan2(Real(x[0]), 1.0L); }},
      {Op::tanh, {{-4, 4}}, [](Arguments x) { return 1 - 2 / (std::exp(2 * Real(x[0])) + 1); }},
      {Op::lgamma, {{0.1, 12}}, [](Arguments x) { return log_gamma(x[0]); }},
      {Op::digamma, {{0.2, 12}}, [](Arguments x) { return boost::math::digamma(Real(x[0])); }},
      {Op::lbeta,
       {{0.1, 12}, {0.1, 12}},
       [](Arguments x) { return std::log(boost::math::beta(Real(x[0]), Real(x[1]))); }},
      {Op::lchoose,
       {{10, 20}, {0.5, 9}},
       [](Arguments x) { return log_gamma(x[0] + 1.0L) - log_gamma(x[1] + 1.0L) - log_gamma(Real(x[0]) - x[1] + 1); }},
      {Op::inc_beta,
       {{0.3, 8}, {0.3, 8}, {0.01, 0.99}},
       [](Arguments x) { return boost::math::ibeta(Real(x[0]), Real(x[1]), Real(x[2])); }},
      {Op::inc_gamma, {{0.3, 8}, {0.01, 10}}, [](Arguments x) { return boost::math::gamma_p(Real(x[0]), Real(x[1])); }},
      {Op::erf, {{-3, 3}}, [](Arguments x) { return 1 - std::erfc(Real(x[0])); }},
      {Op::Phi,
       {{-5, 5}},
       [](Arguments x) { return boost::math::cdf(boost::math::normal_distribution<Real>(), Real(x[0])); }},
      {Op::inv_Phi,
       {{0.01, 0.99}},
       [](Arguments x) { return boost::math::quantile(boost::math::normal_distribution<Real>(), Real(x[0])); }},
      {Op::trunc, {{-5, 5}}, [](Arguments x) { return std::trunc(Real(x[0])); }},
      {Op::fmod, {{-5, 5}, {0.5, 3}}, [](Arguments x) { return std::fmod(Real(x[0]), Real(x[1])); }},
      {Op::fma, {{-3, 3}, {-3, 3}, {-3, 3}}, [](Arguments x) { return Real(x[0]) * x[1] + x[2]; }},
      {Op::exp2, {{-3, 2}}, [](Arguments x) { return std::exp(std::numbers::ln2_v<Real> * x[0]); }},
      {Op::log2, {{0.01, 10}}, [](Arguments x) { return std::log(Real(x[0])) / std::log(2.0L); }},
      {Op::log10, {{0.01, 10}}, [](Arguments x) { return std::log(Real(x[0])) / std::log(10.0L); }},
      {Op::cbrt, {{0.01, 9}}, [](Arguments x) { return std::exp(std::log(Real(x[0])) / 3); }},
      {Op::hypot, {{-3, 3}, {0.1, 3}}, [](Arguments x) { return std::sqrt(Real(x[0]) * x[0] + Real(x[1]) * x[1]); }},
      {Op::log_diff_exp,
       {{1, 5}, {-5, 0.9}},
       [](Arguments x) { return std::log(std::exp(Real(x[0])) - std::exp(Real(x[1]))); }},
      {Op::log_inv_logit_diff,
       {{1, 5}, {-5, 0.9}},
       [](Arguments x) { return std::log(1 / (1 + std::exp(-Real(x[0]))) - 1 / (1 + std::exp(-Real(x[1])))); }},
      {Op::asin, {{-0.9, 0.9}}, [](Arguments x) { return std::atan(x[0] / std::sqrt(1 - Real(x[0]) * x[0])); }},
      {Op::acos,
       {{-0.9, 0.9}},
       [](Arguments x) { return std::numbers::pi_v<Real> / 2 - std::atan(x[0] / std::sqrt(1 - Real(x[0]) * x[0])); }},
      {Op::atan2, {{-3, 3}, {0.1, 3}}, [](Arguments x) { return std::atan(Real(x[0]) / x[1]); }},
      {Op::sinh, {{-3, 3}}, [](Arguments x) { return (std::exp(Real(x[0])) - std::exp(-Real(x[0]))) / 2; }},
      {Op::cosh, {{-3, 3}}, [](Arguments x) { return (std::exp(Real(x[0])) + std::exp(-Real(x[0]))) / 2; }},
      {Op::asinh, {{-5, 5}}, [](Arguments x) { return std::log(x[0] + std::sqrt(Real(x[0]) * x[0] + 1)); }},
      {Op::acosh, {{1.1, 5}}, [](Arguments x) { return std::log(x[0] + std::sqrt(Real(x[0]) * x[0] - 1)); }},
      {Op::atanh, {{-0.9, 0.9}}, [](Arguments x) { return std::log((1 + Real(x[0])) / (1 - Real(x[0]))) / 2; }},
      {Op::tgamma, {{0.1, 8}}, [](Arguments x) { return std::exp(log_gamma(x[0])); }},
      {Op::lmgamma,
       {{2, 2}, {0.6, 9}},
       [](Arguments x) {
         return std::log(std::numbers::pi_v<Real>) / 2 + log_gamma(x[1]) + log_gamma(Real(x[1]) - 0.5L);
       }},
      {Op::mdigamma,
       {{2, 2}, {0.7, 9}},
       [](Arguments x) { return boost::math::digamma(Real(x[1])) + boost::math::digamma(Real(x[1]) - 0.5L); }},
      {Op::trigamma, {{0.2, 12}}, [](Arguments x) { return boost::math::trigamma(Real(x[0])); }},
      {Op::inc_betac,
       {{0.3, 8}, {0.3, 8}, {0.01, 0.99}},
       [](Arguments x) { return 1 - boost::math::ibeta(Real(x[0]), Real(x[1]), Real(x[2])); }},
      {Op::gamma_q,
       {{0.3, 8}, {0.01, 10}},
       [](Arguments x) { return 1 - boost::math::gamma_p(Real(x[0]), Real(x[1])); }},
      {Op::erfc, {{-3, 3}}, [](Arguments x) { return 1 - std::erf(Real(x[0])); }},
      {Op::inv_erfc, {{0.05, 1.95}}, [](Arguments x) { return boost::math::erf_inv(1 - Real(x[0])); }},
      {Op::erfcx, {{-2, 3}}, [](Arguments x) { return std::exp(Real(x[0]) * x[0]) * std::erfc(Real(x[0])); }},
      {Op::log_Phi,
       {{-5, 5}},
       [](Arguments x) { return std::log(boost::math::cdf(boost::math::normal_distribution<Real>(), Real(x[0]))); }},
      {Op::owens_t, {{-3, 3}, {-2, 2}}, [](Arguments x) { return boost::math::owens_t(Real(x[0]), Real(x[1])); }},
      {Op::bessel_first_kind,
       {{0, 3}, {0.1, 5}},
       [](Arguments x) { return boost::math::cyl_bessel_j(Real(x[0]), Real(x[1])); }},
      {Op::bessel_second_kind,
       {{0, 3}, {0.5, 5}},
       [](Arguments x) { return boost::math::cyl_neumann(Real(x[0]), Real(x[1])); }},
      {Op::modified_bessel_first_kind,
       {{0, 3}, {0.1, 5}},
       [](Arguments x) { return boost::math::cyl_bessel_i(Real(x[0]), Real(x[1])); }},
      {Op::modified_bessel_second_kind,
       {{0, 3}, {0.5, 5}},
       [](Arguments x) { return boost::math::cyl_bessel_k(Real(x[0]), Real(x[1])); }},
      {Op::log_modified_bessel_first_kind,
       {{0, 3}, {0.1, 5}},
       [](Arguments x) { return std::log(boost::math::cyl_bessel_i(Real(x[0]), Real(x[1]))); }},
      {Op::lambert_w0, {{-0.3, 5}}, [](Arguments x) { return boost::math::lambert_w0(Real(x[0])); }},
      {Op::lambert_wm1, {{-0.36, -0.02}}, [](Arguments x) { return boost::math::lambert_wm1(Real(x[0])); }},
      {Op::soft_event, {{-5, 5}, {0, 1}}, [](Arguments x) { return std::log(1 + (std::exp(Real(x[0])) - 1) * x[1]); }},
  };
  return table;
}

// An expression of the module beside the function that it means.
struct Expr {
  ExprId id{};
  Function f;
};

constexpr std::int64_t kSide = 3;  // every array dimension has this extent, and every index runs over 1..kSide

class Generator {
public:
  Generator(std::uint64_t seed, const RandomOptions& options) : random_(seed), options_(options) {}

  RandomModule run() {
    m_.add_site({{}, "a random model"});
    declare_latents();
    declare_data();
    add_lets();
    for (int t = 0; t < options_.terms; ++t) add_term();
    for (int s = 0; s < 3; ++s) out_.states.push_back(state());
    out_.module = std::move(m_);
    return std::move(out_);
  }

private:
  struct Array {
    std::function<ExprId(std::span<const ExprId>)> load;
    std::function<double(Point&, std::size_t)> read;  // by row-major position
    std::size_t rank = 0;
    ScalarType type{};
  };

  // ---- dice

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11U) * 0x1p-53;
  }
  template <class T>
  const T& any_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  // ---- declarations

  void declare_latent(std::string name, std::size_t rank, std::int64_t cardinality) {
    ir::Latent latent;
    latent.name = std::move(name);
    latent.shape.assign(rank, kSide);
    latent.finite = cardinality > 0;
    latent.cardinality = cardinality;
    if (cardinality == 2) latent.labels = {"no", "yes"};
    if (!latent.finite) std::tie(latent.low, latent.high) = std::pair(-2.0, 2.0);
    std::size_t& count = latent.finite ? finite_ : continuous_;
    const std::size_t offset = count;
    count += static_cast<std::size_t>(latent.size());
    for (std::size_t k = offset; latent.finite && k < finite_; ++k) cardinalities_.push_back(cardinality);
    const ir::LatentId id = m_.add_latent(latent);
    const bool finite = latent.finite;
    arrays_.push_back({[this, id](std::span<const ExprId> at) { return m_.load_latent(id, at); },
                       [offset, finite](Point& p, std::size_t k) {
                         return finite ? static_cast<double>(p.finite[offset + k]) : p.continuous[offset + k];
                       },
                       rank, finite ? ScalarType::integer : ScalarType::real});
    if (finite && rank == 0) small_latents_.push_back(arrays_.back());
  }

  void declare_latents() {
    declare_latent("z", 0, 2);
    if (options_.continuous) declare_latent("mu", 0, 0);
    declare_latent("k", 0, 3);
    declare_latent("g", 1, 2);
    if (options_.continuous) declare_latent("c", 1 + below(2), 0);
  }

  void declare_data() {
    for (const ScalarType type : {ScalarType::real, ScalarType::integer, ScalarType::boolean}) {
      for (std::size_t rank = 0; rank <= 2; ++rank) {
        ir::Data data;
        data.name = "d" + std::to_string(rank);  // three of each: names need not be unique
        data.type = type;
        data.shape.assign(rank, kSide);
        std::vector<double> values;
        for (std::int64_t i = 0; i < data.size(); ++i) {
          values.push_back(type == ScalarType::real ? uniform(-2, 2)
                                                    : static_cast<double>(below(type == ScalarType::boolean ? 2 : 5)));
        }
        if (type == ScalarType::real) {
          data.reals = std::make_shared<const std::vector<double>>(values);
        } else {
          data.integers = std::make_shared<const std::vector<std::int64_t>>(values.begin(), values.end());
        }
        const ir::DataId id = m_.add_data(std::move(data));
        arrays_.push_back({[this, id](std::span<const ExprId> at) { return m_.load_data(id, at); },
                           [values](Point&, std::size_t k) { return values[k]; }, rank, type});
      }
    }
  }

  // The array of a let: its elements are found by running its function with the binders set.
  Array let_array(ir::LetId id, std::vector<IndexId> binders, const Function* body, ScalarType type) {
    const std::size_t rank = binders.size();
    return {[this, id, type](std::span<const ExprId> at) { return m_.load_let(id, at, type); },
            [binders = std::move(binders), body](Point& p, std::size_t k) {
              const std::vector<std::int64_t> old = p.indices;
              for (std::size_t d = binders.size(); d-- > 0; k /= kSide) {
                p.indices[raw(binders[d])] = static_cast<std::int64_t>(k % kSide) + 1;
              }
              const double value = (*body)(p);
              p.indices = old;
              return value;
            },
            rank, type};
  }

  // Bodies of lets are called through plain pointers: a scan calls itself, and would own itself otherwise.
  Function* keep(Function f) {
    out_.let_bodies.push_back(std::make_shared<Function>(std::move(f)));
    return out_.let_bodies.back().get();
  }

  void add_lets() {
    for (std::size_t l = 0; l < 3; ++l) {
      std::vector<IndexId> binders;
      for (std::size_t d = 0; d < l; ++d) binders.push_back(new_index());
      scope_ = binders;
      const Expr body = below(3) == 0 ? integer(options_.depth - 1) : real(options_.depth - 1);
      const ScalarType type = m_.type(body.id);
      const ir::LetId id = m_.add_let({"let" + std::to_string(l), binders, body.id, false});
      arrays_.push_back(let_array(id, binders, keep(body.f), type));
    }
    add_scan();
    scope_.clear();
  }

  // s[r, t] = if t == 1 then e else combine(s[r, t - 1], e'): a recurrence along its last dimension.
  void add_scan() {
    std::vector<IndexId> binders;
    if (below(2) == 0) binders.push_back(new_index());
    binders.push_back(new_index());
    const IndexId t = binders.back();
    scope_ = binders;
    Function* const function = keep({});
    const ir::LetId id = m_.add_let({"scan", binders, {}, true});
    const Array self = let_array(id, binders, function, ScalarType::real);
    std::vector<ExprId> before;
    for (const IndexId i : binders) before.push_back(m_.index_value(i));
    before.back() = m_.prim(Op::sub, {before.back(), m_.integer(1)});
    const Expr earlier{self.load(before), [self, binders](Point& p) {
                         std::size_t flat = 0;
                         for (const IndexId i : binders)
                           flat = flat * kSide + static_cast<std::size_t>(p.indices[raw(i)] - 1);
                         return self.read(p, flat - 1);
                       }};
    const Expr first = real(options_.depth - 2);
    const Expr step = real(options_.depth - 2);
    const ExprId next = m_.prim(Op::add, {m_.prim(Op::mul, {m_.real(0.5), earlier.id}), step.id});
    m_.lets[raw(id)].body = m_.select(m_.prim(Op::eq, {m_.index_value(t), m_.integer(1)}), first.id, next);
    *function = [first = first.f, step = step.f, earlier = earlier.f, t](Point& p) {
      return p.indices[raw(t)] == 1 ? first(p) : 0.5 * earlier(p) + step(p);
    };
    arrays_.push_back(self);
  }

  void add_term() {
    std::vector<IndexId> plate;
    for (std::uint64_t d = below(3); d > 0; --d) plate.push_back(new_index());
    scope_ = plate;
    const Expr body = real(options_.depth);
    ir::Term term;
    term.kind = static_cast<ir::TermKind>(below(4));
    if (term.kind == ir::TermKind::soft) term.source = ir::SourceId{static_cast<std::uint32_t>(below(2))};
    term.order = static_cast<std::uint32_t>(out_.terms.size());
    term.plate = plate;
    term.body = body.id;
    m_.add_term(term);
    const Function total = [f = body.f, plate](Point& p) {
      double sum = 0;
      std::size_t count = 1;
      for (std::size_t d = 0; d < plate.size(); ++d) count *= kSide;
      for (std::size_t k = 0; k < count; ++k) {
        for (std::size_t d = plate.size(), rest = k; d-- > 0; rest /= kSide) {
          p.indices[raw(plate[d])] = static_cast<std::int64_t>(rest % kSide) + 1;
        }
        sum += f(p);
      }
      return sum;
    };
    out_.terms.push_back({body.f, total});
    scope_.clear();
  }

  RandomState state() {
    RandomState s;
    for (std::size_t k = 0; k < continuous_; ++k) s.continuous.push_back(uniform(-2, 2));
    for (const std::int64_t n : cardinalities_) {
      s.finite.push_back(static_cast<std::int32_t>(below(static_cast<std::uint64_t>(n)) + 1));
    }
    return s;
  }

  IndexId new_index() {
    static constexpr std::array kNames = {"i", "j", "t"};
    return m_.add_index(kNames[below(kNames.size())], 1, kSide);
  }

  // ---- expressions

  Expr constant(Scalar value) {
    const double v = value.as_real();
    return {m_.constant(value), [v](Point&) { return v; }};
  }
  Expr index_value(IndexId i) {
    return {m_.index_value(i), [i](Point& p) { return static_cast<double>(p.indices[raw(i)]); }};
  }

  template <class F>
  Expr binary(Op op, const Expr& a, const Expr& b, F f) {
    return {m_.prim(op, {a.id, b.id}), [f, a = a.f, b = b.f](Point& p) {
              const double x = a(p);
              const double y = b(p);
              return static_cast<double>(f(x, y));
            }};
  }
  template <class F>
  Expr unary(Op op, const Expr& a, F f) {
    return {m_.prim(op, {a.id}), [f, a = a.f](Point& p) { return static_cast<double>(f(a(p))); }};
  }

  // An integer that lies in 1..kSide whatever the state.
  Expr position(int depth) {
    switch (below(4)) {
      case 0:
        return constant(Scalar::integer(static_cast<std::int64_t>(below(kSide)) + 1));
      case 1:
        if (!scope_.empty()) return index_value(any_of(scope_));
        [[fallthrough]];
      case 2: {
        const Array& latent = any_of(small_latents_);
        return {latent.load({}), [read = latent.read](Point& p) { return read(p, 0); }};
      }
      default:
        break;
    }
    const Expr size = unary(Op::abs, integer(depth - 1), [](double x) { return std::abs(x); });
    const Expr rest =
        binary(Op::modulo, size, constant(Scalar::integer(kSide)), [](double x, double y) { return std::fmod(x, y); });
    return binary(Op::add, rest, constant(Scalar::integer(1)), std::plus<>());
  }

  Expr load(ScalarType type, int depth) {
    std::vector<Array> fitting;
    for (const Array& a : arrays_) {
      if (a.type == type) fitting.push_back(a);
    }
    const Array array = any_of(fitting);
    std::vector<Expr> at;
    std::vector<ExprId> ids;
    for (std::size_t d = 0; d < array.rank; ++d) {
      at.push_back(position(depth - 1));
      ids.push_back(at.back().id);
    }
    if (array.rank > 0 && !scope_.empty() && below(4) == 0) return guarded_load(array, std::move(at), std::move(ids));
    return {array.load(ids), element(array, at)};
  }

  static Function element(const Array& array, const std::vector<Expr>& at) {
    return [read = array.read, at](Point& p) {
      std::size_t flat = 0;
      for (const Expr& e : at) flat = flat * kSide + static_cast<std::size_t>(e.f(p)) - 1;
      return read(p, flat);
    };
  }

  // if 1 < i then a[…, i - 1] else a[…, i]: without the choice, the first would read outside the array.
  Expr guarded_load(const Array& array, std::vector<Expr> at, std::vector<ExprId> ids) {
    const Expr i = index_value(any_of(scope_));
    const Expr one = constant(Scalar::integer(1));
    const Expr before = binary(Op::sub, i, one, std::minus<>());
    at.back() = before;
    ids.back() = before.id;
    const ExprId inside = array.load(ids);
    const Function inside_value = element(array, at);
    at.back() = i;
    ids.back() = i.id;
    const Function otherwise = element(array, at);
    return {m_.select(m_.prim(Op::lt, {one.id, i.id}), inside, array.load(ids)),
            [i, inside_value, otherwise](Point& p) { return i.f(p) > 1 ? inside_value(p) : otherwise(p); }};
  }

  Expr generate(ScalarType type, int depth) {
    switch (type) {
      case ScalarType::boolean:
        return boolean(depth);
      case ScalarType::integer:
        return integer(depth);
      case ScalarType::real:
        return real(depth);
    }
    return real(depth);
  }

  Expr choose(ScalarType type, int depth) {
    if (below(2) == 0) {
      const Expr c = boolean(depth - 1);
      const Expr a = generate(type, depth - 1);
      const Expr b = generate(type, depth - 1);
      return {m_.select(c.id, a.id, b.id), [c = c.f, a = a.f, b = b.f](Point& p) { return c(p) != 0 ? a(p) : b(p); }};
    }
    const Expr k = position(depth - 1);
    std::vector<ExprId> ids;
    std::vector<Function> functions;
    for (std::int64_t n = 0; n < kSide; ++n) {
      const Expr e = generate(type, depth - 2);
      ids.push_back(e.id);
      functions.push_back(e.f);
    }
    return {m_.pick(k.id, ids),
            [k = k.f, functions](Point& p) { return functions[static_cast<std::size_t>(k(p)) - 1](p); }};
  }

  Expr reduce(ir::Reduction reduction, ScalarType body_type, int depth) {
    const IndexId bound = below(8) == 0 ? m_.add_index("none", 1, 0) : new_index();
    const bool empty = m_.index(bound).extent() == 0;
    // the least and the greatest of nothing are not ordinary numbers
    const bool logical = reduction == ir::Reduction::all || reduction == ir::Reduction::any;
    if (empty && !logical) reduction = ir::Reduction::sum;
    scope_.push_back(bound);
    const Expr body = generate(body_type, depth - 1);
    scope_.pop_back();
    return {m_.reduce(reduction, bound, body.id), [reduction, bound, empty, body = body.f](Point& p) {
              std::vector<double> values;
              const std::int64_t old = p.indices[raw(bound)];
              for (std::int64_t k = 1; !empty && k <= kSide; ++k) {
                p.indices[raw(bound)] = k;
                values.push_back(body(p));
              }
              p.indices[raw(bound)] = old;
              return combine(reduction, values);
            }};
  }

  static double combine(ir::Reduction reduction, const std::vector<double>& values) {
    double result = reduction == ir::Reduction::product || reduction == ir::Reduction::all ? 1 : 0;
    switch (reduction) {
      case ir::Reduction::sum:
        for (const double v : values) result += v;
        return result;
      case ir::Reduction::product:
        for (const double v : values) result *= v;
        return result;
      case ir::Reduction::minimum:
        return *std::ranges::min_element(values);
      case ir::Reduction::maximum:
        return *std::ranges::max_element(values);
      case ir::Reduction::all:
        return std::ranges::count(values, 0.0) == 0 ? 1 : 0;
      case ir::Reduction::any:
        return std::ranges::count(values, 1.0) > 0 ? 1 : 0;
      case ir::Reduction::log_sum_exp:
        for (const double v : values) result += std::exp(v);
        return std::log(result);
    }
    return result;
  }

  Expr boolean(int depth) {
    if (depth <= 0) return below(3) == 0 ? constant(Scalar::boolean(below(2) == 0)) : load(ScalarType::boolean, 0);
    const auto type = static_cast<ScalarType>(below(3));
    switch (below(9)) {
      case 0:
        return load(ScalarType::boolean, depth);
      case 1:
        return binary(Op::logical_and, boolean(depth - 1), boolean(depth - 1),
                      [](double a, double b) { return a != 0 && b != 0; });
      case 2:
        return binary(Op::logical_or, boolean(depth - 1), boolean(depth - 1),
                      [](double a, double b) { return a != 0 || b != 0; });
      case 3:
        return unary(Op::logical_not, boolean(depth - 1), [](double a) { return a == 0; });
      case 4:
        return binary(Op::eq, generate(type, depth - 1), generate(type, depth - 1), std::equal_to<>());
      case 5:
        return binary(Op::ne, generate(type, depth - 1), generate(type, depth - 1), std::not_equal_to<>());
      case 6:
        return binary(Op::lt, generate(type, depth - 1), generate(type, depth - 1), std::less<>());
      case 7:
        return binary(Op::le, generate(type, depth - 1), generate(type, depth - 1), std::less_equal<>());
      default:
        break;
    }
    return below(2) == 0 ? choose(ScalarType::boolean, depth)
                         : reduce(below(2) == 0 ? ir::Reduction::all : ir::Reduction::any, ScalarType::boolean, depth);
  }

  Expr integer(int depth) {
    if (depth <= 0) {
      if (below(3) == 0 && !scope_.empty()) return index_value(any_of(scope_));
      return below(3) == 0 ? constant(Scalar::integer(static_cast<std::int64_t>(below(9)) - 3))
                           : load(ScalarType::integer, 0);
    }
    const auto quotient = [](double a, double b) { return b == 0 ? 0.0 : std::trunc(a / b); };
    switch (below(14)) {
      case 0:
        return load(ScalarType::integer, depth);
      case 1:
        return binary(Op::add, integer(depth - 1), integer(depth - 1), std::plus<>());
      case 2:
        return binary(Op::sub, integer(depth - 1), integer(depth - 1), std::minus<>());
      case 3:
        return binary(Op::mul, integer(depth - 1), position(depth - 1), std::multiplies<>());
      case 4:
        return unary(Op::neg, integer(depth - 1), std::negate<>());
      case 5:
        return binary(Op::int_div, integer(depth - 1), integer(depth - 1), quotient);
      case 6:
        return binary(Op::modulo, integer(depth - 1), integer(depth - 1),
                      [](double a, double b) { return b == 0 ? 0.0 : std::fmod(a, b); });
      case 7:
        return binary(Op::min, integer(depth - 1), integer(depth - 1),
                      [](double a, double b) { return std::min(a, b); });
      case 8:
        return binary(Op::max, integer(depth - 1), integer(depth - 1),
                      [](double a, double b) { return std::max(a, b); });
      case 9:
        return unary(Op::abs, integer(depth - 1), [](double a) { return std::abs(a); });
      case 10:
        return unary(Op::to_int, within(-5, 5, real(depth - 1)), [](double a) { return std::trunc(a); });
      case 11:
        return unary(Op::to_int, boolean(depth - 1), [](double a) { return a; });
      case 12:
        return choose(ScalarType::integer, depth);
      default:
        break;
    }
    static const std::vector kinds = {ir::Reduction::sum, ir::Reduction::minimum, ir::Reduction::maximum};
    return reduce(any_of(kinds), below(3) == 0 ? ScalarType::boolean : ScalarType::integer, depth);
  }

  // low + (high - low) / (1 + exp(-e))
  Expr within(double low, double high, const Expr& e) {
    const double width = high - low;
    return {m_.prim(Op::add, {m_.real(low), m_.prim(Op::mul, {m_.real(width), m_.prim(Op::inv_logit, {e.id})})}),
            [low, width, e = e.f](Point& p) { return low + width / (1 + std::exp(-e(p))); }};
  }

  Expr special(int depth) {
    const SpecialFunction& function = any_of(special_functions());
    std::vector<ExprId> ids;
    std::vector<Function> arguments;
    for (const auto& [low, high] : function.domain) {
      const Expr e = within(low, high, real(depth - 1));
      ids.push_back(e.id);
      arguments.push_back(e.f);
    }
    return {m_.prim(function.op, ids), [&function, arguments](Point& p) {
              std::vector<double> values;
              for (const Function& f : arguments) values.push_back(f(p));
              return static_cast<double>(function.meaning(values));
            }};
  }

  Expr real(int depth) {
    if (depth <= 0) return below(3) == 0 ? constant(Scalar::real(uniform(-2, 2))) : load(ScalarType::real, 0);
    switch (below(14)) {
      case 0:
        return load(ScalarType::real, depth);
      case 1:
        return binary(Op::add, real(depth - 1), real(depth - 1), std::plus<>());
      case 2:
        return binary(Op::sub, integer(depth - 1), real(depth - 1), std::minus<>());
      case 3:
        return binary(Op::mul, real(depth - 1), within(-1.5, 1.5, real(depth - 1)), std::multiplies<>());
      case 4:
        return unary(Op::neg, real(depth - 1), std::negate<>());
      case 5:
        return binary(Op::min, real(depth - 1), real(depth - 1), [](double a, double b) { return std::min(a, b); });
      case 6:
        return binary(Op::max, real(depth - 1), real(depth - 1), [](double a, double b) { return std::max(a, b); });
      case 7:
        return unary(Op::abs, real(depth - 1), [](double a) { return std::abs(a); });
      case 8:
        return unary(Op::to_real, below(2) == 0 ? integer(depth - 1) : boolean(depth - 1), [](double a) { return a; });
      case 9:
        return choose(ScalarType::real, depth);
      case 10: {
        static const std::vector kinds = {ir::Reduction::sum, ir::Reduction::minimum, ir::Reduction::maximum};
        return reduce(any_of(kinds), ScalarType::real, depth);
      }
      case 11: {
        // factors and exponents are kept small, so that the results are
        const bool product = below(2) == 0;
        const IndexId bound = new_index();
        scope_.push_back(bound);
        const Expr body = within(-1.5, 1.5, real(depth - 1));
        scope_.pop_back();
        const auto kind = product ? ir::Reduction::product : ir::Reduction::log_sum_exp;
        return {m_.reduce(kind, bound, body.id), [kind, bound, body = body.f](Point& p) {
                  std::vector<double> values;
                  const std::int64_t old = p.indices[raw(bound)];
                  for (std::int64_t k = 1; k <= kSide; ++k) {
                    p.indices[raw(bound)] = k;
                    values.push_back(body(p));
                  }
                  p.indices[raw(bound)] = old;
                  return combine(kind, values);
                }};
      }
      default:
        break;
    }
    return options_.special_functions ? special(depth) : load(ScalarType::real, depth);
  }

  std::mt19937_64 random_;
  RandomOptions options_;
  RandomModule out_;
  ir::Module m_;
  std::vector<Array> arrays_;
  std::vector<Array> small_latents_;  // scalar finite latents: their codes are positions
  std::vector<IndexId> scope_;
  std::vector<std::int64_t> cardinalities_;
  std::size_t finite_ = 0;
  std::size_t continuous_ = 0;
};

}  // namespace

Point RandomModule::point(const model::StateView& state) const {
  return {state.continuous, state.finite, std::vector<std::int64_t>(module.indices.size(), 0)};
}

double RandomModule::log_density(const model::StateView& state) const {
  double sum = 0;
  for (const RandomTerm& term : terms) {
    Point p = point(state);
    sum += term.total(p);
  }
  return sum;
}

ir::Grounding RandomModule::full_grounding() const {
  ir::Grounding grounding;
  std::size_t assignments = 1;
  std::vector<std::uint32_t> scope;
  for (const ir::Latent& latent : module.latents) {
    if (!latent.finite) continue;
    for (std::int64_t k = 0; k < latent.size(); ++k) {
      scope.push_back(static_cast<std::uint32_t>(scope.size()));
      grounding.variables.push_back({latent.name, static_cast<std::uint32_t>(latent.cardinality)});
      assignments *= static_cast<std::size_t>(latent.cardinality);
    }
  }
  for (std::uint32_t t = 0; t < module.terms.size(); ++t) {
    const ir::Term& term = module.terms[t];
    if (ir::dependence(module, term.body).finite.empty()) {
      grounding.closed_terms.push_back(ir::TermId{t});
      continue;
    }
    std::size_t instances = 1;
    for (const IndexId i : term.plate) instances *= static_cast<std::size_t>(module.index(i).extent());
    for (std::size_t k = 0; k < instances; ++k) {
      std::vector<std::int64_t> plate(term.plate.size());
      for (std::size_t d = plate.size(), rest = k; d-- > 0;) {
        const ir::IndexVar& index = module.index(term.plate[d]);
        const auto extent = static_cast<std::size_t>(index.extent());
        plate[d] = index.low + static_cast<std::int64_t>(rest % extent);
        rest /= extent;
      }
      grounding.factors.push_back({ir::TermId{t}, plate, scope, grounding.table_entries, assignments});
      grounding.table_entries += assignments;
    }
  }
  return grounding;
}

RandomModule random_module(std::uint64_t seed, const RandomOptions& options) { return Generator(seed, options).run(); }

}  // namespace hearsay::reference
