// Distributions over vectors and matrices: mass 1, values against textbook formulas in dense linear algebra,
// derivatives.
#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>
#include <set>

#include "lang/eval/gradient.h"
#include "lang/model/transform.h"
#include "lang/pass/differentiate.h"
#include "tests/dist/library.h"

using namespace hearsay;
using dist_test::Library;

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

const Library& library() {
  static const Library all;
  return all;
}

/// Comprehensions become expressions, as in a model.
class SymbolicLowerer final : public Lowerer {
public:
  using Lowerer::Lowerer;

protected:
  [[nodiscard]] bool symbolic_context() const override { return true; }
};

/// The log density of one outcome that is known when lowering, as an observation is.
double logp_of(const std::string& application, const Sym& outcome) {
  SymbolicLowerer lowerer(library().environment(), std::make_shared<ir::Module>());
  const DistInstance d = lowerer.distribution(*library().parse(application));
  REQUIRE(!lowerer.validity(d));
  return lowerer.materialise(lowerer.scalar(lowerer.logp(d, outcome))).value().at(0).as_real();
}

/// `x ~ application` for one latent x, as a model states it.
class VectorDistribution {
public:
  explicit VectorDistribution(const std::string& application)
      : module_(std::make_shared<ir::Module>()), lowerer_(library().environment(), module_) {
    const DistInstance d = lowerer_.distribution(*library().parse(application));
    REQUIRE(!lowerer_.validity(d));
    const Support s = lowerer_.any_support(d);
    ir::Latent l;
    l.name = "x";
    l.finite = false;
    l.shape = s.value_shape;
    l.constraint = s.constraint;
    l.low = s.real_low;
    l.high = s.real_high;
    const ir::LatentId id = module_->add_latent(l);
    Sym x;
    x.shape = l.shape;
    x.element = [this, id](std::span<const ir::ExprId> at) { return module_->load_latent(id, at); };
    ir::Term term;
    term.body = lowerer_.logp(d, x);
    module_->add_term(term);
    model::ParameterBlock block;
    block.name = "x";
    block.constraint = l.constraint;
    block.low = l.low;
    block.high = l.high;
    block.rows = static_cast<std::size_t>(l.shape[0]);
    block.columns = l.shape.size() == 2 ? block.rows : 1;
    if (model::rank(l.constraint) == 0) block.copies = block.rows, block.rows = block.columns = 1;
    transform_.emplace(std::vector{block});
  }

  [[nodiscard]] const model::ParameterTransform& transform() const { return *transform_; }
  [[nodiscard]] double logp(const std::vector<double>& x) {
    eval::ReferenceEvaluator evaluator(*module_);
    return evaluator.log_density({x, {}});
  }
  [[nodiscard]] std::vector<double> gradient(const std::vector<double>& x) {
    const auto derivative = pass::differentiate(*module_);
    REQUIRE(derivative);
    eval::ReferenceEvaluator evaluator(*module_);
    std::vector<double> g(x.size());
    const std::vector<ir::TermId> terms{ir::TermId{0}};
    eval::add_gradient(evaluator, *module_, *derivative, terms, {x, {}}, g);
    return g;
  }
  /// The integral of the density, by the trapezoidal rule on the unconstrained scale, where it and its derivatives die
  /// away fast at the ends: `points` in each direction between -reach and reach.
  [[nodiscard]] double mass(double reach, int points) {
    eval::ReferenceEvaluator evaluator(*module_);
    const std::size_t n = transform_->unconstrained_size();
    std::vector<double> u(n), x(transform_->constrained_size());
    std::vector<int> at(n, 0);
    const double h = 2 * reach / points;
    double sum = 0;
    while (true) {
      for (std::size_t k = 0; k < n; ++k) u[k] = -reach + h * at[k];
      const double log_jacobian = transform_->constrain(u, x);
      sum += std::exp(evaluator.log_density({x, {}}) + log_jacobian);
      std::size_t k = 0;
      while (k < n && ++at[k] > points) at[k++] = 0;
      if (k == n) break;
    }
    return sum * std::pow(h, static_cast<double>(n));
  }

private:
  std::shared_ptr<ir::Module> module_;
  SymbolicLowerer lowerer_;
  std::optional<model::ParameterTransform> transform_;
};

bool near(double a, double b, double relative) { return std::abs(a - b) <= relative * (1 + std::abs(b)); }

Matrix matrix(std::initializer_list<double> rows) {
  const auto n = static_cast<Eigen::Index>(std::lround(std::sqrt(static_cast<double>(rows.size()))));
  Matrix m(n, n);
  Eigen::Index k = 0;
  for (const double v : rows) m(k / n, k % n) = v, ++k;
  return m;
}

std::vector<double> flat(const Matrix& m) {
  std::vector<double> v;
  for (Eigen::Index i = 0; i < m.rows(); ++i)
    for (Eigen::Index j = 0; j < m.cols(); ++j) v.push_back(m(i, j));
  return v;
}

const std::string sigma_text = "[[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.7]]";
const Matrix sigma = matrix({2.0, 0.6, -0.3, 0.6, 1.0, 0.2, -0.3, 0.2, 0.7});
const double log_2pi = std::log(2 * std::numbers::pi);

}  // namespace

TEST_CASE("vectors: densities have mass 1") {
  std::set<std::string> seen;
  const auto has_mass_one = [&](const std::string& text, double reach, int points, double tolerance) {
    CAPTURE(text);
    seen.insert(text.substr(0, text.find('(')));
    const double mass = VectorDistribution(text).mass(reach, points);
    INFO("off by " << mass - 1);
    CHECK(std::abs(mass - 1) <= tolerance);
  };
  has_mass_one("dirichlet([0.7, 2.5])", 60, 800, 1e-10);
  has_mass_one("dirichlet([1.5, 2.0, 3.0])", 24, 160, 1e-8);
  has_mass_one("multi_normal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]])", 16, 120, 1e-10);
  has_mass_one("multi_normal_cholesky([0.0, 0.5], [[1.2, 0.0], [-0.4, 0.8]])", 14, 120, 1e-10);
  has_mass_one("multi_normal_prec([0.0, 0.5], [[2.0, 0.6], [0.6, 1.0]])", 14, 120, 1e-10);
  has_mass_one("lkj_corr_cholesky(2, 1.5)", 40, 400, 1e-10);
  has_mass_one("lkj_corr_cholesky(3, 4.0)", 6.5, 52, 1e-8);
  has_mass_one("lkj_corr(2, 1.5)", 15, 300, 1e-10);
  has_mass_one("lkj_corr(3, 4.0)", 6.5, 52, 1e-8);
  has_mass_one("wishart(5.0, [[1.0, 0.3], [0.3, 0.5]])", 5.6, 56, 1e-6);
  has_mass_one("inv_wishart(12.0, [[6.0, 1.0], [1.0, 4.0]])", 3.6, 60, 1e-6);
  has_mass_one("multi_student_t(9.0, [0.0, 0.5], [[1.0, 0.3], [0.3, 0.5]])", 120, 1200, 1e-6);
  has_mass_one("multi_student_t_cholesky(9.0, [0.0, 0.5], [[1.0, 0.0], [0.3, 0.6]])", 120, 1200, 1e-6);
  for (const auto& [name, decl] : library().environment().distributions) {
    CAPTURE(name);
    CHECK((decl->over.dims.empty() || decl->over.base.text == "int" || seen.contains(name)));
  }
}

TEST_CASE("vectors: counts have mass 1") {
  // All ways to write 5 as an ordered sum of three.
  for (const std::string text : {"multinomial([0.2, 0.5, 0.3])", "dirichlet_multinomial([0.4, 2.0, 1.0])"}) {
    CAPTURE(text);
    double sum = 0;
    for (std::int64_t a = 0; a <= 5; ++a)
      for (std::int64_t b = 0; a + b <= 5; ++b)
        sum += std::exp(logp_of(text, Lowerer::known(ArrayValue::of(ScalarType::integer,
                                                                    std::vector<std::int64_t>{a, b, 5 - a - b}, {3}))));
    CHECK(near(sum, 1, 1e-13));
  }
}

TEST_CASE("vectors: values against textbook formulas") {
  const Vector x{{0.3, -1.2, 2.0}}, mu{{1.0, 0.0, 0.5}};
  const Vector r = x - mu;
  const double q = r.dot(sigma.inverse() * r), log_det = std::log(sigma.determinant());
  const std::vector<double> at(x.begin(), x.end());
  const std::string means = "([1.0, 0.0, 0.5], ";
  CHECK(near(VectorDistribution("multi_normal" + means + sigma_text + ")").logp(at),
             -0.5 * q - 0.5 * log_det - 1.5 * log_2pi, 1e-13));
  CHECK(near(VectorDistribution("multi_normal_prec" + means + sigma_text + ")").logp(at),
             -0.5 * r.dot(sigma * r) + 0.5 * log_det - 1.5 * log_2pi, 1e-13));
  const double nu = 4.5;
  CHECK(near(VectorDistribution("multi_student_t(4.5, [1.0, 0.0, 0.5], " + sigma_text + ")").logp(at),
             std::lgamma((nu + 3) / 2) - std::lgamma(nu / 2) - 1.5 * std::log(nu * std::numbers::pi) - 0.5 * log_det -
                 (nu + 3) / 2 * std::log1p(q / nu),
             1e-13));
  // A factor says the same as the matrix.
  CHECK(
      near(VectorDistribution("multi_student_t_cholesky(4.5, [1.0, 0.0, 0.5], cholesky(" + sigma_text + "))").logp(at),
           VectorDistribution("multi_student_t(4.5, [1.0, 0.0, 0.5], " + sigma_text + ")").logp(at), 1e-13));

  const Matrix w = matrix({1.5, -0.2, 0.1, -0.2, 2.5, 0.4, 0.1, 0.4, 0.9});
  const auto log_multi_gamma = [](double a) {
    return 1.5 * std::log(std::numbers::pi) + std::lgamma(a) + std::lgamma(a - 0.5) + std::lgamma(a - 1);
  };
  CHECK(near(VectorDistribution("wishart(5.5, " + sigma_text + ")").logp(flat(w)),
             0.5 * (5.5 - 4) * std::log(w.determinant()) - 0.5 * (sigma.inverse() * w).trace() - 0.5 * 5.5 * log_det -
                 0.5 * 5.5 * 3 * std::log(2) - log_multi_gamma(5.5 / 2),
             1e-13));
  CHECK(near(VectorDistribution("inv_wishart(5.5, " + sigma_text + ")").logp(flat(w)),
             0.5 * 5.5 * log_det - 0.5 * (5.5 + 4) * std::log(w.determinant()) - 0.5 * (sigma * w.inverse()).trace() -
                 0.5 * 5.5 * 3 * std::log(2) - log_multi_gamma(5.5 / 2),
             1e-13));
  // Two kinds: a beta.
  CHECK(near(VectorDistribution("dirichlet([2.0, 3.5])").logp({0.3, 0.7}),
             std::lgamma(5.5) - std::lgamma(2.0) - std::lgamma(3.5) + std::log(0.3) + 2.5 * std::log(0.7), 1e-13));
  // Order 2 and eta 1: the correlation is uniform on (-1, 1).
  CHECK(near(VectorDistribution("lkj_corr(2, 1.0)").logp({1, 0.4, 0.4, 1}), -std::log(2), 1e-13));
}

TEST_CASE("vectors: derivatives against differences") {
  const auto agrees = [](const std::string& text, const std::vector<double>& u) {
    CAPTURE(text);
    VectorDistribution d(text);
    std::vector<double> x(d.transform().constrained_size()), g(u.size());
    d.transform().constrain(u, x);
    d.transform().pullback(u, x, d.gradient(x), g);
    const auto value = [&](std::size_t k, double step) {
      std::vector<double> moved = u, there(x.size());
      moved[k] += step;
      const double log_jacobian = d.transform().constrain(moved, there);
      return d.logp(there) + log_jacobian;
    };
    for (std::size_t k = 0; k < u.size(); ++k) {
      // Richardson: the error of central differences is even in the step.
      const double h = 1e-3;
      const double coarse = (value(k, h) - value(k, -h)) / (2 * h);
      const double fine = (value(k, h / 2) - value(k, -h / 2)) / h;
      CHECK(near(g[k], fine + (fine - coarse) / 3, 1e-7));
    }
  };
  agrees("dirichlet([1.5, 2.0, 3.0])", {0.3, -0.8});
  agrees("multi_normal([1.0, 0.0, 0.5], " + sigma_text + ")", {0.3, -1.2, 2.0});
  agrees("multi_normal_prec([1.0, 0.0, 0.5], " + sigma_text + ")", {0.3, -1.2, 2.0});
  agrees("multi_student_t(4.5, [1.0, 0.0, 0.5], " + sigma_text + ")", {0.3, -1.2, 2.0});
  agrees("lkj_corr_cholesky(3, 2.0)", {0.4, -0.7, 0.2});
  agrees("lkj_corr(3, 2.5)", {0.4, -0.7, 0.2});
  agrees("wishart(5.5, " + sigma_text + ")", {0.1, -0.3, 0.5, 0.2, 0.7, -0.4});
  agrees("inv_wishart(5.5, " + sigma_text + ")", {0.1, -0.3, 0.5, 0.2, 0.7, -0.4});
}

TEST_CASE("vectors: outcomes that are data must be what the support says") {
  const std::string simplex = "dirichlet([1.0, 1.0])";
  const auto vector = [](std::vector<double> v) {
    const auto n = static_cast<std::int64_t>(v.size());
    return Lowerer::known(ArrayValue::of(std::move(v), {n}));
  };
  CHECK(near(logp_of(simplex, vector({0.25, 0.75})), 0, 1e-14));
  CHECK(logp_of(simplex, vector({0.25, 0.8})) == -HUGE_VAL);
  CHECK(logp_of(simplex, vector({-0.25, 1.25})) == -HUGE_VAL);
}
