// Walks all states of a block model: a nest of loops, whatever is settled by the outer ones computed there once, and a
// block of lanes inside. One visitor per thread; each walks whole subtrees below a fixed beginning of the nest.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lang/model/lanes.h"
#include "runtime/infer/exact/block_model.h"
#include "runtime/infer/exact/weight_algebra.h"

namespace hearsay::exact {

template <class Algebra>
class BlockVisitor {
public:
  using Sum = typename Algebra::Sum;

  struct Answer {
    Sum total;
    std::vector<std::vector<Sum>> loop_sums;  ///< [loops][extent]; empty unless asked for
    std::vector<Sum> lane_sums;               ///< [lanes]; empty unless asked for
  };

  /// `model` in logs or in weights as Algebra says. `stop` may be null.
  BlockVisitor(const BlockModel& model, bool marginals, const std::atomic<bool>* stop)
      : model_(model), marginals_(marginals), stop_(stop), index_(loops()), levels_(loops() + 1), blocks_(loops()) {
    for (auto& level : levels_) {
      level.lanes.assign(loops(), nullptr);
      level.scalar.assign(loops(), nullptr);
      level.lane_store.resize(loops());
      level.scalar_store.resize(loops());
    }
    for (std::size_t d = 0; d < loops(); ++d) {
      if (!model.own_lanes[d].empty()) levels_[0].lanes[d] = model.own_lanes[d].data();
      if (!model.own_scalar[d].empty()) levels_[0].scalar[d] = model.own_scalar[d].data();
      blocks_[d].resize(model.lanes);
      for (const Term& t : model.pair_lanes[d]) {
        levels_[d + 1].lane_store[t.loops.back()].resize(model.loop_extents[t.loops.back()] * model.lanes);
      }
      for (const Term& t : model.pair_scalar[d]) {
        levels_[d + 1].scalar_store[t.loops.back()].resize(model.loop_extents[t.loops.back()]);
      }
    }
  }

  /// Sums over all states whose outermost loops have these values.
  Answer run(std::span<const std::uint32_t> fixed) {
    fixed_ = fixed;
    any_lanes_ = false;
    answer_ = {};
    lane_exponent_ = 0;
    lane_top_.clear();
    lane_total_.clear();
    if (marginals_) {
      for (const auto extent : model_.loop_extents) answer_.loop_sums.emplace_back(extent);
      lane_total_.assign(model_.lanes, 0.0);
      if (Algebra::kLogs) lane_top_.assign(model_.lanes, Algebra::kZero);
    }
    answer_.total = visit(0, model_.base.data(), Algebra::kOne, 0);
    for (std::size_t j = 0; j < lane_total_.size(); ++j) {
      if constexpr (Algebra::kLogs) {
        answer_.lane_sums.push_back(
            {lane_top_[j] == Algebra::kZero ? Algebra::kZero : lane_top_[j] + std::log(lane_total_[j])});
      } else {
        answer_.lane_sums.push_back(Sum::of(lane_total_[j], lane_exponent_));
      }
    }
    return std::move(answer_);
  }

  /// True when weights were dropped that the sum of a lane may have needed: only logarithms can give the marginals.
  [[nodiscard]] bool lost_lanes() const { return lost_lanes_; }

private:
  // What is known of each loop's own table once the loops further out have their values.
  struct Level {
    std::vector<const double*> lanes;   // [loops] over [extent, lanes], or null
    std::vector<const double*> scalar;  // [loops] over [extent], or null
    std::vector<std::vector<double>> lane_store;
    std::vector<std::vector<double>> scalar_store;
  };

  [[nodiscard]] std::size_t loops() const { return model_.loop_variables.size(); }

  std::size_t address(const Term& t, std::size_t used) const {
    std::size_t at = 0;
    for (std::size_t k = 0; k < used; ++k) at += index_[t.loops[k]] * t.strides[k];
    return at;
  }

  // Loop `d` has got its value: terms whose last loop alone is left are multiplied into that loop's own table.
  void settle(std::size_t d) {
    Level& next = levels_[d + 1];
    std::copy(levels_[d].lanes.begin() + static_cast<std::ptrdiff_t>(d), levels_[d].lanes.end(),
              next.lanes.begin() + static_cast<std::ptrdiff_t>(d));
    std::copy(levels_[d].scalar.begin() + static_cast<std::ptrdiff_t>(d), levels_[d].scalar.end(),
              next.scalar.begin() + static_cast<std::ptrdiff_t>(d));
    const auto absorb = [&](const Term& t, std::vector<const double*>& known, std::vector<std::vector<double>>& store) {
      const std::uint32_t last = t.loops.back();
      const double* from = t.table.data() + address(t, t.loops.size() - 1);
      if (known[last] == nullptr) {
        known[last] = from;
      } else {
        Algebra::combine(store[last].size(), known[last], from, store[last].data());
        known[last] = store[last].data();
      }
    };
    for (const Term& t : model_.pair_lanes[d]) absorb(t, next.lanes, next.lane_store);
    for (const Term& t : model_.pair_scalar[d]) absorb(t, next.scalar, next.scalar_store);
  }

  void gather(const Term& t, const double* block, double* out) const {
    const double* from = t.table.data() + address(t, t.loops.size());
    for (std::size_t j = 0; j < model_.lanes; ++j) out[j] = Algebra::combine(block[j], from[t.gather[j]]);
  }

  // Sum over the loops from `d` inwards of coefficient * 2^exponent * block.
  Sum visit(std::size_t d, const double* block, double coefficient, std::int64_t exponent) {
    if (d == loops()) return leaf(block, nullptr, coefficient, exponent);
    Sum total;
    const std::uint32_t begin = d < fixed_.size() ? fixed_[d] : 0;
    const std::uint32_t end = d < fixed_.size() ? begin + 1 : model_.loop_extents[d];
    const double* lanes = levels_[d].lanes[d];
    const double* scalar = levels_[d].scalar[d];
    for (std::uint32_t x = begin; x < end; ++x) {
      if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) return total;
      index_[d] = x;
      double c = scalar == nullptr ? coefficient : Algebra::combine(coefficient, scalar[x]);
      if (c == Algebra::kZero) continue;
      std::int64_t e = exponent;
      if constexpr (!Algebra::kLogs) {
        int taken = 0;
        c = std::frexp(c, &taken);
        e += taken;
      }
      const double* row = lanes == nullptr ? nullptr : lanes + x * model_.lanes;
      const double* inner = block;
      const bool last = d + 1 == loops();
      if (row != nullptr && !(last && model_.gathered[d].empty())) {
        Algebra::combine(model_.lanes, block, row, blocks_[d].data());
        inner = blocks_[d].data();
        row = nullptr;
      }
      for (const Term& t : model_.gathered[d]) {
        gather(t, inner, blocks_[d].data());
        inner = blocks_[d].data();
      }
      Sum sum;
      if (last) {
        sum = leaf(inner, row, c, e);
      } else {
        if (inner == blocks_[d].data() && !recentre(d, e)) continue;
        settle(d);
        sum = visit(d + 1, inner, c, e);
      }
      if (marginals_) answer_.loop_sums[d][x].add(sum);
      total.add(sum);
    }
    return total;
  }

  // Keeps long products of lanes near 1. Not in the innermost loops, where it would cost more than it saves. False when
  // all lanes are impossible.
  bool recentre(std::size_t d, std::int64_t& exponent) {
    if (Algebra::kLogs || d + 3 > loops()) return true;
    const double top = model::lanes::largest(model_.lanes, blocks_[d].data());
    if (!(top > 0)) return false;
    const int taken = std::ilogb(top);
    if (taken >= -64) return true;
    // Subnormal numbers need more than the largest power of two; nearly 1 is near enough.
    const int shift = std::min(-taken, 1000);
    model::lanes::scale(model_.lanes, std::ldexp(1.0, shift), blocks_[d].data());
    exponent -= shift;
    return true;
  }

  // The lanes of one state of all loops; `row` (may be null) is multiplied in.
  Sum leaf(const double* block, const double* row, double coefficient, std::int64_t exponent) {
    const std::size_t n = model_.lanes;
    if constexpr (Algebra::kLogs) {
      double* w = scratch(n);
      double top = Algebra::kZero;
      for (std::size_t j = 0; j < n; ++j) {
        w[j] = coefficient + (row == nullptr ? block[j] : block[j] + row[j]);
        top = w[j] > top ? w[j] : top;
      }
      if (top == Algebra::kZero) return {};
      double total = 0;
      for (std::size_t j = 0; j < n; ++j) total += std::exp(w[j] - top);
      if (marginals_) add_log_lanes(w);
      return {top + std::log(total)};
    } else {
      const double total = row == nullptr ? model::lanes::sum(n, block) : model::lanes::dot(n, block, row);
      if (marginals_ && total > 0) add_lanes(block, row, coefficient, exponent);
      return Sum::of(coefficient * total, exponent);
    }
  }

  double* scratch(std::size_t n) {
    scratch_.resize(n);
    return scratch_.data();
  }

  void add_log_lanes(const double* w) {
    for (std::size_t j = 0; j < model_.lanes; ++j) {
      if (w[j] == Algebra::kZero) continue;
      if (w[j] <= lane_top_[j]) {
        lane_total_[j] += std::exp(w[j] - lane_top_[j]);
      } else {
        lane_total_[j] = lane_total_[j] * std::exp(lane_top_[j] - w[j]) + 1;
        lane_top_[j] = w[j];
      }
    }
  }

  void add_lanes(const double* block, const double* row, double coefficient, std::int64_t exponent) {
    if (!any_lanes_ || exponent > lane_exponent_) {
      const std::int64_t apart = any_lanes_ ? exponent - lane_exponent_ : 0;
      if (apart > LinearAlgebra::kVisible) {
        lost_lanes_ = true;
        return;
      }
      model::lanes::scale(model_.lanes, std::ldexp(1.0, static_cast<int>(-apart)), lane_total_.data());
      lane_exponent_ = exponent;
      any_lanes_ = true;
    }
    const std::int64_t apart = lane_exponent_ - exponent;
    if (apart > LinearAlgebra::kVisible) {
      lost_lanes_ = true;
      return;
    }
    const double c = std::ldexp(coefficient, static_cast<int>(-apart));
    if (row == nullptr) {
      model::lanes::add_scaled(model_.lanes, c, block, lane_total_.data());
    } else {
      model::lanes::add_scaled_product(model_.lanes, c, block, row, lane_total_.data());
    }
  }

  const BlockModel& model_;
  bool marginals_;
  const std::atomic<bool>* stop_;
  std::span<const std::uint32_t> fixed_;
  std::vector<std::uint32_t> index_;         // [loops]
  std::vector<Level> levels_;                // [loops + 1]
  std::vector<std::vector<double>> blocks_;  // [loops][lanes]
  std::vector<double> scratch_;
  std::vector<double> lane_total_;
  std::vector<double> lane_top_;
  std::int64_t lane_exponent_ = 0;
  bool any_lanes_ = false;
  bool lost_lanes_ = false;
  Answer answer_;
};

}  // namespace hearsay::exact
