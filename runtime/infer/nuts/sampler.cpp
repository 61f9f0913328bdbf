#include "runtime/infer/nuts/sampler.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace hearsay::nuts {
namespace {

using Clock = std::chrono::steady_clock;

/// One run: threads take the chain that is furthest behind, advance it for a while, and put it back. So chains keep
/// step with each other with any number of threads, which changes nothing in what they draw.
class Team {
public:
  Team(std::vector<std::unique_ptr<Chain>>& chains, const Settings& settings, const Hooks& hooks)
      : chains_(chains), hooks_(hooks), busy_(chains.size()), progress_(chains.size()), saved_(chains.size()) {
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      saved_[c] = Clock::now();
      progress_[c].warmup = settings.warmup;
      progress_[c].total = chains_[c]->total();
      note(c);
    }
    const std::size_t wanted = settings.threads > 0 ? settings.threads : std::thread::hardware_concurrency();
    threads_ = std::clamp<std::size_t>(wanted, 1, chains_.size());
  }

  void run() {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < threads_; ++t) others.emplace_back([this] { work(); });
    work();
    others.clear();  // joins
    for (std::size_t c = 0; c < chains_.size(); ++c)
      if (hooks_.checkpoint) hooks_.checkpoint(c, chains_[c]->save());
    if (hooks_.progress) hooks_.progress(progress_);
  }

  [[nodiscard]] RunStatus status() const { return status_; }
  [[nodiscard]] std::optional<Error>& error() { return error_; }

private:
  void note(std::size_t c) {
    progress_[c].done = chains_[c]->iteration();
    progress_[c].divergences = chains_[c]->divergences();
  }

  /// Nothing if every unfinished chain is being advanced by another thread, or the run is over.
  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (status_ != RunStatus::finished) return std::nullopt;
    std::optional<std::size_t> behind;
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      if (busy_[c] || chains_[c]->finished()) continue;
      if (!behind || chains_[c]->iteration() < chains_[*behind]->iteration()) behind = c;
    }
    if (behind) busy_[*behind] = true;
    return behind;
  }

  void work() {
    while (const auto c = take()) {
      Advance last = Advance::advanced;
      std::optional<Error> error;
      try {
        last = advance_for_a_while(*c);
        if (last == Advance::failed) error = chains_[*c]->error();
        maybe_save(*c);
      } catch (const std::exception& e) {  // out of memory; nothing else throws
        last = Advance::failed;
        error = Error{ErrorKind::density_failed, std::string("a chain stopped: ") + e.what(), "", *c, 0};
      }
      const std::lock_guard lock(mutex_);
      busy_[*c] = false;
      note(*c);
      if (last == Advance::interrupted && status_ == RunStatus::finished) status_ = RunStatus::interrupted;
      if (last == Advance::failed && status_ != RunStatus::failed) {
        status_ = RunStatus::failed;
        error_ = std::move(error);
        stop_.store(true, std::memory_order_relaxed);
      }
      if (hooks_.progress && Clock::now() - told_ >= hooks_.progress_every) {
        hooks_.progress(progress_);
        told_ = Clock::now();
      }
    }
  }

  Advance advance_for_a_while(std::size_t c) {
    constexpr std::chrono::milliseconds slice{20};
    const auto end = Clock::now() + slice;
    Advance last = Advance::advanced;
    while (last == Advance::advanced && Clock::now() < end) {
      if (stop_.load(std::memory_order_relaxed)) return Advance::interrupted;
      if (hooks_.interrupt != nullptr && hooks_.interrupt->load(std::memory_order_relaxed)) return Advance::interrupted;
      last = chains_[c]->advance(hooks_.interrupt);
    }
    return last;
  }

  void maybe_save(std::size_t c) {
    if (!hooks_.checkpoint || Clock::now() - saved_[c] < hooks_.checkpoint_every) return;
    const std::vector<std::byte> bytes = chains_[c]->save();
    const std::lock_guard lock(mutex_);
    hooks_.checkpoint(c, bytes);
    saved_[c] = Clock::now();
  }

  std::vector<std::unique_ptr<Chain>>& chains_;
  const Hooks& hooks_;
  std::size_t threads_ = 1;
  std::mutex mutex_;  // of all below but saved_, whose elements belong to who advances the chain
  std::vector<char> busy_;
  std::vector<ChainProgress> progress_;
  std::vector<Clock::time_point> saved_;
  Clock::time_point told_{};
  RunStatus status_ = RunStatus::finished;
  std::optional<Error> error_;
  std::atomic<bool> stop_ = false;  // a chain has failed
};

}  // namespace

tl::expected<Sampler, Error> Sampler::create(const model::DensityModel& model, Settings settings) {
  if (auto error = check(settings, model.dim())) return tl::unexpected(std::move(*error));
  Sampler s;
  s.dim_ = model.dim();
  s.settings_ = std::make_unique<const Settings>(std::move(settings));
  for (std::size_t c = 0; c < s.settings_->chains; ++c)
    s.chains_.push_back(std::make_unique<Chain>(model, *s.settings_, c));
  return s;
}

std::optional<Error> Sampler::restore(std::size_t chain, std::span<const std::byte> bytes) {
  if (chain >= chains_.size()) return Error{ErrorKind::bad_checkpoint, "there is no such chain", "", chain, 0};
  auto error = chains_[chain]->load(bytes);
  if (error) error->chain = chain;
  return error;
}

RunStatus Sampler::run(const Hooks& hooks) {
  Team team(chains_, *settings_, hooks);
  team.run();
  error_ = std::move(team.error());
  return team.status();
}

std::size_t Sampler::common_length() const {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& c : chains_) least = std::min(least, c->transitions().size());
  return least;
}

Draws Sampler::draws(std::vector<std::string> names) const {
  Draws out{std::move(names), chains_.size(), common_length(), {}};
  out.values.reserve(dim_ * out.rows());
  for (std::size_t i = 0; i < dim_; ++i)
    for (const auto& chain : chains_)
      for (std::size_t t = 0; t < out.draws_per_chain; ++t) out.values.push_back(chain->draws()[t * dim_ + i]);
  return out;
}

Transitions Sampler::transitions() const {
  Transitions out{{}, settings_->max_depth};
  const auto n = static_cast<std::ptrdiff_t>(common_length());
  for (const auto& chain : chains_)
    out.chains.emplace_back(chain->transitions().begin(), chain->transitions().begin() + n);
  return out;
}

}  // namespace hearsay::nuts
