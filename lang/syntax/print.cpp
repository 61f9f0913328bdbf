// The canonical form: two spaces a level, one statement a line, parentheses only where precedence asks for them.
#include "lang/syntax/print.h"

#include <cstddef>
#include <string_view>
#include <variant>

namespace hearsay::ast {
namespace {

// How tightly an expression holds together; a part is put in parentheses where its place asks for more than it has.
enum Tightness : int {
  whole,
  disjunction,
  conjunction,
  negation,
  comparison,
  range,
  sum,
  product,
  sign,
  power,
  operand
};

struct Infix {
  std::string_view text;
  Tightness own, left, right;  ///< of the operation, and what it asks of its sides
};

Infix infix(BinaryOp op) {
  switch (op) {
    case BinaryOp::logical_or:
      return {" || ", disjunction, disjunction, conjunction};
    case BinaryOp::logical_and:
      return {" && ", conjunction, conjunction, negation};
    case BinaryOp::equal:
      return {" == ", comparison, range, range};
    case BinaryOp::not_equal:
      return {" != ", comparison, range, range};
    case BinaryOp::less:
      return {" < ", comparison, range, range};
    case BinaryOp::less_equal:
      return {" <= ", comparison, range, range};
    case BinaryOp::greater:
      return {" > ", comparison, range, range};
    case BinaryOp::greater_equal:
      return {" >= ", comparison, range, range};
    case BinaryOp::in:
      return {" in ", comparison, range, range};
    case BinaryOp::add:
      return {" + ", sum, sum, product};
    case BinaryOp::subtract:
      return {" - ", sum, sum, product};
    case BinaryOp::multiply:
      return {" * ", product, product, sign};
    case BinaryOp::divide:
      return {" / ", product, product, sign};
    case BinaryOp::modulo:
      return {" % ", product, product, sign};
    case BinaryOp::matmul:
      return {" @ ", product, product, sign};
    case BinaryOp::power:
      break;
  }
  return {"^", power, operand, sign};
}

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

Tightness tightness(const Expr& e) {
  return std::visit(Overloaded{
                        [](const Unary& u) { return u.op == UnaryOp::negate ? sign : negation; },
                        [](const Binary& b) { return infix(b.op).own; },
                        [](const Range&) { return range; },
                        [](const Conditional&) { return whole; },
                        [](const Infer&) { return whole; },
                        [](const Teach&) { return whole; },
                        [](const auto&) { return operand; },
                    },
                    e.node);
}

/// At the beginning of a statement these words are the statement, so an expression that begins with one needs
/// parentheses.
bool is_verb(std::string_view word) {
  return word == "print" || word == "expect" || word == "factor" || word == "plot" || word == "export" ||
         word == "report";
}

bool begins_with_verb(const Expr& e) {
  return std::visit(Overloaded{
                        [](const NameRef& n) { return is_verb(n.text); },
                        [](const Call& c) { return is_verb(c.callee.text); },
                        [](const Index& i) { return begins_with_verb(*i.base); },
                        [](const Field& f) { return begins_with_verb(*f.base); },
                        [](const Binary& b) { return begins_with_verb(*b.left); },
                        [](const Range& r) { return begins_with_verb(*r.low); },
                        [](const auto&) { return false; },
                    },
                    e.node);
}

class Printer {
public:
  std::string take() { return std::move(out_); }

  void statements(const Block& block) {
    for (const StmtPtr& s : block) {
      indent();
      statement(*s);
      out_ += '\n';
    }
  }

  void statement(const Stmt& s) {
    std::visit([this](const auto& node) { write(node); }, s.node);
  }

  void expression(const Expr& e, Tightness least = whole) {
    const bool parens = tightness(e) < least;
    if (parens) out_ += '(';
    std::visit([this](const auto& node) { write(node); }, e.node);
    if (parens) out_ += ')';
  }

private:
  // ---------------------------------------------------------------- pieces

  void indent() { out_.append(2 * level_, ' '); }
  Printer& text(std::string_view s) {
    out_ += s;
    return *this;
  }
  Printer& put(const Name& n) { return text(n.text); }
  Printer& put(const ExprPtr& e) {
    expression(*e);
    return *this;
  }

  template <class List, class Each>
  Printer& list(const List& items, const Each& each) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ", ";
      each(items[i]);
    }
    return *this;
  }
  Printer& list(const std::vector<ExprPtr>& items) {
    return list(items, [this](const ExprPtr& e) { put(e); });
  }
  Printer& list(const std::vector<Name>& items) {
    return list(items, [this](const Name& n) { put(n); });
  }

  /// `{`, one line for each item, `}`.
  template <class Body>
  Printer& lines(const Body& body) {
    text("{\n");
    ++level_;
    body();
    --level_;
    indent();
    return text("}");
  }
  template <class Items, class Each>
  Printer& item_lines(const Items& items, const Each& each) {
    return lines([&] {
      for (const auto& item : items) {
        indent();
        each(item);
        text(";\n");
      }
    });
  }
  Printer& block(const Block& b) {
    return lines([&] { statements(b); });
  }

  Printer& arguments(const std::vector<Argument>& args) {
    return list(args, [this](const Argument& a) {
      if (a.name) put(*a.name).text(": ");
      put(a.value);
    });
  }
  Printer& optional_arguments(const std::vector<Argument>& args) {
    return args.empty() ? *this : text("(").arguments(args).text(")");
  }
  Printer& binders(const std::vector<Binder>& items) {
    return list(items, [this](const Binder& b) { put(b.index).text(" in ").ends(b.low, b.high); });
  }
  Printer& optional_binders(const std::vector<Binder>& items) {
    return items.empty() ? *this : text("[").binders(items).text("]");
  }
  Printer& ends(const ExprPtr& low, const ExprPtr& high) {
    expression(*low, sum);
    text("..");
    expression(*high, sum);
    return *this;
  }
  Printer& bounds(const Bounds& b) {
    text(" in ");
    if (b.elements) {
      expression(*b.elements, disjunction);
      return *this;
    }
    text(b.low_open ? "(" : "[").put(b.low).text(", ").put(b.high);
    return text(b.high_open ? ")" : "]");
  }
  Printer& type(const TypeExpr& t) {
    put(t.base);
    if (!t.dims.empty()) text("[").list(t.dims).text("]");
    return t.bounds ? bounds(*t.bounds) : *this;
  }
  Printer& parameters(const std::vector<Parameter>& items) {
    text("(").list(items, [this](const Parameter& p) { put(p.name).text(": ").type(p.type); });
    return text(")");
  }
  Printer& dist_operand(const Expr& e) {
    if (const auto* choice = std::get_if<Conditional>(&e.node)) {
      text("if ").put(choice->condition).text(" then ").dist_operand(*choice->then_value);
      if (choice->then_range) bounds(*choice->then_range);
      return text(" else ").dist_operand(*choice->else_value);
    }
    expression(e, operand);
    return *this;
  }
  Printer& dist(const DistExpr& d) {
    text(" ~ ").dist_operand(*d.distribution);
    return d.truncation ? bounds(*d.truncation) : *this;
  }
  Printer& schedule(const Schedule& s) {
    return text(s.kind.text == "until_spent" ? "until spent" : std::string_view(s.kind.text))
        .optional_arguments(s.arguments);
  }
  Printer& quoted(std::string_view s) {
    out_ += '"';
    for (const char c : s) {
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\t':
          out_ += "\\t";
          break;
        default:
          out_ += c;
      }
    }
    return text("\"");
  }

  // ---------------------------------------------------------------- expressions

  void write(const Number& n) { text(n.text); }
  void write(const String& s) { quoted(s.value); }
  void write(const Boolean& b) { text(b.value ? "true" : "false"); }
  void write(const NameRef& n) { text(n.text); }
  void write(const Unary& u) {
    text(u.op == UnaryOp::negate ? "-" : "!");
    expression(*u.operand, u.op == UnaryOp::negate ? sign : negation);
  }
  void write(const Binary& b) {
    const Infix form = infix(b.op);
    expression(*b.left, form.left);
    text(form.text);
    expression(*b.right, form.right);
  }
  void write(const Conditional& c) {
    text("if ").put(c.condition).text(" then ").put(c.then_value).text(" else ").put(c.else_value);
  }
  void write(const Index& i) {
    expression(*i.base, operand);
    text("[").list(i.arguments).text("]");
  }
  void write(const Field& f) {
    expression(*f.base, operand);
    text(".").put(f.name);
  }
  void write(const Call& c) {
    put(c.callee).text("(").arguments(c.arguments);
    if (c.has_bar) text(" | ").list(c.given);
    text(")");
  }
  void write(const Array& a) { text("[").list(a.elements).text("]"); }
  void write(const Comprehension& c) { text("[").put(c.body).text(" for ").binders(c.binders).text("]"); }
  void write(const Set& s) { text("{").list(s.elements).text("}"); }
  void write(const LabelMap& m) {
    text("{").list(m.entries, [this](const LabelMap::Entry& e) { put(e.label).text(": ").put(e.value); }).text("}");
  }
  void write(const Range& r) { ends(r.low, r.high); }
  void write(const Infer& i) {
    text("infer ").put(i.model).optional_arguments(i.arguments);
    if (!i.given.empty()) text(" given ").block(i.given);
    if (i.engine) text(" using ").put(*i.engine);
  }
  void write(const Teach& t) {
    text("teach ").put(t.student).optional_arguments(t.student_arguments);
    text(" from ").put(t.teacher).optional_arguments(t.teacher_arguments);
    if (t.through) text(" through ").put(*t.through);
    text(" ").lines([&] {
      const auto clause = [this](std::string_view word, const std::optional<ExprPtr>& value,
                                 std::string_view unit = "") {
        if (!value) return;
        indent();
        text(word).put(*value).text(unit).text(";\n");
      };
      clause("budget ", t.budget, " nats");
      if (t.schedule) {
        indent();
        text("schedule ").schedule(*t.schedule).text(";\n");
      }
      clause("labels ", t.labels);
      clause("share ", t.share);
      clause("odds ", t.odds);
      if (t.via) {
        indent();
        text("via ").put(*t.via).text(";\n");
      }
      clause("forever within ", t.forever_within, " nats");
      if (!t.given.empty()) {
        indent();
        text("given ").block(t.given).text("\n");
      }
    });
    if (t.engine) text(" using ").put(*t.engine);
  }

  // ---------------------------------------------------------------- statements

  void write(const TokensDecl& d) { text("tokens ").put(d.name).text(" = {").list(d.tokens).text("};"); }
  void write(const AlgebraDecl& d) {
    text("algebra ").put(d.name);
    for (std::size_t i = 0; i < d.overs.size(); ++i) {
      text(i > 0 ? " and over " : " over ").put(d.overs[i].alphabet).text(" ");
      item_lines(d.overs[i].blocks,
                 [this](const AlgebraDecl::BlockDecl& b) { put(b.name).text(" = {").list(b.tokens).text("}"); });
    }
  }
  void write(const ModelDecl& m) {
    text("model ").put(m.name);
    if (!m.parameters.empty()) parameters(m.parameters);
    if (m.emits) text(" emits ").put(*m.emits);
    text(" ").block(m.body);
  }
  void write(const MapDecl& m) {
    text("map ").put(m.name).text(": ").put(m.from).text(" -> ").put(m.to).text(" ");
    item_lines(m.rules, [this](const MapDecl::Rule& r) { put(r.from).text(" => ").put(r.to); });
  }
  void write(const CheckStmt& c) {
    text("check ").put(c.map).text(" up to ").put(c.tokens).text(" tokens");
    if (c.within) text(" within ").put(*c.within).text(" nats");
    text(";");
  }
  void write(const SourceDecl& s) {
    text("source ").put(s.name);
    if (s.budget || s.schedule) {
      text("(");
      if (s.budget) text("budget: ").put(*s.budget).text(" nats");
      if (s.budget && s.schedule) text(", ");
      if (s.schedule) text("schedule: ").schedule(*s.schedule);
      text(")");
    }
    text(";");
  }
  void write(const FnDecl& f) {
    text("fn ").put(f.name).parameters(f.parameters).text(" -> ").type(f.result).text(" = ").put(f.body).text(";");
  }
  void write(const DistDecl& d) {
    text("dist ").put(d.name).parameters(d.parameters).text(" over ").type(d.over).text(" ");
    item_lines(d.members, [this](const DistDecl::Member& m) {
      put(m.name);
      if (!m.arguments.empty()) text("(").list(m.arguments).text(")");
      text(" = ").put(m.value);
    });
  }
  void write(const ImportStmt& i) { text("import ").quoted(i.path).text(";"); }
  void write(const LetStmt& l) {
    text("let ").put(l.name).optional_binders(l.binders);
    if (l.type) text(": ").type(*l.type);
    text(" = ").put(l.value).text(";");
  }
  void write(const PrintStmt& p) { text("print ").list(p.values).text(";"); }
  void write(const ExpectStmt& e) { text("expect ").put(e.condition).text(";"); }
  void write(const PlotStmt& p) {
    text("plot ").list(p.values);
    if (!p.given.empty()) text(" | ").list(p.given);
    text(";");
  }
  void write(const ExportStmt& e) { text("export ").put(e.value).text(" to ").put(e.path).text(";"); }
  void write(const ReportStmt& r) { text("report ").put(r.value).text(" to ").put(r.path).text(";"); }
  void write(const CalibrateStmt& c) { text("calibrate source ").put(c.source).text(" on ").put(c.data).text(";"); }
  void write(const SampleStmt& s) {
    const bool parens = !s.dims.empty() && is_verb(s.name.text);
    text(parens ? "(" : "").put(s.name).text(parens ? ")" : "");
    if (!s.dims.empty()) {
      text("[").list(s.dims, [this](const PlateDim& d) {
        if (d.index) {
          put(*d.index).text(" in ").ends(d.low, d.high);
        } else {
          put(d.high);
        }
      });
      text("]");
    }
    dist(s.dist).text(";");
  }
  void write(const EmitStmt& e) {
    text("emit");
    if (e.index) text("[").put(*e.index).text("]");
    dist(e.dist).text(";");
  }
  void write(const ObserveStmt& o) {
    text("observe ").put(o.subject);
    if (o.dist) dist(*o.dist);
    text(";");
  }
  void strength(const Strength& s) {
    const auto plain = [&](std::string_view word) -> Printer& { return text(word).put(s.value); };
    switch (s.form) {
      case StrengthForm::by_schedule:
        break;
      case StrengthForm::odds:
        plain(" odds ");
        break;
      case StrengthForm::nats:
        plain(" nats ");
        break;
      case StrengthForm::decibans:
        plain(" decibans ");
        break;
      case StrengthForm::channel:
        plain(" channel ");
        break;
      case StrengthForm::confidence:
        plain(" confidence ").text(" base ").put(s.extra);
        break;
      case StrengthForm::likelihoods:
        plain(" likelihoods ");
        break;
      case StrengthForm::jeffrey:
        plain(" to ");
        break;
      case StrengthForm::weight:
        plain(" weight ");
        break;
      case StrengthForm::weight_within:
        plain(" weight ").text(" within ").put(s.extra).text(" nats");
        if (s.reference) text(" around ").put(s.reference);
        break;
      case StrengthForm::robust:
        plain(" robust ").text(" weight ").put(s.extra);
        break;
    }
  }
  void write(const SoftObserveStmt& s) {
    text("soft observe ").put(s.subject);
    if (s.dist) dist(*s.dist);
    strength(s.strength);
    if (s.source) text(" from ").put(*s.source);
    if (s.share) text(" share ").put(*s.share);
    text(";");
  }
  void write(const JointlyStmt& j) {
    text("soft observe jointly ");
    item_lines(j.targets, [this](const JointlyStmt::Target& t) { put(t.subject).text(" to ").put(t.value); });
    if (j.source) text(" from ").put(*j.source);
    text(";");
  }
  void write(const FactorStmt& f) { text("factor ").put(f.value).text(";"); }
  void write(const ForStmt& f) { text("for ").put(f.index).text(" in ").ends(f.low, f.high).text(" ").block(f.body); }
  void write(const IfStmt& s) {
    text("if ").put(s.condition).text(" ").block(s.then_body);
    if (s.else_body.empty()) return;
    text(" else ");
    const bool chained = s.else_body.size() == 1 && std::holds_alternative<IfStmt>(s.else_body[0]->node);
    if (chained) {
      statement(*s.else_body[0]);
    } else {
      block(s.else_body);
    }
  }
  void write(const GenerateStmt& g) {
    text("generate ").put(g.name).optional_binders(g.binders).text(" = ").put(g.value).text(";");
  }
  void write(const EventDecl& e) { text("event ").put(e.name).text(" = ").put(e.value).text(";"); }
  void write(const ExprStmt& e) {
    const bool parens = begins_with_verb(*e.value);
    text(parens ? "(" : "").put(e.value).text(parens ? ");" : ";");
  }

  std::string out_;
  std::size_t level_ = 0;
};

}  // namespace

std::string print(const Script& script) {
  Printer p;
  p.statements(script.statements);
  return p.take();
}

std::string print(const Stmt& stmt) {
  Printer p;
  p.statement(stmt);
  return p.take();
}

std::string print(const Expr& expr) {
  Printer p;
  p.expression(expr);
  return p.take();
}

}  // namespace hearsay::ast
