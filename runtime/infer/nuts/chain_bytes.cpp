// Saving and loading of a chain.
#include <cstring>
#include <string>
#include <utility>

#include "runtime/infer/nuts/bytes.h"
#include "runtime/infer/nuts/chain.h"

namespace hearsay::nuts {
namespace {

constexpr std::uint64_t magic = 0x32535455'4E595348;  // "HSYNUTS2"

/// FNV-1a: finds bytes that were cut off or damaged, not ones that were forged.
std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const std::byte b : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3;
  return hash;
}

void put(ByteWriter& out, const std::vector<Transition>& transitions) {
  out.put(static_cast<std::uint64_t>(transitions.size()));
  for (const Transition& t : transitions) {
    for (const double v : {t.log_density, t.accept_stat, t.step_size, t.energy}) out.put(v);
    out.put(t.depth);
    out.put(t.leapfrogs);
    out.put(t.divergent);
  }
}

std::vector<Transition> get_transitions(ByteReader& in) {
  std::vector<Transition> out;
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    Transition t;
    for (double* v : {&t.log_density, &t.accept_stat, &t.step_size, &t.energy}) *v = in.get<double>();
    t.depth = in.get<std::uint32_t>();
    t.leapfrogs = in.get<std::uint32_t>();
    t.divergent = in.get<bool>();
    out.push_back(t);
  }
  return out;
}

std::uint64_t bits(double v) {
  std::uint64_t out = 0;
  std::memcpy(&out, &v, sizeof out);
  return out;
}

Error bad(std::string what) {
  return {ErrorKind::bad_checkpoint, "the saved chain cannot be resumed: " + std::move(what),
          "resume with the model, data and settings it was saved with, or start anew", 0, 0};
}

}  // namespace

std::vector<std::uint64_t> Chain::fingerprint() const {
  std::vector<std::uint64_t> out = {density_->dim(),
                                    settings_.seed,
                                    index_,
                                    settings_.warmup,
                                    settings_.thin,
                                    settings_.max_depth,
                                    static_cast<std::uint64_t>(settings_.adaptation.metric),
                                    bits(settings_.adaptation.target_accept),
                                    static_cast<std::uint64_t>(settings_.start)};
  if (!settings_.starts.empty())
    for (const double v : settings_.starts[index_]) out.push_back(bits(v));
  return out;
}

std::vector<std::byte> Chain::save() const {
  ByteWriter out;
  out.put(magic);
  const auto identity = fingerprint();
  out.put(static_cast<std::uint64_t>(identity.size()));
  for (const std::uint64_t v : identity) out.put(v);
  out.put(started_);
  if (!started_) {
    choice_.save(out);
  } else {
    out.put(searches_);
    out.put(static_cast<std::uint64_t>(iteration_));
    out.put(static_cast<std::uint64_t>(divergences_));
    out.put(std::span(at_.q));
    out.put(std::span(at_.gradient));
    out.put(at_.log_density);
    if (adaptation_) {
      adaptation_->save(out);
    } else {
      out.put(tuning_.metric.is_dense());
      out.put(tuning_.metric.stored());
      out.put(tuning_.step_size);
    }
    out.put(std::span(draws_));
    put(out, transitions_);
    put(out, warmup_);
  }
  out.put(checksum(out.bytes()));
  return std::move(out.bytes());
}

std::optional<Error> Chain::load(std::span<const std::byte> bytes) {
  constexpr std::size_t tail = sizeof(std::uint64_t);
  if (bytes.size() < 2 * tail) return bad("it is not whole");
  ByteReader end(bytes.last(tail));
  bytes = bytes.first(bytes.size() - tail);
  if (end.get<std::uint64_t>() != checksum(bytes)) return bad("it is not whole, or damaged");
  ByteReader in(bytes);
  if (in.get<std::uint64_t>() != magic) return bad("it is of another version");
  const auto identity = fingerprint();
  bool same = in.get<std::uint64_t>() == identity.size();
  for (std::size_t i = 0; same && i < identity.size(); ++i) same = in.get<std::uint64_t>() == identity[i];
  if (!same) return bad("it was made with other settings, or for a density of another dimension");
  if (!in.get<bool>()) {
    StartChoice choice;
    choice.load(in);
    if (!in.ok() || !in.at_end() || choice.considered() >= start_paths) return bad("it is damaged");
    choice_ = std::move(choice);
    return std::nullopt;
  }

  const auto searches = in.get<bool>();
  const std::uint64_t iteration = in.get<std::uint64_t>(), divergences = in.get<std::uint64_t>();
  Position at;
  at.q = in.doubles();
  at.gradient = in.doubles();
  at.log_density = in.get<double>();
  const std::size_t dim = density_->dim();
  if (at.q.size() != dim || at.gradient.size() != dim) return bad("it is damaged");
  // The density must be what it was, to the last bit: other data or another build would make another chain.
  Position again{at.q, std::vector<double>(dim), 0};
  again.log_density = density_->value_and_gradient(again.q, again.gradient).log_density;
  if (!(again == at)) return bad("the density is another at the point where it stopped");

  std::optional<Adaptation> adaptation;
  Tuning tuning{Metric::identity(dim), 1};
  if (iteration < settings_.warmup) {
    adaptation.emplace(settings_.adaptation, settings_.warmup, tuning);
    adaptation->load(in);
  } else {
    const auto dense = in.get<bool>();
    auto metric = Metric::from_stored(dim, in.doubles(), dense);
    if (!metric) return bad("it is damaged");
    tuning = {std::move(*metric), in.get<double>()};
  }
  std::vector<double> draws = in.doubles();
  std::vector<Transition> transitions = get_transitions(in), warmup = get_transitions(in);
  if (!in.ok() || !in.at_end() || draws.size() != transitions.size() * dim) return bad("it is damaged");

  started_ = true;
  searches_ = searches;
  iteration_ = iteration;
  divergences_ = divergences;
  at_ = std::move(at);
  adaptation_ = std::move(adaptation);
  tuning_ = std::move(tuning);
  draws_ = std::move(draws);
  transitions_ = std::move(transitions);
  warmup_ = std::move(warmup);
  return std::nullopt;
}

}  // namespace hearsay::nuts
