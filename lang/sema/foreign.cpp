#include "lang/sema/foreign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearsay {

namespace {

struct Spelling {
  std::string_view foreign, ours, help;
};

// Only what `nearest_name` can't see by itself.
constexpr std::array spellings = {
    Spelling{"dnorm", "normal", "write `normal(mu, sigma)`; sigma is the standard deviation"},
    Spelling{"rnorm", "normal", "write `normal(mu, sigma)`; sigma is the standard deviation"},
    Spelling{"gaussian", "normal", "write `normal(mu, sigma)`; sigma is the standard deviation"},
    Spelling{"Gaussian", "normal", "write `normal(mu, sigma)`; sigma is the standard deviation"},
    Spelling{"N", "normal", "write `normal(mu, sigma)`; sigma is the standard deviation"},
    Spelling{"dbern", "bernoulli", "write `bernoulli(p)`"},
    Spelling{"rbern", "bernoulli", "write `bernoulli(p)`"},
    Spelling{"flip", "bernoulli", "write `bernoulli(p)`"},
    Spelling{"coin", "bernoulli", "write `bernoulli(p)`"},
    Spelling{"dbin", "binomial", "write `binomial(n, p)`"},
    Spelling{"dbinom", "binomial", "write `binomial(n, p)`"},
    Spelling{"rbinom", "binomial", "write `binomial(n, p)`"},
    Spelling{"dbeta", "beta", "write `beta(a, b)`"},
    Spelling{"rbeta", "beta", "write `beta(a, b)`"},
    Spelling{"dunif", "uniform", "write `uniform(low, high)`"},
    Spelling{"runif", "uniform", "write `uniform(low, high)`"},
    Spelling{"U", "uniform", "write `uniform(low, high)`"},
    Spelling{"dcat", "categorical", "write `categorical(p)`, or `categorical({a: 1, b: 3})` for labels of your own"},
    Spelling{"choice", "categorical", "write `categorical(p)`, or `categorical({a: 1, b: 3})` for labels of your own"},
    Spelling{"sample", "categorical", "write `categorical(p)`, or `categorical({a: 1, b: 3})` for labels of your own"},
    Spelling{"Delta", "point", "write `point(value)`"},
    Spelling{"dirac", "point", "write `point(value)`"},
    Spelling{"Dirac", "point", "write `point(value)`"},
    Spelling{"randint", "uniform_int", "write `uniform_int(low, high)`"},
    Spelling{"DiscreteUniform", "uniform_int", "write `uniform_int(low, high)`"},
    Spelling{"discrete_uniform", "uniform_int", "write `uniform_int(low, high)`"},
    Spelling{"dexp", "exponential", "write `exponential(rate)`"},
    Spelling{"rexp", "exponential", "write `exponential(rate)`"},
    Spelling{"dpois", "poisson", "write `poisson(rate)`"},
    Spelling{"rpois", "poisson", "write `poisson(rate)`"},
    Spelling{"dgamma", "gamma", "write `gamma(shape, rate)`"},
    Spelling{"rgamma", "gamma", "write `gamma(shape, rate)`"},
};

}  // namespace

std::string foreign_distribution_help(std::string_view name, std::span<const std::string> ours) {
  const auto there = [&](std::string_view n) { return std::find(ours.begin(), ours.end(), n) != ours.end(); };
  for (const Spelling& s : spellings)
    if (s.foreign == name && there(s.ours)) return std::string(s.help);
  // Stan's names of densities: `normal_lpdf`.
  for (const std::string_view suffix : {"_lpdf", "_lpmf", "_lupdf", "_lupmf", "_rng", "_pdf", "_pmf"})
    if (name.ends_with(suffix) && there(name.substr(0, name.size() - suffix.size())))
      return fmt::format("a distribution goes by its name alone: `{}`", name.substr(0, name.size() - suffix.size()));
  return "";
}

}  // namespace hearsay
