#include "runtime/infer/exact/native_enumeration.h"

#include <algorithm>

#include "runtime/infer/exact/underflow_guard.h"

namespace hearsay::exact {

NativeEnumeration::NativeEnumeration(const BlockModel& m) : pieces_(m.loop_extents) {
  shape_.extents = m.loop_extents;
  shape_.fixed = static_cast<std::uint32_t>(pieces_.depth());
  shape_.kept = static_cast<std::uint32_t>(m.kept);
  shape_.lanes = static_cast<std::uint32_t>(m.lanes);
  const std::uint32_t width = shape_.vector_width();
  shape_.lanes = (shape_.lanes + width - 1) / width * width;

  std::size_t most = 1;
  for (std::size_t d = 0; d < m.loop_extents.size(); ++d) most += 2 + m.pair_lanes[d].size() + m.pair_scalar[d].size();
  padded_.reserve(most);  // the tables stay where they are
  add_table({}, true, m.base, m.lanes);
  for (std::uint32_t d = 0; d < m.loop_extents.size(); ++d) {
    if (!m.own_lanes[d].empty()) add_table({d}, true, m.own_lanes[d], m.lanes);
    if (!m.own_scalar[d].empty()) add_table({d}, false, m.own_scalar[d], m.lanes);
    for (const Term& t : m.pair_lanes[d]) add_table(t.loops, true, t.table, m.lanes);
    for (const Term& t : m.pair_scalar[d]) add_table(t.loops, false, t.table, m.lanes);
  }
}

void NativeEnumeration::add_table(std::vector<std::uint32_t> loops, bool lanes, const std::vector<double>& table,
                                  std::size_t width) {
  shape_.tables.push_back({std::move(loops), lanes});
  if (!lanes || width == shape_.lanes) {
    tables_.push_back(table.data());
    return;
  }
  std::vector<double>& wide = padded_.emplace_back(table.size() / width * shape_.lanes, 0.0);
  for (std::size_t row = 0; row < table.size() / width; ++row) {
    std::copy_n(table.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                wide.begin() + static_cast<std::ptrdiff_t>(row * shape_.lanes));
  }
  tables_.push_back(wide.data());
}

std::optional<NativeEnumeration> NativeEnumeration::find(const BlockModel& weights, model::KernelProvider& kernels) {
  const auto gathers = [](const std::vector<Term>& terms) { return !terms.empty(); };
  if (std::any_of(weights.gathered.begin(), weights.gathered.end(), gathers)) return std::nullopt;
  NativeEnumeration native(weights);
  native.kernel_ = kernels.find(native.shape_);
  if (native.kernel_ == nullptr) return std::nullopt;
  return native;
}

NativeEnumeration::Sums NativeEnumeration::run(unsigned threads, const std::atomic<bool>* interrupt) const {
  static const std::atomic<bool> never = false;
  const std::atomic<bool>* flag = interrupt != nullptr ? interrupt : &never;
  Sums result;
  const std::size_t each = shape_.sums();
  result.weights.resize(pieces_.count() * each);
  std::atomic<bool> underflowed{false};
  share_out(pieces_.count(), threads, [&](const auto& next) {
    const UnderflowGuard guard;
    std::vector<double> scratch(shape_.scratch_size());
    std::vector<std::uint32_t> fixed(pieces_.depth());
    for (auto i = next(); i; i = next()) {
      pieces_.values(*i, fixed);
      if (!kernel_(tables_.data(), fixed.data(), scratch.data(), result.weights.data() + *i * each, flag)) break;
    }
    if (guard.underflowed()) underflowed = true;
  });
  result.underflowed = underflowed;
  return result;
}

}  // namespace hearsay::exact
