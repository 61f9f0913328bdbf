// The source tree as the build sees it: folders, what each may use, and what its files include.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hearsay::layering {

/// Folder of a library ("lang/sema") to the folders that it may use, itself and what those use included.
using Libraries = std::map<std::string, std::set<std::string>>;

/// Reads the lines `hearsay_library(FOLDER [USES …])` of a CMakeLists.txt. Names that are no folders of ours are left
/// out.
[[nodiscard]] Libraries read_libraries(std::string_view cmake);

/// The paths that a C++ source includes, in either kind of bracket, in order.
[[nodiscard]] std::vector<std::string> read_includes(std::string_view source);

/// Everything in the tree under `root` that breaks a rule, one sentence each, in the order of the files:
/// an include of ours that the USES lines don't allow (a folder may also see the headers of the folder that it lies in:
/// they are the interface that it implements), a file that no library owns, a library that uses a higher layer (lang,
/// then jit, then runtime), an inference engine that reaches the IR or the compiler, X3 outside lang/parse, LLVM
/// outside jit.
[[nodiscard]] std::vector<std::string> violations(const std::filesystem::path& root);

}  // namespace hearsay::layering
