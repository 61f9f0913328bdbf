#include "lang/parse/slips.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lang/parse/words.h"
#include "lang/support/utf8.h"

namespace hearsay::parse {
namespace {

using namespace std::string_view_literals;

struct Replacement {
  char32_t code_point;
  std::string_view help;
};

// What word processors, web pages and mathematicians write instead of ASCII.
constexpr std::array replacements = {
    Replacement{U'≤', "write `<=`"},
    Replacement{U'≥', "write `>=`"},
    Replacement{U'≠', "write `!=`"},
    Replacement{U'“', "strings stand between straight quotes: `\"`"},
    Replacement{U'”', "strings stand between straight quotes: `\"`"},
    Replacement{U'„', "strings stand between straight quotes: `\"`"},
    Replacement{U'«', "strings stand between straight quotes: `\"`"},
    Replacement{U'»', "strings stand between straight quotes: `\"`"},
    Replacement{U'‘', "strings stand between straight double quotes: `\"`"},
    Replacement{U'’', "strings stand between straight double quotes: `\"`"},
    Replacement{U'−', "write the ASCII minus `-`"},
    Replacement{U'–', "write the ASCII minus `-`"},
    Replacement{U'—', "write the ASCII minus `-`"},
    Replacement{U'×', "write `*`"},
    Replacement{U'·', "write `*`"},
    Replacement{U'÷', "write `/`"},
    Replacement{U'…', "a range is written `1..N`"},
    Replacement{U'∈', "write `in`"},
    Replacement{U'→', "write `->`"},
    Replacement{U'⇒', "write `=>`"},
    Replacement{U'∧', "write `&&`"},
    Replacement{U'∨', "write `||`"},
    Replacement{U'¬', "write `!`"},
    Replacement{U'∼', "write the ASCII tilde `~`"},
    Replacement{U'～', "write the ASCII tilde `~`"},
    Replacement{U'∞', "write `inf`"},
    Replacement{U'π', "write `pi`"},
    Replacement{U'²', "write `^2`"},
    Replacement{U'³', "write `^3`"},
    Replacement{U'；', "write the ASCII `;`"},
    Replacement{U'，', "write the ASCII `,`"},
    Replacement{U'（', "write the ASCII `(`"},
    Replacement{U'）', "write the ASCII `)`"},
    Replacement{U'\u00A0', "this is a no-break space: replace it by an ordinary one"},
    Replacement{U'\u2009', "this is a thin space: replace it by an ordinary one"},
    Replacement{U'\u200B', "this is an invisible space: delete it"},
    Replacement{U'\uFEFF', "this is a byte order mark inside the text: delete it"},
};

struct FirstWord {
  std::string_view word, help;
};

// Words of other languages at the beginning of a statement that could not be read.
constexpr auto function_help = "a function is written `fn name(x: real) -> real = expression;`"sv;
constexpr auto definition_help = "a value is defined by `let name = expression;`, a latent by `name ~ distribution;`"sv;
constexpr auto loop_help = "there are no open-ended loops: write `for i in 1..N { … }` or `[… for i in 1..N]`"sv;
constexpr std::array first_words = {
    FirstWord{"def", function_help},
    FirstWord{"function", function_help},
    FirstWord{"func", function_help},
    FirstWord{"lambda", function_help},
    FirstWord{"return", "a function is one expression, and a model returns nothing: ask for it, as in `E(x | M)`"},
    FirstWord{"var", definition_help},
    FirstWord{"val", definition_help},
    FirstWord{"const", definition_help},
    FirstWord{"real", definition_help},
    FirstWord{"int", definition_help},
    FirstWord{"bool", definition_help},
    FirstWord{"vector", definition_help},
    FirstWord{"matrix", definition_help},
    FirstWord{"auto", definition_help},
    FirstWord{"while", loop_help},
    FirstWord{"repeat", loop_help},
    FirstWord{"elif", "write `else if`"},
    FirstWord{"elseif", "write `else if`"},
    FirstWord{"elsif", "write `else if`"},
    FirstWord{"observed", "write `observe`"},
    FirstWord{"softly", "write `soft observe`"},
    FirstWord{"data", "data are parameters of the model: `model M(N: int, y: real[N]) { … }`"},
    FirstWord{"parameters", "a latent is declared where it is drawn: `theta ~ normal(0, 1);`"},
    FirstWord{"enum", "an alphabet is declared by `tokens Name = {a, b};`"},
};

std::string_view help_for_first_word(std::string_view word) {
  for (const FirstWord& entry : first_words) {
    if (entry.word == word) return entry.help;
  }
  return {};
}

/// One message for a character that no token begins with, whatever was wanted there; nothing for other characters.
bool explain_stray(const ParseState& state, Iterator at, Diagnostic& d) {
  if (at == state.end()) return false;
  const auto byte = static_cast<unsigned char>(*at);
  if (byte >= 0x80) {
    const std::string_view rest{at, static_cast<std::size_t>(state.end() - at)};
    const Utf8Unit unit = utf8_front(rest);
    const std::string_view text = rest.substr(0, unit.length);
    const auto found = std::find_if(replacements.begin(), replacements.end(),
                                    [&](const Replacement& r) { return r.code_point == unit.code_point; });
    d = diagnose<DiagnosticKind::stray_character>(state.span(at, at + unit.length), fmt::format("`{}`", text));
    d.help = found != replacements.end()
                 ? std::string(found->help)
                 : "names are made of the letters a to z, digits and `_`; other characters stand "
                   "only in strings and comments";
    return true;
  }
  if (!state.mark_at(at).empty() || is_word_char(*at) || *at == '"') return false;
  d = diagnose<DiagnosticKind::stray_character>(state.span(at, at + 1), fmt::format("`{}`", *at));
  switch (*at) {
    case '\'':
      d.help = "strings stand between double quotes, and labels without any: `{a: 0.5, b: 0.5}`";
      break;
    case '&':
      d.help = "\"and\" is written `&&`";
      break;
    case '?':
      d.help = "a choice is written `if c then a else b`";
      break;
    case '$':
      d.help = "names are made of letters, digits and `_`";
      break;
    default:
      break;
  }
  return true;
}

/// Where the token that stands at `at` ends, for the caret.
Iterator token_stop(const ParseState& state, Iterator at) {
  if (at == state.end()) return at;
  if (const std::string_view word = state.word_at(at); !word.empty()) return at + word.size();
  if (const std::string_view mark = state.mark_at(at); !mark.empty() && !is_digit(*at)) {
    return at + mark.size();
  }
  Iterator stop = at + 1;
  if (!is_digit(*at)) return stop;
  const auto digit_at = [&](Iterator p) { return p < state.end() && is_digit(*p); };
  while (stop != state.end() && (is_word_char(*stop) || (*stop == '.' && digit_at(stop + 1)))) ++stop;
  return stop;
}

std::string_view help_for_foreign_mark(const ParseState& state, const Failure& failure) {
  const std::string_view found = state.mark_at(failure.where);
  if (found == "**") return "a power is written `^`";
  if (found == "+=" && state.word_at(failure.start) == "target")
    return "a raw log-weight is written `factor expression;`";
  if (found == "+=" || found == "-=" || found == "*=" || found == "/=") {
    return "nothing is assigned twice: give the new value a name of its own with `let`";
  }
  return {};
}

/// The word that ends just before `at`, blanks between them aside; empty if there is none.
std::string_view word_before(const ParseState& state, Iterator at) {
  while (at != state.begin() && (at[-1] == ' ' || at[-1] == '\t' || at[-1] == '\n' || at[-1] == '\r')) --at;
  const Iterator end = at;
  while (at != state.begin() && is_word_char(at[-1])) --at;
  return {at, static_cast<std::size_t>(end - at)};
}

bool is_strength(std::string_view word) {
  return word == "odds" || word == "nats" || word == "decibans" || word == "channel" || word == "confidence" ||
         word == "likelihoods" || word == "weight" || word == "robust" || word == "to" || word == "from";
}

/// What to write instead where a declaration or a soft observation is not complete.
std::string help_for_clause(const ParseState& state, const Failure& failure) {
  const std::string_view found = state.mark_at(failure.where), word = state.word_at(failure.where),
                         first = state.word_at(failure.start), before = word_before(state, failure.where);
  const bool declares = first == "model" || first == "fn" || first == "dist";
  if (failure.expected == "`:`" && declares && !before.empty()) {
    if (!word.empty()) return fmt::format("a parameter is written `{}: {}`", word, before);
    return fmt::format("a parameter has a type: `{}: real`", before);
  }
  if (failure.expected == "`->`" && first == "fn") return "say what it gives: `fn f(x: real) -> real = expression;`";
  if (failure.expected.starts_with("`nats` behind"))
    return "evidence is measured in nats: `3 nats`; one bit is 0.693 nats";
  if (failure.expected == "`base`") return "say which probability it moves: `confidence 0.9 base 0.5`";
  if (failure.expected.starts_with("a name") && found == "(" && before == "for")
    return "a loop is written without parentheses: `for i in 1..N { … }`";
  if (failure.opened != nullptr && *failure.opened == '{' && word_before(state, failure.opened) == "then")
    return "statements are chosen without `then`: `if c { … } else { … }`";
  if (found == "=" && failure.opened != nullptr && *failure.opened == '(')
    return "an argument is named as in `f(p: 0.5)`; equality is written `==`";
  if (!failure.expected.starts_with("`;`")) return {};
  if (word == "if") return "a choice is written `if c then a else b`";
  if (first == "observe" && is_strength(word)) return "how strong evidence is, is said of `soft observe`";
  if (first == "soft" && !word.empty() && !is_reserved(word) && !is_digit(*failure.where) && !is_strength(word)) {
    Iterator behind = failure.where + word.size();
    while (behind != state.end() && *behind == ' ') ++behind;
    if (behind != state.end() && (is_digit(*behind) || *behind == '.'))
      return fmt::format("there is no strength called `{}`: write `odds 2`, `nats 0.7`, `decibans 3` or the like",
                         word);
    return fmt::format("who says it stands behind `from`: `from {}`", word);
  }
  return {};
}

/// What to write instead, for a mark or word that other languages have in this place.
std::string help_for(const ParseState& state, const Failure& failure) {
  const std::string_view found = state.mark_at(failure.where);
  const std::string_view word = state.word_at(failure.where);
  const std::string_view first = state.word_at(failure.start);
  const bool wants_end = failure.expected.starts_with("`;`");
  if (std::string help = help_for_clause(state, failure); !help.empty()) return help;
  if (found == "=" && wants_end && failure.where > failure.start && !is_reserved(first)) {
    return "a value is defined by `let name = expression;`; equality is written `==`";
  }
  if (found == "=" && !failure.expected.starts_with("a name")) return "equality is written `==`";
  if (found == "," && failure.opened != nullptr && *failure.opened == '(') {
    return "there are no tuples; an interval inside an expression is written `x in [a, b]`";
  }
  if (found == ":" && first == "else") return "a block stands between `{` and `}`";
  if (found == ":" && failure.expected.starts_with("`{`")) return "a block stands between `{` and `}`";
  if (word == "not" && wants_end) return "write `!(x in values)`";
  if (word == "over" && (wants_end || failure.expected.starts_with("`and over`")))
    return "write `and over` for the next alphabet of the same algebra";
  if (word == "xor") return "write `a != b`";
  if (failure.expected.starts_with("an expression") && (word == "if" || word == "infer" || word == "teach")) {
    return "inside a larger expression it stands in parentheses";
  }
  if (failure.expected.starts_with("an expression") && found == ":") {
    return "a slice is written as a range: `x[1..N]`";
  }
  if (!is_reserved(first)) return std::string(help_for_first_word(first));
  if (first == "soft" && wants_end && (is_digit(*failure.where) || *failure.where == '.')) {
    return "say what the number means: `odds 2`, `nats 0.7`, `to 0.8`, …";
  }
  return {};
}

}  // namespace

Diagnostic explain_failure(const ParseState& state, const Failure& failure) {
  const Iterator at = failure.where;
  Diagnostic d;
  if (explain_stray(state, at, d)) return d;
  const SourceSpan here = state.span(at, token_stop(state, at));
  const std::string found = state.describe(at);
  const bool closes = at != state.end() && (*at == ')' || *at == ']' || *at == '}');
  if (failure.expected == "a statement" && closes) {
    return diagnose<DiagnosticKind::unmatched_closing>(here, *at);
  }
  if (failure.expected.starts_with("a name") && is_reserved(state.word_at(at))) {
    return diagnose<DiagnosticKind::reserved_word>(here, state.word_at(at)).with_help("choose another name");
  }
  if (const std::string_view help = help_for_foreign_mark(state, failure); !help.empty()) {
    return diagnose<DiagnosticKind::foreign_syntax>(here, state.mark_at(at)).with_help(std::string(help));
  }
  if (failure.opened != nullptr) {
    d = diagnose<DiagnosticKind::unclosed_bracket>(here, failure.expected.substr(1, 1), *failure.opened, found)
            .label(state.span(failure.opened, failure.opened + 1), "opened here");
  } else {
    d = diagnose<DiagnosticKind::syntax_error>(here, failure.expected, found);
  }
  d.help = help_for(state, failure);
  return d;
}

}  // namespace hearsay::parse
