// Parsing from a literal, and what was reported about it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lang/parse/parse.h"
#include "lang/syntax/print.h"

namespace hearsay::testing {

struct Parsed {
  SourceManager sources;
  DiagnosticSink sink;
  ast::Script script;

  explicit Parsed(std::string text) { script = parse_script(sources, sources.add("test.hsy", std::move(text)), sink); }

  /// "E0101 at y" for each diagnostic: its code and the text under its span.
  [[nodiscard]] std::vector<std::string> errors() const {
    std::vector<std::string> result;
    for (const Diagnostic& d : sink.all()) {
      result.push_back(std::string(code(d.kind)) + " at " + std::string(sources.text(d.primary)));
    }
    return result;
  }
  [[nodiscard]] std::string outline() const { return ast::dump(script); }
  [[nodiscard]] std::string printed() const { return ast::print(script); }
};

}  // namespace hearsay::testing
