#include "jit/engine/build_id.h"

#include <link.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace hearsay::jit {
namespace {

struct Search {
  std::uintptr_t address;  ///< something inside the object that we look for
  std::string id;
};

constexpr std::size_t padded(std::size_t n) { return (n + 3) & ~std::size_t{3}; }

constexpr std::array gnu{'G', 'N', 'U', '\0'};  // a note's name has its end mark

std::string read_notes(const char* note, std::size_t size) {
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, note, sizeof head);
    const std::size_t name_at = sizeof head;
    const std::size_t body_at = name_at + padded(head.n_namesz);
    const std::size_t end = body_at + padded(head.n_descsz);
    if (end > size) break;
    if (head.n_type == NT_GNU_BUILD_ID && std::ranges::equal(std::span(note + name_at, head.n_namesz), gnu)) {
      constexpr std::string_view hex = "0123456789abcdef";
      std::string id;
      for (std::size_t i = 0; i < head.n_descsz; ++i) {
        const auto byte = static_cast<unsigned char>(note[body_at + i]);
        id += hex[byte >> 4U];
        id += hex[byte & 15U];
      }
      return id;
    }
    note += end;
    size -= end;
  }
  return {};
}

int visit(dl_phdr_info* object, std::size_t, void* state) {
  auto& search = *static_cast<Search*>(state);
  bool ours = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const auto begin = object->dlpi_addr + segment.p_vaddr;
    ours = ours || (segment.p_type == PT_LOAD && search.address >= begin && search.address < begin + segment.p_memsz);
  }
  if (!ours) return 0;
  for (int i = 0; i < object->dlpi_phnum && search.id.empty(); ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // The loader gives an object's base as a number. NOLINTNEXTLINE(performance-no-int-to-ptr)
    search.id = read_notes(reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr), segment.p_memsz);
  }
  return 1;
}

}  // namespace

std::string own_build_id() {
  Search search{reinterpret_cast<std::uintptr_t>(&own_build_id), {}};
  dl_iterate_phdr(&visit, &search);
  return search.id;
}

}  // namespace hearsay::jit
