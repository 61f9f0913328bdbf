// The grammar of BIF and what its parts must mean to each other. Longer than most files because every production also
// says what is wrong with it; the words are cut in bif_scanner, circles are found in cycle.
#include "runtime/data/bif.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lang/support/suggest.h"
#include "lang/support/text_file.h"
#include "runtime/data/bif_scanner.h"
#include "runtime/data/cycle.h"
#include "runtime/data/plural.h"

namespace hearsay::data {
namespace {

constexpr std::size_t max_errors = 20;
constexpr std::size_t max_table = std::size_t{1} << 26;  // 512 MiB of numbers; a `default` line could ask for anything
constexpr double sum_tolerance = 1e-4 + 1e-12;           // 0.9999 is 1e-4 away from 1, and a little more in binary

struct Names {
  std::unordered_map<std::string_view, std::size_t> index;

  [[nodiscard]] const std::size_t* find(std::string_view name) const {
    const auto it = index.find(name);
    return it == index.end() ? nullptr : &it->second;
  }
};

class Parser {
public:
  Parser(FileId file, const std::vector<BifToken>& tokens, DiagnosticSink& sink)
      : file_(file), tokens_(tokens), sink_(sink) {}

  std::optional<BayesNet> parse();

private:
  // A table while it is read: which token gave each row (0: none yet), and the row that `default` gives to the others.
  struct Table {
    Cpt cpt;
    std::size_t child_token = 0;
    std::vector<std::size_t> row_token;
    std::vector<double> fallback;
    bool any_entry = false;
    bool sound = true;  // no error in an entry; a missing row is then worth reporting
  };

  [[nodiscard]] const BifToken& token() const { return tokens_[at_]; }
  [[nodiscard]] SourceSpan span(std::size_t first, std::size_t last) const {
    return {file_, tokens_[first].begin, tokens_[last].end};
  }
  [[nodiscard]] SourceSpan span() const { return span(at_, at_); }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  [[nodiscard]] bool full() const { return errors_ >= max_errors; }
  void report(Diagnostic d) {
    if (!full()) sink_.report(std::move(d));
    ++errors_;
  }
  bool expected(std::string_view what) {
    report(diagnose<DiagnosticKind::bif_syntax>(
        span(), what,
        token().kind == BifTokenKind::end ? "the end of the file" : fmt::format("`{}`", token().text.substr(0, 60))));
    return false;
  }
  bool accept(char c) {
    if (!token().is(c)) return false;
    advance();
    return true;
  }
  bool expect(char c) { return accept(c) || expected(fmt::format("`{}`", c)); }
  [[nodiscard]] bool at_block() const {
    return token().kind == BifTokenKind::end || token().is_keyword("network") || token().is_keyword("variable") ||
           token().is_keyword("probability");
  }
  /// Goes on to the next block: a heading word right after a closing brace, or the end.
  void skip_to_block() {
    advance();
    while (token().kind != BifTokenKind::end && !(at_block() && tokens_[at_ - 1].is('}'))) advance();
  }
  bool end_block() {
    if (!expect('}')) return false;
    return at_block() || expected("`variable`, `probability` or the end of the file");
  }

  bool network_block();
  bool variable_block();
  bool probability_block();
  bool skip_property();
  bool states_list(BifVariable& variable, Names& states);
  bool heading(Table& table);
  bool entries(Table& table);
  bool row_entry(Table& table);
  bool table_entry(Table& table);
  bool numbers(std::vector<double>& values, std::size_t& first, std::size_t& last);
  void normalise(std::span<double> row, const Cpt& cpt, std::size_t row_index, SourceSpan where);
  void finish(Table table);
  void check_whole();

  [[nodiscard]] std::size_t states_of(std::size_t variable) const { return net_.variables[variable].states.size(); }
  [[nodiscard]] std::string row_name(const Cpt& cpt, std::size_t row) const;
  [[nodiscard]] std::string distribution_name(const Cpt& cpt, std::size_t row) const;

  FileId file_;
  const std::vector<BifToken>& tokens_;
  DiagnosticSink& sink_;
  std::size_t at_ = 0;
  std::size_t errors_ = 0;
  BayesNet net_;
  bool has_network_ = false;
  Names variables_;
  std::vector<Names> states_;                // of each variable
  std::vector<std::size_t> variable_token_;  // where each is declared
  std::vector<std::size_t> table_token_;     // where each one's table begins; 0: nowhere
};

std::optional<BayesNet> Parser::parse() {
  std::vector<std::size_t> probability_blocks;  // read after all variables are known
  while (token().kind != BifTokenKind::end && !full()) {
    bool good = false;
    if (token().is_keyword("network")) {
      good = network_block();
    } else if (token().is_keyword("variable")) {
      good = variable_block();
    } else if (token().is_keyword("probability")) {
      probability_blocks.push_back(at_);
    } else {
      expected("`network`, `variable` or `probability`");
    }
    if (!good) skip_to_block();
  }
  if (net_.variables.empty() && errors_ == 0) expected("a `variable` block");
  net_.tables.resize(net_.variables.size());
  table_token_.resize(net_.variables.size());
  for (const std::size_t block : probability_blocks) {
    if (full()) break;
    at_ = block;
    probability_block();
  }
  check_whole();
  if (errors_ > 0) return std::nullopt;
  return std::move(net_);
}

bool Parser::network_block() {
  if (has_network_) report(diagnose<DiagnosticKind::bif_duplicate>(span(), "the `network` block"));
  has_network_ = true;
  advance();
  if (token().is_name()) {
    net_.name = token().text;
    advance();
  }
  if (!expect('{')) return false;
  while (token().is_keyword("property"))
    if (!skip_property()) return false;
  return end_block();
}

bool Parser::skip_property() {
  while (!token().is(';') && !token().is('}') && token().kind != BifTokenKind::end) advance();
  return expect(';');
}

bool Parser::variable_block() {
  advance();
  if (!token().is_name()) return expected("the name of a variable");
  const std::size_t name = at_;
  BifVariable variable{std::string(token().text), {}};
  Names states;
  advance();
  if (!expect('{')) return false;
  std::size_t type = 0;
  while (!token().is('}')) {
    if (token().is_keyword("property")) {
      if (!skip_property()) return false;
    } else if (token().is_keyword("type")) {
      if (type != 0) {
        report(diagnose<DiagnosticKind::bif_duplicate>(span(), fmt::format("the type of `{}`", variable.name))
                   .label(span(type, type), "first given here"));
        return false;
      }
      type = at_;
      if (!states_list(variable, states)) return false;
    } else {
      return expected(type == 0 ? "`type discrete`" : "`}`");
    }
  }
  if (type == 0) return expected("`type discrete`");
  if (const std::size_t* first = variables_.find(tokens_[name].text)) {
    report(diagnose<DiagnosticKind::bif_duplicate>(span(name, name), fmt::format("the variable `{}`", variable.name))
               .label(span(variable_token_[*first], variable_token_[*first]), "first declared here"));
    return false;
  }
  variables_.index.emplace(tokens_[name].text, net_.variables.size());
  net_.variables.push_back(std::move(variable));
  states_.push_back(std::move(states));
  variable_token_.push_back(name);
  return end_block();
}

bool Parser::states_list(BifVariable& variable, Names& states) {
  advance();
  if (!token().is_keyword("discrete")) return expected("`discrete` (only finite variables are supported)");
  advance();
  if (!expect('[')) return false;
  const std::string_view written = token().text;
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), count);
  if (token().kind != BifTokenKind::word || error != std::errc() || end != written.data() + written.size())
    return expected("the number of states");
  advance();
  if (!expect(']') || !expect('{')) return false;
  const std::size_t first = at_;
  while (!token().is('}')) {
    if (!token().is_name()) return expected("the name of a state");
    if (!states.index.emplace(token().text, variable.states.size()).second) {
      report(diagnose<DiagnosticKind::bif_duplicate>(
          span(), fmt::format("the state `{}` of `{}`", token().text, variable.name)));
      return false;
    }
    variable.states.emplace_back(token().text);
    advance();
    if (token().is(',')) {
      advance();
      if (token().is('}')) return expected("the name of a state");
    }
  }
  if (variable.states.size() != count || count == 0) {
    report(diagnose<DiagnosticKind::bif_wrong_count>(
        span(first - 1, at_), counted(variable.states.size(), "state"),
        count == 0 ? "at least one" : fmt::format("{}, the number in the brackets", count)));
    return false;
  }
  advance();
  return expect(';');
}

bool Parser::probability_block() {
  Table table;
  if (!heading(table) || !entries(table)) return false;
  finish(std::move(table));
  return end_block();
}

/// `probability ( child | parents ) {`
bool Parser::heading(Table& table) {
  advance();
  if (!expect('(')) return false;
  std::vector<std::size_t> names;
  std::vector<std::size_t> name_tokens;
  while (!token().is(')')) {
    if (!token().is_name()) return expected("the name of a variable");
    const std::size_t* variable = variables_.find(token().text);
    if (variable == nullptr) {
      Diagnostic d = diagnose<DiagnosticKind::bif_unknown_variable>(span(), token().text);
      std::vector<std::string> known;
      for (const BifVariable& v : net_.variables) known.push_back(v.name);
      if (const std::string near = nearest_name(token().text, known); !near.empty())
        d.help = fmt::format("did you mean `{}`?", near);
      report(std::move(d));
      // The table may have been meant for any variable: a complaint that one has none would only distract.
      std::fill(table_token_.begin(), table_token_.end(), at_);
      return false;
    }
    for (std::size_t i = 1; i < names.size(); ++i) {
      if (names[i] != *variable) continue;
      report(diagnose<DiagnosticKind::bif_duplicate>(span(), fmt::format("the parent `{}`", token().text))
                 .label(span(name_tokens[i], name_tokens[i]), "first named here"));
      table_token_[names[0]] = name_tokens[0];
      return false;
    }
    names.push_back(*variable);
    name_tokens.push_back(at_);
    advance();
    const bool bar = names.size() == 1 && accept('|');
    if ((bar || accept(',')) && token().is(')')) return expected("the name of a variable");
  }
  if (names.empty()) return expected("the name of a variable");
  advance();
  const std::size_t child = names[0];
  table.child_token = name_tokens[0];
  if (const std::size_t first = std::exchange(table_token_[child], name_tokens[0]); first != 0) {
    report(diagnose<DiagnosticKind::bif_duplicate>(span(name_tokens[0], name_tokens[0]),
                                                   fmt::format("the table of `{}`", net_.variables[child].name))
               .label(span(first, first), "first given here"));
    return false;
  }
  table.cpt.child = child;
  table.cpt.parents.assign(names.begin() + 1, names.end());
  std::size_t rows = 1;
  for (const std::size_t parent : table.cpt.parents) {
    rows *= states_of(parent);
    if (rows * states_of(child) <= max_table) continue;
    report(diagnose<DiagnosticKind::bif_table_too_large>(span(name_tokens[0], name_tokens[0]),
                                                         net_.variables[child].name, max_table));
    return false;
  }
  table.row_token.resize(rows);
  table.cpt.table.resize(rows * states_of(child));
  return expect('{');
}

bool Parser::entries(Table& table) {
  while (!token().is('}')) {
    if (full()) return false;
    if (token().is_keyword("property")) {
      if (!skip_property()) return false;
      continue;
    }
    table.any_entry = true;
    if (token().is('(')) {
      if (!row_entry(table)) return false;
    } else if (token().is_keyword("table")) {
      if (!table_entry(table)) return false;
    } else if (token().is_keyword("default")) {
      const std::size_t entry = at_;
      if (!table.fallback.empty()) {
        report(diagnose<DiagnosticKind::bif_duplicate>(span(), "the `default` line"));
        return false;
      }
      advance();
      std::size_t first = 0;
      std::size_t last = 0;
      const std::size_t before = errors_;
      if (!numbers(table.fallback, first, last)) return false;
      if (table.fallback.size() != states_of(table.cpt.child)) {
        report(diagnose<DiagnosticKind::bif_wrong_count>(span(first, last), counted(table.fallback.size(), "number"),
                                                         states_of(table.cpt.child)));
        table.sound = false;
        table.fallback.assign(states_of(table.cpt.child), 0.0);
      } else if (errors_ == before) {
        normalise(table.fallback, table.cpt, table.row_token.size(), span(entry, last));
      }
    } else {
      return expected("`(`, `table`, `default` or `}`");
    }
  }
  return true;
}

/// `(state, state) p, p, p;`: after an error that is not one of syntax, the next entry is read.
bool Parser::row_entry(Table& table) {
  const Cpt& cpt = table.cpt;
  const std::size_t entry = at_;
  advance();
  std::size_t row = 0;
  std::size_t given = 0;
  bool known = true;
  while (!token().is(')')) {
    if (!token().is_name()) return expected("the state of a parent");
    if (given < cpt.parents.size()) {
      const std::size_t parent = cpt.parents[given];
      if (const std::size_t* state = states_[parent].find(token().text)) {
        row = row * states_of(parent) + *state;
      } else {
        Diagnostic d = diagnose<DiagnosticKind::bif_unknown_state>(span(), net_.variables[parent].name, token().text);
        if (const std::string near = nearest_name(token().text, net_.variables[parent].states); !near.empty())
          d.help = fmt::format("did you mean `{}`?", near);
        report(std::move(d));
        known = false;
      }
    }
    ++given;
    advance();
    if (accept(',') && token().is(')')) return expected("the state of a parent");
  }
  if (given != cpt.parents.size()) {
    report(diagnose<DiagnosticKind::bif_wrong_count>(
        span(entry, at_), counted(given, "state"),
        fmt::format("one for each of {}", counted(cpt.parents.size(), "parent"))));
    known = false;
  }
  advance();
  std::vector<double> values;
  std::size_t first = 0;
  std::size_t last = 0;
  const std::size_t before = errors_;
  if (!numbers(values, first, last)) return false;
  const std::size_t width = states_of(cpt.child);
  if (values.size() != width) {
    report(diagnose<DiagnosticKind::bif_wrong_count>(span(first, last), counted(values.size(), "number"), width));
    known = known && values.size() >= width;
  }
  if (!known) {
    table.sound = false;
    return true;
  }
  if (table.row_token[row] != 0) {
    report(diagnose<DiagnosticKind::bif_duplicate>(span(entry, last), fmt::format("the row ({})", row_name(cpt, row)))
               .label(span(table.row_token[row], table.row_token[row]), "first given here"));
    table.sound = false;
    return true;
  }
  table.row_token[row] = entry;
  const std::span<double> out = std::span(table.cpt.table).subspan(row * width, width);
  std::copy_n(values.begin(), width, out.begin());
  if (errors_ == before) normalise(out, cpt, row, span(first, last));
  return true;
}

/// `table p, p, …;`: all rows at once, the child slowest.
bool Parser::table_entry(Table& table) {
  const std::size_t entry = at_;
  advance();
  std::vector<double> values;
  std::size_t first = 0;
  std::size_t last = 0;
  const std::size_t before = errors_;
  if (!numbers(values, first, last)) return false;
  const std::size_t rows = table.row_token.size();
  const std::size_t width = states_of(table.cpt.child);
  if (values.size() != rows * width) {
    report(
        diagnose<DiagnosticKind::bif_wrong_count>(span(first, last), counted(values.size(), "number"), rows * width));
    table.sound = false;
    return true;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    if (table.row_token[row] != 0) {
      report(diagnose<DiagnosticKind::bif_duplicate>(
                 span(entry, entry), fmt::format("the table of `{}`", net_.variables[table.cpt.child].name))
                 .label(span(table.row_token[row], table.row_token[row]), "a row is given here already"));
      table.sound = false;
      return true;
    }
    table.row_token[row] = entry;
    for (std::size_t state = 0; state < width; ++state)
      table.cpt.table[row * width + state] = values[state * rows + row];
    if (errors_ == before)
      normalise(std::span(table.cpt.table).subspan(row * width, width), table.cpt, row, span(first, last));
  }
  return true;
}

/// Numbers up to and with `;`. A number that is no probability is reported and read on over.
bool Parser::numbers(std::vector<double>& values, std::size_t& first, std::size_t& last) {
  first = at_;
  while (!token().is(';')) {
    const std::string_view written = token().text;
    double x = 0;
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), x);
    if (token().kind != BifTokenKind::word || end != written.data() + written.size() ||
        error == std::errc::invalid_argument)
      return expected("a probability");
    // Out of range is too large, or so small that it rounds to 0 or to a subnormal number.
    if (error == std::errc::result_out_of_range) x = std::strtod(std::string(written).c_str(), nullptr);
    if (!(x >= 0 && x <= 1 + sum_tolerance))
      report(diagnose<DiagnosticKind::bif_not_a_probability>(span(), written.substr(0, 40)));
    values.push_back(x + 0.0);  // -0 becomes 0
    last = at_;
    advance();
    if (accept(',') && token().is(';')) return expected("a probability");
  }
  if (values.empty()) return expected("a probability");
  advance();
  return true;
}

void Parser::normalise(std::span<double> row, const Cpt& cpt, std::size_t row_index, SourceSpan where) {
  double sum = 0;
  for (const double p : row) sum += p;
  const double off = std::abs(sum - 1);
  if (off > sum_tolerance) {
    report(diagnose<DiagnosticKind::bif_row_sum>(where, distribution_name(cpt, row_index), sum)
               .with_help("within 0.0001 they are taken as rounded, and divided by their sum"));
  } else if (off > row_tolerance) {
    sink_.report(diagnose<DiagnosticKind::bif_row_rounded>(where, distribution_name(cpt, row_index), sum)
                     .with_help("write more digits, and the numbers are taken as they stand"));
    for (double& p : row) p /= sum;
  }
}

void Parser::finish(Table table) {
  const Cpt& cpt = table.cpt;
  const SourceSpan where = span(table.child_token, table.child_token);
  if (!table.any_entry) {
    report(diagnose<DiagnosticKind::bif_missing_table>(where, net_.variables[cpt.child].name));
    return;
  }
  const std::size_t width = states_of(cpt.child);
  for (std::size_t row = 0; row < table.row_token.size(); ++row) {
    if (table.row_token[row] != 0) continue;
    if (table.fallback.empty()) {
      if (table.sound)
        report(diagnose<DiagnosticKind::bif_missing_row>(where, net_.variables[cpt.child].name, row_name(cpt, row))
                   .with_help("write the row, or a `default` line for all rows that are not written"));
      return;
    }
    std::copy(table.fallback.begin(), table.fallback.end(),
              table.cpt.table.begin() + static_cast<std::ptrdiff_t>(row * width));
  }
  net_.tables[table.cpt.child] = std::move(table.cpt);
}

void Parser::check_whole() {
  for (std::size_t v = 0; v < net_.variables.size(); ++v)
    if (table_token_[v] == 0)
      report(diagnose<DiagnosticKind::bif_missing_table>(span(variable_token_[v], variable_token_[v]),
                                                         net_.variables[v].name));
  std::vector<std::vector<std::size_t>> parents(net_.variables.size());
  for (std::size_t v = 0; v < net_.variables.size(); ++v) parents[v] = net_.tables[v].parents;
  const std::vector<std::size_t> cycle = find_cycle(parents);
  if (cycle.empty()) return;
  std::string text;
  constexpr std::size_t shown = 20;
  for (std::size_t i = 0; i < cycle.size() && i < shown; ++i)
    text += fmt::format("{} -> ", net_.variables[cycle[i]].name);
  if (cycle.size() > shown) text += fmt::format("... ({} more) -> ", cycle.size() - shown);
  text += net_.variables[cycle[0]].name;
  const std::size_t heading_token = table_token_[cycle[0]];
  report(diagnose<DiagnosticKind::bif_cycle>(span(heading_token, heading_token), text));
}

/// The states of the parents in a row: `yes, no`.
std::string Parser::row_name(const Cpt& cpt, std::size_t row) const {
  std::string text;
  for (std::size_t i = cpt.parents.size(); i-- > 0;) {
    const BifVariable& parent = net_.variables[cpt.parents[i]];
    text = parent.states[row % parent.states.size()] + (text.empty() ? "" : ", ") + text;
    row /= parent.states.size();
  }
  return text;
}

/// `x | yes, no` for messages; a row index past the end stands for the `default` line.
std::string Parser::distribution_name(const Cpt& cpt, std::size_t row) const {
  const std::string& child = net_.variables[cpt.child].name;
  if (cpt.parents.empty()) return child;
  const std::size_t rows = cpt.table.size() / states_of(cpt.child);
  return fmt::format("{} | {}", child, row == rows ? "default" : row_name(cpt, row));
}

}  // namespace

std::optional<BayesNet> parse_bif(FileId file, const SourceManager& sources, DiagnosticSink& sink) {
  const std::string_view text = sources.text(file);
  const std::size_t bad = find_invalid_text(text);
  if (bad < text.size()) {
    const SourceSpan place{file, static_cast<std::uint32_t>(bad), static_cast<std::uint32_t>(bad + 1)};
    if (auto checked = check_text(sources.name(file), text, place); !checked) sink.report(std::move(checked.error()));
    return std::nullopt;
  }
  auto tokens = scan_bif(file, text);
  if (!tokens) {
    sink.report(std::move(tokens.error()));
    return std::nullopt;
  }
  return Parser(file, *tokens, sink).parse();
}

std::optional<BayesNet> read_bif(const std::string& path, SourceSpan from, SourceManager& sources,
                                 DiagnosticSink& sink) {
  auto text = read_text_file(path, from);
  if (text && text->size() >= std::numeric_limits<std::uint32_t>::max())
    text = fail(diagnose<DiagnosticKind::file_not_readable>(from, path, "a network file may have at most 4 GiB"));
  if (!text) {
    sink.report(std::move(text.error()));
    return std::nullopt;
  }
  return parse_bif(sources.add(path, std::move(*text)), sources, sink);
}

}  // namespace hearsay::data
