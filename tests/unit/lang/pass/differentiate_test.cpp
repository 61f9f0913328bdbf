// The derivative made from expressions against differences of the function itself.
#include "lang/pass/differentiate.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "lang/eval/gradient.h"
#include "lang/pass/derivative.h"
#include "tests/reference/random_ir.h"

namespace {

using namespace hearsay;

/// Fourth-order central difference, and how far the second-order ones with half the step lie from it.
struct Difference {
  double slope = 0, spread = 0;
};
template <class F>
Difference difference(F&& f, double x, double h) {
  const double wide = (f(x + h) - f(x - h)) / (2 * h);
  const double narrow = (f(x + h / 2) - f(x - h / 2)) / h;
  return {(4 * narrow - wide) / 3, std::abs(narrow - wide)};
}

}  // namespace

TEST_CASE("every primitive's derivative agrees with differences inside its domain") {
  const std::array<std::array<double, 3>, 4> points{
      {{0.3, 0.45, 0.2}, {0.7, 0.15, 0.6}, {1.7, 2.9, 0.35}, {4.2, 1.3, 0.8}}};
  std::size_t compared = 0;
  for (const Op op : all_ops()) {
    const Typing typing = info(op).typing;
    if (typing != Typing::real_only && typing != Typing::arithmetic) continue;
    for (const auto& point : points)
      for (std::size_t k = 0; k < info(op).arity; ++k) {
        if (!pass::differentiable(op, k)) continue;
        ir::Module m;
        std::vector<ir::ExprId> operands;
        std::vector<Scalar> values;
        for (std::size_t i = 0; i < info(op).arity; ++i) {
          ir::Latent latent;
          latent.name = "x";
          latent.finite = false;
          m.add_latent(std::move(latent));
          operands.push_back(m.load_latent(static_cast<ir::LatentId>(i), {}));
          values.push_back(Scalar::real(op == Op::log1m_exp ? -point[i] : point[i]));
        }
        const auto at = [&](double x) {
          std::vector<Scalar> v = values;
          v[k] = Scalar::real(x);
          return hearsay::apply(op, std::span<const Scalar>(v)).r;
        };
        if (!std::isfinite(at(values[k].r))) continue;
        const Difference d = difference(at, values[k].r, 1e-3);
        if (!std::isfinite(d.slope)) continue;
        const auto back = pass::pull_back(m, op, operands, m.prim(op, operands), k, m.real(1));
        double slope = 0;
        if (back) {
          std::vector<double> x;
          for (const Scalar& v : values) x.push_back(v.r);
          eval::ReferenceEvaluator evaluator(m);
          slope = evaluator.value(*back, {x, {}}).as_real();
        }
        INFO(info(op).name, " operand ", k, " at ", values[k].r);
        CHECK(std::abs(slope - d.slope) <= 1e-6 * std::max(1.0, std::abs(d.slope)) + 0.02 * d.spread);
        ++compared;
      }
  }
  CHECK(compared > 150);
}

TEST_CASE("random modules: the gradient agrees with differences of the composed functions") {
  std::size_t compared = 0, kinks = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    reference::RandomModule random = reference::random_module(seed);
    auto gradient_of = pass::differentiate(random.module);
    if (!gradient_of) {
      // Only the functions that `differentiable` names.
      CHECK(gradient_of.error().kind == DiagnosticKind::not_supported_yet);
      continue;
    }
    CHECK(ir::verify(random.module) == "");
    std::vector<ir::TermId> terms(random.module.terms.size());
    for (std::size_t t = 0; t < terms.size(); ++t) terms[t] = static_cast<ir::TermId>(t);
    eval::ReferenceEvaluator evaluator(random.module);
    for (const reference::RandomState& state : random.states) {
      std::vector<double> gradient(state.continuous.size(), 0.0);
      eval::add_gradient(evaluator, random.module, *gradient_of, terms, state.view(), gradient);
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        const auto at = [&](double x) {
          reference::RandomState moved = state;
          moved.continuous[i] = x;
          return random.log_density(moved.view());
        };
        const Difference d = difference(at, state.continuous[i], 1e-4);
        // A kink or a jump nearby shows in differences that do not settle; there is no slope to compare with.
        if (!(d.spread <= 1e-4 * std::max(1.0, std::abs(d.slope)))) {
          ++kinks;
          continue;
        }
        INFO("seed ", seed, " element ", i);
        const double scale = std::max({1.0, std::abs(d.slope), 1e-4 * std::abs(at(state.continuous[i]))});
        CHECK(std::abs(gradient[i] - d.slope) <= 1e-5 * scale);
        ++compared;
      }
    }
  }
  CHECK(compared > 300);
  CHECK(kinks * 4 < compared);
}
