// Any bytes through parser, declarations, model lowering, passes and grounding: errors are fine, crashes are not.
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/session/session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20000) return 0;
  hearsay::Settings settings;
  settings.backend = hearsay::Backend::reference;
  hearsay::Session session(settings, {});
  session.set_explain(true);  // no answers are computed; everything before them is
  const std::size_t errors = session.check_text("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  if (errors == 0)
    for (const auto& [name, model] : session.environment().models) {
      auto lowered = session.lower_model(name);
      if (!lowered) continue;
      auto module = (*lowered)->module_with_horizon(3);
      hearsay::pass::run(module, {}, {});
      (void)hearsay::pass::ground(module);
    }
  return 0;
}
