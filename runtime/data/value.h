// What a data file holds: a scalar, a rectangular array, or a record of such values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hearsay::data {

struct DataValue;
struct DataField;

/// Row-major values (last index fastest) of one type; `shape` has one entry a dimension and their product is
/// values.size().
template <class T>
struct DataArray {
  std::vector<std::size_t> shape;
  std::vector<T> values;

  friend bool operator==(const DataArray&, const DataArray&) = default;
};

/// Named values in the order of the file; names are distinct.
struct DataRecord {
  std::vector<DataField> fields;

  [[nodiscard]] const DataValue* find(std::string_view name) const;
  friend bool operator==(const DataRecord&, const DataRecord&);
};

struct DataValue {
  using Variant = std::variant<std::int64_t, double, bool, std::string, DataArray<std::int64_t>, DataArray<double>,
                               DataArray<bool>, DataArray<std::string>, DataRecord>;
  Variant value;

  template <class T>
  [[nodiscard]] const T* get_if() const {
    return std::get_if<T>(&value);
  }
  friend bool operator==(const DataValue&, const DataValue&) = default;
};

struct DataField {
  std::string name;
  DataValue value;

  friend bool operator==(const DataField&, const DataField&) = default;
};

/// One column of a table.
struct Column {
  std::string name;
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<bool>, std::vector<std::string>> values;

  [[nodiscard]] std::size_t size() const;
};

/// A table as data: a record of one-dimensional arrays, in the order of the columns.
[[nodiscard]] DataValue to_record(std::vector<Column> columns);

/// Where the first NaN stands, as a path like `y[3, 1]` (indices from 1) that begins with `name`; nothing if there is
/// none.
[[nodiscard]] std::optional<std::string> find_nan(const DataValue& value, std::string_view name = "");

/// "an int", "a real[3, 4]", "a text", "a record": for messages.
[[nodiscard]] std::string describe(const DataValue& value);

}  // namespace hearsay::data
