#include "lang/sema/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/support/suggest.h"

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

std::string unknown_name_help(const Environment& environment, const std::string& name,
                              std::span<const std::string> candidates) {
  if (environment.models.contains(name))
    return fmt::format("`{0}` is a model: ask it something, as in `E(x | {0})`, or write `infer {0}`", name);
  if (environment.functions.contains(name)) return fmt::format("`{0}` is a function: `{0}(…)`", name);
  if (environment.distributions.contains(name)) return fmt::format("`{0}` is a distribution: `x ~ {0}(…);`", name);
  if (environment.sources.contains(name)) return fmt::format("`{0}` is a source: `soft observe … from {0};`", name);
  if (environment.maps.contains(name)) return fmt::format("`{0}` is a map: `{0}(EVENT)`", name);
  if (environment.alphabets.contains(name))
    return fmt::format("`{}` is an alphabet; its tokens are written by themselves", name);
  const std::string near = nearest_name(name, candidates);
  return near.empty() ? "" : fmt::format("did you mean `{}`?", near);
}

}  // namespace hearsay
