#include "runtime/data/array_builder.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "runtime/data/plural.h"

namespace hearsay::data {

std::optional<double> special_number(std::string_view text) {
  if (text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

std::string_view special_text(double x) {
  if (std::isnan(x)) return "NaN";
  return x > 0 ? "Inf" : "-Inf";
}

std::string ArrayBuilder::place(std::size_t depth) const {
  if (depth == 0) return path_;
  std::string text = path_ + '[';
  for (std::size_t d = 0; d < depth; ++d) text += fmt::format("{}{}", d == 0 ? "" : ", ", counts_[d] + 1);
  return text + ']';
}

std::string ArrayBuilder::place() const { return place(counts_.size()); }

ArrayBuilder::Refusal ArrayBuilder::mixed(const char* what) {
  const auto held = [&] {
    if (leaf_depth_ && *leaf_depth_ > counts_.size()) return "arrays";
    switch (kind_) {
      case Kind::none:
        return "no arrays";
      case Kind::ints:
        return "ints";
      case Kind::reals:
        return "reals";
      case Kind::bools:
        return "bools";
      case Kind::texts:
        return "texts";
    }
    return "other values";
  };
  return diagnose<DiagnosticKind::json_mixed_array>(from_, file_, place(), what, held());
}

ArrayBuilder::Refusal ArrayBuilder::open() {
  if (leaf_depth_ && counts_.size() >= *leaf_depth_) return mixed("an array");
  counts_.push_back(0);
  if (shape_.size() < counts_.size()) shape_.emplace_back();
  return std::nullopt;
}

ArrayBuilder::Refusal ArrayBuilder::close() {
  const std::size_t level = counts_.size() - 1;
  const std::size_t count = counts_.back();
  if (shape_[level] && *shape_[level] != count) {
    counts_.pop_back();
    return diagnose<DiagnosticKind::json_ragged_array>(from_, file_, place(), counted(count, "element"),
                                                       *shape_[level]);
  }
  shape_[level] = count;
  if (count == 0 && !leaf_depth_) leaf_depth_ = counts_.size();
  counts_.pop_back();
  if (!counts_.empty()) ++counts_.back();
  return std::nullopt;
}

ArrayBuilder::Refusal ArrayBuilder::leaf() {
  if (!leaf_depth_) leaf_depth_ = counts_.size();
  if (*leaf_depth_ != counts_.size()) return mixed("a single value");
  return std::nullopt;
}

void ArrayBuilder::become_real() {
  reals_.assign(ints_.begin(), ints_.end());
  ints_.clear();
  ints_.shrink_to_fit();
  kind_ = Kind::reals;
}

ArrayBuilder::Refusal ArrayBuilder::add(std::int64_t x) {
  if (auto refusal = leaf()) return refusal;
  switch (kind_) {
    case Kind::none:
      kind_ = Kind::ints;
      [[fallthrough]];
    case Kind::ints:
      ints_.push_back(x);
      break;
    case Kind::reals:
      reals_.push_back(static_cast<double>(x));
      only_special_ = false;
      break;
    default:
      return mixed("an int");
  }
  ++counts_.back();
  return std::nullopt;
}

ArrayBuilder::Refusal ArrayBuilder::add(double x) {
  if (auto refusal = leaf()) return refusal;
  if (kind_ == Kind::ints) become_real();
  if (kind_ == Kind::none) kind_ = Kind::reals;
  if (kind_ != Kind::reals) return mixed("a real");
  reals_.push_back(x);
  only_special_ = false;
  ++counts_.back();
  return std::nullopt;
}

ArrayBuilder::Refusal ArrayBuilder::add(bool x) {
  if (auto refusal = leaf()) return refusal;
  if (kind_ == Kind::none) kind_ = Kind::bools;
  if (kind_ != Kind::bools) return mixed("a bool");
  bools_.push_back(x);
  ++counts_.back();
  return std::nullopt;
}

ArrayBuilder::Refusal ArrayBuilder::add(std::string x) {
  if (auto refusal = leaf()) return refusal;
  const std::optional<double> number = special_number(x);
  if (number && kind_ != Kind::texts && kind_ != Kind::bools) {
    if (kind_ == Kind::ints) become_real();
    if (kind_ == Kind::none) {
      kind_ = Kind::reals;
      only_special_ = true;
    }
    reals_.push_back(*number);
    ++counts_.back();
    return std::nullopt;
  }
  if (kind_ == Kind::reals && only_special_) {  // a real text settles it: the special ones were texts as well
    for (const double special : reals_) texts_.emplace_back(special_text(special));
    reals_.clear();
    only_special_ = false;
    kind_ = Kind::texts;
  }
  if (kind_ == Kind::none) kind_ = Kind::texts;
  if (kind_ != Kind::texts) return mixed("a text");
  texts_.push_back(std::move(x));
  ++counts_.back();
  return std::nullopt;
}

DataValue ArrayBuilder::take() {
  std::vector<std::size_t> shape;
  shape.reserve(shape_.size());
  for (const auto& size : shape_) shape.push_back(size.value_or(0));
  switch (kind_) {
    case Kind::reals:
      return {DataArray<double>{std::move(shape), std::move(reals_)}};
    case Kind::bools:
      return {DataArray<bool>{std::move(shape), std::move(bools_)}};
    case Kind::texts:
      return {DataArray<std::string>{std::move(shape), std::move(texts_)}};
    default:
      return {DataArray<std::int64_t>{std::move(shape), std::move(ints_)}};
  }
}

}  // namespace hearsay::data
