// How the kernels call Boost.Math. Internal to lang/builtins.
#pragma once

#include <boost/math/policies/policy.hpp>

namespace hearsay {

namespace bmp = boost::math::policies;

/// Every error becomes its IEEE value (NaN or infinity): no exception, no errno. Without promotion to long double,
/// which costs a factor of ten and more.
using Quiet = bmp::policy<bmp::domain_error<bmp::ignore_error>, bmp::pole_error<bmp::ignore_error>,
                          bmp::overflow_error<bmp::ignore_error>, bmp::underflow_error<bmp::ignore_error>,
                          bmp::denorm_error<bmp::ignore_error>, bmp::rounding_error<bmp::ignore_error>,
                          bmp::evaluation_error<bmp::ignore_error>, bmp::indeterminate_result_error<bmp::ignore_error>,
                          bmp::promote_float<false>, bmp::promote_double<false>>;

}  // namespace hearsay
