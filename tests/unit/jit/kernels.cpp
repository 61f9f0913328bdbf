// Native contractions = the generic kernel, over random shapes in both semirings.
#include <atomic>
#include <random>

#include "tests/unit/jit/support.h"

namespace hearsay::test {
namespace {

using model::ContractionShape;
using model::Semiring;

/// Operands over random subsets of the loops, dense in a random order of them.
ContractionShape random_shape(std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  ContractionShape s;
  const std::size_t loops = below(5);
  for (std::size_t l = 0; l < loops; ++l)
    s.extents.push_back(static_cast<std::uint32_t>(1 + below(l % 2 == 0 ? 5 : 17)));
  s.kept = static_cast<std::uint32_t>(below(loops + 1));
  s.inputs = static_cast<std::uint32_t>(1 + below(4));
  s.strides.assign(s.inputs * loops, 0);
  for (std::size_t k = 0; k < s.inputs; ++k) {
    std::vector<std::size_t> order;
    for (std::size_t l = 0; l < loops; ++l) {
      if (below(3) != 0) order.insert(order.begin() + static_cast<std::ptrdiff_t>(below(order.size() + 1)), l);
    }
    std::int64_t stride = 1;
    for (const std::size_t l : order) {
      s.strides[k * loops + l] = stride;
      stride *= s.extents[l];
    }
  }
  return s;
}

std::size_t operand_size(const ContractionShape& s, std::size_t input) {
  std::int64_t last = 0;
  for (std::size_t l = 0; l < s.loops(); ++l) last += s.stride(input, l) * (std::int64_t{s.extents[l]} - 1);
  return static_cast<std::size_t>(last) + 1;
}

TEST_CASE("native contractions give what the generic kernel gives") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> unit(0, 1);
  for (const auto level : {jit::Optimization::O0, jit::Optimization::O2}) {
    auto o = options(level);
    o.kernel_iterations = 1;
    const auto provider = jit::kernels(o);
    REQUIRE(provider.has_value());
    for (int round = 0; round < 30; ++round) {
      const ContractionShape shape = random_shape(random);
      for (const Semiring semiring : {Semiring::linear, Semiring::log}) {
        CAPTURE(round);
        CAPTURE(static_cast<int>(semiring));
        const auto kernel = (*provider)->find(shape, semiring);
        REQUIRE((kernel != nullptr));
        CHECK(((*provider)->find(shape, semiring) == kernel));
        std::vector<std::vector<double>> inputs(shape.inputs);
        std::vector<const double*> pointers;
        for (std::size_t k = 0; k < shape.inputs; ++k) {
          inputs[k].resize(operand_size(shape, k));
          for (double& v : inputs[k]) {
            v = unit(random) < 0.2 ? 0 : unit(random);
            if (semiring == Semiring::log) v = 100 * std::log(v);  // some are -inf
          }
          pointers.push_back(inputs[k].data());
        }
        std::vector<double> expected(shape.output_size(), -1), got(shape.output_size(), -2);
        const std::atomic<bool> go_on = false;
        CHECK(model::contract_generic(shape, semiring, pointers.data(), expected.data(), &go_on));
        CHECK(kernel(pointers.data(), got.data(), &go_on));
        double worst = 0;
        for (std::size_t k = 0; k < got.size(); ++k) {
          if (got[k] == expected[k]) continue;
          worst = std::max(worst, std::abs(got[k] - expected[k]) / std::max(1e-300, std::abs(expected[k])));
        }
        CHECK(worst < 1e-13);
      }
    }
  }
}

TEST_CASE("small contractions and too many shapes are left to the generic kernel") {
  const auto patient = jit::kernels(options(jit::Optimization::O0));
  REQUIRE(patient.has_value());
  ContractionShape small{{2, 3}, 1, 1, {3, 1}};
  CHECK(((*patient)->find(small, Semiring::linear) == nullptr));

  auto o = options(jit::Optimization::O0);
  o.kernel_iterations = 1;
  const auto eager = jit::kernels(o);
  REQUIRE(eager.has_value());
  std::size_t compiled = 0;
  for (std::uint32_t n = 2; n < 102; ++n) {
    if ((*eager)->find(ContractionShape{{n}, 0, 1, {1}}, Semiring::linear) != nullptr) ++compiled;
  }
  CHECK(compiled == 64);
}

TEST_CASE("a long contraction stops when told to, native or not") {
  // out[i] = sum over j, k of a[i, j] b[j, k] c[k, i]: 2^30 products.
  const ContractionShape shape{{1024, 1024, 1024}, 1, 3, {1024, 1, 0, 0, 1024, 1, 1, 0, 1024}};
  const std::vector<double> ones(std::size_t{1} << 20, 1.0);
  const std::vector<const double*> inputs(3, ones.data());
  std::vector<double> out(1024);
  const std::atomic<bool> stop = true;
  const auto provider = jit::kernels(options(jit::Optimization::O2));
  REQUIRE(provider.has_value());
  for (const Semiring semiring : {Semiring::linear, Semiring::log}) {
    const auto kernel = (*provider)->find(shape, semiring);
    REQUIRE((kernel != nullptr));
    CHECK(!kernel(inputs.data(), out.data(), &stop));
    CHECK(!model::contract_generic(shape, semiring, inputs.data(), out.data(), &stop));
  }
}

}  // namespace
}  // namespace hearsay::test
