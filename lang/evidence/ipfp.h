// `jointly { … }`: all targets at once. The nearest distribution to the current one (in KL) that meets them is found by
// iterative proportional fitting (Deming and Stephan 1940; the I-projection of Csiszár 1975), by Newton's method where
// that is slow.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lang/evidence/nats.h"

namespace hearsay::evidence {

struct JointFit {
  std::vector<std::vector<double>> log_weights;  ///< [target][cell], nats; the change is their sum
  std::vector<double> fitted;                    ///< the joint table afterwards, same shape as the input, sums to 1
  std::size_t iterations = 0;                    ///< sweeps over all targets
  double residual = 0;                           ///< the largest difference of a marginal from its target
  Nats size;        ///< osc of ln(fitted/joint) over the cells of positive probability: the charge
  Nats divergence;  ///< KL(fitted ‖ joint)
};

/// `joint` is a table over the partitions named by the targets: axis t has as many cells as targets[t], row-major (last
/// axis fastest), sums to 1 within 1e−9. Finds weights such that the marginal on axis t is targets[t], to 1e−12.
/// Targets that contradict each other, or that only infinite weights would meet, are refused with the (1-based) numbers
/// of a smallest set of them that does not go together; so are cells of probability 0 whose target is not, and targets
/// of 0 for other cells.
[[nodiscard]] Result<JointFit> fit_jointly(std::span<const double> joint, std::span<const std::vector<double>> targets,
                                           SourceSpan where = {});

}  // namespace hearsay::evidence
