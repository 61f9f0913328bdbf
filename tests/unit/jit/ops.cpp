// Every primitive, as a scalar in the filling of tables and inside a loop that vectorises, against `apply`.
#include <map>
#include <random>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

struct Samples {
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
};

constexpr std::size_t sample_count = 512;

/// Corner values in all combinations, then random ones of many sizes.
Samples samples(std::size_t operand) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> corners{0.0, -0.0, 1.0, -1.0, 0.5, inf, -inf, std::nan("")};
  const std::vector<std::int64_t> whole{
      0, 1, -1, 7, -7, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 2};
  std::mt19937_64 random(20240 + operand);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> exponent(-4, 4), unit(0, 1);
  Samples s;
  for (std::size_t k = 0; k < sample_count; ++k) {
    if (k < 256) {
      const std::size_t at = operand == 0 ? k % 8 : operand == 1 ? k / 8 % 8 : k / 64;
      s.reals.push_back(corners[at]);
      s.integers.push_back(whole[at]);
    } else {
      s.reals.push_back(k % 3 == 0 ? unit(random) : normal(random) * std::exp(exponent(random)));
      s.integers.push_back(static_cast<std::int64_t>(normal(random) * 50));
    }
  }
  return s;
}

struct Case {
  Op op;
  ScalarType type;
  bool loop;
};

}  // namespace

TEST_CASE("every primitive gives what apply gives") {
  ir::Module m;
  std::vector<Samples> values;
  std::map<std::pair<std::size_t, ScalarType>, ir::DataId> data;
  for (std::size_t operand = 0; operand < 3; ++operand) {
    values.push_back(samples(operand));
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(sample_count)};
    std::vector<std::int64_t> truth;
    for (const std::int64_t i : values.back().integers) truth.push_back(i & 1);
    const std::string n = std::to_string(operand);
    data[{operand, ScalarType::real}] = m.add_data(
        {"r" + n, ScalarType::real, shape, nullptr, std::make_shared<const std::vector<double>>(values.back().reals)});
    data[{operand, ScalarType::integer}] =
        m.add_data({"i" + n, ScalarType::integer, shape,
                    std::make_shared<const std::vector<std::int64_t>>(values.back().integers), nullptr});
    data[{operand, ScalarType::boolean}] = m.add_data(
        {"b" + n, ScalarType::boolean, shape, std::make_shared<const std::vector<std::int64_t>>(truth), nullptr});
  }
  const ir::SiteId site = m.add_site({});
  ir::Latent z;
  z.name = "z";
  z.site = site;
  z.cardinality = static_cast<std::int64_t>(sample_count);
  const ir::LatentId latent = m.add_latent(z);
  const ir::ExprId code = m.load_latent(latent, {});

  std::vector<Case> cases;
  for (const Op op : all_ops()) {
    for (const ScalarType t : {ScalarType::boolean, ScalarType::integer, ScalarType::real}) {
      const std::vector<ScalarType> types(info(op).arity, t);
      if (!result_type(op, types)) continue;
      const auto body = [&](ir::ExprId at) {
        std::vector<ir::ExprId> operands;
        for (std::size_t k = 0; k < types.size(); ++k) operands.push_back(m.load_data(data[{k, t}], std::span(&at, 1)));
        return m.to_real(m.prim(op, operands));
      };
      for (const bool loop : {false, true}) {
        ir::Term term;
        term.site = site;
        if (loop) {
          const ir::IndexId i = m.add_index("i", 1, static_cast<std::int64_t>(sample_count));
          ir::Let let;
          let.name = "l" + std::to_string(m.lets.size());
          let.binders = {i};
          let.body = body(m.index_value(i));
          const ir::LetId id = m.add_let(let);
          term.body = m.load_let(id, std::span(&code, 1), ScalarType::real);
        } else {
          term.body = body(code);
        }
        m.add_term(term);
        cases.push_back({op, t, loop});
      }
    }
  }
  CHECK(ir::verify(m) == "");
  const Model model = ground_widely(std::move(m));
  REQUIRE(model.grounding->factors.size() == cases.size());

  for (const Setting& setting : settings()) {
    CAPTURE(setting.name);
    const auto answers = evaluate(*native(model, setting.options), {});
    for (std::size_t c = 0; c < cases.size(); ++c) {
      const auto [op, t, loop] = cases[c];
      // Scalar code calls the very functions that `apply` calls; libmvec promises 4 ulp.
      const double bound = loop && setting.options.vectorize && !info(op).symbol.empty() ? 4 : 0;
      for (std::size_t k = 0; k < sample_count; ++k) {
        std::vector<Scalar> operands;
        for (std::size_t a = 0; a < info(op).arity; ++a) {
          operands.push_back(t == ScalarType::real      ? Scalar::real(values[a].reals[k])
                             : t == ScalarType::integer ? Scalar::integer(values[a].integers[k])
                                                        : Scalar::boolean((values[a].integers[k] & 1) != 0));
        }
        const double expected = hearsay::apply(op, operands).as_real();
        const double got = answers.tables[model.grounding->factors[c].table_offset + k];
        if (ulps(got, expected) > bound) {
          CAPTURE(operands[0].as_real());
          CAPTURE(operands.back().as_real());
          CAPTURE(loop);
          FAIL_CHECK(info(op).name << " gives " << got << ", not " << expected << " (" << ulps(got, expected)
                                   << " ulp)");
          break;
        }
      }
    }
  }
}

}  // namespace hearsay::test
