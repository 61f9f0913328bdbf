// Compiling modules in tests: written down as text, grounded as widely as possible, compared with the reference
// evaluator.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "jit/compile.h"
#include "lang/eval/evaluator.h"
#include "lang/ir/layout.h"
#include "lang/ir/read.h"
#include "lang/ir/substitute.h"

namespace hearsay::test {

struct Model {
  std::shared_ptr<const ir::Module> module;
  std::shared_ptr<const ir::Grounding> grounding;
};

/// Every instance of every term that reads a finite latent gets all finite latents as its scope: more than it needs,
/// never less.
inline Model ground_widely(ir::Module m) {
  auto module = std::make_shared<const ir::Module>(std::move(m));
  ir::Grounding g;
  for (const ir::Latent& latent : module->latents) {
    if (!latent.finite) continue;
    for (std::int64_t k = 0; k < latent.size(); ++k) {
      g.variables.push_back({latent.name, static_cast<std::uint32_t>(latent.cardinality)});
    }
  }
  std::vector<std::uint32_t> scope;
  std::size_t size = 1;
  for (std::uint32_t v = 0; v < g.variables.size(); ++v) {
    scope.push_back(v);
    size *= g.variables[v].cardinality;
  }
  for (std::uint32_t t = 0; t < module->terms.size(); ++t) {
    const ir::Term& term = module->terms[t];
    if (ir::dependence(*module, term.body).finite.empty()) {
      g.closed_terms.push_back(ir::TermId{t});
      continue;
    }
    std::vector<std::int64_t> plate;
    const auto nest = [&](const auto& self, std::size_t d) -> void {
      if (d == term.plate.size()) {
        g.factors.push_back({ir::TermId{t}, plate, scope, g.table_entries, size});
        g.table_entries += size;
        return;
      }
      const ir::IndexVar& range = module->index(term.plate[d]);
      for (std::int64_t i = range.low; i <= range.high; ++i) {
        plate.push_back(i);
        self(self, d + 1);
        plate.pop_back();
      }
    };
    nest(nest, 0);
  }
  return {module, std::make_shared<const ir::Grounding>(std::move(g))};
}

inline Model parse(std::string_view text) {
  auto module = ir::read(text);
  if (!module) FAIL("line " << module.error().line << ": " << module.error().message);
  return ground_widely(std::move(*module));
}

/// Distance in units in the last place; equal infinities and NaN against NaN are 0, NaN against a number is the
/// largest.
inline double ulps(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return std::isnan(a) && std::isnan(b) ? 0 : std::numeric_limits<double>::infinity();
  }
  if (a == b) return 0;
  if (std::isinf(a) || std::isinf(b)) return std::numeric_limits<double>::infinity();
  const double scale = std::max(std::abs(a), std::abs(b));
  const double unit = std::nextafter(scale, std::numeric_limits<double>::infinity()) - scale;
  return std::isfinite(unit) ? std::abs(a - b) / unit : std::abs(a / scale - b / scale) * 0x1p53;
}

/// Native code without the disk cache unless asked for.
inline jit::Options options(jit::Optimization level, bool vectorize = true) {
  jit::Options o;
  o.optimization = level;
  o.vectorize = vectorize;
  o.cache = false;
  return o;
}

inline std::shared_ptr<const model::CompiledModel> native(const Model& m, const jit::Options& o) {
  auto compiled = jit::compile(m.module, m.grounding, o);
  if (!compiled) FAIL(compiled.error().message);
  return *compiled;
}

struct Answers {
  double closed = 0;
  std::vector<double> tables;
};

inline Answers evaluate(const model::CompiledModel& compiled, const std::vector<double>& continuous) {
  const auto evaluator = compiled.evaluator();
  Answers a;
  a.closed = evaluator->closed_terms(continuous);
  a.tables.resize(compiled.table_entries());
  evaluator->fill_tables(continuous, a.tables);
  return a;
}

struct Setting {
  const char* name;
  jit::Options options;
};
inline std::vector<Setting> settings() {
  using enum jit::Optimization;
  return {{"O0", options(O0)}, {"O1", options(O1)}, {"O2", options(O2)}, {"O2, scalar", options(O2, false)}};
}

/// Native = reference, for all settings: relative to the size of the terms (`scale`), since a sum may cancel.
inline void agree(const Model& m, const std::vector<double>& continuous, double tolerance = 1e-13, double scale = 1) {
  const auto reference = evaluate(*eval::compile_reference(m.module, m.grounding), continuous);
  const auto same = [&](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (a == b) return true;
    return std::abs(a - b) <= tolerance * std::max({scale, std::abs(a), std::abs(b)});
  };
  for (const Setting& setting : settings()) {
    CAPTURE(setting.name);
    const auto answers = evaluate(*native(m, setting.options), continuous);
    CHECK_MESSAGE(same(answers.closed, reference.closed), answers.closed << " against " << reference.closed);
    REQUIRE(answers.tables.size() == reference.tables.size());
    std::size_t wrong = 0;
    for (std::size_t k = 0; k < answers.tables.size(); ++k) {
      if (same(answers.tables[k], reference.tables[k])) continue;
      ++wrong;
      if (wrong == 1) MESSAGE("entry " << k << ": " << answers.tables[k] << " against " << reference.tables[k]);
    }
    CHECK(wrong == 0);
  }
}

}  // namespace hearsay::test
