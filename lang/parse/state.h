// The state of one parse: tokens over the text, the depth of what is open, what was reported, and where to read on
// after an error. Grammar-free: the rules are in the grammar files, these are the verbs that they use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "lang/support/diagnostic.h"
#include "lang/syntax/ast.h"

namespace hearsay::parse {

using Iterator = const char*;

/// How deep brackets, blocks and conditionals may nest.
inline constexpr unsigned max_depth = 250;
/// How many levels a tree may have in all, chains of operators included: later stages recurse over trees.
inline constexpr unsigned max_height = 1000;
inline constexpr unsigned max_errors = 50;

/// Thrown inside the grammar after an error that makes the rest of the file unreadable was reported; never leaves it.
struct Abandon : std::exception {};

/// Thrown inside the grammar after an error of this statement was reported: read on behind it.
struct Reported : std::exception {
  explicit Reported(Iterator place) : where(place) {}
  Iterator where;
};

class ParseState {
public:
  ParseState(FileId file, std::string_view text, DiagnosticSink& sink);

  // ---- places
  [[nodiscard]] Iterator begin() const { return begin_; }
  [[nodiscard]] Iterator end() const { return end_; }
  [[nodiscard]] SourceSpan span(Iterator from, Iterator to) const;
  /// From a token's beginning to the end of the last token that was taken (blanks behind it excluded).
  [[nodiscard]] SourceSpan span_from(Iterator from) const { return span(from, token_end_); }
  [[nodiscard]] SourceSpan last_token() const { return span(token_begin_, token_end_); }
  [[nodiscard]] Iterator token_end() const { return token_end_; }

  // ---- tokens: each advances `first` past the token and the blanks behind it, or leaves it alone and returns false
  bool take_mark(Iterator& first, std::string_view mark);
  bool take_word(Iterator& first, std::string_view word);
  /// A contextual word that begins a statement: `source NAME`, or `print …` (anything but `~` behind it).
  bool take_word_before_name(Iterator& first, std::string_view word);
  bool take_verb(Iterator& first, std::string_view word);
  bool take_name(Iterator& first, ast::Name& name);
  bool take_any_word(Iterator& first, ast::Name& name);
  /// What may stand before `:` in a label map: a name, `true`, `false`, or a whole number.
  bool take_label(Iterator& first, ast::Name& name);
  bool take_number(Iterator& first, ast::Number& number);
  bool take_string(Iterator& first, ast::String& string);
  /// The `;` of a statement. One that was forgotten at the end of a line or block is reported and taken as written.
  bool take_semicolon(Iterator& first);
  /// Past blanks and comments.
  [[nodiscard]] Iterator skip_blanks(Iterator at);

  // ---- looking ahead
  [[nodiscard]] std::string_view word_at(Iterator at) const;
  /// The longest mark (`=>`, `..`, `(`, …) at this place; empty if there is none.
  [[nodiscard]] std::string_view mark_at(Iterator at) const;
  [[nodiscard]] bool at_end_of_block(Iterator at) const;
  /// What stands here, in words for a message: "`x`", "the end of the file", "a string".
  [[nodiscard]] std::string describe(Iterator at) const;

  // ---- open brackets, innermost last
  struct Bracket {
    Iterator at;
    char open;
  };
  std::vector<Bracket> open;
  /// The bracket whose closing partner was just missed; labels the next error.
  Iterator unclosed = nullptr;
  /// A missing `}` before a word such as `model`, or at the end: reported once, then taken as written.
  bool forgive_missing_brace(Iterator at, Iterator opened);

  // ---- depth and height of the tree (see max_depth, max_height)
  unsigned depth = 0;
  unsigned height = 0;
  void enter(Iterator at);
  void check_height(unsigned levels, Iterator at);

  // ---- errors
  void report(Diagnostic d);
  /// As report, unless an error was already reported for the same place.
  void report_at(Iterator where, Diagnostic d);
  /// What the grammar wanted and did not find, in a statement that began at `start`.
  void report_expected(Iterator where, const std::string& expected, Iterator start);
  /// Where to read on after an error at `at` in an item that began at `start` with `open_before` brackets open.
  [[nodiscard]] Iterator synchronise(Iterator at, Iterator start, std::size_t open_before);

private:
  [[nodiscard]] Iterator skip_group(Iterator at) const;
  [[nodiscard]] bool on_new_line(Iterator at) const;
  void finish_token(Iterator& first, Iterator token_end);
  void take_escape(Iterator& at, std::string& value);

  FileId file_;
  Iterator begin_, end_;
  Iterator token_begin_, token_end_;
  Iterator foreign_comments_read_;  ///< comments of other languages are reported once, however often they are skipped
  bool foreign_comment_reported_ = false;
  Iterator last_error_ = nullptr;
  unsigned errors_ = 0;
  DiagnosticSink& sink_;
};

[[nodiscard]] bool is_word_begin(char c);
[[nodiscard]] bool is_word_char(char c);
[[nodiscard]] bool is_digit(char c);

}  // namespace hearsay::parse
