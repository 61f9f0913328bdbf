# Writes a C++ file that holds other files as bytes. Run by the build: cmake -D OUTPUT=… -D HEADER=… -D SYMBOL=… -D FILES=a,b,… -P embed.cmake
# HEADER declares SYMBOL (with namespace): a function without arguments that returns std::span<const {name, text}>.
string(REPLACE "," ";" files "${FILES}")
string(REGEX REPLACE "::[A-Za-z_]+$" "" namespace "${SYMBOL}")
string(REGEX REPLACE "^.*::" "" function "${SYMBOL}")

set(entries "")
set(count 0)
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  # Hexadecimal: exact for every byte, and safe from CMake's own reading of brackets and semicolons.
  file(READ "${file}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  string(APPEND entries "    {\"${name}\", {\"${bytes}\", ${size}}},\n")
  math(EXPR count "${count} + 1")
endforeach()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
#include <array>

#include "@HEADER@"

namespace @namespace@ {
namespace {

using Entry = decltype(@function@())::value_type;
constexpr std::array<Entry, @count@> entries{{
@entries@}};

}  // namespace

decltype(@function@()) @function@() { return entries; }

}  // namespace @namespace@
]])
file(TOUCH "${OUTPUT}")  # newer than its inputs even when the content is as before, so that the build does not repeat this
