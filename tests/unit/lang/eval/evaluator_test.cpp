// Hand-built modules whose values are known in closed form.
#include "lang/eval/evaluator.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "lang/eval/neumaier.h"

using namespace hearsay;
using namespace hearsay::ir;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

LatentId finite(Module& m, std::string name, std::int64_t cardinality, std::vector<std::int64_t> shape = {}) {
  Latent l;
  l.name = std::move(name);
  l.cardinality = cardinality;
  l.shape = std::move(shape);
  return m.add_latent(l);
}

LatentId continuous(Module& m, std::string name, std::vector<std::int64_t> shape = {}) {
  Latent l;
  l.name = std::move(name);
  l.finite = false;
  l.shape = std::move(shape);
  return m.add_latent(l);
}

ExprId load(Module& m, LatentId l, std::initializer_list<ExprId> at = {}) {
  return m.load_latent(l, std::span(at.begin(), at.size()));
}

ExprId load(Module& m, LetId l, std::initializer_list<ExprId> at = {}) {
  return m.load_let(l, std::span(at.begin(), at.size()), m.type(m.lets[raw(l)].body));
}

TermId add_term(Module& m, ExprId body, std::vector<IndexId> plate = {}) {
  return m.add_term({TermKind::factor, {}, 0, SourceId::none, std::move(plate), body});
}

DataId reals(Module& m, std::vector<double> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return m.add_data(
      {"d", ScalarType::real, {n}, nullptr, std::make_shared<const std::vector<double>>(std::move(values))});
}

}  // namespace

TEST_CASE("a normal plate") {
  Module m;
  const LatentId mu = continuous(m, "mu");
  const DataId y = reals(m, {0.5, -1.5, 2.0});
  const IndexId i = m.add_index("i", 1, 3);
  const ExprId gap = m.prim(Op::sub, {m.load_data(y, std::array{m.index_value(i)}), load(m, mu)});
  const TermId t = add_term(m, m.prim(Op::mul, {m.real(-0.5), m.prim(Op::mul, {gap, gap})}), {i});
  eval::ReferenceEvaluator evaluate(m);
  const std::array at{0.25};
  CHECK(evaluate.term(t, {at, {}}) == doctest::Approx(-0.5 * (0.0625 + 3.0625 + 3.0625)).epsilon(1e-15));
  CHECK(evaluate.term(t, std::array<std::int64_t, 1>{2}, {at, {}}) == -0.5 * 3.0625);
  CHECK(evaluate.log_density({at, {}}) == evaluate.term(t, {at, {}}));
}

TEST_CASE("plates are nested, and an empty one sums to nothing") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  const IndexId j = m.add_index("j", 0, 2);
  const IndexId none = m.add_index("none", 1, 0);
  const ExprId e = m.to_real(m.prim(Op::mul, {m.index_value(i), m.index_value(j)}));
  const TermId grid = add_term(m, e, {i, j});
  const TermId empty = add_term(m, m.prim(Op::div, {m.real(1), m.real(0)}), {i, none});
  eval::ReferenceEvaluator evaluate(m);
  CHECK(evaluate.term(grid, {}) == 18);
  CHECK(evaluate.term(empty, {}) == 0);
}

TEST_CASE("reductions") {
  Module m;
  const IndexId i = m.add_index("i", 1, 4);
  const IndexId none = m.add_index("none", 5, 4);
  const DataId d = reals(m, {1.5, -2, 4, 0.5});
  const ExprId x = m.load_data(d, std::array{m.index_value(i)});
  const ExprId big = m.prim(Op::lt, {m.real(1), x});
  eval::ReferenceEvaluator evaluate(m);
  const auto real = [&](Reduction r, IndexId bound, ExprId body) {
    return evaluate.value(m.reduce(r, bound, body), {});
  };
  CHECK(real(Reduction::sum, i, x) == Scalar::real(4));
  CHECK(real(Reduction::product, i, x) == Scalar::real(-6));
  CHECK(real(Reduction::minimum, i, x) == Scalar::real(-2));
  CHECK(real(Reduction::maximum, i, x) == Scalar::real(4));
  CHECK(real(Reduction::all, i, big) == Scalar::boolean(false));
  CHECK(real(Reduction::any, i, big) == Scalar::boolean(true));
  CHECK(real(Reduction::sum, i, big) == Scalar::integer(2));
  CHECK(real(Reduction::product, i, m.index_value(i)) == Scalar::integer(24));
  CHECK(real(Reduction::log_sum_exp, i, x).r ==
        doctest::Approx(std::log(std::exp(1.5) + std::exp(-2) + std::exp(4) + std::exp(0.5))).epsilon(1e-15));
  CHECK(real(Reduction::sum, none, x) == Scalar::real(0));
  CHECK(real(Reduction::product, none, x) == Scalar::real(1));
  CHECK(real(Reduction::minimum, none, x) == Scalar::real(kInf));
  CHECK(real(Reduction::maximum, none, x) == Scalar::real(-kInf));
  CHECK(real(Reduction::all, none, big) == Scalar::boolean(true));
  CHECK(real(Reduction::any, none, big) == Scalar::boolean(false));
  CHECK(real(Reduction::log_sum_exp, none, x) == Scalar::real(-kInf));
  CHECK(real(Reduction::minimum, none, m.index_value(none)).i == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("log_sum_exp keeps infinities and its scale") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  eval::ReferenceEvaluator evaluate(m);
  const auto of = [&](std::vector<double> values) {
    const ExprId x = m.load_data(reals(m, std::move(values)), std::array{m.index_value(i)});
    return evaluate.value(m.reduce(Reduction::log_sum_exp, i, x), {}).r;
  };
  CHECK(of({-kInf, -kInf, -kInf}) == -kInf);
  CHECK(of({-kInf, 2, -kInf}) == 2);
  CHECK(of({kInf, 2, -kInf}) == kInf);
  CHECK(of({1000, 1000, -kInf}) == doctest::Approx(1000 + std::log(2)).epsilon(1e-15));
  CHECK(of({-1e5, -1e5, -1e5}) == doctest::Approx(-1e5 + std::log(3)).epsilon(1e-15));
  CHECK(std::isnan(of({0, NAN, kInf})));
}

TEST_CASE("sums are compensated, and still know infinity and NaN") {
  const auto sum = [](std::vector<double> values) {
    eval::Neumaier s;
    for (const double v : values) s.add(v);
    return s.total();
  };
  CHECK(sum({1e16, 1, -1e16}) == 1);
  CHECK(sum({1, 1e100, 1, -1e100}) == 2);
  CHECK(sum({1, -kInf, 2}) == -kInf);
  CHECK(std::isnan(sum({kInf, 1, -kInf})));
  CHECK(std::isnan(sum({1, NAN})));
  CHECK(sum({}) == 0);
}

TEST_CASE("impossible is minus infinity, not NaN") {
  Module m;
  const LatentId z = finite(m, "z", 2);
  const ExprId p = m.select(m.prim(Op::eq, {load(m, z), m.integer(1)}), m.real(0), m.real(0.5));
  add_term(m, m.prim(Op::log, {p}));
  add_term(m, m.real(3));
  eval::ReferenceEvaluator evaluate(m);
  const std::array<std::int32_t, 1> first{1};
  const std::array<std::int32_t, 1> second{2};
  CHECK(evaluate.log_density({{}, first}) == -kInf);
  CHECK(evaluate.log_density({{}, second}) == doctest::Approx(3 + std::log(0.5)).epsilon(1e-15));
}

TEST_CASE("only the chosen side of a choice is evaluated") {
  Module m;
  const LatentId z = finite(m, "z", 3);
  const DataId d = reals(m, {1, 2});
  const ExprId outside = m.load_data(d, std::array{m.integer(3)});
  const ExprId chosen = m.select(m.boolean(true), m.real(7), outside);
  const ExprId picked = m.pick(m.integer(2), std::array{outside, m.real(8), outside});
  const ExprId unread = m.select(m.boolean(false), m.to_real(load(m, z)), m.real(9));
  eval::ReferenceEvaluator evaluate(m);
  CHECK(evaluate.value(chosen, {}).r == 7);
  CHECK(evaluate.value(picked, {}).r == 8);
  CHECK(evaluate.value(unread, {}).r == 9);
  CHECK_THROWS_AS((void)evaluate.value(outside, {}), std::out_of_range);
  CHECK_THROWS_AS((void)evaluate.value(m.pick(m.integer(4), std::array{m.real(1), m.real(2)}), {}), std::out_of_range);
  CHECK_THROWS_AS((void)evaluate.value(load(m, z), {}), eval::UnassignedLatent);
  const std::array<std::int32_t, 1> unassigned{0};
  CHECK_THROWS_AS((void)evaluate.value(load(m, z), {{}, unassigned}), eval::UnassignedLatent);
}

TEST_CASE("a hidden Markov chain: forward recursion as a scan against the sum over all paths") {
  // two states, transition (0.9 0.1; 0.2 0.8), emission odds by data; alpha[t, k] in logs
  constexpr std::int64_t T = 8;
  const std::vector<double> up = {0.7, 0.2, 0.9, 0.4, 0.4, 0.6, 0.1, 0.8};
  const double step[2][2] = {{0.9, 0.1}, {0.2, 0.8}};
  Module m;
  const DataId y = reals(m, up);
  const DataId a = m.add_data({"A",
                               ScalarType::real,
                               {2, 2},
                               nullptr,
                               std::make_shared<const std::vector<double>>(std::vector{0.9, 0.1, 0.2, 0.8})});
  const IndexId t = m.add_index("t", 1, T);
  const IndexId k = m.add_index("k", 1, 2);
  const IndexId j = m.add_index("j", 1, 2);
  const IndexId last = m.add_index("last", 1, 2);
  const ExprId vt = m.index_value(t);
  const ExprId vk = m.index_value(k);
  const ExprId vj = m.index_value(j);
  const LetId alpha = m.add_let({"alpha", {t, k}, {}, true});
  const ExprId yt = m.load_data(y, std::array{vt});
  const ExprId emission =
      m.prim(Op::log, {m.select(m.prim(Op::eq, {vk, m.integer(1)}), yt, m.prim(Op::sub, {m.real(1), yt}))});
  const ExprId before = m.load_let(alpha, std::array{m.prim(Op::sub, {vt, m.integer(1)}), vj}, ScalarType::real);
  const ExprId move = m.prim(Op::log, {m.load_data(a, std::array{vj, vk})});
  const ExprId arrive = m.reduce(Reduction::log_sum_exp, j, m.prim(Op::add, {before, move}));
  const ExprId start = m.real(std::log(0.5));
  m.lets[raw(alpha)].body = m.prim(Op::add, {emission, m.select(m.prim(Op::eq, {vt, m.integer(1)}), start, arrive)});
  add_term(m, m.reduce(Reduction::log_sum_exp, last,
                       m.load_let(alpha, std::array{m.integer(T), m.index_value(last)}, ScalarType::real)));
  REQUIRE(verify(m) == "");

  double total = 0;
  for (int path = 0; path < 1 << T; ++path) {
    double weight = 0.5;
    for (int s = 0; s < T; ++s) {
      const int here = path >> s & 1;
      if (s > 0) weight *= step[path >> (s - 1) & 1][here];
      weight *= here == 0 ? up[static_cast<std::size_t>(s)] : 1 - up[static_cast<std::size_t>(s)];
    }
    total += weight;
  }
  eval::ReferenceEvaluator evaluate(m);
  CHECK(evaluate.log_density({}) == doctest::Approx(std::log(total)).epsilon(1e-14));
}

TEST_CASE("a long recurrence needs no deep recursion") {
  constexpr std::int64_t N = 200'000;
  Module m;
  const LatentId x = continuous(m, "x");
  const IndexId t = m.add_index("t", 1, N);
  const ExprId vt = m.index_value(t);
  const LetId s = m.add_let({"s", {t}, {}, true});
  const ExprId before = m.load_let(s, std::array{m.prim(Op::sub, {vt, m.integer(1)})}, ScalarType::real);
  m.lets[raw(s)].body = m.select(m.prim(Op::eq, {vt, m.integer(1)}), load(m, x),
                                 m.prim(Op::add, {m.prim(Op::mul, {m.real(0.5), before}), m.real(1)}));
  const ExprId end = load(m, s, {m.integer(N)});
  eval::ReferenceEvaluator evaluate(m);
  const std::array at{7.0};
  CHECK(evaluate.value(end, {at, {}}).r == 2);
  CHECK(evaluate.value(load(m, s, {m.integer(3)}), {at, {}}).r == 3.25);
}

TEST_CASE("a scan asks only for what the element needs") {
  // s[t] counts the ones among z[1..t]; an element is known as soon as its own past is assigned
  Module m;
  const LatentId z = finite(m, "z", 2, {4});
  const IndexId r = m.add_index("r", 1, 2);
  const IndexId t = m.add_index("t", 1, 2);
  const ExprId vr = m.index_value(r);
  const ExprId vt = m.index_value(t);
  const LetId s = m.add_let({"s", {r, t}, {}, true});
  const ExprId position = m.prim(Op::add, {m.prim(Op::mul, {m.prim(Op::sub, {vr, m.integer(1)}), m.integer(2)}), vt});
  const ExprId here = load(m, z, {position});
  const ExprId before = m.load_let(s, std::array{vr, m.prim(Op::sub, {vt, m.integer(1)})}, ScalarType::integer);
  m.lets[raw(s)].body = m.select(m.prim(Op::eq, {vt, m.integer(1)}), here, m.prim(Op::add, {before, here}));
  eval::ReferenceEvaluator evaluate(m);
  const std::array<std::int32_t, 4> second_row{0, 0, 2, 1};
  CHECK(evaluate.value(load(m, s, {m.integer(2), m.integer(2)}), {{}, second_row}).i == 3);
  CHECK_THROWS_AS((void)evaluate.value(load(m, s, {m.integer(1), m.integer(2)}), {{}, second_row}),
                  eval::UnassignedLatent);
  CHECK(evaluate.value(load(m, s, {m.integer(2), m.integer(1)}), {{}, second_row}).i == 2);
}

TEST_CASE("a scan that reads ahead is refused") {
  Module m;
  const IndexId t = m.add_index("t", 1, 3);
  const LetId s = m.add_let({"s", {t}, {}, true});
  const ExprId ahead = m.prim(Op::min, {m.prim(Op::add, {m.index_value(t), m.integer(1)}), m.integer(3)});
  m.lets[raw(s)].body = m.load_let(s, std::array{ahead}, ScalarType::real);
  eval::ReferenceEvaluator evaluate(m);
  CHECK_THROWS_AS((void)evaluate.value(load(m, s, {m.integer(1)}), {}), std::out_of_range);
}

TEST_CASE("shared expressions are not evaluated again and again") {
  Module m;
  const LatentId x = continuous(m, "x");
  ExprId e = load(m, x);
  for (int k = 0; k < 200; ++k) e = m.prim(Op::mul, {m.real(0.5), m.prim(Op::add, {e, e})});
  const IndexId i = m.add_index("i", 1, 3);
  ExprId f = m.index_value(i);
  for (int k = 0; k < 40; ++k) f = m.prim(Op::add, {f, f});
  eval::ReferenceEvaluator evaluate(m);
  const std::array one{1.0};
  const std::array two{2.0};
  CHECK(evaluate.value(e, {one, {}}).r == 1);
  CHECK(evaluate.value(e, {two, {}}).r == 2);
  CHECK(evaluate.value(m.reduce(Reduction::sum, i, f), {}).i == 6 * (std::int64_t{1} << 40));
}

TEST_CASE("indices stay bound, and reductions put them back") {
  Module m;
  const IndexId i = m.add_index("i", 1, 3);
  const ExprId vi = m.index_value(i);
  const ExprId sum = m.reduce(Reduction::sum, i, vi);
  const ExprId e = m.prim(
      Op::add, {m.prim(Op::mul, {vi, m.integer(100)}), m.prim(Op::add, {sum, m.prim(Op::mul, {vi, m.integer(10)})})});
  eval::ReferenceEvaluator evaluate(m);
  evaluate.set_index(i, 2);
  CHECK(evaluate.value(e, {}).i == 226);
  evaluate.set_index(i, 3);
  CHECK(evaluate.value(e, {}).i == 336);
}

TEST_CASE("the module may grow between calls") {
  Module m;
  eval::ReferenceEvaluator evaluate(m);
  const LatentId x = continuous(m, "x");
  const IndexId i = m.add_index("i", 1, 3);
  const LetId a = m.add_let({"a", {i}, m.prim(Op::mul, {load(m, x), m.index_value(i)}), false});
  const std::array at{1.5};
  CHECK(evaluate.value(load(m, a, {m.integer(2)}), {at, {}}).r == 3);
  CHECK_THROWS_AS((void)evaluate.value(load(m, a, {m.integer(4)}), {at, {}}), std::out_of_range);
}

TEST_CASE("tables: all assignments of the scope, last variable fastest") {
  auto m = std::make_shared<Module>();
  const LatentId a = finite(*m, "a", 2);
  const LatentId b = finite(*m, "b", 3);
  const LatentId x = continuous(*m, "x");
  const IndexId i = m->add_index("i", 1, 2);
  const ExprId code = m->prim(Op::add, {m->prim(Op::mul, {load(*m, a), m->integer(10)}), load(*m, b)});
  const TermId t = add_term(*m, m->prim(Op::add, {m->prim(Op::mul, {code, m->index_value(i)}), load(*m, x)}), {i});
  const TermId c = add_term(*m, load(*m, x));
  const TermId bad = add_term(*m, m->load_data(reals(*m, {5}), std::array{load(*m, a)}));
  auto g = std::make_shared<Grounding>();
  g->closed_terms = {c, c};
  g->variables = {{"a", 2}, {"b", 3}};
  g->factors = {{t, {1}, {0, 1}, 1, 6}, {t, {2}, {0, 1}, 7, 6}, {bad, {}, {0}, 13, 2}, {t, {1}, {0}, 15, 2}};
  g->table_entries = 17;
  const auto model = eval::compile_reference(m, g);
  CHECK(model->continuous_dimension() == 1);
  CHECK(model->table_entries() == 17);
  const auto evaluator = model->evaluator();
  const std::array at{0.5};
  CHECK(evaluator->closed_terms(at) == 1);
  std::vector<double> tables(17, -1);
  evaluator->fill_tables(at, tables);
  CHECK(tables[0] == -1);
  const std::vector<double> first(tables.begin() + 1, tables.begin() + 7);
  CHECK(first == std::vector<double>{11.5, 12.5, 13.5, 21.5, 22.5, 23.5});
  CHECK(tables[7] == 22.5);
  CHECK(tables[12] == 46.5);
  CHECK(tables[13] == 5);
  CHECK(std::isnan(tables[14]));  // a = 2 reads outside the data
  CHECK(std::isnan(tables[15]));  // b is not in this scope, so it has no value
}
