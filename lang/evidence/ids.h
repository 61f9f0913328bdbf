// Who is charged, and which statement claims.
#pragma once

#include <cstdint>

namespace hearsay::evidence {

/// A statement of the script. Its claims are numbered within it, so that submitting one again replaces it.
enum class SiteId : std::uint32_t {};

/// A source within one ledger.
enum class SourceId : std::uint32_t {};

}  // namespace hearsay::evidence
