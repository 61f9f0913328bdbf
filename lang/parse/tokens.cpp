// Tokens over the text: words, marks, numbers, strings, blanks.
#include <array>
#include <charconv>
#include <limits>
#include <system_error>

#include "lang/parse/state.h"
#include "lang/parse/words.h"

namespace hearsay::parse {
namespace {

using namespace std::string_view_literals;

// Longest first. The second row is not Hearsay: it is recognised so that messages can name it.
constexpr std::array long_marks = {"=="sv, "=>"sv, "!="sv, "<="sv, ">="sv, "->"sv, ".."sv,
                                   "||"sv, "&&"sv, "**"sv, "+="sv, "-="sv, "*="sv, "/="sv};
constexpr std::string_view short_marks = "()[]{};,:=<>+-*/%@^!~|.";

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

bool follows_minus(Iterator begin, Iterator at) {
  while (at != begin && is_blank(at[-1])) --at;
  return at != begin && at[-1] == '-';
}

}  // namespace

bool is_word_begin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) { return is_word_begin(c) || is_digit(c); }

SourceSpan ParseState::span(Iterator from, Iterator to) const {
  const auto offset = [&](Iterator at) { return static_cast<std::uint32_t>(at - begin_); };
  return {file_, offset(from), offset(to < from ? from : to)};
}

std::string_view ParseState::word_at(Iterator at) const {
  if (at == end_ || !is_word_begin(*at)) return {};
  Iterator stop = at + 1;
  while (stop != end_ && is_word_char(*stop)) ++stop;
  return {at, static_cast<std::size_t>(stop - at)};
}

std::string_view ParseState::mark_at(Iterator at) const {
  const std::string_view rest{at, static_cast<std::size_t>(end_ - at)};
  if (rest.empty()) return {};
  for (const std::string_view mark : long_marks) {
    if (rest.starts_with(mark)) return rest.substr(0, 2);
  }
  return short_marks.find(rest[0]) != std::string_view::npos ? rest.substr(0, 1) : std::string_view{};
}

bool ParseState::at_end_of_block(Iterator at) const {
  return at == end_ || *at == '}' || begins_declaration(word_at(at));
}

bool ParseState::on_new_line(Iterator at) const {
  for (Iterator p = at; p != begin_; --p) {
    if (p[-1] == '\n') return true;
    if (!is_blank(p[-1])) return false;
  }
  return true;
}

void ParseState::finish_token(Iterator& first, Iterator token_end) {
  token_begin_ = first;
  token_end_ = token_end;
  first = skip_blanks(token_end);
}

Iterator ParseState::skip_blanks(Iterator at) {
  const auto skip_line = [&] {
    while (at != end_ && *at != '\n') ++at;
  };
  while (at != end_) {
    if (is_blank(*at)) {
      ++at;
    } else if (*at == '#') {
      skip_line();
    } else if (*at == '/' && end_ - at > 1 && (at[1] == '/' || at[1] == '*')) {
      // A comment of another language: read as what it was meant to be, and reported once a file.
      const Iterator start = at;
      const bool block = at[1] == '*';
      if (block) {
        const std::string_view rest{at, static_cast<std::size_t>(end_ - at)};
        const std::size_t close = rest.find("*/", 2);
        at = close == std::string_view::npos ? end_ : at + close + 2;
      } else {
        skip_line();
      }
      if (start >= foreign_comments_read_) {
        foreign_comments_read_ = at;
        if (!foreign_comment_reported_) {
          foreign_comment_reported_ = true;
          report(diagnose<DiagnosticKind::foreign_syntax>(span(start, start + 2), block ? "/*" : "//")
                     .with_help("a comment begins with `#` and ends with its line; whole numbers are divided by "
                                "`floor(a / b)`"));
        }
      }
    } else {
      break;
    }
  }
  return at;
}

bool ParseState::take_mark(Iterator& first, std::string_view mark) {
  if (first == end_ || *first != mark[0] || mark_at(first) != mark) return false;
  finish_token(first, first + mark.size());
  return true;
}

bool ParseState::take_word(Iterator& first, std::string_view word) {
  if (first == end_ || *first != word[0] || word_at(first) != word) return false;
  finish_token(first, first + word.size());
  return true;
}

bool ParseState::take_word_before_name(Iterator& first, std::string_view word) {
  if (first == end_ || *first != word[0] || word_at(first) != word) return false;
  const std::string_view next = word_at(skip_blanks(first + word.size()));
  if (next.empty() || next == "in" || next == "and" || next == "or") return false;
  return take_word(first, word);
}

bool ParseState::take_verb(Iterator& first, std::string_view word) {
  if (first == end_ || *first != word[0] || word_at(first) != word) return false;
  if (mark_at(skip_blanks(first + word.size())) == "~") return false;
  return take_word(first, word);
}

bool ParseState::take_any_word(Iterator& first, ast::Name& name) {
  const std::string_view word = word_at(first);
  if (word.empty()) return false;
  name = {std::string(word), span(first, first + word.size())};
  finish_token(first, first + word.size());
  return true;
}

bool ParseState::take_name(Iterator& first, ast::Name& name) {
  return !is_reserved(word_at(first)) && take_any_word(first, name);
}

bool ParseState::take_label(Iterator& first, ast::Name& name) {
  const std::string_view word = word_at(first);
  if (word == "true" || word == "false") return take_any_word(first, name);
  if (!word.empty()) return take_name(first, name);
  Iterator stop = first;
  while (stop != end_ && is_digit(*stop)) ++stop;
  if (stop == first || (stop != end_ && (is_word_char(*stop) || *stop == '.'))) return false;
  name = {std::string(first, stop), span(first, stop)};
  finish_token(first, stop);
  return true;
}

bool ParseState::take_number(Iterator& first, ast::Number& number) {
  const auto digit_at = [&](Iterator at) { return at < end_ && is_digit(*at); };
  Iterator at = first;
  if (!digit_at(at) && !(at != end_ && *at == '.' && digit_at(at + 1))) return false;
  const auto digits = [&] {
    while (digit_at(at)) ++at;
  };
  bool whole = true;
  digits();
  if (at != end_ && *at == '.' && digit_at(at + 1)) {
    whole = false;
    ++at;
    digits();
  }
  if (at != end_ && (*at == 'e' || *at == 'E')) {
    const Iterator sign = at + 1;
    const bool is_signed = sign < end_ && (*sign == '+' || *sign == '-');
    if (digit_at(sign + (is_signed ? 1 : 0))) {
      whole = false;
      at = sign + (is_signed ? 1 : 0);
      digits();
    }
  }
  const Iterator stop = at;
  while (at != end_ && (is_word_char(*at) || (!whole && *at == '.' && digit_at(at + 1)))) ++at;
  number = {};
  number.text.assign(first, at);
  if (at != stop) {
    Diagnostic d = diagnose<DiagnosticKind::bad_number>(span(first, at), number.text);
    if (*stop == '_') {
      d.help = "digits are written without separators: `1000000` or `1e6`";
    } else if (*stop == '.') {
      d.help = "a number has one decimal point; a range is written `1..10`";
    } else {
      d.help =
          "numbers look like `3`, `0.5`, `.5` and `1.5e-3`; a name does not begin with a digit, and a product needs "
          "its `*`";
    }
    report(std::move(d));
    number.text = "0";
    number.is_integer = true;
    finish_token(first, at);
    return true;
  }
  number.is_integer = whole;
  if (whole) {
    const auto [_, error] = std::from_chars(first, stop, number.integer);
    // 2^63 is no whole number, but behind a minus sign it is the smallest one; whoever reads the sign minds that.
    const bool smallest = number.text == "9223372036854775808" && follows_minus(begin_, first);
    if (smallest) number.integer = std::numeric_limits<std::int64_t>::min();
    if (error != std::errc{} && !smallest) {
      report(diagnose<DiagnosticKind::number_out_of_range>(span(first, stop), number.text)
                 .with_help("whole numbers go up to 9223372036854775807; write `1e20` for a real number"));
      number.text = "0";
      number.integer = 0;
      finish_token(first, stop);
      return true;
    }
  }
  const auto [_, error] = std::from_chars(first, stop, number.real);
  if (error != std::errc{}) {
    report(diagnose<DiagnosticKind::number_out_of_range>(span(first, stop), number.text)
               .with_help("real numbers have magnitudes from 5e-324 to 1.7e308; infinity is written `inf`"));
    number.text = "0.0";
    number.real = 0;
  }
  finish_token(first, stop);
  return true;
}

void ParseState::take_escape(Iterator& at, std::string& value) {
  const char next = at + 1 < end_ ? at[1] : '\0';
  switch (next) {
    case '"':
    case '\\':
      value.push_back(next);
      break;
    case 'n':
      value.push_back('\n');
      break;
    case 't':
      value.push_back('\t');
      break;
    default: {
      report(diagnose<DiagnosticKind::bad_escape>(span(at, at + 1))
                 .with_help(R"(the escapes are `\"`, `\\`, `\n` and `\t`; a backslash itself is written `\\`)"));
      ++at;  // the character behind the backslash is read as itself
      return;
    }
  }
  at += 2;
}

bool ParseState::take_string(Iterator& first, ast::String& string) {
  if (first == end_ || *first != '"') return false;
  string.value.clear();
  Iterator at = first + 1;
  while (at != end_ && *at != '"' && *at != '\n') {
    if (*at == '\\') {
      take_escape(at, string.value);
    } else {
      string.value.push_back(*at++);
    }
  }
  if (at != end_ && *at == '"') {
    finish_token(first, at + 1);
    return true;
  }
  // Read on as if the quote stood before the marks that end the line, which is where it was most likely forgotten.
  while (at - first > 1 && (is_blank(at[-1]) || at[-1] == ';' || at[-1] == ')')) {
    --at;
    if (!string.value.empty()) string.value.pop_back();
  }
  report(diagnose<DiagnosticKind::unterminated_string>(span(first, at))
             .with_help(R"(write `"` where the string ends; a line break inside a string is written `\n`)"));
  finish_token(first, at);
  return true;
}

bool ParseState::take_semicolon(Iterator& first) {
  if (take_mark(first, ";")) return true;
  const std::string_view word = word_at(first);
  const bool continues = word == "then" || word == "else" || word == "in" || word == "and" || word == "or" ||
                         word == "not" || word == "given";
  const bool forgotten =
      first == end_ || *first == '}' || begins_statement(word) || (!word.empty() && !continues && on_new_line(first));
  if (!forgotten) return false;
  report_at(first, diagnose<DiagnosticKind::missing_semicolon>(span(token_end_, token_end_))
                       .with_help("every statement ends with `;`"));
  return true;
}

std::string ParseState::describe(Iterator at) const {
  if (at == end_) return "the end of the file";
  if (const std::string_view word = word_at(at); !word.empty()) {
    return fmt::format("{}`{}`", is_reserved(word) ? "the word " : "", word.substr(0, 60));
  }
  if (*at == '"') return "a string";
  if (is_digit(*at) || (*at == '.' && at + 1 < end_ && is_digit(at[1]))) {
    Iterator stop = at + 1;
    while (stop != end_ && stop - at < 40 &&
           (is_word_char(*stop) || (*stop == '.' && stop + 1 < end_ && is_digit(stop[1])))) {
      ++stop;
    }
    return fmt::format("`{}`", std::string_view(at, static_cast<std::size_t>(stop - at)));
  }
  const std::string_view mark = mark_at(at);
  return mark.empty() ? std::string("this character") : fmt::format("`{}`", mark);
}

}  // namespace hearsay::parse
