#include "lang/model/transform.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>

#include "lang/model/constraint.h"

namespace hearsay::model {
namespace {

const ConstraintMap& map_of(const ParameterBlock& b) {
  switch (b.constraint) {
    case Constraint::interval:
      break;
    case Constraint::simplex:
      return kSimplex;
    case Constraint::ordered:
      return kOrdered;
    case Constraint::positive_ordered:
      return kPositiveOrdered;
    case Constraint::unit_vector:
      return kUnitVector;
    case Constraint::cholesky_corr:
      return kCholeskyCorr;
    case Constraint::corr:
      return kCorr;
    case Constraint::cholesky_cov:
      return kCholeskyCov;
    case Constraint::cov:
      return kCov;
    case Constraint::sum_to_zero:
      return kSumToZero;
  }
  if (std::isinf(b.low)) return std::isinf(b.high) ? kUnbounded : kUpperBound;
  return std::isinf(b.high) ? kLowerBound : kBetween;
}

// The number next to `bound` on the side of `towards`, but no subnormal one: 1/x must stay finite.
double just_inside(double bound, double towards) {
  const double next = std::nextafter(bound, towards);
  return std::abs(next) < std::numeric_limits<double>::min()
             ? std::copysign(std::numeric_limits<double>::min(), towards - bound)
             : next;
}

ConstraintShape shape_of(const ParameterBlock& b) {
  const auto demand = [&](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument("parameter `" + b.name + "`: " + what);
  };
  ConstraintShape s;
  s.rows = b.rows;
  s.columns = b.columns;
  switch (b.constraint) {
    case Constraint::interval:
      demand(b.low < b.high, "the lower bound is not below the upper one");
      s.low = b.low;
      s.high = b.high;
      s.lowest = just_inside(b.low, b.high);
      s.highest = just_inside(b.high, b.low);
      demand(s.lowest <= s.highest, "there is no number between the bounds");
      s.half_width = 0.5 * b.high - 0.5 * b.low;
      s.log_width = std::log(s.half_width) + std::log(2.0);
      break;
    case Constraint::corr:
    case Constraint::cov:
    case Constraint::cholesky_corr:
      demand(b.rows <= ParameterTransform::max_order, "matrices of this order are not supported");
      break;
    case Constraint::cholesky_cov:
      demand(b.columns <= b.rows, "a Cholesky factor has more columns than rows");
      break;
    case Constraint::simplex:
    case Constraint::ordered:
    case Constraint::positive_ordered:
    case Constraint::unit_vector:
    case Constraint::sum_to_zero:
      break;
  }
  return s;
}

}  // namespace

struct ParameterTransform::Segment {
  const ConstraintMap* map = nullptr;
  ConstraintShape shape;
  std::size_t copies = 1;
  std::size_t x_size = 0, u_size = 0;  ///< of one copy
  std::size_t block = 0;               ///< the first that it holds
};

ParameterTransform::~ParameterTransform() = default;
ParameterTransform::ParameterTransform(const ParameterTransform&) = default;
ParameterTransform::ParameterTransform(ParameterTransform&&) noexcept = default;
ParameterTransform& ParameterTransform::operator=(const ParameterTransform&) = default;
ParameterTransform& ParameterTransform::operator=(ParameterTransform&&) noexcept = default;

ParameterTransform::ParameterTransform(std::vector<ParameterBlock> blocks) : blocks_(std::move(blocks)) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const ParameterBlock& b = blocks_[i];
    Segment s{.map = &map_of(b), .shape = shape_of(b), .copies = b.copies, .block = i};
    if (b.constraint == Constraint::interval) {  // elementwise: one loop over all copies
      s.shape.rows *= b.copies;
      s.copies = 1;
    }
    s.x_size = s.map->size(s.shape);
    s.u_size = s.map->free(s.shape);
    x_offset_.push_back(constrained_size_);
    u_offset_.push_back(unconstrained_size_);
    constrained_size_ += s.copies * s.x_size;
    unconstrained_size_ += s.copies * s.u_size;
    if (s.map == &kUnbounded && !segments_.empty() && segments_.back().map == &kUnbounded) {
      Segment& before = segments_.back();
      before.x_size += s.x_size;
      before.u_size += s.u_size;
      before.shape.rows = before.x_size;
      before.shape.columns = 1;
    } else {
      segments_.push_back(s);
    }
  }
}

double ParameterTransform::constrain(std::span<const double> u, std::span<double> x) const noexcept {
  assert(u.size() == unconstrained_size_ && x.size() == constrained_size_);
  const double* from = u.data();
  double* to = x.data();
  double log_jacobian = 0;
  for (const Segment& s : segments_) {
    for (std::size_t c = 0; c < s.copies; ++c, from += s.u_size, to += s.x_size)
      log_jacobian += s.map->constrain(s.shape, from, to);
  }
  return log_jacobian;
}

void ParameterTransform::pullback(std::span<const double> u, std::span<const double> x,
                                  std::span<const double> gradient_x, std::span<double> gradient_u) const noexcept {
  assert(u.size() == unconstrained_size_ && x.size() == constrained_size_);
  assert(gradient_x.size() == constrained_size_ && gradient_u.size() == unconstrained_size_);
  const double* at_u = u.data();
  const double* at_x = x.data();
  const double* from = gradient_x.data();
  double* to = gradient_u.data();
  for (const Segment& s : segments_) {
    for (std::size_t c = 0; c < s.copies; ++c) {
      s.map->pullback(s.shape, at_u, at_x, from, to);
      at_u += s.u_size;
      to += s.u_size;
      at_x += s.x_size;
      from += s.x_size;
    }
  }
}

bool ParameterTransform::unconstrain(std::span<const double> x, std::span<double> u, std::size_t* block) const {
  assert(u.size() == unconstrained_size_ && x.size() == constrained_size_);
  const double* from = x.data();
  double* to = u.data();
  for (const Segment& s : segments_) {
    for (std::size_t c = 0; c < s.copies; ++c, from += s.x_size, to += s.u_size) {
      if (s.map->unconstrain(s.shape, from, to)) continue;
      if (block != nullptr) {
        *block = s.block;
        // Several unbounded blocks are one segment: the one that holds the first number that is not finite.
        if (s.map == &kUnbounded) {
          const auto bad = static_cast<std::size_t>(
              std::find_if(from, from + s.x_size, [](double v) { return !std::isfinite(v); }) - x.data());
          while (*block + 1 < blocks_.size() && x_offset_[*block + 1] <= bad) ++*block;
        }
      }
      return false;
    }
  }
  return true;
}

}  // namespace hearsay::model
