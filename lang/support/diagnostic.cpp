#include "lang/support/diagnostic.h"

#include <array>
#include <cstddef>

namespace hearsay {
namespace {

struct Entry {
  std::string_view code;
  std::string_view identifier;
  Severity severity;
};

constexpr auto catalogue = std::to_array<Entry>({
#define HEARSAY_DIAGNOSTIC(code, name, severity, format) {#code, #name, Severity::severity},
#include "lang/support/diagnostic.def"
#undef HEARSAY_DIAGNOSTIC
});

const Entry& entry(DiagnosticKind kind) { return catalogue[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view code(DiagnosticKind kind) { return entry(kind).code; }

std::string_view identifier(DiagnosticKind kind) { return entry(kind).identifier; }

Severity severity(DiagnosticKind kind) { return entry(kind).severity; }

bool find_code(std::string_view code, DiagnosticKind& kind) {
  for (const DiagnosticKind candidate : all_diagnostic_kinds()) {
    if (entry(candidate).code != code) continue;
    kind = candidate;
    return true;
  }
  return false;
}

std::vector<DiagnosticKind> all_diagnostic_kinds() {
  std::vector<DiagnosticKind> kinds;
  kinds.reserve(catalogue.size());
  for (std::size_t i = 0; i < catalogue.size(); ++i) kinds.push_back(static_cast<DiagnosticKind>(i));
  return kinds;
}

void DiagnosticSink::report(Diagnostic d) {
  if (severity(d.kind) == Severity::error) ++errors_;
  diagnostics_.push_back(std::move(d));
}

std::vector<Diagnostic> DiagnosticSink::take() {
  errors_ = 0;
  return std::exchange(diagnostics_, {});
}

}  // namespace hearsay
