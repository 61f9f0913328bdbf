#include "lang/check/type.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearsay::check {

Type type_of(const Value& v) {
  using Base = Type::Base;
  const ArrayValue* a = v.array();
  if (a == nullptr) {
    if (v.string() != nullptr) return Type::of(Base::text);
    if (v.record() != nullptr) return Type::of(Base::record);
    return Type::of(Base::object);
  }
  Type t;
  t.base = a->labels                        ? Base::label
           : a->type == ScalarType::boolean ? Base::boolean
           : a->type == ScalarType::integer ? Base::integer
                                            : Base::real;
  t.labels = a->labels;
  t.keys = a->keys;
  t.dims.assign(a->shape.begin(), a->shape.end());
  if (a->is_scalar() && t.number()) t.value = a->at(0).as_real();
  return t;
}

std::string shape_text(const Type& t) {
  if (!t.ranked) return "an unknown shape";
  if (t.dims.empty()) return "a scalar";
  std::vector<std::string> sizes;
  for (const auto& d : t.dims) sizes.push_back(d ? std::to_string(*d) : "?");
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

std::string describe(const Type& t) {
  std::string name;
  switch (t.base) {
    case Type::Base::unknown:
      name = "something";
      break;
    case Type::Base::boolean:
      name = "bool";
      break;
    case Type::Base::integer:
      name = "int";
      break;
    case Type::Base::real:
      name = "real";
      break;
    case Type::Base::label:
      name = t.labels ? "labels of " + t.labels->name : "a label";
      break;
    case Type::Base::text:
      return "a string";
    case Type::Base::record:
      return "a record";
    case Type::Base::object:
      return t.model.empty() ? "an object" : "a posterior";
  }
  return t.array() ? name + shape_text(t) : name;
}

bool may_agree(const Type& a, const Type& b) {
  if (!a.ranked || !b.ranked) return true;
  if (a.dims.size() != b.dims.size()) return false;
  for (std::size_t d = 0; d < a.dims.size(); ++d)
    if (a.dims[d] && b.dims[d] && *a.dims[d] != *b.dims[d]) return false;
  return true;
}

}  // namespace hearsay::check
