# moebius_test(<name> <label> SOURCES ... LIBS ...): one test binary, one label.
# Labels: unit, property, golden, e2e run anywhere; gpu needs a device. The environment reaches
# the test as it is when ctest runs: MOEBIUS_SHARED (reference data), MOEBIUS_SEED.
# MOEBIUS_TEST_FLAGS: what tests alone are compiled with, after everything else.
set(MOEBIUS_TEST_FLAGS "" CACHE STRING "Compiler options of tests")
set(MOEBIUS_TEST_TIMEOUT 600 CACHE STRING "Seconds until CTest kills a test")
# MOEBIUS_PCH: tests read the large headers that most of them want precompiled. As with MOEBIUS_UNITY,
# a file shows elsewhere that it includes what it uses.
option(MOEBIUS_PCH "Precompile the headers of tests" OFF)
if(MOEBIUS_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/test_headers.cc "")
  add_library(moebius_test_headers OBJECT ${CMAKE_BINARY_DIR}/test_headers.cc)
  target_link_libraries(moebius_test_headers PRIVATE moebius_options GTest::gtest nlohmann_json::nlohmann_json)
  target_compile_options(moebius_test_headers PRIVATE ${MOEBIUS_TEST_FLAGS})
  set(moebius_test_headers_flags "${MOEBIUS_TEST_FLAGS}")
  target_precompile_headers(moebius_test_headers PRIVATE
    <gtest/gtest.h> <nlohmann/json.hpp> <algorithm> <cmath> <filesystem> <fstream> <functional>
    <map> <memory> <random> <sstream> <string> <thread> <vector>)
endif()
add_custom_target(moebius_tests)  # builds every test, and nothing else
# The tests that need a GPU, below the build folder: what scripts/gpu runs, where that may have come
# from another machine.
file(WRITE ${CMAKE_BINARY_DIR}/gpu_tests.txt "")
function(moebius_test name label)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE moebius_options ${arg_LIBS} GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${MOEBIUS_TEST_FLAGS})
  if(TARGET moebius_test_headers AND MOEBIUS_TEST_FLAGS STREQUAL moebius_test_headers_flags)
    target_precompile_headers(${name} REUSE_FROM moebius_test_headers)
  endif()
  add_dependencies(moebius_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${MOEBIUS_TEST_TIMEOUT})
  if(label STREQUAL gpu)
    file(RELATIVE_PATH path ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/${name})
    file(APPEND ${CMAKE_BINARY_DIR}/gpu_tests.txt "${path}\n")
  endif()
endfunction()

# moebius_in_sandbox(<name> ...): tests that run programs in the sandbox. One at a time: several
# fork bombs and busy loops at once would starve each other's clocks.
function(moebius_in_sandbox)
  foreach(name IN LISTS ARGN)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK sandbox)
  endforeach()
endfunction()
