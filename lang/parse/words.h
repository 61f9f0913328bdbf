// The words of the language.
//
// Reserved words can never be names:
//   and dist else false fn for given if import in infer let model not observe or soft teach then tokens true
//
// All other words of the grammar are contextual: `algebra around base budget calibrate channel check confidence
// decibans emit emits event expect export factor forever from generate jointly labels likelihoods map nats odds on over
// plot print report robust schedule share source spent through to until up using via weight within` mean something only
// in their place and are free as names everywhere else. A statement that begins with `print`, `expect`, `factor`,
// `plot`, `export` or `report` is that statement unless `~` follows.
#pragma once

#include <string_view>

namespace hearsay::parse {

[[nodiscard]] bool is_reserved(std::string_view word);

/// Reserved words that begin a statement and cannot occur inside an expression: safe places to read on after an error.
[[nodiscard]] bool begins_statement(std::string_view word);

/// `model tokens fn dist import`: these stand at the top level only, so in a block they mean that a `}` is missing.
[[nodiscard]] bool begins_declaration(std::string_view word);

}  // namespace hearsay::parse
