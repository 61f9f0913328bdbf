#include "runtime/draws/autocovariance.h"

#include <complex>
#include <cstddef>
#include <unsupported/Eigen/FFT>

namespace hearsay {
namespace {

/// The least number from n up without a prime factor above 5: the transform is quick for these.
std::size_t next_quick_length(std::size_t n) {
  for (;; ++n) {
    std::size_t rest = n;
    for (const std::size_t factor : {2U, 3U, 5U})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

}  // namespace

std::vector<double> autocovariance(std::span<const double> x) {
  const std::size_t n = x.size();
  // Twice as long as the series, with zeros: so the circular correlation does not wrap round. Even, for a real
  // transform.
  const std::size_t padded = 2 * next_quick_length(n);
  double mean = 0;
  for (const double v : x) mean += v / static_cast<double>(n);
  std::vector<double> series(padded, 0.0);
  for (std::size_t t = 0; t < n; ++t) series[t] = x[t] - mean;

  Eigen::FFT<double> transform;
  std::vector<std::complex<double>> spectrum;
  transform.fwd(spectrum, series);
  for (std::complex<double>& s : spectrum) s = std::norm(s);
  transform.inv(series, spectrum);

  std::vector<double> out(series.begin(), series.begin() + static_cast<std::ptrdiff_t>(n));
  for (double& v : out) v /= static_cast<double>(n);
  return out;
}

}  // namespace hearsay
