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
/// The same for finite latents beside draws, where each takes an elimination at every draw.
constexpr std::size_t kMostListedFromDraws = 10;

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

/// The elements of one latent, under their names.
struct Elements {
  std::vector<std::string> names;
  std::vector<ir::ExprId> values;
};

void describe_labels(const Posterior& p, const Elements& elements, const std::vector<std::string>& labels,
                     Listing& out) {
  ir::Module& m = p.lowerer().module();
  std::vector<ir::ExprId> indicators;
  for (const ir::ExprId e : elements.values)
    for (std::size_t k = 0; k < labels.size(); ++k) {
      const ir::ExprId is = m.prim(Op::eq, {e, m.integer(static_cast<std::int64_t>(k + 1))});
      indicators.push_back(m.select(is, m.real(1), m.real(0)));
    }
  const auto probability = unwrap(p.expect_each(indicators), p.from());
  for (std::size_t i = 0; i < elements.names.size(); ++i) {
    out.text += "\n  " + elements.names[i] + ":";
    Json row;
    for (std::size_t k = 0; k < labels.size(); ++k) {
      const double value = probability[i * labels.size() + k].value;
      out.text += fmt::format(" {} {:.6g}", labels[k], value);
      row[labels[k]] = value;
      out.truth(fmt::format("{} == {}", elements.names[i], labels[k]), value);
    }
    out.json[elements.names[i]] = row;
  }
}

void describe_numbers(const Posterior& p, const Elements& elements, bool truths, Listing& out) {
  ir::Module& m = p.lowerer().module();
  std::vector<ir::ExprId> x, squares;
  for (const ir::ExprId e : elements.values) x.push_back(m.to_real(e));
  const auto mean = unwrap(p.expect_each(x), p.from());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const ir::ExprId d = m.prim(Op::sub, {x[i], m.real(mean[i].value)});
    squares.push_back(m.prim(Op::mul, {d, d}));
  }
  const auto variance = unwrap(p.expect_each(squares), p.from());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double sd = std::sqrt(std::max(0.0, variance[i].value));
    out.text += fmt::format("\n  {}: mean {:.6g}, sd {:.6g}", elements.names[i], mean[i].value, sd);
    Json row{{"mean", mean[i].value}, {"sd", sd}};
    if (truths) {
      out.truth(elements.names[i], mean[i].value);
    } else {
      std::array<double, kLevels.size()> at{};
      for (std::size_t k = 0; k < at.size(); ++k) {
        at[k] = unwrap(p.quantile(x[i], kLevels[k], std::nullopt), p.from()).value;
        out.text += fmt::format(", {}% {:.6g}", std::lround(kLevels[k] * 100), at[k]);
        row[fmt::format("q{}", std::lround(kLevels[k] * 100))] = at[k];
      }
      out.row(elements.names[i], mean[i].value, sd, at);
    }
    out.json[elements.names[i]] = row;
  }
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
    const Sym s = model.up_to_evidence(*found);  // a copy: what is asked may move what is looked up
    const std::size_t n = Lowerer::element_count(s.shape, p.from());
    const bool finite = s.labels || s.type != ScalarType::real;
    if (n > (finite && prepared->sampled() ? kMostListedFromDraws : kMostListed)) {
      out.text += fmt::format("\n  {}: {} elements, too many to list", name, n);
      out.json[name] = {{"elements", n}};
      continue;
    }
    Elements elements;
    for (std::size_t flat = 0; flat < n; ++flat) {
      std::vector<std::int64_t> at;
      elements.values.push_back(element_at(model, s, flat, at));
      elements.names.push_back(at.empty() ? name : fmt::format("{}[{}]", name, fmt::join(at, ", ")));
    }
    if (s.labels)
      describe_labels(p, elements, s.labels->labels, out);
    else
      describe_numbers(p, elements, s.type == ScalarType::boolean, out);
  }
  std::string text = std::move(out.text);
  std::string json = out.json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text_object("summary", std::move(text), std::move(json), std::move(out).columns());
}

}  // namespace hearsay
