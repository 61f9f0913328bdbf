// Every distribution of the standard library, found by walking its declarations: mass, density, draws, edges,
// arguments.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "lang/syntax/print.h"
#include "tests/dist/checks.h"

namespace hearsay::dist_test {
namespace {

REGISTER_EXCEPTION_TRANSLATOR(Failure& f) { return doctest::String(f.diagnostic.message.c_str()); }

const Library& library() {
  static const Library l;
  return l;
}

std::string applied(const std::string& name, const std::string& arguments) { return name + "(" + arguments + ")"; }

/// Every distribution at every point of its reference.
void for_each(const std::function<void(Distribution&, const Reference&)>& f) {
  const auto all = references();
  for (const auto& [name, decl] : library().environment().distributions) {
    const auto at = all.find(name);
    if (at == all.end()) continue;  // reported by the first test
    for (const std::string& point : at->second.points) {
      Distribution d(library(), applied(name, point));
      f(d, at->second);
    }
  }
}

void report(const Complaints& complaints) {
  for (const std::string& c : complaints) FAIL_CHECK(c);
}

/// Whether lowering refuses these arguments, by the error that names the parameter.
bool refused(const std::string& application) {
  try {
    const Distribution d(library(), application);
  } catch (const Failure& f) {
    return f.diagnostic.kind == DiagnosticKind::invalid_parameter;
  }
  return false;
}

TEST_CASE("no distribution is without points, a reference, documentation and a sampler") {
  const auto all = references();
  std::size_t count = 0;
  for (const auto& [name, decl] : library().environment().distributions) {
    CAPTURE(name);
    if (!decl->over.dims.empty()) continue;  // vectors_test.cpp
    ++count;
    REQUIRE(all.contains(name));
    CHECK_FALSE(all.at(name).points.empty());
    const Distribution d(library(), applied(name, all.at(name).points.front()));
    CHECK(d.has("doc"));
    CHECK((d.has("logp") || d.has("logp_at")));
    // Draws from a finite support need no sampler.
    if (!d.support().finite() && all.at(name).proper) CHECK(d.has("sample"));
    CHECK((d.has("ccdf") ? d.has("cdf") : true));
  }
  for (const auto& [name, reference] : all) {
    CAPTURE(name);
    CHECK(library().environment().distributions.contains(name));
  }
  CHECK(count >= 45);
}

TEST_CASE("mass is 1, intervals have the probability of the density") {
  for_each([](Distribution& d, const Reference& reference) {
    if (reference.proper) report(check_mass(d, reference.tail_floor));
  });
}

TEST_CASE("log densities are those of the definitions") {
  for_each([](Distribution& d, const Reference& reference) { report(check_density(d, reference)); });
}

TEST_CASE("draws follow the density") {
  for_each([](Distribution& d, const Reference& reference) {
    if (reference.proper) report(check_draws(d));
  });
}

TEST_CASE("there is no density outside the support") {
  for_each([](Distribution& d, const Reference& reference) {
    // An improper density is a constant, even at NaN; data that are NaN are refused before they get there.
    if (reference.proper) report(check_outside(d));
  });
}

/// Values that a parameter of this type must refuse. Types with bounds are covered by Reference::invalid.
std::vector<std::string> bad_values(const ast::TypeExpr& type) {
  const std::string& base = type.base.text;
  if (base == "scalar" || base == "bool" || type.bounds) return {};
  if (base == "simplex") return {"[0.5, 0.6]", "[-0.5, 1.5]", "[inf - inf, 1]", "[inf, 0]"};
  if (base == "ordered") return {"[2, 1]", "[1, 1]", "[inf - inf, 1]", "[0, inf]"};
  if (base == "int") return {"0.5", "inf", "inf - inf"};
  std::vector<std::string> bad{"inf", "-inf", "inf - inf"};
  if (base == "positive") bad.insert(bad.end(), {"0", "-1", "-1e-300"});
  if (base == "nonnegative") bad.insert(bad.end(), {"-1", "-1e-300"});
  if (base == "unit") bad.insert(bad.end(), {"-1e-300", "1.0000000000000002"});
  if (!type.dims.empty())
    for (std::string& v : bad) v = "[" + v + ", 1]";
  return bad;
}

TEST_CASE("bad arguments are refused, by name") {
  const auto all = references();
  for (const auto& [name, decl] : library().environment().distributions) {
    if (!decl->over.dims.empty()) continue;
    const Reference& reference = all.at(name);
    for (const std::string& arguments : reference.invalid) {
      CAPTURE(applied(name, arguments));
      CHECK(refused(applied(name, arguments)));
    }
    for (std::size_t k = 0; k < decl->parameters.size(); ++k) {
      const ast::Parameter& p = decl->parameters[k];
      CAPTURE(name);
      CAPTURE(p.name.text);
      if (p.type.bounds) CHECK_FALSE(reference.invalid.empty());
      for (const std::string& bad : bad_values(p.type)) {
        // The others as they are at the first point.
        const ast::ExprPtr good = library().parse(applied(name, reference.points.front()));
        const auto& call = std::get<ast::Call>(good->node);
        std::vector<std::string> arguments;
        for (std::size_t i = 0; i < decl->parameters.size(); ++i)
          arguments.push_back(i == k ? bad : ast::print(*call.arguments[i].value));
        CAPTURE(bad);
        CHECK(refused(fmt::format("{}({})", name, fmt::join(arguments, ", "))));
      }
    }
  }
}

/// The checks themselves: each must find what is wrong with these.
TEST_CASE("mutants are found") {
  Library mutants;
  mutants.add("mutants", R"(
    dist wide_draws(mu: real, sigma: positive) over real {
      logp(x) = -0.5 * ((x - mu) / sigma)^2 - log(sigma) - 0.5 * log(2 * pi);
      cdf(x) = Phi((x - mu) / sigma);
      sample = mu + 1.15 * sigma * std_normal();
    }
    dist no_scale(mu: real, sigma: positive) over real {
      logp(x) = -0.5 * ((x - mu) / sigma)^2 - 0.5 * log(2 * pi);
      cdf(x) = Phi((x - mu) / sigma);
      sample = mu + sigma * std_normal();
    }
    dist variance_cdf(mu: real, sigma: positive) over real {
      logp(x) = -0.5 * ((x - mu) / sigma)^2 - log(sigma) - 0.5 * log(2 * pi);
      cdf(x) = Phi((x - mu) / sigma^2);
      sample = mu + sigma * std_normal();
    }
    dist lossy_tail(mu: real, sigma: positive) over real {
      logp(x) = -0.5 * ((x - mu) / sigma)^2 - log(sigma) - 0.5 * log(2 * pi);
      cdf(x) = Phi((x - mu) / sigma);
      ccdf(x) = 1 - Phi((x - mu) / sigma);
      sample = mu + sigma * std_normal();
    }
    dist rate_for_scale(a: positive, b: positive) over nonnegative {
      logp(x) = log(b) + xlogy(a - 1, b * x) - b * x - lgamma(a);
      cdf(x) = inc_gamma(a, b * x);
      sample = b * std_gamma(a);
    }
    dist late_cdf(lambda: positive) over int in [0, inf) {
      logp(k) = xlogy(k, lambda) - lambda - lgamma(k + 1);
      cdf(k) = gamma_q(floor(k), lambda);
      sample = std_poisson(lambda) + 1;
    }
    dist no_sign(mu: real) over real {
      logp(x) = log(0.5) - abs(x - mu);
      sample = mu + std_exponential();
    }
    dist mass_outside(a: positive) over real {
      logp(x) = if x > 0 then log(a) - a * x else 0.0;
      sample = std_exponential() / a;
    }
    dist biased_coin(p: unit) over bool {
      logp(x) = if x then log(p) else log(p);
    }
  )");
  const auto references_now = references();
  const auto mass = [&](const std::string& application) {
    Distribution d(mutants, application);
    return check_mass(d).size();
  };
  const auto drawn = [&](const std::string& application) {
    Distribution d(mutants, application);
    return check_draws(d).size();
  };
  const auto density = [&](const std::string& application, const std::string& like) {
    Distribution d(mutants, application);
    return check_density(d, references_now.at(like)).size();
  };
  CHECK(mass("wide_draws(0, 2)") == 0);
  CHECK(drawn("wide_draws(0, 2)") > 0);
  CHECK(mass("no_scale(0, 2)") > 0);
  CHECK(density("no_scale(0, 2)", "normal") > 0);
  CHECK(mass("variance_cdf(0, 2)") > 0);
  CHECK(mass("lossy_tail(0, 2)") > 0);
  CHECK(mass("rate_for_scale(3, 2)") == 0);
  CHECK(drawn("rate_for_scale(3, 2)") > 0);
  CHECK(mass("late_cdf(3)") > 0);
  CHECK(drawn("late_cdf(3)") > 0);
  CHECK(drawn("no_sign(1)") > 0);
  CHECK(mass("biased_coin(0.3)") > 0);
  CHECK(density("biased_coin(0.3)", "bernoulli") > 0);
  CHECK(mass("mass_outside(1)") > 0);
}

}  // namespace
}  // namespace hearsay::dist_test
