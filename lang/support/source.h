// Source text and positions in it. A span is a half-open range of bytes in one file.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace hearsay {

/// A file of a SourceManager, counted from 1. `FileId{}` is no file: what has no place in any text (a missing script).
enum class FileId : std::uint32_t {};

/// A half-open byte range [begin, end) of one source file.
struct SourceSpan {
  FileId file{};
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const SourceSpan&, const SourceSpan&) = default;
};

/// The smallest span that covers both (which must lie in one file).
SourceSpan join(SourceSpan a, SourceSpan b);

/// 1-based line, and 1-based column counted in Unicode code points.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// Owns the text of every file that was read; spans refer to it by FileId. Stored text never moves.
class SourceManager {
public:
  /// `text` may hold any bytes, at most 2^32 - 1 of them (what is beyond cannot be addressed by a span).
  FileId add(std::string name, std::string text);

  [[nodiscard]] bool contains(FileId file) const;
  // The name, text or line of a file that is not here is empty; offsets beyond the end mean the end.
  [[nodiscard]] std::string_view name(FileId file) const;
  [[nodiscard]] std::string_view text(FileId file) const;
  [[nodiscard]] std::string_view text(SourceSpan span) const;
  [[nodiscard]] LineColumn locate(FileId file, std::uint32_t offset) const;
  /// The whole line (without its end) that holds `offset`, and where that line begins.
  [[nodiscard]] std::string_view line_at(FileId file, std::uint32_t offset, std::uint32_t& begin) const;

private:
  struct File {
    std::string name;
    std::string text;
    std::vector<std::uint32_t> line_starts;
  };
  [[nodiscard]] const File* find(FileId id) const;
  [[nodiscard]] static std::size_t line_index(const File& file, std::uint32_t offset);

  std::deque<File> files_;
};

}  // namespace hearsay
