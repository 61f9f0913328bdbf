// Errors of a parse: reporting them once each, and finding the place to read on.
#include "lang/parse/state.h"

#include <algorithm>

#include "lang/parse/slips.h"
#include "lang/parse/words.h"

namespace hearsay::parse {

ParseState::ParseState(FileId file, std::string_view text, DiagnosticSink& sink)
    : file_(file),
      begin_(text.data()),
      end_(text.data() + text.size()),
      token_begin_(begin_),
      token_end_(begin_),
      foreign_comments_read_(begin_),
      sink_(sink) {}

void ParseState::report(Diagnostic d) {
  if (errors_ == max_errors) {
    sink_.report(diagnose<DiagnosticKind::too_many_errors>(d.primary, max_errors));
    throw Abandon{};
  }
  ++errors_;
  sink_.report(std::move(d));
}

void ParseState::report_at(Iterator where, Diagnostic d) {
  if (where == last_error_) return;
  last_error_ = where;
  report(std::move(d));
}

void ParseState::report_expected(Iterator where, const std::string& expected, Iterator start) {
  const Iterator opened = std::exchange(unclosed, nullptr);
  report_at(where, explain_failure(*this, {where, expected, start, opened}));
}

void ParseState::enter(Iterator at) {
  if (++depth <= max_depth) return;
  const Iterator stop = std::min(at + 1, end_);
  report(diagnose<DiagnosticKind::nested_too_deep>(span(at, stop), max_depth)
             .with_help("give the inner parts names with `let`, or write an array and index it"));
  throw Abandon{};
}

void ParseState::check_height(unsigned levels, Iterator at) {
  if (levels <= max_height) return;
  report(diagnose<DiagnosticKind::expression_too_long>(span(at, std::min(at + 1, end_)), max_height)
             .with_help("write a `sum([… for i in 1..N])`, or split the expression with `let`"));
  throw Abandon{};
}

bool ParseState::forgive_missing_brace(Iterator at, Iterator opened) {
  if (at != end_ && !begins_declaration(word_at(at))) return false;
  unclosed = opened;
  report_expected(at, "`}`", opened);
  return true;
}

Iterator ParseState::skip_group(Iterator at) const {
  if (*at == '#') return std::find(at, end_, '\n');
  if (*at != '"') return at + 1;
  for (++at; at != end_ && *at != '\n'; ++at) {
    if (*at == '"') return at + 1;
    if (*at == '\\' && at + 1 != end_ && at[1] != '\n') ++at;
  }
  return at;
}

Iterator ParseState::synchronise(Iterator at, Iterator start, std::size_t open_before) {
  // Braces of sets that the abandoned statement had opened: their `}` belong to it.
  auto pending = std::count_if(open.begin() + static_cast<std::ptrdiff_t>(std::min(open_before, open.size())),
                               open.end(), [](const Bracket& b) { return b.open == '{'; });
  open.resize(std::min(open_before, open.size()));
  std::size_t groups = 0;
  for (Iterator p = at; p != end_;) {
    const char c = *p;
    if (c == '{') {
      ++groups;
    } else if (c == '}') {
      if (groups > 0) {
        if (--groups == 0) {
          // A block that belonged to the statement has ended, and so has the statement, unless something goes on.
          const Iterator next = skip_blanks(p + 1);
          const std::string_view word = word_at(next);
          const bool goes_on = word == "else" || word == "and" || word == "or" || word == "in" || word == "given" ||
                               word == "using" || (word.empty() && next != end_ && *next != '}');
          if (!goes_on && pending == 0) return next;
        }
      } else if (pending > 0) {
        --pending;
      } else if (open_before == 0) {
        return skip_blanks(p + 1);  // closes nothing: it was the error, or is left over from it
      } else {
        return p;
      }
    } else if (c == ';' && groups == 0) {
      return skip_blanks(p + 1);
    } else if (is_word_begin(c)) {
      const std::string_view word = word_at(p);
      if (groups == 0 && p != start && begins_statement(word) && on_new_line(p)) return p;
      p += word.size();
      continue;
    }
    p = skip_group(p);
  }
  return end_;
}

}  // namespace hearsay::parse
