#include "lang/support/large.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstdint>

namespace hearsay {

void prefer_large_pages(void* from, std::size_t bytes) noexcept {
  constexpr std::size_t large = std::size_t{1} << 21;
  constexpr std::uintptr_t page = 4096;
  if (bytes < 2 * large) return;
#if defined(__linux__)
  const std::size_t before = (page - reinterpret_cast<std::uintptr_t>(from) % page) % page;
  const std::size_t whole = (bytes - before) / page * page;
  // What this returns does not matter: without large pages everything still works.
  (void)madvise(static_cast<char*>(from) + before, whole, MADV_HUGEPAGE);
#else
  (void)from;
  (void)page;
#endif
}

}  // namespace hearsay
