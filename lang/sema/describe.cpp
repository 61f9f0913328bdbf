#include "lang/sema/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearsay {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "a scalar" : fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string describe(const Sym& s) {
  if (s.other) {
    if (s.other->string()) return "a string";
    if (s.other->record()) return "a record";
    if (const auto o = s.other->object<Object>()) return "a " + o->kind();
    return "nothing";
  }
  std::string what = s.labels ? "labels of " + s.labels->name
                              : (s.type == ScalarType::boolean   ? "bool"
                                 : s.type == ScalarType::integer ? "int"
                                                                 : "real");
  return s.shape.empty() ? what : what + shape_text(s.shape);
}

}  // namespace hearsay
