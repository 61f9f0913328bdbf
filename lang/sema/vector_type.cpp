#include "lang/sema/vector_type.h"

#include <limits>

namespace hearsay {

using model::Constraint;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

std::optional<Constraint> vector_constraint(std::string_view word) {
  for (const Constraint c : model::kVectorConstraints)
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

ElementRange element_range(std::string_view word) {
  if (word == "positive" || word == model::name(Constraint::positive_ordered)) return {0, infinity, true};
  if (word == "nonnegative") return {0, infinity, false};
  if (word == "unit" || word == model::name(Constraint::simplex)) return {0, 1, false};
  for (const Constraint c : {Constraint::unit_vector, Constraint::cholesky_corr, Constraint::corr})
    if (word == model::name(c)) return {-1, 1, false};
  return {};
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
