// Where the mass is: the local maxima of a density on one interval, and how wide each of them is.
#pragma once

#include <vector>

#include "runtime/infer/quadrature/density.h"

namespace hearsay::infer::quadrature {

/// An open interval on which the density is expected to be smooth.
struct Segment {
  double lo = 0;
  double hi = 1;
};

/// A maximum of the density *per natural coordinate* of its segment (logit, log or asinh of x), in which poles at the
/// ends are no maxima and heavy tails decay.
struct Mode {
  double x = 0;
  double height = 0;  ///< log density per natural coordinate, nats
  double left = 0;    ///< distances at which the height has dropped by half a nat, or to the end of the segment
  double right = 0;
  /// The height was still rising at the last point that can be told from this end of the segment: −1, +1, or 0 for
  /// none.
  int rising_towards = 0;
};

/// In ascending order of x, each within 60 nats of the highest; empty when no point of positive density was found.
/// Scans some hundreds of points: a grid that is even in x and in the logarithm of the distance to the ends, and the
/// landmarks; looks closer where the scanned log density is convex in the natural coordinate, as it is between two
/// modes; every local maximum is climbed by golden sections.
[[nodiscard]] std::vector<Mode> find_modes(Density& density, const Segment& segment);

/// The natural coordinate t.
[[nodiscard]] double natural_coordinate(const Segment& segment, double x);

/// ln |dx/dt| of the natural coordinate t.
[[nodiscard]] double log_natural_stretch(const Segment& segment, double x);

/// The grid of the scan, ascending, strictly inside the segment.
[[nodiscard]] std::vector<double> scan_points(const Segment& segment, const std::vector<double>& landmarks);

}  // namespace hearsay::infer::quadrature
