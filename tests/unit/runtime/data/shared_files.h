// Data files that stand beside the project and may be absent.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace hearsay::test {

/// The path of a file or folder in the folder that HEARSAY_SHARED names; nothing (and a message) when it is not there.
inline std::optional<std::filesystem::path> shared_path(const std::string& name) {
  const char* root = std::getenv("HEARSAY_SHARED");
  if (root != nullptr) {
    std::filesystem::path path = std::filesystem::path(root) / name;
    if (std::filesystem::exists(path)) return path;
  }
  MESSAGE("skipped: no " << name << " under HEARSAY_SHARED");
  return std::nullopt;
}

}  // namespace hearsay::test
