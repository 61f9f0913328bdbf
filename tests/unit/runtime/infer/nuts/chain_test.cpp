// Same bits, whatever the threads, the number of chains, interruptions and crashes.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>
#include <vector>

#include "runtime/infer/nuts/checkpoint_file.h"
#include "runtime/infer/nuts/sampler.h"
#include "tests/reference/densities.h"
#include "tests/unit/runtime/infer/nuts/seed.h"

using namespace hearsay;
using nuts::RunStatus;
using nuts::Sampler;
using nuts::Settings;
using testing::seed_of;

namespace {

const reference::FunctionModel<reference::EightSchools> schools(10, reference::EightSchools{});

Settings settings_for(std::string_view name) {
  Settings s;
  s.seed = seed_of(name);
  s.chains = 3;
  s.warmup = 120;
  s.draws = 60;
  s.thin = 2;
  s.threads = 1;
  return s;
}

Sampler make(const Settings& s, const model::DensityModel& m = schools) {
  auto sampler = Sampler::create(m, s);
  REQUIRE(sampler.has_value());
  return std::move(*sampler);
}

struct Outcome {
  std::vector<double> draws;
  std::vector<Transition> transitions, warmup;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::vector<Outcome> outcomes(const Sampler& s, std::size_t chains) {
  std::vector<Outcome> out;
  for (std::size_t c = 0; c < chains; ++c) {
    const auto draws = s.chain(c).draws();
    out.push_back({{draws.begin(), draws.end()}, s.chain(c).transitions(), s.chain(c).warmup()});
  }
  return out;
}

std::vector<Outcome> run(const Settings& s) {
  Sampler sampler = make(s);
  REQUIRE(sampler.run() == RunStatus::finished);
  return outcomes(sampler, s.chains);
}

/// Sets an interrupt at its nth call, counted over all chains, and can be evaluated no more: as native code that polls
/// the same flag.
class Interrupting final : public model::DensityModel {
public:
  Interrupting(std::atomic<bool>& flag, std::atomic<int>& left) : flag_(flag), left_(left) {}
  [[nodiscard]] std::size_t dim() const noexcept override { return 10; }
  [[nodiscard]] std::unique_ptr<model::DensityEvaluator> evaluator() const override {
    return std::make_unique<Evaluator>(*this);
  }

private:
  class Evaluator final : public model::DensityEvaluator {
  public:
    explicit Evaluator(const Interrupting& of) : of_(of) {}
    [[nodiscard]] std::size_t dim() const noexcept override { return 10; }
    model::EvalResult value_and_gradient(std::span<const double> q, std::span<double> gradient) noexcept override {
      if (--of_.left_ == 0) of_.flag_ = true;
      if (of_.flag_) {
        std::fill(gradient.begin(), gradient.end(), std::numeric_limits<double>::quiet_NaN());
        return {0, model::EvalStatus::fatal, 5};
      }
      return {reference::EightSchools{}(q, gradient), model::EvalStatus::ok, 0};
    }

  private:
    const Interrupting& of_;
  };
  std::atomic<bool>& flag_;
  std::atomic<int>& left_;
};

class Folder {
public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("hearsay-nuts-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("any number of threads, and further chains, change no bit") {
  Settings s = settings_for("threads");
  const auto one = run(s);
  CHECK(one[0].draws.size() == 600);
  CHECK(one[0].transitions.size() == 60);
  CHECK(one[0].warmup.size() == 120);
  CHECK_FALSE(one[0] == one[1]);
  s.threads = 8;
  CHECK(run(s) == one);
  s.chains = 7;
  const auto more = run(s);
  for (std::size_t c = 0; c < 3; ++c) CHECK(more[c] == one[c]);
  s.chains = 3;
  ++s.seed;
  CHECK_FALSE(run(s)[0] == one[0]);
}

TEST_CASE("asking for more draws changes none of the first; thinning keeps every second") {
  Settings s = settings_for("more draws");
  const auto few = run(s);
  s.draws = 90;
  const auto many = run(s);
  CHECK(std::equal(few[1].draws.begin(), few[1].draws.end(), many[1].draws.begin()));
  s.thin = 1;
  s.draws = 120;
  const auto all = run(s);
  for (std::size_t i = 0; i < 60; ++i) CHECK(all[0].transitions[2 * i + 1] == few[0].transitions[i]);
}

TEST_CASE("interrupted anywhere, saved, and resumed in another process' place: the same bits") {
  for (const auto metric : {nuts::MetricKind::diagonal, nuts::MetricKind::dense}) {
    Settings s = settings_for("interrupted");
    s.adaptation.metric = metric;
    const auto whole = run(s);
    rng::Stream random(seed_of("interrupted"), 1, 0, 0);
    int interruptions = 0;
    std::vector<std::vector<std::byte>> saved(s.chains);
    for (;;) {
      std::atomic<bool> flag = false;
      std::atomic<int> left = 1 + static_cast<int>(random.uniform() * 800);
      const Interrupting model(flag, left);
      Sampler sampler = make(s, model);  // a new one each time: nothing but the bytes goes over
      for (std::size_t c = 0; c < s.chains; ++c)
        if (!saved[c].empty()) REQUIRE_FALSE(sampler.restore(c, saved[c]).has_value());
      nuts::Hooks hooks;
      hooks.interrupt = &flag;
      hooks.checkpoint = [&](std::size_t c, std::span<const std::byte> bytes) {
        saved[c].assign(bytes.begin(), bytes.end());
      };
      s.threads = 1 + static_cast<std::size_t>(random.uniform() * 3);
      const RunStatus status = sampler.run(hooks);
      if (status == RunStatus::finished) {
        CHECK(outcomes(sampler, s.chains) == whole);
        break;
      }
      REQUIRE(status == RunStatus::interrupted);
      ++interruptions;
      REQUIRE(interruptions < 1000);
    }
    CHECK(interruptions > 5);
  }
}

TEST_CASE("an interrupted run keeps its draws, in chains of equal length, and goes on") {
  Settings s = settings_for("keeps");
  s.draws = 500;
  s.thin = 1;
  const auto whole = run(s);
  std::atomic<bool> flag = false;
  constexpr int never = std::numeric_limits<int>::max();
  std::atomic<int> left = never;
  const Interrupting model(flag, left);
  REQUIRE(make(s, model).run() == RunStatus::finished);
  // Late enough for every chain to have draws, in whatever order threads take them.
  left = (never - left) / 10 * 9;
  Sampler sampler = make(s, model);
  nuts::Hooks hooks;
  hooks.interrupt = &flag;
  std::size_t told = 0;
  hooks.progress_every = std::chrono::milliseconds(0);
  hooks.progress = [&](std::span<const nuts::ChainProgress> p) {
    ++told;
    CHECK(p.size() == 3);
    CHECK(p[0].total == 620);
    CHECK(p[0].warmup == 120);
  };
  REQUIRE(sampler.run(hooks) == RunStatus::interrupted);
  CHECK(told > 0);
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back("q" + std::to_string(i));
  const Draws some = sampler.draws(names);
  CHECK(some.chains == 3);
  CHECK(some.draws_per_chain > 0);
  CHECK(some.draws_per_chain < 500);
  CHECK(some.values.size() == 10 * 3 * some.draws_per_chain);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t t = 0; t < some.draws_per_chain; ++t) CHECK(some.column(4, c)[t] == whole[c].draws[10 * t + 4]);
  CHECK(sampler.transitions().chains[2].size() == some.draws_per_chain);
  flag = false;
  REQUIRE(sampler.run(hooks) == RunStatus::finished);
  CHECK(outcomes(sampler, 3) == whole);
}

TEST_CASE("killed at any moment and resumed from files: the same bits") {
  Settings s = settings_for("killed");
  s.chains = 2;
  s.draws = 400;
  const auto whole = run(s);
  const Folder folder;
  const auto file = [&](std::size_t c) { return folder.file("chain" + std::to_string(c)); };
  const auto resume = [&](Sampler& sampler) {
    for (std::size_t c = 0; c < s.chains; ++c) {
      const auto bytes = nuts::read_checkpoint(file(c));
      if (bytes && sampler.restore(c, *bytes)) return false;
    }
    return true;
  };
  rng::Stream random(seed_of("killed"), 1, 0, 0);
  int kills = 0;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // no test framework in here
      auto sampler = Sampler::create(schools, s);
      if (!sampler || !resume(*sampler)) ::_exit(2);
      nuts::Hooks hooks;
      hooks.checkpoint_every = std::chrono::milliseconds(0);
      hooks.checkpoint = [&](std::size_t c, std::span<const std::byte> bytes) {
        if (nuts::write_checkpoint(file(c), bytes)) ::_exit(3);
        // Slow enough to be hit in the middle, whatever the machine.
        if (attempt < 10) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      };
      ::_exit(sampler->run(hooks) == RunStatus::finished ? 0 : 4);
    }
    if (attempt < 10)
      std::this_thread::sleep_for(std::chrono::microseconds(static_cast<int>(random.uniform() * 40000)));
    if (attempt < 10) ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) {
      REQUIRE(WTERMSIG(status) == SIGKILL);
      ++kills;
      continue;
    }
    REQUIRE(WEXITSTATUS(status) == 0);
    break;
  }
  CHECK(kills > 0);
  Sampler sampler = make(s);
  REQUIRE(resume(sampler));
  CHECK(outcomes(sampler, 2) == whole);
}

TEST_CASE("what cannot be resumed is refused, and says why") {
  Settings s = settings_for("refused");
  Sampler sampler = make(s);
  REQUIRE(sampler.run() == RunStatus::finished);
  const std::vector<std::byte> bytes = sampler.chain(1).save();

  const auto refuse = [&](const Settings& settings, std::size_t chain, std::span<const std::byte> saved,
                          const model::DensityModel& m = schools) {
    Sampler other = make(settings, m);
    const auto error = other.restore(chain, saved);
    REQUIRE(error.has_value());
    CHECK(error->kind == nuts::ErrorKind::bad_checkpoint);
    CHECK(other.chain(std::min<std::size_t>(chain, 2)).iteration() == 0);
    return error->message;
  };
  Sampler same = make(s);
  CHECK_FALSE(same.restore(1, bytes).has_value());
  CHECK(same.chain(1).finished());
  CHECK(refuse(s, 0, bytes).find("other settings") != std::string::npos);  // another chain's
  CHECK(refuse(s, 7, bytes) == "there is no such chain");
  Settings changed = s;
  changed.adaptation.target_accept = 0.9;
  CHECK(refuse(changed, 1, bytes).find("other settings") != std::string::npos);
  for (const std::size_t length : {std::size_t{0}, std::size_t{9}, bytes.size() / 2, bytes.size() - 1})
    CHECK(refuse(s, 1, std::span(bytes).first(length)).find("not whole") != std::string::npos);
  std::vector<std::byte> damaged = bytes;
  damaged[bytes.size() / 2] ^= std::byte{1};
  CHECK(refuse(s, 1, damaged).find("damaged") != std::string::npos);
  const reference::FunctionModel<reference::StandardNormal> another(10, reference::StandardNormal{});
  CHECK(refuse(s, 1, bytes, another).find("density is another") != std::string::npos);

  const auto missing = nuts::read_checkpoint("/nonexistent/file");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().message.find("cannot open") != std::string::npos);
  CHECK(nuts::write_checkpoint("/nonexistent/file", bytes).has_value());
}

TEST_CASE("a resumed chain may be asked for more draws") {
  Settings s = settings_for("longer");
  const auto short_run = run(s);
  Sampler first = make(s);
  REQUIRE(first.run() == RunStatus::finished);
  s.draws = 100;
  const auto whole = run(s);
  Sampler second = make(s);
  for (std::size_t c = 0; c < 3; ++c) REQUIRE_FALSE(second.restore(c, first.chain(c).save()).has_value());
  REQUIRE(second.run() == RunStatus::finished);
  CHECK(outcomes(second, 3) == whole);
}
