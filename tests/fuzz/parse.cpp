// Any bytes: the parser must not crash, and what it accepts must print to text that parses to the same tree.
#include "lang/parse/parse.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "lang/support/render.h"
#include "lang/syntax/print.h"

using namespace hearsay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SourceManager sources;
  DiagnosticSink sink;
  const FileId file = sources.add("fuzz.hsy", std::string(reinterpret_cast<const char*>(data), size));
  const ast::Script script = parse_script(sources, file, sink);
  const std::string printed = ast::print(script);
  const std::string outline = ast::dump(script);
  for (const Diagnostic& d : sink.all()) static_cast<void>(render_text(d, sources));
  if (sink.has_errors()) return 0;

  DiagnosticSink again;
  const FileId canonical = sources.add("printed.hsy", printed);
  const ast::Script reparsed = parse_script(sources, canonical, again);
  if (again.has_errors() || ast::print(reparsed) != printed || ast::dump(reparsed) != outline) {
    std::fprintf(stderr, "not a fixed point:\n%s\n---\n%s\n", printed.c_str(), ast::print(reparsed).c_str());
    for (const Diagnostic& d : again.all()) std::fprintf(stderr, "%s\n", render_text(d, sources).c_str());
    std::abort();
  }
  return 0;
}
