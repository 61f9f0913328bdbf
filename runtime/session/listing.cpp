// Summaries.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<double, 3> kLevels{0.05, 0.5, 0.95};
/// Elements of one array that are listed.
constexpr std::size_t kMostListed = 1000;

/// The summary as it grows: a line, a JSON field and a row of the table for every scalar.
struct Listing {
  std::string text;
  Json json = Json::object();
  std::vector<std::string> names;
  std::vector<double> means, sds;
  std::array<std::vector<double>, kLevels.size()> quantiles;

  void row(const std::string& name, double mean, double sd, const std::array<double, kLevels.size()>& at) {
    names.push_back(name);
    means.push_back(mean);
    sds.push_back(sd);
    for (std::size_t k = 0; k < at.size(); ++k) quantiles[k].push_back(at[k]);
  }
  /// Something that is true with probability p: 0 or 1.
  void truth(const std::string& name, double p) {
    std::array<double, kLevels.size()> at{};
    for (std::size_t k = 0; k < at.size(); ++k) at[k] = 1 - p >= kLevels[k] ? 0 : 1;
    row(name, p, std::sqrt(std::max(0.0, p * (1 - p))), at);
  }
  [[nodiscard]] std::vector<data::Column> columns() && {
    std::vector<data::Column> all{{"name", std::move(names)}, {"mean", std::move(means)}, {"sd", std::move(sds)}};
    for (std::size_t k = 0; k < kLevels.size(); ++k)
      all.push_back({fmt::format("{}%", std::lround(kLevels[k] * 100)), std::move(quantiles[k])});
    return all;
  }
};

void describe(const Posterior& p, const std::string& name, const Sym& s, ir::ExprId e, Listing& out) {
  ir::Module& m = p.lowerer().module();
  out.text += "\n  " + name + ":";
  if (s.labels) {
    Json row;
    for (std::size_t k = 0; k < s.labels->labels.size(); ++k) {
      const ir::ExprId is = m.prim(Op::eq, {e, m.integer(static_cast<std::int64_t>(k + 1))});
      const double probability = unwrap(p.probability(is, std::nullopt), p.from()).value;
      out.text += fmt::format(" {} {:.6g}", s.labels->labels[k], probability);
      row[s.labels->labels[k]] = probability;
      out.truth(fmt::format("{} == {}", name, s.labels->labels[k]), probability);
    }
    out.json[name] = row;
    return;
  }
  const ir::ExprId x = m.to_real(e);
  const auto mean = unwrap(p.expect(std::span(&x, 1)), p.from())[0];
  const ir::ExprId d = m.prim(Op::sub, {x, m.real(mean.value)});
  const ir::ExprId square = m.prim(Op::mul, {d, d});
  const double sd = std::sqrt(std::max(0.0, unwrap(p.expect(std::span(&square, 1)), p.from())[0].value));
  out.text += fmt::format(" mean {:.6g}, sd {:.6g}", mean.value, sd);
  Json row{{"mean", mean.value}, {"sd", sd}};
  if (s.type == ScalarType::boolean) {
    out.truth(name, mean.value);
  } else {
    std::array<double, kLevels.size()> at{};
    for (std::size_t k = 0; k < at.size(); ++k) {
      at[k] = unwrap(p.quantile(x, kLevels[k], std::nullopt), p.from()).value;
      out.text += fmt::format(", {}% {:.6g}", std::lround(kLevels[k] * 100), at[k]);
      row[fmt::format("q{}", std::lround(kLevels[k] * 100))] = at[k];
    }
    out.row(name, mean.value, sd, at);
  }
  out.json[name] = row;
}

}  // namespace

/// One row per scalar latent, and per element of arrays.
Sym Session::summary(const Posterior& p) {
  ModelLowerer& model = p.lowerer();
  const auto prepared = unwrap(p.prepared(), p.from());
  engine_ = prepared->engine();
  Listing out;
  out.text = fmt::format("summary ({})", prepared->engine());
  for (const std::string& name : model.latent_names) {
    const Sym* found = model.find_local(name);
    if (found == nullptr) continue;
    const Sym s = *found;  // a copy: what is asked may move what is looked up
    std::size_t n = 1;
    for (const std::int64_t extent : s.shape) n *= static_cast<std::size_t>(extent);
    if (n > kMostListed) {
      out.text += fmt::format("\n  {}: {} elements, too many to list", name, n);
      out.json[name] = {{"elements", n}};
      continue;
    }
    for (std::size_t flat = 0; flat < n; ++flat) {
      std::vector<std::int64_t> at;
      const ir::ExprId e = element_at(model, s, flat, at);
      describe(p, at.empty() ? name : fmt::format("{}[{}]", name, fmt::join(at, ", ")), s, e, out);
    }
  }
  std::string text = std::move(out.text);
  std::string json = out.json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text_object("summary", std::move(text), std::move(json), std::move(out).columns());
}

}  // namespace hearsay
