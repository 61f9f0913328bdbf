#include "lang/pass/derivative.h"

#include <cmath>
#include <numbers>

namespace hearsay::pass {

using ir::ExprId;
using ir::Module;

namespace {

bool is(const Module& m, ExprId e, double value) {
  const Scalar* c = m.constant(e);
  return c != nullptr && c->type == ScalarType::real && c->r == value;
}

/// Writes expressions the way they are written on paper.
class Paper {
public:
  Paper(Module& m, ExprId adjoint) : m_(m), a(adjoint) {}
  ExprId operator()(Op op, std::initializer_list<ExprId> operands) { return m_.prim(op, operands); }
  ExprId num(double v) { return m_.real(v); }
  ExprId add(ExprId x, ExprId y) { return plus(m_, x, y); }
  ExprId sub(ExprId x, ExprId y) { return is(m_, y, 0) ? x : m_.prim(Op::sub, {x, y}); }
  ExprId mul(ExprId x, ExprId y) { return times(m_, x, y); }
  ExprId div(ExprId x, ExprId y) { return is(m_, y, 1) ? x : m_.prim(Op::div, {x, y}); }
  ExprId neg(ExprId x) { return m_.prim(Op::neg, {x}); }
  ExprId choose(ExprId c, ExprId x, ExprId y) { return m_.select(c, x, y); }
  /// The density of the standard normal.
  ExprId normal_density(ExprId x) {
    const ExprId square = mul(x, x);
    return mul(num(std::numbers::inv_sqrtpi / std::numbers::sqrt2), (*this)(Op::exp, {mul(num(-0.5), square)}));
  }

private:
  Module& m_;

public:
  const ExprId a;  ///< the adjoint of the result
};

}  // namespace

ExprId times(Module& m, ExprId a, ExprId b) {
  if (is(m, a, 1)) return b;
  if (is(m, b, 1)) return a;
  if (is(m, a, -1)) return m.prim(Op::neg, {b});
  if (is(m, b, -1)) return m.prim(Op::neg, {a});
  return m.prim(Op::mul, {a, b});
}

ExprId plus(Module& m, ExprId a, ExprId b) {
  if (is(m, a, 0)) return b;
  if (is(m, b, 0)) return a;
  return m.prim(Op::add, {a, b});
}

bool differentiable(Op op, std::size_t k) {
  switch (op) {
    case Op::trigamma:
    case Op::mdigamma:
      return false;
    case Op::inc_beta:
    case Op::inc_betac:
      return k == 2;
    // The order, the dimension and the shape are data as a rule; what is known is the derivative by the argument.
    case Op::inc_gamma:
    case Op::gamma_q:
    case Op::lmgamma:
    case Op::bessel_first_kind:
    case Op::bessel_second_kind:
    case Op::modified_bessel_first_kind:
    case Op::modified_bessel_second_kind:
    case Op::log_modified_bessel_first_kind:
      return k == 1;
    default:
      return true;
  }
}

namespace {

// The rest of the table: error functions, gamma and Bessel functions, inverses, evidence.
std::optional<ExprId> pull_back_special(Paper& p, Op op, std::span<const ExprId> x, ExprId y, std::size_t k) {
  const ExprId a = p.a;
  const ExprId u = x[0];
  const ExprId v = x.size() > 1 ? x[1] : ExprId{};
  const ExprId one = p.num(1);
  // order / argument times f, 0 for order 0 (the argument may be 0 there)
  const auto order_term = [&](ExprId f) { return p.choose(p(Op::eq, {u, p.num(0)}), p.num(0), p.mul(p.div(u, v), f)); };
  switch (op) {
    case Op::inc_beta:
    case Op::inc_betac: {  // x^(a-1) (1-x)^(b-1) / B(a, b), and less that
      const ExprId t = x[2];
      const ExprId log_density = p.sub(
          p.add(p(Op::xlogy, {p.sub(u, one), t}), p(Op::xlog1py, {p.sub(v, one), p.neg(t)})), p(Op::lbeta, {u, v}));
      const ExprId density = p.mul(a, p(Op::exp, {log_density}));
      return op == Op::inc_beta ? density : p.neg(density);
    }
    case Op::inc_gamma:
    case Op::gamma_q: {  // x^(a-1) e^(-x) / Γ(a), and less that
      const ExprId log_density = p.sub(p.sub(p(Op::xlogy, {p.sub(u, one), v}), v), p(Op::lgamma, {u}));
      const ExprId density = p.mul(a, p(Op::exp, {log_density}));
      return op == Op::inc_gamma ? density : p.neg(density);
    }
    case Op::erf:
      return p.mul(a, p.mul(p.num(2 * std::numbers::inv_sqrtpi), p(Op::exp, {p.neg(p.mul(u, u))})));
    case Op::erfc:
      return p.mul(a, p.mul(p.num(-2 * std::numbers::inv_sqrtpi), p(Op::exp, {p.neg(p.mul(u, u))})));
    case Op::inv_erfc:
      return p.mul(a, p.mul(p.num(-0.5 / std::numbers::inv_sqrtpi), p(Op::exp, {p.mul(y, y)})));
    case Op::erfcx:
      return p.mul(a, p.sub(p.mul(p.num(2), p.mul(u, y)), p.num(2 * std::numbers::inv_sqrtpi)));
    case Op::Phi:
      return p.mul(a, p.normal_density(u));
    case Op::log_Phi:  // density / Phi = sqrt(2/pi) / erfcx(-u / sqrt 2)
      return p.div(p.mul(a, p.num(std::numbers::sqrt2 * std::numbers::inv_sqrtpi)),
                   p(Op::erfcx, {p.mul(p.num(-1 / std::numbers::sqrt2), u)}));
    case Op::inv_Phi:
      return p.div(a, p.normal_density(y));
    case Op::owens_t: {
      if (k == 0) {
        const ExprId inside = p(Op::erf, {p.mul(p.mul(u, v), p.num(1 / std::numbers::sqrt2))});
        return p.mul(a, p.mul(p.num(-0.5), p.mul(p.normal_density(u), inside)));
      }
      const ExprId slope = p.add(one, p.mul(v, v));
      const ExprId exponent = p.mul(p.num(-0.5), p.mul(p.mul(u, u), slope));
      return p.mul(a, p.div(p.mul(p.num(0.5 * std::numbers::inv_pi), p(Op::exp, {exponent})), slope));
    }
    case Op::tgamma:
      return p.mul(a, p.mul(y, p(Op::digamma, {u})));
    case Op::digamma:
      return p.mul(a, p(Op::trigamma, {u}));
    case Op::lmgamma:
      return p.mul(a, p(Op::mdigamma, {u, v}));
    case Op::bessel_first_kind:
    case Op::bessel_second_kind:
    case Op::modified_bessel_second_kind:
      return p.mul(a, p.sub(order_term(y), p(op, {p.add(u, one), v})));
    case Op::modified_bessel_first_kind:
      return p.mul(a, p.add(order_term(y), p(op, {p.add(u, one), v})));
    case Op::log_modified_bessel_first_kind:
      return p.mul(a, p.add(order_term(one), p(Op::exp, {p.sub(p(op, {p.add(u, one), v}), y)})));
    case Op::lambert_w0:
    case Op::lambert_wm1:  // 1 / (x + e^w)
      return p.div(a, p.add(u, p(Op::exp, {y})));
    case Op::soft_event:
      // y = log(1 + (e^s - 1) q)
      if (k == 0) return p.mul(a, p.mul(v, p(Op::exp, {p.sub(u, y)})));
      return p.mul(a, p.mul(p(Op::expm1, {u}), p(Op::exp, {p.neg(y)})));
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<ExprId> pull_back(Module& m, Op op, std::span<const ExprId> x, ExprId y, std::size_t k, ExprId adjoint) {
  Paper p(m, adjoint);
  const ExprId a = adjoint;
  const ExprId u = x[0];
  const ExprId v = x.size() > 1 ? x[1] : ExprId{};
  const auto digamma = [&](ExprId e) { return p(Op::digamma, {e}); };
  switch (op) {
    case Op::add:
      return a;
    case Op::sub:
      return k == 0 ? a : p.neg(a);
    case Op::mul:
      return p.mul(a, k == 0 ? v : u);
    case Op::neg:
      return p.neg(a);
    case Op::div:
      return k == 0 ? p.div(a, v) : p.neg(p.div(p.mul(a, y), v));
    case Op::pow:
      if (k == 0) {
        if (is(m, v, 2)) return p.mul(a, p.mul(p.num(2), u));
        return p.mul(a, p.mul(v, p(Op::pow, {u, p.sub(v, p.num(1))})));
      }
      // u^v log u, which is 0 where u is 0 (for v > 0).
      return p.choose(p(Op::eq, {u, p.num(0)}), p.num(0), p.mul(a, p.mul(y, p(Op::log, {u}))));
    case Op::min:
      return k == 0 ? p.choose(p(Op::le, {u, v}), a, p.num(0)) : p.choose(p(Op::le, {u, v}), p.num(0), a);
    case Op::max:
      return k == 0 ? p.choose(p(Op::le, {v, u}), a, p.num(0)) : p.choose(p(Op::le, {v, u}), p.num(0), a);
    case Op::abs:
      return p.choose(p(Op::lt, {u, p.num(0)}), p.neg(a), a);
    case Op::exp:
      return p.mul(a, y);
    case Op::expm1:
      return p.mul(a, p.add(y, p.num(1)));
    case Op::log:
      return p.div(a, u);
    case Op::log1p:
      return p.div(a, p.add(p.num(1), u));
    case Op::sqrt:
      return p.div(a, p.mul(p.num(2), y));
    case Op::log1p_exp:
      return p.mul(a, p(Op::inv_logit, {u}));
    case Op::log1m_exp:
      return p.neg(p.div(a, p(Op::expm1, {p.neg(u)})));
    case Op::log_add_exp: {
      // Equal arguments may both be infinite.
      const ExprId d = k == 0 ? p.sub(u, v) : p.sub(v, u);
      return p.mul(a, p.choose(p(Op::eq, {u, v}), p.num(0.5), p(Op::inv_logit, {d})));
    }
    case Op::xlogy:
      if (k == 0) return p.mul(a, p(Op::log, {v}));
      return p.choose(p(Op::eq, {u, p.num(0)}), p.num(0), p.div(p.mul(a, u), v));
    case Op::xlog1py:
      if (k == 0) return p.mul(a, p(Op::log1p, {v}));
      return p.choose(p(Op::eq, {u, p.num(0)}), p.num(0), p.div(p.mul(a, u), p.add(p.num(1), v)));
    case Op::logit:
      return p.div(a, p.mul(u, p.sub(p.num(1), u)));
    case Op::inv_logit:
      return p.mul(a, p.mul(y, p.sub(p.num(1), y)));
    case Op::log_inv_logit:
      return p.mul(a, p(Op::inv_logit, {p.neg(u)}));
    case Op::sin:
      return p.mul(a, p(Op::cos, {u}));
    case Op::cos:
      return p.neg(p.mul(a, p(Op::sin, {u})));
    case Op::tan:
      return p.mul(a, p.add(p.num(1), p.mul(y, y)));
    case Op::atan:
      return p.div(a, p.add(p.num(1), p.mul(u, u)));
    case Op::exp2:
      return p.mul(a, p.mul(y, p.num(std::numbers::ln2)));
    case Op::log2:
      return p.div(a, p.mul(u, p.num(std::numbers::ln2)));
    case Op::log10:
      return p.div(a, p.mul(u, p.num(std::numbers::ln10)));
    case Op::cbrt:
      return p.div(a, p.mul(p.num(3), p.mul(y, y)));
    case Op::hypot:
      return p.div(p.mul(a, x[k]), y);
    case Op::fmod:
      return k == 0 ? a : p.neg(p.mul(a, p(Op::trunc, {p.div(u, v)})));
    case Op::fma:
      return k == 2 ? a : p.mul(a, k == 0 ? v : u);
    case Op::log_diff_exp:
      return p.neg(p.div(a, p(Op::expm1, {k == 0 ? p.sub(v, u) : p.sub(u, v)})));
    case Op::log_inv_logit_diff: {
      const ExprId step = p(Op::expm1, {k == 0 ? p.sub(v, u) : p.sub(u, v)});
      return p.neg(p.mul(a, p.add(p.div(p.num(1), step), p(Op::inv_logit, {x[k]}))));
    }
    case Op::asin:
      return p.div(a, p(Op::sqrt, {p.sub(p.num(1), p.mul(u, u))}));
    case Op::acos:
      return p.neg(p.div(a, p(Op::sqrt, {p.sub(p.num(1), p.mul(u, u))})));
    case Op::atan2: {
      const ExprId square = p.add(p.mul(u, u), p.mul(v, v));
      return k == 0 ? p.div(p.mul(a, v), square) : p.neg(p.div(p.mul(a, u), square));
    }
    case Op::sinh:
      return p.mul(a, p(Op::cosh, {u}));
    case Op::cosh:
      return p.mul(a, p(Op::sinh, {u}));
    case Op::asinh:
      return p.div(a, p(Op::hypot, {p.num(1), u}));
    case Op::acosh:
      return p.div(a, p(Op::sqrt, {p.sub(p.mul(u, u), p.num(1))}));
    case Op::atanh:
      return p.div(a, p.sub(p.num(1), p.mul(u, u)));
    case Op::tanh:
      return p.mul(a, p.sub(p.num(1), p.mul(y, y)));
    case Op::lgamma:
      return p.mul(a, digamma(u));
    case Op::lbeta:
      return p.mul(a, p.sub(digamma(x[k]), digamma(p.add(u, v))));
    case Op::lchoose: {
      const ExprId rest = digamma(p.add(p.sub(u, v), p.num(1)));
      if (k == 0) return p.mul(a, p.sub(digamma(p.add(u, p.num(1))), rest));
      return p.mul(a, p.sub(rest, digamma(p.add(v, p.num(1)))));
    }
    case Op::trigamma:  // not differentiable()
    case Op::mdigamma:
    case Op::int_div:
    case Op::modulo:
    case Op::floor:
    case Op::ceil:
    case Op::round:
    case Op::trunc:
    case Op::to_real:
    case Op::to_int:
    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::logical_and:
    case Op::logical_or:
    case Op::logical_not:
      return std::nullopt;
    default:
      break;
  }
  return pull_back_special(p, op, x, y, k);
}

}  // namespace hearsay::pass
