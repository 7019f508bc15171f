# moebius_test(<name> <label> SOURCES ... LIBS ...): one test binary, one label.
# Labels: unit, property, golden, e2e run anywhere; gpu needs a device.
function(moebius_test name label)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE moebius_options ${arg_LIBS} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 300
    ENVIRONMENT "MOEBIUS_SHARED=$ENV{MOEBIUS_SHARED}")
endfunction()
