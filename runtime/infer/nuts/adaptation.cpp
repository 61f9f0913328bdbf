#include "runtime/infer/nuts/adaptation.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearsay::nuts {
namespace {

// Fractions of the warmup: windows are short in the first, while the chain is still on its way; in the last only the
// step size is adapted, to the metric that stays.
constexpr double early_fraction = 0.3;
constexpr double final_fraction = 0.15;
constexpr std::size_t early_window = 10;
constexpr std::size_t late_window = 80;  // the first; each further one half as long again

std::size_t share(std::size_t n, double fraction) {
  return static_cast<std::size_t>(std::llround(static_cast<double>(n) * fraction));
}

std::vector<double> read(ByteReader& in, std::size_t size) {
  std::vector<double> x = in.doubles();
  if (x.size() != size) {
    in.fail();
    x.assign(size, 0.0);
  }
  return x;
}

}  // namespace

void DualAveraging::restart(double step_size, double pull) {
  log_step_ = log_average_ = std::log(step_size);
  centre_ = std::log(pull * step_size);
  error_ = count_ = 0;
}

void DualAveraging::update(double accept_stat) {
  constexpr double gamma = 0.05, delay = 10, forgetting = 0.75;  // as in the paper
  ++count_;
  const double weight = 1 / (count_ + delay);
  error_ += weight * (target_ - accept_stat - error_);
  log_step_ = centre_ - error_ * std::sqrt(count_) / gamma;
  // A run of transitions that all fail, or all succeed, must not lead to 0 or infinity.
  log_step_ = std::clamp(log_step_, -200.0, 200.0);
  log_average_ += std::pow(count_, -forgetting) * (log_step_ - log_average_);
}

double DualAveraging::current() const { return std::exp(log_step_); }
double DualAveraging::averaged() const { return std::exp(log_average_); }

void DualAveraging::save(ByteWriter& out) const {
  for (const double v : {centre_, log_step_, log_average_, error_, count_}) out.put(v);
}
void DualAveraging::load(ByteReader& in) {
  for (double* v : {&centre_, &log_step_, &log_average_, &error_, &count_}) *v = in.get<double>();
}

Moments::Moments(std::size_t dim, bool dense)
    : dense_(dense),
      draw_mean_(dim),
      draw_square_(dim),
      gradient_mean_(dim),
      gradient_square_(dim),
      products_(dense ? dim * dim : 0),
      deviations_(dense ? dim : 0) {}

void Moments::add(const Position& at) {
  ++count_;
  const double weight = 1 / static_cast<double>(count_);
  const std::size_t dim = draw_mean_.size();
  for (std::size_t i = 0; i < dim; ++i) {
    const double d = at.q[i] - draw_mean_[i];
    draw_mean_[i] += weight * d;
    draw_square_[i] += d * (at.q[i] - draw_mean_[i]);
    if (dense_) deviations_[i] = d;
    const double g = at.gradient[i] - gradient_mean_[i];
    gradient_mean_[i] += weight * g;
    gradient_square_[i] += g * (at.gradient[i] - gradient_mean_[i]);
  }
  if (!dense_) return;
  const double scale = 1 - weight;
  for (std::size_t j = 0; j < dim; ++j)
    for (std::size_t i = j; i < dim; ++i) products_[j * dim + i] += scale * deviations_[j] * deviations_[i];
}

std::vector<double> Moments::diagonal() const {
  std::vector<double> out(draw_mean_.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double v = std::sqrt(draw_square_[i] / gradient_square_[i]);
    out[i] = std::isnan(v) ? 1 : std::clamp(v, 1e-20, 1e20);
  }
  return out;
}

std::vector<double> Moments::covariance() const {
  const std::size_t dim = draw_mean_.size();
  const auto n = static_cast<double>(count_);
  const double prior = static_cast<double>(dim) + 5;
  const double weight = n / (n + prior);
  std::vector<double> out = products_;
  for (double& v : out) v *= weight / (n - 1);
  const std::vector<double> target = diagonal();
  for (std::size_t i = 0; i < dim; ++i) out[i * dim + i] += (1 - weight) * target[i];
  return out;
}

void Moments::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(count_));
  for (const auto* v : {&draw_mean_, &draw_square_, &gradient_mean_, &gradient_square_, &products_})
    out.put(std::span(*v));
}
void Moments::load(ByteReader& in) {
  count_ = in.get<std::uint64_t>();
  for (auto* v : {&draw_mean_, &draw_square_, &gradient_mean_, &gradient_square_, &products_}) *v = read(in, v->size());
}

Adaptation::Adaptation(const AdaptationSettings& settings, std::size_t warmup, Tuning tuning)
    : settings_(settings),
      warmup_(warmup),
      early_end_(share(warmup, early_fraction)),
      metric_end_(warmup - share(warmup, final_fraction)),
      window_(early_window),
      foreground_(tuning.metric.dim(), settings.metric == MetricKind::dense),
      background_(foreground_),
      step_(settings.target_accept),
      tuning_(std::move(tuning)) {
  step_found(tuning_.step_size);
}

void Adaptation::step_found(double step_size) {
  step_.restart(step_size, 10);
  tuning_.step_size = step_size;
}

bool Adaptation::update(const Position& at, const TransitionOutcome& outcome) {
  if (finished()) return false;
  ++done_;
  step_.update(outcome.transition.accept_stat);
  tuning_.step_size = step_.current();
  if (!learns_metric()) return false;
  const bool first = learn_metric(at, outcome);
  if (done_ == metric_end_) {
    // The last metric: average the step size over what is run with it, from about where it is.
    tuning_.step_size = step_.averaged();
    step_.restart(tuning_.step_size, 1);
  }
  return first;
}

bool Adaptation::learn_metric(const Position& at, const TransitionOutcome& outcome) {
  // A draw that did not move says nothing new; one after a divergence may say something wrong.
  if (outcome.moved && !outcome.transition.divergent) {
    foreground_.add(at);
    background_.add(at);
  }
  if (done_ > early_end_ && window_ == early_window) window_ = late_window;
  if (background_.count() >= window_ && done_ + window_ <= metric_end_) {
    foreground_ = std::move(background_);
    background_ = Moments(tuning_.metric.dim(), settings_.metric == MetricKind::dense);
    next_estimate_ = foreground_.count();
    if (window_ != early_window) window_ += window_ / 2;
  }
  if (foreground_.count() < next_estimate_) return false;
  if (!estimate_metric()) return false;
  // Factoring a dense metric costs dim^3: not after every draw.
  next_estimate_ = foreground_.count() + (settings_.metric == MetricKind::dense ? 1 + foreground_.count() / 5 : 1);
  return !std::exchange(estimated_, true);
}

bool Adaptation::estimate_metric() {
  auto metric = settings_.metric == MetricKind::dense ? Metric::dense(foreground_.covariance())
                                                      : Metric::diagonal(foreground_.diagonal());
  if (!metric) return false;
  tuning_.metric = std::move(*metric);
  return true;
}

Tuning Adaptation::freeze() const {
  // Without a final stretch there is no average to speak of.
  return {tuning_.metric, done_ > metric_end_ ? step_.averaged() : tuning_.step_size};
}

void Adaptation::save(ByteWriter& out) const {
  for (const std::size_t v : {done_, window_, next_estimate_}) out.put(static_cast<std::uint64_t>(v));
  out.put(estimated_);
  foreground_.save(out);
  background_.save(out);
  step_.save(out);
  out.put(tuning_.metric.is_dense());
  out.put(tuning_.metric.stored());
  out.put(tuning_.step_size);
}

void Adaptation::load(ByteReader& in) {
  for (std::size_t* v : {&done_, &window_, &next_estimate_}) *v = in.get<std::uint64_t>();
  estimated_ = in.get<bool>();
  foreground_.load(in);
  background_.load(in);
  step_.load(in);
  const auto dense = in.get<bool>();
  auto metric = Metric::from_stored(tuning_.metric.dim(), in.doubles(), dense);
  if (!metric || done_ > warmup_) {
    in.fail();
    return;
  }
  tuning_.metric = std::move(*metric);
  tuning_.step_size = in.get<double>();
}

}  // namespace hearsay::nuts
