// How a model is made ready: passes, the choice between the reference evaluator and native code, the plan of
// elimination.
#include <algorithm>
#include <unordered_set>

#include "lang/eval/evaluator.h"
#include "lang/pass/differentiate.h"
#include "runtime/session/prepared.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

/// Primitive operations that the reference evaluator may spend before native code pays: it does some 5·10⁷ a second,
/// and a cold start of LLVM with a small module costs about 60 ms.
constexpr double kEvaluatorBudget = 3e6;
/// Products of all eliminations, and of one shape in all of them, above which generated kernels pay. A kernel takes the
/// time to compile that it saves in 3e6 products (tables of 4 by 4, logarithms) to 4e7 (64 by 64, plain numbers), and
/// about 1e7 in between. (BM_contraction of tests/bench/exact.cpp, code not from the disk, AVX2: 14 to 110 ms to
/// compile on a machine so busy that all times are some 3 times too long; 1.9 to 6.4 ns a product against 0.4 to 0.6.)
constexpr double kContractionBudget = 1e7;
/// States of all enumerations above which a generated nest pays: it saves 1 ms (chain) to 3 ms (dense) in 2^24 states
/// beside the engine compiled ahead of time, and takes 56 to 161 ms to compile. (CPU time of BM_enumerate_*,
/// BM_native_* and BM_enumeration_compile, 24 variables.)
constexpr double kEnumerationBudget = 0x1p30;
/// Evaluations of the density that a quadrature is reckoned with.
constexpr double kQuadratureEvaluations = 2000;
/// Densities that an average transition of NUTS is worth: some seven gradients of three each.
constexpr double kDensitiesPerTransition = 20;

/// Operations of one evaluation of `root` apart from the lets it reads, which are added to `lets`.
double operations(const ir::Module& m, ir::ExprId root, std::unordered_set<std::uint32_t>& lets) {
  double n = 0;
  std::unordered_set<std::uint32_t> seen;
  std::vector<std::pair<ir::ExprId, double>> todo{{root, 1}};  // and how often its value is needed
  while (!todo.empty()) {
    const auto [e, times] = todo.back();
    todo.pop_back();
    if (!seen.insert(static_cast<std::uint32_t>(e)).second) continue;
    const ir::Inst& in = m.inst(e);
    const double inner = in.code == ir::Opcode::reduce
                             ? times * static_cast<double>(std::max<std::int64_t>(1, m.indices[in.payload].extent()))
                             : times;
    n += inner;
    for (const ir::ExprId o : in.operands) todo.emplace_back(o, inner);
    if (in.code == ir::Opcode::let) lets.insert(in.payload);
  }
  return n;
}

/// All elements of all lets that these read, each once.
double let_operations(const ir::Module& m, std::unordered_set<std::uint32_t> lets) {
  double n = 0;
  std::vector<std::uint32_t> todo(lets.begin(), lets.end());
  while (!todo.empty()) {
    const ir::Let& l = m.lets[todo.back()];
    todo.pop_back();
    double elements = 1;
    for (const ir::IndexId i : l.binders) elements *= static_cast<double>(m.index(i).extent());
    std::unordered_set<std::uint32_t> read;
    n += elements * operations(m, l.body, read);
    for (const std::uint32_t r : read)
      if (lets.insert(r).second) todo.push_back(r);
  }
  return n;
}

double evaluator_cost(const ir::Module& m, const ir::Grounding& g, double evaluations) {
  std::vector<double> per_term(m.terms.size(), 0);
  std::unordered_set<std::uint32_t> lets;
  for (std::size_t t = 0; t < m.terms.size(); ++t) per_term[t] = operations(m, m.terms[t].body, lets);
  double n = let_operations(m, std::move(lets));
  for (const ir::TermId t : g.closed_terms) {
    double instances = 1;
    for (const ir::IndexId i : m.terms[ir::raw(t)].plate) instances *= static_cast<double>(m.index(i).extent());
    n += instances * per_term[ir::raw(t)];
  }
  for (const ir::GroundFactor& f : g.factors) n += static_cast<double>(f.table_size) * per_term[ir::raw(f.term)];
  return n * evaluations;
}

}  // namespace

Prepared::Prepared(const ir::Module& module, const Settings& settings)
    : module_(std::make_shared<ir::Module>(module)), layout_(*module_), settings_(settings) {}

Result<std::shared_ptr<Prepared>> Prepared::make(ir::Module module, const pass::Kept& kept, const Settings& settings,
                                                 SourceSpan from) {
  const double series_error = pass::run(module, kept, settings.passes);
  auto p = std::shared_ptr<Prepared>(new Prepared(module, settings));
  p->series_error_ = series_error;
  p->from_ = from;
  if (settings.engine == Engine::nuts && p->layout_.continuous == 0) return fail(diagnose<K::nothing_to_sample>(from));
  p->sampled_ = p->layout_.continuous > 1 || (p->layout_.continuous == 1 && settings.engine == Engine::nuts);
  if (p->sampled_ && kept.empty()) {
    auto gradient = pass::differentiate(*p->module_);
    if (!gradient) return fail(std::move(gradient).error());
    p->gradient_ = std::make_shared<const ir::Gradient>(*std::move(gradient));
  }
  auto grounding = pass::ground(*p->module_);
  if (!grounding) return fail(std::move(grounding).error());
  p->grounding_ = std::make_shared<ir::Grounding>(*std::move(grounding));
  p->graph_variable_.assign(p->grounding_->variables.size(), -1);
  for (const ir::GroundFactor& f : p->grounding_->factors) {
    model::Factor factor;
    for (const std::uint32_t v : f.scope) {
      std::int64_t& id = p->graph_variable_[v];
      if (id < 0) {
        id = static_cast<std::int64_t>(p->graph_.variables.size());
        p->graph_.variables.push_back(p->grounding_->variables[v]);
      }
      factor.scope.push_back(static_cast<model::VariableId>(id));
    }
    p->graph_.factors.push_back(std::move(factor));
  }
  if (auto r = p->compile(); !r) return fail(std::move(r).error());
  if (auto r = p->plan(); !r) return fail(std::move(r).error());
  return p;
}

double Prepared::expected_evaluations() const {
  if (layout_.continuous == 0) return 1;
  if (!sampled_) return kQuadratureEvaluations;
  const nuts::Settings& n = settings_.nuts;
  return static_cast<double>(n.chains * (n.warmup + n.draws * n.thin)) * kDensitiesPerTransition;
}

Result<void> Prepared::compile() {
  tables_.assign(grounding_->table_entries, 0.0);
  const double evaluations = expected_evaluations();
  native_ =
      settings_.backend == Backend::native || (settings_.backend == Backend::automatic &&
                                               evaluator_cost(*module_, *grounding_, evaluations) > kEvaluatorBudget);
  if (native_) {
    auto c = jit::compile(module_, grounding_, settings_.jit, gradient_);
    if (!c) return fail(std::move(c).error());
    compiled_ = *std::move(c);
  } else {
    compiled_ = eval::compile_reference(module_, grounding_, gradient_);
  }
  evaluator_ = compiled_->evaluator();
  evaluator_->stop_on(settings_.interrupt);
  if (layout_.continuous == 0) evaluator_->fill_tables({}, tables_);
  if (evaluator_->interrupted()) return fail(diagnose<K::interrupted>(from_));
  return {};
}

Result<void> Prepared::plan() {
  if (graph_.factors.empty()) return {};
  exact::PlanOptions options;
  options.interrupt = settings_.interrupt;
  options.from = from_;
  // Enumeration is a check of elimination, and does without it.
  const auto make_tree = [&]() -> Result<void> {
    if (settings_.enumerate) return {};
    auto tree = exact::JunctionTree::make(graph_, options, kernels_.get());
    if (!tree) return fail(std::move(tree).error());
    tree_.emplace(*std::move(tree));
    return {};
  };
  if (auto r = make_tree(); !r) return r;
  const double evaluations = expected_evaluations();
  double states = 1;
  for (const model::Variable& v : graph_.variables) states *= v.cardinality;
  const bool wanted = settings_.backend == Backend::native;
  const bool pays = settings_.enumerate ? states * evaluations > kEnumerationBudget
                                        : tree_->plan().cost * evaluations > kContractionBudget;
  if (!wanted && !(settings_.backend == Backend::automatic && pays)) return {};
  jit::Options kernels = settings_.jit;
  kernels.enumeration_states = 0;
  if (!wanted) {
    const double enough = kContractionBudget / evaluations;
    kernels.kernel_iterations = std::max(kernels.kernel_iterations, static_cast<std::size_t>(enough));
  }
  auto k = jit::kernels(kernels);
  if (!k) return fail(std::move(k).error());
  kernels_ = *std::move(k);
  return make_tree();
}

double Prepared::elimination_cost() const { return tree_ ? tree_->plan().cost : 0; }

double Prepared::largest_table() const {
  if (!tree_) return 0;
  std::size_t most = 0;
  for (const model::ContractionShape& s : tree_->plan().shapes) most = std::max(most, s.iterations());
  for (const ir::GroundFactor& f : grounding_->factors) most = std::max(most, f.table_size);
  return static_cast<double>(most);
}

double Prepared::evaluator_operations() const { return evaluator_cost(*module_, *grounding_, expected_evaluations()); }

}  // namespace hearsay
