#include "tests/reference/random_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace hearsay::reference {

bool Event::holds(const std::vector<int>& state) const {
  switch (kind) {
    case Kind::atom:
      return state[variable] == value;
    case Kind::negation:
      return !parts[0].holds(state);
    case Kind::conjunction:
      return parts[0].holds(state) && parts[1].holds(state);
    case Kind::disjunction:
      return parts[0].holds(state) || parts[1].holds(state);
  }
  return false;
}

std::string RandomModel::text(const Event& e) const {
  switch (e.kind) {
    case Event::Kind::atom:
      return fmt::format("{} == {}", nodes[e.variable].text, e.value + 1);
    case Event::Kind::negation:
      return fmt::format("!({})", text(e.parts[0]));
    case Event::Kind::conjunction:
      return fmt::format("({} && {})", text(e.parts[0]), text(e.parts[1]));
    case Event::Kind::disjunction:
      return fmt::format("({} || {})", text(e.parts[0]), text(e.parts[1]));
  }
  return "";
}

std::string RandomModel::script(const std::string& using_clause) const {
  std::string s = declarations + "let post = infer M given {\n";
  for (const Statement& e : evidence) {
    if (e.kind == Statement::Kind::hard) s += fmt::format("  observe {};\n", text(e.event));
    if (e.kind == Statement::Kind::odds) s += fmt::format("  soft observe {} odds {};\n", text(e.event), e.number);
    if (e.kind == Statement::Kind::jeffrey) s += fmt::format("  soft observe {} to {};\n", text(e.event), e.number);
  }
  s += "}" + (using_clause.empty() ? "" : " using " + using_clause) + ";\n";
  for (const Event& q : questions) s += fmt::format("print P({} | post);\n", text(q));
  return s + "print evidence(post);\n";
}

namespace {

int below(std::mt19937_64& random, int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); }
double uniform(std::mt19937_64& random) { return (static_cast<double>(random() >> 11U) + 0.5) * 0x1p-53; }

std::vector<double> random_table(std::mt19937_64& random, std::size_t rows, int cardinality) {
  std::vector<double> t;
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<double> w;
    double sum = 0;
    for (int k = 0; k < cardinality; ++k) {
      // Now and then a hard zero; never a row of zeros.
      const double v = below(random, 12) == 0 && k > 0 ? 0.0 : std::pow(uniform(random), 2) + 1e-3;
      w.push_back(v);
      sum += v;
    }
    for (const double v : w) t.push_back(v / sum);
  }
  return t;
}

/// The table as a nested array with the parents' indices first.
std::string nested(const std::vector<double>& t, const std::vector<int>& sizes, std::size_t dim, std::size_t& at) {
  if (dim == sizes.size()) return fmt::format("{}", t[at++]);
  std::vector<std::string> parts;
  for (int i = 0; i < sizes[dim]; ++i) parts.push_back(nested(t, sizes, dim + 1, at));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

Event random_event(std::mt19937_64& random, const std::vector<Node>& nodes, int depth) {
  Event e;
  const int kind = depth == 0 ? 0 : below(random, 4);
  if (kind <= 0) {
    e.variable = static_cast<std::size_t>(below(random, static_cast<int>(nodes.size())));
    e.value = below(random, nodes[e.variable].cardinality);
    return e;
  }
  e.kind = kind == 1 ? Event::Kind::negation : kind == 2 ? Event::Kind::conjunction : Event::Kind::disjunction;
  e.parts.push_back(random_event(random, nodes, depth - 1));
  if (kind != 1) e.parts.push_back(random_event(random, nodes, depth - 1));
  return e;
}

}  // namespace

RandomModel random_model(std::mt19937_64& random) {
  RandomModel m;
  std::string body, tables;
  const int scalars = 2 + below(random, 8);
  for (int v = 0; v < scalars; ++v) {
    Node n;
    n.text = fmt::format("x{}", v + 1);
    n.cardinality = 2 + (below(random, 3) == 0 ? 1 : 0);
    std::vector<int> sizes;
    std::size_t rows = 1;
    for (int p = 0; p < v && n.parents.size() < 3; ++p)
      if (below(random, 3) == 0) {
        n.parents.push_back(static_cast<std::size_t>(p));
        sizes.push_back(m.nodes[static_cast<std::size_t>(p)].cardinality);
        rows *= static_cast<std::size_t>(sizes.back());
      }
    n.table = random_table(random, rows, n.cardinality);
    sizes.push_back(n.cardinality);
    std::size_t at = 0;
    tables += fmt::format("  let t{} = {};\n", v + 1, nested(n.table, sizes, 0, at));
    std::vector<std::string> parents;
    for (const std::size_t p : n.parents) parents.push_back(m.nodes[p].text);
    body += fmt::format("  {} ~ categorical(t{}{});\n", n.text, v + 1,
                        parents.empty() ? "" : fmt::format("[{}]", fmt::join(parents, ", ")));
    m.nodes.push_back(std::move(n));
  }
  const int extra = 12 - scalars;
  if (extra >= 2 && below(random, 2) == 0) {
    // A plate whose elements share one parent.
    const int size = 2 + below(random, std::min(extra, 4) - 1);
    const auto parent = static_cast<std::size_t>(below(random, scalars));
    const int k = m.nodes[parent].cardinality;
    const auto table = random_table(random, static_cast<std::size_t>(k), 2);
    std::size_t at = 0;
    tables += fmt::format("  let tz = {};\n", nested(table, {k, 2}, 0, at));
    body += fmt::format("  z[{}] ~ categorical(tz[{}]);\n", size, m.nodes[parent].text);
    for (int i = 0; i < size; ++i) m.nodes.push_back({fmt::format("z[{}]", i + 1), 2, {parent}, table});
  } else if (extra >= 2 && below(random, 2) == 0) {
    // A chain.
    const int size = 2 + below(random, std::min(extra, 5) - 1);
    const auto first = random_table(random, 1, 2), step = random_table(random, 2, 2);
    std::size_t at = 0;
    tables += fmt::format("  let c0 = {};\n", nested(first, {2}, 0, at));
    at = 0;
    tables += fmt::format("  let cs = {};\n", nested(step, {2, 2}, 0, at));
    body += fmt::format("  c[i in 1..{}] ~ if i == 1 then categorical(c0) else categorical(cs[c[i - 1]]);\n", size);
    for (int i = 0; i < size; ++i) {
      Node n{fmt::format("c[{}]", i + 1), 2, {}, first};
      if (i > 0) {
        n.parents = {m.nodes.size() - 1};
        n.table = step;
      }
      m.nodes.push_back(std::move(n));
    }
  }
  m.declarations = "model M {\n" + tables + body + "}\n";
  const int statements = below(random, 5);
  for (int s = 0; s < statements; ++s) {
    Statement e;
    const int kind = below(random, 5);
    e.kind = kind == 0 ? Statement::Kind::hard : kind == 1 ? Statement::Kind::jeffrey : Statement::Kind::odds;
    e.event = random_event(random, m.nodes, 2);
    e.number = e.kind == Statement::Kind::jeffrey ? 0.05 + 0.9 * uniform(random) : std::exp(6 * uniform(random) - 3);
    m.evidence.push_back(std::move(e));
  }
  for (std::size_t v = 0; v < m.nodes.size(); ++v) {
    Event e;
    e.variable = v;
    e.value = below(random, m.nodes[v].cardinality);
    m.questions.push_back(e);
  }
  m.questions.push_back(random_event(random, m.nodes, 3));
  return m;
}

namespace {

struct Joint {
  std::vector<std::vector<int>> states;
  std::vector<long double> weights;
};

Joint joint_of(const RandomModel& m) {
  Joint j;
  std::vector<int> state(m.nodes.size(), 0);
  for (;;) {
    long double w = 1;
    for (std::size_t v = 0; v < m.nodes.size(); ++v) {
      std::size_t row = 0;
      for (const std::size_t p : m.nodes[v].parents)
        row = row * static_cast<std::size_t>(m.nodes[p].cardinality) + static_cast<std::size_t>(state[p]);
      w *=
          m.nodes[v].table[row * static_cast<std::size_t>(m.nodes[v].cardinality) + static_cast<std::size_t>(state[v])];
    }
    if (w > 0) {
      j.states.push_back(state);
      j.weights.push_back(w);
    }
    std::size_t v = 0;
    while (v < state.size() && ++state[v] == m.nodes[v].cardinality) state[v++] = 0;
    if (v == state.size()) return j;
  }
}

Answers answer(const RandomModel& m, bool soft) {
  Joint j = joint_of(m);
  Answers a;
  const auto probability = [&](const Event& e) {
    long double in = 0, all = 0;
    for (std::size_t i = 0; i < j.states.size(); ++i) {
      all += j.weights[i];
      if (e.holds(j.states[i])) in += j.weights[i];
    }
    return all > 0 ? in / all : 0;
  };
  for (const Statement& s : m.evidence) {
    long double odds = s.number;
    if (s.kind == Statement::Kind::hard) {
      for (std::size_t i = 0; i < j.states.size(); ++i)
        if (!s.event.holds(j.states[i])) j.weights[i] = 0;
      continue;
    }
    if (!soft) continue;
    std::vector<long double> factor{1, odds};
    if (s.kind == Statement::Kind::jeffrey) {
      const long double p = probability(s.event);
      if (p <= 0 || p >= 1) {
        a.impossible = true;
        return a;
      }
      factor = {(1 - static_cast<long double>(s.number)) / (1 - p), static_cast<long double>(s.number) / p};
    }
    a.strengths.push_back(static_cast<double>(std::fabs(std::log(factor[1] / factor[0]))));
    for (std::size_t i = 0; i < j.states.size(); ++i) j.weights[i] *= factor[s.event.holds(j.states[i]) ? 1 : 0];
  }
  long double total = 0;
  for (const long double w : j.weights) total += w;
  if (!(total > 0)) {
    a.impossible = true;
    return a;
  }
  a.log_evidence = static_cast<double>(std::log(total));
  for (const Event& q : m.questions) a.probabilities.push_back(static_cast<double>(probability(q)));
  return a;
}

}  // namespace

Answers enumerate(const RandomModel& model) { return answer(model, true); }
std::vector<double> without_soft(const RandomModel& model) { return answer(model, false).probabilities; }

}  // namespace hearsay::reference
