// The one iterator and the one context of the grammar; explicit instantiations depend on exactly these types.
#pragma once

#include <boost/spirit/home/x3.hpp>

#include "lang/parse/state.h"

namespace hearsay::parse {

namespace x3 = boost::spirit::x3;

struct StateTag;
/// What every rule is handed: the state of this one parse, and nothing else (blanks are skipped by the terminals).
using Context = x3::context<StateTag, ParseState>;

template <class AnyContext>
ParseState& state_of(const AnyContext& context) {
  return x3::get<StateTag>(context);
}

}  // namespace hearsay::parse
