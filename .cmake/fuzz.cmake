# moebius_fuzz(<name> SOURCES ... LIBS ... CORPUS <folder>): one fuzz target, one seed corpus.
# With MOEBIUS_FUZZ (clang++) it is a libFuzzer binary; otherwise the same function is linked
# to tests/fuzz/replay.cc, and CTest replays the corpus.
function(moebius_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE moebius_options ${arg_LIBS})
  if(MOEBIUS_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(run ${name} -max_total_time=$ENV{MOEBIUS_FUZZ_SECONDS} -rss_limit_mb=2048 -timeout=10
        ${CMAKE_CURRENT_BINARY_DIR}/${name}.found ${arg_CORPUS})
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${name}.found)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc)
    set(run ${name} ${arg_CORPUS})
  endif()
  add_test(NAME ${name} COMMAND ${run})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
