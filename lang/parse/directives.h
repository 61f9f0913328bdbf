// Parsers and directives of our own, in X3's form: terminals over ParseState, brackets that remember where they were
// opened, guards on depth, recovery.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "lang/parse/config.h"

namespace hearsay::parse {

// ---------------------------------------------------------------- terminals

/// A token without a value. `Take` is the member of ParseState that takes it.
template <bool (ParseState::*Take)(Iterator&, std::string_view)>
struct Fixed : x3::parser<Fixed<Take>> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;

  constexpr explicit Fixed(std::string_view t) : text(t) {}

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator&, const Ctx& context, RCtx&, Attr&) const {
    return (state_of(context).*Take)(first, text);
  }
  std::string_view text;
};
/// `mark("=>")`: exactly this mark, by longest match.
using mark = Fixed<&ParseState::take_mark>;
/// `word("from")`: exactly this word.
using word = Fixed<&ParseState::take_word>;
/// `declarator("source")`: this word, when a name follows.
using declarator = Fixed<&ParseState::take_word_before_name>;
/// `verb("print")`: this word at the beginning of a statement, unless `~` follows.
using verb = Fixed<&ParseState::take_verb>;

/// A token with a value.
template <class Value, bool (ParseState::*Take)(Iterator&, Value&)>
struct Valued : x3::parser<Valued<Value, Take>> {
  using attribute_type = Value;
  static constexpr bool has_attribute = true;

  constexpr explicit Valued(const char* description) : what(description) {}

  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator&, const Ctx& context, RCtx&, Value& value) const {
    return (state_of(context).*Take)(first, value);
  }
  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, x3::unused_type) const {
    Value ignored;
    return parse(first, last, context, rcontext, ignored);
  }
  const char* what;
};
using NameToken = Valued<ast::Name, &ParseState::take_name>;
inline constexpr NameToken name{"a name"};
inline constexpr Valued<ast::Name, &ParseState::take_any_word> any_word{"a name"};
inline constexpr Valued<ast::Name, &ParseState::take_label> label{"a label"};
inline constexpr Valued<ast::Number, &ParseState::take_number> number{"a number"};
inline constexpr Valued<ast::String, &ParseState::take_string> string{"a string"};

struct Semicolon : x3::parser<Semicolon> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator&, const Ctx& context, RCtx&, Attr&) const {
    return state_of(context).take_semicolon(first);
  }
};
inline constexpr Semicolon semicolon{};

// ---------------------------------------------------------------- directives

/// `named("a type", p)`: p, called so in messages.
template <class Subject>
struct Named : x3::unary_parser<Subject, Named<Subject>> {
  static constexpr bool is_pass_through_unary = true;

  constexpr Named(const char* description, const Subject& s)
      : x3::unary_parser<Subject, Named<Subject>>(s), what(description) {}

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, Attr& attr) const {
    return this->subject.parse(first, last, context, rcontext, attr);
  }
  const char* what;
};
template <class P>
constexpr auto named(const char* description, const P& p) {
  return Named<typename x3::extension::as_parser<P>::value_type>(description, x3::as_parser(p));
}

/// Parses the subject, and gives its value, wrapped as a node of the tree with its span.
template <class Node, class Subject>
struct AsNode : x3::unary_parser<Subject, AsNode<Node, Subject>> {
  using attribute_type = std::unique_ptr<Node>;
  static constexpr bool has_attribute = true;
  static constexpr bool has_action = false;

  constexpr explicit AsNode(const Subject& s) : x3::unary_parser<Subject, AsNode<Node, Subject>>(s) {}

  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx&, attribute_type& attr) const {
    const Iterator start = first;
    typename x3::traits::attribute_of<Subject, Ctx>::type value{};
    if (!this->subject.parse(first, last, context, x3::unused, value)) return false;
    attr = std::make_unique<Node>(Node{state_of(context).span_from(start), std::move(value)});
    return true;
  }
};
template <class P>
constexpr auto as_expr(const P& p) {
  return AsNode<ast::Expr, P>(p);
}
template <class P>
constexpr auto as_stmt(const P& p) {
  return AsNode<ast::Stmt, P>(p);
}

/// Gives the span of what the subject took.
template <class Subject>
struct SpanOf : x3::unary_parser<Subject, SpanOf<Subject>> {
  using attribute_type = SourceSpan;
  static constexpr bool has_attribute = true;

  constexpr explicit SpanOf(const Subject& s) : x3::unary_parser<Subject, SpanOf<Subject>>(s) {}

  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, SourceSpan& span) const {
    const Iterator start = first;
    if (!this->subject.parse(first, last, context, rcontext, x3::unused)) return false;
    span = state_of(context).span_from(start);
    return true;
  }
};
template <class P>
constexpr auto span_of(const P& p) {
  return SpanOf<P>(p);
}

/// Around the whole of a rule: the span of the rule's value is set to what was taken.
template <class Subject>
struct Spanned : x3::unary_parser<Subject, Spanned<Subject>> {
  static constexpr bool is_pass_through_unary = true;

  constexpr explicit Spanned(const Subject& s) : x3::unary_parser<Subject, Spanned<Subject>>(s) {}

  template <class Ctx, class Value, class Attr>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, Value& value, Attr& attr) const {
    const Iterator start = first;
    if (!this->subject.parse(first, last, context, value, attr)) return false;
    set_span(value, state_of(context).span_from(start));
    return true;
  }

private:
  static void set_span(ast::ExprPtr& value, SourceSpan span) { value->span = span; }
  template <class Value>
  static void set_span(Value& value, SourceSpan span) {
    value.span = span;
  }
};
template <class P>
constexpr auto spanned(const P& p) {
  return Spanned<P>(p);
}

/// Measures the height of the tree on the way out; with `Levels` 1, counts the level on the way in.
template <unsigned Levels, class Subject>
struct Measured : x3::unary_parser<Subject, Measured<Levels, Subject>> {
  static constexpr bool is_pass_through_unary = true;

  constexpr explicit Measured(const Subject& s) : x3::unary_parser<Subject, Measured<Levels, Subject>>(s) {}

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, Attr& attr) const {
    ParseState& state = state_of(context);
    const Iterator start = first;
    const unsigned beside = std::exchange(state.height, 0);
    if constexpr (Levels > 0) state.enter(start);
    const bool matched = this->subject.parse(first, last, context, rcontext, attr);
    state.depth -= Levels;
    const unsigned own = state.height + Levels;
    state.check_height(own, start);
    state.height = std::max(beside, own);
    return matched;
  }
};
/// Sits on every rule that can contain itself.
template <class P>
constexpr auto nested(const P& p) {
  return Measured<1, P>(p);
}
/// Sits on every rule that can grow a tree without nesting: `1 + 1 + …`, `x[1][1]…`.
template <class P>
constexpr auto measured(const P& p) {
  return Measured<0, P>(p);
}

/// `enclosed('(', p, ')')`. If the closing bracket is missing, the message points at the opening one too.
template <class Subject>
struct Enclosed : x3::unary_parser<Subject, Enclosed<Subject>> {
  static constexpr bool is_pass_through_unary = true;

  constexpr Enclosed(const char* o, const Subject& s, const char* c, bool block)
      : x3::unary_parser<Subject, Enclosed<Subject>>(s), opening(o), closing(c), is_block(block) {}

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, Attr& attr) const {
    ParseState& state = state_of(context);
    const Iterator start = first;
    if (!state.take_mark(first, opening)) return false;
    const std::size_t outer = state.open.size();
    state.open.push_back({start, *opening});
    if (!this->subject.parse(first, last, context, rcontext, attr)) {
      state.open.resize(outer);
      first = start;
      return false;
    }
    if (!state.take_mark(first, closing) && !(is_block && state.forgive_missing_brace(first, start))) {
      state.unclosed = start;
      throw x3::expectation_failure<Iterator>(first, std::string("`") + closing + "`");
    }
    state.open.resize(outer);
    return true;
  }
  const char* opening;
  const char* closing;
  bool is_block;
};
template <class P>
constexpr auto enclosed(const char* open, const P& p, const char* close) {
  return Enclosed<P>(open, p, close, false);
}

/// Runs the subject; if it fails for good, reports why and goes on behind the item, as if it had not been written.
template <class Subject>
struct Recovering : x3::unary_parser<Subject, Recovering<Subject>> {
  static constexpr bool is_pass_through_unary = true;

  constexpr Recovering(const char* description, const Subject& s)
      : x3::unary_parser<Subject, Recovering<Subject>>(s), what(description) {}

  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, x3::unused_type) const {
    ParseState& state = state_of(context);
    const Iterator start = first;
    const std::size_t open = state.open.size();
    const unsigned depth = state.depth;
    const unsigned height = state.height;
    Iterator resume;
    try {
      if (this->subject.parse(first, last, context, rcontext, x3::unused)) return true;
      state.report_expected(start, what, start);
      resume = start;
    } catch (const x3::expectation_failure<Iterator>& failure) {
      state.report_expected(failure.where(), failure.which(), start);
      resume = failure.where();
    } catch (const Reported& failure) {
      resume = failure.where;
    }
    state.depth = depth;
    state.height = height;
    state.unclosed = nullptr;
    first = state.synchronise(resume, start, open);
    return true;
  }
  const char* what;
};

/// Items up to the `}` of the block, or up to the end of the file (`whole_file`). A lone `;` is no item.
template <class Subject>
struct Items : x3::unary_parser<Subject, Items<Subject>> {
  constexpr Items(const Subject& s, bool whole) : x3::unary_parser<Subject, Items<Subject>>(s), whole_file(whole) {}

  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;

  template <class Ctx, class RCtx, class Attr>
  bool parse(Iterator& first, const Iterator& last, const Ctx& context, RCtx& rcontext, Attr&) const {
    ParseState& state = state_of(context);
    while (whole_file ? first != last : !state.at_end_of_block(first)) {
      if (!state.take_mark(first, ";")) this->subject.parse(first, last, context, rcontext, x3::unused);
    }
    return true;
  }
  bool whole_file;
};

/// `block_of("a statement", p)`: `{ p p p }`, with recovery around each p.
template <class P>
constexpr auto block_of(const char* description, const P& p) {
  const Items<Recovering<P>> items{Recovering<P>(description, p), false};
  return Enclosed<Items<Recovering<P>>>("{", items, "}", true);
}

/// p, or an error that names it.
template <class P>
constexpr auto required(const P& p) {
  return x3::eps > p;
}

/// `p, p, p`: at least one, and a comma wants a successor.
template <class P>
constexpr auto list_of(const P& p) {
  return p >> *(mark(",") > p);
}
template <class P>
constexpr auto required_list_of(const P& p) {
  return required(p) >> *(mark(",") > p);
}

}  // namespace hearsay::parse

namespace boost::spirit::x3 {

template <bool (hearsay::parse::ParseState::*Take)(const char*&, std::string_view)>
struct get_info<hearsay::parse::Fixed<Take>> {
  using result_type = std::string;
  std::string operator()(const hearsay::parse::Fixed<Take>& p) const { return "`" + std::string(p.text) + "`"; }
};
template <class Value, bool (hearsay::parse::ParseState::*Take)(const char*&, Value&)>
struct get_info<hearsay::parse::Valued<Value, Take>> {
  using result_type = std::string;
  std::string operator()(const hearsay::parse::Valued<Value, Take>& p) const { return p.what; }
};
template <>
struct get_info<hearsay::parse::Semicolon> {
  using result_type = std::string;
  std::string operator()(const hearsay::parse::Semicolon&) const { return "`;` after this statement"; }
};
template <class Subject>
struct get_info<hearsay::parse::Named<Subject>> {
  using result_type = std::string;
  std::string operator()(const hearsay::parse::Named<Subject>& p) const { return p.what; }
};
template <class Subject>
struct get_info<hearsay::parse::Enclosed<Subject>> {
  using result_type = std::string;
  std::string operator()(const hearsay::parse::Enclosed<Subject>& p) const {
    return "`" + std::string(p.opening) + "`";
  }
};
// Wrappers whose name is the name of what they wrap.
template <class Node, class Subject>
struct get_info<hearsay::parse::AsNode<Node, Subject>> : get_info<Subject> {
  std::string operator()(const hearsay::parse::AsNode<Node, Subject>& p) const {
    return get_info<Subject>::operator()(p.subject);
  }
};
template <class Subject>
struct get_info<hearsay::parse::SpanOf<Subject>> : get_info<Subject> {
  std::string operator()(const hearsay::parse::SpanOf<Subject>& p) const {
    return get_info<Subject>::operator()(p.subject);
  }
};
template <unsigned Levels, class Subject>
struct get_info<hearsay::parse::Measured<Levels, Subject>> : get_info<Subject> {
  std::string operator()(const hearsay::parse::Measured<Levels, Subject>& p) const {
    return get_info<Subject>::operator()(p.subject);
  }
};
template <class Subject, class Action>
struct get_info<action<Subject, Action>> : get_info<Subject> {
  std::string operator()(const action<Subject, Action>& p) const { return get_info<Subject>::operator()(p.subject); }
};

}  // namespace boost::spirit::x3
