// Distributions of the standard library (or of any text), applied to arguments and asked for numbers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lang/eval/evaluator.h"
#include "lang/rng/stream.h"
#include "lang/sema/environment.h"
#include "lang/sema/lowerer.h"
#include "lang/support/source.h"

namespace hearsay::dist_test {

/// All declarations of stdlib, and what is added to them.
class Library {
public:
  Library();
  /// Declares the statements of `text`; what is there already under a name is replaced.
  void add(const std::string& name, const std::string& text);
  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] ast::ExprPtr parse(const std::string& expression) const;

private:
  mutable SourceManager sources_;
  std::vector<std::shared_ptr<const ast::Script>> scripts_;
  Environment environment_;
};

/// One distribution with known arguments: `normal(0, 1)`. Construction throws the diagnostic of bad arguments.
class Distribution {
public:
  Distribution(const Library& library, const std::string& application);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Support& support() const { return support_; }
  [[nodiscard]] bool has(const std::string& member) const;
  /// All arguments, arrays flattened.
  [[nodiscard]] const std::vector<double>& arguments() const { return arguments_; }

  /// Log density of a real number or log mass of a whole one, nats.
  [[nodiscard]] double logp(double x);
  /// Log mass of the k-th element of a finite support, 1-based, and that element.
  [[nodiscard]] double logp_of_code(std::int64_t code);
  [[nodiscard]] double value_of_code(std::int64_t code) { return lowerer_.decode(support_, code).as_real(); }
  /// Log density of one outcome that is known when lowering, as an observation is.
  [[nodiscard]] double logp_of(const Sym& outcome);
  /// P(low <= X <= high).
  [[nodiscard]] double probability(double low, double high);
  [[nodiscard]] Scalar draw(rng::Stream& stream);

private:
  std::string text_;
  std::shared_ptr<ir::Module> module_;
  Lowerer lowerer_;
  DistInstance instance_;
  Support support_;
  std::vector<double> arguments_;
  ir::ExprId logp_{}, probability_{};
  std::unique_ptr<eval::ReferenceEvaluator> evaluator_;
};

}  // namespace hearsay::dist_test
