#include "lang/builtins/ops.h"

#include <doctest/doctest.h>

#include <set>
#include <string_view>
#include <vector>

using hearsay::Op;
using hearsay::ScalarType;
using hearsay::Typing;

namespace {

constexpr auto B = ScalarType::boolean;
constexpr auto I = ScalarType::integer;
constexpr auto R = ScalarType::real;

std::optional<ScalarType> type(Op op, std::vector<ScalarType> operands) { return hearsay::result_type(op, operands); }

}  // namespace

TEST_CASE("names lead to operations and back") {
  std::set<std::string_view> names;
  for (const Op op : hearsay::all_ops()) {
    CHECK(hearsay::find_op(hearsay::info(op).name) == op);
    CHECK(names.insert(hearsay::info(op).name).second);
    CHECK_FALSE(hearsay::info(op).doc.empty());
    CHECK(hearsay::info(op).arity >= 1);
    CHECK(hearsay::info(op).arity <= 3);
  }
  CHECK_FALSE(hearsay::find_op("no_such_operation").has_value());
}

TEST_CASE("every symbol of the table has an address, and every kernel is in the table") {
  std::set<std::string_view> symbols;
  for (const Op op : hearsay::all_ops()) {
    const std::string_view symbol = hearsay::info(op).symbol;
    if (symbol.empty()) continue;
    CAPTURE(symbol);
    CHECK(hearsay::kernel_address(symbol) != nullptr);
    symbols.insert(symbol);
  }
  for (const auto& [symbol, address] : hearsay::all_kernels()) {
    CHECK(symbols.contains(symbol));
    CHECK(address == hearsay::kernel_address(symbol));
  }
  CHECK(hearsay::kernel_address("hs_nothing") == nullptr);
}

TEST_CASE("typing rules") {
  CHECK(type(Op::add, {I, I}) == I);
  CHECK(type(Op::add, {R, R}) == R);
  CHECK_FALSE(type(Op::add, {I, R}));
  CHECK_FALSE(type(Op::add, {B, B}));
  CHECK_FALSE(type(Op::add, {I}));
  CHECK_FALSE(type(Op::add, {I, I, I}));
  CHECK(type(Op::div, {R, R}) == R);
  CHECK_FALSE(type(Op::div, {I, I}));
  CHECK(type(Op::int_div, {I, I}) == I);
  CHECK_FALSE(type(Op::modulo, {R, R}));
  CHECK(type(Op::eq, {B, B}) == B);
  CHECK(type(Op::lt, {R, R}) == B);
  CHECK_FALSE(type(Op::lt, {I, R}));
  CHECK(type(Op::logical_and, {B, B}) == B);
  CHECK_FALSE(type(Op::logical_and, {I, I}));
  CHECK(type(Op::to_real, {I}) == R);
  CHECK(type(Op::to_real, {B}) == R);
  CHECK_FALSE(type(Op::to_real, {R}));
  CHECK(type(Op::to_int, {R}) == I);
  CHECK(type(Op::to_int, {B}) == I);
  CHECK_FALSE(type(Op::to_int, {I}));
  CHECK(type(Op::inc_beta, {R, R, R}) == R);
}
