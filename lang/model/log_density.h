// A log density on the unconstrained scale, as gradient-based inference sees it: a number, a gradient, and a status.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace hearsay::model {

enum class EvalStatus : std::uint8_t {
  ok,               ///< the density and its gradient are finite
  outside_support,  ///< the density is 0 here, or not a number: a sampler turns back, an optimiser shortens its step
  fatal,            ///< nothing can be evaluated any more (interrupted, or a broken model): inference stops
};

struct EvalResult {
  double log_density = 0;  ///< nats; Jacobian included; meaningless unless the status is ok
  EvalStatus status = EvalStatus::ok;
  std::uint32_t site = 0;  ///< the statement at fault, as in lang/ir's SiteId; 0 when the status is ok
};

/// One chain, one thread, no allocation in a call: `q` and `gradient` have dim() elements and do not overlap.
template <class D>
concept LogDensity = requires(D& density, const D& same, std::span<const double> q, std::span<double> gradient) {
  { same.dim() }
  noexcept->std::same_as<std::size_t>;
  { density.value_and_gradient(q, gradient) }
  noexcept->std::same_as<EvalResult>;
};

/// The one LogDensity that engines are compiled for; private to one thread.
class DensityEvaluator {
public:
  DensityEvaluator() = default;
  DensityEvaluator(const DensityEvaluator&) = delete;
  DensityEvaluator& operator=(const DensityEvaluator&) = delete;
  virtual ~DensityEvaluator() = default;

  [[nodiscard]] virtual std::size_t dim() const noexcept = 0;
  virtual EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept = 0;
};
static_assert(LogDensity<DensityEvaluator>);

/// What chains share: immutable, and a source of evaluators of its own for each of them.
class DensityModel {
public:
  DensityModel() = default;
  DensityModel(const DensityModel&) = delete;
  DensityModel& operator=(const DensityModel&) = delete;
  virtual ~DensityModel() = default;

  [[nodiscard]] virtual std::size_t dim() const noexcept = 0;
  [[nodiscard]] virtual std::unique_ptr<DensityEvaluator> evaluator() const = 0;
};

}  // namespace hearsay::model
