// A session whose answers and complaints are collected: texts are run one after the other, as a REPL runs its lines.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/session/session.h"

namespace hearsay::test {

class Running {
public:
  explicit Running(Settings settings = {}) : session_(std::move(settings), output()) {}

  /// Runs a text; what it prints and complains of replaces what the last one did.
  std::size_t run(const std::string& text) {
    printed.clear();
    notes.clear();
    diagnostics.clear();
    return session_.run_text("line " + std::to_string(++lines_), text);
  }
  /// The number that a text prints last.
  double number(const std::string& text) {
    const std::size_t errors = run(text);
    CAPTURE(text);
    CAPTURE(complaints());
    REQUIRE(errors == 0);
    REQUIRE_FALSE(printed.empty());
    const ArrayValue* a = printed.back().value.array();
    REQUIRE(a != nullptr);
    return a->at(0).as_real();
  }
  /// What a text prints last, of the kinds that are printed as they are (ledger, summary).
  nlohmann::json json(const std::string& text) {
    const std::size_t errors = run(text);
    CAPTURE(complaints());
    REQUIRE(errors == 0);
    REQUIRE_FALSE(printed.empty());
    const auto object = printed.back().value.object<TextObject>();
    REQUIRE(object != nullptr);
    return nlohmann::json::parse(object->json);
  }
  [[nodiscard]] std::string complaints() const {
    std::string all;
    for (const Diagnostic& d : diagnostics) all += std::string(code(d.kind)) + ": " + d.message + "\n" + d.help + "\n";
    return all;
  }
  [[nodiscard]] Session& session() { return session_; }

  std::vector<Printed> printed;
  std::vector<std::string> notes;
  std::vector<Diagnostic> diagnostics;

private:
  SessionOutput output() {
    return {[this](const Printed& p) { printed.push_back(p); },
            [this](const Diagnostic& d) { diagnostics.push_back(d); },
            [this](const std::string& n) { notes.push_back(n); }};
  }

  Session session_;
  int lines_ = 0;
};

}  // namespace hearsay::test
