#include "lang/support/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "lang/support/utf8.h"

namespace hearsay {
namespace {

std::string system_reason(int error) { return std::generic_category().message(error); }

/// A file descriptor that closes itself.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  [[nodiscard]] int get() const { return fd_; }
  /// 0, or the error number of a close that failed (a full disk may be reported only here).
  int close() {
    if (fd_ < 0) return 0;
    const int status = ::close(fd_);
    fd_ = -1;
    return status == 0 ? 0 : errno;
  }

private:
  int fd_;
};

/// 0, or the error number.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

/// Opens a new file next to `path`, with what the umask allows; its name goes to `name`. -1 and errno when that fails.
int create_beside(const std::string& path, std::string& name) {
  static std::atomic<unsigned> counter{0};
  while (true) {
    name = fmt::format("{}.{}-{}.tmp", path, ::getpid(), counter.fetch_add(1));
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;  // a name left over by a process that died is passed over
  }
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, SourceSpan from) {
  const auto refuse = [&](const std::string& why) {
    return fail(diagnose<DiagnosticKind::file_not_readable>(from, path, why));
  };
  // A path with a NUL inside would silently name another file.
  if (path.find('\0') != std::string::npos) return refuse("the name holds a NUL byte");
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return refuse(system_reason(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return refuse(system_reason(errno));
  if (S_ISDIR(info.st_mode)) return refuse("it is a folder");
  std::string text;
  try {
    // One byte more than the file is said to hold, so that the end is seen without growing; pipes say 0 and grow.
    text.resize(S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) + 1 : 4096);
    std::size_t used = 0;
    while (true) {
      if (used == text.size()) text.resize(2 * text.size());
      const ssize_t n = ::read(file.get(), text.data() + used, text.size() - used);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return refuse(system_reason(errno));
      if (n == 0) break;
      used += static_cast<std::size_t>(n);
    }
    text.resize(used);
  } catch (const std::exception&) {
    return refuse("it does not fit into memory");
  }
  return text;
}

Result<void> write_text_file(const std::string& path, std::string_view text, SourceSpan from) {
  const auto refuse = [&](const std::string& why) {
    return fail(diagnose<DiagnosticKind::file_not_writable>(from, path, why));
  };
  if (path.find('\0') != std::string::npos) return refuse("the name holds a NUL byte");
  struct stat info {};
  const bool replaces = ::stat(path.c_str(), &info) == 0;
  if (replaces && S_ISDIR(info.st_mode)) return refuse("it is a folder");
  if (replaces && !S_ISREG(info.st_mode)) {  // a device or a pipe (/dev/stdout) cannot be renamed over: write into it
    Descriptor out(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (out.get() < 0) return refuse(system_reason(errno));
    if (const int error = write_all(out.get(), text)) return refuse(system_reason(error));
    if (const int error = out.close()) return refuse(system_reason(error));
    return {};
  }
  // What a symbolic link points to is replaced, not the link.
  std::string target = path;
  if (replaces) {
    std::error_code error;
    target = std::filesystem::canonical(path, error).string();
    if (error) return refuse(error.message());
  }
  std::string temporary;
  const int fd = create_beside(target, temporary);
  if (fd < 0) return refuse(system_reason(errno));
  Descriptor out(fd);
  int error = write_all(out.get(), text);
  if (error == 0 && replaces && ::fchmod(out.get(), info.st_mode & 07777U) != 0) error = errno;
  if (error == 0 && ::fsync(out.get()) != 0) error = errno;
  if (const int close_error = out.close(); error == 0) error = close_error;
  if (error == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return refuse(system_reason(error));
  }
  return {};
}

std::size_t find_invalid_text(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    // Eight plain ASCII bytes at a time: no high bit anywhere, and no byte is zero (the usual borrow trick).
    while (i + 8 <= text.size()) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      constexpr std::uint64_t high = 0x8080808080808080U;
      if ((word & high) != 0 || ((word - 0x0101010101010101U) & ~word & high) != 0) break;
      i += 8;
    }
    if (i == text.size()) break;
    const std::size_t length = text[i] == '\0' ? 0 : utf8_sequence_length(text.substr(i, 4));
    if (length == 0) return i;
    i += length;
  }
  return text.size();
}

Result<void> check_text(std::string_view name, std::string_view text, SourceSpan from) {
  const std::size_t at = find_invalid_text(text);
  if (at == text.size()) return {};
  const auto [line, column] = locate_in(text, at);
  return fail(diagnose<DiagnosticKind::file_not_text>(
                  from, name, line, column,
                  text[at] == '\0' ? std::string("a NUL byte")
                                   : fmt::format("byte 0x{:02x}, which is not valid UTF-8",
                                                 static_cast<unsigned>(static_cast<unsigned char>(text[at]))))
                  .with_help("save the file as UTF-8 text"));
}

LineColumn locate_in(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  LineColumn at;
  std::size_t line_start = 0;
  for (std::size_t i = before.find('\n'); i != std::string_view::npos; i = before.find('\n', i + 1)) {
    ++at.line;
    line_start = i + 1;
  }
  at.column += static_cast<std::uint32_t>(utf8_count(before.substr(line_start)));
  return at;
}

}  // namespace hearsay
