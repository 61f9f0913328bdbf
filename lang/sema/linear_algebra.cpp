// Factorisations and solves, as recurrences of the IR: derivatives come with them.
#include "lang/sema/describe.h"
#include "lang/sema/lowerer.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

/// The sum of `term` over the indices before `end`.
ExprId Lowerer::sum_before(ExprId end, std::int64_t extent, const std::function<ExprId(ExprId)>& term) {
  const ir::IndexId k = module_->add_index("k", 1, extent);
  const ExprId kv = module_->index_value(k);
  const ExprId inside = module_->prim(Op::lt, {kv, end});
  return module_->reduce(ir::Reduction::sum, k, module_->select(inside, term(kv), module_->real(0)));
}

/// The lower triangular L with L L' = A. NaN where A is not positive definite. Only the lower triangle of A is read.
Sym Lowerer::cholesky(const Sym& a, SourceSpan span) {
  const std::int64_t n = a.shape[0];
  Sym l = real_recurrence("cholesky", a.shape, [&](std::span<const ExprId> at, const EarlierElement& earlier) {
    const ExprId i = at[0], j = at[1];
    const ExprId known_part = sum_before(j, n, [&](ExprId k) {
      return module_->prim(Op::mul, {earlier(std::vector{i, k}), earlier(std::vector{j, k})});
    });
    const ExprId rest = module_->prim(Op::sub, {module_->to_real(element(a, at)), known_part});
    const ExprId below = module_->prim(Op::div, {rest, earlier(std::vector{j, j})});
    const ExprId lower = module_->select(module_->prim(Op::eq, {i, j}), module_->prim(Op::sqrt, {rest}), below);
    return module_->select(module_->prim(Op::lt, {i, j}), module_->real(0), lower);
  });
  if (l.known)
    for (std::int64_t i = 0; i < n; ++i)
      if (!(l.known->at(static_cast<std::size_t>(i * n + i)).r > 0))
        raise<K::wrong_type>(span, "a positive definite matrix", "one that is not");
  return l;
}

/// x with L x = b, or, transposed, L' x = b; b may have many columns.
Sym Lowerer::triangular_solve(const Sym& l, const Sym& b, bool transposed) {
  const std::int64_t n = l.shape[0];
  // From the last equation up, when transposed.
  const auto place = [&](ExprId i) { return transposed ? module_->prim(Op::sub, {module_->integer(n + 1), i}) : i; };
  const auto factor = [&](ExprId i, ExprId k) {
    const std::vector<ExprId> at = transposed ? std::vector{place(k), place(i)} : std::vector{i, k};
    return module_->to_real(element(l, at));
  };
  Sym x = real_recurrence("solve", b.shape, [&](std::span<const ExprId> at, const EarlierElement& earlier) {
    const ExprId i = at[0];
    std::vector<ExprId> here(at.begin(), at.end());
    here[0] = place(i);
    const ExprId known_part = sum_before(i, n, [&](ExprId k) {
      std::vector<ExprId> from(at.begin(), at.end());
      from[0] = k;
      return module_->prim(Op::mul, {factor(i, k), earlier(from)});
    });
    const ExprId rest = module_->prim(Op::sub, {module_->to_real(element(b, here)), known_part});
    return module_->prim(Op::div, {rest, factor(i, i)});
  });
  if (!transposed) return x;
  Sym turned;
  turned.shape = x.shape;
  turned.element = [this, x, n](std::span<const ExprId> at) {
    std::vector<ExprId> from(at.begin(), at.end());
    from[0] = module_->prim(Op::sub, {module_->integer(n + 1), at[0]});
    return element(x, from);
  };
  if (auto v = materialise(turned)) return known(*std::move(v));
  return turned;
}

std::optional<Sym> Lowerer::matrix_function(const std::string& f, const std::vector<Sym>& a, SourceSpan span) {
  const bool solves = f == "tri_solve" || f == "tri_solve_transposed";
  if (f != "cholesky" && f != "cumulative_sum" && !solves) return std::nullopt;
  const std::size_t wanted = solves ? 2 : 1;
  if (a.size() != wanted)
    raise<K::wrong_argument_count>(span, f, wanted == 1 ? "one argument" : "two arguments", a.size());
  for (const Sym& s : a)
    if (s.other || s.labels || s.type == ScalarType::boolean) raise<K::wrong_type>(span, "numbers", describe(s));
  if (f == "cumulative_sum") {
    if (a[0].shape.size() != 1) raise<K::wrong_type>(span, "a vector", describe(a[0]));
    return real_recurrence(
        "cumulative_sum", a[0].shape, [&](std::span<const ExprId> at, const EarlierElement& earlier) {
          const ExprId here = module_->to_real(element(a[0], at));
          const ExprId before = module_->prim(Op::sub, {at[0], module_->integer(1)});
          const ExprId first = module_->prim(Op::eq, {at[0], module_->integer(1)});
          return module_->select(first, here, module_->prim(Op::add, {earlier(std::vector{before}), here}));
        });
  }
  if (a[0].shape.size() != 2 || a[0].shape[0] != a[0].shape[1])
    raise<K::wrong_type>(span, "a square matrix", describe(a[0]));
  if (f == "cholesky") return cholesky(a[0], span);
  if (a[1].shape.empty() || a[1].shape.size() > 2 || a[1].shape[0] != a[0].shape[0])
    raise<K::shape_mismatch>(span, shape_text(a[0].shape), shape_text(a[1].shape));
  return triangular_solve(a[0], a[1], f == "tri_solve_transposed");
}

}  // namespace hearsay
