#include "runtime/infer/nuts/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "runtime/infer/optimize/pathfinder.h"

namespace hearsay::nuts {
namespace {

bool finite(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
}

Error fatal(std::uint32_t site) {
  return {ErrorKind::density_failed, "the log density could not be evaluated any more", "", 0, site};
}

/// How attempts ended, for the message.
struct Failures {
  std::size_t outside = 0, infinite = 0, gradient = 0;
  std::uint32_t site = 0;  // of the first

  [[nodiscard]] std::string text() const {
    std::string out;
    const auto add = [&](std::size_t n, const char* what) {
      if (n > 0) out += fmt::format("{}{} times {}", out.empty() ? "" : ", ", n, what);
    };
    add(outside, "the density was 0 or undefined");
    add(infinite, "its logarithm was not finite");
    add(gradient, "its gradient was not finite");
    return out;
  }
};

}  // namespace

tl::expected<std::optional<Start>, Error> find_start(model::DensityEvaluator& density, StartKind kind,
                                                     rng::Stream& random, double bound_to_beat,
                                                     const std::atomic<bool>* interrupt) {
  const auto interrupted = [&] { return interrupt != nullptr && interrupt->load(std::memory_order_relaxed); };
  Failures failures;
  Start start;
  Position& at = start.at;
  at.q.resize(density.dim());
  at.gradient.resize(density.dim());
  for (std::size_t attempt = 0; attempt < start_attempts; ++attempt) {
    if (interrupted()) return std::nullopt;
    for (double& v : at.q) v = start_radius * (2 * random.uniform() - 1);
    const model::EvalResult r = density.value_and_gradient(at.q, at.gradient);
    if (r.status == model::EvalStatus::fatal) {
      if (interrupted()) return std::nullopt;
      return tl::unexpected(fatal(r.site));
    }
    if (r.status != model::EvalStatus::ok || !std::isfinite(r.log_density) || !finite(at.gradient)) {
      if (failures.site == 0) failures.site = r.site;
      ++(r.status != model::EvalStatus::ok ? failures.outside
         : !std::isfinite(r.log_density)   ? failures.infinite
                                           : failures.gradient);
      continue;
    }
    at.log_density = r.log_density;
    if (kind == StartKind::uniform) return start;
    auto found = optimize::pathfinder(density, at.q, random, {.bound_to_beat = bound_to_beat}, interrupt);
    if (interrupted()) return std::nullopt;
    if (!found || !finite(found->start.gradient)) return start;
    at = {std::move(found->start.q), std::move(found->start.gradient), found->start.log_density};
    start.variances = std::move(found->variances);
    start.lower_bound = found->lower_bound;
    return start;
  }
  return tl::unexpected(Error{
      ErrorKind::no_start,
      fmt::format("no starting point was found: of {} tried, uniform between {} and {} on the unconstrained scale, {}",
                  start_attempts, -start_radius, start_radius, failures.text()),
      "check that the data are possible under the model, narrow the priors, or give starting values", 0,
      failures.site});
}

void StartChoice::consider(Start start, rng::Stream& random) {
  const double score = start.lower_bound - std::log(-std::log(random.uniform()));
  highest_bound_ = std::max(highest_bound_, start.lower_bound);
  if (considered_++ > 0 && !(score > score_)) return;
  score_ = score;
  kept_ = std::move(start);
}

void StartChoice::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(considered_));
  for (const double v : {score_, highest_bound_, kept_.lower_bound, kept_.at.log_density}) out.put(v);
  for (const auto* v : {&kept_.at.q, &kept_.at.gradient, &kept_.variances}) out.put(std::span(*v));
}

void StartChoice::load(ByteReader& in) {
  considered_ = in.get<std::uint64_t>();
  for (double* v : {&score_, &highest_bound_, &kept_.lower_bound, &kept_.at.log_density}) *v = in.get<double>();
  for (auto* v : {&kept_.at.q, &kept_.at.gradient, &kept_.variances}) *v = in.doubles();
}

tl::expected<Start, Error> check_start(model::DensityEvaluator& density, const std::vector<double>& q) {
  Start start;
  start.at = {q, std::vector<double>(q.size()), 0};
  const model::EvalResult r = density.value_and_gradient(start.at.q, start.at.gradient);
  if (r.status == model::EvalStatus::fatal) return tl::unexpected(fatal(r.site));
  start.at.log_density = r.log_density;
  if (r.status == model::EvalStatus::ok && std::isfinite(r.log_density) && finite(start.at.gradient)) return start;
  const char* what = r.status != model::EvalStatus::ok ? "density is 0 or undefined"
                     : !std::isfinite(r.log_density)   ? "log density is not finite"
                                                       : "gradient of the log density is not finite";
  return tl::unexpected(Error{ErrorKind::bad_start, fmt::format("the {} at the starting values that were given", what),
                              "give others, or none", 0, r.site});
}

}  // namespace hearsay::nuts
