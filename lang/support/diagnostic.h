// What is wrong, as data: a kind from the catalogue, the narrowest span, and what else to show. Rendering is elsewhere.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "lang/support/source.h"

namespace hearsay {

enum class Severity : std::uint8_t { error, warning };

enum class DiagnosticKind : std::uint16_t {
#define HEARSAY_DIAGNOSTIC(code, name, severity, format) name,
#include "lang/support/diagnostic.def"
#undef HEARSAY_DIAGNOSTIC
};

namespace detail {
template <DiagnosticKind>
struct DiagnosticFormat;
#define HEARSAY_DIAGNOSTIC(code, name, severity, format) \
  template <>                                            \
  struct DiagnosticFormat<DiagnosticKind::name> {        \
    static constexpr std::string_view text = format;     \
  };
#include "lang/support/diagnostic.def"
#undef HEARSAY_DIAGNOSTIC
}  // namespace detail

/// A second place that helps to understand the first ("declared here").
struct DiagnosticLabel {
  SourceSpan span;
  std::string text;
};

struct Diagnostic {
  DiagnosticKind kind{};
  SourceSpan primary;
  std::string message;
  std::vector<DiagnosticLabel> labels;
  std::string help;  ///< what to write instead; empty when there is nothing to add

  Diagnostic&& label(SourceSpan span, std::string text) && {
    labels.push_back({span, std::move(text)});
    return std::move(*this);
  }
  Diagnostic&& with_help(std::string text) && {
    help = std::move(text);
    return std::move(*this);
  }
};

/// Builds a diagnostic; the arguments are checked against the catalogue's format at compile time.
template <DiagnosticKind Kind, class... Args>
[[nodiscard]] Diagnostic diagnose(SourceSpan span, Args&&... args) {
  constexpr fmt::format_string<Args...> format{detail::DiagnosticFormat<Kind>::text};
  return {Kind, span, fmt::format(format, std::forward<Args>(args)...), {}, {}};
}

/// "E0201" for a kind; the kind for "E0201" (or nothing).
[[nodiscard]] std::string_view code(DiagnosticKind kind);
[[nodiscard]] std::string_view identifier(DiagnosticKind kind);
[[nodiscard]] Severity severity(DiagnosticKind kind);
[[nodiscard]] bool find_code(std::string_view code, DiagnosticKind& kind);
[[nodiscard]] std::vector<DiagnosticKind> all_diagnostic_kinds();

/// A value or the one diagnostic that says why there is none.
template <class T>
using Result = tl::expected<T, Diagnostic>;
[[nodiscard]] inline tl::unexpected<Diagnostic> fail(Diagnostic d) { return tl::unexpected<Diagnostic>(std::move(d)); }

/// Collects what a stage found; a stage goes on after an error where it can.
class DiagnosticSink {
public:
  void report(Diagnostic d);
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return diagnostics_; }
  [[nodiscard]] std::vector<Diagnostic> take();

private:
  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
};

}  // namespace hearsay
