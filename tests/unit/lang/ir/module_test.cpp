// Building, verifying, substituting, dependence, layout.
#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <set>

#include "lang/ir/ir.h"
#include "lang/ir/layout.h"
#include "lang/ir/substitute.h"

using namespace hearsay;
using namespace hearsay::ir;

namespace {

Latent finite(std::string name, std::int64_t cardinality, std::vector<std::int64_t> shape = {}) {
  Latent l;
  l.name = std::move(name);
  l.cardinality = cardinality;
  l.shape = std::move(shape);
  return l;
}

Latent continuous(std::string name, std::vector<std::int64_t> shape = {}) {
  Latent l;
  l.name = std::move(name);
  l.finite = false;
  l.shape = std::move(shape);
  return l;
}

ExprId load(Module& m, LatentId l, std::initializer_list<ExprId> at = {}) {
  return m.load_latent(l, std::span(at.begin(), at.size()));
}

}  // namespace

TEST_CASE("equal expressions are one expression") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  const ExprId a = m.prim(Op::add, {m.index_value(i), m.integer(1)});
  CHECK(a == m.prim(Op::add, {m.index_value(i), m.integer(1)}));
  CHECK(a != m.prim(Op::add, {m.integer(1), m.index_value(i)}));
  CHECK(m.integer(1) == m.integer(1));
  CHECK(m.integer(1) != m.real(1));
  CHECK(m.integer(1) != m.boolean(true));
  CHECK(m.real(0.0) != m.real(-0.0));
  CHECK(m.real(std::numeric_limits<double>::quiet_NaN()) == m.real(-std::numeric_limits<double>::quiet_NaN()));
  const IndexId j = m.add_index("i", 1, 3);
  CHECK(m.index_value(i) != m.index_value(j));
  CHECK(m.reduce(Reduction::sum, i, a) != m.reduce(Reduction::maximum, i, a));
}

TEST_CASE("operands are converted where the rule asks for it") {
  Module m;
  const ExprId one = m.integer(1);
  const ExprId half = m.real(0.5);
  const ExprId yes = m.boolean(true);
  CHECK(m.prim(Op::add, {one, half}) == m.prim(Op::add, {m.to_real(one), half}));
  CHECK(m.type(m.prim(Op::add, {one, half})) == ScalarType::real);
  CHECK(m.type(m.prim(Op::add, {one, one})) == ScalarType::integer);
  CHECK(m.type(m.prim(Op::add, {yes, yes})) == ScalarType::integer);
  CHECK(m.type(m.prim(Op::mul, {yes, half})) == ScalarType::real);
  CHECK(m.prim(Op::div, {one, one}) == m.prim(Op::div, {m.to_real(one), m.to_real(one)}));
  CHECK(m.prim(Op::lt, {one, half}) == m.prim(Op::lt, {m.to_real(one), half}));
  CHECK(m.type(m.prim(Op::eq, {yes, yes})) == ScalarType::boolean);
  CHECK(m.to_real(half) == half);
  CHECK(m.prim(Op::to_real, {half}) == half);
  CHECK(m.prim(Op::to_int, {one}) == one);
  CHECK(m.type(m.select(yes, one, half)) == ScalarType::real);
  CHECK(m.type(m.pick(one, std::array{one, half})) == ScalarType::real);
  const IndexId i = m.add_index("i", 1, 3);
  CHECK(m.type(m.reduce(Reduction::sum, i, yes)) == ScalarType::integer);
  CHECK(m.type(m.reduce(Reduction::log_sum_exp, i, one)) == ScalarType::real);
  CHECK(m.type(m.reduce(Reduction::all, i, yes)) == ScalarType::boolean);
  CHECK(verify(m) == "");
}

TEST_CASE("substitution replaces what is free") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  const IndexId j = m.add_index("j", 1, 3);
  const ExprId vi = m.index_value(i);
  const ExprId vj = m.index_value(j);
  const auto at = [](IndexId index, ExprId e) {
    return std::unordered_map<std::uint32_t, ExprId>{{static_cast<std::uint32_t>(index), e}};
  };

  const ExprId sum = m.reduce(Reduction::sum, j, m.prim(Op::mul, {vi, vj}));
  CHECK(substitute(m, sum, at(i, m.integer(2))) == m.reduce(Reduction::sum, j, m.prim(Op::mul, {m.integer(2), vj})));
  // the bound index is not free
  CHECK(substitute(m, sum, at(j, m.integer(2))) == sum);
  CHECK(substitute(m, sum, {}) == sum);
}

TEST_CASE("substitution does not capture") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  const IndexId j = m.add_index("j", 1, 3);
  const ExprId vi = m.index_value(i);
  const ExprId vj = m.index_value(j);
  const ExprId sum = m.reduce(Reduction::sum, j, m.prim(Op::mul, {vi, vj}));
  // i := j + 1 under sum(j: …): the new j is another than the bound one
  const ExprId next = m.prim(Op::add, {vj, m.integer(1)});
  const ExprId result = substitute(m, sum, {{static_cast<std::uint32_t>(i), next}});
  CHECK(dependence(m, result).free_indices == std::vector{j});
  const IndexId fresh{m.inst(result).payload};
  CHECK(fresh != j);
  CHECK(m.index(fresh).low == 1);
  CHECK(m.index(fresh).high == 3);
  CHECK(result == m.reduce(Reduction::sum, fresh, m.prim(Op::mul, {next, m.index_value(fresh)})));
  // nothing to replace inside: nothing is renamed
  const ExprId closed = m.reduce(Reduction::sum, j, vj);
  CHECK(substitute(m, closed, {{static_cast<std::uint32_t>(i), next}}) == closed);
}

TEST_CASE("a rewriter visits shared expressions once") {
  struct Doubler : Rewriter {
    using Rewriter::Rewriter;
    int visits = 0;
    ExprId replace(Inst inst) override {
      ++visits;
      if (inst.code == Opcode::constant && module_.constants[inst.payload] == Scalar::real(1)) return module_.real(2);
      return Rewriter::replace(std::move(inst));
    }
  };
  Module m;
  ExprId e = m.real(1);
  ExprId wanted = m.real(2);
  for (int k = 0; k < 60; ++k) {
    e = m.prim(Op::add, {e, e});
    wanted = m.prim(Op::add, {wanted, wanted});
  }
  Doubler rewrite(m);
  CHECK(rewrite(e) == wanted);
  CHECK(rewrite.visits == 61);
}

TEST_CASE("deep chains are no problem") {
  Module m;
  const LatentId x = m.add_latent(continuous("x"));
  ExprId e = load(m, x);
  for (int k = 0; k < 4000; ++k) e = m.prim(Op::sin, {e});
  m.add_term({TermKind::factor, {}, 0, SourceId::none, {}, e});
  CHECK(verify(m) == "");
  CHECK(print(m).size() > 4000);
  CHECK(dependence(m, e).continuous == std::vector{x});
}

TEST_CASE("dependence sees through lets, and not through binders") {
  Module m;
  const LatentId z = m.add_latent(finite("z", 2, {3}));
  const LatentId x = m.add_latent(continuous("x"));
  const IndexId i = m.add_index("i", 1, 3);
  const IndexId t = m.add_index("t", 1, 3);
  const IndexId k = m.add_index("k", 1, 3);
  const LetId a = m.add_let({"a", {i}, m.prim(Op::mul, {load(m, z, {m.index_value(i)}), load(m, x)}), false});
  const LetId s = m.add_let({"s", {t}, {}, true});
  const ExprId before = m.load_let(s, std::array{m.prim(Op::sub, {m.index_value(t), m.integer(1)})}, ScalarType::real);
  const ExprId first = m.prim(Op::eq, {m.index_value(t), m.integer(1)});
  m.lets[raw(s)].body = m.select(first, m.load_let(a, std::array{m.integer(1)}, ScalarType::real), before);
  CHECK(verify(m) == "");

  const ExprId read = m.load_let(s, std::array{m.index_value(k)}, ScalarType::real);
  const Dependence d = dependence(m, read);
  CHECK(d.finite == std::vector{z});
  CHECK(d.continuous == std::vector{x});
  CHECK(d.free_indices == std::vector{k});
  CHECK(d.on_latents());
  CHECK(dependence(m, m.reduce(Reduction::sum, k, read)).free_indices.empty());
  CHECK_FALSE(dependence(m, first).on_latents());

  DependenceMap map(m);
  CHECK(map(read).finite == d.finite);
  CHECK(map(before).finite == d.finite);
  CHECK(map.of(a).continuous == std::vector{x});
  CHECK(map.of(a).free_indices.empty());
}

TEST_CASE("layout: finite and continuous elements are counted apart, in order of declaration") {
  Module m;
  m.add_latent(finite("a", 2, {2, 3}));
  m.add_latent(continuous("x", {4}));
  m.add_latent(finite("b", 5));
  m.add_latent(continuous("y"));
  const StateLayout layout(m);
  CHECK(layout.offset == std::vector<std::size_t>{0, 0, 6, 4});
  CHECK(layout.finite == 7);
  CHECK(layout.continuous == 5);
}

TEST_CASE("verify finds what is wrong") {
  Module m;
  const SiteId site = m.add_site({{}, "x"});
  const LatentId z = m.add_latent(finite("z", 2, {3}));
  const IndexId i = m.add_index("i", 1, 3);
  const ExprId vi = m.index_value(i);
  REQUIRE(verify(m) == "");

  SUBCASE("a term reads an index that its plate does not bind") {
    m.add_term({TermKind::factor, site, 0, SourceId::none, {}, m.to_real(vi)});
    CHECK(verify(m) == "term 0 reads the index `i` that it does not bind");
  }
  SUBCASE("a term is not real") {
    m.add_term({TermKind::factor, site, 0, SourceId::none, {i}, vi});
    CHECK(verify(m) == "the body of term 0 is integer, not real");
  }
  SUBCASE("hard evidence charges nobody") {
    m.add_term({TermKind::evidence, site, 0, SourceId{0}, {}, m.real(0)});
    CHECK(verify(m) == "term 0 charges a source, but is not soft");
  }
  SUBCASE("a term without a site") {
    m.add_term({TermKind::factor, SiteId{7}, 0, SourceId::none, {}, m.real(0)});
    CHECK(verify(m) == "term 0 comes from no site");
  }
  SUBCASE("too few indices") {
    m.intern({Opcode::latent, ScalarType::integer, {}, static_cast<std::uint32_t>(z), {}});
    CHECK(verify(m) == "instruction 1: z has 1 dimensions, but 0 indices");
  }
  SUBCASE("operands that do not fit") {
    const ExprId half = m.real(0.5);
    m.intern({Opcode::prim, ScalarType::real, {}, static_cast<std::uint32_t>(Op::add), {vi, half}});
    CHECK(verify(m) == "instruction 2: the operands do not fit `add`");
  }
  SUBCASE("a wrong result type") {
    m.intern({Opcode::prim, ScalarType::real, {}, static_cast<std::uint32_t>(Op::add), {vi, vi}});
    CHECK(verify(m) == "instruction 1: add is real, not integer");
  }
  SUBCASE("alternatives of different types") {
    m.intern({Opcode::select, ScalarType::real, {}, 0, {m.boolean(true), m.real(1), m.integer(1)}});
    CHECK(verify(m) == "instruction 4: an alternative of select is integer, not real");
  }
  SUBCASE("lets that depend on each other") {
    const LetId a = m.add_let({"a", {}, m.real(0), false});
    const LetId b = m.add_let({"b", {}, m.load_let(a, {}, ScalarType::real), false});
    m.lets[raw(a)].body = m.load_let(b, {}, ScalarType::real);
    CHECK(verify(m) == "let `a` depends on itself");
  }
  SUBCASE("a map that reads itself") {
    const LetId a = m.add_let({"a", {i}, m.real(0), false});
    m.lets[raw(a)].body = m.load_let(a, std::array{vi}, ScalarType::real);
    CHECK(verify(m) == "let `a` depends on itself");
  }
  SUBCASE("data of another size") {
    Data d{"d", ScalarType::real, {3}, nullptr, std::make_shared<const std::vector<double>>(2, 0.0)};
    m.add_data(d);
    CHECK(verify(m) == "data `d` holds 2 numbers, its shape asks for 3");
  }
  SUBCASE("labels that do not match") {
    m.latents[0].labels = {"a", "b", "c"};
    CHECK(verify(m) == "latent `z` has 3 labels for 2 values");
  }
}
