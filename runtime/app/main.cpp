// The command line.
#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "lang/parse/parse.h"
#include "lang/support/explain.h"
#include "lang/support/render.h"
#include "lang/syntax/print.h"
#include "runtime/app/listings.h"
#include "runtime/app/output.h"
#include "runtime/data/json.h"
#include "runtime/session/data.h"
#include "runtime/session/session.h"

namespace {

std::atomic<bool> interrupted{false};

/// As the shell says of a program that SIGPIPE ended; here where the signal is ignored.
constexpr int kBrokenPipe = 141;

void on_interrupt(int) {
  // A second Ctrl-C ends the program the ordinary way.
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);
}

int help_code(const std::string& code) {
  hearsay::DiagnosticKind kind{};
  if (!hearsay::find_code(code, kind)) {
    fmt::print(stderr, "there is no error {}; codes look like E0201\n", code);
    return 2;
  }
  const std::string_view text = hearsay::explanation(kind);
  fmt::print("{}", text.empty() ? std::string_view("no explanation has been written yet\n") : text);
  return 0;
}

/// `NAME=VALUE`; the value is JSON, or else a text. Says what is wrong with it.
std::optional<std::string> set(hearsay::Session& session, const std::string& option) {
  using namespace hearsay;
  const auto eq = option.find('=');
  if (eq == std::string::npos) return "write NAME=VALUE";
  const std::string name = option.substr(0, eq), text = option.substr(eq + 1);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.empty() || digit(name[0]) || !std::ranges::all_of(name, [&](char c) { return letter(c) || digit(c); }))
    return "write NAME=VALUE, the name of letters, digits and `_`";
  auto d = data::parse_json("--set", text);
  Value v;
  if (d)
    v = to_value(*d);
  else if (d.error().kind == DiagnosticKind::json_syntax && !text.starts_with('[') && !text.starts_with('{'))
    v.data = text;
  else
    return d.error().message;
  session.define(name, v);
  return std::nullopt;
}

/// A closed descriptor would be given to the next file that is opened, and answers would be written into that.
void keep_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) (void)open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
}

/// The exit status, once it is known whether what was printed has arrived.
int delivered(int status) {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::cout && std::ferror(stdout) == 0) return status;
  const int why = errno;
  if (why == EPIPE) return kBrokenPipe;
  fmt::print(stderr, "hearsay: cannot write to standard output{}{}\n", why == 0 ? "" : ": ",
             why == 0 ? std::string() : std::generic_category().message(why));
  return status == 0 ? 1 : status;
}

int run_command_line(int argc, char** argv) {
  using namespace hearsay;
  CLI::App app{"Hearsay: evidence that is worth something but cannot be fully trusted"};
  app.set_version_flag("--version", "hearsay 0.1.0");
  app.require_subcommand(1);
  std::string file, data_file, model, code, ir_pass;
  std::vector<std::string> sets;
  std::string backend = "auto", optimization = "O2";
  bool json = false, no_cache = false, show_ast = false, show_llvm = false, show_asm = false;
  bool no_specialise = false, no_marginalise = false, no_hoist = false;
  std::string seed = "1";
  // Read here: what the library would make of a sign or of too many digits is not what was written.
  const auto whole_number = [](const std::string& text) {
    std::uint64_t n = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    return failed == std::errc{} && end == text.data() + text.size() ? std::string()
                                                                     : text + " is no whole number from 0 to 2^64 - 1";
  };

  const auto common = [&](CLI::App* c) {
    c->add_option("FILE", file, "the script")->required();
    c->add_option("--data", data_file, "a JSON file whose fields become names");
    c->add_option("--set", sets, "a name and its value, as n=10 (may be given several times)");
    c->add_option("--seed", seed, "seed of all random numbers, from 0 to 2^64 - 1")
        ->check(whole_number)
        ->default_str("1");
    c->add_option("--backend", backend, "auto, reference (the evaluator) or jit")
        ->check(CLI::IsMember({"auto", "reference", "jit"}));
    c->add_option("--opt", optimization, "O0, O1 or O2 for native code")->check(CLI::IsMember({"O0", "O1", "O2"}));
    c->add_flag("--no-cache", no_cache, "compile anew instead of using object code from the disk");
    c->add_flag("--no-specialise", no_specialise, "leave a pass out")->group("Passes");
    c->add_flag("--no-marginalise", no_marginalise, "leave a pass out")->group("Passes");
    c->add_flag("--no-hoist", no_hoist, "leave a pass out")->group("Passes");
  };
  CLI::App* run = app.add_subcommand("run", "run a script");
  common(run);
  run->add_flag("--json", json, "one JSON object a line for every printed value");
  CLI::App* check = app.add_subcommand("check", "parse and check a script without running it");
  check->add_option("FILE", file, "the script")->required();
  check->add_option("--data", data_file, "a JSON file whose fields become names");
  check->add_option("--set", sets, "a name and its value, as n=10 (may be given several times)");
  check->add_flag("--json", json, "diagnostics as JSON");
  CLI::App* explain = app.add_subcommand(
      "explain", "what a script does: engines, what is summed out, budgets, what teach is short for");
  common(explain);
  CLI::App* fmt_command = app.add_subcommand("fmt", "print a script in canonical form");
  fmt_command->add_option("FILE", file, "the script")->required();
  CLI::App* help = app.add_subcommand("help", "explain an error code");
  help->add_option("CODE", code, "as E0201")->required();
  CLI::App* show = app.add_subcommand("show", "what becomes of a script");
  common(show);
  show->add_option("MODEL", model, "the model to show");
  show->add_flag("--ast", show_ast, "the syntax tree");
  // A flag that may have a value: by itself it does not take the file that follows for its pass.
  show->add_flag("--ir{lowered}", ir_pass,
                 "the IR: after lowering, or after --ir=PASS (specialise, marginalise, hoist)");
  show->add_flag("--llvm", show_llvm, "the LLVM IR, optimised");
  show->add_flag("--asm", show_asm, "the machine code");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (*help) return help_code(code);

  std::signal(SIGINT, on_interrupt);
  Settings settings;
  std::from_chars(seed.data(), seed.data() + seed.size(), settings.seed);
  settings.interrupt = &interrupted;
  settings.backend = backend == "reference" ? Backend::reference
                     : backend == "jit"     ? Backend::native
                                            : Backend::automatic;
  settings.jit.optimization = optimization == "O0"   ? jit::Optimization::O0
                              : optimization == "O1" ? jit::Optimization::O1
                                                     : jit::Optimization::O2;
  settings.jit.cache = !no_cache;
  settings.passes.specialise = !no_specialise;
  settings.passes.marginalise = !no_marginalise;
  settings.passes.hoist = !no_hoist;

  SessionOutput output;
  std::unique_ptr<Session> session;
  output.print = [&](const Printed& p) { app::print_value(p, json); };
  output.note = [&](const std::string& text) { app::print_note(text, json); };
  output.diagnostic = [&](const Diagnostic& d) {
    std::cout.flush();
    // While the session itself starts there is no source text to point into yet.
    static const SourceManager none;
    const SourceManager& sources = session ? session->sources() : none;
    const std::string text = json ? render_json(d, sources) : render_text(d, sources);
    std::fwrite(text.data(), 1, text.size(), stderr);
    if (!text.empty() && text.back() != '\n') std::fputc('\n', stderr);
  };
  try {
    session = std::make_unique<Session>(settings, output);
    if (*fmt_command || (*show && show_ast)) return app::print_tree(*session, file, static_cast<bool>(*fmt_command));
    if (!data_file.empty()) {
      auto d = data::read_json(data_file);
      if (!d) {
        output.diagnostic(d.error());
        return 1;
      }
      const Value v = to_value(*d);
      const Record* r = v.record();
      if (r == nullptr) {
        output.diagnostic(diagnose<DiagnosticKind::bad_option>(
            {}, "--data " + data_file, "the file holds one value, and names for none: write a JSON object"));
        return 2;
      }
      for (const auto& [name, value] : *r) session->define(name, value);
    }
    for (const std::string& s : sets)
      if (const auto wrong = set(*session, s)) {
        output.diagnostic(diagnose<DiagnosticKind::bad_option>({}, "--set " + s, *wrong));
        return 2;
      }
    if (*show) return app::show(*session, file, model, ir_pass, show->count("--ir") > 0, show_llvm, show_asm);
    if (*explain) session->set_explain(true);
    const std::size_t errors = *check ? session->check_file(file) : session->run_file(file);
    std::cout.flush();
    if (interrupted) return 130;
    if (!json && session->expectations() > 0 && *run)
      fmt::print(stderr, "{} of {} expectations hold\n", session->expectations() - session->failed_expectations(),
                 session->expectations());
    return errors == 0 ? 0 : 1;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hearsay: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "hearsay: internal error, please report it: {}\n", e.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  return delivered(run_command_line(argc, argv));
}
