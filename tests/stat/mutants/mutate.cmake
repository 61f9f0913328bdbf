# cmake -D "MUTANTS=…,…" -D SOURCE_FOLDER=… -D OUTPUT=… -P mutate.cmake: writes a copy of one source file with faults in
# it, each of them asleep until HEARSAY_FAULT names it. A mutant is a text file with lines `file: …`, `from: …` and
# `to: …`; what stands behind `from: ` must occur exactly once, and is a statement (it ends in `;`) or an expression.
string(REPLACE "," ";" mutants "${MUTANTS}")
foreach(mutant IN LISTS mutants)
  cmake_path(GET mutant STEM name)
  file(READ ${mutant} text)
  foreach(key file from to)
    if(NOT text MATCHES "\n${key}: ([^\n]*)")
      message(FATAL_ERROR "${mutant}: there is no line `${key}: …`")
    endif()
    set(${key} "${CMAKE_MATCH_1}")
  endforeach()
  if(NOT DEFINED source)
    file(READ ${SOURCE_FOLDER}/${file} source)
  endif()
  string(FIND "${source}" "${from}" first)
  string(FIND "${source}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "${mutant}: `${from}` must occur exactly once in ${file}; bring the mutant up to date")
  endif()
  if(from MATCHES ";$")
    set(faulty "{ if (hearsay_fault(\"${name}\")) { ${to} } else { ${from} } }")
  else()
    set(faulty "(hearsay_fault(\"${name}\") ? (${to}) : (${from}))")
  endif()
  string(REPLACE "${from}" "${faulty}" source "${source}")
endforeach()
set(awake [[
#include <cstdlib>
#include <string_view>
static bool hearsay_fault(std::string_view name) {
  static const char* const awake = std::getenv("HEARSAY_FAULT");
  return awake != nullptr && name == awake;
}
]])
file(WRITE ${OUTPUT} "${awake}${source}")
