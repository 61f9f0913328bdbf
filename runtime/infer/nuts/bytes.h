// Numbers to bytes and back, exactly. Bytes are those of this machine: a checkpoint is for the build that wrote it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace hearsay::nuts {

class ByteWriter {
public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    append(&value, sizeof value);
  }
  void put(std::span<const double> values) {
    put(static_cast<std::uint64_t>(values.size()));
    append(values.data(), values.size_bytes());
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

private:
  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  std::vector<std::byte> bytes_;
};

/// Reading past the end gives zeros and empty arrays, and ok() is false from then on.
class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T>
  T get() {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    T value{};
    extract(&value, sizeof value);
    return value;
  }
  std::vector<double> doubles() {
    const auto count = get<std::uint64_t>();
    if (count > rest_.size() / sizeof(double)) {
      ok_ = false;
      return {};
    }
    std::vector<double> values(count);
    extract(values.data(), count * sizeof(double));
    return values;
  }
  void fail() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

private:
  void extract(void* data, std::size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return;
    }
    if (size > 0) std::memcpy(data, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace hearsay::nuts
