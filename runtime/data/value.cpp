#include "runtime/data/value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <type_traits>
#include <utility>

namespace hearsay::data {
namespace {

template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return "an int";
  } else if constexpr (std::is_same_v<T, double>) {
    return "a real";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "a bool";
  } else {
    return "a text";
  }
}

/// The indices, from 1, of a row-major position.
std::string indices_of(std::size_t position, const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> indices(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    indices[d] = position % shape[d] + 1;
    position /= shape[d];
  }
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

struct Describe {
  template <class T>
  std::string operator()(const T&) const {
    return std::string(type_name<T>());
  }
  template <class T>
  std::string operator()(const DataArray<T>& a) const {
    return fmt::format("{}[{}]", type_name<T>(), fmt::join(a.shape, ", "));
  }
  std::string operator()(const DataRecord&) const { return "a record"; }
};

}  // namespace

const DataValue* DataRecord::find(std::string_view name) const {
  for (const DataField& field : fields)
    if (field.name == name) return &field.value;
  return nullptr;
}

bool operator==(const DataRecord& a, const DataRecord& b) { return a.fields == b.fields; }

std::size_t Column::size() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

DataValue to_record(std::vector<Column> columns) {
  DataRecord record;
  record.fields.reserve(columns.size());
  for (Column& column : columns) {
    DataValue value = std::visit(
        [](auto& v) {
          const std::size_t n = v.size();
          return DataValue{DataArray<typename std::remove_reference_t<decltype(v)>::value_type>{{n}, std::move(v)}};
        },
        column.values);
    record.fields.push_back({std::move(column.name), std::move(value)});
  }
  return {std::move(record)};
}

std::optional<std::string> find_nan(const DataValue& value, std::string_view name) {
  if (const auto* x = value.get_if<double>(); x != nullptr && std::isnan(*x)) return std::string(name);
  if (const auto* a = value.get_if<DataArray<double>>()) {
    for (std::size_t i = 0; i < a->values.size(); ++i)
      if (std::isnan(a->values[i])) return std::string(name) + indices_of(i, a->shape);
  }
  if (const auto* record = value.get_if<DataRecord>()) {
    for (const DataField& field : record->fields) {
      const std::string path = name.empty() ? field.name : fmt::format("{}.{}", name, field.name);
      if (auto found = find_nan(field.value, path)) return found;
    }
  }
  return std::nullopt;
}

std::string describe(const DataValue& value) { return std::visit(Describe{}, value.value); }

}  // namespace hearsay::data
