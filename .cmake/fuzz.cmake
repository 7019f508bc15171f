# moebius_fuzz(<name> SOURCES ... LIBS ... CORPUS <folder>): one fuzz target, one seed corpus.
# With MOEBIUS_FUZZ (clang++; the preset asan) it is a libFuzzer binary, and CTest runs it for
# MOEBIUS_FUZZ_SECONDS of the environment (10 if unset) from the corpus, label fuzz. Otherwise the same function is
# linked to tests/fuzz/replay.cc, and CTest replays the corpus, label unit.
add_custom_target(moebius_fuzzers)  # builds every fuzz target, and nothing else
function(moebius_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE moebius_options ${arg_LIBS})
  add_dependencies(moebius_fuzzers ${name})
  if(MOEBIUS_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}.found)
    file(MAKE_DIRECTORY ${found})
    # Through a shell, so that the seconds are those of the run, not of the configuration.
    add_test(NAME ${name} COMMAND sh -c "exec \"$@\" -max_total_time=\${MOEBIUS_FUZZ_SECONDS:-10}"
      sh $<TARGET_FILE:${name}> ${found} ${arg_CORPUS}
      -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -artifact_prefix=${found}/)
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 3600)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc)
    add_dependencies(moebius_tests ${name})
    add_test(NAME ${name} COMMAND ${name} ${arg_CORPUS})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${MOEBIUS_TEST_TIMEOUT})
  endif()
endfunction()
