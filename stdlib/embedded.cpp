#include "stdlib/embedded.h"

namespace hearsay::stdlib {

const File* find(std::string_view name) {
  for (const File& file : files())
    if (file.name == name) return &file;
  return nullptr;
}

}  // namespace hearsay::stdlib
