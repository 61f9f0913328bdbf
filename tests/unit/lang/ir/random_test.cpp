// Laws of the IR on random modules.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "lang/ir/ir.h"
#include "lang/ir/read.h"
#include "tests/reference/random_ir.h"

using namespace hearsay;

TEST_CASE("random modules are well formed, and their text reads back to the same text") {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    CAPTURE(seed);
    const ir::Module module = reference::random_module(seed).module;
    REQUIRE(ir::verify(module) == "");
    const std::string text = ir::print(module);
    const auto again = ir::read(text);
    REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
    REQUIRE(ir::print(*again) == text);
  }
}

TEST_CASE("the generator leaves nothing out") {
  std::set<Op> ops;
  std::set<ir::Opcode> opcodes;
  std::set<ir::Reduction> reductions;
  std::set<ir::TermKind> kinds;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const ir::Module module = reference::random_module(seed).module;
    for (const ir::Inst& inst : module.insts) {
      opcodes.insert(inst.code);
      if (inst.code == ir::Opcode::prim) ops.insert(Op{static_cast<std::uint16_t>(inst.payload)});
      if (inst.code == ir::Opcode::reduce) reductions.insert(inst.reduction);
    }
    for (const ir::Term& term : module.terms) kinds.insert(term.kind);
  }
  for (const Op op : all_ops()) {
    CAPTURE(info(op).name);
    CHECK(ops.contains(op));
  }
  CHECK(opcodes.size() == 9);
  CHECK(reductions.size() == 7);
  CHECK(kinds.size() == 4);
}
