#include "lang/sema/vector_type.h"

#include <limits>

namespace hearsay {

using model::Constraint;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

std::optional<Constraint> vector_constraint(std::string_view word) {
  for (const Constraint c : {Constraint::simplex, Constraint::ordered, Constraint::positive_ordered,
                             Constraint::unit_vector, Constraint::cholesky_corr, Constraint::corr,
                             Constraint::cholesky_cov, Constraint::cov, Constraint::sum_to_zero})
    if (word == model::name(c)) return c;
  return std::nullopt;
}

std::vector<const ast::Expr*> sizes(const ast::TypeExpr& type) {
  std::vector<const ast::Expr*> all;
  for (const ast::ExprPtr& d : type.dims) all.push_back(d.get());
  const auto constraint = vector_constraint(type.base.text);
  if (constraint && model::rank(*constraint) == 2 && !all.empty()) all.push_back(all.back());
  return all;
}

ElementRange element_range(Constraint constraint) {
  switch (constraint) {
    case Constraint::simplex:
      return {0, 1};
    case Constraint::positive_ordered:
      return {0, infinity};
    case Constraint::unit_vector:
    case Constraint::cholesky_corr:
    case Constraint::corr:
      return {-1, 1};
    case Constraint::interval:
    case Constraint::ordered:
    case Constraint::cholesky_cov:
    case Constraint::cov:
    case Constraint::sum_to_zero:
      break;
  }
  return {-infinity, infinity};
}

std::optional<Constraint> ordering(const std::optional<ast::Bounds>& restriction) {
  if (!restriction || !restriction->elements) return std::nullopt;
  const auto* name = std::get_if<ast::NameRef>(&restriction->elements->node);
  if (name == nullptr) return std::nullopt;
  if (name->text == model::name(Constraint::ordered)) return Constraint::ordered;
  if (name->text == model::name(Constraint::positive_ordered)) return Constraint::positive_ordered;
  return std::nullopt;
}

}  // namespace hearsay
