#include "lang/parse/words.h"

#include <algorithm>
#include <array>

namespace hearsay::parse {
namespace {

using namespace std::string_view_literals;

constexpr std::array reserved = {"and"sv,     "dist"sv,   "else"sv, "false"sv, "fn"sv,   "for"sv,    "given"sv,
                                 "if"sv,      "import"sv, "in"sv,   "infer"sv, "let"sv,  "model"sv,  "not"sv,
                                 "observe"sv, "or"sv,     "soft"sv, "teach"sv, "then"sv, "tokens"sv, "true"sv};
constexpr std::array statements = {"dist"sv, "fn"sv, "import"sv, "let"sv, "model"sv, "observe"sv, "soft"sv, "tokens"sv};
constexpr std::array declarations = {"dist"sv, "fn"sv, "import"sv, "model"sv, "tokens"sv};
static_assert(std::is_sorted(reserved.begin(), reserved.end()));
static_assert(std::is_sorted(statements.begin(), statements.end()));
static_assert(std::is_sorted(declarations.begin(), declarations.end()));

}  // namespace

bool is_reserved(std::string_view word) { return std::binary_search(reserved.begin(), reserved.end(), word); }

bool begins_statement(std::string_view word) { return std::binary_search(statements.begin(), statements.end(), word); }

bool begins_declaration(std::string_view word) {
  return std::binary_search(declarations.begin(), declarations.end(), word);
}

}  // namespace hearsay::parse
