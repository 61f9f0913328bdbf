#include "lang/model/log_density.h"

#include <doctest/doctest.h>

#include <vector>

using namespace hearsay::model;

namespace {

struct Parabola {
  [[nodiscard]] std::size_t dim() const noexcept { return 1; }
  EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept {
    gradient[0] = -q[0];
    return {-0.5 * q[0] * q[0], EvalStatus::ok, 0};
  }
};
struct MayThrow {
  [[nodiscard]] std::size_t dim() const noexcept { return 1; }
  EvalResult value_and_gradient(std::span<const double>, std::span<double>) { return {}; }
};
struct OnlyValue {
  [[nodiscard]] std::size_t dim() const noexcept { return 1; }
  double value_and_gradient(std::span<const double>, std::span<double>) noexcept { return 0; }
};
struct NoDimension {
  EvalResult value_and_gradient(std::span<const double>, std::span<double>) noexcept { return {}; }
};

static_assert(LogDensity<Parabola>);
static_assert(LogDensity<DensityEvaluator>);
static_assert(!LogDensity<MayThrow>);
static_assert(!LogDensity<OnlyValue>);
static_assert(!LogDensity<NoDimension>);

}  // namespace

TEST_CASE("log density: a plain type and the interface give the same numbers") {
  class Wrapped final : public DensityEvaluator {
  public:
    [[nodiscard]] std::size_t dim() const noexcept override { return inner_.dim(); }
    EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept override {
      return inner_.value_and_gradient(q, gradient);
    }

  private:
    Parabola inner_;
  };
  Wrapped wrapped;
  DensityEvaluator& density = wrapped;
  const std::vector<double> q = {3};
  std::vector<double> gradient(density.dim());
  const EvalResult r = density.value_and_gradient(q, gradient);
  CHECK(r.status == EvalStatus::ok);
  CHECK(r.log_density == -4.5);
  CHECK(gradient[0] == -3);
}
