#include "jit/engine/object_cache.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

namespace hearsay::jit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "hearsay object 1\n";
constexpr std::size_t digits = 64;

}  // namespace

std::string fingerprint(std::string_view text) {
  const auto digest =
      llvm::SHA256::hash(llvm::ArrayRef<std::uint8_t>(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  return llvm::toHex(digest, /*LowerCase=*/true);
}

std::optional<ObjectCache> ObjectCache::from_environment() {
  const auto variable = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
  };
  if (std::getenv("HEARSAY_CACHE") != nullptr) {
    const std::string_view folder = variable("HEARSAY_CACHE");
    if (folder.empty()) return std::nullopt;
    return ObjectCache(fs::path(folder));
  }
  if (const auto folder = variable("XDG_CACHE_HOME"); !folder.empty()) return ObjectCache(fs::path(folder) / "hearsay");
  if (const auto home = variable("HOME"); !home.empty()) return ObjectCache(fs::path(home) / ".cache" / "hearsay");
  return std::nullopt;
}

std::optional<std::string> ObjectCache::load(const std::string& key) const {
  const fs::path file = path(key);
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t head = magic.size() + digits;
  if (content.size() < head || !std::string_view(content).starts_with(magic)) return std::nullopt;
  std::string object = content.substr(head);
  if (fingerprint(object) != std::string_view(content).substr(magic.size(), digits)) return std::nullopt;
  std::error_code ignored;  // the time of last use orders the removal; a read-only cache does without
  fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
  return object;
}

void ObjectCache::store(const std::string& key, std::string_view object) const {
  static std::atomic<std::uint64_t> counter{0};
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return;
  const std::uint64_t ordinal = counter.fetch_add(1);
  const fs::path temporary = folder_ / (key + "." + std::to_string(getpid()) + "." + std::to_string(ordinal) + ".tmp");
  {
    std::ofstream out(temporary, std::ios::binary);
    out << magic << fingerprint(object) << object;
    if (!out.flush()) {
      out.close();
      fs::remove(temporary, error);
      return;
    }
  }
  fs::rename(temporary, path(key), error);
  if (error) fs::remove(temporary, error);
  if (ordinal % 64 == 0) trim(limit_bytes);
}

void ObjectCache::trim(std::uintmax_t bytes) const {
  struct File {
    fs::file_time_type used;
    std::uintmax_t size;
    fs::path path;
  };
  std::vector<File> files;
  std::uintmax_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string extension = it->path().extension().string();
    if (extension != ".o" && extension != ".tmp") continue;  // nothing that isn't ours
    std::error_code gone;
    const auto size = it->file_size(gone);
    const auto used = it->last_write_time(gone);
    if (gone) continue;
    files.push_back({used, size, it->path()});
    total += size;
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (total <= bytes) break;
    fs::remove(file.path, error);
    total -= file.size;
  }
}

}  // namespace hearsay::jit
