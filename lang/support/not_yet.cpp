#include "lang/support/not_yet.h"

namespace hearsay {

const std::vector<NotYetEntry>& not_yet_entries() {
  static const std::vector<NotYetEntry> all{
#define HEARSAY_NOT_YET(name, text, example) {NotYet::name, text, example},
#include "lang/support/not_yet.def"
#undef HEARSAY_NOT_YET
  };
  return all;
}

Diagnostic not_yet(SourceSpan span, NotYet what, std::string_view detail) {
  const std::string_view text = not_yet_entries()[static_cast<std::size_t>(what)].text;
  return diagnose<DiagnosticKind::not_supported_yet>(span, fmt::format("{}{}", text, detail));
}

}  // namespace hearsay
