// What simplexes, ordered vectors, Cholesky factors and their like demand of their elements.
#include <cmath>
#include <limits>

#include "lang/sema/lowerer.h"
#include "lang/sema/vector_type.h"

namespace hearsay {

using ir::ExprId;
using model::Constraint;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
/// Sums, lengths, symmetry and unit diagonals of values that come from outside may be off by this, as in Stan.
constexpr double kVectorTolerance = 1e-8;
}  // namespace

/// One index for each dimension of a value.
struct Lowerer::Elements {
  std::vector<ir::IndexId> indices;
  std::vector<ExprId> at;
};

Lowerer::Elements Lowerer::all_elements(const Sym& x) {
  Elements all;
  for (const std::int64_t extent : x.shape) {
    all.indices.push_back(module_->add_index("k", 1, extent));
    all.at.push_back(module_->index_value(all.indices.back()));
  }
  return all;
}

/// The condition that x satisfies the constraint; nothing where it is a latent that does by construction. That a matrix
/// is positive definite shows when its Cholesky factor is formed.
std::optional<ExprId> Lowerer::within_constraint(Constraint constraint, const Sym& x) {
  const Elements all = all_elements(x);
  const auto real_at = [&](std::span<const ExprId> at) { return module_->to_real(element(x, at)); };
  const ExprId e = real_at(all.at);
  const ir::Inst& in = module_->inst(e);
  if (in.code == ir::Opcode::latent && module_->latents[in.payload].constraint == constraint) return std::nullopt;

  std::optional<ExprId> every;
  const auto need = [&](ExprId c) { every = every ? module_->prim(Op::logical_and, {*every, c}) : c; };
  const auto each = [&](ExprId c) {
    for (std::size_t d = all.indices.size(); d-- > 0;) c = module_->reduce(ir::Reduction::all, all.indices[d], c);
    need(c);
  };
  const auto less = [&](ExprId a, ExprId b) { return module_->prim(Op::lt, {a, b}); };
  const auto near = [&](ExprId a, double b) {
    return module_->prim(Op::le, {module_->prim(Op::abs, {module_->prim(Op::sub, {a, module_->real(b)})}),
                                  module_->real(kVectorTolerance)});
  };
  const auto total = [&](ExprId term) { return module_->reduce(ir::Reduction::sum, all.indices[0], term); };
  const auto increasing = [&] {
    if (x.shape[0] < 2) return;
    const ir::IndexId k = module_->add_index("k", 2, x.shape[0]);
    const ExprId here = module_->index_value(k), before = module_->prim(Op::sub, {here, module_->integer(1)});
    need(module_->reduce(ir::Reduction::all, k, less(real_at(std::span(&before, 1)), real_at(std::span(&here, 1)))));
  };
  const auto diagonal = [&](const auto& condition) {
    const ir::IndexId k = module_->add_index("k", 1, x.shape[0]);
    const std::vector<ExprId> at(2, module_->index_value(k));
    need(module_->reduce(ir::Reduction::all, k, condition(real_at(at))));
  };
  const auto lower_triangular = [&] {
    const ExprId above = less(all.at[0], all.at[1]);
    each(module_->select(above, module_->prim(Op::eq, {e, module_->real(0)}), module_->boolean(true)));
    diagonal([&](ExprId d) { return less(module_->real(0), d); });
  };
  const auto symmetric = [&] {
    const std::vector<ExprId> mirrored{all.at[1], all.at[0]};
    each(near(module_->prim(Op::sub, {e, real_at(mirrored)}), 0));
  };
  switch (constraint) {
    case Constraint::interval:
      break;
    case Constraint::simplex:
      each(module_->prim(Op::le, {module_->real(0), e}));
      need(near(total(e), 1));
      break;
    case Constraint::ordered:
      increasing();
      break;
    case Constraint::positive_ordered:
      each(less(module_->real(0), e));
      increasing();
      break;
    case Constraint::unit_vector:
      need(near(total(module_->prim(Op::mul, {e, e})), 1));
      break;
    case Constraint::sum_to_zero:
      need(near(total(e), 0));
      break;
    case Constraint::cholesky_corr: {
      lower_triangular();
      const ExprId length = module_->reduce(ir::Reduction::sum, all.indices[1], module_->prim(Op::mul, {e, e}));
      need(module_->reduce(ir::Reduction::all, all.indices[0], near(length, 1)));
      break;
    }
    case Constraint::cholesky_cov:
      lower_triangular();
      break;
    case Constraint::corr:
      symmetric();
      diagonal([&](ExprId d) { return near(d, 1); });
      break;
    case Constraint::cov:
      symmetric();
      diagonal([&](ExprId d) { return less(module_->real(0), d); });
      break;
  }
  return every;
}

/// The condition that a vector or matrix lies in the declared support; nothing where that is proved. In the
/// distribution's scope.
std::optional<ExprId> Lowerer::inside_vector_support(const ast::TypeExpr& over, const Sym& x) {
  const std::string& base = over.base.text;
  if (const auto constraint = vector_constraint(base)) return within_constraint(*constraint, x);
  const Elements all = all_elements(x);
  const ExprId e = module_->to_real(element(x, all.at));
  const Interval r = range(e);
  auto [low, high, low_open] = element_range(base);
  bool high_open = false;
  if (over.bounds && !over.bounds->elements) {
    low = known_real(eval(*over.bounds->low), over.bounds->span, "a bound");
    high = known_real(eval(*over.bounds->high), over.bounds->span, "a bound");
    low_open = over.bounds->low_open;
    high_open = over.bounds->high_open;
  }
  std::optional<ExprId> inside;
  const auto need = [&](ExprId c) { inside = inside ? module_->prim(Op::logical_and, {*inside, c}) : c; };
  if (!(r.low >= low)) need(module_->prim(low_open ? Op::lt : Op::le, {module_->real(low), e}));
  if (!(r.high <= high)) need(module_->prim(high_open ? Op::lt : Op::le, {e, module_->real(high)}));
  // Data may be infinite (latents are not): no density there, whatever the formula says.
  const ir::Opcode code = module_->inst(e).code;
  if ((code == ir::Opcode::constant || code == ir::Opcode::data) && (std::isinf(r.low) || std::isinf(r.high)))
    need(module_->prim(Op::lt, {module_->prim(Op::abs, {e}), module_->real(infinity)}));
  if (!inside) return inside;
  for (std::size_t d = all.indices.size(); d-- > 0;)
    inside = module_->reduce(ir::Reduction::all, all.indices[d], *inside);
  return inside;
}

}  // namespace hearsay
