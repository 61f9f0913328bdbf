// Semantic actions: where a parsed part goes in the value of its rule.
#pragma once

#include <memory>
#include <utility>

#include "lang/parse/config.h"

namespace hearsay::parse {

/// The part is the value.
inline constexpr auto put = [](auto& context) { x3::_val(context) = std::move(x3::_attr(context)); };

/// The part becomes a member of the value.
template <class Value, class Member>
constexpr auto set(Member Value::*member) {
  return [member](auto& context) { x3::_val(context).*member = std::move(x3::_attr(context)); };
}

/// The part is appended to a list of the value; with no argument, to the value itself.
template <class Value, class Member>
constexpr auto add(Member Value::*member) {
  return [member](auto& context) { (x3::_val(context).*member).push_back(std::move(x3::_attr(context))); };
}
inline constexpr auto add_to_list = [](auto& context) { x3::_val(context).push_back(std::move(x3::_attr(context))); };

/// A constant becomes a member of the value.
template <class Value, class Member>
constexpr auto set_to(Member Value::*member, Member constant) {
  return [member, constant](auto& context) { x3::_val(context).*member = constant; };
}

/// As set, for a clause that may stand only once.
template <class Value, class Member>
constexpr auto set_once(Member Value::*member, const char* clause) {
  return [member, clause](auto& context) {
    auto& target = x3::_val(context).*member;
    if (target) {
      ParseState& state = state_of(context);
      state.report(diagnose<DiagnosticKind::repeated_clause>(state.last_token(), clause));
    }
    target = std::move(x3::_attr(context));
  };
}

}  // namespace hearsay::parse
