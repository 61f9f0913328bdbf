// Sums over data become sums over distinct rows. For soft events the strengths of one row kind are summed as power
// series (lang/evidence/soft_sum.h), so the cost of a hypothesis does not depend on the number of labels.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "lang/eval/evaluator.h"
#include "lang/eval/rows.h"
#include "lang/ir/substitute.h"
#include "lang/pass/pass.h"
#include "lang/pass/row_groups.h"

namespace hearsay::pass {

using ir::ExprId;

namespace {

/// Below this many rows a sum stays as it is.
constexpr std::int64_t kFewRows = 16;

class RowSum {
public:
  RowSum(ir::Module& m, ir::Term& term, double& error) : m_(m), term_(term), error_(error) {}

  /// The terms that replace this one, or nothing where there is no gain.
  std::optional<std::vector<ir::Term>> run() {
    if (term_.plate.size() != 1) return std::nullopt;
    index_ = term_.plate[0];
    low_ = m_.index(index_).low;
    rows_ = m_.index(index_).extent();
    if (rows_ <= kFewRows) return std::nullopt;
    const ir::Inst body = m_.inst(term_.body);
    const bool soft = body.code == ir::Opcode::prim && static_cast<Op>(body.payload) == Op::soft_event;
    if (!ir::dependence(m_, term_.body).on_latents()) return std::nullopt;
    if (soft) {
      // The strength is the one column that differs from row to row.
      if (!columns_of(body.operands[1])) return std::nullopt;
      const auto strength = column(body.operands[0]);
      if (strength) {
        if (!group()) return std::nullopt;
        return soft_terms(body.operands[1], *strength);
      }
      columns_.clear();
    }
    if (!columns_of(term_.body) || !group()) return std::nullopt;
    return counted(term_.body);
  }

private:
  /// Finds the largest subexpressions that read data only and depend on the index.
  bool columns_of(ExprId e) {
    if (std::any_of(columns_.begin(), columns_.end(), [&](const Column& c) { return c.expr == e; })) return true;
    const ir::Dependence d = ir::dependence(m_, e);
    if (std::find(d.free_indices.begin(), d.free_indices.end(), index_) == d.free_indices.end()) return true;
    if (!d.on_latents() && d.free_indices.size() == 1) {
      const auto c = column(e);
      if (!c) return false;
      columns_.push_back(*c);
      return true;
    }
    const ir::Inst in = m_.inst(e);
    if (in.code == ir::Opcode::index || in.code == ir::Opcode::reduce || in.code == ir::Opcode::let) return false;
    for (const ExprId o : in.operands)
      if (!columns_of(o)) return false;
    return true;
  }

  std::optional<Column> column(ExprId e) {
    const ir::Dependence d = ir::dependence(m_, e);
    if (d.on_latents()) return std::nullopt;
    for (const ir::IndexId i : d.free_indices)
      if (i != index_) return std::nullopt;
    Column c;
    c.expr = e;
    c.type = m_.type(e);
    const ir::Inst& in = m_.inst(e);
    if (in.code == ir::Opcode::data && in.operands.size() == 1)
      if (const auto shift = offset_of(in.operands[0])) {  // read as it stands, without a copy
        const ir::Data& data = m_.data[in.payload];
        const std::int64_t first = low_ + *shift - 1;
        if (first >= 0 && first + rows_ <= data.size()) {
          c.reals = data.reals;
          c.codes = data.integers;
          c.offset = static_cast<std::size_t>(first);
          return c;
        }
      }
    eval::Rows values = eval::rows(m_, e, std::span(&index_, 1));
    c.reals = std::make_shared<const std::vector<double>>(std::move(values.reals));
    c.codes = std::make_shared<const std::vector<std::int64_t>>(std::move(values.integers));
    return c;
  }

  std::optional<std::int64_t> offset_of(ExprId at) const {
    const ir::Inst& in = m_.inst(at);
    if (in.code == ir::Opcode::index && static_cast<ir::IndexId>(in.payload) == index_) return 0;
    if (in.code != ir::Opcode::prim) return std::nullopt;
    const auto op = static_cast<Op>(in.payload);
    if (op != Op::add && op != Op::sub) return std::nullopt;
    const ir::Inst& left = m_.inst(in.operands[0]);
    const Scalar* c = m_.constant(in.operands[1]);
    if (left.code != ir::Opcode::index || static_cast<ir::IndexId>(left.payload) != index_ || c == nullptr)
      return std::nullopt;
    return op == Op::add ? c->i : -c->i;
  }

  bool group() {
    groups_ = RowGroups::make(columns_, static_cast<std::size_t>(rows_));
    return groups_.has_value();
  }

  ir::DataId table(const std::string& name, std::vector<double> values, std::vector<std::int64_t> shape) {
    ir::Data d;
    d.name = name;
    d.type = ScalarType::real;
    d.shape = std::move(shape);
    d.reals = std::make_shared<const std::vector<double>>(std::move(values));
    return m_.add_data(std::move(d));
  }

  ExprId load(ir::DataId d, std::initializer_list<ExprId> at) {
    return m_.load_data(d, std::span(at.begin(), at.size()));
  }

  /// Replaces from the outside in: a column may hold another one, and is no longer known once that is replaced in it.
  ExprId rewritten(ExprId e, std::unordered_map<std::uint32_t, ExprId>& done) {
    const auto key = static_cast<std::uint32_t>(e);
    if (const auto at = done.find(key); at != done.end()) return at->second;
    ir::Inst in = m_.inst(e);  // a copy: the store may move while operands are rebuilt
    for (ExprId& operand : in.operands) operand = rewritten(operand, done);
    const ExprId result = m_.intern(std::move(in));
    done.emplace(key, result);
    return result;
  }

  /// `e` with every column replaced by its values at the groups of `rows`.
  ExprId at_groups(ExprId e, ExprId g, const std::vector<std::uint32_t>& rows) {
    std::unordered_map<std::uint32_t, ExprId> by;
    for (const Column& c : columns_) {
      ir::Data d;
      d.name = "rows";
      d.type = c.type;
      d.shape = {static_cast<std::int64_t>(rows.size())};
      std::vector<double> reals;
      std::vector<std::int64_t> codes;
      for (const std::uint32_t r : rows) {
        if (c.type == ScalarType::real)
          reals.push_back((*c.reals)[c.offset + r]);
        else
          codes.push_back((*c.codes)[c.offset + r]);
      }
      d.reals = std::make_shared<const std::vector<double>>(std::move(reals));
      d.integers = std::make_shared<const std::vector<std::int64_t>>(std::move(codes));
      by.emplace(static_cast<std::uint32_t>(c.expr), m_.load_data(m_.add_data(std::move(d)), std::span(&g, 1)));
    }
    return rewritten(e, by);
  }

  ir::Term over_groups(std::size_t count, ExprId& g) {
    ir::Term t = term_;
    const ir::IndexId i = m_.add_index("g", 1, static_cast<std::int64_t>(count));
    t.plate = {i};
    g = m_.index_value(i);
    return t;
  }

  std::vector<ir::Term> counted(ExprId body) {
    std::vector<double> counts = groups_->counts();
    ExprId g{};
    ir::Term t = over_groups(counts.size(), g);
    const auto n = static_cast<std::int64_t>(counts.size());
    const ir::DataId d = table("counts", std::move(counts), {n});
    t.body = m_.prim(Op::mul, {load(d, {g}), at_groups(body, g, groups_->representatives())});
    return {std::move(t)};
  }

  std::vector<ir::Term> soft_terms(ExprId probability, const Column& strength) {
    const auto sums =
        groups_->claims(std::span(*strength.reals).subspan(strength.offset, static_cast<std::size_t>(rows_)));
    if (!sums) return {term_};
    const std::vector<std::uint32_t>& representatives = groups_->representatives();
    std::vector<double> polynomial, exact_strength, exact_count;
    std::vector<std::uint32_t> series_rows, exact_rows;
    std::vector<std::span<const double, evidence::SoftSum::max_power>> series;
    std::size_t degree = 0;
    for (std::size_t g = 0; g < sums->size(); ++g) {
      if (const auto& one = (*sums)[g].repeated) {
        // One strength: no series is needed, the count is exact.
        if (one->strength == 0) continue;
        exact_strength.push_back(one->strength);
        exact_count.push_back(one->count);
        exact_rows.push_back(representatives[g]);
        continue;
      }
      const evidence::SoftSum& sum = (*sums)[g].sum;
      error_ += sum.error_bound();
      for (const auto& r : sum.exact_part()) {
        exact_strength.push_back(r.strength);
        exact_count.push_back(r.count);
        exact_rows.push_back(representatives[g]);
      }
      series_rows.push_back(representatives[g]);
      series.push_back(sum.polynomial());
      for (std::size_t j = 0; j < series.back().size(); ++j)
        if (series.back()[j] != 0) degree = std::max(degree, j + 1);
    }
    std::vector<ir::Term> made;
    if (degree > 0) {
      for (const auto& p : series)
        polynomial.insert(polynomial.end(), p.begin(), p.begin() + static_cast<std::ptrdiff_t>(degree));
      ExprId g{};
      ir::Term t = over_groups(series.size(), g);
      const ir::DataId d = table("series", std::move(polynomial),
                                 {static_cast<std::int64_t>(series.size()), static_cast<std::int64_t>(degree)});
      const ExprId p = at_groups(probability, g, series_rows);
      ExprId horner = load(d, {g, m_.integer(static_cast<std::int64_t>(degree))});
      for (std::size_t j = degree - 1; j > 0; --j)
        horner =
            m_.prim(Op::add, {load(d, {g, m_.integer(static_cast<std::int64_t>(j))}), m_.prim(Op::mul, {p, horner})});
      t.body = m_.prim(Op::mul, {p, horner});
      made.push_back(std::move(t));
    }
    if (!exact_strength.empty()) {
      ExprId g{};
      const auto n = static_cast<std::int64_t>(exact_strength.size());
      ir::Term t = over_groups(exact_strength.size(), g);
      const ir::DataId sd = table("strengths", std::move(exact_strength), {n});
      const ir::DataId cd = table("counts", std::move(exact_count), {n});
      const ExprId p = at_groups(probability, g, exact_rows);
      t.body = m_.prim(Op::mul, {load(cd, {g}), m_.prim(Op::soft_event, {load(sd, {g}), p})});
      made.push_back(std::move(t));
    }
    return made;
  }

  ir::Module& m_;
  ir::Term term_;
  double& error_;
  ir::IndexId index_{};
  std::int64_t low_ = 1, rows_ = 0;
  std::vector<Column> columns_;
  std::optional<RowGroups> groups_;
};

/// A sum that reads no latent is one number.
void fold_data_term(ir::Module& m, ir::Term& t) {
  if (t.plate.empty() || ir::dependence(m, t.body).on_latents()) return;
  eval::ReferenceEvaluator evaluator(m);
  const auto id = static_cast<ir::TermId>(&t - m.terms.data());
  t.body = m.real(evaluator.term(id, {}));
  t.plate.clear();
}

}  // namespace

void hoist(ir::Module& module, double& error) {
  for (ir::Term& t : module.terms) fold_data_term(module, t);
  std::vector<ir::Term> terms;
  for (std::size_t i = 0; i < module.terms.size(); ++i) {
    auto replaced = RowSum(module, module.terms[i], error).run();
    if (replaced)
      terms.insert(terms.end(), replaced->begin(), replaced->end());
    else
      terms.push_back(module.terms[i]);
  }
  module.terms = std::move(terms);
}

}  // namespace hearsay::pass
