// Primitives put together from vector calls: accurate in every regime, and in loops that are vectors indeed.
#include <map>
#include <random>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

struct Composite {
  Op op;
  double ulps;  ///< in vectors, against the kernel: libmvec's errors of the calls in it
};

const Composite composites[] = {
    {Op::log1p_exp, 4}, {Op::log1m_exp, 6}, {Op::log_add_exp, 4},   {Op::xlogy, 4},      {Op::xlog1py, 4},
    {Op::logit, 4},     {Op::inv_logit, 4}, {Op::log_inv_logit, 4}, {Op::soft_event, 6},
};

/// Numbers of every size that an exponential knows, both signs; probabilities near 0, 1/2 and 1 among them.
std::vector<double> numbers(unsigned seed, std::size_t n) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> corners{0.0,   -0.0,   0.25,  0.75,   0.5,       1.0,    -1.0,    inf,  -inf,  std::nan(""),
                                    700.0, -700.0, 709.5, -709.5, 745.0,     -745.0, 746.0,   -746, 800.0, -800.0,
                                    1e-16, -1e-16, 1e16,  -1e16,  1 - 1e-16, 1e-300, -1e-300, 1e300};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(0, 1), exponent(-18, 3.5);
  std::vector<double> result;
  for (std::size_t k = 0; k < n; ++k) {
    const double size = std::pow(10, exponent(random));
    switch (random() % 5) {
      case 0:
        result.push_back(corners[random() % corners.size()]);
        break;
      case 1:
        result.push_back(unit(random));
        break;
      case 2:
        result.push_back(random() % 2 == 0 ? 1 - size : 0.5 + size);
        break;
      default:
        result.push_back(random() % 2 == 0 ? size : -size);
        break;
    }
  }
  return result;
}

constexpr std::size_t count = 8192;

/// One loop: element i is the primitive of two data.
Model loop_over(Op op, const std::vector<double>& a, const std::vector<double>& b) {
  ir::Module m;
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(count)};
  const auto data = [&](const char* name, const std::vector<double>& values) {
    return m.add_data({name, ScalarType::real, shape, nullptr, std::make_shared<const std::vector<double>>(values)});
  };
  const ir::DataId da = data("a", a);
  const ir::DataId db = data("b", b);
  const ir::SiteId site = m.add_site({});
  ir::Latent z;
  z.name = "z";
  z.site = site;
  z.cardinality = static_cast<std::int64_t>(count);
  const ir::ExprId code = m.load_latent(m.add_latent(z), {});
  const ir::IndexId i = m.add_index("i", 1, static_cast<std::int64_t>(count));
  const ir::ExprId at = m.index_value(i);
  std::vector<ir::ExprId> operands{m.load_data(da, std::span(&at, 1))};
  if (info(op).arity == 2) operands.push_back(m.load_data(db, std::span(&at, 1)));
  ir::Let let;
  let.name = "l";
  let.binders = {i};
  let.body = m.prim(op, operands);
  ir::Term term;
  term.site = site;
  term.body = m.load_let(m.add_let(let), std::span(&code, 1), ScalarType::real);
  m.add_term(term);
  return ground_widely(std::move(m));
}

}  // namespace

TEST_CASE("composite primitives are accurate in every regime, and the same as their kernels in scalar code") {
  const auto a = numbers(1, count);
  const auto b = numbers(2, count);
  for (const Composite& c : composites) {
    CAPTURE(info(c.op).name);
    const Model model = loop_over(c.op, a, b);
    for (const bool vectorize : {true, false}) {
      const auto answers = evaluate(*native(model, options(jit::Optimization::O2, vectorize)), {});
      double worst = 0;
      std::size_t at = 0;
      for (std::size_t k = 0; k < count; ++k) {
        std::vector<Scalar> operands{Scalar::real(a[k])};
        if (info(c.op).arity == 2) operands.push_back(Scalar::real(b[k]));
        const double wrong = ulps(answers.tables[k], hearsay::apply(c.op, operands).as_real());
        if (wrong > worst) {
          worst = wrong;
          at = k;
        }
      }
      CAPTURE(vectorize);
      CAPTURE(a[at]);
      CAPTURE(b[at]);
      CAPTURE(answers.tables[at]);
      CHECK(worst <= (vectorize ? c.ulps : 0));
    }
  }
}

TEST_CASE("loops over composite primitives become vector calls") {
  const std::vector<double> values(count, 0.5);
  // The test of the test: `exp` alone is vectorised where there is a vector library at all.
  const auto assembly = [&](Op op) {
    const Model m = loop_over(op, values, values);
    const auto text = jit::listing(*m.module, *m.grounding, options(jit::Optimization::O2), jit::Listing::assembly);
    REQUIRE(text.has_value());
    return *text;
  };
  if (assembly(Op::exp).find("_ZGV") == std::string::npos) {
    MESSAGE("this machine has no vector library");
    return;
  }
  for (const Composite& c : composites) {
    CAPTURE(info(c.op).name);
    const std::string text = assembly(c.op);
    CHECK(text.find("_ZGV") != std::string::npos);
    CHECK(text.find(std::string(info(c.op).symbol)) == std::string::npos);
  }
}

}  // namespace hearsay::test
