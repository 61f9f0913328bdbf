// Each constraint against what defines it: points inside, round trips, the log-Jacobian against the determinant of
// differences, the pull-back against differences of f(x(u)) + log |J|.
#include "lang/model/transform.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <stdexcept>

namespace hearsay::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
using Vector = std::vector<double>;

ParameterBlock block(Constraint c, std::size_t rows, std::size_t columns = 1, std::size_t copies = 1) {
  return {.name = "x", .constraint = c, .copies = copies, .rows = rows, .columns = columns};
}
ParameterBlock interval(double low, double high, std::size_t n = 1) {
  return {.name = "x", .constraint = Constraint::interval, .low = low, .high = high, .copies = n};
}

// Every constraint at several sizes, 0 and 1 among them.
std::vector<ParameterBlock> all_blocks() {
  std::vector<ParameterBlock> r;
  for (const auto& [low, high] : {std::pair{-kInf, kInf}, {0.0, kInf}, {-kInf, 2.0}, {-1.0, 3.0}, {5.0, kInf}})
    for (const std::size_t n : {0, 1, 3}) r.push_back(interval(low, high, n));
  for (const Constraint c :
       {Constraint::simplex, Constraint::ordered, Constraint::positive_ordered, Constraint::unit_vector,
        Constraint::sum_to_zero, Constraint::cholesky_corr, Constraint::corr, Constraint::cov})
    for (const std::size_t n : {0, 1, 2, 3, 5}) r.push_back(block(c, n));
  for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{0, 0}, {1, 1}, {2, 2}, {4, 4}, {4, 2}, {3, 0}})
    r.push_back(block(Constraint::cholesky_cov, m, n));
  return r;
}

std::string describe(const ParameterBlock& b) {
  return "constraint " + std::to_string(static_cast<int>(b.constraint)) + " [" + std::to_string(b.rows) + ", " +
         std::to_string(b.columns) + "] x " + std::to_string(b.copies) + " in (" + std::to_string(b.low) + ", " +
         std::to_string(b.high) + ")";
}

Vector random_point(std::mt19937_64& g, std::size_t n, double scale = 1) {
  std::normal_distribution<double> normal(0, scale);
  Vector u(n);
  for (double& v : u) v = normal(g);
  return u;
}

Vector constrained(const ParameterTransform& t, const Vector& u, double* log_jacobian = nullptr) {
  Vector x(t.constrained_size());
  const double j = t.constrain(u, x);
  if (log_jacobian != nullptr) *log_jacobian = j;
  return x;
}

// Derivatives of f at u, by the central rule of fourth order: error h^4 and epsilon/h, both about 1e-11 of f's scale.
std::vector<Vector> differences(const std::function<Vector(const Vector&)>& f, const Vector& u) {
  const double h = 1e-3;
  std::vector<Vector> columns;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const auto at = [&](double step) {
      Vector moved = u;
      moved[i] += step;
      return f(moved);
    };
    const Vector a = at(-2 * h), b = at(-h), c = at(h), d = at(2 * h);
    Vector column(a.size());
    for (std::size_t k = 0; k < a.size(); ++k) column[k] = (a[k] - 8 * b[k] + 8 * c[k] - d[k]) / (12 * h);
    columns.push_back(column);
  }
  return columns;
}

double log_abs_det(const std::vector<Vector>& columns) {
  const auto n = static_cast<Eigen::Index>(columns.size());
  if (n == 0) return 0;
  Eigen::MatrixXd m(n, n);
  for (Eigen::Index c = 0; c < n; ++c)
    for (Eigen::Index r = 0; r < n; ++r) m(r, c) = columns[static_cast<std::size_t>(c)][static_cast<std::size_t>(r)];
  return m.fullPivLu().matrixLU().diagonal().array().abs().log().sum();
}

// The free coordinates of one value: the chart against which |J| is taken.
Vector chart(const ParameterBlock& b, const Vector& x) {
  Vector r;
  switch (b.constraint) {
    case Constraint::interval:
    case Constraint::ordered:
    case Constraint::positive_ordered:
    case Constraint::unit_vector:
      return x;
    case Constraint::simplex:
    case Constraint::sum_to_zero:
      for (std::size_t k = 0; k + 1 < x.size(); ++k) r.push_back(x[k]);
      return r;
    case Constraint::cholesky_corr:
    case Constraint::corr:
    case Constraint::cov:
    case Constraint::cholesky_cov:
      break;
  }
  const std::size_t columns = b.constraint == Constraint::cholesky_cov ? b.columns : b.rows;
  const bool diagonal = b.constraint == Constraint::cov || b.constraint == Constraint::cholesky_cov;
  for (std::size_t i = 0; i < b.rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      if (j < i || (j == i && diagonal)) r.push_back(x[i * columns + j]);
  return r;
}

// Whether x satisfies what the constraint says, written down a second time.
bool inside(const ParameterBlock& b, const Vector& x) {
  const auto n = static_cast<Eigen::Index>(b.rows);
  const auto matrix = [&](std::size_t columns) {
    Eigen::MatrixXd m(n, static_cast<Eigen::Index>(columns));
    for (std::size_t i = 0; i < b.rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        m(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = x[i * columns + j];
    return m;
  };
  double sum = 0, squares = 0;
  bool increasing = true, positive = true;
  for (std::size_t k = 0; k < x.size(); ++k) {
    sum += x[k];
    squares += x[k] * x[k];
    increasing = increasing && (k == 0 || x[k] > x[k - 1]);
    positive = positive && x[k] > 0;
  }
  const auto triangular = [&](const Eigen::MatrixXd& m) {
    return m.isLowerTriangular() && (m.diagonal().array() > 0).all();
  };
  const auto positive_definite = [&](const Eigen::MatrixXd& m) {
    return n == 0 || (m.isApprox(m.transpose()) && Eigen::LLT<Eigen::MatrixXd>(m).info() == Eigen::Success);
  };
  switch (b.constraint) {
    case Constraint::interval:
      return std::all_of(x.begin(), x.end(), [&](double v) { return v > b.low && v < b.high; });
    case Constraint::simplex:
      return x.empty() || (positive && std::abs(sum - 1) < 1e-14);
    case Constraint::ordered:
      return increasing;
    case Constraint::positive_ordered:
      return increasing && positive;
    case Constraint::unit_vector:
      return x.empty() || std::abs(squares - 1) < 1e-14;
    case Constraint::sum_to_zero:
      return std::abs(sum) < 1e-13;
    case Constraint::cholesky_corr: {
      const Eigen::MatrixXd m = matrix(b.rows);
      return triangular(m) && ((m.rowwise().norm().array() - 1).abs() < 1e-14).all();
    }
    case Constraint::corr: {
      const Eigen::MatrixXd m = matrix(b.rows);
      return positive_definite(m) && (m.diagonal().array() == 1).all();
    }
    case Constraint::cholesky_cov:
      return triangular(matrix(b.columns));
    case Constraint::cov:
      return positive_definite(matrix(b.rows));
  }
  return false;
}

TEST_CASE("constrained points satisfy their constraint and come back") {
  std::mt19937_64 g(1);
  for (const ParameterBlock& b : all_blocks()) {
    CAPTURE(describe(b));
    const ParameterTransform t({b});
    for (int repeat = 0; repeat < 20; ++repeat) {
      const Vector u = random_point(g, t.unconstrained_size());
      const Vector x = constrained(t, u);
      REQUIRE(inside(b, x));
      Vector back(u.size());
      REQUIRE(t.unconstrain(x, back));
      const Vector again = constrained(t, back);
      for (std::size_t k = 0; k < x.size(); ++k) CHECK(again[k] == doctest::Approx(x[k]).epsilon(1e-12));
      if (b.constraint == Constraint::unit_vector) continue;  // the length is not in x
      for (std::size_t k = 0; k < u.size(); ++k) CHECK(back[k] == doctest::Approx(u[k]).epsilon(1e-9));
    }
  }
}

TEST_CASE("the log-Jacobian is the log-determinant of differences") {
  std::mt19937_64 g(2);
  for (const ParameterBlock& b : all_blocks()) {
    CAPTURE(describe(b));
    const ParameterTransform t({b});
    for (int repeat = 0; repeat < 5; ++repeat) {
      const Vector u = random_point(g, t.unconstrained_size());
      double log_jacobian = 0;
      const Vector x = constrained(t, u, &log_jacobian);
      double expected = 0;
      const bool vector = !x.empty();
      if (b.constraint == Constraint::unit_vector && vector) {
        // Coordinates (x_1, …, x_K-1, r) of R^K: surface element dx / |x_K|, and r has the chi density.
        const auto polar = [&](const Vector& v) {
          Vector c = constrained(t, v);
          double squares = 0;
          for (const double w : v) squares += w * w;
          c.back() = std::sqrt(squares);
          return c;
        };
        const double r = polar(u).back(), k = static_cast<double>(b.rows);
        expected = log_abs_det(differences(polar, u)) - std::log(std::abs(x.back())) + (k - 1) * std::log(r) -
                   r * r / 2 - (k / 2 - 1) * std::numbers::ln2 - std::lgamma(k / 2);
      } else if (b.constraint == Constraint::sum_to_zero && vector) {
        // Hyperplane measure is sqrt(K) times that of the first K - 1 coordinates.
        expected = log_abs_det(differences([&](const Vector& v) { return chart(b, constrained(t, v)); }, u)) +
                   0.5 * std::log(static_cast<double>(b.rows));
      } else {
        expected = log_abs_det(differences([&](const Vector& v) { return chart(b, constrained(t, v)); }, u));
      }
      CHECK(log_jacobian == doctest::Approx(expected).epsilon(1e-8));
    }
  }
}

TEST_CASE("where a number of the support would be beyond all numbers, there is no density") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  ParameterBlock b;
  b.rows = 1;
  for (const auto& [low, high] : {std::pair(3.0, inf), std::pair(-inf, 3.0)}) {
    b.low = low;
    b.high = high;
    const ParameterTransform t({b});
    double log_jacobian = 0;
    CHECK(std::isfinite(constrained(t, {709.5}, &log_jacobian)[0]));
    CHECK(log_jacobian == 709.5);
    CHECK(std::isfinite(constrained(t, {709.9}, &log_jacobian)[0]));
    CHECK(log_jacobian == -inf);
  }
}

TEST_CASE("the pull-back is the gradient of f(x(u)) + log |J|") {
  std::mt19937_64 g(3);
  for (const ParameterBlock& b : all_blocks()) {
    CAPTURE(describe(b));
    const ParameterTransform t({b});
    for (int repeat = 0; repeat < 5; ++repeat) {
      const Vector u = random_point(g, t.unconstrained_size());
      const Vector x = constrained(t, u);
      // f(x) = sum of a_k log(1 + (x_k - c_k)²): smooth on every scale, not symmetric in the entries of a matrix.
      const Vector a = random_point(g, x.size()), c = random_point(g, x.size());
      const auto value = [&](const Vector& v) {
        double log_jacobian = 0;
        const Vector y = constrained(t, v, &log_jacobian);
        double f = log_jacobian;
        for (std::size_t k = 0; k < y.size(); ++k) f += a[k] * std::log1p((y[k] - c[k]) * (y[k] - c[k]));
        return Vector{f};
      };
      Vector gradient_x(x.size()), gradient_u(u.size());
      for (std::size_t k = 0; k < x.size(); ++k)
        gradient_x[k] = a[k] * 2 * (x[k] - c[k]) / (1 + (x[k] - c[k]) * (x[k] - c[k]));
      t.pullback(u, x, gradient_x, gradient_u);
      const std::vector<Vector> expected = differences(value, u);
      for (std::size_t k = 0; k < u.size(); ++k) CHECK(gradient_u[k] == doctest::Approx(expected[k][0]).epsilon(1e-7));
    }
  }
}

TEST_CASE("far out there is no NaN, and open sets stay open") {
  std::mt19937_64 g(4);
  for (const double size : {40.0, 700.0, 1e6, 1e300}) {
    for (const ParameterBlock& b : all_blocks()) {
      CAPTURE(describe(b));
      CAPTURE(size);
      const ParameterTransform t({b});
      const std::size_t n = t.unconstrained_size();
      for (int repeat = 0; repeat < 16; ++repeat) {
        Vector u(n);
        for (std::size_t k = 0; k < n; ++k) u[k] = (g() & 1U) != 0 ? size : -size;
        if (repeat < 2) std::fill(u.begin(), u.end(), repeat == 0 ? size : -size);
        double log_jacobian = 0;
        const Vector x = constrained(t, u, &log_jacobian);
        CHECK_FALSE(std::isnan(log_jacobian));
        // Beyond exp(709) covariances and steps leave the numbers: infinity, and then infinity less infinity.
        const bool overflows =
            size > 700 && (b.constraint == Constraint::cov || b.constraint == Constraint::cholesky_cov ||
                           b.constraint == Constraint::ordered || b.constraint == Constraint::positive_ordered);
        if (overflows) continue;
        Vector gradient_x = random_point(g, x.size()), gradient_u(n);
        if (repeat % 2 == 0) std::fill(gradient_x.begin(), gradient_x.end(), 0.0);
        t.pullback(u, x, gradient_x, gradient_u);
        for (const double v : x) CHECK_FALSE(std::isnan(v));
        for (const double v : gradient_u) CHECK_FALSE(std::isnan(v));
        switch (b.constraint) {
          case Constraint::interval:
            CHECK(inside(b, x));
            break;
          case Constraint::simplex:
            for (const double v : x) CHECK(v > 0);
            break;
          case Constraint::ordered:
          case Constraint::positive_ordered:
            for (std::size_t k = 1; k < x.size(); ++k) CHECK(x[k] > x[k - 1]);
            break;
          case Constraint::cholesky_corr:
          case Constraint::cholesky_cov:
            for (std::size_t k = 0; k < std::min(b.rows, b.constraint == Constraint::cholesky_cov ? b.columns : b.rows);
                 ++k)
              CHECK(x[k * (b.constraint == Constraint::cholesky_cov ? b.columns : b.rows) + k] > 0);
            break;
          case Constraint::unit_vector:
          case Constraint::corr:
          case Constraint::cov:
          case Constraint::sum_to_zero:
            break;
        }
      }
    }
  }
}

TEST_CASE("blocks stand side by side, unbounded ones are copied") {
  std::mt19937_64 g(5);
  const std::vector<ParameterBlock> blocks{
      interval(-kInf, kInf, 3), interval(-kInf, kInf, 2),         block(Constraint::simplex, 3, 1, 2),
      interval(0, kInf, 2),     block(Constraint::corr, 3, 1, 2), interval(-kInf, kInf)};
  const ParameterTransform t(blocks);
  CHECK(t.unconstrained_size() == 3 + 2 + 4 + 2 + 6 + 1);
  CHECK(t.constrained_size() == 3 + 2 + 6 + 2 + 18 + 1);
  const Vector u = random_point(g, t.unconstrained_size());
  double log_jacobian = 0;
  const Vector x = constrained(t, u, &log_jacobian);
  const Vector gradient_x = random_point(g, x.size());
  Vector gradient_u(u.size());
  t.pullback(u, x, gradient_x, gradient_u);
  double sum = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t copies = blocks[i].copies;
    ParameterBlock single = blocks[i];
    single.copies = 1;
    const ParameterTransform alone({single});
    for (std::size_t c = 0; c < copies; ++c) {
      const auto u_from = static_cast<std::ptrdiff_t>(t.unconstrained_offset(i) + c * alone.unconstrained_size());
      const auto x_from = static_cast<std::ptrdiff_t>(t.constrained_offset(i) + c * alone.constrained_size());
      const Vector part(u.begin() + u_from,
                        u.begin() + u_from + static_cast<std::ptrdiff_t>(alone.unconstrained_size()));
      double j = 0;
      const Vector y = constrained(alone, part, &j);
      sum += j;
      CHECK(std::equal(y.begin(), y.end(), x.begin() + x_from));
      const Vector gradient_y(gradient_x.begin() + x_from,
                              gradient_x.begin() + x_from + static_cast<std::ptrdiff_t>(y.size()));
      Vector gradient_part(part.size());
      alone.pullback(part, y, gradient_y, gradient_part);
      CHECK(std::equal(gradient_part.begin(), gradient_part.end(), gradient_u.begin() + u_from));
    }
  }
  CHECK(log_jacobian == doctest::Approx(sum).epsilon(1e-14));
  CHECK(std::equal(x.begin(), x.begin() + 5, u.begin()));
}

TEST_CASE("points outside are refused, and the block is named") {
  const ParameterTransform t({interval(-kInf, kInf), interval(-kInf, kInf), interval(0, 1),
                              block(Constraint::simplex, 2), block(Constraint::cov, 2), block(Constraint::corr, 2),
                              block(Constraint::ordered, 2), block(Constraint::unit_vector, 2),
                              block(Constraint::cholesky_corr, 2), block(Constraint::cholesky_cov, 2, 1),
                              block(Constraint::sum_to_zero, 2)});
  const Vector good{0, 1, 0.5, 0.25, 0.75, 2, 1, 1, 3, 1, 0.5, 0.5, 1, -1, 2, 0.6, 0.8, 1, 0, 0.6, 0.8, 1, 5, -1, 1};
  REQUIRE(good.size() == t.constrained_size());
  Vector u(t.unconstrained_size());
  REQUIRE(t.unconstrain(good, u));
  const Vector again = constrained(t, u);
  for (std::size_t k = 0; k < good.size(); ++k) CHECK(again[k] == doctest::Approx(good[k]).epsilon(1e-12));
  struct Bad {
    std::size_t at;
    double value;
    std::size_t block;
  };
  for (const Bad& bad : std::vector<Bad>{{0, kInf, 0}, {1, std::nan(""), 1}, {2, 1, 2},     {2, 0, 2},   {2, -1, 2},
                                         {3, 0.3, 3},  {3, -0.25, 3},        {5, 0.3, 4},   {6, 2, 4},   {8, -3, 4},
                                         {9, 2, 5},    {10, 0.7, 5},         {13, 3, 6},    {14, -1, 6}, {15, 0.7, 7},
                                         {18, 0.1, 8}, {20, -0.8, 8},        {20, 0.9, 8},  {21, 0, 9},  {21, -1, 9},
                                         {23, -2, 10}, {24, kInf, 10},       {16, kInf, 7}, {7, kInf, 4}}) {
    CAPTURE(bad.at);
    CAPTURE(bad.value);
    Vector x = good;
    x[bad.at] = bad.value;
    std::size_t which = 99;
    CHECK_FALSE(t.unconstrain(x, u, &which));
    CHECK(which == bad.block);
  }
}

TEST_CASE("impossible blocks are refused") {
  CHECK_THROWS_AS(ParameterTransform({interval(1, 1)}), std::invalid_argument);
  CHECK_THROWS_AS(ParameterTransform({interval(2, 1)}), std::invalid_argument);
  CHECK_THROWS_AS(ParameterTransform({interval(std::nan(""), 1)}), std::invalid_argument);
  CHECK_THROWS_AS(ParameterTransform({block(Constraint::cholesky_cov, 2, 3)}), std::invalid_argument);
  CHECK_THROWS_AS(ParameterTransform({block(Constraint::cov, ParameterTransform::max_order + 1)}),
                  std::invalid_argument);
}

// The half sphere coordinates have no cancellation: correlations of 1 - 1e-12 keep their digits.
TEST_CASE("nearly perfect correlations") {
  const ParameterTransform t({block(Constraint::cholesky_corr, 2)});
  for (const double u : {10.0, 15.0, 18.0}) {
    const Vector x = constrained(t, {u});
    CHECK(x[3] == doctest::Approx(1 / std::cosh(u)).epsilon(1e-14));
    Vector back(1);
    REQUIRE(t.unconstrain(x, back));
    CHECK(back[0] == doctest::Approx(u).epsilon(1e-14));
  }
}

// Proper priors keep their mass: the integral over u of density times |J|, where it is known.
TEST_CASE("integrals over R^n are integrals over the set") {
  const auto integral = [](const ParameterTransform& t, const std::function<double(const Vector&)>& density) {
    double sum = 0;
    const double h = 0.02;
    for (double a = -16; a <= 16; a += h)
      for (double b = -16; b <= 16; b += h) {
        double log_jacobian = 0;
        const Vector x = constrained(t, {a, b}, &log_jacobian);
        sum += density(x) * std::exp(log_jacobian) * h * h;
      }
    return sum;
  };
  // Area of the triangle x, y > 0, x + y < 1.
  CHECK(integral(ParameterTransform({block(Constraint::simplex, 3)}), [](const Vector&) { return 1.0; }) ==
        doctest::Approx(0.5).epsilon(1e-6));
  // Circumference of the circle, and the integral of x² (at u = 0 it jumps, so the sum converges as h²).
  const ParameterTransform circle({block(Constraint::unit_vector, 2)});
  CHECK(integral(circle, [](const Vector&) { return 1.0; }) == doctest::Approx(2 * std::numbers::pi).epsilon(1e-9));
  CHECK(integral(circle, [](const Vector& x) { return x[0] * x[0]; }) ==
        doctest::Approx(std::numbers::pi).epsilon(1e-3));
  // Two ordered standard normals: half of all pairs.
  CHECK(integral(ParameterTransform({block(Constraint::ordered, 2)}), [](const Vector& x) {
          return std::exp(-0.5 * (x[0] * x[0] + x[1] * x[1])) / (2 * std::numbers::pi);
        }) == doctest::Approx(0.5).epsilon(1e-6));
}

}  // namespace
}  // namespace hearsay::model
