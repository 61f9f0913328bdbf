// The standard library, as the bytes of its files.
#pragma once

#include <span>
#include <string_view>

namespace hearsay::stdlib {

/// One file of stdlib; `name` without its folder ("finite.hsy").
struct File {
  std::string_view name;
  std::string_view text;
};

/// All of them, in the order of their names. Defined in a generated file (.cmake/embed.cmake).
[[nodiscard]] std::span<const File> files();

/// The file of that name, or null.
[[nodiscard]] const File* find(std::string_view name);

}  // namespace hearsay::stdlib
