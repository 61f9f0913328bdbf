// Bytes in a file that is always whole: whatever happens while it is written, it holds either what it held before or
// what it was to hold.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "runtime/infer/nuts/settings.h"

namespace hearsay::nuts {

/// Writes a file beside `path` (with ".new" added to its name) to the disk, and puts it in the place of `path`.
[[nodiscard]] std::optional<Error> write_checkpoint(const std::string& path, std::span<const std::byte> bytes);
[[nodiscard]] tl::expected<std::vector<std::byte>, Error> read_checkpoint(const std::string& path);

}  // namespace hearsay::nuts
