#include "tests/layering/tree.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

namespace hearsay::layering {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> layers{"stdlib", "lang", "jit", "runtime"};  // each may use those before it

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string_view first_part(std::string_view path) { return path.substr(0, path.find('/')); }

bool is_ours(std::string_view path) { return std::ranges::find(layers, first_part(path)) != layers.end(); }

std::ptrdiff_t height(std::string_view path) { return std::ranges::find(layers, first_part(path)) - layers.begin(); }

bool is_under(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

/// The deepest library whose folder holds the file or folder `path`; empty if there is none.
std::string owner(const Libraries& libraries, std::string path) {
  while (!libraries.contains(path)) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {};
    path.resize(slash);
  }
  return path;
}

void check_library(const std::string& folder, const std::set<std::string>& uses, std::vector<std::string>& found) {
  for (const std::string& used : uses) {
    if (height(used) > height(folder)) found.push_back(folder + " uses " + used + ", which is a layer above it");
    const bool engine = is_under(folder, "runtime/infer");
    if (engine && (is_under(used, "lang/ir") || is_under(used, "lang/eval") || is_under(used, "jit")))
      found.push_back(folder + " is an inference engine and reaches " + used + "; it should see lang/model only");
  }
}

void check_file(const std::string& path, const std::string& source, const Libraries& libraries,
                std::vector<std::string>& found) {
  const std::string folder = owner(libraries, path);
  if (folder.empty()) {
    found.push_back(path + " belongs to no hearsay_library");
    return;
  }
  for (const std::string& included : read_includes(source)) {
    const std::string sentence = path + " includes " + included;
    if (included.starts_with("boost/spirit") && !is_under(path, "lang/parse"))
      found.push_back(sentence + ", but Spirit X3 stays in lang/parse");
    if ((is_under(included, "llvm") || is_under(included, "llvm-c")) && !is_under(path, "jit"))
      found.push_back(sentence + ", but LLVM stays in jit");
    if (included.starts_with("./") || included.starts_with("../"))
      found.push_back(sentence + "; write the path from the root of the project");
    if (!is_ours(included)) continue;
    const std::string other = owner(libraries, included);
    if (other.empty())
      found.push_back(sentence + ", which belongs to no hearsay_library");
    else if (!libraries.at(folder).contains(other) && !is_under(folder, other))
      found.push_back(sentence + ", but " + folder + " may not use " + other);
  }
}

}  // namespace

Libraries read_libraries(std::string_view cmake) {
  std::string text;  // without comments
  for (const std::string& line : lines_of(cmake)) text += line.substr(0, line.find('#')) + "\n";

  Libraries libraries;
  constexpr std::string_view call = "hearsay_library(";
  for (std::size_t at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;  // the function's own definition
    const std::size_t begin = at + call.size();
    std::istringstream words(text.substr(begin, text.find(')', begin) - begin));
    std::string folder;
    words >> folder;
    std::set<std::string>& uses = libraries[folder];
    uses.insert(folder);
    for (std::string word; words >> word;)
      if (is_ours(word)) uses.insert(word);
  }

  // Using is transitive: repeat until nothing is added.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [folder, uses] : libraries) {
      const std::size_t before = uses.size();
      for (const std::string& used : std::set<std::string>(uses))
        if (const auto other = libraries.find(used); other != libraries.end())
          uses.insert(other->second.begin(), other->second.end());
      changed = changed || uses.size() != before;
    }
  }
  return libraries;
}

std::vector<std::string> read_includes(std::string_view source) {
  std::vector<std::string> paths;
  for (const std::string& line : lines_of(source)) {
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    const std::size_t word = line.find_first_not_of(" \t", hash + 1);
    if (word == std::string::npos || line.compare(word, 7, "include") != 0) continue;
    const std::size_t open = line.find_first_of("<\"", word + 7);
    if (open == std::string::npos) continue;
    const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close != std::string::npos) paths.push_back(line.substr(open + 1, close - open - 1));
  }
  return paths;
}

std::vector<std::string> violations(const fs::path& root) {
  const Libraries libraries = read_libraries(read_file(root / "CMakeLists.txt"));
  std::vector<std::string> found;
  for (const auto& [folder, uses] : libraries) check_library(folder, uses, found);

  std::set<std::string> files;
  for (const std::string_view layer : layers) {
    if (!fs::is_directory(root / layer)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / layer)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".h" || extension == ".hpp" || extension == ".cpp" || extension == ".def")
        files.insert(entry.path().lexically_relative(root).generic_string());
    }
  }
  for (const std::string& file : files) check_file(file, read_file(root / file), libraries, found);
  return found;
}

}  // namespace hearsay::layering
