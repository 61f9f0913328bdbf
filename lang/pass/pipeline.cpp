// The order of the passes; nothing else knows it.
#include "lang/pass/pass.h"

namespace hearsay::pass {

const std::vector<std::string>& pass_names() {
  static const std::vector<std::string> names{"specialise", "marginalise", "hoist"};
  return names;
}

double run(ir::Module& module, const Kept& kept, const Pipeline& pipeline) {
  double error = 0;
  const auto seen = [&](const std::string& name) {
    if (pipeline.observer) pipeline.observer(name, module);
  };
  if (pipeline.specialise) {
    specialise(module);
    seen("specialise");
  }
  if (pipeline.marginalise) {
    marginalise_plates(module, kept);
    seen("marginalise");
  }
  if (pipeline.hoist) {
    hoist(module, error);
    seen("hoist");
  }
  if (pipeline.specialise) specialise(module);
  return error;
}

}  // namespace hearsay::pass
