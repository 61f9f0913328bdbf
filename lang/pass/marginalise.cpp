// Summing finite plates out element by element (theory section 2: a token that is soft-observed multiplies hypothesis h
// by 1 + (λ − 1) p_v(h)).
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "lang/eval/evaluator.h"
#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"

namespace hearsay::pass {

using ir::ExprId;

namespace {

constexpr std::size_t kMostExceptions = 4096;

/// The loads of one latent in an expression, not looking into lets.
void collect_loads(const ir::Module& m, ExprId e, ir::LatentId x, std::set<std::uint32_t>& seen,
                   std::vector<ExprId>& loads) {
  if (!seen.insert(static_cast<std::uint32_t>(e)).second) return;
  const ir::Inst& in = m.inst(e);
  if (in.code == ir::Opcode::latent && in.payload == static_cast<std::uint32_t>(x)) loads.push_back(e);
  for (const ExprId o : in.operands) collect_loads(m, o, x, seen, loads);
}

class ReplaceLatent final : public ir::Rewriter {
public:
  ReplaceLatent(ir::Module& m, ir::LatentId x, ExprId by) : Rewriter(m), x_(x), by_(by) {}

protected:
  ExprId replace(ir::Inst in) override {
    if (in.code == ir::Opcode::latent && in.payload == static_cast<std::uint32_t>(x_)) return by_;
    return module_.intern(std::move(in));
  }

private:
  ir::LatentId x_;
  ExprId by_;
};

/// A term that reads the plate at `index + shift` and nowhere else.
struct ExactUse {
  std::size_t term = 0;
  ir::IndexId index{};
  std::int64_t shift = 0;
  [[nodiscard]] std::int64_t low(const ir::Module& m) const { return m.index(index).low + shift; }
  [[nodiscard]] std::int64_t high(const ir::Module& m) const { return m.index(index).high + shift; }
};

class PlateElimination {
public:
  PlateElimination(ir::Module& m, ir::LatentId x) : m_(m), x_(x) {}

  /// False where the plate is too entangled; then nothing has changed.
  bool run(const std::set<std::size_t>& kept) {
    const ir::Latent& latent = m_.latents[ir::raw(x_)];
    if (!latent.finite || latent.shape.size() != 1 || latent.shape[0] == 0) return false;
    for (const ir::Let& l : m_.lets) {
      const auto d = ir::dependence(m_, l.body).finite;
      if (std::find(d.begin(), d.end(), x_) != d.end()) return false;
    }
    const std::int64_t n = latent.shape[0];
    std::set<std::int64_t> exceptions;
    for (const std::size_t e : kept) exceptions.insert(static_cast<std::int64_t>(e) + 1);
    for (std::size_t t = 0; t < m_.terms.size(); ++t)
      if (!classify(t, exceptions)) return false;
    if (exact_.empty() || static_cast<std::int64_t>(exceptions.size()) >= n) return false;

    std::set<std::int64_t> cuts{1, n + 1};
    for (const ExactUse& u : exact_) {
      cuts.insert(std::clamp<std::int64_t>(u.low(m_), 1, n + 1));
      cuts.insert(std::clamp<std::int64_t>(u.high(m_) + 1, 1, n + 1));
    }
    for (const std::int64_t e : exceptions) cuts.insert({e, e + 1});
    std::vector<ir::Term> made;
    for (auto at = cuts.begin(); std::next(at) != cuts.end(); ++at) {
      const std::int64_t low = *at, high = *std::next(at) - 1;
      if (low < 1 || high > n) continue;
      if (exceptions.contains(low)) {
        for (const ExactUse& u : exact_)
          if (u.low(m_) <= low && low <= u.high(m_)) made.push_back(instantiate(u, low));
        continue;
      }
      std::vector<ExactUse> uses;
      for (const ExactUse& u : exact_)
        if (u.low(m_) <= low && high <= u.high(m_)) uses.push_back(u);
      if (auto term = sum_out(uses, low, high)) made.push_back(*std::move(term));
    }
    std::vector<ir::Term> terms;
    for (std::size_t t = 0; t < m_.terms.size(); ++t) {
      const bool consumed = std::any_of(exact_.begin(), exact_.end(), [&](const ExactUse& u) { return u.term == t; });
      if (!consumed) terms.push_back(m_.terms[t]);
    }
    terms.insert(terms.end(), made.begin(), made.end());
    m_.terms = std::move(terms);
    if (exceptions.empty()) m_.latents[ir::raw(x_)].shape = {0};
    return true;
  }

private:
  bool classify(std::size_t t, std::set<std::int64_t>& exceptions) {
    const ir::Term& term = m_.terms[t];
    std::set<std::uint32_t> seen;
    std::vector<ExprId> loads;
    collect_loads(m_, term.body, x_, seen, loads);
    if (loads.empty()) return true;
    if (loads.size() == 1)
      if (auto use = exact(t, m_.inst(loads[0]).operands[0])) {
        exact_.push_back(*use);
        return true;
      }
    // Elements that are read in another way stay variables of their own, if they are few and known.
    for (const ExprId load : loads) {
      const ExprId at = m_.inst(load).operands[0];
      const ir::Dependence d = ir::dependence(m_, at);
      if (d.on_latents()) return false;
      double combinations = 1;
      for (const ir::IndexId i : d.free_indices) {
        if (std::find(term.plate.begin(), term.plate.end(), i) == term.plate.end())
          return false;  // bound by a reduction
        combinations *= static_cast<double>(m_.index(i).extent());
      }
      if (combinations > static_cast<double>(kMostExceptions)) return false;
      eval::ReferenceEvaluator evaluator(m_);
      std::vector<std::int64_t> value;
      for (const ir::IndexId i : d.free_indices) value.push_back(m_.index(i).low);
      for (bool more = combinations > 0; more;) {
        for (std::size_t k = 0; k < value.size(); ++k) evaluator.set_index(d.free_indices[k], value[k]);
        exceptions.insert(evaluator.value(at, {}).i);
        more = false;
        for (std::size_t k = value.size(); k-- > 0;) {
          if (++value[k] <= m_.index(d.free_indices[k]).high) {
            more = true;
            break;
          }
          value[k] = m_.index(d.free_indices[k]).low;
        }
      }
      if (exceptions.size() > kMostExceptions) return false;
    }
    return true;
  }

  std::optional<ExactUse> exact(std::size_t t, ExprId at) const {
    ExactUse use;
    use.term = t;
    const ir::Inst* in = &m_.inst(at);
    if (in->code == ir::Opcode::prim &&
        (static_cast<Op>(in->payload) == Op::add || static_cast<Op>(in->payload) == Op::sub)) {
      const Scalar* c = m_.constant(in->operands[1]);
      if (c == nullptr) return std::nullopt;
      use.shift = static_cast<Op>(in->payload) == Op::add ? c->i : -c->i;
      in = &m_.inst(in->operands[0]);
    }
    if (in->code != ir::Opcode::index) return std::nullopt;
    use.index = static_cast<ir::IndexId>(in->payload);
    const auto& plate = m_.terms[t].plate;
    if (std::find(plate.begin(), plate.end(), use.index) == plate.end()) return std::nullopt;
    return use;
  }

  ir::Term instantiate(const ExactUse& u, std::int64_t element) {
    ir::Term t = m_.terms[u.term];
    std::erase(t.plate, u.index);
    t.body = ir::substitute(m_, t.body, {{static_cast<std::uint32_t>(u.index), m_.integer(element - u.shift)}});
    return t;
  }

  /// The term's contribution to element `at`, summed over its other plate indices.
  ExprId contribution(const ExactUse& u, ExprId at) {
    const ir::Term& t = m_.terms[u.term];
    const ExprId own = u.shift == 0 ? at : m_.prim(Op::sub, {at, m_.integer(u.shift)});
    ExprId e = ir::substitute(m_, t.body, {{static_cast<std::uint32_t>(u.index), own}});
    for (std::size_t k = t.plate.size(); k-- > 0;)
      if (t.plate[k] != u.index) e = m_.reduce(ir::Reduction::sum, t.plate[k], e);
    return e;
  }

  std::optional<ir::Term> sum_out(const std::vector<ExactUse>& uses, std::int64_t low, std::int64_t high) {
    const ir::Latent latent = m_.latents[ir::raw(x_)];
    std::vector<ExactUse> prior, rest;
    for (const ExactUse& u : uses) {
      const ir::Term& t = m_.terms[u.term];
      (t.kind == ir::TermKind::prior && t.site == latent.site ? prior : rest).push_back(u);
    }
    if (rest.empty()) return std::nullopt;  // the prior alone sums to 1
    const ir::IndexId j = m_.add_index(latent.name + "_i", low, high);
    const ExprId at = m_.index_value(j);
    ir::Term made = m_.terms[rest[0].term];
    made.plate = {j};
    ExprId log_prior = m_.real(0);
    for (std::size_t i = 0; i < prior.size(); ++i) {
      const ExprId c = contribution(prior[i], at);
      log_prior = i == 0 ? c : m_.prim(Op::add, {log_prior, c});
    }
    std::vector<ExprId> others;
    for (const ExactUse& u : rest) others.push_back(contribution(u, at));
    if (others.size() == 1)
      if (auto body = as_soft_event(log_prior, others[0], latent.cardinality)) {
        made.body = *body;
        return made;
      }
    const ir::IndexId k = m_.add_index("k", 1, latent.cardinality);
    ExprId sum = log_prior;
    for (const ExprId o : others) sum = m_.prim(Op::add, {sum, o});
    ReplaceLatent with_code(m_, x_, m_.index_value(k));
    made.body = m_.reduce(ir::Reduction::log_sum_exp, k, with_code(sum));
    return made;
  }

  bool reads_latent(ExprId e) const {
    std::set<std::uint32_t> seen;
    std::vector<ExprId> loads;
    collect_loads(m_, e, x_, seen, loads);
    return !loads.empty();
  }

  /// `select(event, s, 0)` with s independent of the element: ln(1 + (e^s − 1) P(event)).
  std::optional<ExprId> as_soft_event(ExprId log_prior, ExprId other, std::int64_t cardinality) {
    const ir::Inst in = m_.inst(other);
    if (in.code != ir::Opcode::select) return std::nullopt;
    const Scalar* zero = m_.constant(in.operands[2]);
    if (zero == nullptr || zero->as_real() != 0 || reads_latent(in.operands[1])) return std::nullopt;
    const ir::Inst event = m_.inst(in.operands[0]);
    const bool equality = event.code == ir::Opcode::prim && static_cast<Op>(event.payload) == Op::eq;
    ExprId probability{};
    if (equality && m_.inst(event.operands[0]).code == ir::Opcode::latent && !reads_latent(event.operands[1])) {
      probability = probability_of(log_prior, event.operands[1], cardinality);
    } else if (equality && m_.inst(event.operands[1]).code == ir::Opcode::latent && !reads_latent(event.operands[0])) {
      probability = probability_of(log_prior, event.operands[0], cardinality);
    } else {
      const ir::IndexId k = m_.add_index("k", 1, cardinality);
      const ExprId code = m_.index_value(k);
      ReplaceLatent with_code(m_, x_, code);
      const ExprId inside = m_.select(with_code(in.operands[0]), exp_with(log_prior, code), m_.real(0));
      probability = m_.prim(Op::min, {m_.reduce(ir::Reduction::sum, k, inside), m_.real(1)});
    }
    return m_.prim(Op::soft_event, {in.operands[1], probability});
  }

  /// P(element = code), which is 0 for a code that no element can have.
  ExprId probability_of(ExprId log_prior, ExprId code, std::int64_t cardinality) {
    if (surely_within(code, cardinality)) return exp_with(log_prior, code);
    const ExprId one = m_.integer(1);
    const ExprId possible =
        m_.prim(Op::logical_and, {m_.prim(Op::le, {one, code}), m_.prim(Op::le, {code, m_.integer(cardinality)})});
    return m_.select(possible, exp_with(log_prior, m_.select(possible, code, one)), m_.real(0));
  }

  [[nodiscard]] bool surely_within(ExprId code, std::int64_t cardinality) const {
    const auto fits = [&](std::int64_t v) { return v >= 1 && v <= cardinality; };
    const ir::Inst& in = m_.inst(code);
    switch (in.code) {
      case ir::Opcode::constant:
        return fits(m_.constant(code)->i);
      case ir::Opcode::index: {
        const ir::IndexVar& i = m_.indices[in.payload];
        return fits(i.low) && fits(i.high);
      }
      case ir::Opcode::latent: {
        const ir::Latent& l = m_.latents[in.payload];
        return l.finite && l.cardinality <= cardinality;
      }
      case ir::Opcode::data: {
        const ir::Data& d = m_.data[in.payload];
        return d.integers && std::ranges::all_of(*d.integers, fits);
      }
      default:
        return false;
    }
  }

  ExprId exp_with(ExprId log_prior, ExprId code) {
    ReplaceLatent with_code(m_, x_, code);
    return m_.prim(Op::exp, {with_code(log_prior)});
  }

  ir::Module& m_;
  ir::LatentId x_;
  std::vector<ExactUse> exact_;
};

}  // namespace

void marginalise_plates(ir::Module& module, const Kept& kept) {
  for (bool again = true; again;) {
    again = false;
    for (std::size_t l = module.latents.size(); l-- > 0;) {
      const auto id = static_cast<ir::LatentId>(l);
      const auto at = kept.find(id);
      if (PlateElimination(module, id).run(at == kept.end() ? std::set<std::size_t>{} : at->second)) again = true;
    }
  }
}

}  // namespace hearsay::pass
