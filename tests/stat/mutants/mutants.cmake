# Mutants: a test that no fault in the program can fail is worthless, so for each *.mutant a program with that fault is
# run, and the test case that it names must fail. One program a source file: the file is compiled again, with all its
# faults (asleep but for the one that HEARSAY_FAULT names), and linked before the library that holds the sound one; the
# tests' own objects are those of test_stat. Nothing is built unless ctest, or `./dev build mutants`, asks for it.
add_custom_target(mutants)
add_test(NAME mutants/build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target mutants)
set_tests_properties(mutants/build PROPERTIES FIXTURES_SETUP mutants)

# With all faults asleep the program passes (PASSES), with one of them it fails, and without crashing.
function(hearsay_mutant_test test program fault test_case passes)
  add_test(NAME ${test} COMMAND ${program} --test-case=${test_case})
  # The number of models does not depend on the environment.
  set_tests_properties(${test} PROPERTIES FIXTURES_REQUIRED mutants ENVIRONMENT "HEARSAY_MODELS=150;HEARSAY_FAULT=${fault}")
  if(NOT passes)
    set_tests_properties(${test} PROPERTIES PASS_REGULAR_EXPRESSION "Status: FAILURE!"
                         FAIL_REGULAR_EXPRESSION "CRASHED|threw exception")
  endif()
endfunction()

file(GLOB mutants CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/stat/mutants/*.mutant)
set(mutated "")
foreach(mutant IN LISTS mutants)
  cmake_path(GET mutant STEM name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${mutant})
  file(READ ${mutant} text)
  string(REGEX MATCH "\nfile: ([^\n]*)" ignored "${text}")
  set(file ${CMAKE_MATCH_1})
  string(REGEX MATCH "\ncaught by: ([^\n]*)" ignored "${text}")
  set(test_case ${CMAKE_MATCH_1})
  string(MAKE_C_IDENTIFIER "mutants_of_${file}" program)
  if(NOT file IN_LIST mutated)
    list(APPEND mutated ${file})
    hearsay_mutant_test(mutant/none/${file} ${program} none ${test_case} TRUE)
  endif()
  list(APPEND ${program} ${mutant})
  hearsay_mutant_test(mutant/${name} ${program} ${name} ${test_case} FALSE)
endforeach()

foreach(file IN LISTS mutated)
  string(MAKE_C_IDENTIFIER "mutants_of_${file}" program)
  set(output ${CMAKE_BINARY_DIR}/mutants/${program}.cpp)
  list(JOIN ${program} "," list)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D "MUTANTS=${list}" -D SOURCE_FOLDER=${CMAKE_SOURCE_DIR} -D OUTPUT=${output}
            -P ${CMAKE_SOURCE_DIR}/tests/stat/mutants/mutate.cmake
    DEPENDS ${${program}} ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/tests/stat/mutants/mutate.cmake VERBATIM)
  add_executable(${program} EXCLUDE_FROM_ALL ${output} $<TARGET_OBJECTS:hearsay_stat_tests>)
  target_include_directories(${program} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${program} PRIVATE -O0)
  target_link_libraries(${program} PRIVATE hearsay_reference_models hearsay_runtime_session doctest::doctest)
  add_dependencies(mutants ${program})
endforeach()
