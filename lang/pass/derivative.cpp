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
    case Op::digamma:
      return false;
    case Op::inc_beta:
      return k == 2;
    case Op::inc_gamma:
      return k == 1;
    default:
      return true;
  }
}

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
    case Op::inc_beta: {  // x^(a-1) (1-x)^(b-1) / B(a, b)
      const ExprId t = x[2];
      const ExprId log_density =
          p.sub(p.add(p(Op::xlogy, {p.sub(u, p.num(1)), t}), p(Op::xlog1py, {p.sub(v, p.num(1)), p.neg(t)})),
                p(Op::lbeta, {u, v}));
      return p.mul(a, p(Op::exp, {log_density}));
    }
    case Op::inc_gamma: {  // x^(a-1) e^(-x) / Γ(a)
      const ExprId log_density = p.sub(p.sub(p(Op::xlogy, {p.sub(u, p.num(1)), v}), v), p(Op::lgamma, {u}));
      return p.mul(a, p(Op::exp, {log_density}));
    }
    case Op::erf:
      return p.mul(a, p.mul(p.num(2 * std::numbers::inv_sqrtpi), p(Op::exp, {p.neg(p.mul(u, u))})));
    case Op::Phi:
      return p.mul(a, p.normal_density(u));
    case Op::inv_Phi:
      return p.div(a, p.normal_density(y));
    case Op::soft_event:
      // y = log(1 + (e^s - 1) q)
      if (k == 0) return p.mul(a, p.mul(v, p(Op::exp, {p.sub(u, y)})));
      return p.mul(a, p.mul(p(Op::expm1, {u}), p(Op::exp, {p.neg(y)})));
    case Op::digamma:  // not differentiable() yet
    case Op::int_div:
    case Op::modulo:
    case Op::floor:
    case Op::ceil:
    case Op::round:
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
  }
  return std::nullopt;
}

}  // namespace hearsay::pass
