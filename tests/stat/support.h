// Running scripts about random models and comparing what they print.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/session/session.h"
#include "tests/reference/enumeration.h"
#include "tests/reference/generate.h"

namespace hearsay::test {

/// What a script printed, number by number (arrays element by element), and what it complained about.
struct Run {
  std::vector<double> values;
  std::vector<std::string> errors;
  std::vector<DiagnosticKind> kinds;

  [[nodiscard]] std::string first_error() const { return errors.empty() ? "" : errors[0]; }
};

inline Run run(const std::string& script, const Settings& settings) {
  Run r;
  SessionOutput out;
  out.print = [&](const Printed& p) {
    const auto* array = p.value.array();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) r.values.push_back(array->at(i).as_real());
  };
  out.diagnostic = [&](const Diagnostic& d) {
    r.errors.push_back(d.message);
    r.kinds.push_back(d.kind);
  };
  Session session(settings, out);
  session.run_text("random", script);
  return r;
}

inline Settings reference_backend() {
  Settings s;
  s.backend = Backend::reference;
  return s;
}

inline Settings native(jit::Optimization optimization) {
  Settings s;
  s.backend = Backend::native;
  s.jit.optimization = optimization;
  s.jit.cache = false;  // thousands of modules that nobody will want again
  return s;
}

/// HEARSAY_MODELS sets the number of models; the suite's own run takes a part of the ten thousand that a full run does.
inline int models(int otherwise) {
  const char* n = std::getenv("HEARSAY_MODELS");
  return n != nullptr ? std::atoi(n) : otherwise;
}

/// Probabilities: 1e−9 relatively, and absolutely to 1e−12 where they are small.
inline bool close(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(b), 1e-3); }
/// Log-weights and charges (nats).
inline bool close_nats(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(b), 1.0); }

}  // namespace hearsay::test
