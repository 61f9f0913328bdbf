// Constant folding and the removal of operations that do nothing.
#include <cmath>

#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"

namespace hearsay::pass {

using ir::ExprId;

namespace {

class Folder final : public ir::Rewriter {
public:
  using Rewriter::Rewriter;

protected:
  ExprId replace(ir::Inst in) override {
    switch (in.code) {
      case ir::Opcode::prim:
        return fold_prim(std::move(in));
      case ir::Opcode::select:
        if (const Scalar* c = module_.constant(in.operands[0])) return c->truth() ? in.operands[1] : in.operands[2];
        // Not where a finite latent decides: a prior that is the same for all values (a fair coin) still makes it a
        // variable.
        if (in.operands[1] == in.operands[2] && ir::dependence(module_, in.operands[0]).finite.empty())
          return in.operands[1];
        break;
      case ir::Opcode::pick:
        if (const Scalar* c = module_.constant(in.operands[0]))
          if (c->i >= 1 && c->i < static_cast<std::int64_t>(in.operands.size()))
            return in.operands[static_cast<std::size_t>(c->i)];
        break;
      case ir::Opcode::data: {
        const ir::Data& d = module_.data[in.payload];
        std::size_t flat = 0;
        bool known = true;
        for (std::size_t k = 0; k < in.operands.size() && known; ++k) {
          const Scalar* c = module_.constant(in.operands[k]);
          known = c != nullptr && c->i >= 1 && c->i <= d.shape[k];
          if (known) flat = flat * static_cast<std::size_t>(d.shape[k]) + static_cast<std::size_t>(c->i - 1);
        }
        if (known) return module_.constant(d.at(flat));
        break;
      }
      case ir::Opcode::constant:
      case ir::Opcode::index:
      case ir::Opcode::latent:
      case ir::Opcode::let:
      case ir::Opcode::reduce:
        break;
    }
    return module_.intern(std::move(in));
  }

private:
  bool is_prim(ExprId e, Op op) const {
    const ir::Inst& in = module_.inst(e);
    return in.code == ir::Opcode::prim && static_cast<Op>(in.payload) == op;
  }
  bool is(ExprId e, double v) const {
    const Scalar* c = module_.constant(e);
    return c != nullptr && c->as_real() == v && !(v == 0 && std::signbit(c->as_real()));
  }

  ExprId fold_prim(ir::Inst in) {
    const auto op = static_cast<Op>(in.payload);
    std::vector<Scalar> values;
    for (const ExprId e : in.operands)
      if (const Scalar* c = module_.constant(e)) values.push_back(*c);
    if (values.size() == in.operands.size()) return module_.constant(hearsay::apply(op, values));
    const auto a = [&](std::size_t i) { return in.operands[i]; };
    switch (op) {
      case Op::add:
        if (is(a(0), 0)) return a(1);
        if (is(a(1), 0)) return a(0);
        break;
      case Op::sub:
        if (is(a(1), 0)) return a(0);
        break;
      case Op::mul:
        if (is(a(0), 1)) return a(1);
        if (is(a(1), 1)) return a(0);
        break;
      case Op::div:
        if (is(a(1), 1)) return a(0);
        break;
      case Op::exp:
        // Of the log of a probability: the same number but for the rounding of the detour.
        if (is_prim(a(0), Op::log)) return module_.inst(a(0)).operands[0];
        if (module_.inst(a(0)).code == ir::Opcode::select) {
          const ir::Inst s = module_.inst(a(0));
          const auto exp_of = [&](ExprId e) {
            ir::Inst x;
            x.code = ir::Opcode::prim;
            x.type = ScalarType::real;
            x.payload = static_cast<std::uint32_t>(Op::exp);
            x.operands = {e};
            return fold_prim(std::move(x));
          };
          const ExprId then_value = exp_of(s.operands[1]), else_value = exp_of(s.operands[2]);
          return module_.select(s.operands[0], then_value, else_value);
        }
        break;
      case Op::logical_and:
      case Op::logical_or: {
        const bool conjunction = op == Op::logical_and;
        for (std::size_t i = 0; i < 2; ++i)
          if (const Scalar* c = module_.constant(a(i))) return c->truth() == conjunction ? a(1 - i) : a(i);
        break;
      }
      case Op::logical_not:
        if (is_prim(a(0), Op::logical_not)) return module_.inst(a(0)).operands[0];
        break;
      case Op::eq:
        if (a(0) == a(1) && module_.type(a(0)) != ScalarType::real) return module_.boolean(true);
        break;
      default:
        break;
    }
    return module_.intern(std::move(in));
  }
};

}  // namespace

void specialise(ir::Module& module) {
  Folder fold(module);
  for (ir::Let& l : module.lets) l.body = fold(l.body);
  for (ir::Quantity& q : module.quantities) q.body = fold(q.body);
  std::vector<ir::Term> terms;
  for (ir::Term& t : module.terms) {
    t.body = fold(t.body);
    const Scalar* c = module.constant(t.body);
    if (c != nullptr && c->as_real() == 0) continue;  // says nothing
    terms.push_back(std::move(t));
  }
  module.terms = std::move(terms);
}

}  // namespace hearsay::pass
