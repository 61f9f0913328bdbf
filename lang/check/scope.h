// Guards of the checker's scopes. Internal to lang/check.
#pragma once

#include "lang/check/checker.h"

namespace hearsay::check {

struct Checker::Scope {
  Checker& owner;
  std::size_t depth, floor;
  explicit Scope(Checker& o, bool opaque = false) : owner(o), depth(o.scopes_.size()), floor(o.floor_) {
    if (opaque) owner.floor_ = depth;
    owner.scopes_.emplace_back();
  }
  ~Scope() {
    owner.scopes_.resize(depth);
    owner.floor_ = floor;
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
};

/// A first look whose complaints are not wanted: an array that reads itself has no type before.
struct Checker::Muted {
  Checker& owner;
  DiagnosticSink silent;
  DiagnosticSink* outer;
  std::set<std::string> reported;
  explicit Muted(Checker& o) : owner(o), outer(o.sink_), reported(o.reported_) { owner.sink_ = &silent; }
  ~Muted() {
    owner.sink_ = outer;
    owner.reported_ = std::move(reported);
  }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;
};

}  // namespace hearsay::check
