#include "lang/sema/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lang/sema/environment.h"

namespace hearsay {

std::vector<std::int64_t> subscripts(std::size_t flat, std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const auto extent = static_cast<std::size_t>(shape[d]);
    at[d] = static_cast<std::int64_t>(flat % extent) + 1;
    flat /= extent;
  }
  return at;
}

std::int64_t Alphabet::find(std::string_view label) const {
  const auto at = std::find(labels.begin(), labels.end(), label);
  return at == labels.end() ? 0 : (at - labels.begin()) + 1;
}

const Algebra::Over* Algebra::over(const Alphabet& alphabet) const {
  for (const Over& o : overs)
    if (o.alphabet->name == alphabet.name && o.alphabet->labels == alphabet.labels) return &o;
  return nullptr;
}

std::optional<std::vector<std::int64_t>> Algebra::blocks_of(const Alphabet& labels) const {
  if (const Over* same = over(labels)) return same->block_of;
  for (const Over& o : overs) {
    std::vector<std::int64_t> found;
    for (const std::string& label : labels.labels)
      if (const std::int64_t token = o.alphabet->find(label))
        found.push_back(o.block_of[static_cast<std::size_t>(token - 1)]);
    if (found.size() == labels.labels.size()) return found;
  }
  return std::nullopt;
}

ArrayValue ArrayValue::scalar(Scalar s) {
  ArrayValue v;
  v.type = s.type;
  if (s.type == ScalarType::real)
    v.reals = std::make_shared<const std::vector<double>>(1, s.r);
  else
    v.integers = std::make_shared<const std::vector<std::int64_t>>(1, s.i);
  return v;
}

ArrayValue ArrayValue::of(std::vector<double> v, std::vector<std::int64_t> shape) {
  ArrayValue a;
  a.type = ScalarType::real;
  a.shape = std::move(shape);
  a.reals = std::make_shared<const std::vector<double>>(std::move(v));
  return a;
}

ArrayValue ArrayValue::of(ScalarType type, std::vector<std::int64_t> v, std::vector<std::int64_t> shape) {
  ArrayValue a;
  a.type = type;
  a.shape = std::move(shape);
  a.integers = std::make_shared<const std::vector<std::int64_t>>(std::move(v));
  return a;
}

std::size_t ArrayValue::size() const { return type == ScalarType::real ? reals->size() : integers->size(); }

Scalar ArrayValue::at(std::size_t flat) const {
  if (type == ScalarType::real) return Scalar::real((*reals)[flat]);
  return {type, (*integers)[flat], 0};
}

std::string to_text(const Scalar& value) {
  switch (value.type) {
    case ScalarType::boolean:
      return value.i != 0 ? "true" : "false";
    case ScalarType::integer:
      return fmt::format("{}", value.i);
    case ScalarType::real:
      break;
  }
  return fmt::format("{}", value.r);
}

namespace {

void append(std::string& out, const ArrayValue& value, std::size_t dim, std::size_t& flat) {
  if (dim == value.shape.size()) {
    const Scalar s = value.at(flat++);
    const bool label = value.labels && s.i >= 1 && s.i <= static_cast<std::int64_t>(value.labels->labels.size());
    out += label ? value.labels->labels[static_cast<std::size_t>(s.i - 1)] : to_text(s);
    return;
  }
  const bool keyed = value.keys && dim + 1 == value.shape.size();
  out += keyed ? '{' : '[';
  for (std::int64_t i = 0; i < value.shape[dim]; ++i) {
    if (i > 0) out += ", ";
    if (keyed) out += value.keys->labels[static_cast<std::size_t>(i)] + ": ";
    append(out, value, dim + 1, flat);
  }
  out += keyed ? '}' : ']';
}

}  // namespace

std::string to_text(const ArrayValue& value) {
  std::string out;
  std::size_t flat = 0;
  append(out, value, 0, flat);
  return out;
}

}  // namespace hearsay
