#include "lang/support/diagnostic.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace hearsay;

TEST_CASE("diagnostic: codes are unique, well formed and found again") {
  std::set<std::string_view> codes;
  std::set<std::string_view> names;
  for (const DiagnosticKind kind : all_diagnostic_kinds()) {
    const std::string_view text = code(kind);
    CAPTURE(text);
    CHECK(codes.insert(text).second);
    CHECK(names.insert(identifier(kind)).second);
    REQUIRE(text.size() == 5);
    CHECK((text[0] == 'E' || text[0] == 'W'));
    CHECK((text[0] == 'W') == (severity(kind) == Severity::warning));
    CHECK(text.find_first_not_of("0123456789", 1) == std::string_view::npos);
    DiagnosticKind found{};
    REQUIRE(find_code(text, found));
    CHECK(found == kind);
  }
  DiagnosticKind untouched = DiagnosticKind::unknown_name;
  CHECK_FALSE(find_code("E9999", untouched));
  CHECK_FALSE(find_code("", untouched));
  CHECK(untouched == DiagnosticKind::unknown_name);
}

TEST_CASE("diagnostic: the message is the catalogue's format with its arguments") {
  const Diagnostic d = diagnose<DiagnosticKind::unknown_name>({FileId{1}, 2, 5}, "latent", "x")
                           .label({FileId{1}, 0, 1}, "here")
                           .with_help("so");
  CHECK(d.kind == DiagnosticKind::unknown_name);
  CHECK(d.primary == SourceSpan{FileId{1}, 2, 5});
  CHECK(d.message == "there is no latent called `x` here");
  REQUIRE(d.labels.size() == 1);
  CHECK(d.labels[0].text == "here");
  CHECK(d.help == "so");
}

TEST_CASE("diagnostic: a sink counts errors and hands over what it has") {
  DiagnosticSink sink;
  CHECK_FALSE(sink.has_errors());
  sink.report(diagnose<DiagnosticKind::recursion>({}, "f"));
  sink.report(diagnose<DiagnosticKind::recursion>({}, "g"));
  CHECK(sink.error_count() == 2);
  const std::vector<Diagnostic> all = sink.take();
  REQUIRE(all.size() == 2);
  CHECK(all[0].message == "`f` calls itself");
  CHECK(sink.all().empty());
  CHECK_FALSE(sink.has_errors());
}

TEST_CASE("diagnostic: a result is a value or the reason why not") {
  const auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return fail(diagnose<DiagnosticKind::recursion>({}, "odd"));
    return n / 2;
  };
  CHECK(half(4).value() == 2);
  REQUIRE_FALSE(half(3).has_value());
  CHECK(half(3).error().kind == DiagnosticKind::recursion);
}
