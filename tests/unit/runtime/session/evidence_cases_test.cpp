// Every case of the evidence files that stand beside the project, to 1e-9 relative, by the reference evaluator and by
// native code. A case that the language cannot say is counted and named with the reason.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/data/bif.h"
#include "tests/unit/runtime/data/shared_files.h"
#include "tests/unit/runtime/session/running.h"

using namespace hearsay;
using Json = nlohmann::ordered_json;

namespace {

std::optional<Json> evidence_file(const std::string& name) {
  const auto path = test::shared_path("data/evidence/" + name);
  if (!path) return std::nullopt;
  std::ifstream in(*path);
  return Json::parse(in);
}

/// A member of an object, or an empty one; what it refers to outlives a loop over it.
const Json& part(const Json& object, const std::string& key) {
  static const Json none = Json::object();
  return object.contains(key) ? object[key] : none;
}

/// One script with the numbers that it must print, in order.
struct Case {
  std::string name, script;
  std::vector<double> expected;
  /// Takes part in the comparison once more, for what printing at 1e-9 cannot show.
  std::function<void(const std::vector<double>&)> also;

  void print(const std::string& expression, double value) {
    script += "print " + expression + ";\n";
    expected.push_back(value);
  }
};

void run(const std::vector<Case>& cases) {
  for (const Backend backend : {Backend::reference, Backend::native}) {
    CAPTURE(static_cast<int>(backend));
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CAPTURE(c.script);
      Settings settings;
      settings.backend = backend;
      test::Running r(settings);
      const std::size_t errors = r.run(c.script);
      CAPTURE(r.complaints());
      REQUIRE(errors == 0);
      REQUIRE(r.printed.size() == c.expected.size());
      std::vector<double> found;
      for (std::size_t i = 0; i < c.expected.size(); ++i) {
        const ArrayValue* a = r.printed[i].value.array();
        REQUIRE(a != nullptr);
        found.push_back(a->at(0).as_real());
        CAPTURE(r.printed[i].expression);
        CAPTURE(found[i]);
        CAPTURE(c.expected[i]);
        CHECK(std::abs(found[i] - c.expected[i]) <= 1e-9 * std::abs(c.expected[i]));
      }
      if (c.also) c.also(found);
    }
  }
  MESSAGE(cases.size() << " cases on two backends");
}

std::string likelihoods(const std::string& variable, const std::vector<std::string>& states, const Json& values) {
  // A likelihood of 0 rules a state out: that is hard evidence, and the language asks for its own word.
  std::vector<std::string> possible, entries;
  for (std::size_t k = 0; k < states.size(); ++k) {
    if (values[k].get<double>() > 0) possible.push_back(states[k]);
    entries.push_back(fmt::format("{}: {}", states[k], values[k].get<double>()));
  }
  if (possible.size() < states.size()) return fmt::format("observe {} in {{{}}};", variable, fmt::join(possible, ", "));
  return fmt::format("soft observe {} likelihoods {{{}}};", variable, fmt::join(entries, ", "));
}

// ---- networks

std::vector<Case> network_cases(const Json& file) {
  std::vector<Case> cases;
  for (const auto& [name, rows] : file["results"].items()) {
    const auto path = test::shared_path(fmt::format("data/networks/{}.bif", name));
    REQUIRE(path);
    SourceManager sources;
    DiagnosticSink sink;
    const auto net = data::read_bif(path->string(), {}, sources, sink);
    REQUIRE(net);
    const auto states = [&](const std::string& variable) {
      for (const data::BifVariable& v : net->variables)
        if (v.name == variable) return v.states;
      FAIL("no variable " << variable);
      return std::vector<std::string>{};
    };
    for (const Json& row : rows) {
      Case c{fmt::format("{}, {}", name, row["case"].get<std::string>()), "", {}, {}};
      std::string given;
      for (const auto& [variable, values] : part(row, "virtual").items())
        given += " " + likelihoods(variable, states(variable), values);
      for (const auto& [variable, state] : part(row, "hard").items())
        given += fmt::format(" observe {} == {};", variable, state.get<std::string>());
      c.script =
          fmt::format("let net = read_bif(\"{}\");\nlet post = infer net given {{{} }};\n", path->string(), given);
      std::size_t known = 2;  // case, and one of the two forms of answers
      for (const char* key : {"virtual", "hard"}) known += row.contains(key) ? 1 : 0;
      if (row.contains("P(yes)"))
        for (const auto& [variable, p] : row["P(yes)"].items())
          c.print(fmt::format("P({} == yes | post)", variable), p);
      if (row.contains("P"))
        for (const auto& [variable, table] : row["P"].items())
          for (const auto& [state, p] : table.items()) c.print(fmt::format("P({} == {} | post)", variable, state), p);
      if (row.contains("evidence_weight_Z")) {
        c.print("exp(evidence(post))", row["evidence_weight_Z"]);
        ++known;
      }
      REQUIRE(row.size() == known);  // nothing in the file is passed over
      cases.push_back(std::move(c));
    }
  }
  return cases;
}

// ---- what other programs and papers print

/// `x ~ …` for a table whose rows are keyed by the states of the parents, joined by commas.
std::string keyed_variable(const std::string& name, const std::vector<std::string>& states,
                           const std::vector<std::string>& parents, const Json& rows) {
  std::string text = "  " + name + " ~ ";
  std::size_t at = 0;
  for (const auto& [key, values] : rows.items()) {
    std::vector<std::string> weights, condition;
    for (std::size_t k = 0; k < states.size(); ++k)
      weights.push_back(fmt::format("{}: {}", states[k], values[k].get<double>()));
    std::size_t begin = 0;
    for (const std::string& parent : parents) {
      const std::size_t end = std::min(key.find(',', begin), key.size());
      condition.push_back(parent + " == " + key.substr(begin, end - begin));
      begin = end + 1;
    }
    if (++at < rows.size()) text += fmt::format("if {} then ", fmt::join(condition, " && "));
    text += fmt::format("categorical({{{}}})", fmt::join(weights, ", "));
    if (at < rows.size()) text += " else ";
  }
  return text + ";\n";
}

Case snow(const Json& entry) {
  const Json& net = entry["network"];
  Case c{entry["name"], "model Net {\n", {}, {}};
  std::map<std::string, std::vector<std::string>> states;
  for (const auto& [name, s] : net["variables"].items()) states[name] = s.get<std::vector<std::string>>();
  for (const auto& [name, cpt] : net["cpt"].items())
    c.script += keyed_variable(name, states[name], cpt["parents"].get<std::vector<std::string>>(), cpt["rows"]);
  c.script += "}\n";
  REQUIRE(entry["cases"].size() == 1);
  const Json& row = entry["cases"][0];
  c.script += "let post = infer Net given {";
  for (const auto& [name, values] : row["virtual"].items()) c.script += " " + likelihoods(name, states[name], values);
  c.script += " };\n";
  for (const auto& [name, values] : row["expected"].items())
    for (std::size_t k = 0; k < values.size(); ++k)
      c.print(fmt::format("P({} == {} | post)", name, states[name][k]), values[k]);
  return c;
}

/// This source prints eight digits. What they round is worked out here by enumeration and compared at 1e-9.
Case factor_graph(const Json& entry) {
  const Json& net = entry["network"];
  Case c{entry["name"], "model Net {\n", {}, {}};
  const auto table = [&](const char* key) {
    // [child][parent] in the file, [parent][child] in the script
    std::vector<std::string> rows;
    for (std::size_t parent = 0; parent < net[key][0].size(); ++parent) {
      std::vector<double> row;
      for (const Json& child : net[key]) row.push_back(child[parent]);
      rows.push_back(fmt::format("[{}]", fmt::join(row, ", ")));
    }
    return fmt::format("[{}]", fmt::join(rows, ", "));
  };
  c.script += fmt::format("  a ~ categorical([{}]);\n", fmt::join(net["A"].get<std::vector<double>>(), ", "));
  c.script += fmt::format("  let tb = {};\n  b ~ categorical(tb[a]);\n", table("B|A (rows B=0..2, cols A=0,1)"));
  c.script += fmt::format("  let tc = {};\n  c ~ categorical(tc[b]);\n", table("C|B (rows C=0,1, cols B=0..2)"));
  c.script += fmt::format("  let td = {};\n  d ~ categorical(td[b]);\n}}\n", table("D|B (rows D=0..2, cols B=0..2)"));
  REQUIRE(entry["cases"].size() == 1);
  const Json& row = entry["cases"][0];
  const Json& weights = row["virtual"]["A"];
  c.script += fmt::format("let post = infer Net given {{ soft observe a == 2 odds {}; }};\n",
                          weights[1].get<double>() / weights[0].get<double>());
  std::vector<double> exact(3, 0.0);
  double sum = 0;
  for (std::size_t b = 0; b < 3; ++b) {
    for (std::size_t a = 0; a < 2; ++a)
      exact[b] += net["A"][a].get<double>() * weights[a].get<double>() *
                  net["B|A (rows B=0..2, cols A=0,1)"][b][a].get<double>();
    sum += exact[b];
  }
  for (std::size_t b = 0; b < 3; ++b) c.print(fmt::format("P(b == {} | post)", b + 1), exact[b] / sum);
  c.also = [printed = row["expected"]["B"].get<std::vector<double>>()](const std::vector<double>& found) {
    for (std::size_t b = 0; b < 3; ++b) CHECK(std::abs(found[b] - printed[b]) <= 0.5e-8);
  };
  return c;
}

std::vector<Case> sprinkler(const Json& entry) {
  const Json& net = entry["network"];
  const auto variable = [](const std::string& name) { return std::vector<std::string>{name + "0", name + "1"}; };
  const auto rows = [](const Json& table, const std::function<std::string(const std::string&)>& key) {
    Json keyed = Json::object();
    for (const auto& [k, v] : table.items()) keyed[key(k)] = v;
    return keyed;
  };
  const auto by_c = [](const std::string& k) { return "c" + k.substr(2); };
  std::string model = "model Net {\n" + keyed_variable("c", variable("c"), {}, Json{{"", net["c"]}});
  model += keyed_variable("s", variable("s"), {"c"}, rows(net["s|c"], by_c));
  model += keyed_variable("r", variable("r"), {"c"}, rows(net["r|c"], by_c));
  model += keyed_variable("w", variable("w"), {"r", "s"},
                          rows(net["w|r,s"], [](const std::string& k) { return fmt::format("r{},s{}", k[0], k[1]); }));
  model += "}\n";
  std::vector<Case> cases;
  for (const Json& row : entry["cases"]) {
    Case c{entry["name"], model + "let post = infer Net given {", {}, {}};
    for (const auto& [name, values] : part(row, "virtual").items())
      c.script += " " + likelihoods(name, variable(name), values);
    for (const auto& [name, value] : part(row, "hard").items())
      c.script += fmt::format(" observe {0} == {0}{1};", name, value.get<int>());
    c.script += " };\n";
    for (const auto& [name, values] : row["expected"].items())
      for (std::size_t k = 0; k < values.size(); ++k)
        c.print(fmt::format("P({0} == {0}{1} | post)", name, k), values[k]);
    cases.push_back(std::move(c));
  }
  return cases;
}

Case cloth(const Json& entry) {
  REQUIRE(entry["cases"].size() == 1);
  const Json& row = entry["cases"][0];
  const std::vector<std::string> colours{"green", "blue", "violet"};
  std::vector<std::string> prior, target, equivalent;
  for (std::size_t k = 0; k < 3; ++k) {
    prior.push_back(fmt::format("{}: {}", colours[k], row["prior"][colours[k]].get<double>()));
    target.push_back(fmt::format("{}: {}", colours[k], row["jeffrey_target"][k].get<double>()));
    equivalent.push_back(
        fmt::format("{}: {}", colours[k], row["equivalent virtual likelihoods (any scale)"][k].get<double>()));
  }
  const Json& sold = row["P(sold|colour)"];
  Case c{entry["name"], "", {}, {}};
  c.script = fmt::format(
      "model Cloth {{ colour ~ categorical({{{}}}); sold ~ bernoulli(if colour == green then {} else if colour == blue "
      "then {} else {}); }}\n"
      "let post = infer Cloth given {{ soft observe colour to {{{}}}; }};\n"
      "let same = infer Cloth given {{ soft observe colour likelihoods {{{}}}; }};\n",
      fmt::join(prior, ", "), sold[0].get<double>(), sold[1].get<double>(), sold[2].get<double>(),
      fmt::join(target, ", "), fmt::join(equivalent, ", "));
  c.print("P(sold | Cloth)", row["P(sold) before"]);
  c.print("P(sold | post)", row["P(sold) after"]);
  c.print("P(sold && colour == green | post)", row["P(sold & green) after"]);
  c.print("charged(post)", row["size_nats"]);
  c.print("charged(same)", row["size_nats"]);
  c.print("P(sold | same)", row["P(sold) after"]);
  for (std::size_t k = 0; k < 3; ++k)
    c.print(fmt::format("P(colour == {} | same)", colours[k]), row["jeffrey_target"][k]);
  return c;
}

Case burglary(const Json& entry) {
  REQUIRE(entry["cases"].size() == 1);
  const Json& row = entry["cases"][0];
  // The network is stated in words in the file.
  Case c{entry["name"],
         "model Home { burglary ~ bernoulli(1e-4); alarm ~ bernoulli(if burglary then 0.95 else 0.01); }\n"
         "let post = infer Home given { soft observe alarm odds 4; };\n",
         {},
         {}};
  c.print("P(burglary | post)", row["posterior"]);
  c.print("exp(shift(burglary | post))", row["likelihood_ratio"]);
  return c;
}

// ---- the essay's claims

const std::string flips = "tokens Flip = {tails, heads};\nlet labels = [heads, tails, tails, heads, tails];\n";

std::string three_students(const std::string& weights) {
  return flips + "model Coin emits Flip { h ~ categorical({" + weights +
         "}); emit ~ if h == all_tails then point(tails) else if h == all_heads then point(heads) else "
         "categorical({tails: 1, heads: 1}); }\n";
}

std::vector<Case> essay_cases(const Json& file) {
  std::vector<Case> cases;
  const auto given = [](const std::string& odds) {
    return "given { for i in 1..5 { soft observe emit[i] == labels[i] odds " + odds + "; } };\n";
  };
  for (const Json& row : file["HTTHT"]) {
    const std::string odds = row["odds"];
    Case c{"HTTHT at odds " + odds, three_students("all_tails: 1, all_heads: 1, fair: 1"), {}, {}};
    c.script += "let post = infer Coin " + given(odds);
    for (const auto& [h, v] : row["factors"].items())
      c.print(fmt::format("3 * P(h == {} | post) * exp(evidence(post))", h), v["float"]);
    for (const auto& [h, v] : row["posterior_uniform_prior"].items())
      c.print(fmt::format("P(h == {} | post)", h), v["float"]);
    c.print("P(emit[next] == heads | post)", row["predictive_next_H"]["float"]);
    c.print("charged(post)", row["charge_nats"]);
    cases.push_back(std::move(c));
  }
  {
    Case c{"HTTHT, prior 49 : 2 : 49", three_students("all_tails: 49, all_heads: 49, fair: 2"), {}, {}};
    c.script += "let post = infer Coin " + given("2");
    for (const auto& [h, v] : file["HTTHT_prior_49_2_49_odds2"].items())
      c.print(fmt::format("P(h == {} | post)", h), v["float"]);
    cases.push_back(std::move(c));
  }
  for (const auto& [form, fraction] : file["beta11_posterior_mean_after_HTTHT"].items()) {
    Case c{"Beta(1, 1) after HTTHT, " + form, flips, {}, {}};
    c.script +=
        "model Coin emits Flip { theta ~ beta(1, 1); emit ~ categorical({heads: theta, tails: 1 - theta}); }\n"
        "let post = infer Coin given { for i in 1..5 { ";
    if (form == "hard")
      c.script += "observe emit[i] == labels[i];";
    else if (form.starts_with("odds "))
      c.script += "soft observe emit[i] == labels[i] " + form + ";";
    else if (form.starts_with("power w="))
      c.script +=
          "soft observe labels[i] ~ categorical({heads: theta, tails: 1 - theta}) weight " + form.substr(8) + ";";
    else
      FAIL("a form that this test does not know: " << form);
    c.script += " } };\n";
    const std::string text = fraction;
    c.print("E(theta | post)", std::stod(text) / std::stod(text.substr(text.find('/') + 1)));
    cases.push_back(std::move(c));
  }
  // The student's log evidence per label, as a function of its rate of heads.
  const std::string fixed =
      "tokens Flip = {tails, heads};\n"
      "model At(p: unit) emits Flip { emit ~ categorical({heads: p, tails: 1 - p}); }\n";
  for (const Json& row : file["limit_of_repeated_odds_k (fraction of heads h)"]) {
    const double k = row["k"], h = row["h"], best = row["p_star"];
    const std::string rate = fmt::format(
        "evidence(infer At(p: {{}}) given {{{{ for i in 1..10 {{{{ soft observe emit[i] == (if i <= {} then heads else "
        "tails) odds {}; }}}} }}}}) / 10",
        std::lround(10 * h), k);
    Case c{fmt::format("limit of repeated odds {} at {} heads", k, h), fixed, {}, {}};
    constexpr double step = 1e-2;
    const bool inside = best > 1e-12 && best < 1 - 1e-12;
    // Inside, nine points give the slope and the curvature there to an eighth order; at an end, the slope points
    // outwards.
    std::vector<double> at;
    for (int i = -4; i <= 4; ++i) at.push_back(inside ? best + i * step : std::abs(best - (i + 4) * step));
    for (const double p : at) {
      const double factor = h * std::log1p((k - 1) * p) + (1 - h) * std::log1p((k - 1) * (1 - p));
      c.print(fmt::format(fmt::runtime(rate), p), factor);
    }
    c.also = [=](const std::vector<double>& f) {
      if (!inside) {
        CHECK(std::ranges::is_sorted(f, std::ranges::greater{}));
        return;
      }
      const double slope = (f[0] - f[8]) / 280 - 4 * (f[1] - f[7]) / 105 + (f[2] - f[6]) / 5 - 4 * (f[3] - f[5]) / 5;
      const double curvature =
          -(f[0] + f[8]) / 560 + 8 * (f[1] + f[7]) / 315 - (f[2] + f[6]) / 5 + 8 * (f[3] + f[5]) / 5 - 205 * f[4] / 72;
      CHECK(curvature < 0);
      CHECK(std::abs(slope * step / curvature) <= 1e-9 * best);  // the maximiser is where the file says
    };
    cases.push_back(std::move(c));
  }
  for (const auto& [k, gain] : file["rate_fair_over_all_heads_balanced_stream_nats_per_token"].items()) {
    Case c{"gain of the fair student at odds " + k, fixed, {}, {}};
    const std::string both =
        "given { soft observe emit[1] == heads odds " + k + "; soft observe emit[2] == tails odds " + k + "; }";
    c.print("(evidence(infer At(p: 0.5) " + both + ") - evidence(infer At(p: 1) " + both + ")) / 2", gain);
    cases.push_back(std::move(c));
  }
  for (const Json& row : file["budget_ceiling"]) {
    const double budget = row["B"], prior = row["prior"];
    Case c{fmt::format("ceiling of {} nats from {}", budget, prior), "", {}, {}};
    c.script = fmt::format(
        "model M {{ h ~ bernoulli({0}); }}\n"
        "let up = infer M given {{ source s(budget: {1} nats); soft observe h nats {1} from s; }};\n"
        "let down = infer M given {{ source s(budget: {1} nats); soft observe h nats -{1} from s; }};\n",
        prior, budget);
    c.print("P(h | up)", row["max_posterior"]);
    c.print("P(h | down)", row["min_posterior"]);
    cases.push_back(std::move(c));
  }
  {
    const std::string key = "typos: theta in {1/4,1/2,3/4}, text aa#ba#a, odds 3";
    Case c{key,
           "tokens Letter = {a, b, typo};\n"
           "model Words emits Letter { theta ~ discrete([0.25, 0.5, 0.75], [1, 1, 1]); "
           "emit ~ categorical({a: theta, b: 1 - theta, typo: 0}); }\n"
           "let text = [a, a, typo, b, a, typo, a];\n"
           "let post = infer Words given { for i in 1..7 { soft observe emit[i] == text[i] odds 3; } };\n",
           {},
           {}};
    for (std::size_t i = 0; i < 3; ++i)
      c.print(fmt::format("P(theta == {} | post)", 0.25 * static_cast<double>(i + 1)),
              std::stod(file[key][i].get<std::string>()));
    cases.push_back(std::move(c));
  }
  {
    const std::string key = "ipfp: joint [[.4,.1],[.2,.3]] rows ->(.7,.3) cols->(.5,.5)";
    const Json& row = file[key];
    Case c{key,
           "model J { r ~ categorical({one: 0.5, two: 0.5}); "
           "c ~ if r == one then categorical({left: 0.8, right: 0.2}) else categorical({left: 0.4, right: 0.6}); }\n"
           "let both = infer J given { soft observe jointly { r == one to 0.7; c == left to 0.5; }; };\n"
           "let rows = infer J given { soft observe r == one to 0.7; soft observe c == left to 0.5; };\n"
           "let columns = infer J given { soft observe c == left to 0.5; soft observe r == one to 0.7; };\n",
           {},
           {}};
    c.print("P(r == one && c == left | both)", row["value"]);
    c.print("P(r == one && c == left | both)", (7 - std::sqrt(7.0)) / 10);
    const char* const r[] = {"one", "two"};
    const char* const s[] = {"left", "right"};
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 2; ++j) {
        c.print(fmt::format("P(r == {} && c == {} | rows)", r[i], s[j]), row["jeffrey rows then cols"][i][j]);
        c.print(fmt::format("P(r == {} && c == {} | columns)", r[i], s[j]), row["jeffrey cols then rows"][i][j]);
      }
    c.print("charged(both)", row["size_nats"]);
    const std::string p =
        "P(r == {0} && c == {1} | both) * log(P(r == {0} && c == {1} | both) / P(r == {0} && c == {1} | J))";
    std::string kl;
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 2; ++j) kl += (kl.empty() ? "" : " + ") + fmt::format(fmt::runtime(p), r[i], s[j]);
    c.print(kl, row["kl_nats"]);
    cases.push_back(std::move(c));
  }
  {
    const std::string key =
        "charikar projection: x=-1,0,1,2; truth 1+2x; weak .2,1.9,2.0,5.5; student=least-squares line";
    const Json& row = file[key];
    Case c{key,
           "let x = [-1.0, 0, 1, 2];\nlet truth = 1 + 2 * x;\nlet weak = [0.2, 1.9, 2.0, 5.5];\n"
           "let b = (mean(x * weak) - mean(x) * mean(weak)) / (mean(x * x) - mean(x) ^ 2);\n"
           "let a = mean(weak) - b * mean(x);\n",
           {},
           {}};
    c.print("a", row["a"]);
    c.print("b", row["b"]);
    c.print("mean((weak - truth) ^ 2)", row["weak_err"]);
    c.print("mean((a + b * x - weak) ^ 2)", row["misfit"]);
    c.print("mean((a + b * x - truth) ^ 2)", row["strong_err"]);
    cases.push_back(std::move(c));
  }
  return cases;
}

}  // namespace

TEST_CASE("evidence files: networks, by elimination elsewhere") {
  const auto file = evidence_file("bayes_net_reference.json");
  if (file) run(network_cases(*file));
}

TEST_CASE("evidence files: what other programs and papers print") {
  const auto file = evidence_file("third_party_soft_evidence.json");
  if (!file) return;
  std::vector<Case> cases;
  std::vector<std::string> unknown;
  for (const Json& entry : *file) {
    const std::string name = entry["name"];
    if (name.starts_with("snow"))
      cases.push_back(snow(entry));
    else if (name.starts_with("factor graph"))
      cases.push_back(factor_graph(entry));
    else if (name.starts_with("water sprinkler"))
      std::ranges::move(sprinkler(entry), std::back_inserter(cases));
    else if (name.starts_with("cloth"))
      cases.push_back(cloth(entry));
    else if (name.starts_with("burglary"))
      cases.push_back(burglary(entry));
    else
      unknown.push_back(name);
  }
  CHECK(fmt::format("{}", fmt::join(unknown, "; ")) == "");  // cases that cannot be said, with the reason: none
  run(cases);
}

TEST_CASE("evidence files: the essay's claims") {
  const auto file = evidence_file("essay_claims.json");
  if (!file) return;
  CHECK(file->size() == 10);  // nine groups of cases, and where they come from
  run(essay_cases(*file));
}
