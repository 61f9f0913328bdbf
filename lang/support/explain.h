// The long explanations of the catalogue, `hearsay help E0123`: what it means, an example that triggers it, how to mend
// it.
#pragma once

#include <span>
#include <string_view>

#include "lang/support/diagnostic.h"

namespace hearsay {

/// Markdown, from lang/support/explain/CODE.md; empty for a kind that has none.
[[nodiscard]] std::string_view explanation(DiagnosticKind kind);

/// One file of lang/support/explain; `name` without its folder ("E0201.md").
struct ExplanationFile {
  std::string_view name;
  std::string_view text;
};

/// All of them, in the order of their names. Defined in a generated file (.cmake/embed.cmake).
[[nodiscard]] std::span<const ExplanationFile> explanation_files();

}  // namespace hearsay
