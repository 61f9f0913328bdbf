// The outline of a tree: one node a line, children two spaces further in, names and values behind the kind.
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "lang/syntax/print.h"

namespace hearsay::ast {
namespace {

std::string_view spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::add:
      return "+";
    case BinaryOp::subtract:
      return "-";
    case BinaryOp::multiply:
      return "*";
    case BinaryOp::divide:
      return "/";
    case BinaryOp::modulo:
      return "%";
    case BinaryOp::matmul:
      return "@";
    case BinaryOp::power:
      return "^";
    case BinaryOp::equal:
      return "==";
    case BinaryOp::not_equal:
      return "!=";
    case BinaryOp::less:
      return "<";
    case BinaryOp::less_equal:
      return "<=";
    case BinaryOp::greater:
      return ">";
    case BinaryOp::greater_equal:
      return ">=";
    case BinaryOp::in:
      return "in";
    case BinaryOp::logical_and:
      return "&&";
    case BinaryOp::logical_or:
      break;
  }
  return "||";
}

std::string_view spelling(StrengthForm form) {
  switch (form) {
    case StrengthForm::by_schedule:
      break;
    case StrengthForm::odds:
      return "odds";
    case StrengthForm::nats:
      return "nats";
    case StrengthForm::decibans:
      return "decibans";
    case StrengthForm::channel:
      return "channel";
    case StrengthForm::confidence:
      return "confidence";
    case StrengthForm::likelihoods:
      return "likelihoods";
    case StrengthForm::jeffrey:
      return "to";
    case StrengthForm::weight:
      return "weight";
    case StrengthForm::weight_within:
      return "weight within";
    case StrengthForm::robust:
      return "robust";
  }
  return "by schedule";
}

class Outline {
public:
  std::string take() { return std::move(out_); }

  void dump(const Block& block) {
    for (const StmtPtr& s : block) std::visit([this](const auto& node) { write(node); }, s->node);
  }

private:
  // ---------------------------------------------------------------- lines

  /// One line; what `children` writes stands below it, one level further in.
  template <class Children>
  void node(std::string_view kind, std::string_view text, const Children& children) {
    out_.append(2 * level_, ' ').append(kind);
    if (!text.empty()) out_.append(" ").append(text);
    out_ += '\n';
    ++level_;
    children();
    --level_;
  }
  void leaf(std::string_view kind, std::string_view text = {}) {
    node(kind, text, [] {});
  }

  void dump(const ExprPtr& e) {
    std::visit([this](const auto& n) { write(n); }, e->node);
  }
  void dump(const std::vector<ExprPtr>& items) {
    for (const ExprPtr& e : items) dump(e);
  }
  template <class Part>
  void part(std::string_view role, const Part& p) {
    node(role, {}, [&] { dump(p); });
  }
  void part(std::string_view role, const Name& n) { leaf(role, n.text); }
  void part(std::string_view role, const ExprPtr& e) {
    if (e) node(role, {}, [&] { dump(e); });
  }
  template <class Part>
  void part(std::string_view role, const std::optional<Part>& p) {
    if (p) part(role, *p);
  }
  void list(std::string_view role, const std::vector<ExprPtr>& items) {
    if (!items.empty()) node(role, {}, [&] { dump(items); });
  }
  void block(std::string_view role, const Block& items) {
    if (!items.empty()) node(role, {}, [&] { dump(items); });
  }

  // ---------------------------------------------------------------- parts

  void dump(const std::vector<Argument>& items) {
    for (const Argument& a : items) {
      node("argument", a.name ? a.name->text : std::string_view{}, [&] { dump(a.value); });
    }
  }
  void dump(const std::vector<Binder>& items) {
    for (const Binder& b : items) {
      node("index", b.index.text, [&] {
        dump(b.low);
        dump(b.high);
      });
    }
  }
  void dump(const std::vector<Parameter>& items) {
    for (const Parameter& p : items) node("parameter", p.name.text, [&] { dump(p.type); });
  }
  void dump(const std::vector<Name>& items) {
    for (const Name& n : items) leaf("name", n.text);
  }
  void dump(const Bounds& b) {
    if (b.elements) {
      part("elements", b.elements);
      return;
    }
    part(b.low_open ? "above" : "from", b.low);
    part(b.high_open ? "below" : "to", b.high);
  }
  void dump(const TypeExpr& t) {
    node("type", t.base.text, [&] {
      dump(t.dims);
      part("in", t.bounds);
    });
  }
  void dump(const DistExpr& d) {
    part("distribution", d.distribution);
    part("in", d.truncation);
  }
  void dump(const Schedule& s) {
    node("schedule", s.kind.text, [&] { dump(s.arguments); });
  }
  void dump(const Strength& s) {
    node("strength", spelling(s.form), [&] {
      part("value", s.value);
      part("extra", s.extra);
      part("reference", s.reference);
    });
  }

  // ---------------------------------------------------------------- expressions

  void write(const Number& n) { leaf(n.is_integer ? "integer" : "real", n.text); }
  void write(const String& s) { leaf("string", s.value); }
  void write(const Boolean& b) { leaf("boolean", b.value ? "true" : "false"); }
  void write(const NameRef& n) { leaf("name", n.text); }
  void write(const Unary& u) {
    node("unary", u.op == UnaryOp::negate ? "-" : "!", [&] { dump(u.operand); });
  }
  void write(const Binary& b) {
    node("binary", spelling(b.op), [&] {
      dump(b.left);
      dump(b.right);
    });
  }
  void write(const Conditional& c) {
    node("conditional", {}, [&] {
      dump(c.condition);
      dump(c.then_value);
      part("then in", c.then_range);
      dump(c.else_value);
    });
  }
  void write(const Index& i) {
    node("subscript", {}, [&] {
      dump(i.base);
      dump(i.arguments);
    });
  }
  void write(const Field& f) {
    node("field", f.name.text, [&] { dump(f.base); });
  }
  void write(const Call& c) {
    node("call", c.callee.text, [&] {
      dump(c.arguments);
      list("given", c.given);
    });
  }
  void write(const Array& a) {
    node("array", {}, [&] { dump(a.elements); });
  }
  void write(const Comprehension& c) {
    node("comprehension", {}, [&] {
      dump(c.body);
      dump(c.binders);
    });
  }
  void write(const Set& s) {
    node("set", {}, [&] { dump(s.elements); });
  }
  void write(const LabelMap& m) {
    node("label map", {}, [&] {
      for (const LabelMap::Entry& e : m.entries) node("label", e.label.text, [&] { dump(e.value); });
    });
  }
  void write(const Range& r) {
    node("range", {}, [&] {
      dump(r.low);
      dump(r.high);
    });
  }
  void write(const Infer& i) {
    node("infer", i.model.text, [&] {
      dump(i.arguments);
      block("given", i.given);
      part("using", i.engine);
    });
  }
  void write(const Teach& t) {
    node("teach", t.student.text, [&] {
      dump(t.student_arguments);
      node("from", t.teacher.text, [&] { dump(t.teacher_arguments); });
      part("through", t.through);
      part("budget", t.budget);
      if (t.schedule) dump(*t.schedule);
      part("labels", t.labels);
      part("share", t.share);
      part("odds", t.odds);
      part("via", t.via);
      part("forever within", t.forever_within);
      block("given", t.given);
      part("using", t.engine);
    });
  }

  // ---------------------------------------------------------------- statements

  void write(const TokensDecl& d) {
    node("tokens", d.name.text, [&] { dump(d.tokens); });
  }
  void write(const AlgebraDecl& d) {
    node("algebra", d.name.text, [&] {
      for (const AlgebraDecl::Over& o : d.overs) {
        node("over", o.alphabet.text, [&] {
          for (const AlgebraDecl::BlockDecl& b : o.blocks) node("block", b.name.text, [&] { dump(b.tokens); });
        });
      }
    });
  }
  void write(const ModelDecl& m) {
    node("model", m.name.text, [&] {
      dump(m.parameters);
      part("emits", m.emits);
      dump(m.body);
    });
  }
  void write(const MapDecl& m) {
    node("map", m.name.text, [&] {
      part("from", m.from);
      part("to", m.to);
      for (const MapDecl::Rule& r : m.rules) {
        node("rule", {}, [&] {
          dump(r.from);
          dump(r.to);
        });
      }
    });
  }
  void write(const CheckStmt& c) {
    node("check", c.map.text, [&] {
      part("tokens", c.tokens);
      part("within", c.within);
    });
  }
  void write(const SourceDecl& s) {
    node("source", s.name.text, [&] {
      part("budget", s.budget);
      if (s.schedule) dump(*s.schedule);
    });
  }
  void write(const FnDecl& f) {
    node("fn", f.name.text, [&] {
      dump(f.parameters);
      part("result", f.result);
      dump(f.body);
    });
  }
  void write(const DistDecl& d) {
    node("dist", d.name.text, [&] {
      dump(d.parameters);
      part("over", d.over);
      for (const DistDecl::Member& m : d.members) {
        node("member", m.name.text, [&] {
          dump(m.arguments);
          dump(m.value);
        });
      }
    });
  }
  void write(const ImportStmt& i) { leaf("import", i.path); }
  void write(const LetStmt& l) {
    node("let", l.name.text, [&] {
      dump(l.binders);
      if (l.type) dump(*l.type);
      dump(l.value);
    });
  }
  void write(const PrintStmt& p) {
    node("print", {}, [&] { dump(p.values); });
  }
  void write(const ExpectStmt& e) {
    node("expect", {}, [&] { dump(e.condition); });
  }
  void write(const PlotStmt& p) {
    node("plot", {}, [&] {
      dump(p.values);
      list("given", p.given);
    });
  }
  void write(const ExportStmt& e) {
    node("export", {}, [&] {
      dump(e.value);
      dump(e.path);
    });
  }
  void write(const ReportStmt& r) {
    node("report", {}, [&] {
      dump(r.value);
      dump(r.path);
    });
  }
  void write(const CalibrateStmt& c) {
    node("calibrate", c.source.text, [&] { dump(c.data); });
  }
  void write(const SampleStmt& s) {
    node("sample", s.name.text, [&] {
      for (const PlateDim& d : s.dims) {
        node("plate", d.index ? d.index->text : std::string_view{}, [&] {
          if (d.low) dump(d.low);
          dump(d.high);
        });
      }
      dump(s.dist);
    });
  }
  void write(const EmitStmt& e) {
    node("emit", e.index ? e.index->text : std::string_view{}, [&] { dump(e.dist); });
  }
  void write(const ObserveStmt& o) {
    node("observe", {}, [&] {
      dump(o.subject);
      if (o.dist) dump(*o.dist);
    });
  }
  void write(const SoftObserveStmt& s) {
    node("soft observe", {}, [&] {
      dump(s.subject);
      if (s.dist) dump(*s.dist);
      dump(s.strength);
      part("from", s.source);
      part("share", s.share);
    });
  }
  void write(const JointlyStmt& j) {
    node("soft observe jointly", {}, [&] {
      for (const JointlyStmt::Target& t : j.targets) {
        node("target", {}, [&] {
          dump(t.subject);
          dump(t.value);
        });
      }
      part("from", j.source);
    });
  }
  void write(const FactorStmt& f) {
    node("factor", {}, [&] { dump(f.value); });
  }
  void write(const ForStmt& f) {
    node("for", f.index.text, [&] {
      dump(f.low);
      dump(f.high);
      dump(f.body);
    });
  }
  void write(const IfStmt& s) {
    node("if", {}, [&] {
      dump(s.condition);
      block("then", s.then_body);
      block("else", s.else_body);
    });
  }
  void write(const GenerateStmt& g) {
    node("generate", g.name.text, [&] {
      dump(g.binders);
      dump(g.value);
    });
  }
  void write(const EventDecl& e) {
    node("event", e.name.text, [&] { dump(e.value); });
  }
  void write(const ExprStmt& e) {
    node("expression", {}, [&] { dump(e.value); });
  }

  std::string out_;
  std::size_t level_ = 0;
};

}  // namespace

std::string dump(const Script& script) {
  Outline outline;
  outline.dump(script.statements);
  return outline.take();
}

}  // namespace hearsay::ast
