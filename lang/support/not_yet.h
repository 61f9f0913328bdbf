// What the language promises and this version can't do yet: one closed set, lang/support/not_yet.def.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lang/support/diagnostic.h"

namespace hearsay {

enum class NotYet : std::uint8_t {
#define HEARSAY_NOT_YET(name, text, example) name,
#include "lang/support/not_yet.def"
#undef HEARSAY_NOT_YET
};

/// One entry of the list: what docs/language.md calls it, and a script that is refused for it.
struct NotYetEntry {
  NotYet what;
  std::string_view text, example;
};
[[nodiscard]] const std::vector<NotYetEntry>& not_yet_entries();

/// The diagnostic E0901 at `span`; `detail` (": …") says what of this kind stands there.
[[nodiscard]] Diagnostic not_yet(SourceSpan span, NotYet what, std::string_view detail = "");

}  // namespace hearsay
