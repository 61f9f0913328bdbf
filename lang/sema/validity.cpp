// What the types of a distribution's parameters demand of its arguments.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lang/ir/substitute.h"
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"
#include "lang/sema/vector_type.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

/// What the parameter types demand, as one condition; nothing when it is proved. Known violations are reported at once.
std::optional<ExprId> Lowerer::validity(const DistInstance& d) {
  if (d.condition) {
    const auto a = validity(*d.then_dist), b = validity(*d.else_dist);
    if (!a && !b) return std::nullopt;
    const ExprId yes = module_->boolean(true);
    return module_->select(expr(*d.condition), a.value_or(yes), b.value_or(yes));
  }
  std::optional<ExprId> all;
  const auto demand = [&](ExprId condition) {
    all = all ? module_->prim(Op::logical_and, {*all, condition}) : condition;
  };
  for (std::size_t i = 0; i < d.arguments.size(); ++i) {
    const ast::Parameter& p = d.decl->parameters[i];
    const Sym& s = d.arguments[i];
    const std::string& type = p.type.base.text;
    if (type == "scalar" || type == "bool") continue;
    const auto constraint = vector_constraint(type);
    if (constraint && *constraint != model::Constraint::simplex && *constraint != model::Constraint::ordered) {
      const auto condition = within_constraint(*constraint, s);
      if (!condition) continue;
      const auto verdict = materialise(scalar(*condition));
      if (!verdict)
        demand(*condition);
      else if (!verdict->at(0).truth())
        raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text,
                                    "a " + std::string(model::name(*constraint)), describe(s));
      continue;
    }
    auto [low, high, low_open] = element_range(type);
    bool high_open = false;
    std::string text = type == "positive"      ? "positive"
                       : type == "nonnegative" ? "0 or more"
                       : type == "unit"        ? "between 0 and 1"
                       : type == "simplex"     ? "probabilities that sum to 1"
                                               : "finite";
    // Bounds may name other parameters, and then be known only at run time.
    std::optional<ExprId> low_at, high_at;
    if (p.type.bounds && !p.type.bounds->elements) {
      const auto end = [&](const ast::ExprPtr& e, double& known_end, std::optional<ExprId>& end_at) {
        in_dist_scope(d, [&] {
          const Sym v = eval(*e);
          if (const auto m = materialise(v); m && m->is_scalar()) {
            known_end = m->at(0).as_real();
          } else {
            end_at = real_expr(v);
          }
        });
      };
      end(p.type.bounds->low, low, low_at);
      end(p.type.bounds->high, high, high_at);
      low_open = p.type.bounds->low_open;
      high_open = p.type.bounds->high_open;
      text = fmt::format("in {}{}, {}{}", low_open ? '(' : '[', low, high, high_open ? ')' : ']');
    }
    if (type == "int" && s.type == ScalarType::real)
      raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, "a whole number", "real");
    const bool may_be_infinite = type == "real" && p.type.bounds;  // ends of an interval
    const auto fits = [&](double v) {
      return (low_open ? v > low : v >= low) && (high_open ? v < high : v <= high) &&
             (may_be_infinite || std::isfinite(v));
    };
    if (const auto v = materialise(s); v && !low_at && !high_at) {
      double sum = 0;
      if (type == "ordered")
        for (std::size_t k = 1; k < v->size(); ++k)
          if (!(v->at(k - 1).as_real() < v->at(k).as_real()))
            raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, "increasing", to_text(*v));
      for (std::size_t k = 0; k < v->size(); ++k) {
        const double x = v->at(k).as_real();
        sum += x;
        if (!fits(x))
          raise<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, text, to_text(v->at(k)));
      }
      if (type == "simplex" && !(std::abs(sum - 1) <= simplex_tolerance_))
        throw Failure{
            diagnose<K::invalid_parameter>(d.argument_spans[i], p.name.text, d.decl->name.text, text,
                                           fmt::format("{} with sum {}", to_text(*v), sum))
                .with_help(
                    "`normalize(p)` divides by the sum; weights by label, `{a: 1, b: 3}`, are normalised for you")};
      continue;
    }
    // Not known: prove it from ranges, else ask for it at run time.
    std::vector<ir::IndexId> indices;
    std::vector<ExprId> at;
    for (const std::int64_t extent : s.shape) {
      indices.push_back(module_->add_index("k", 1, extent));
      at.push_back(module_->index_value(indices.back()));
    }
    const ExprId e = module_->to_real(element(s, at));
    const Interval r = range(e);
    const Interval low_r = low_at ? range(*low_at) : Interval{low, low};
    const Interval high_r = high_at ? range(*high_at) : Interval{high, high};
    // An open end that a continuous latent approaches but never reaches counts as kept.
    const bool low_kept = r.low >= low_r.high && (!low_open || r.low > low_r.high || reaches_only_openly(e) ||
                                                  (low_at && reaches_only_openly(*low_at)));
    const bool high_kept = r.high <= high_r.low && (!high_open || r.high < high_r.low || reaches_only_openly(e) ||
                                                    (high_at && reaches_only_openly(*high_at)));
    std::optional<ExprId> ok;
    const auto need = [&](ExprId condition) { ok = ok ? module_->prim(Op::logical_and, {*ok, condition}) : condition; };
    if (!low_kept && (low_at || std::isfinite(low)))
      need(module_->prim(low_open ? Op::lt : Op::le, {low_at.value_or(module_->real(low)), e}));
    if (!high_kept && (high_at || std::isfinite(high)))
      need(module_->prim(high_open ? Op::lt : Op::le, {e, high_at.value_or(module_->real(high))}));
    if (type == "ordered" && s.shape.size() == 1 && s.shape[0] > 1) {
      const ir::IndexId k = module_->add_index("k", 2, s.shape[0]);
      const ExprId here = module_->index_value(k);
      const ExprId before = module_->prim(Op::sub, {here, module_->integer(1)});
      const ExprId step = module_->prim(Op::lt, {module_->to_real(element(s, std::span(&before, 1))),
                                                 module_->to_real(element(s, std::span(&here, 1)))});
      demand(module_->reduce(ir::Reduction::all, k, step));
    }
    if (ok) {
      for (std::size_t k = indices.size(); k-- > 0;) ok = module_->reduce(ir::Reduction::all, indices[k], *ok);
      demand(*ok);
    }
    if (type == "simplex" && !sums_to_one(e, indices)) {
      const ExprId sum = module_->reduce(ir::Reduction::sum, indices[0], e);
      const ExprId off = module_->prim(Op::abs, {module_->prim(Op::sub, {sum, module_->real(1)})});
      demand(module_->prim(Op::le, {off, module_->real(simplex_tolerance_)}));
    }
  }
  return all;
}

/// True for an element of a continuous latent whose support is open: its ends are never reached.
bool Lowerer::reaches_only_openly(ExprId e) const {
  const ir::Inst& in = module_->inst(e);
  if (in.code != ir::Opcode::latent || module_->latents[in.payload].finite) return false;
  switch (module_->latents[in.payload].constraint) {
    case model::Constraint::unit_vector:
    case model::Constraint::cholesky_corr:
    case model::Constraint::corr:
      return false;  // 1 stands on the diagonal, and in a vector of one element
    default:
      return true;
  }
}

/// A latent simplex, rows of a known table, or weights divided by their own sum.
bool Lowerer::sums_to_one(ExprId e, const std::vector<ir::IndexId>& indices) {
  const ir::Inst& in = module_->inst(e);
  if (in.code == ir::Opcode::latent && module_->latents[in.payload].constraint == model::Constraint::simplex)
    return indices.size() == 1 && in.operands.back() == module_->index_value(indices[0]);
  if (in.code == ir::Opcode::data && indices.size() == 1 && in.operands.back() == module_->index_value(indices[0])) {
    const ir::Data& d = module_->data[in.payload];
    const auto n = static_cast<std::size_t>(d.shape.back());
    for (std::size_t row = 0; row + n <= static_cast<std::size_t>(d.size()); row += n) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) sum += d.at(row + k).as_real();
      if (!(std::abs(sum - 1) <= simplex_tolerance_)) return false;
    }
    return true;
  }
  if (in.code == ir::Opcode::prim && static_cast<Op>(in.payload) == Op::div) {
    // e = w[k] / total where total = w[1] + … + w[n], as weights by label are written.
    const auto& v = module_->index(indices[0]);
    const ExprId numerator = in.operands[0], denominator = in.operands[1];
    ExprId total = module_->real(0);
    for (std::int64_t k = v.low; k <= v.high; ++k) {
      ExprId w = ir::substitute(*module_, numerator, {{static_cast<std::uint32_t>(indices[0]), module_->integer(k)}});
      const ir::Inst& wi = module_->inst(w);
      if (wi.code == ir::Opcode::pick)
        if (const Scalar* c = module_->constant(wi.operands[0])) w = wi.operands[static_cast<std::size_t>(c->i)];
      total = module_->prim(Op::add, {total, w});
    }
    return total == denominator;
  }
  return false;
}

}  // namespace hearsay
