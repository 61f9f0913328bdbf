#include "runtime/infer/nuts/checkpoint_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace hearsay::nuts {
namespace {

/// An open file, closed with it.
class File {
public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() { (void)close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] bool write(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const auto n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  [[nodiscard]] bool read(std::vector<std::byte>& out) const {
    std::array<std::byte, 65536> part{};
    for (;;) {
      const auto n = ::read(descriptor_, part.data(), part.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n == 0;
      out.insert(out.end(), part.begin(), part.begin() + n);
    }
  }
  [[nodiscard]] bool to_disk() const { return ::fsync(descriptor_) == 0; }
  [[nodiscard]] bool close() {
    if (descriptor_ < 0) return true;
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    return result == 0;
  }

private:
  int descriptor_;
};

Error failed(const char* verb, const std::string& path) {
  return {ErrorKind::bad_checkpoint,
          std::string("cannot ") + verb + " `" + path + "`: " + std::generic_category().message(errno), "", 0, 0};
}

}  // namespace

std::optional<Error> write_checkpoint(const std::string& path, std::span<const std::byte> bytes) {
  const std::string fresh = path + ".new";
  File file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return failed("open", fresh);
  if (!file.write(bytes) || !file.to_disk() || !file.close()) return failed("write", fresh);
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed("replace", path);
  // The new name must be on the disk too; folders that cannot be synchronised do their best.
  const std::size_t slash = path.rfind('/');
  const File folder(slash == std::string::npos ? "." : path.substr(0, slash + 1), O_RDONLY | O_DIRECTORY);
  if (folder.is_open()) (void)folder.to_disk();
  return std::nullopt;
}

tl::expected<std::vector<std::byte>, Error> read_checkpoint(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) return tl::unexpected(failed("open", path));
  std::vector<std::byte> bytes;
  if (!file.read(bytes)) return tl::unexpected(failed("read", path));
  return bytes;
}

}  // namespace hearsay::nuts
