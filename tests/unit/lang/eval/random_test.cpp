// The reference evaluator against the functions that the generator composes beside its random modules.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lang/eval/evaluator.h"
#include "tests/reference/random_ir.h"

using namespace hearsay;

namespace {

constexpr std::uint64_t kModules = 1500;

// The two sides round differently at each of some dozens of operations with values of order 1 to 1e3.
bool agree(double a, double b) { return std::abs(a - b) <= 1e-10 * (1 + std::abs(a) + std::abs(b)); }

}  // namespace

TEST_CASE("terms of random modules") {
  std::size_t checked = 0;
  for (std::uint64_t seed = 0; seed < kModules; ++seed) {
    const reference::RandomModule random = reference::random_module(seed);
    eval::ReferenceEvaluator evaluator(random.module);
    for (const reference::RandomState& state : random.states) {
      for (std::uint32_t t = 0; t < random.terms.size(); ++t) {
        reference::Point p = random.point(state.view());
        const double expected = random.terms[t].total(p);
        const double got = evaluator.term(ir::TermId{t}, state.view());
        CAPTURE(seed);
        CAPTURE(t);
        REQUIRE(std::isfinite(expected));
        CHECK_MESSAGE(agree(got, expected), got << " against " << expected);
        ++checked;
      }
      CHECK(agree(evaluator.log_density(state.view()), random.log_density(state.view())));
    }
  }
  CHECK(checked == kModules * 15);
}

TEST_CASE("values are remembered only as long as they hold") {
  // one evaluator that goes back and forth between states and instances, against a fresh one for every question
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const reference::RandomModule random = reference::random_module(seed, {.special_functions = false});
    eval::ReferenceEvaluator old(random.module);
    for (int round = 0; round < 2; ++round) {
      for (const reference::RandomState& state : random.states) {
        for (std::uint32_t t = 0; t < random.terms.size(); ++t) {
          std::vector<std::int64_t> plate(random.module.terms[t].plate.size(), 1 + round);
          eval::ReferenceEvaluator fresh(random.module);
          const double a = old.term(ir::TermId{t}, plate, state.view());
          const double b = fresh.term(ir::TermId{t}, plate, state.view());
          CAPTURE(seed);
          CHECK(a == b);
        }
      }
    }
  }
}

TEST_CASE("tables of random modules") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const auto random = reference::random_module(seed, {.depth = 3});
    const auto module = std::make_shared<const ir::Module>(random.module);
    const auto grounding = std::make_shared<const ir::Grounding>(random.full_grounding());
    const auto model = eval::compile_reference(module, grounding);
    REQUIRE(model->table_entries() == grounding->table_entries);
    const auto evaluator = model->evaluator();
    for (const reference::RandomState& state : random.states) {
      CAPTURE(seed);
      REQUIRE(model->continuous_dimension() == state.continuous.size());
      std::vector<double> tables(grounding->table_entries, NAN);
      evaluator->fill_tables(state.continuous, tables);
      double closed = 0;
      for (const ir::TermId t : grounding->closed_terms) {
        reference::Point p = random.point(state.view());
        closed += random.terms[raw(t)].total(p);
      }
      CHECK(agree(evaluator->closed_terms(state.continuous), closed));
      std::size_t wrong = 0;
      for (const ir::GroundFactor& factor : grounding->factors) {
        reference::RandomState at = state;
        for (std::size_t row = 0; row < factor.table_size; ++row) {
          for (std::size_t k = factor.scope.size(), rest = row; k-- > 0;) {
            const std::uint32_t n = grounding->variables[factor.scope[k]].cardinality;
            at.finite[factor.scope[k]] = static_cast<std::int32_t>(rest % n) + 1;
            rest /= n;
          }
          reference::Point p = random.point(at.view());
          const ir::Term& term = random.module.terms[raw(factor.term)];
          for (std::size_t d = 0; d < factor.plate.size(); ++d) p.indices[raw(term.plate[d])] = factor.plate[d];
          const double expected = random.terms[raw(factor.term)].instance(p);
          wrong += agree(tables[factor.table_offset + row], expected) ? 0 : 1;
        }
      }
      CHECK(wrong == 0);
    }
  }
}
