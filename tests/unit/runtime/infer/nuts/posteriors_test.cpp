// Whole runs of the sampler, adaptation included, against posteriors known in closed form.
//
// z = (estimate - truth)/MCSE for every mean, second moment and 5, 50 and 95 % probability. The smallest p-value, times
// the number of comparisons (Holm's first step, valid under any dependence), must not fall below 1e-7: a false alarm of
// 1e-7 for each posterior, 1e-6 for this file. Every quantity also needs 1000 effective draws, so that no chain hides
// behind its own error. Power: with m comparisons and S effective draws a bias of (c + 2.3)/sqrt(S) standard deviations
// is found with 99 %, where c is the two-sided normal quantile of 1e-7/m: for the typical m = 250 and S = 8000, 0.1.
#include <doctest/doctest.h>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "runtime/draws/diagnostics.h"
#include "runtime/draws/report.h"
#include "runtime/infer/nuts/sampler.h"
#include "tests/reference/densities.h"
#include "tests/unit/runtime/infer/nuts/seed.h"

using namespace hearsay;
using testing::seed_of;

namespace {

/// A function of the parameters with what is known of its law; what is not finite is not compared.
struct Quantity {
  std::function<double(std::span<const double>)> f;
  double mean = HUGE_VAL;
  double variance = HUGE_VAL;
  std::vector<double> quantiles;  ///< of 0.05, 0.5 and 0.95, or none
};

template <class Law>
Quantity with_law(std::function<double(std::span<const double>)> f, const Law& law, double shift = 0,
                  double scale = 1) {
  Quantity q{std::move(f), shift + scale * mean(law), scale * scale * variance(law), {}};
  for (const double p : {0.05, 0.5, 0.95}) q.quantiles.push_back(shift + scale * quantile(law, p));
  return q;
}

std::function<double(std::span<const double>)> coordinate(std::size_t i) {
  return [i](std::span<const double> q) { return q[i]; };
}

struct Comparison {
  double smallest_p = 1;  ///< times the number of comparisons
  double least_ess = HUGE_VAL;
  std::vector<Finding> findings;
};

nuts::Settings settings_for(std::string_view name) {
  nuts::Settings s;
  s.seed = seed_of(name);
  s.draws = 2500;
  return s;
}

template <class F>
Comparison compare(std::size_t dim, const F& density, const std::vector<Quantity>& quantities,
                   const nuts::Settings& settings) {
  const reference::FunctionModel<F> model(dim, density);
  auto sampler = nuts::Sampler::create(model, settings);
  REQUIRE(sampler.has_value());
  REQUIRE(sampler->run() == nuts::RunStatus::finished);
  Comparison out;
  std::vector<double> p_values;
  const auto hold = [&](const std::vector<double>& values, double truth) {
    const auto e = mean(ChainedDraws{values, settings.chains});
    REQUIRE(e.has_value());
    p_values.push_back(std::erfc(std::abs(e->value - truth) / e->mcse / std::numbers::sqrt2));
  };
  Draws draws{{}, settings.chains, settings.draws, {}};
  for (std::size_t k = 0; k < quantities.size(); ++k) {
    const Quantity& quantity = quantities[k];
    std::vector<double> x;
    for (std::size_t c = 0; c < settings.chains; ++c)
      for (std::size_t t = 0; t < settings.draws; ++t)
        x.push_back(quantity.f(sampler->chain(c).draws().subspan(t * dim, dim)));
    const ChainedDraws chains{x, settings.chains};
    REQUIRE(ess_bulk(chains).has_value());
    out.least_ess = std::min({out.least_ess, *ess_bulk(chains), *ess_tail(chains)});
    if (std::isfinite(quantity.mean)) hold(x, quantity.mean);
    std::vector<double> y = x;
    if (std::isfinite(quantity.variance)) {
      for (std::size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - quantity.mean) * (x[i] - quantity.mean);
      hold(y, quantity.variance);
    }
    for (std::size_t j = 0; j < quantity.quantiles.size(); ++j) {
      for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] <= quantity.quantiles[j] ? 1 : 0;
      hold(y, std::vector{0.05, 0.5, 0.95}[j]);
    }
    draws.names.push_back("quantity " + std::to_string(k));
    draws.values.insert(draws.values.end(), x.begin(), x.end());
  }
  const auto m = static_cast<double>(p_values.size());
  for (const double p : p_values) out.smallest_p = std::min(out.smallest_p, m * p);
  out.findings = examine(draws, sampler->transitions());
  return out;
}

constexpr double false_alarm = 1e-7;
void accept(const Comparison& c) {
  CAPTURE(to_text(c.findings));
  CHECK(c.smallest_p > false_alarm);
  CHECK(c.least_ess > 1000);
  CHECK(c.findings.empty());
}

/// ln x or logit x of gammas and betas on the unconstrained scale; without the Jacobian of those that stay proper: a
/// mutant.
struct Transformed {
  bool jacobian = true;
  static constexpr double shapes[3] = {0.7, 5, 60}, rates[3] = {2, 1, 0.01};
  static constexpr double a[3] = {0.5, 3, 40}, b[3] = {2, 0.8, 70};

  double operator()(std::span<const double> q, std::span<double> g) const {
    double value = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const double power = shapes[i] - (jacobian || shapes[i] <= 1 ? 0 : 1);
      const double x = std::exp(q[i]);
      value += power * q[i] - rates[i] * x;
      g[i] = power - rates[i] * x;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const double missing = jacobian || a[i] <= 1 || b[i] <= 1 ? 0 : 1;
      const double z = q[3 + i];
      const double p = 1 / (1 + std::exp(-z));
      const double log_p = -std::log1p(std::exp(-z)), log_1p = -std::log1p(std::exp(z));
      value += (a[i] - missing) * log_p + (b[i] - missing) * log_1p;
      g[3 + i] = (a[i] - missing) * (1 - p) - (b[i] - missing) * p;
    }
    return value;
  }
};

std::vector<Quantity> transformed_laws() {
  std::vector<Quantity> laws;
  for (std::size_t i = 0; i < 3; ++i)
    laws.push_back(
        with_law([i](std::span<const double> q) { return std::exp(q[i]); },
                 boost::math::gamma_distribution<double>(Transformed::shapes[i], 1 / Transformed::rates[i])));
  for (std::size_t i = 0; i < 3; ++i)
    laws.push_back(with_law([i](std::span<const double> q) { return 1 / (1 + std::exp(-q[3 + i])); },
                            boost::math::beta_distribution<double>(Transformed::a[i], Transformed::b[i])));
  return laws;
}

/// A stationary autoregression as a normal in many dimensions: correlation r^|i-j|.
struct Autoregressive {
  static constexpr double r = 0.9;
  double operator()(std::span<const double> q, std::span<double> g) const {
    const double d = 1 - r * r;
    double value = -0.5 * q[0] * q[0];
    g[0] = -q[0];
    for (std::size_t i = 1; i < q.size(); ++i) {
      const double e = q[i] - r * q[i - 1];
      value -= 0.5 * e * e / d;
      g[i] = -e / d;
      g[i - 1] += r * e / d;
    }
    return value;
  }
};

std::vector<Quantity> autoregressive_laws(std::size_t dim) {
  const boost::math::normal_distribution<double> normal;
  std::vector<Quantity> laws;
  for (std::size_t i = 0; i < dim; ++i) laws.push_back(with_law(coordinate(i), normal));
  for (std::size_t i = 1; i < dim; i += 5)  // innovations, and products of neighbours
    laws.push_back(with_law(
        [i](std::span<const double> q) {
          return (q[i] - Autoregressive::r * q[i - 1]) / std::sqrt(1 - Autoregressive::r * Autoregressive::r);
        },
        normal));
  for (std::size_t i = 1; i < dim; i += 5)
    laws.push_back({[i](std::span<const double> q) { return q[i] * q[i - 1]; }, Autoregressive::r, HUGE_VAL, {}});
  return laws;
}

}  // namespace

TEST_CASE("posterior: normals of many scales, 100 dimensions") {
  reference::Normals f;
  std::vector<Quantity> laws;
  for (std::size_t i = 0; i < 100; ++i) {
    f.mean.push_back(static_cast<double>(i) - 50);
    f.sd.push_back(std::pow(10.0, static_cast<double>(i % 7) - 3));
    laws.push_back(with_law(coordinate(i), boost::math::normal_distribution<double>(f.mean[i], f.sd[i])));
  }
  accept(compare(100, f, laws, settings_for("normals")));
}

TEST_CASE("posterior: a correlated normal, 50 dimensions, with either metric") {
  nuts::Settings s = settings_for("autoregressive");
  accept(compare(50, Autoregressive{}, autoregressive_laws(50), s));
  s.adaptation.metric = nuts::MetricKind::dense;
  accept(compare(50, Autoregressive{}, autoregressive_laws(50), s));
}

TEST_CASE("posterior: gammas and betas on the log and logit scale") {
  accept(compare(6, Transformed{}, transformed_laws(), settings_for("transformed")));
}

TEST_CASE("posterior: the comparison rejects a density without its Jacobian") {
  CHECK(compare(6, Transformed{.jacobian = false}, transformed_laws(), settings_for("no Jacobian")).smallest_p <
        false_alarm);
}

TEST_CASE("posterior: Neal's funnel, non-centred") {
  // v ~ normal(0, 3), x_i ~ normal(0, e^(v/2)), written with x_i = e^(v/2) z_i. E ln|x_i| = E ln|z| = -(gamma + ln
  // 2)/2.
  reference::Normals f;
  f.mean.assign(10, 0);
  f.sd.assign(10, 1);
  f.sd[0] = 3;
  std::vector<Quantity> laws = {with_law(coordinate(0), boost::math::normal_distribution<double>(0, 3))};
  for (std::size_t i = 1; i < 10; ++i)
    laws.push_back({[i](std::span<const double> q) { return q[0] / 2 + std::log(std::abs(q[i])); },
                    -(std::numbers::egamma + std::numbers::ln2) / 2,
                    9.0 / 4 + std::numbers::pi * std::numbers::pi / 8,
                    {}});
  accept(compare(10, f, laws, settings_for("funnel")));
}

TEST_CASE("posterior: student_t with 4 degrees of freedom") {
  // Without a fourth moment the sample variance has no standard error: means and probabilities only.
  constexpr double nu = 4, location = 2, scale = 3;
  const auto f = [](std::span<const double> q, std::span<double> g) {
    double value = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double z = (q[i] - location) / scale;
      value -= (nu + 1) / 2 * std::log1p(z * z / nu);
      g[i] = -(nu + 1) * z / (nu + z * z) / scale;
    }
    return value;
  };
  std::vector<Quantity> laws;
  for (std::size_t i = 0; i < 10; ++i) {
    laws.push_back(with_law(coordinate(i), boost::math::students_t_distribution<double>(nu), location, scale));
    laws.back().variance = HUGE_VAL;
  }
  accept(compare(10, f, laws, settings_for("student_t")));
}

TEST_CASE("posterior: the funnel as it stands is reported as not to be trusted") {
  // v ~ normal(0, 3), x_i ~ normal(0, e^(v/2)): no step size suits the neck and the mouth.
  const auto f = [](std::span<const double> q, std::span<double> g) {
    const double v = q[0], precision = std::exp(-v);
    double value = -v * v / 18;
    g[0] = -v / 9;
    for (std::size_t i = 1; i < q.size(); ++i) {
      value -= 0.5 * (v + q[i] * q[i] * precision);
      g[0] += 0.5 * (q[i] * q[i] * precision - 1);
      g[i] = -q[i] * precision;
    }
    return value;
  };
  const Comparison c =
      compare(10, f, {with_law(coordinate(0), boost::math::normal_distribution<double>(0, 3))}, settings_for("neck"));
  REQUIRE_FALSE(c.findings.empty());
  CHECK(c.findings[0].kind == FindingKind::divergences);
  CHECK(c.least_ess < 1000);
}
