// `export VALUE to "FILE";`: what each kind of value looks like in a file.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "lang/support/text_file.h"
#include "runtime/data/csv.h"
#include "runtime/data/json.h"
#include "runtime/draws/stan_csv.h"
#include "runtime/session/data.h"
#include "runtime/session/session.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

std::string label(const ArrayValue& a, std::size_t flat) {
  return a.labels->labels[static_cast<std::size_t>(a.at(flat).i - 1)];
}

/// The elements first, first + stride, … of an array as a column.
data::Column column(std::string name, const ArrayValue& a, std::size_t first = 0, std::size_t stride = 1) {
  const auto chosen = [&](auto of) {
    std::vector<decltype(of(first))> values;
    for (std::size_t flat = first; flat < a.size(); flat += stride) values.push_back(of(flat));
    return values;
  };
  data::Column c;
  c.name = std::move(name);
  if (a.labels)
    c.values = chosen([&](std::size_t flat) { return label(a, flat); });
  else if (a.type == ScalarType::real)
    c.values = chosen([&](std::size_t flat) { return a.at(flat).r; });
  else if (a.type == ScalarType::boolean)
    c.values = chosen([&](std::size_t flat) { return a.at(flat).truth(); });
  else
    c.values = chosen([&](std::size_t flat) { return a.at(flat).i; });
  return c;
}

data::DataValue to_data(const Value& v);

data::DataValue array_data(const ArrayValue& a) {
  const std::vector<std::size_t> shape(a.shape.begin(), a.shape.end());
  if (a.keys && !shape.empty() && shape.back() == a.keys->labels.size()) {
    // What is indexed by labels keeps them: a field for each, with what the other dimensions leave.
    data::DataRecord record;
    for (std::size_t k = 0; k < shape.back(); ++k) {
      ArrayValue part = a;
      part.keys = nullptr;
      part.shape.pop_back();
      std::vector<double> reals;
      std::vector<std::int64_t> integers;
      for (std::size_t flat = k; flat < a.size(); flat += shape.back()) {
        if (a.type == ScalarType::real)
          reals.push_back(a.at(flat).r);
        else
          integers.push_back(a.at(flat).i);
      }
      part.reals = std::make_shared<const std::vector<double>>(std::move(reals));
      part.integers = std::make_shared<const std::vector<std::int64_t>>(std::move(integers));
      record.fields.push_back({a.keys->labels[k], array_data(part)});
    }
    return {std::move(record)};
  }
  data::Column c = column("", a);
  return std::visit(
      [&](auto& values) -> data::DataValue {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if (shape.empty()) return {static_cast<T>(values.at(0))};
        return {data::DataArray<T>{shape, std::move(values)}};
      },
      c.values);
}

data::DataValue to_data(const Value& v) {
  if (const std::string* s = v.string()) return {*s};
  if (const Record* r = v.record()) {
    data::DataRecord record;
    for (const auto& [name, value] : *r) record.fields.push_back({name, to_data(value)});
    return {std::move(record)};
  }
  return array_data(*v.array());
}

/// A value as columns; nothing if it is no table, and then `refusal` says what it is.
std::optional<std::vector<data::Column>> to_columns(const Value& v, std::string& refusal) {
  const auto refuse = [&](std::string what) {
    refusal = std::move(what);
    return std::nullopt;
  };
  std::vector<data::Column> columns;
  if (const Record* r = v.record()) {
    for (const auto& [name, field] : *r) {
      const ArrayValue* a = field.array();
      if (a == nullptr || a->shape.size() != 1)
        return refuse(fmt::format("the field `{}`, which is no array of one dimension", name));
      columns.push_back(column(name, *a));
    }
    return columns;
  }
  const ArrayValue* a = v.array();
  if (a == nullptr) return refuse("a text");
  if (a->shape.size() > 2) return refuse(fmt::format("an array of {} dimensions", a->shape.size()));
  if (a->shape.size() == 2) {
    const auto width = static_cast<std::size_t>(a->shape[1]);
    for (std::size_t k = 0; k < width; ++k)
      columns.push_back(
          column(a->keys && a->keys->labels.size() == width ? a->keys->labels[k] : fmt::format("column_{}", k + 1), *a,
                 k, width));
    return columns;
  }
  if (a->keys && a->shape.size() == 1) {
    columns.push_back({"value", a->keys->labels});
    columns.push_back(column("probability", *a));
    // Labels may name other things than the outcomes of a distribution.
    double sum = 0;
    for (std::size_t flat = 0; flat < a->size(); ++flat) sum += a->at(flat).as_real();
    if (!(std::abs(sum - 1) < 1e-6)) columns[0].name = "label", columns[1].name = "value";
    return columns;
  }
  columns.push_back(column("value", *a));
  return columns;
}

}  // namespace

Result<void> export_value(const Sym& value, const std::string& path, SourceSpan from,
                          const std::function<Sym(const Posterior&)>& summary) {
  const bool csv = path.ends_with(".csv");
  if (!csv && !path.ends_with(".json")) {
    Diagnostic d = diagnose<K::not_exportable>(from, path, "a value: the ending of its name says no format");
    d.help = "write `.json`, or `.csv` for a table";
    return fail(std::move(d));
  }
  const auto refused = [&](const std::string& what) {
    Diagnostic d = diagnose<K::not_exportable>(from, path, what);
    d.help = csv ? "a `.json` file can hold it if it is data, a ledger or a summary" : "export what is asked of it";
    return fail(std::move(d));
  };
  Sym s = value;
  if (s.other)
    if (const auto p = s.other->object<Posterior>()) {
      if (csv) {
        auto drawn = p->draws();
        if (!drawn) return fail(std::move(drawn).error());
        if (*drawn != nullptr) return write_stan_csv(path, {(*drawn)->draws, {}}, from);
      }
      s = summary(*p);
    }
  Value v;
  if (s.other)
    v = *s.other;
  else
    v.data = *s.known;
  if (const auto text = v.object<TextObject>()) {
    if (!csv) return write_text_file(path, nlohmann::ordered_json::parse(text->json).dump(2) + "\n", from);
    if (text->columns.empty()) return refused("a " + text->what);
    return data::write_csv(path, text->columns, from);
  }
  if (const auto object = v.object<Object>()) return refused("a " + object->kind());
  if (!csv) return data::write_json(path, to_data(v), from);
  std::string refusal;
  const auto columns = to_columns(v, refusal);
  if (!columns) return refused(refusal);
  return data::write_csv(path, *columns, from);
}

}  // namespace hearsay
