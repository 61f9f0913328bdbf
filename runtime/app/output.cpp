#include "runtime/app/output.h"

#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

namespace hearsay::app {

namespace {

using Json = nlohmann::ordered_json;

Json number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Inf" : "-Inf";
  return v;
}

Json element(const ArrayValue& a, std::size_t flat) {
  const Scalar s = a.at(flat);
  if (a.labels && s.i >= 1) return a.labels->labels[static_cast<std::size_t>(s.i - 1)];
  if (s.type == ScalarType::boolean) return s.i != 0;
  if (s.type == ScalarType::integer) return s.i;
  return number(s.r);
}

Json array(const ArrayValue& a, std::size_t dim, std::size_t& flat) {
  if (dim == a.shape.size()) return element(a, flat++);
  const bool keyed = a.keys && dim + 1 == a.shape.size();
  Json j = keyed ? Json::object() : Json::array();
  for (std::int64_t i = 0; i < a.shape[dim]; ++i) {
    if (keyed)
      j[a.keys->labels[static_cast<std::size_t>(i)]] = array(a, dim + 1, flat);
    else
      j.push_back(array(a, dim + 1, flat));
  }
  return j;
}

Json to_json(const Value& v) {
  if (const ArrayValue* a = v.array()) {
    std::size_t flat = 0;
    return array(*a, 0, flat);
  }
  if (const std::string* s = v.string()) return *s;
  if (const Record* r = v.record()) {
    Json j = Json::object();
    for (const auto& [name, value] : *r) j[name] = to_json(value);
    return j;
  }
  if (const auto t = v.object<TextObject>()) return Json::parse(t->json, nullptr, false);
  if (const auto o = v.object<Object>()) return o->kind();
  return nullptr;
}

}  // namespace

void print_value(const Printed& p, bool json) {
  if (json) {
    Json j{{"expression", p.expression}, {"value", to_json(p.value)}};
    if (p.exact)
      j["exact"] = true;
    else if (!p.accuracy.empty() && !(p.drawn && p.value.error == 0))
      j["error_bound"] = number(p.value.error);
    if (p.drawn) j["drawn"] = true;
    std::cout << j.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    return;
  }
  if (p.value.string() != nullptr || p.value.object<TextObject>())
    std::cout << p.text << '\n';
  else
    std::cout << p.expression << " = " << p.text << (p.accuracy.empty() ? "" : "  (" + p.accuracy + ")") << '\n';
}

void print_note(const std::string& text, bool json) {
  if (json)
    std::cout << Json{{"note", text}}.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  else
    std::cout << text << '\n';
}

}  // namespace hearsay::app
