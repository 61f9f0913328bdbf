// The text form of a module. Every definition stands on one line:
//
//   site 0 3:17..25 "x ~ normal"
//   data y : real [3] = 1.0 2.0 3.5
//   latent z : finite 2 {"a" "b"} [3] site 0
//   latent mu : real (-inf, inf) site 0
//   latent p : simplex (0.0, 1.0) [5, 3] site 0
//   index i in 1..3 "original name"
//   %1 = exp(mu) : real
//   let a [i in 1..3] scan : real = select(eq(i, 1), %1, a[sub(i, 1)])
//   term 0 prior site 0 order 1 plate (i in 1..3): log(a[i])
//   quantity "q" (i in 1..3) = a[i]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "lang/ir/ir.h"
#include "lang/ir/names.h"

namespace hearsay::ir {
namespace {

template <class Table, class Key>
std::string_view word(const Table& table, Key key) {
  const auto* const found = std::ranges::find(table, key, [](const auto& row) { return row.first; });
  return found == table.end() ? std::string_view{"?"} : found->second;
}

std::string real_text(double r) {
  if (std::isnan(r)) return "nan";
  std::string text = fmt::format("{}", r);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string scalar_text(const Scalar& s) {
  switch (s.type) {
    case ScalarType::boolean:
      return s.i != 0 ? "true" : "false";
    case ScalarType::integer:
      return fmt::format("{}", s.i);
    case ScalarType::real:
      return real_text(s.r);
  }
  return "?";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? std::string{} : fmt::format(" [{}]", fmt::join(shape, ", "));
}

// A name that can stand in an expression: letters, digits, `_` and `'`; anything else becomes `_`.
std::string plain(std::string_view original) {
  std::string name;
  for (const char c : original) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'';
    name += fits ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "_");
  return name;
}

// Levels of nesting on one line.
constexpr int kMaxNest = 32;

class Printer {
public:
  Printer(const Module& module, std::size_t data_limit) : m_(module), data_limit_(data_limit) {
    for (const char* literal : {"true", "false", "inf", "nan"}) taken_.insert(literal);
  }

  std::string module_text() {
    for (const Data& d : m_.data) data_.push_back(handle(d.name));
    for (const Latent& l : m_.latents) latents_.push_back(handle(l.name));
    for (const Let& l : m_.lets) lets_.push_back(handle(l.name));
    for (const Let& l : m_.lets) bind_and_count(l.binders, l.body);
    for (const Term& t : m_.terms) bind_and_count(t.plate, t.body);
    for (const Quantity& q : m_.quantities) bind_and_count(q.binders, q.body);
    name_indices();

    for (std::size_t i = 0; i < m_.sites.size(); ++i) site(i);
    for (std::size_t i = 0; i < m_.data.size(); ++i) data(i);
    for (std::size_t i = 0; i < m_.latents.size(); ++i) latent(i);
    for (const std::uint32_t i : used_indices_) index(i);
    for (std::size_t i = 0; i < m_.lets.size(); ++i) let(i);
    for (std::size_t i = 0; i < m_.terms.size(); ++i) term(i);
    for (const Quantity& q : m_.quantities) quantity(q);
    return std::move(out_);
  }

  std::string expression_text(ExprId e) {
    for (const Data& d : m_.data) data_.push_back(handle(d.name));
    for (const Latent& l : m_.latents) latents_.push_back(handle(l.name));
    for (const Let& l : m_.lets) lets_.push_back(handle(l.name));
    count(e);
    name_indices();
    define_shared(e);
    return std::move(out_) + text(e);
  }

private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  // A handle that nothing else has: the name itself, or with `#2`, `#3`, …
  std::string handle(std::string_view original) {
    const std::string base = plain(original);
    std::string candidate = base;
    for (std::size_t n = 2; !taken_.insert(candidate).second; ++n) candidate = fmt::format("{}#{}", base, n);
    return candidate;
  }

  // What the definition line adds when the handle does not tell the name: ` "name"`.
  static std::string original(std::string_view handle, std::string_view name) {
    return handle.substr(0, handle.find('#')) == name ? std::string{} : " " + quoted(name);
  }

  // ---- which expressions are shared, and which indices occur

  void bind_and_count(const std::vector<IndexId>& binders, ExprId body) {
    for (const IndexId i : binders) used_indices_.insert(static_cast<std::uint32_t>(i));
    count(body);
  }

  void count(ExprId e) {
    if (++uses_[static_cast<std::uint32_t>(e)] > 1) return;
    const Inst& inst = m_.inst(e);
    if (inst.code == Opcode::index || inst.code == Opcode::reduce) used_indices_.insert(inst.payload);
    for (const ExprId operand : inst.operands) count(operand);
  }

  void name_indices() {
    for (const std::uint32_t i : used_indices_) indices_.emplace(i, handle(m_.indices[i].name));
  }

  // ---- expressions

  // Lines for the shared expressions inside `e`, and for every kMaxNest-th level of a deep nest.
  void define_shared(ExprId e) {
    if (!visited_.insert(static_cast<std::uint32_t>(e)).second) return;
    const Inst& inst = m_.inst(e);
    if (inst.operands.empty()) return;
    int nest = 1;
    for (const ExprId operand : inst.operands) {
      define_shared(operand);
      if (const auto inner = nest_.find(static_cast<std::uint32_t>(operand)); inner != nest_.end()) {
        nest = std::max(nest, inner->second + 1);
      }
    }
    if (uses_[static_cast<std::uint32_t>(e)] < 2 && nest < kMaxNest) {
      nest_.emplace(static_cast<std::uint32_t>(e), nest);
      return;
    }
    const std::string body = text(e);
    const std::size_t number = numbers_.size() + 1;
    numbers_.emplace(static_cast<std::uint32_t>(e), number);
    line("%{} = {} : {}", number, body, name(inst.type));
  }

  std::string text(ExprId e) {
    std::string out;
    write(e, out);
    return out;
  }

  void write_list(std::span<const ExprId> list, std::string& out) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += ", ";
      write(list[i], out);
    }
  }

  void write_call(std::string_view function, std::span<const ExprId> arguments, std::string& out) {
    out += function;
    out += '(';
    write_list(arguments, out);
    out += ')';
  }

  void write_load(std::string_view name, std::span<const ExprId> at, std::string& out) {
    out += name;
    if (at.empty()) return;
    out += '[';
    write_list(at, out);
    out += ']';
  }

  void write(ExprId e, std::string& out) {
    if (const auto shared = numbers_.find(static_cast<std::uint32_t>(e)); shared != numbers_.end()) {
      fmt::format_to(std::back_inserter(out), "%{}", shared->second);
      return;
    }
    const Inst& inst = m_.inst(e);
    switch (inst.code) {
      case Opcode::constant:
        out += scalar_text(m_.constants[inst.payload]);
        break;
      case Opcode::index:
        out += indices_.at(inst.payload);
        break;
      case Opcode::data:
        write_load(data_[inst.payload], inst.operands, out);
        break;
      case Opcode::latent:
        write_load(latents_[inst.payload], inst.operands, out);
        break;
      case Opcode::let:
        write_load(lets_[inst.payload], inst.operands, out);
        break;
      case Opcode::prim:
        write_call(info(Op{static_cast<std::uint16_t>(inst.payload)}).name, inst.operands, out);
        break;
      case Opcode::select:
        write_call("select", inst.operands, out);
        break;
      case Opcode::pick:
        write_call("pick", inst.operands, out);
        break;
      case Opcode::reduce:
        out += name(inst.reduction);
        out += '(' + range(IndexId{inst.payload}) + ": ";
        write(inst.operands[0], out);
        out += ')';
        break;
    }
  }

  [[nodiscard]] std::string range(IndexId i) const {
    return fmt::format("{} in {}..{}", indices_.at(static_cast<std::uint32_t>(i)), m_.index(i).low, m_.index(i).high);
  }

  [[nodiscard]] std::string ranges(const std::vector<IndexId>& binders) const {
    std::string out;
    for (const IndexId i : binders) out += (out.empty() ? "" : ", ") + range(i);
    return out;
  }

  // ---- definitions

  void site(std::size_t i) {
    const Site& s = m_.sites[i];
    line("site {} {}:{}..{} {}", i, static_cast<std::uint32_t>(s.span.file), s.span.begin, s.span.end, quoted(s.what));
  }

  void data(std::size_t i) {
    const Data& d = m_.data[i];
    const auto size = static_cast<std::size_t>(d.size());
    std::string numbers;
    for (std::size_t k = 0; k < std::min(size, data_limit_); ++k) numbers += " " + scalar_text(d.at(k));
    if (size > data_limit_) numbers += fmt::format(" … ({} in all)", size);
    line("data {}{} : {}{} ={}", data_[i], original(data_[i], d.name), name(d.type), shape_text(d.shape), numbers);
  }

  void latent(std::size_t i) {
    const Latent& l = m_.latents[i];
    std::string kind = fmt::format("{} ({}, {})", model::name(l.constraint), real_text(l.low), real_text(l.high));
    if (l.finite) {
      kind = fmt::format("finite {}", l.cardinality);
      std::string labels;
      for (const std::string& label : l.labels) labels += (labels.empty() ? "" : " ") + quoted(label);
      if (!labels.empty()) kind += " {" + labels + "}";
    }
    line("latent {}{} : {}{} site {}{}{}", latents_[i], original(latents_[i], l.name), kind, shape_text(l.shape),
         raw(l.site), l.token ? " token" : "", l.stream ? " stream" : "");
  }

  void index(std::uint32_t i) { line("index {}{}", range(IndexId{i}), original(indices_.at(i), m_.indices[i].name)); }

  void let(std::size_t i) {
    const Let& l = m_.lets[i];
    define_shared(l.body);
    const std::string binders = l.binders.empty() ? "" : " [" + ranges(l.binders) + "]";
    line("let {}{}{}{} : {} = {}", lets_[i], original(lets_[i], l.name), binders, l.scan ? " scan" : "",
         name(m_.type(l.body)), text(l.body));
  }

  void term(std::size_t i) {
    const Term& t = m_.terms[i];
    define_shared(t.body);
    const std::string source =
        t.source == SourceId::none ? "" : fmt::format(" source {}", static_cast<std::uint32_t>(t.source));
    const std::string plate = t.plate.empty() ? "" : " plate (" + ranges(t.plate) + ")";
    line("term {} {} site {} order {}{}{}: {}", i, name(t.kind), raw(t.site), t.order, source, plate, text(t.body));
  }

  void quantity(const Quantity& q) {
    define_shared(q.body);
    const std::string binders = q.binders.empty() ? "" : " (" + ranges(q.binders) + ")";
    line("quantity {}{} = {}", quoted(q.name), binders, text(q.body));
  }

  const Module& m_;
  std::size_t data_limit_;
  std::string out_;
  std::unordered_set<std::string> taken_;
  std::vector<std::string> data_;
  std::vector<std::string> latents_;
  std::vector<std::string> lets_;
  std::set<std::uint32_t> used_indices_;
  std::unordered_map<std::uint32_t, std::string> indices_;
  std::unordered_map<std::uint32_t, std::size_t> uses_;
  std::unordered_set<std::uint32_t> visited_;
  std::unordered_map<std::uint32_t, int> nest_;  // levels written in line, where they are
  std::unordered_map<std::uint32_t, std::size_t> numbers_;
};

}  // namespace

std::string_view name(Reduction reduction) { return word(kReductionNames, reduction); }
std::string_view name(TermKind kind) { return word(kTermKindNames, kind); }
std::string_view name(ScalarType type) { return word(kTypeNames, type); }

std::string print(const Module& module, std::size_t data_limit) { return Printer(module, data_limit).module_text(); }
std::string print(const Module& module, ExprId e) { return Printer(module, 0).expression_text(e); }

}  // namespace hearsay::ir
