// Arrays of many megabytes: their first touch costs more than their arithmetic where every 4 KiB page is a fault of its
// own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace hearsay {

/// Tells the operating system that this memory is about to be filled and better had in large pages. A hint: nothing
/// that can be observed but time depends on it.
void prefer_large_pages(void* from, std::size_t bytes) noexcept;

/// A vector of `size` elements, written once, block by block and in order: `fill(first, block)` fills the elements from
/// `first` on. (A vector that is made first and filled then is written twice.)
template <class T, class Fill>
[[nodiscard]] std::vector<T> filled(std::size_t size, Fill&& fill) {
  constexpr std::size_t block_size = 4096;
  std::vector<T> all;
  all.reserve(size);
  prefer_large_pages(all.data(), size * sizeof(T));
  std::vector<T> block(std::min(size, block_size));
  for (std::size_t done = 0; done < size; done += block.size()) {
    block.resize(std::min(block_size, size - done));
    fill(done, block);
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

}  // namespace hearsay
