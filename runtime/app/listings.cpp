#include "runtime/app/listings.h"

#include <fmt/format.h>

#include <iostream>

#include "lang/parse/parse.h"
#include "lang/pass/pass.h"
#include "lang/support/render.h"
#include "lang/syntax/print.h"
#include "runtime/session/data.h"

namespace hearsay::app {

namespace {

int complain(Session& session, const Diagnostic& d) {
  std::cerr << render_text(d, session.sources()) << '\n';
  return 1;
}

}  // namespace

int print_tree(Session& session, const std::string& file, bool canonical) {
  auto text = read_text(file);
  if (!text) return complain(session, text.error());
  DiagnosticSink sink;
  const ast::Script script = parse_script(session.sources(), session.sources().add(file, *std::move(text)), sink);
  for (const Diagnostic& d : sink.all()) complain(session, d);
  if (sink.has_errors()) return 1;
  std::cout << (canonical ? ast::print(script) : ast::dump(script));
  return 0;
}

int show(Session& session, const std::string& file, const std::string& model, const std::string& ir_pass, bool ir,
         bool llvm, bool assembly) {
  if (session.check_file(file) > 0) return 1;
  if (model.empty()) {
    fmt::print(stderr, "say which model to show\n");
    return 2;
  }
  auto lowered = session.lower_model(model);
  if (!lowered) return complain(session, lowered.error());
  ir::Module module = (*lowered)->module_with_horizon(std::max<std::int64_t>(1, (*lowered)->evidence_horizon()));
  const std::string pass = ir_pass.empty() ? "lowered" : ir_pass;
  if (ir && pass == "lowered") {
    std::cout << ir::print(module);
    return 0;
  }
  if (ir) {
    const auto& names = pass::pass_names();
    if (std::find(names.begin(), names.end(), pass) == names.end()) {
      fmt::print(stderr, "there is no pass {}; there are lowered, specialise, marginalise and hoist\n", pass);
      return 2;
    }
    pass::Pipeline pipeline = session.settings().passes;
    pipeline.observer = [&](const std::string& name, const ir::Module& m) {
      if (name == pass) std::cout << ir::print(m);
    };
    pass::run(module, {}, pipeline);
    return 0;
  }
  if (llvm || assembly) {
    pass::run(module, {}, session.settings().passes);
    auto grounding = pass::ground(module);
    if (!grounding) return complain(session, grounding.error());
    auto text = jit::listing(module, *grounding, session.settings().jit,
                             assembly ? jit::Listing::assembly : jit::Listing::llvm_optimized);
    if (!text) return complain(session, text.error());
    std::cout << *text;
    return 0;
  }
  fmt::print(stderr, "say what to show: --ast, --ir, --llvm or --asm\n");
  return 2;
}

}  // namespace hearsay::app
