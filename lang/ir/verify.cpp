#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>

#include "lang/ir/ir.h"
#include "lang/ir/substitute.h"

namespace hearsay::ir {
namespace {

std::string check_indices(const Module& m, std::string_view what, const Inst& inst, std::size_t wanted) {
  if (inst.operands.size() != wanted) {
    return fmt::format("{} has {} dimensions, but {} indices", what, wanted, inst.operands.size());
  }
  for (const ExprId e : inst.operands) {
    if (m.type(e) != ScalarType::integer) return fmt::format("an index of {} is {}", what, name(m.type(e)));
  }
  return {};
}

std::string check_type(std::string_view what, ScalarType is, ScalarType wanted) {
  return is == wanted ? std::string{} : fmt::format("{} is {}, not {}", what, name(is), name(wanted));
}

std::string check_prim(const Module& m, const Inst& inst) {
  if (inst.payload >= all_ops().size()) return "there is no such primitive";
  const Op op{static_cast<std::uint16_t>(inst.payload)};
  std::vector<ScalarType> types;
  for (const ExprId e : inst.operands) types.push_back(m.type(e));
  const auto result = result_type(op, types);
  if (!result) return fmt::format("the operands do not fit `{}`", info(op).name);
  return check_type(info(op).name, inst.type, *result);
}

std::string check_reduce(const Module& m, const Inst& inst) {
  if (inst.payload >= m.indices.size()) return "a reduction binds an index that does not exist";
  if (inst.operands.size() != 1) return "a reduction has one body";
  const ScalarType body = m.type(inst.operands[0]);
  if (auto wrong = check_type(name(inst.reduction), inst.type, body); !wrong.empty()) return wrong;
  switch (inst.reduction) {
    case Reduction::all:
    case Reduction::any:
      return check_type("the body of a logical reduction", body, ScalarType::boolean);
    case Reduction::log_sum_exp:
      return check_type("the body of log_sum_exp", body, ScalarType::real);
    default:
      return body == ScalarType::boolean ? "the body of an arithmetic reduction is boolean" : std::string{};
  }
}

std::string check_choice(const Module& m, const Inst& inst, std::string_view what, std::size_t least,
                         ScalarType chooser) {
  if (inst.operands.size() < least) return fmt::format("{} has too few operands", what);
  if (auto wrong = check_type("what " + std::string(what) + " chooses by", m.type(inst.operands[0]), chooser);
      !wrong.empty()) {
    return wrong;
  }
  for (std::size_t i = 1; i < inst.operands.size(); ++i) {
    if (auto wrong = check_type("an alternative of " + std::string(what), m.type(inst.operands[i]), inst.type);
        !wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

// Finds a let that needs itself to be known; reading earlier elements of itself is a scan's right.
class Cycles {
public:
  explicit Cycles(const Module& module) : module_(module), state_(module.lets.size(), State::unseen) {}

  std::string find() {
    for (std::uint32_t l = 0; l < module_.lets.size(); ++l) {
      if (const std::string wrong = visit(l); !wrong.empty()) return wrong;
    }
    return {};
  }

private:
  enum class State : std::uint8_t { unseen, open, done };

  std::string visit(std::uint32_t l) {
    const Let& let = module_.lets[l];
    if (state_[l] == State::open) return fmt::format("let `{}` depends on itself", let.name);
    if (state_[l] == State::done) return {};
    state_[l] = State::open;
    std::set<std::uint32_t> read;
    std::unordered_set<std::uint32_t> seen;
    collect(let.body, read, seen);
    for (const std::uint32_t other : read) {
      if (other == l && let.scan) continue;
      if (const std::string wrong = visit(other); !wrong.empty()) return wrong;
    }
    state_[l] = State::done;
    return {};
  }

  void collect(ExprId e, std::set<std::uint32_t>& read, std::unordered_set<std::uint32_t>& seen) const {
    if (!seen.insert(static_cast<std::uint32_t>(e)).second) return;
    const Inst& inst = module_.inst(e);
    if (inst.code == Opcode::let) read.insert(inst.payload);
    for (const ExprId operand : inst.operands) collect(operand, read, seen);
  }

  const Module& module_;
  std::vector<State> state_;
};

class Verifier {
public:
  explicit Verifier(const Module& module) : m_(module), reads_(module) {}

  std::string operator()() {
    if (auto wrong = check_stores(); !wrong.empty()) return wrong;
    if (auto wrong = check_insts(); !wrong.empty()) return wrong;
    for (const Let& let : m_.lets) {
      if (auto wrong = check_scope("let `" + let.name + "`", let.binders, let.body); !wrong.empty()) return wrong;
    }
    if (auto wrong = Cycles(m_).find(); !wrong.empty()) return wrong;
    for (std::size_t t = 0; t < m_.terms.size(); ++t) {
      if (auto wrong = check_term(fmt::format("term {}", t), m_.terms[t]); !wrong.empty()) return wrong;
    }
    for (const Quantity& q : m_.quantities) {
      if (auto wrong = check_scope("quantity `" + q.name + "`", q.binders, q.body); !wrong.empty()) return wrong;
    }
    return {};
  }

private:
  [[nodiscard]] std::string check_stores() const {
    for (const Data& d : m_.data) {
      const bool real = d.type == ScalarType::real;
      const bool present = real ? d.reals != nullptr : d.integers != nullptr;
      const std::size_t stored = !present ? 0 : real ? d.reals->size() : d.integers->size();
      if (std::ranges::any_of(d.shape, [](std::int64_t n) { return n < 0; })) {
        return fmt::format("data `{}` has a negative extent", d.name);
      }
      if (!present || stored != static_cast<std::size_t>(d.size())) {
        return fmt::format("data `{}` holds {} numbers, its shape asks for {}", d.name, stored, d.size());
      }
    }
    for (const Latent& l : m_.latents) {
      if (std::ranges::any_of(l.shape, [](std::int64_t n) { return n < 0; })) {
        return fmt::format("latent `{}` has a negative extent", l.name);
      }
      if (l.finite && l.cardinality < 1) return fmt::format("latent `{}` has no values", l.name);
      if (!l.labels.empty() && (!l.finite || l.labels.size() != static_cast<std::size_t>(l.cardinality))) {
        return fmt::format("latent `{}` has {} labels for {} values", l.name, l.labels.size(), l.cardinality);
      }
      if (!l.finite && !(l.low < l.high)) return fmt::format("latent `{}` has an empty range", l.name);
      if (l.shape.size() < (l.finite ? 0 : model::rank(l.constraint))) {
        return fmt::format("latent `{}` is no {}", l.name, model::name(l.constraint));
      }
      if (!m_.sites.empty() && raw(l.site) >= m_.sites.size()) {
        return fmt::format("latent `{}` comes from no site", l.name);
      }
    }
    return {};
  }

  [[nodiscard]] std::string check_insts() const {
    for (std::size_t e = 0; e < m_.insts.size(); ++e) {
      const Inst& inst = m_.insts[e];
      if (std::ranges::any_of(inst.operands, [e](ExprId o) { return raw(o) >= e; })) {
        return fmt::format("instruction {} reads a later one", e);
      }
      if (const std::string wrong = check_inst(m_, inst); !wrong.empty())
        return fmt::format("instruction {}: {}", e, wrong);
    }
    return {};
  }

  std::string check_scope(const std::string& what, const std::vector<IndexId>& binders, ExprId body) {
    if (raw(body) >= m_.insts.size()) return what + " has no body";
    for (std::size_t i = 0; i < binders.size(); ++i) {
      if (raw(binders[i]) >= m_.indices.size()) return what + " binds an index that does not exist";
      if (std::ranges::count(binders, binders[i]) > 1) return what + " binds an index twice";
    }
    for (const IndexId free : reads_(body).free_indices) {
      if (std::ranges::count(binders, free) == 0) {
        return fmt::format("{} reads the index `{}` that it does not bind", what, m_.index(free).name);
      }
    }
    return {};
  }

  std::string check_term(const std::string& what, const Term& term) {
    if (auto wrong = check_scope(what, term.plate, term.body); !wrong.empty()) return wrong;
    if (auto wrong = check_type("the body of " + what, m_.type(term.body), ScalarType::real); !wrong.empty())
      return wrong;
    if (!m_.sites.empty() && raw(term.site) >= m_.sites.size()) return what + " comes from no site";
    if (term.source != SourceId::none && term.kind != TermKind::soft)
      return what + " charges a source, but is not soft";
    return {};
  }

  const Module& m_;
  DependenceMap reads_;
};

}  // namespace

std::string check_inst(const Module& m, const Inst& inst) {
  const auto exists = [&inst](const auto& store) { return inst.payload < store.size(); };
  switch (inst.code) {
    case Opcode::constant:
      if (!exists(m.constants) || !inst.operands.empty()) return "not a constant of this module";
      return check_type("the constant", m.constants[inst.payload].type, inst.type);
    case Opcode::index:
      if (!exists(m.indices) || !inst.operands.empty()) return "not an index of this module";
      return check_type("the index", inst.type, ScalarType::integer);
    case Opcode::data: {
      if (!exists(m.data)) return "not data of this module";
      const Data& d = m.data[inst.payload];
      if (auto wrong = check_type(d.name, inst.type, d.type); !wrong.empty()) return wrong;
      return check_indices(m, d.name, inst, d.shape.size());
    }
    case Opcode::latent: {
      if (!exists(m.latents)) return "not a latent of this module";
      const Latent& l = m.latents[inst.payload];
      const ScalarType type = l.finite ? ScalarType::integer : ScalarType::real;
      if (auto wrong = check_type(l.name, inst.type, type); !wrong.empty()) return wrong;
      return check_indices(m, l.name, inst, l.shape.size());
    }
    case Opcode::let: {
      if (!exists(m.lets)) return "not a let of this module";
      const Let& l = m.lets[inst.payload];
      if (raw(l.body) >= m.insts.size()) return "let `" + l.name + "` has no body";
      if (auto wrong = check_type(l.name, inst.type, m.type(l.body)); !wrong.empty()) return wrong;
      return check_indices(m, l.name, inst, l.binders.size());
    }
    case Opcode::prim:
      return check_prim(m, inst);
    case Opcode::select:
      if (inst.operands.size() != 3) return "select takes three operands";
      return check_choice(m, inst, "select", 3, ScalarType::boolean);
    case Opcode::pick:
      return check_choice(m, inst, "pick", 2, ScalarType::integer);
    case Opcode::reduce:
      return check_reduce(m, inst);
  }
  return "there is no such instruction";
}

std::string verify(const Module& module) { return Verifier(module)(); }

}  // namespace hearsay::ir
