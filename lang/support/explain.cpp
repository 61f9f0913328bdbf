#include "lang/support/explain.h"

namespace hearsay {

std::string_view explanation(DiagnosticKind kind) {
  for (const ExplanationFile& file : explanation_files())
    if (file.name.starts_with(code(kind)) && file.name.substr(code(kind).size()) == ".md") return file.text;
  return {};
}

}  // namespace hearsay
