// Random models as the text of scripts.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "tests/reference/random_model.h"

namespace hearsay::reference {

namespace {

/// Writes the name of a node; inside a chain the one before is `c[i - 1]`.
using Namer = std::function<std::string(std::size_t)>;

std::string atom(const Node& n, const std::string& name, int value) {
  if (n.values == Node::Values::truths) return value == 1 ? name : "!" + name;
  if (n.values == Node::Values::labels) return fmt::format("{} == {}", name, n.labels[static_cast<std::size_t>(value)]);
  return fmt::format("{} == {}", name, value + 1);
}

/// Nested choices over the parents, with one leaf for each row of the table.
std::string nested(const RandomModel& m, const Conditional& c, std::size_t dim, std::size_t row, const Namer& name,
                   const std::function<std::string(std::size_t)>& leaf) {
  if (dim == c.parents.size()) return leaf(row);
  const std::size_t p = c.parents[dim];
  const auto branch = [&](int v) {
    return nested(m, c, dim + 1, row * static_cast<std::size_t>(c.sizes[dim]) + static_cast<std::size_t>(v), name,
                  leaf);
  };
  std::string text;
  for (int v = 0; v + 1 < c.sizes[dim]; ++v) {
    const bool last = dim + 1 == c.parents.size();
    text += fmt::format("if {} then {} else ", atom(m.nodes[p], name(p), v), last ? branch(v) : "(" + branch(v) + ")");
  }
  return text + branch(c.sizes[dim] - 1);
}

bool all_numbers(const RandomModel& m, const Conditional& c) {
  for (const std::size_t p : c.parents)
    if (m.nodes[p].values != Node::Values::numbers) return false;
  return true;
}

/// The table as nested arrays.
std::string array(const Conditional& c, std::size_t dim, std::size_t& at) {
  if (dim > c.parents.size()) return fmt::format("{}", c.table[at++]);
  std::vector<std::string> parts;
  const int size = dim == c.parents.size() ? c.cardinality : c.sizes[dim];
  for (int i = 0; i < size; ++i) parts.push_back(array(c, dim + 1, at));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}
std::string array(const Conditional& c) {
  std::size_t at = 0;
  return array(c, 0, at);
}

/// A distribution over the node's values; `number` gives the probability of a value as text.
std::string leaf(const Node& n, int cardinality, const std::function<std::string(int)>& number) {
  if (n.values == Node::Values::truths) return fmt::format("bernoulli({})", number(1));
  std::vector<std::string> parts;
  for (int v = 0; v < cardinality; ++v)
    parts.push_back(n.values == Node::Values::labels
                        ? fmt::format("{}: {}", n.labels[static_cast<std::size_t>(v)], number(v))
                        : number(v));
  return n.values == Node::Values::labels ? fmt::format("categorical({{{}}})", fmt::join(parts, ", "))
                                          : fmt::format("categorical([{}])", fmt::join(parts, ", "));
}

/// What stands behind `~`: an element of the array `table` where all parents are numbers, else nested choices.
std::string distribution(const RandomModel& m, const Node& n, const Conditional& c, const std::string& table,
                         const Namer& name) {
  if (!table.empty() && all_numbers(m, c)) {
    std::vector<std::string> at;
    for (const std::size_t p : c.parents) at.push_back(name(p));
    if (n.values == Node::Values::numbers)
      return at.empty() ? fmt::format("categorical({})", table)
                        : fmt::format("categorical({}[{}])", table, fmt::join(at, ", "));
    return leaf(n, c.cardinality, [&](int v) {
      std::vector<std::string> with = at;
      with.push_back(fmt::format("{}", v + 1));
      return fmt::format("{}[{}]", table, fmt::join(with, ", "));
    });
  }
  return nested(m, c, 0, 0, name, [&](std::size_t row) {
    return leaf(n, c.cardinality, [&](int v) { return fmt::format("{}", c.at(row, v)); });
  });
}

/// The tables that a block reads, by name. Hidden streams have two kinds of nodes with up to two tables each.
std::vector<std::pair<std::string, const Conditional*>> tables(const RandomModel& m, const Block& b) {
  std::vector<std::pair<std::string, const Conditional*>> found;
  const auto add = [&](const std::string& name, std::size_t k) {
    if (k < b.nodes.size() && all_numbers(m, m.nodes[b.nodes[k]].given))
      found.emplace_back(name, &m.nodes[b.nodes[k]].given);
  };
  add("t_" + b.name, 0);
  if (b.kind == Block::Kind::chain || b.kind == Block::Kind::markov) add("s_" + b.name, 1);
  if (b.kind == Block::Kind::hidden) {
    add("e_" + b.name, 1);
    add("s_" + b.name, 2);
  }
  return found;
}

/// `u ~ categorical(one number for each function from parents' assignments to values); let x = f[u, parents…];`
std::string noncentred(const RandomModel& m, const Block& b) {
  const Node& n = m.nodes[b.nodes[0]];
  const Conditional& c = n.given;
  const std::size_t rows = c.rows();
  std::size_t functions = 1;
  for (std::size_t r = 0; r < rows; ++r) functions *= static_cast<std::size_t>(c.cardinality);
  std::vector<std::string> weights, responses;
  for (std::size_t f = 0; f < functions; ++f) {
    double weight = 1;
    std::size_t rest = f;
    std::vector<int> value(rows);
    for (std::size_t r = rows; r-- > 0;) {
      value[r] = static_cast<int>(rest % static_cast<std::size_t>(c.cardinality));
      rest /= static_cast<std::size_t>(c.cardinality);
      weight *= c.at(r, value[r]);
    }
    weights.push_back(fmt::format("{}", weight));
    std::size_t at = 0;
    const std::function<std::string(std::size_t)> nest = [&](std::size_t dim) {
      if (dim == c.parents.size()) return fmt::format("{}", value[at++] + 1);
      std::vector<std::string> parts;
      for (int i = 0; i < c.sizes[dim]; ++i) parts.push_back(nest(dim + 1));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    };
    responses.push_back(nest(0));
  }
  std::vector<std::string> at{"u_" + b.name};
  for (const std::size_t p : c.parents) at.push_back(m.nodes[p].text);
  return fmt::format("  u_{0} ~ categorical([{1}]);\n  let f_{0} = [{2}];\n  let {0} = f_{0}[{3}];\n", b.name,
                     fmt::join(weights, ", "), fmt::join(responses, ", "), fmt::join(at, ", "));
}

std::string block_text(const RandomModel& m, const Block& b) {
  const Namer own = [&](std::size_t v) { return m.nodes[v].text; };
  const auto node = [&](std::size_t k) -> const Node& { return m.nodes[b.nodes[k]]; };
  const auto written = [&](std::size_t k, const std::string& table, const Namer& name) {
    return distribution(m, node(k), node(k).given, all_numbers(m, node(k).given) ? table : "", name);
  };
  const std::string t = "t_" + b.name, s = "s_" + b.name, e = "e_" + b.name;
  // The elements' own names, by position, as they are called inside the declaration.
  const auto called = [&](std::size_t position, const std::string& text) {
    return Namer([&, position, text](std::size_t v) { return v == b.nodes[position] ? text : m.nodes[v].text; });
  };
  switch (b.kind) {
    case Block::Kind::scalar:
      if (b.noncentred) return noncentred(m, b);
      return fmt::format("  {} ~ {};\n", b.name, written(0, t, own));
    case Block::Kind::plate:
      return fmt::format("  {}[{}] ~ {};\n", b.name, b.nodes.size(), written(0, t, own));
    case Block::Kind::chain:
      return fmt::format("  {0}[i in 1..{1}] ~ if i == 1 then {2} else ({3});\n", b.name, b.nodes.size(),
                         written(0, t, own), written(1, s, called(0, b.name + "[i - 1]")));
    case Block::Kind::independent:
      return fmt::format("  emit ~ {};\n", written(0, t, own));
    case Block::Kind::markov:
      if (b.nodes.size() == 1) return fmt::format("  emit ~ {};\n", written(0, t, own));
      return fmt::format("  emit[t] ~ if t == 1 then {} else ({});\n", written(0, t, own),
                         written(1, s, called(0, "emit[t - 1]")));
    case Block::Kind::hidden: {
      const std::string step = b.nodes.size() > 2 ? fmt::format("if t == 1 then {} else ({})", written(0, t, own),
                                                                written(2, s, called(0, b.name + "[t - 1]")))
                                                  : written(0, t, own);
      return fmt::format("  {}[t] ~ {};\n  emit[t] ~ {};\n", b.name, step, written(1, e, called(0, b.name + "[t]")));
    }
  }
  return "";
}

std::string schedule_text(const Source& s) {
  switch (s.schedule) {
    case Source::Schedule::none:
      return "";
    case Source::Schedule::spread:
      return "spread";
    case Source::Schedule::geometric:
      return fmt::format("geometric({})", s.parameter);
    case Source::Schedule::power:
      return fmt::format("power({})", s.parameter);
    case Source::Schedule::until_spent:
      return fmt::format("until spent(odds: {})", s.parameter);
    case Source::Schedule::fixed:
      return fmt::format("fixed(odds: {})", s.parameter);
  }
  return "";
}

}  // namespace

std::string RandomModel::text(const Event& e) const {
  const Node& n = nodes[e.variable];
  switch (e.kind) {
    case Event::Kind::atom:
      return atom(n, n.text, e.value);
    case Event::Kind::member: {
      std::vector<std::string> members;
      for (const int v : e.values)
        members.push_back(n.values == Node::Values::labels ? n.labels[static_cast<std::size_t>(v)]
                                                           : fmt::format("{}", v + 1));
      return fmt::format("{} in {{{}}}", n.text, fmt::join(members, ", "));
    }
    case Event::Kind::negation:
      return fmt::format("!({})", text(e.parts[0]));
    case Event::Kind::conjunction:
      return fmt::format("({}) && ({})", text(e.parts[0]), text(e.parts[1]));
    case Event::Kind::disjunction:
      return fmt::format("({}) || ({})", text(e.parts[0]), text(e.parts[1]));
  }
  return "";
}

std::string RandomModel::text(const Statement& s) const {
  using Kind = Statement::Kind;
  const auto labelled = [&] {
    const Node& n = nodes[s.event.variable];
    std::vector<std::string> parts;
    for (std::size_t v = 0; v < s.numbers.size(); ++v)
      parts.push_back(fmt::format(
          "{}: {}", n.values == Node::Values::truths ? (v == 1 ? "true" : "false") : n.labels[v], s.numbers[v]));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  };
  const auto drawn = [&] {
    Node as;
    as.values = s.outcome.truth ? Node::Values::truths : Node::Values::numbers;
    const std::string value =
        s.outcome.truth ? (s.outcome.value == 1 ? "true" : "false") : fmt::format("{}", s.outcome.value + 1);
    return fmt::format("{} ~ {}", value,
                       distribution(*this, as, s.outcome.given, "", [&](std::size_t v) { return nodes[v].text; }));
  };
  std::string r = s.soft() ? "soft observe " : "observe ";
  switch (s.kind) {
    case Kind::hard:
      r += text(s.event);
      break;
    case Kind::odds:
      r += fmt::format("{} odds {}", text(s.event), s.number);
      break;
    case Kind::scheduled:
      r += text(s.event);
      break;
    case Kind::jeffrey:
      r += fmt::format("{} to {}", text(s.event), s.number);
      break;
    case Kind::targets:
      r += fmt::format("{} to {}", nodes[s.event.variable].text, labelled());
      break;
    case Kind::likelihoods:
      r += fmt::format("{} likelihoods {}", nodes[s.event.variable].text, labelled());
      break;
    case Kind::hard_outcome:
      r += drawn();
      break;
    case Kind::odds_outcome:
      r += fmt::format("{} odds {}", drawn(), s.number);
      break;
    case Kind::weight:
      r += fmt::format("{} weight {}", drawn(), s.number);
      break;
    case Kind::within:
      r += fmt::format("{} weight {} within {} nats", drawn(), s.number, s.bound);
      break;
    case Kind::robust:
      r += fmt::format("{} robust {} weight {}", drawn(), s.bound, s.number);
      break;
  }
  if (s.source) r += " from " + sources[*s.source].name;
  if (s.kind == Kind::scheduled && s.share != 1) r += fmt::format(" share {}", s.share);
  r += ";";
  return s.only_if.empty() ? r : fmt::format("if {} {{ {} }}", text(s.only_if[0]), r);
}

std::string RandomModel::declarations(bool as_data) const {
  std::string alphabet, head = "model M", lets, body;
  const auto stream = tokens();
  if (!stream.empty()) {
    alphabet = fmt::format("tokens T = {{{}}};\n", fmt::join(nodes[stream[0]].labels, ", "));
    head += " emits T";
  }
  std::vector<std::string> formal;
  int size = 0;
  for (const Block& b : blocks) {
    if (!b.noncentred)
      for (const auto& [name, c] : tables(*this, b)) {
        std::vector<std::string> dims;
        for (std::size_t d = 0; d <= c->parents.size(); ++d) dims.push_back(fmt::format("N{}", ++size));
        if (as_data)
          formal.push_back(fmt::format("{}: real[{}]", name, fmt::join(dims, ", ")));
        else
          lets += fmt::format("  let {} = {};\n", name, array(*c));
      }
    body += block_text(*this, b);
  }
  if (!formal.empty()) {
    head = "model M(" + fmt::format("{}", fmt::join(formal, ", ")) + ")" + (stream.empty() ? "" : " emits T");
  }
  return alphabet + head + " {\n" + lets + body + "}\n";
}

std::string RandomModel::arguments() const {
  std::vector<std::string> actual;
  for (const Block& b : blocks)
    if (!b.noncentred)
      for (const auto& [name, c] : tables(*this, b)) actual.push_back(fmt::format("{}: {}", name, array(*c)));
  return fmt::format("{}", fmt::join(actual, ", "));
}

std::string RandomModel::source_declarations() const {
  std::string r;
  for (const Source& s : sources) {
    std::vector<std::string> parts;
    if (s.budget) parts.push_back(fmt::format("budget: {} nats", *s.budget));
    if (s.schedule != Source::Schedule::none) parts.push_back("schedule: " + schedule_text(s));
    r += parts.empty() ? fmt::format("  source {};\n", s.name)
                       : fmt::format("  source {}({});\n", s.name, fmt::join(parts, ", "));
  }
  return r;
}

std::string RandomModel::infer(const std::string& name, const std::vector<Statement>& statements,
                               const std::string& using_clause, bool as_data) const {
  std::string r = fmt::format("let {} = infer M", name);
  if (as_data) r += "(" + arguments() + ")";
  r += " given {\n" + source_declarations();
  for (const Statement& s : statements) r += "  " + text(s) + "\n";
  return r + "}" + (using_clause.empty() ? "" : " using " + using_clause) + ";\n";
}

std::string RandomModel::ask(const std::string& posterior) const {
  std::string r;
  for (const Event& q : questions) r += fmt::format("print P({} | {});\n", text(q), posterior);
  return r;
}

std::string RandomModel::script(const std::string& using_clause) const {
  return declarations() + infer("post", evidence, using_clause) + ask("post") + "print evidence(post);\n";
}

}  // namespace hearsay::reference
