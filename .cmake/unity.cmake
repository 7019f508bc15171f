# moebius_unity(<target> [EXCEPT <source> ...]): with MOEBIUS_UNITY the target is compiled eight
# files at a time, which reads the large headers once for all of them. The presets check, asan and
# tsan do so: elsewhere every file is compiled alone and shows that it includes what it uses.
# EXCEPT: files whose local names are those of another file.
# MOEBIUS_PLAIN_FLAGS: what libraries named by moebius_plain() are compiled with, after everything
# else: those whose work is done by others. The sanitized builds do not optimise them.
set(MOEBIUS_PLAIN_FLAGS "" CACHE STRING "Compiler options of libraries that do no heavy work")
function(moebius_plain)
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${MOEBIUS_PLAIN_FLAGS}>)
  endforeach()
endfunction()

option(MOEBIUS_UNITY "Compile several files at a time" OFF)
function(moebius_unity target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT")
  if(MOEBIUS_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_compile_options(${target} PRIVATE  # local types are local to all eight
      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
    set_source_files_properties(${arg_EXCEPT} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()
