// The lowerer of top-level expressions: everything is known, nothing becomes IR.
#pragma once

#include "lang/sema/lowerer.h"
#include "runtime/session/session.h"

namespace hearsay {

struct Session::Top final : public Lowerer {
  explicit Top(const Environment& environment) : Lowerer(environment, std::make_shared<ir::Module>()) {}

  Sym comprehension(const std::vector<ast::Binder>& binders, const ast::Expr& body, SourceSpan span) {
    return from_binders(
        binders, [&] { return eval(body); }, span);
  }
  /// Told of each name of the script whose value is read.
  std::function<void(const std::string&)> on_read;

  /// After an error was thrown through: scopes and guards as at the start of a statement.
  void reset() {
    scopes_.resize(1);
    scope_floor_ = 0;
    guards_.clear();
    calls_.clear();
  }

protected:
  std::optional<Sym> special_name(const std::string& name, SourceSpan) override {
    if (on_read) on_read(name);
    return std::nullopt;
  }
};

}  // namespace hearsay
