// Summaries.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

/// One row per scalar latent, and per element of small plates.
Sym Session::summary(const Posterior& p) {
  ModelLowerer& model = p.lowerer();
  ir::Module& m = model.module();
  nlohmann::ordered_json json;
  const auto prepared = unwrap(p.prepared(), p.from());
  engine_ = prepared->engine();
  std::string text = fmt::format("summary ({})", prepared->engine());
  std::vector<std::string> names;
  std::vector<double> means, sds;
  for (const std::string& name : model.latent_names) {
    const Sym* s = model.find_local(name);
    if (s == nullptr || !s->shape.empty()) continue;
    const ir::ExprId e = model.expr(*s);
    const ir::Inst in = m.inst(e);
    text += "\n  " + name + ":";
    if (s->labels && in.code == ir::Opcode::latent) {
      const auto marginal = unwrap(prepared->marginal({static_cast<ir::LatentId>(in.payload), 0}), p.from());
      nlohmann::ordered_json row;
      for (std::size_t k = 0; k < marginal.size(); ++k) {
        text += fmt::format(" {} {:.6g}", s->labels->labels[k], marginal[k].value);
        row[s->labels->labels[k]] = marginal[k].value;
      }
      json[name] = row;
      continue;
    }
    const ir::ExprId x = m.to_real(e);
    const auto mean = unwrap(p.expect(std::span(&x, 1)), p.from())[0];
    const ir::ExprId d = m.prim(Op::sub, {x, m.real(mean.value)});
    const ir::ExprId square = m.prim(Op::mul, {d, d});
    const double sd = std::sqrt(std::max(0.0, unwrap(p.expect(std::span(&square, 1)), p.from())[0].value));
    text += fmt::format(" mean {:.6g}, sd {:.6g}", mean.value, sd);
    nlohmann::ordered_json row{{"mean", mean.value}, {"sd", sd}};
    if (s->type != ScalarType::boolean) {
      for (const double level : {0.05, 0.5, 0.95}) {
        const auto q = unwrap(p.quantile(x, level, std::nullopt), p.from());
        text += fmt::format(", {}% {:.6g}", std::lround(level * 100), q.value);
        row[fmt::format("q{}", std::lround(level * 100))] = q.value;
      }
    }
    json[name] = row;
  }
  return text_object("summary", text, json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace hearsay
