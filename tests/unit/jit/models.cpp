// Modules written by hand: native code at every level = reference evaluator.
#include <thread>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("a plate over data, a scalar let and a reduction") {
  const Model m = parse(R"(site 0 0:0..1 "s"
data x : real [4, 2] = 1.0 2.0 3.0 -4.0 5.0 0.5 -7.0 8.0
data y : integer [4] = 1 0 1 2
latent mu : real (-inf, inf) site 0
latent b : real (-inf, inf) [2] site 0
index i in 1..4
index k in 1..2
let tau : real = exp(mu)
let eta [i in 1..4] : real = add(tau, sum(k in 1..2: mul(x[i, k], b[k])))
term 0 prior site 0 order 0: mul(-0.5, mul(mu, mu))
term 1 evidence site 0 order 1 plate (i in 1..4): sub(mul(to_real(y[i]), eta[i]), log1p_exp(eta[i]))
term 2 factor site 0 order 2: log_sum_exp(i in 1..4: eta[i])
term 3 factor site 0 order 3: log_sum_exp(i in 1..4: add(lgamma(abs(eta[i])), product(k in 1..2: x[i, k])))
term 4 factor site 0 order 4: add(minimum(i in 1..4: eta[i]), mul(2.0, maximum(i in 1..4: eta[i])))
)");
  agree(m, {0.3, -0.2, 0.7}, 1e-13, 100);
  agree(m, {-3.0, 2.0, 1.7}, 1e-13, 100);
  agree(m, {std::nan(""), 2.0, 1.7});
  agree(m, {-infinity, 2.0, 1.7});
}

TEST_CASE("log_sum_exp keeps impossible, certain and undefined apart") {
  for (const char* body : {"a[i]", "add(a[i], log1p_exp(a[i]))"}) {
    CAPTURE(body);
    const Model m = parse(std::string(R"(site 0 0:0..1 "s"
latent a : real (-inf, inf) [3] site 0
index i in 1..3
index j in 1..0
term 0 factor site 0 order 0: log_sum_exp(i in 1..3: )") +
                          body + R"()
term 1 factor site 0 order 1: mul(0.5, exp(log_sum_exp(j in 1..0: a[j])))
)");
    agree(m, {0.5, 1.5, -2.5});
    agree(m, {-infinity, -infinity, -infinity});
    agree(m, {-infinity, 3.0, -infinity});
    agree(m, {infinity, 3.0, -infinity});
    agree(m, {-800.0, -1600.0, -infinity});
    agree(m, {300.0, 200.0, 299.0});
    agree(m, {std::nan(""), 3.0, -infinity});
  }
}

TEST_CASE("empty plates and reductions") {
  const Model m = parse(R"(site 0 0:0..1 "s"
data nothing : real [0] =
index i in 1..0
term 0 factor site 0 order 0 plate (i in 1..0): nothing[i]
term 1 factor site 0 order 1: add(product(i in 1..0: nothing[i]), sum(i in 1..0: nothing[i]))
term 2 factor site 0 order 2: minimum(i in 1..0: nothing[i])
term 3 factor site 0 order 3: select(all(i in 1..0: false), 2.0, 3.0)
term 4 factor site 0 order 4: select(any(i in 1..0: true), 2.0, 3.0)
)");
  agree(m, {});
}

TEST_CASE("tables of finite latents: odometer, chains, nested plates") {
  const Model m = parse(R"(site 0 0:0..1 "s"
data p : real [2, 3] = 0.2 0.3 0.5 0.1 0.1 0.8
latent z : finite 2 [2] site 0
latent w : finite 3 site 0
latent theta : real (0.0, 1.0) site 0
index i in 1..2
index j in 1..3
term 0 prior site 0 order 0 plate (i in 1..2): log(p[z[i], w])
term 1 soft site 0 order 1 source 0 plate (i in 1..2, j in 1..3): select(eq(w, j), mul(to_real(z[i]), log(theta)), log1p(neg(theta)))
term 2 factor site 0 order 2: pick(w, log(theta), -inf, to_real(z[1]))
term 3 factor site 0 order 3: log(theta)
term 4 factor site 0 order 4 plate (i in 1..2): log_sum_exp(j in 1..3: mul(p[z[i], j], theta))
)");
  CHECK(m.grounding->closed_terms.size() == 1);
  agree(m, {0.25});
  agree(m, {0.0});
}

TEST_CASE("lets that read finite latents are computed where they are read") {
  const Model m = parse(R"(site 0 0:0..1 "s"
latent z : finite 3 [4] site 0
latent phi : real (-inf, inf) site 0
index t in 1..4
index u in 1..4
let odd [t in 1..4] : boolean = eq(modulo(z[t], 2), 1)
let level [t in 1..4] scan : real = select(eq(t, 1), phi, add(mul(phi, level[sub(t, 1)]), select(odd[t], 1.0, -0.5)))
let count [t in 1..4] scan : integer = add(select(eq(t, 1), 0, count[sub(t, 1)]), select(odd[t], 1, 0))
let scaled [t in 1..4] : real = mul(level[t], to_real(count[t]))
term 0 factor site 0 order 0 plate (u in 1..4): add(level[u], mul(0.125, scaled[u]))
)");
  agree(m, {0.7});
  agree(m, {-1.5});
}

TEST_CASE("scans over continuous latents, of two dimensions") {
  const Model m = parse(R"(site 0 0:0..1 "s"
latent phi : real (-inf, inf) site 0
index t in 1..3
index k in 2..4
let a [t in 1..3, k in 2..4] scan : real = select(eq(k, 2), add(phi, select(eq(t, 1), 0.0, a[sub(t, 1), 4])), mul(phi, a[t, sub(k, 1)]))
term 0 factor site 0 order 0 plate (t in 1..3, k in 2..4): mul(a[t, k], to_real(add(t, k)))
)");
  agree(m, {0.9}, 1e-13, 10);
}

TEST_CASE("one index bound twice over: inner sums do not see outer values") {
  ir::Module module;
  const ir::SiteId site = module.add_site({});
  const ir::IndexId i = module.add_index("i", 1, 3);
  const ir::ExprId at = module.to_real(module.index_value(i));
  const ir::ExprId inner = module.reduce(ir::Reduction::sum, i, module.prim(Op::mul, {at, at}));
  const ir::ExprId outer =
      module.reduce(ir::Reduction::sum, i, module.prim(Op::mul, {at, module.prim(Op::add, {inner, at})}));
  ir::Term term;
  term.site = site;
  term.body = outer;
  module.add_term(term);
  const Model m = ground_widely(std::move(module));
  agree(m, {});
  // 1·(14+1) + 2·(14+2) + 3·(14+3)
  CHECK(evaluate(*native(m, options(jit::Optimization::O2)), {}).closed == 98);
}

TEST_CASE("a read outside an array spoils what reads it and nothing else") {
  const Model m = parse(R"(site 0 0:0..1 "s"
data y : real [3] = 1.0 2.0 3.0
data n : integer [3] = 1 2 7
latent z : finite 5 site 0
latent x : real (-inf, inf) site 0
index i in 1..3
let d [i in 1..3] : real = sub(y[add(i, 1)], y[i])
let g [i in 1..3] : real = select(lt(i, 3), y[add(i, 1)], x)
let s [i in 1..3] scan : real = add(y[n[i]], select(eq(i, 1), 0.0, s[sub(i, 1)]))
term 0 factor site 0 order 0: y[z]
term 1 factor site 0 order 1: select(le(z, 3), y[z], -1.0)
term 2 factor site 0 order 2: add(to_real(z), add(d[1], d[2]))
term 3 factor site 0 order 3: add(to_real(z), d[3])
term 4 factor site 0 order 4: add(to_real(z), sum(i in 1..3: g[i]))
term 5 factor site 0 order 5: add(to_real(z), s[2])
term 6 factor site 0 order 6: add(to_real(z), s[3])
term 7 factor site 0 order 7: pick(z, 1.0, 2.0)
)");
  agree(m, {0.5});
  const auto tables = evaluate(*native(m, options(jit::Optimization::O2)), {0.5}).tables;
  CHECK(tables[2] == 3);
  CHECK(std::isnan(tables[3]));
  CHECK(tables[5 + 2] == 3);
  CHECK(tables[5 + 3] == -1);

  const Model closed = parse(R"(site 0 0:0..1 "s"
data y : real [3] = 1.0 2.0 3.0
latent x : real (-inf, inf) site 0
term 0 factor site 0 order 0: y[to_int(x)]
)");
  agree(closed, {2.5});
  agree(closed, {0.5});
  agree(closed, {infinity});
}

TEST_CASE("large sums vectorise, with the vector versions of exp and log") {
  std::string text = "site 0 0:0..1 \"s\"\ndata y : real [1000] =";
  for (int k = 0; k < 1000; ++k) text += " " + std::to_string(0.001 * k - 0.3);
  text += R"(
latent a : real (-inf, inf) site 0
index i in 1..1000
term 0 evidence site 0 order 0 plate (i in 1..1000): log(add(1.0, exp(mul(a, y[i]))))
)";
  const Model m = parse(text);
  agree(m, {1.5}, 1e-13, 1000);
  const auto assembly = jit::listing(*m.module, *m.grounding, options(jit::Optimization::O2), jit::Listing::assembly);
  REQUIRE(assembly.has_value());
  const auto llvm = jit::listing(*m.module, *m.grounding, options(jit::Optimization::O2), jit::Listing::llvm);
  REQUIRE(llvm.has_value());
  CHECK(llvm->find("define double @closed") != std::string::npos);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    CHECK(assembly->find(wide ? "_ZGVeN8v_exp" : "_ZGVdN4v_exp") != std::string::npos);
    CHECK(assembly->find(wide ? "_ZGVeN8v_log" : "_ZGVdN4v_log") != std::string::npos);
  }
#endif
  const auto scalar =
      jit::listing(*m.module, *m.grounding, options(jit::Optimization::O2, false), jit::Listing::assembly);
  REQUIRE(scalar.has_value());
  CHECK(scalar->find("_ZGV") == std::string::npos);
}

TEST_CASE("many threads share one compiled model") {
  const Model m = parse(R"(site 0 0:0..1 "s"
latent z : finite 4 [3] site 0
latent x : real (-inf, inf) site 0
index i in 1..3
let e : real = exp(x)
let c [i in 1..3] scan : real = add(mul(e, to_real(z[i])), select(eq(i, 1), 0.0, c[sub(i, 1)]))
term 0 factor site 0 order 0 plate (i in 1..3): c[i]
term 1 factor site 0 order 1: mul(e, e)
)");
  const auto compiled = native(m, options(jit::Optimization::O2));
  const auto reference = eval::compile_reference(m.module, m.grounding);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const double x = 0.1 * static_cast<double>(t);
      const Answers expected = evaluate(*reference, {x});
      for (int round = 0; round < 200; ++round) {
        const Answers got = evaluate(*compiled, {x});
        for (std::size_t k = 0; k < got.tables.size(); ++k) {
          if (ulps(got.tables[k], expected.tables[k]) > 8) ++wrong[t];
        }
        if (ulps(got.closed, expected.closed) > 8) ++wrong[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const int w : wrong) CHECK(w == 0);
}

TEST_CASE("evaluators outlive everybody else's handles") {
  auto m = parse("site 0 0:0..1 \"s\"\nlatent x : real (-inf, inf) site 0\nterm 0 factor site 0 order 0: exp(x)\n");
  auto compiled = native(m, options(jit::Optimization::O0));
  auto evaluator = compiled->evaluator();
  compiled.reset();
  m = {};
  CHECK(evaluator->closed_terms(std::vector<double>{0.0}) == 1);
}

TEST_CASE("a model beyond the limits is refused, not attempted") {
  ir::Module module;
  const ir::SiteId site = module.add_site({});
  ir::Latent x;
  x.site = site;
  x.name = "x";
  x.finite = false;
  const ir::ExprId leaf = module.load_latent(module.add_latent(x), {});
  ir::ExprId e = leaf;
  for (int k = 0; k < 100'000; ++k) e = module.prim(k % 2 == 0 ? Op::sin : Op::exp, {e});
  ir::Term term;
  term.site = site;
  term.body = e;
  module.add_term(term);
  auto grounding = std::make_shared<ir::Grounding>();
  grounding->closed_terms = {ir::TermId{0}};
  const auto refused =
      jit::compile(std::make_shared<const ir::Module>(std::move(module)), grounding, options(jit::Optimization::O0));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().kind == DiagnosticKind::jit_too_large);
}

}  // namespace
}  // namespace hearsay::test
