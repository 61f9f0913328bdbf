# The plugin: everything that touches LLVM, in one module that exports one function (jit/plugin_abi.h).
# The loader finds it beside the program, in ../lib/hearsay, or where this build put it.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/jit_module.cpp CONTENT "// The module consists of the library jit/plugin.\n")
add_library(hearsay_jit_module MODULE ${CMAKE_BINARY_DIR}/jit_module.cpp)
set_target_properties(hearsay_jit_module PROPERTIES OUTPUT_NAME hearsay_jit LINKER_LANGUAGE CXX
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/hearsay)
target_link_libraries(hearsay_jit_module PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,hearsay_jit_plugin>")
target_link_options(hearsay_jit_module PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/jit/plugin.map
                    -Wl,--build-id=sha1 -Wl,--gc-sections)
set_target_properties(hearsay_jit_module PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/jit/plugin.map)
add_dependencies(hearsay_jit hearsay_jit_module)
install(TARGETS hearsay_jit_module LIBRARY DESTINATION lib/hearsay)

# Both sides carry the same stamp: C++ objects cross between them, so they must come from one build.
set(HEARSAY_BUILD_STAMP
    "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${HEARSAY_SANITIZE}")
target_compile_definitions(hearsay_jit_plugin PRIVATE HEARSAY_BUILD_STAMP="${HEARSAY_BUILD_STAMP}")
target_compile_definitions(hearsay_jit PRIVATE HEARSAY_BUILD_STAMP="${HEARSAY_BUILD_STAMP}"
                           HEARSAY_JIT_BUILD_PATH="$<TARGET_FILE:hearsay_jit_module>")
