# moebius_fuzz(<name> SOURCES ... LIBS ... CORPUS <folder>): one fuzz target, one seed corpus.
# With MOEBIUS_FUZZ (clang++) it is a libFuzzer binary; otherwise the same function is linked
# to tests/fuzz/replay.cc, and CTest replays the corpus. A fuzz run ends after
# MOEBIUS_FUZZ_SECONDS of the environment at configure time, 30 if unset.
function(moebius_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE moebius_options ${arg_LIBS})
  if(MOEBIUS_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(seconds 30)
    if(DEFINED ENV{MOEBIUS_FUZZ_SECONDS})
      set(seconds $ENV{MOEBIUS_FUZZ_SECONDS})
    endif()
    set(run ${name} -max_total_time=${seconds} -rss_limit_mb=2048 -timeout=10
        ${CMAKE_CURRENT_BINARY_DIR}/${name}.found ${arg_CORPUS})
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${name}.found)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc)
    set(run ${name} ${arg_CORPUS})
  endif()
  add_test(NAME ${name} COMMAND ${run})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
