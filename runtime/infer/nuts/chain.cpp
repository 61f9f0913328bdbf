#include "runtime/infer/nuts/chain.h"

#include <cmath>
#include <utility>

namespace hearsay::nuts {
namespace {

// Names of the random streams of an iteration. Statements of a model, which may draw in the same iteration, have small
// numbers.
constexpr std::uint64_t transition_stream = (std::uint64_t{1} << 63U) + 1;
constexpr std::uint64_t step_stream = transition_stream + 1;
constexpr std::uint64_t start_stream = transition_stream + 2;

}  // namespace

Chain::Chain(const model::DensityModel& model, const Settings& settings, std::size_t index)
    : settings_(settings),
      index_(index),
      density_(model.evaluator()),
      trajectory_(density_->dim(), settings.max_depth),
      tuning_{Metric::identity(density_->dim()), 1} {}

Advance Chain::fail(Error error) {
  error.chain = index_;
  error_ = std::move(error);
  return Advance::failed;
}

Advance Chain::density_failed(std::uint32_t site, const std::atomic<bool>* interrupt) {
  if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) return Advance::interrupted;
  return fail({ErrorKind::density_failed, "the log density could not be evaluated any more", "", 0, site});
}

/// Doubles or halves the step size until one step's acceptance crosses the target (Hoffman and Gelman 2014, algorithm
/// 4, with the target of the adaptation in place of one half).
Advance Chain::search_step(const std::atomic<bool>* interrupt) {
  rng::Stream random(settings_.seed, index_, iteration_, step_stream);
  const double most = -std::log(settings_.adaptation.target_accept);
  double step = tuning().step_size;
  int direction = 0;
  for (int i = 0; i < 100; ++i) {
    const auto error = trajectory_.error_of_one_step(*density_, tuning().metric, step, random, at_);
    if (!error) return density_failed(0, interrupt);
    const int wanted = *error < most ? 1 : -1;
    if (direction == 0) direction = wanted;
    if (wanted != direction) break;
    step *= direction > 0 ? 2 : 0.5;
  }
  if (adaptation_)
    adaptation_->step_found(step);
  else
    tuning_.step_size = step;
  searches_ = false;
  return Advance::advanced;
}

Advance Chain::find_start(const std::atomic<bool>* interrupt) {
  if (!settings_.starts.empty()) {
    auto given = check_start(*density_, settings_.starts[index_]);
    if (!given && given.error().kind == ErrorKind::density_failed) return density_failed(given.error().site, interrupt);
    if (!given) return fail(std::move(given.error()));
    begin(std::move(*given));
    return Advance::advanced;
  }
  rng::Stream random(settings_.seed, index_, choice_.considered(), start_stream);
  auto found = nuts::find_start(*density_, settings_.start, random, choice_.highest_bound(), interrupt);
  if (!found && found.error().kind == ErrorKind::no_start && choice_.considered() > 0) {
    begin(choice_.take());
    return Advance::advanced;
  }
  if (!found) return fail(std::move(found.error()));
  if (!*found) return Advance::interrupted;
  choice_.consider(std::move(**found), random);
  if (settings_.start == StartKind::uniform || choice_.considered() == start_paths) begin(choice_.take());
  return Advance::advanced;
}

void Chain::begin(Start start) {
  at_ = std::move(start.at);
  auto metric = start.variances.empty() ? std::nullopt : Metric::diagonal(start.variances);
  Tuning tuning{metric ? std::move(*metric) : Metric::identity(density_->dim()), 1};
  if (settings_.warmup > 0)
    adaptation_.emplace(settings_.adaptation, settings_.warmup, std::move(tuning));
  else
    tuning_ = std::move(tuning);
  started_ = searches_ = true;
}

void Chain::record(const TransitionOutcome& outcome) {
  if (iteration_ <= settings_.warmup) {
    warmup_.push_back(outcome.transition);
    return;
  }
  divergences_ += outcome.transition.divergent ? 1 : 0;
  if ((iteration_ - settings_.warmup) % settings_.thin != 0) return;
  draws_.insert(draws_.end(), at_.q.begin(), at_.q.end());
  transitions_.push_back(outcome.transition);
}

Advance Chain::advance(const std::atomic<bool>* interrupt) {
  if (error_) return Advance::failed;
  if (!started_) return find_start(interrupt);
  if (iteration_ >= total()) return Advance::finished;
  return searches_ ? search_step(interrupt) : make_transition(interrupt);
}

Advance Chain::make_transition(const std::atomic<bool>* interrupt) {
  rng::Stream random(settings_.seed, index_, iteration_ + 1, transition_stream);
  const Tuning& now = tuning();
  const TransitionOutcome outcome =
      trajectory_.transition(*density_, now.metric, now.step_size, random, at_, interrupt);
  if (outcome.status == TransitionStatus::interrupted) return Advance::interrupted;
  if (outcome.status == TransitionStatus::fatal) return density_failed(outcome.site, interrupt);
  ++iteration_;
  record(outcome);
  if (adaptation_) {
    searches_ = adaptation_->update(at_, outcome);
    if (adaptation_->finished()) {
      tuning_ = adaptation_->freeze();
      adaptation_.reset();
      searches_ = false;
    }
  }
  return Advance::advanced;
}

}  // namespace hearsay::nuts
