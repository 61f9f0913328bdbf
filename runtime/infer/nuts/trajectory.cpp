#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

template class Trajectory<Rules>;

}  // namespace hearsay::nuts
