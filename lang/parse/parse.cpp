#include "lang/parse/parse.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "lang/parse/grammar.h"
#include "lang/support/text_file.h"

namespace hearsay {
namespace {

using namespace parse;

/// Control characters other than white space, NUL and malformed UTF-8 mean that the file is something else than a
/// script.
std::size_t find_foreign_byte(std::string_view text) {
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !(c >= '\t' && c <= '\r')) || c == '\x7F';
  });
  return std::min(static_cast<std::size_t>(control - text.begin()), find_invalid_text(text));
}

/// Runs `body(state, first)` on the text behind a byte order mark, unless it is no text at all.
template <class Body>
void parse_text(const SourceManager& sources, FileId file, DiagnosticSink& sink, const Body& body) {
  const std::string_view text = sources.text(file);
  if (const std::size_t at = find_foreign_byte(text); at != text.size()) {
    const auto offset = static_cast<std::uint32_t>(at);
    sink.report(diagnose<DiagnosticKind::not_text>({file, offset, offset + 1}, static_cast<unsigned char>(text[at]), at)
                    .with_help("save the script as UTF-8"));
    return;
  }
  ParseState state(file, text, sink);
  Iterator first = state.begin() + (text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
  try {
    first = state.skip_blanks(first);
    body(state, first);
  } catch (const Abandon&) {
    // Reported where it was thrown; what was read before stands.
  }
}

}  // namespace

ast::Script parse_script(const SourceManager& sources, FileId file, DiagnosticSink& sink) {
  ast::Script result{file, {}};
  parse_text(sources, file, sink, [&](ParseState& state, Iterator first) {
    const Context context = x3::make_context<StateTag>(state);
    script.parse(first, state.end(), context, x3::unused, result.statements);
  });
  return result;
}

ast::ExprPtr parse_expression(const SourceManager& sources, FileId file, DiagnosticSink& sink) {
  ast::ExprPtr result;
  const std::size_t errors_before = sink.error_count();
  parse_text(sources, file, sink, [&](ParseState& state, Iterator first) {
    const Context context = x3::make_context<StateTag>(state);
    const Iterator start = first;
    const Iterator last = state.end();
    ast::ExprPtr value;
    try {
      if (!expr.parse(first, last, context, x3::unused, value)) {
        state.report_expected(start, "an expression", start);
      } else if (first != last) {
        state.report_expected(first, "the end of the expression", start);
      } else {
        result = std::move(value);
      }
    } catch (const x3::expectation_failure<Iterator>& failure) {
      state.report_expected(failure.where(), failure.which(), start);
    } catch (const Reported&) {
      // The message is in the sink.
    }
  });
  return sink.error_count() > errors_before ? nullptr : std::move(result);
}

}  // namespace hearsay
