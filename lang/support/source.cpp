#include "lang/support/source.h"

#include <algorithm>

#include "lang/support/utf8.h"

namespace hearsay {
namespace {

/// Where `line` (one line with its end) ends without "\n" or "\r\n".
std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

SourceSpan join(SourceSpan a, SourceSpan b) { return {a.file, std::min(a.begin, b.begin), std::max(a.end, b.end)}; }

FileId SourceManager::add(std::string name, std::string text) {
  File& file = files_.emplace_back(File{std::move(name), std::move(text), {0}});
  for (std::size_t i = file.text.find('\n'); i != std::string::npos; i = file.text.find('\n', i + 1))
    file.line_starts.push_back(static_cast<std::uint32_t>(i + 1));
  return static_cast<FileId>(files_.size());
}

const SourceManager::File* SourceManager::find(FileId id) const {
  const auto number = static_cast<std::size_t>(id);
  return number >= 1 && number <= files_.size() ? &files_[number - 1] : nullptr;
}

bool SourceManager::contains(FileId file) const { return find(file) != nullptr; }

std::string_view SourceManager::name(FileId file) const {
  const File* f = find(file);
  return f ? std::string_view(f->name) : std::string_view();
}

std::string_view SourceManager::text(FileId file) const {
  const File* f = find(file);
  return f ? std::string_view(f->text) : std::string_view();
}

std::string_view SourceManager::text(SourceSpan span) const {
  const std::string_view all = text(span.file);
  const std::size_t begin = std::min<std::size_t>(span.begin, all.size());
  const std::size_t end = std::clamp<std::size_t>(span.end, begin, all.size());
  return all.substr(begin, end - begin);
}

std::size_t SourceManager::line_index(const File& file, std::uint32_t offset) {
  const auto after = std::upper_bound(file.line_starts.begin(), file.line_starts.end(), offset);
  return static_cast<std::size_t>(after - file.line_starts.begin()) - 1;  // the first start is 0, so `after` is not it
}

LineColumn SourceManager::locate(FileId id, std::uint32_t offset) const {
  const File* file = find(id);
  if (!file) return {};
  const auto clamped = static_cast<std::uint32_t>(std::min<std::size_t>(offset, file->text.size()));
  const std::size_t line = line_index(*file, clamped);
  const std::uint32_t start = file->line_starts[line];
  // An offset inside a code point belongs to it: count the code points that end before or at the offset.
  const std::string_view rest = std::string_view(file->text).substr(start);
  std::uint32_t column = 1;
  for (std::size_t at = 0; at < rest.size(); ++column) {
    at += utf8_front(rest.substr(at)).length;
    if (at > clamped - start) break;
  }
  return {static_cast<std::uint32_t>(line + 1), column};
}

std::string_view SourceManager::line_at(FileId id, std::uint32_t offset, std::uint32_t& begin) const {
  begin = 0;
  const File* file = find(id);
  if (!file) return {};
  const std::size_t line =
      line_index(*file, static_cast<std::uint32_t>(std::min<std::size_t>(offset, file->text.size())));
  begin = file->line_starts[line];
  const std::size_t end = line + 1 < file->line_starts.size() ? file->line_starts[line + 1] : file->text.size();
  return without_end(std::string_view(file->text).substr(begin, end - begin));
}

}  // namespace hearsay
