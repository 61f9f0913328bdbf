// Derivatives of the primitives: the one table of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "lang/ir/ir.h"

namespace hearsay::pass {

/// `adjoint` times the derivative of op(operands) = `result` with respect to operand `k`, as an expression. Nothing
/// where the derivative is 0 almost everywhere (rounding, comparisons, conversions); see `differentiable`.
[[nodiscard]] std::optional<ir::ExprId> pull_back(ir::Module& module, Op op, std::span<const ir::ExprId> operands,
                                                  ir::ExprId result, std::size_t k, ir::ExprId adjoint);

/// False where op depends smoothly on operand `k` but its derivative is not known here.
[[nodiscard]] bool differentiable(Op op, std::size_t k);

/// a * b and a + b without multiplications by 1 and additions of 0.
[[nodiscard]] ir::ExprId times(ir::Module& module, ir::ExprId a, ir::ExprId b);
[[nodiscard]] ir::ExprId plus(ir::Module& module, ir::ExprId a, ir::ExprId b);

}  // namespace hearsay::pass
