// docs/distributions.md is made from the declarations, and the reference names every function. With HEARSAY_UPDATE set
// in the environment the file is written anew.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "lang/parse/parse.h"
#include "lang/syntax/print.h"
#include "stdlib/embedded.h"
#include "tests/dist/library.h"

namespace hearsay::dist_test {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

const ast::DistDecl::Member* member(const ast::DistDecl& d, std::string_view name) {
  for (const auto& m : d.members)
    if (m.name.text == name) return &m;
  return nullptr;
}

/// `dist normal(mu: real, sigma: positive) over real {` without its first and last word.
std::string heading(const ast::Stmt& s) {
  const std::string text = ast::print(s);
  return text.substr(5, text.find(" {") - 5);
}

std::string entry(const ast::Stmt& s) {
  const auto& d = std::get<ast::DistDecl>(s.node);
  std::string text = fmt::format("### {}\n\n`{}`\n\n", d.name.text, heading(s));
  if (const auto* doc = member(d, "doc")) {
    const std::string quoted = ast::print(*doc->value);
    text += quoted.substr(1, quoted.size() - 2) + "\n\n";
  }
  for (const char* name : {"logp", "logp_at"})
    if (const auto* m = member(d, name))
      text += fmt::format("    {}({}) = {}\n\n", name, m->arguments.at(0).text, ast::print(*m->value));
  return text;
}

std::string page() {
  std::string text =
      "# Distributions\n\nMade from the declarations in `stdlib/`, which are the authority. Names and parameters are "
      "those of Stan where Stan has\nthe distribution. `logp` is the log density (nats) inside the support; outside it "
      "is -inf. Arguments outside their types\nare errors.\n\n";
  for (const stdlib::File& f : stdlib::files()) {
    SourceManager sources;
    DiagnosticSink sink;
    const ast::Script script = parse_script(sources, sources.add(std::string(f.name), std::string(f.text)), sink);
    std::string entries;
    for (const ast::StmtPtr& s : script.statements)
      if (std::holds_alternative<ast::DistDecl>(s->node)) entries += entry(*s);
    if (entries.empty()) continue;
    // The first line of a file is a comment that says what is in it.
    const std::string title(f.text.substr(2, f.text.find_first_of(".\n") - 2));
    text += fmt::format("## {}\n\n", title) + entries;
  }
  text.pop_back();
  return text;
}

TEST_CASE("docs/distributions.md is what the declarations say") {
  const std::string path = std::string(HEARSAY_SOURCE_FOLDER) + "/docs/distributions.md";
  const std::string wanted = page();
  if (std::getenv("HEARSAY_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  CHECK_MESSAGE(read(path) == wanted, "run this test with HEARSAY_UPDATE=1 and look at the difference");
}

TEST_CASE("the language reference names every function") {
  const std::string reference = read(std::string(HEARSAY_SOURCE_FOLDER) + "/docs/language.md");
  const auto named = [&](const std::string& name) {
    // As a whole word.
    const auto part_of_word = [&](std::size_t at) {
      return at < reference.size() &&
             (std::isalnum(static_cast<unsigned char>(reference[at])) != 0 || reference[at] == '_');
    };
    for (auto at = reference.find(name); at != std::string::npos; at = reference.find(name, at + 1))
      if ((at == 0 || !part_of_word(at - 1)) && !part_of_word(at + name.size())) return true;
    return false;
  };
  for (const Op op : all_ops()) {
    // Operators, and what has no name in the language.
    if (info(op).symbol.empty() || op == Op::soft_event || op == Op::pow) continue;
    CAPTURE(info(op).name);
    CHECK(named(std::string(info(op).name)));
  }
  const stdlib::File* functions = stdlib::find("functions.hsy");
  REQUIRE(functions != nullptr);
  SourceManager sources;
  DiagnosticSink sink;
  const ast::Script script = parse_script(sources, sources.add("functions.hsy", std::string(functions->text)), sink);
  for (const ast::StmtPtr& s : script.statements) {
    const auto& fn = std::get<ast::FnDecl>(s->node);
    CAPTURE(fn.name.text);
    CHECK(named(fn.name.text));
  }
}

}  // namespace
}  // namespace hearsay::dist_test
