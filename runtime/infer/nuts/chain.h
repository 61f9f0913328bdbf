// One chain: start, warmup, draws. Everything random in it is a function of (seed, chain, iteration), so it can be
// stopped after any iteration, saved, and resumed elsewhere to the same bits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lang/model/log_density.h"
#include "runtime/draws/transitions.h"
#include "runtime/infer/nuts/adaptation.h"
#include "runtime/infer/nuts/settings.h"
#include "runtime/infer/nuts/start.h"
#include "runtime/infer/nuts/trajectory.h"

namespace hearsay::nuts {

enum class Advance : std::uint8_t {
  advanced,
  finished,     ///< nothing was left to do
  interrupted,  ///< nothing has changed
  failed,       ///< see error()
};

class Chain {
public:
  /// `index` from 0. The model and the settings must outlive the chain; the settings have been checked.
  Chain(const model::DensityModel& model, const Settings& settings, std::size_t index);

  /// One more step: finds one of the starts to choose from, searches for a step size, or makes one transition. A
  /// density that fails after the interrupt was set has been interrupted.
  Advance advance(const std::atomic<bool>* interrupt = nullptr);

  [[nodiscard]] bool finished() const { return started_ && iteration_ >= total(); }
  /// Transitions made, and to be made.
  [[nodiscard]] std::size_t iteration() const { return iteration_; }
  [[nodiscard]] std::size_t total() const { return settings_.warmup + settings_.draws * settings_.thin; }
  [[nodiscard]] std::size_t divergences() const { return divergences_; }  ///< after the warmup, thinned ones included
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  /// Draws on the unconstrained scale, one after the other (dim() numbers each), and how each was reached.
  [[nodiscard]] std::span<const double> draws() const { return draws_; }
  [[nodiscard]] const std::vector<Transition>& transitions() const { return transitions_; }
  [[nodiscard]] const std::vector<Transition>& warmup() const { return warmup_; }
  /// What transitions are made with now; after the warmup it does not change.
  [[nodiscard]] const Tuning& tuning() const { return adaptation_ ? adaptation_->tuning() : tuning_; }

  /// The whole state and the draws, as bytes for this build on this machine.
  [[nodiscard]] std::vector<std::byte> save() const;
  /// Goes on from such bytes. They must be whole and of the same model, data and settings, of which only the number of
  /// draws may be another: otherwise the error says what differs, and the chain is as it was.
  [[nodiscard]] std::optional<Error> load(std::span<const std::byte> bytes);

private:
  Advance find_start(const std::atomic<bool>* interrupt);
  void begin(Start start);
  Advance search_step(const std::atomic<bool>* interrupt);
  Advance make_transition(const std::atomic<bool>* interrupt);
  Advance fail(Error error);
  Advance density_failed(std::uint32_t site, const std::atomic<bool>* interrupt);
  void record(const TransitionOutcome& outcome);
  [[nodiscard]] std::vector<std::uint64_t> fingerprint() const;

  const Settings& settings_;
  std::size_t index_;
  std::unique_ptr<model::DensityEvaluator> density_;
  Trajectory<Rules> trajectory_;

  StartChoice choice_;  // until it has started
  bool started_ = false;
  bool searches_ = false;  // for a step size, before the next transition
  std::size_t iteration_ = 0;
  std::size_t divergences_ = 0;
  Position at_;
  std::optional<Adaptation> adaptation_;  // while it warms up
  Tuning tuning_;                         // from then on
  std::vector<double> draws_;
  std::vector<Transition> transitions_, warmup_;
  std::optional<Error> error_;
};

}  // namespace hearsay::nuts
