// Expectations of many quantities at once, each by itself: what reads one finite latent is answered by that latent's
// marginal, all of them by one calibration; what is linear in parts that would need a large table is split into them.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "runtime/session/posterior.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

namespace {

/// Tables up to this size are formed rather than avoided: one question instead of several.
constexpr double kSmallTable = 4096;
/// Parts that a quantity may be split into.
constexpr std::size_t kMostParts = 100000;

/// A constant and multiples of quantities, whose sum something is.
struct Linear {
  double constant = 0;
  std::vector<std::pair<ExprId, double>> parts;

  /// False where it has too many parts.
  bool add(ir::Module& m, ExprId e, double times) {
    if (parts.size() > kMostParts) return false;
    if (const Scalar* c = m.constant(e)) {
      constant += times * c->as_real();
      return true;
    }
    const ir::Inst in = m.inst(e);  // a copy: the store moves as sums are written out
    if (in.code == ir::Opcode::let && in.operands.empty() && m.lets[in.payload].binders.empty())
      return add(m, m.lets[in.payload].body, times);
    if (in.code == ir::Opcode::reduce && in.reduction == ir::Reduction::sum) {
      const ir::IndexVar range = m.index(ir::IndexId{in.payload});
      if (range.extent() > static_cast<std::int64_t>(kMostParts)) return false;
      for (std::int64_t k = range.low, left = range.extent(); left > 0; ++k, --left)
        if (!add(m, ir::substitute(m, in.operands[0], {{in.payload, m.integer(k)}}), times)) return false;
      return true;
    }
    if (in.code == ir::Opcode::prim) {
      const auto op = static_cast<Op>(in.payload);
      const auto value = [&](std::size_t k) -> std::optional<double> {
        ExprId operand = in.operands[k];
        // A whole number that was made a real one is as constant as before.
        if (m.inst(operand).code == ir::Opcode::prim && static_cast<Op>(m.inst(operand).payload) == Op::to_real)
          operand = m.inst(operand).operands[0];
        const Scalar* c = m.constant(operand);
        return c == nullptr ? std::nullopt : std::optional(c->as_real());
      };
      if (op == Op::add) return add(m, in.operands[0], times) && add(m, in.operands[1], times);
      if (op == Op::sub) return add(m, in.operands[0], times) && add(m, in.operands[1], -times);
      if (op == Op::neg) return add(m, in.operands[0], -times);
      if (op == Op::to_real && m.type(in.operands[0]) != ScalarType::boolean) return add(m, in.operands[0], times);
      if (op == Op::mul)
        for (std::size_t k = 0; k < 2; ++k)
          if (const auto c = value(k)) return add(m, in.operands[1 - k], times * *c);
      if (op == Op::div && m.type(e) == ScalarType::real)
        if (const auto c = value(1); c && *c != 0) return add(m, in.operands[0], times / *c);
    }
    parts.emplace_back(e, times);
    return true;
  }
};

}  // namespace

/// Of quantities that read at most one finite element each, in a model of finite latents; nothing where that is not so,
/// or the elements cannot all be kept at once.
std::optional<Result<std::vector<Estimate>>> Posterior::expect_by_marginals(std::span<const ExprId> quantities) const {
  if (quantities.size() < 2) return std::nullopt;
  const std::int64_t own = lowerer_->horizon_of(quantities);
  const ir::Module module = lowerer_->module_with_horizon(own);
  pass::Kept kept;
  std::vector<std::vector<FiniteElement>> reads;
  ir::DependenceMap depends(module);
  for (const ExprId q : quantities) {
    if (!depends(q).continuous.empty()) return std::nullopt;
    reads.push_back(scope(std::span(&q, 1), module));
    if (reads.back().size() > 1) return std::nullopt;
    for (const FiniteElement& e : reads.back())
      if (!module.latents[ir::raw(e.latent)].shape.empty()) kept[e.latent].insert(e.flat);
  }
  auto p = prepared({}, kept, own);
  if (!p || (*p)->continuous_dimension() > 0) return std::nullopt;
  const ir::StateLayout layout(module);
  eval::ReferenceEvaluator evaluator(module);
  std::vector<std::int32_t> codes(layout.finite, 0);
  std::vector<Estimate> result;
  for (std::size_t k = 0; k < quantities.size(); ++k) {
    std::vector<Estimate> weights{{1, 0}};
    std::int32_t* code = nullptr;
    if (!reads[k].empty()) {
      auto marginal = (*p)->marginal(reads[k][0]);
      if (!marginal) return fail(std::move(marginal).error());
      weights = *std::move(marginal);
      code = &codes[layout.offset[ir::raw(reads[k][0].latent)] + reads[k][0].flat];
    }
    Estimate sum;
    for (std::size_t v = 0; v < weights.size(); ++v) {
      if (code != nullptr) *code = static_cast<std::int32_t>(v) + 1;
      if (!(weights[v].value > 0)) continue;
      const double value = evaluator.value(quantities[k], {{}, codes}).as_real();
      if (std::isnan(value) || evaluator.compared_nan()) return fail(diagnose<K::undefined_density>({}));
      sum.value += weights[v].value * value;
    }
    if (code != nullptr) *code = 0;
    sum.error = std::abs(sum.value) * 2 * (*p)->series_error();
    result.push_back(sum);
  }
  return result;
}

Result<std::vector<Estimate>> Posterior::expect_each(std::span<const ExprId> quantities) const {
  try {
    ir::Module& m = lowerer_->module();
    const ir::Module module = lowerer_->module_with_horizon(lowerer_->horizon_of(quantities));
    std::vector<Linear> sums;
    std::vector<ExprId> parts;
    for (const ExprId q : quantities) {
      double table = 1;
      for (const FiniteElement& e : scope(std::span(&q, 1), module))
        table *= static_cast<double>(module.latents[ir::raw(e.latent)].cardinality);
      Linear l;
      if (!(table > kSmallTable) || !l.add(m, q, 1)) l = {0, {{q, 1}}};
      for (const auto& [part, times] : l.parts) parts.push_back(part);
      sums.push_back(std::move(l));
    }
    std::vector<Estimate> found;
    if (auto all = expect_by_marginals(parts)) {
      if (!*all) return fail(std::move(*all).error());
      found = **std::move(all);
    } else {
      for (const ExprId part : parts) {
        auto one = expect(std::span(&part, 1));
        if (!one) return one;
        found.push_back((*one)[0]);
      }
    }
    std::vector<Estimate> result;
    std::size_t at = 0;
    for (const Linear& l : sums) {
      Estimate e{l.constant, 0};
      for (const auto& [part, times] : l.parts) {
        const Estimate& f = found[at++];
        e.value += times * f.value;
        e.error += std::abs(times) * f.error;
        e.converged = e.converged && f.converged;
        e.tail_shape = std::max(e.tail_shape, f.tail_shape);
      }
      result.push_back(e);
    }
    return result;
  } catch (Failure& failure) {
    return fail(std::move(failure.diagnostic));
  }
}

}  // namespace hearsay
